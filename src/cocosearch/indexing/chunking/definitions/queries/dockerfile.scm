(from_instruction as: (image_alias) @name) @section.1
(from_instruction (image_spec name: (image_name) @name) . ) @section.1
(comment) @attached
