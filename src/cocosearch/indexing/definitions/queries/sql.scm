(create_function (object_reference) @qualified) @function
(create_type (object_reference) @qualified) @type
(create_schema (identifier) @name) @module
(create_table (object_reference) @qualified) @resource
(create_view (object_reference) @qualified) @resource
(create_materialized_view (object_reference) @qualified) @resource
(create_index column: (identifier) @name) @resource
(create_trigger (object_reference) @qualified) @resource
(create_sequence (object_reference) @qualified) @resource
(create_extension (identifier) @name) @resource
(create_role (identifier) @name) @resource
(create_database (identifier) @name) @resource
(comment) @attached
(marginalia) @attached
