(rule (targets (word) @name) (#not-match? @name "^[.]")) @section
(variable_assignment name: (word) @name) @variable
(define_directive name: (word) @name) @macro
(comment) @attached
