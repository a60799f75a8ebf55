-- When the indexer last had a vector from the model: while it embeds, nobody else has to ask whether the model works.
ALTER TABLE indexer_heartbeat ADD COLUMN IF NOT EXISTS vector_at timestamptz;
