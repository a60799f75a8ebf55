(package_statement name: (package) @qualified (block)) @module
(package_statement name: (package) @qualified .) @module.1
(subroutine_declaration_statement name: (_) @name) @function
(method_declaration_statement name: (_) @name) @method
(use_statement module: (package) @_module (list_expression . (_) @name) (#eq? @_module "constant")) @constant
(use_statement module: (package) @_module (anonymous_hash_expression (list_expression (autoquoted_bareword) @name)) (#eq? @_module "constant")) @constant
(source_file (expression_statement (assignment_expression left: (variable_declaration variable: (scalar (varname) @name)) right: (anonymous_subroutine_expression)) @function))
(source_file (expression_statement (assignment_expression left: (variable_declaration variable: (_ (varname) @name))) @variable))
(comment) @attached
