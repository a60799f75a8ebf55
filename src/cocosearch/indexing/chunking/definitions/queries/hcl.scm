(block . (identifier) @_type . (string_lit (template_literal) @scope) . (string_lit (template_literal) @name) (#eq? @_type "resource")) @resource
(block . (identifier) @scope . (string_lit (template_literal) @scope) . (string_lit (template_literal) @name) (#not-eq? @scope "resource")) @resource
(body (block . (identifier) @scope . (string_lit (template_literal) @name) . (block_start)) @resource)
(config_file (body (block . (identifier) @name . (block_start)) @resource))
(config_file (body (attribute (identifier) @name) @key))
(config_file (body (block . (identifier) @_block (body (attribute (identifier) @name) @key)) (#eq? @_block "locals")))
(comment) @attached
