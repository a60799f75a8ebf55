(class_declaration "interface" (type_identifier) @name) @interface
(class_declaration "enum" (type_identifier) @name) @enum
(class_declaration (type_identifier) @name) @class
(object_declaration (type_identifier) @name) @class
(companion_object (type_identifier) @name) @class
(function_declaration receiver: (receiver_type) @scope (simple_identifier) @name) @function
(function_declaration !receiver (simple_identifier) @name) @function
(type_alias . (type_identifier) @name) @type
(property_declaration (modifiers (property_modifier) @_modifier) (variable_declaration (simple_identifier) @name) (#eq? @_modifier "const")) @constant
(property_declaration receiver: (receiver_type) @scope (variable_declaration (simple_identifier) @name)) @field
(property_declaration (variable_declaration (simple_identifier) @name)) @field
(enum_entry (simple_identifier) @name) @constant
(line_comment) @attached
(multiline_comment) @attached
