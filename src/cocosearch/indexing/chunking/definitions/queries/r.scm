(binary_operator lhs: [(identifier) (string)] @name operator: ["<-" "=" "<<-"] rhs: (function_definition)) @function
((binary_operator lhs: (identifier) @name operator: ["<-" "=" "<<-"] rhs: (call function: (identifier) @_call)) @class (#match? @_call "^(setRefClass|R6Class|setClass|ggproto)$"))
(program (binary_operator lhs: (identifier) @name operator: ["<-" "=" "<<-"]) @variable)
((call function: (identifier) @_call arguments: (arguments . (argument value: (string) @name))) @class (#eq? @_call "setClass"))
((call function: (identifier) @_call arguments: (arguments . (argument value: (string) @name))) @function (#match? @_call "^(setGeneric|setMethod|test_that)$"))
(argument name: (identifier) @name value: (function_definition)) @method
(comment) @attached
