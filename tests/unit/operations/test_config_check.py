"""`cocosearch config check`: what the units read is judged by the program, all of it at once, and no password is repeated."""

from pathlib import Path

import pytest

from cocosearch.cli.main import main
from cocosearch.errors import ConfigurationError
from cocosearch.operations.configuration import read_environment, refused_settings
from cocosearch.settings import Settings, variable_name

# As an installation for the network writes them.
GOOD = {
    "COCOINDEX_DISABLE_USAGE_TRACKING": "1",
    "COCOSEARCH_DATABASE_URL": "postgresql:///cocosearch?host=/run/cocosearch-postgresql",
    "COCOSEARCH_HOST": "0.0.0.0",  # noqa: S104
    "COCOSEARCH_TRANSPORT": "http",
    "COCOSEARCH_TOKEN_FILE": "/run/cocosearch-token/token",
}
REFUSED = {
    "database_url": "postgresql://me:pa/ss@word@db/x",
    "ollama_url": "gpu:11434",
    "model": "",
    "document_prompt": "x" * 2001,
    "query_prompt": "x" * 2001,
    "transport": "bogus",
    "host": "not a host",
    "port": "65536",
    "allowed_roots": "srv/projects",
    "low_space_bytes": "1G",
    "max_file_bytes": "many",
    "max_project_files": "0",
    "engine_map_bytes": "4G",
    "embed_batch": "0",
    "embed_timeout_seconds": "-1",
    "query_timeout_seconds": "0",
    "statement_timeout_seconds": "soon",
    "refresh_seconds": "0.1",
    "max_searches": "0",
    "max_queued_jobs": "0",
    "log_level": "loud",
}
# Any text is one.
FREE = {"allowed_hosts", "token_file", "state_dir", "database_dir", "models_dir"}


def test_each_setting_can_be_refused() -> None:
    assert REFUSED.keys() | FREE == set(Settings.model_fields)


def test_what_is_right_is_not_refused() -> None:
    assert refused_settings(GOOD) == []


@pytest.mark.parametrize("field", REFUSED)
def test_a_refused_value_is_named(field: str) -> None:
    (sentence,) = refused_settings({**GOOD, variable_name(field): REFUSED[field]})
    assert sentence.startswith(variable_name(field))
    assert "pa/ss" not in sentence
    assert "word" not in sentence.removeprefix(variable_name(field)).replace("password", "")


def test_all_that_is_wrong_is_said_at_once() -> None:
    sentences = refused_settings({**GOOD, "COCOSEARCH_PORT": "many", "COCOSEARCH_TRANSPRT": "http", "COCOSEARCH_MAX_SEARCHES": "0"})
    assert [sentence.split()[0 if sentence.startswith("COCO") else 2].split("=")[0] for sentence in sentences] == [
        "COCOSEARCH_TRANSPRT",
        "COCOSEARCH_PORT",
        "COCOSEARCH_MAX_SEARCHES",
    ]


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:secret/piece@db/x",
        "postgresql://me:sec ret@db/x",
        "postgresql://me:secret%@db/x",
        "postgresql://me:secret/piece@db:5432/x?sslmode=require",
        "postgresql://db:secret/x",
        "postgresql://me@db/x?secret=1",
        "secret",
    ],
)
def test_a_password_that_is_not_escaped_is_never_repeated(url: str) -> None:
    (sentence,) = refused_settings({**GOOD, "COCOSEARCH_DATABASE_URL": url})
    assert sentence.startswith("COCOSEARCH_DATABASE_URL is not valid")
    assert "secret" not in sentence
    assert "piece" not in sentence


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///cocosearch",
        "postgresql://me:a%2Fb%40c@db:5432/x?sslmode=require",
        "postgresql://me@[::1]:5432/x",
        "postgresql://me@one:5432,two/x?target_session_attrs=read-write",
        "postgresql://user:hunter2@127.0.0.1:1/none",
        "host=db password=hunter2",
        "postgresql://postgres@/postgres?host=%2Ftmp%2Fx",
        "postgresql:///x?host=/tmp/a@b",
        "postgresql://me:a?b#c@db/x",
        "postgresql://db?user=me",
    ],
)
def test_what_libpq_takes_is_taken(url: str) -> None:
    assert refused_settings({**GOOD, "COCOSEARCH_DATABASE_URL": url}) == []


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "search.example"])  # noqa: S104
def test_beyond_loopback_there_has_to_be_a_token(host: str) -> None:
    without = {name: value for name, value in GOOD.items() if name != "COCOSEARCH_TOKEN_FILE"}
    (sentence,) = refused_settings({**without, "COCOSEARCH_HOST": host})
    assert "token create" in sentence
    assert refused_settings({**without, "COCOSEARCH_HOST": "127.0.0.1"}) == []


def test_files_are_read_as_systemd_reads_them(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("# a comment\nCOCOSEARCH_MODEL='it'\"'\"'s $HOME %h'\n\nCOCOSEARCH_PORT='8080'\n")
    second.write_text("COCOSEARCH_PORT='9090'\n")
    assert read_environment([first, second]) == {"COCOSEARCH_MODEL": "it's $HOME %h", "COCOSEARCH_PORT": "9090"}


@pytest.mark.parametrize("text", ["COCOSEARCH_MODEL='two\nlines'\n", "COCOSEARCH_MODEL\n", "export A='b'\n", "='b'\n"])
def test_what_is_no_line_of_such_a_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "env").write_text(text)
    with pytest.raises(ConfigurationError, match=r"Line 1 of .*/env is no NAME='value'"):
        read_environment([tmp_path / "env"])


def test_the_command_tells_by_its_exit_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "env"
    file.write_text("COCOSEARCH_TRANSPORT='bogus'\n")
    assert main(["config", "check", "--environment-file", str(file)]) == 78
    assert capsys.readouterr().err.startswith("cocosearch: COCOSEARCH_TRANSPORT='bogus' is not valid")
    file.write_text("COCOSEARCH_TRANSPORT='http'\n")
    assert main(["config", "check", "--environment-file", str(file)]) == 0
    assert main(["config", "check", "--environment-file", str(tmp_path / "none")]) == 2
