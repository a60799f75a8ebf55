(class_definition name: (identifier) @name) @class
(function_definition name: (identifier) @name) @function
(type_alias_statement left: (type (identifier) @name)) @type
(type_alias_statement left: (type (generic_type (identifier) @name))) @type
(module (assignment left: (identifier) @name) @variable)
(module (assignment left: (pattern_list (identifier) @name)) @variable)
(class_definition body: (block (assignment left: (identifier) @name) @field))
(decorator) @attached
(comment) @attached
