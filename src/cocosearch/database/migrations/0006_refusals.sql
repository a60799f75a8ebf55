-- A text that the model refused is asked for again, after longer and longer pauses: what refuses may have been the server's trouble.
ALTER TABLE embeddings
    ADD COLUMN IF NOT EXISTS refusals smallint NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS refused_at timestamptz;
CREATE INDEX IF NOT EXISTS embeddings_refused ON embeddings (model_id, text_digest) WHERE embedding IS NULL;
-- When the first text of a project that was refused is asked for again.
ALTER TABLE projects ADD COLUMN IF NOT EXISTS refusals_due_at timestamptz;
-- What was refused before is asked for at once.
UPDATE projects SET vectors_complete = false WHERE chunks_embedded < chunks;
