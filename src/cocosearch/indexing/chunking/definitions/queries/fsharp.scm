(namespace name: (long_identifier) @qualified) @module
(named_module name: (long_identifier) @qualified) @module
(module_defn (identifier) @name) @module
(function_or_value_defn (function_declaration_left . (identifier) @name)) @function
(function_or_value_defn (value_declaration_left (identifier_pattern (long_identifier_or_op (identifier) @name))) body: (function_expression)) @function
(function_or_value_defn (value_declaration_left (identifier_pattern (long_identifier_or_op (identifier) @name)))) @variable
(union_type_defn (type_name type_name: (_) @name)) @enum
(record_type_defn (type_name type_name: (_) @name)) @struct
(anon_type_defn (type_name type_name: (_) @name)) @class
(type_abbrev_defn (type_name type_name: (_) @name)) @type
(union_type_case (identifier) @name) @constant
(record_field . (identifier) @name) @field
(member_defn (method_or_prop_defn name: (property_or_ident method: (identifier) @name))) @method
(member_defn (method_or_prop_defn name: (property_or_ident !instance (identifier) @name))) @method
(member_defn (member_signature . (identifier) @name)) @method
(exception_definition exception_name: (_) @name) @type
(line_comment) @attached
(attributes) @attached
