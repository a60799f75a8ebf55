(module name: (_) @qualified) @module
(class name: (_) @qualified) @class
(method name: (_) @name) @function
(singleton_method name: (_) @name) @method
(alias name: (_) @name) @method
(assignment left: (constant) @name) @constant
(call !receiver method: (identifier) @_attr arguments: (argument_list (simple_symbol) @name) (#match? @_attr "^(attr|attr_reader|attr_writer|attr_accessor|cattr_accessor|mattr_accessor|class_attribute)$")) @field
(call !receiver method: (identifier) @_define arguments: (argument_list . (simple_symbol) @name) (#match? @_define "^(define_method|alias_method|define_singleton_method)$")) @method
((call method: (identifier) @_call arguments: (argument_list . [(string) (constant) (scope_resolution) (simple_symbol)] @name) block: (_)) @module (#match? @_call "^(describe|context|feature|shared_examples|shared_context|shared_examples_for)$"))
((call !receiver method: (identifier) @_call arguments: (argument_list . (string) @name) block: (_)) @function (#match? @_call "^(it|specify|scenario|example|test|should)$"))
((call !receiver method: (identifier) @_call arguments: (argument_list . (simple_symbol) @name)) @method (#match? @_call "^(scope|let|let!|subject|helper_method|delegate|has_many|has_one|belongs_to|has_and_belongs_to_many)$"))
((call !receiver method: (identifier) @_call arguments: (argument_list . [(simple_symbol) @name (hash . (pair key: (_) @name)) (pair key: (_) @name) (string) @name]) block: (_)) @section (#match? @_call "^(task|namespace|factory|trait|desc)$"))
(comment) @attached
