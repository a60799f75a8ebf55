(preproc_def name: (_) @name) @macro
(preproc_function_def name: (_) @name) @macro
(function_definition declarator: (function_declarator declarator: (identifier) @name)) @function
(function_definition declarator: (pointer_declarator declarator: (function_declarator declarator: (identifier) @name))) @function
(function_definition declarator: (pointer_declarator declarator: (pointer_declarator declarator: (function_declarator declarator: (identifier) @name)))) @function
(function_definition declarator: (parenthesized_declarator (function_declarator declarator: (identifier) @name))) @function
(function_definition declarator: (function_declarator declarator: (parenthesized_declarator (identifier) @name))) @function
(declaration declarator: (function_declarator declarator: (identifier) @name)) @function
(declaration declarator: (pointer_declarator declarator: (function_declarator declarator: (identifier) @name))) @function
(declaration declarator: (pointer_declarator declarator: (pointer_declarator declarator: (function_declarator declarator: (identifier) @name)))) @function
(struct_specifier name: (type_identifier) @name body: (_)) @struct
(union_specifier name: (type_identifier) @name body: (_)) @struct
(enum_specifier name: (type_identifier) @name body: (_)) @enum
(type_definition type: (struct_specifier body: (_)) declarator: (type_identifier) @name) @struct
(type_definition type: (union_specifier body: (_)) declarator: (type_identifier) @name) @struct
(type_definition type: (enum_specifier body: (_)) declarator: (type_identifier) @name) @enum
(type_definition declarator: (type_identifier) @name) @type
(type_definition declarator: (pointer_declarator declarator: (type_identifier) @name)) @type
(type_definition declarator: (function_declarator declarator: (parenthesized_declarator (pointer_declarator declarator: (type_identifier) @name)))) @type
(enumerator name: (identifier) @name) @constant
(translation_unit (declaration (type_qualifier "const") declarator: (init_declarator declarator: (identifier) @name)) @constant)
(preproc_ifdef (declaration (type_qualifier "const") declarator: (init_declarator declarator: (identifier) @name)) @constant)
(preproc_if (declaration (type_qualifier "const") declarator: (init_declarator declarator: (identifier) @name)) @constant)
(preproc_else (declaration (type_qualifier "const") declarator: (init_declarator declarator: (identifier) @name)) @constant)
(translation_unit (declaration declarator: (init_declarator declarator: (identifier) @name)) @variable)
(preproc_ifdef (declaration declarator: (init_declarator declarator: (identifier) @name)) @variable)
(preproc_if (declaration declarator: (init_declarator declarator: (identifier) @name)) @variable)
(preproc_else (declaration declarator: (init_declarator declarator: (identifier) @name)) @variable)
(translation_unit (declaration declarator: (init_declarator declarator: (array_declarator declarator: (identifier) @name))) @variable)
(preproc_ifdef (declaration declarator: (init_declarator declarator: (array_declarator declarator: (identifier) @name))) @variable)
(preproc_if (declaration declarator: (init_declarator declarator: (array_declarator declarator: (identifier) @name))) @variable)
(preproc_else (declaration declarator: (init_declarator declarator: (array_declarator declarator: (identifier) @name))) @variable)
(comment) @attached
