(class_declaration name: (_) @name) @class
(class name: (_) @name) @class
(function_declaration name: (identifier) @name) @function
(generator_function_declaration name: (identifier) @name) @function
(method_definition name: (_) @name) @method
(lexical_declaration (variable_declarator name: (identifier) @name value: [(arrow_function) (function_expression) (generator_function)])) @function
(variable_declaration (variable_declarator name: (identifier) @name value: [(arrow_function) (function_expression) (generator_function)])) @function
(lexical_declaration (variable_declarator name: (identifier) @name value: (class))) @class
(assignment_expression left: (identifier) @name right: [(arrow_function) (function_expression) (generator_function)]) @function
(expression_statement (assignment_expression left: (member_expression object: (_) @scope property: (_) @name) right: [(arrow_function) (function_expression) (generator_function)])) @function
(expression_statement (assignment_expression left: (member_expression object: (_) @scope property: (_) @name) right: (class))) @class
(pair key: (property_identifier) @name value: [(arrow_function) (function_expression) (generator_function)]) @method
(program (lexical_declaration "const" (variable_declarator name: (identifier) @name value: (_) @_value)) @constant (#not-match? @_value "^require\\b"))
(program (export_statement declaration: (lexical_declaration "const" (variable_declarator name: (identifier) @name))) @constant)
(program (lexical_declaration "let" (variable_declarator name: (identifier) @name)) @variable)
(program (export_statement declaration: (lexical_declaration "let" (variable_declarator name: (identifier) @name))) @variable)
(program (variable_declaration (variable_declarator name: (identifier) @name value: (_) @_value)) @variable (#not-match? @_value "^require\\b"))
((call_expression function: [(identifier) @_call (member_expression object: (identifier) @_call)] arguments: (arguments . [(string) (template_string)] @name . [(arrow_function) (function_expression)])) @module (#match? @_call "^(describe|fdescribe|xdescribe|context|suite)$"))
((call_expression function: [(identifier) @_call (member_expression object: (identifier) @_call) (call_expression function: (member_expression object: (identifier) @_call))] arguments: (arguments . [(string) (template_string)] @name . [(arrow_function) (function_expression)])) @function (#match? @_call "^(it|fit|xit|test|specify|bench)$"))
(decorator) @attached
(comment) @attached
