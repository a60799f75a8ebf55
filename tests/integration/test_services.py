import psycopg


def test_a_fresh_database_has_pgvector_with_iterative_scans(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT extversion FROM pg_extension WHERE extname = 'vector'").fetchone()
        assert row is not None
        assert tuple(int(part) for part in row[0].split(".")[:2]) >= (0, 8)
        connection.execute("SET hnsw.iterative_scan = relaxed_order")


def test_the_owner_of_a_fresh_database_is_no_superuser(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user").fetchone()
        assert row == (False, False)
        connection.execute("CREATE TABLE t (v halfvec(3))")
