((list_lit . (sym_lit) @_form . (sym_lit name: (_) @name)) @function (#match? @_form "^(defn|defn-|deftest|defmulti|defmethod|defspec|clojure.core/defn|s/defn|>defn)$"))
((list_lit . (sym_lit) @_form . (sym_lit name: (_) @name)) @macro (#eq? @_form "defmacro"))
((list_lit . (sym_lit) @_form . (sym_lit name: (_) @name)) @constant (#match? @_form "^(def|defonce|s/def)$"))
((list_lit . (sym_lit) @_form . (sym_lit name: (_) @name)) @interface (#match? @_form "^(defprotocol|definterface)$"))
((list_lit . (sym_lit) @_form . (sym_lit name: (_) @name)) @class (#match? @_form "^(defrecord|deftype|defstruct)$"))
((list_lit . (sym_lit) @_form . (sym_lit name: (_) @qualified)) @module.1 (#eq? @_form "ns"))
(comment) @attached
