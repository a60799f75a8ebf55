-- One row for each model state ever used: vectors of different digests, prompts or dimensions never meet in a comparison.
CREATE TABLE models (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    digest text NOT NULL,
    prompt_version integer NOT NULL,
    dimensions integer NOT NULL CHECK (dimensions BETWEEN 1 AND 4000),
    UNIQUE (name, digest, prompt_version)
);

CREATE TABLE projects (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
    root text NOT NULL UNIQUE,
    model_id integer REFERENCES models,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'indexing', 'ready', 'failed')),
    requested_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    indexed_at timestamptz,
    checked_at timestamptz,
    last_error text,
    skipped jsonb NOT NULL DEFAULT '{}',
    files_total integer NOT NULL DEFAULT 0,
    files_done integer NOT NULL DEFAULT 0,
    chunks_done integer NOT NULL DEFAULT 0,
    -- Of the files and the configuration that the last complete run saw: equal digest, nothing to do.
    listing_digest bytea,
    -- Carried by the engine's state directory too: where the two differ, one of them was lost or restored, and the project is rebuilt.
    engine_identity uuid,
    engine_generation bigint NOT NULL DEFAULT 0
);

CREATE TABLE files (
    project_id integer NOT NULL REFERENCES projects ON DELETE CASCADE,
    path text NOT NULL,
    language text NOT NULL,
    chunk_count integer NOT NULL,
    -- Why a listed file has no chunks (binary, ...); NULL for an indexed one.
    skip_reason text,
    PRIMARY KEY (project_id, path)
);

CREATE TABLE chunks (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id integer NOT NULL,
    path text NOT NULL,
    ordinal integer NOT NULL,
    language text NOT NULL,
    start_line integer NOT NULL,
    end_line integer NOT NULL,
    symbols text[] NOT NULL,
    text text NOT NULL,
    -- Distinct terms of text, path and symbols, with how often each occurs; term_count is the sum (the length in BM25).
    terms text[] NOT NULL,
    frequencies smallint[] NOT NULL,
    term_count integer NOT NULL,
    model_id integer NOT NULL REFERENCES models,
    -- Unit length. NULL: the model refused this text; the lexical arm still finds it.
    embedding halfvec,
    UNIQUE (project_id, path, ordinal),
    FOREIGN KEY (project_id, path) REFERENCES files ON DELETE CASCADE
);
CREATE INDEX chunks_terms ON chunks USING gin (terms);

CREATE TABLE embeddings (
    model_id integer NOT NULL REFERENCES models ON DELETE CASCADE,
    text_digest bytea NOT NULL,
    embedding halfvec NOT NULL,
    used_on date NOT NULL DEFAULT current_date,
    PRIMARY KEY (model_id, text_digest)
);
