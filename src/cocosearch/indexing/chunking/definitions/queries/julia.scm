(module_definition name: (identifier) @name) @module
(struct_definition (type_head [(identifier) @name (parametrized_type_expression . (identifier) @name) (binary_expression . [(identifier) @name (parametrized_type_expression . (identifier) @name)])])) @struct
(abstract_definition (type_head [(identifier) @name (binary_expression . (identifier) @name)])) @type
(function_definition (signature [(call_expression . (_) @qualified) (where_expression . (call_expression . (_) @qualified)) (typed_expression . (call_expression . (_) @qualified))])) @function
(assignment . [(call_expression . (_) @qualified) (where_expression . (call_expression . (_) @qualified)) (typed_expression . (call_expression . (_) @qualified))]) @function
(macro_definition (signature (call_expression . (identifier) @name))) @macro
(const_statement (assignment . (identifier) @name)) @constant
(line_comment) @attached
(block_comment) @attached
