(object_type_definition (name) @name) @type
(interface_type_definition (name) @name) @interface
(union_type_definition (name) @name) @type
(enum_type_definition (name) @name) @enum
(enum_value (name) @name) @constant
(input_object_type_definition (name) @name) @struct
(scalar_type_definition (name) @name) @type
(directive_definition (name) @name) @macro
(object_type_extension (name) @name) @implementation
(interface_type_extension (name) @name) @implementation
(operation_definition (name) @name) @function
(fragment_definition (fragment_name (name) @name)) @struct
(field_definition . (description)? . (name) @name) @field
(input_fields_definition (input_value_definition . (description)? . (name) @name) @field)
(comment) @attached
