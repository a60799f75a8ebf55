"""Queries that are about to be embedded announce themselves, so that indexing makes room for them at the embedding server."""

from cocosearch.database.connection import Connection

QUERY_CHANNEL = "cocosearch_queries"


def announce_query(connection: Connection) -> None:
    """Tell every process that sends texts to the embedding server that a query comes now."""
    connection.execute(f"NOTIFY {QUERY_CHANNEL}")
