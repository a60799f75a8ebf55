-- The indexer's sign of life: one row, written every few seconds by its main loop.
CREATE TABLE IF NOT EXISTS indexer_heartbeat (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    host text NOT NULL,
    pid integer NOT NULL,
    beat_at timestamptz NOT NULL,
    -- In words, for an operator.
    doing text NOT NULL
);
