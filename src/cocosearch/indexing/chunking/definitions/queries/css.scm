(mixin_statement name: (identifier) @name) @function
(function_statement name: (identifier) @name) @function
(rule_set (selectors (placeholder (identifier) @name))) @section
(keyframes_statement (keyframes_name) @name) @section
((declaration (property_name) @name) @variable (#match? @name "^(--|[$])"))
(comment) @attached
