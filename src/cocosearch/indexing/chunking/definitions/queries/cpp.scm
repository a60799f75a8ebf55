(namespace_definition name: (_) @qualified) @module
(class_specifier name: (type_identifier) @name body: (_)) @class
(class_specifier name: (template_type name: (_) @name) body: (_)) @class
(class_specifier name: (qualified_identifier) @qualified body: (_)) @class
(struct_specifier name: (template_type name: (_) @name) body: (_)) @struct
(struct_specifier name: (qualified_identifier) @qualified body: (_)) @struct
(template_declaration (class_specifier name: (type_identifier) @name body: (_))) @class
(template_declaration (struct_specifier name: (type_identifier) @name body: (_))) @struct
(template_declaration (class_specifier name: (template_type name: (_) @name) body: (_))) @class
(template_declaration (struct_specifier name: (template_type name: (_) @name) body: (_))) @struct
(function_definition declarator: (function_declarator declarator: [(field_identifier) (destructor_name) (operator_name)] @name)) @function
(function_definition declarator: (_ (function_declarator declarator: [(field_identifier) (operator_name)] @name))) @function
(function_definition declarator: (_ (function_declarator declarator: (identifier) @name))) @function
(function_definition declarator: (operator_cast "operator" @name)) @function
(function_definition declarator: (function_declarator declarator: (qualified_identifier) @qualified)) @method
(function_definition declarator: (_ (function_declarator declarator: (qualified_identifier) @qualified))) @method
(function_definition declarator: (function_declarator declarator: (template_function name: (_) @name))) @function
(declaration declarator: (function_declarator declarator: [(destructor_name) (operator_name)] @name)) @function
(declaration declarator: (_ (function_declarator declarator: [(identifier) (operator_name)] @name))) @function
(field_declaration declarator: (function_declarator declarator: [(field_identifier) (operator_name)] @name)) @method
(field_declaration declarator: (_ (function_declarator declarator: [(field_identifier) (operator_name)] @name))) @method
(template_declaration (function_definition declarator: (function_declarator declarator: [(identifier) (field_identifier) (operator_name)] @name))) @function
(template_declaration (function_definition declarator: (_ (function_declarator declarator: [(identifier) (field_identifier) (operator_name)] @name)))) @function
(template_declaration (function_definition declarator: (function_declarator declarator: (qualified_identifier) @qualified))) @method
(template_declaration (function_definition declarator: (_ (function_declarator declarator: (qualified_identifier) @qualified)))) @method
(template_declaration (declaration declarator: (function_declarator declarator: [(identifier) (operator_name)] @name))) @function
(template_declaration (declaration declarator: (_ (function_declarator declarator: [(identifier) (operator_name)] @name)))) @function
(template_declaration (declaration (type_qualifier) declarator: (init_declarator declarator: (identifier) @name))) @constant
(alias_declaration name: (_) @name) @type
(template_declaration (alias_declaration name: (_) @name)) @type
(concept_definition name: (_) @name) @type
(template_declaration (concept_definition name: (_) @name)) @type
(namespace_definition body: (declaration_list (declaration (type_qualifier) declarator: (init_declarator declarator: (identifier) @name)) @constant))
(field_declaration (storage_class_specifier) (type_qualifier) declarator: (field_identifier) @name) @constant
