(abstract_class_declaration name: (_) @name) @class
(interface_declaration name: (_) @name) @interface
(type_alias_declaration name: (_) @name) @type
(enum_declaration name: (_) @name) @enum
(enum_assignment name: (_) @name) @constant
(enum_body name: (property_identifier) @constant @name)
(internal_module name: (_) @qualified) @module
(module name: (_) @name) @module
(function_signature name: (_) @name) @function
(method_signature name: (_) @name) @method
(abstract_method_signature name: (_) @name) @method
(public_field_definition name: (_) @name value: [(arrow_function) (function_expression)]) @method
(public_field_definition name: (_) @name) @field
(property_signature name: (_) @name) @field
(ambient_declaration (lexical_declaration "const" (variable_declarator name: (identifier) @name))) @constant
