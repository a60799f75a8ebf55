(value_definition (let_binding pattern: [(value_name) (parenthesized_operator)] @name (parameter)) @function)
(value_definition (let_binding pattern: (value_name) @name body: [(fun_expression) (function_expression)]) @function)
(compilation_unit (value_definition (let_binding pattern: (value_name) @name) @variable))
(structure (value_definition (let_binding pattern: (value_name) @name) @variable))
(value_specification [(value_name) (parenthesized_operator)] @name) @variable
(external (value_name) @name) @function
(type_binding name: (_) @name) @type
(exception_definition (constructor_declaration (constructor_name) @name)) @type
(constructor_declaration (constructor_name) @name) @constant
(field_declaration (field_name) @name) @field
(module_binding (module_name) @name) @module
(module_type_definition (module_type_name) @name) @interface
(class_binding (class_name) @name) @class
(class_type_binding (class_type_name) @name) @interface
(method_definition (method_name) @name) @method
(comment) @attached
