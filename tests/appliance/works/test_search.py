"""Real code, indexed and searched by a real client over HTTP: packages of Python's standard library (see the scenario's prepare.yml)."""

import os
from collections.abc import Iterator

import pytest
from testinfra.host import Host
from tests.appliance.client import Assistant
from tests.appliance.facts import PROJECTS, wait_until

INDEX_SECONDS = 900.0  # the first index embeds everything, on two cores that may be busy
FOLLOW_SECONDS = 60.0

# question: file that answers it. None of the questions holds the file's name.
QUESTIONS = {
    "turn a JSON document into Python objects": "json/decoder.py",
    "roll over the log file when it gets too big": "logging/handlers.py",
    "may a crawler fetch this page of a web site": "urllib/robotparser.py",
    "run callables in a pool of threads": "concurrent/futures/thread.py",
    "keep cookies between requests and expire them": "http/cookiejar.py",
}
# identifier that stands in one file only, and means nothing to a model.
IDENTIFIERS = {
    "NETSCAPE_HEADER_TEXT": "http/cookiejar.py",
    "_sanitize_windows_name": "zipfile/__init__.py",
    "LOG_LOCAL7": "logging/handlers.py",
}


@pytest.fixture(scope="module")
def project(assistant: Assistant) -> str:
    """Name of a project of some hundred files that is indexed and up to date."""
    return _indexed(assistant, "stdlib")


def _indexed(assistant: Assistant, name: str) -> str:
    assert assistant.call("index_project", path=f"{PROJECTS}/{name}")["project"] == name

    def done() -> bool:
        status = assistant.call("index_status", project=name)
        assert status["state"] != "failed", status["last_error"]
        return bool(status["state"] == "ready" and status["indexed_at"])

    wait_until(done, INDEX_SECONDS, f"the index of {name}")
    return name


def test_every_file_is_indexed(host: Host, assistant: Assistant, project: str) -> None:
    listed = host.check_output("cd %s/%s && find . -name '*.py' -size +0 -size -1024k", PROJECTS, project).splitlines()
    status = assistant.call("index_status", project=project)
    assert len(listed) > 150
    # Beside Python there are a few data files that are no secrets and no binaries.
    assert len(listed) <= status["files"] <= len(listed) + 30
    assert status["chunks"] > status["files"]


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_right_file_answers(assistant: Assistant, project: str, question: str) -> None:
    assert QUESTIONS[question] in assistant.paths(question, project=project, limit=5)


@pytest.mark.parametrize("identifier", IDENTIFIERS)
def test_an_identifier_is_found_by_its_letters(assistant: Assistant, project: str, identifier: str) -> None:
    hits = [hit for hit in assistant.search(identifier, project=project, limit=3) if hit["path"] == IDENTIFIERS[identifier]]
    assert hits
    assert "lexical" in hits[0]["arms"]
    assert identifier in hits[0]["text"]


def test_filters_narrow_the_answer(assistant: Assistant, project: str) -> None:
    paths = assistant.paths("parse a header", project=project, path_glob="email/**", limit=10)
    assert len(paths) == 10
    assert all(path.startswith("email/") for path in paths)


@pytest.fixture
def new_file(host: Host, project: str) -> Iterator[str]:
    """Path of a file that is not yet there, gone again after the test."""
    path = f"{PROJECTS}/{project}/quartermaster_{os.urandom(4).hex()}.py"
    yield path
    host.check_output("rm --force %s", path)


def test_the_index_follows_the_files(host: Host, assistant: Assistant, project: str, new_file: str) -> None:
    name = new_file.rsplit("/", 1)[1]
    first, second = (f"reconcile_{os.urandom(4).hex()}" for _ in range(2))

    def write(function: str) -> None:
        host.check_output("printf 'def %%s(ledger):\\n    return sorted(ledger)\\n' %s > %s", function, new_file)

    def found(function: str) -> bool:
        hits = assistant.search(function, project=project, limit=3)
        return any(hit["path"] == name and function in hit["text"] for hit in hits)

    write(first)
    wait_until(lambda: found(first), FOLLOW_SECONDS, "a new file to be found")
    write(second)
    wait_until(lambda: found(second), FOLLOW_SECONDS, "the changed file to be found")
    assert not found(first)
    host.check_output("rm %s", new_file)
    wait_until(lambda: not found(second), FOLLOW_SECONDS, "the deleted file to be gone")


def test_an_index_that_was_interrupted_is_whole(host: Host, assistant: Assistant) -> None:
    """A side effect kills the indexer in the middle of this project; from then on it has to be there, and complete, without a person."""
    names = [project["name"] for project in assistant.call("list_projects")["projects"]]
    if "interrupted" not in names:
        pytest.skip("no indexing was interrupted yet")

    def ready() -> bool:
        return bool(assistant.call("index_status", project="interrupted")["state"] == "ready")

    wait_until(ready, INDEX_SECONDS, "the interrupted indexing to be finished")
    listed = host.check_output("cd %s/interrupted && find . -name '*.py' -size +0", PROJECTS).splitlines()
    assert assistant.call("index_status", project="interrupted")["files"] >= len(listed)
    assert "asyncio/locks.py" in assistant.paths("wait until another task releases the lock", project="interrupted", limit=5)
