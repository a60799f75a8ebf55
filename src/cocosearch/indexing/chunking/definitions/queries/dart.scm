(class_definition name: (identifier) @name) @class
(mixin_declaration (mixin) . (identifier) @name) @class
(extension_declaration name: (identifier) @name) @implementation
(enum_declaration name: (identifier) @name) @enum
(enum_constant name: (identifier) @name) @constant
(type_alias . (type_identifier) @name) @type
((method_signature (function_signature name: (identifier) @name)) @method . (function_body) @_until)
((method_signature (getter_signature name: (identifier) @name)) @method . (function_body) @_until)
((method_signature (setter_signature name: (identifier) @name)) @method . (function_body) @_until)
((method_signature (constructor_signature name: (identifier) @name .)) @method . (function_body) @_until)
((method_signature (factory_constructor_signature (identifier) @name . (formal_parameter_list))) @method . (function_body) @_until)
((function_signature name: (identifier) @name) @function . (function_body) @_until)
(declaration (function_signature name: (identifier) @name)) @method
(declaration (constructor_signature name: (identifier) @name . parameters: (_))) @method
(program (static_final_declaration_list (static_final_declaration . (identifier) @name) @constant))
(declaration (static_final_declaration_list (static_final_declaration . (identifier) @name))) @constant
(declaration (initialized_identifier_list (initialized_identifier . (identifier) @name))) @field
(documentation_comment) @attached
(comment) @attached
