"""The database: connections, migrations, and what the processes tell each other through it."""

from cocosearch.database.connection import connect, open_pool

__all__ = ["connect", "open_pool"]
