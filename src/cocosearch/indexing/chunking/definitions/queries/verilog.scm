(module_declaration (module_header (simple_identifier) @name)) @module
(interface_declaration (_ (interface_identifier) @name)) @interface
(package_declaration (package_identifier) @name) @module
(program_declaration (_ (program_identifier) @name)) @module
(class_declaration . (class_identifier) @name) @class
(class_declaration "class" . (class_identifier) @name) @class
(function_declaration (function_body_declaration (function_identifier) @name)) @function
(task_declaration (task_body_declaration (task_identifier) @name)) @function
(class_constructor_declaration "new" @name) @method
(type_declaration (simple_identifier) @name) @type
(text_macro_definition (text_macro_name (text_macro_identifier) @name)) @macro
(local_parameter_declaration (list_of_param_assignments (param_assignment (parameter_identifier) @name))) @constant
(comment) @attached
