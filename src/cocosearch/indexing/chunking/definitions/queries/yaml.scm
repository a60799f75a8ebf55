(document (block_node (block_mapping (block_mapping_pair key: (_) @name) @key)))
(document (block_node (block_mapping (block_mapping_pair value: (block_node (block_mapping (block_mapping_pair key: (_) @name value: (block_node [(block_mapping) (block_sequence)])) @key))))))
(block_sequence_item (block_node (block_mapping (block_mapping_pair key: (_) @_key value: (flow_node) @name))) (#eq? @_key "name")) @section
(comment) @attached
