(class_definition name: (identifier) @name) @class
(function_definition name: (identifier) @name) @function
(type_alias_statement left: (type (identifier) @name)) @type
(type_alias_statement left: (type (generic_type (identifier) @name))) @type
((assignment left: (identifier) @name) @variable (#not-eq? @name "_"))
((assignment left: [(pattern_list (identifier) @name) (tuple_pattern (identifier) @name) (list_pattern (identifier) @name)]) @variable (#not-eq? @name "_"))
((assignment left: (_ [(tuple_pattern (identifier) @name) (list_pattern (identifier) @name) (list_splat_pattern (identifier) @name)])) @variable (#not-eq? @name "_"))
((assignment left: (_ (_ (list_splat_pattern (identifier) @name)))) @variable (#not-eq? @name "_"))
(decorator) @attached
(comment) @attached
