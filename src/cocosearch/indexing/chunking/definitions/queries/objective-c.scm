(class_interface . (identifier) @name) @class
(class_implementation . (identifier) @name) @implementation
(protocol_declaration . (identifier) @name) @interface
(method_declaration (method_type) . (identifier) @name) @method
(method_definition (method_type) . (identifier) @name) @method
(property_declaration (struct_declaration (struct_declarator [(identifier) @name (pointer_declarator declarator: (identifier) @name)]))) @field
(translation_unit (declaration declarator: (init_declarator declarator: (pointer_declarator (type_qualifier) declarator: (identifier) @name))) @constant)
