(fun_decl clause: (function_clause name: (atom) @name)) @function
(module_attribute name: (atom) @name) @module.1
(pp_define lhs: (macro_lhs name: (_) @name)) @macro
(record_decl name: (atom) @name) @struct
(type_alias name: (type_name name: (atom) @name)) @type
(opaque name: (type_name name: (atom) @name)) @type
(callback fun: (atom) @name) @function
(comment) @attached
(spec) @attached
