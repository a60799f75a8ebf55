(message (message_name (_) @name)) @struct
(enum (enum_name (_) @name)) @enum
(service (service_name (_) @name)) @interface
(rpc (rpc_name (_) @name)) @method
(comment) @attached
