-- Why everything that is indexed gets other vectors; null when they are complete.
ALTER TABLE projects ADD COLUMN IF NOT EXISTS anew text;
-- What the rows were made by, so that a program that makes others can say so beforehand.
ALTER TABLE projects ADD COLUMN IF NOT EXISTS rows_version integer;
