(call target: (identifier) @_k (arguments . (alias) @qualified) (do_block) (#eq? @_k "defmodule")) @module
(call target: (identifier) @_k (arguments . (alias) @qualified) (do_block) (#eq? @_k "defprotocol")) @interface
(call target: (identifier) @_k (arguments . (alias) @qualified .) (do_block) (#eq? @_k "defimpl")) @implementation
(call target: (identifier) @_k (arguments . (alias) @scope (keywords (pair value: (alias) @qualified))) (do_block) (#eq? @_k "defimpl")) @implementation
(call target: (identifier) @_k (arguments . [(call target: (identifier) @name) (identifier) @name (binary_operator left: (call target: (identifier) @name) operator: "when") (binary_operator left: (identifier) @name operator: "when")]) (#match? @_k "^(def|defp|defdelegate|defn|defnp)$")) @function
(call target: (identifier) @_k (arguments . [(call target: (identifier) @name) (identifier) @name (binary_operator left: (call target: (identifier) @name) operator: "when")]) (#match? @_k "^(defmacro|defmacrop|defguard|defguardp)$")) @macro
(unary_operator operator: "@" operand: (call target: (identifier) @_t (arguments (binary_operator left: [(identifier) @name (call target: (identifier) @name)] operator: "::"))) (#match? @_t "^(type|typep|opaque)$")) @type
(unary_operator operator: "@" operand: (call target: (identifier) @_t (arguments (binary_operator left: (call target: (identifier) @name) operator: "::"))) (#match? @_t "^(callback|macrocallback)$")) @function
(unary_operator operator: "@" operand: (call target: (identifier) @_t) (#match? @_t "^(doc|spec|typedoc|impl|deprecated|since|dialyzer)$")) @attached
(call target: (identifier) @_k (arguments . (string) @name) (do_block) (#eq? @_k "describe")) @module
(call target: (identifier) @_k (arguments . (string) @name) (do_block) (#match? @_k "^(test|property)$")) @function
(comment) @attached
