-- What the last look at a project's files could not honour, such as ignore rules that cannot be read: sentences for its owner.
ALTER TABLE projects ADD COLUMN IF NOT EXISTS notes text[] NOT NULL DEFAULT '{}';
