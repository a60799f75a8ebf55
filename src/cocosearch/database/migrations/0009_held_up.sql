-- What a run waits for, or why it ended with everything still to do: a sentence. Nothing is broken, and it is tried again.
ALTER TABLE projects ADD COLUMN IF NOT EXISTS held_up text;
-- Whether that was the database's own disk.
ALTER TABLE projects ADD COLUMN IF NOT EXISTS database_full boolean NOT NULL DEFAULT false;
