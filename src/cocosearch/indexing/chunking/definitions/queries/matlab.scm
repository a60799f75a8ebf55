(class_definition name: (identifier) @name) @class
(function_definition name: (_) @name) @function
(properties (property name: (identifier) @name) @field)
(comment) @attached
