-- How many rows the last complete run left of each kind: fewer later means that somebody or something else has taken them.
ALTER TABLE projects ADD COLUMN IF NOT EXISTS row_counts bigint[];
