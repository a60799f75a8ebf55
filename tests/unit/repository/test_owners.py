"""Each of these facts has one owner: a module that knows it, and that all others ask."""

import re
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[3] / "src/cocosearch"
# What is decided there, by the words that it cannot be decided without.
OWNERS = {
    "database/projects.py": r"\b(?:UPDATE|INSERT\s+INTO|DELETE\s+FROM|MERGE\s+INTO)\s+projects\b",
    "database/locks.py": r"\bpg_locks\b|\bpg_try_advisory_lock\b",
    "database/notifications.py": r"[\"']NOTIFY |\bpg_notify\b",
    "process/listening.py": r"\.is_loopback\b|\bip_address\(|\bIPPROTO_TCP\b",
    "process/notifying_server.py": r"\buvicorn\.Server\b",
    "process/logs.py": r"\bbasicConfig\(",
    "indexing/freshness.py": r"(?<!def )\blist_files\(",
}


def modules_with(pattern: str) -> set[str]:
    return {
        str(path.relative_to(SOURCES))
        for path in SOURCES.rglob("*.py")
        if re.search(pattern, path.read_text(encoding="utf-8"), re.MULTILINE)
    }


@pytest.mark.parametrize("owner", OWNERS)
def test_a_fact_has_one_owner(owner: str) -> None:
    assert modules_with(OWNERS[owner]) == {owner}
