(class_declaration declaration_kind: "struct" name: (_) @name) @struct
(class_declaration declaration_kind: "enum" name: (_) @name) @enum
(class_declaration declaration_kind: "extension" name: (_) @qualified) @implementation
(class_declaration name: (type_identifier) @name) @class
(protocol_declaration name: (_) @name) @interface
(function_declaration "func" . (_) @name) @function
(protocol_function_declaration "func" . (_) @name) @method
(init_declaration "init" @name) @method
(deinit_declaration "deinit" @name) @method
(subscript_declaration "subscript" @name) @method
(typealias_declaration name: (type_identifier) @name) @type
(associatedtype_declaration "associatedtype" . (_) @name) @type
(property_declaration name: (pattern bound_identifier: (_) @name)) @field
(protocol_property_declaration name: (pattern bound_identifier: (_) @name)) @field
(enum_entry name: (_) @name) @constant
(macro_declaration (simple_identifier) @name) @macro
(comment) @attached
(multiline_comment) @attached
