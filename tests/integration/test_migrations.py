"""What a migration does to a database that has something in it."""

from cocosearch.database import connect
from cocosearch.database.connection import Connection
from cocosearch.database.migrations import migrate
from cocosearch.database.models import register_model
from cocosearch.embedding.types import Model
from cocosearch.settings import Settings


def test_graphs_of_older_models_become_those_of_new_ones(database_url: str) -> None:
    settings = Settings(database_url=database_url)
    with connect(settings) as connection:
        migrate(connection)
        old = register_model(connection, Model("old", "digest", 384, 256, 2))
        connection.execute(f"DROP INDEX embeddings_of_model_{old}")
        connection.execute(
            f"CREATE INDEX embeddings_of_model_{old} ON embeddings USING hnsw ((embedding::halfvec(384)) halfvec_cosine_ops)"
            f" WITH (m = 12, ef_construction = 40) WHERE model_id = {old}"
        )
        connection.execute("DELETE FROM migrations WHERE number >= 3")
        assert migrate(connection)[0] == 3
        new = register_model(connection, Model("new", "digest", 384, 256, 2))
        assert _definition(connection, old) == _definition(connection, new)


def _definition(connection: Connection, model_id: int) -> str:
    """How the model's index was made, without the model's number."""
    row = connection.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [f"embeddings_of_model_{model_id}"]).fetchone()
    assert row is not None
    return str(row[0]).replace(f"embeddings_of_model_{model_id}", "").replace(f"model_id = {model_id}", "")
