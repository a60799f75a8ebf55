-- Rows of files are written before their texts are embedded: lexical search answers at once, the dense arm fills in behind.
-- A vector belongs to a text, not to a chunk: equal texts, another checkout and a rebuild share it, and no chunk is ever updated.

DELETE FROM files;
UPDATE projects SET listing_digest = NULL, engine_identity = NULL, state = 'waiting';

-- Drops the models' HNSW indexes on it too.
ALTER TABLE chunks DROP COLUMN embedding;
ALTER TABLE chunks DROP COLUMN model_id;
ALTER TABLE chunks DROP COLUMN term_count;
ALTER TABLE chunks DROP COLUMN frequencies;
ALTER TABLE chunks DROP COLUMN terms;
ALTER TABLE chunks
    -- Qualified name of the smallest definition that the chunk is a part of.
    ADD COLUMN enclosing text,
    -- Of the text that the model reads for this chunk (cocosearch.indexing.engine.embedded_text.embedded_text); see embeddings.
    ADD COLUMN embedded_digest bytea NOT NULL,
    -- Numbers of the distinct terms of text, path and symbols (cocosearch.lexicon.terms), for the candidates.
    ADD COLUMN terms integer[] STORAGE MAIN NOT NULL,
    -- What each of them adds to the chunk's BM25 score for an IDF of one.
    ADD COLUMN weights sparsevec NOT NULL;
ALTER TABLE chunks ALTER COLUMN weights SET STORAGE MAIN;
-- The text lives outside the row, so that what scoring reads lies close together.
ALTER TABLE chunks SET (toast_tuple_target = 256);
-- A search reads the whole list of what is not sorted in yet: 4 MB by default, 2,000 chunks, ten times the time of a search while one is indexing.
CREATE INDEX chunks_terms ON chunks USING gin (terms) WITH (gin_pending_list_limit = 256);
CREATE INDEX chunks_embedded_digest ON chunks (embedded_digest);

-- The embedded text is another one now (cocosearch.prompts.PROMPT_VERSION 2): nobody will ask for an older vector.
UPDATE projects SET model_id = NULL;
DELETE FROM models;
-- The window: rows are cut to it, also while the server is away.
ALTER TABLE models ADD COLUMN context_tokens integer NOT NULL;
-- NULL: the model refused this text.
ALTER TABLE embeddings ALTER COLUMN embedding DROP NOT NULL;
-- A vector counts as used as long as a chunk has its text. Its row is never updated, for that would index the vector again.
ALTER TABLE embeddings DROP COLUMN used_on;
CREATE TABLE unused_embeddings (
    model_id integer NOT NULL,
    text_digest bytea NOT NULL,
    since date NOT NULL DEFAULT current_date,
    PRIMARY KEY (model_id, text_digest),
    FOREIGN KEY (model_id, text_digest) REFERENCES embeddings ON DELETE CASCADE
);

CREATE TABLE definitions (
    project_id integer NOT NULL,
    path text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    qualified_name text NOT NULL,
    start_line integer NOT NULL,
    end_line integer NOT NULL,
    name_line integer NOT NULL,
    FOREIGN KEY (project_id, path) REFERENCES files ON DELETE CASCADE
);
CREATE INDEX definitions_file ON definitions (project_id, path);
CREATE INDEX definitions_name ON definitions (lower(name));

-- In how many chunks a term occurs, as of the last count (cocosearch.database.statistics).
CREATE TABLE term_statistics (
    term integer NOT NULL,
    project_id integer NOT NULL REFERENCES projects ON DELETE CASCADE,
    chunks integer NOT NULL,
    PRIMARY KEY (term, project_id)
);
ALTER TABLE projects DROP COLUMN chunks_done;
ALTER TABLE projects
    -- Kept by the runs, so that a search need not count: what is searchable, and how much of it by meaning.
    ADD COLUMN chunks integer NOT NULL DEFAULT 0,
    ADD COLUMN chunks_embedded integer NOT NULL DEFAULT 0,
    ADD COLUMN chunks_counted integer NOT NULL DEFAULT 0,
    -- The rows are those of listing_digest; whether each of their texts has its vector of model_id is said here.
    ADD COLUMN vectors_complete boolean NOT NULL DEFAULT false;
