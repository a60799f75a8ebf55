"""What processes tell one another through the database, as it happens."""

from cocosearch.database.connection import Connection

# Somebody asks for a run of the project that is named.
REQUESTS = "cocosearch_jobs"
# A query is about to be embedded, so that indexing makes room for it at the embedding server.
QUERIES = "cocosearch_queries"


def announce_request(connection: Connection, project: str) -> None:
    """Tell the indexer, once the transaction commits, that a run of the project is asked for."""
    connection.execute("SELECT pg_notify(%s, %s)", [REQUESTS, project])


def announce_query(connection: Connection) -> None:
    """Tell every process that sends texts to the embedding server that a query comes now."""
    connection.execute(f"NOTIFY {QUERIES}")
