(document (pair . (_) @name) @key)
(table . (_) @qualified) @section
(table_array_element . (_) @qualified) @section
(comment) @attached
