"""What is known of the versions of pgvector, and which are needed."""

from cocosearch.errors import ExtensionMissingError

# Filtered searches need its iterative index scans.
MIN_PGVECTOR = (0, 8)
# Without the faults of its index that are known.
MENDED_PGVECTOR = (0, 8, 4)
SAFE_IN_PARALLEL = (0, 8, 2)
# By the version that mended each (pgvector's CHANGELOG).
_FAULTS = {
    SAFE_IN_PARALLEL: "building it in parallel can write beyond its memory (so it is built by one process here)",
    (0, 8, 3): "a vacuum beside inserts can damage it",
    MENDED_PGVECTOR: "a vacuum can fail",
}


def written(version: tuple[int, ...]) -> str:
    """As people write it."""
    return ".".join(map(str, version))


def faults(version: tuple[int, ...]) -> list[str]:
    """What is known to be wrong with the vector indexes of that version."""
    return [what for mended_in, what in _FAULTS.items() if version < mended_in]


def extension_missing() -> ExtensionMissingError:
    """The error for a database without pgvector."""
    return ExtensionMissingError(
        "The database does not have the extension vector. A superuser must run: CREATE EXTENSION vector "
        f"(pgvector {written(MIN_PGVECTOR)} or later)."
    )
