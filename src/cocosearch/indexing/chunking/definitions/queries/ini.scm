(section (section_name (text) @name)) @section
(comment) @attached
