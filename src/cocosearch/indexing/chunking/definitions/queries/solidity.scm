(contract_declaration name: (identifier) @name) @class
(interface_declaration name: (identifier) @name) @interface
(library_declaration name: (identifier) @name) @module
(function_definition name: (identifier) @name) @function
(modifier_definition name: (identifier) @name) @function
(constructor_definition "constructor" @name) @method
(struct_declaration name: (identifier) @name) @struct
(enum_declaration name: (identifier) @name) @enum
(event_definition name: (identifier) @name) @type
(error_declaration name: (identifier) @name) @type
(user_defined_type_definition name: (identifier) @name) @type
(state_variable_declaration name: (identifier) @name) @field
(constant_variable_declaration name: (identifier) @name) @constant
(comment) @attached
