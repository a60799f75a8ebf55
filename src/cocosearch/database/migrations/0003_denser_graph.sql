-- A graph with more links, made from more candidates: among 100,000 texts the old one missed too many true neighbours.
-- New models get theirs from register_model; this makes those that there are anew.
DO $$
DECLARE
    graph record;
BEGIN
    FOR graph IN SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'embeddings' AND indexdef LIKE '%USING hnsw%' LOOP
        EXECUTE format('DROP INDEX %I', graph.indexname);
        EXECUTE regexp_replace(graph.indexdef, 'WITH \([^)]*\)', 'WITH (m = 16, ef_construction = 128)');
    END LOOP;
END $$;
