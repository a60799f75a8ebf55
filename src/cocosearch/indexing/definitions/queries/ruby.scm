(module name: (_) @qualified) @module
(class name: (_) @qualified) @class
(method name: (_) @name) @function
(singleton_method name: (_) @name) @method
(alias name: (_) @name) @method
(assignment left: (constant) @name) @constant
(call !receiver method: (identifier) @_attr arguments: (argument_list (simple_symbol) @name) (#match? @_attr "^(attr|attr_reader|attr_writer|attr_accessor|cattr_accessor|mattr_accessor|class_attribute)$")) @field
(call !receiver method: (identifier) @_define arguments: (argument_list . (simple_symbol) @name) (#match? @_define "^(define_method|alias_method|define_singleton_method)$")) @method
(comment) @attached
