(package_object name: (_) @name) @class
(object_definition name: (_) @name) @class
(class_definition name: (_) @name) @class
(trait_definition name: (_) @name) @interface
(enum_definition name: (_) @name) @enum
(simple_enum_case name: (_) @name) @constant
(full_enum_case name: (_) @name) @constant
(function_definition name: (_) @name) @function
(function_declaration name: (_) @name) @function
(given_definition name: (_) @name) @constant
(type_definition name: (_) @name) @type
(val_definition pattern: (identifier) @name) @field
(val_declaration name: (_) @name) @field
(var_definition pattern: (identifier) @name) @field
(comment) @attached
(block_comment) @attached
