"""The command as users start it: in a process of its own where imports, streams and exit codes matter."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cocosearch import __version__
from cocosearch.cli.main import main
from cocosearch.indexing.chunking.definitions import Kind
from cocosearch.search.types import SearchRequest

HEAVY = ("cocoindex", "fastmcp", "psycopg", "httpx", "rich", "pydantic", "yaml", "numpy")
SILENCED = (
    "COCOINDEX_DISABLE_USAGE_TRACKING",
    "FASTMCP_CHECK_FOR_UPDATES",
    "FASTMCP_ENV_FILE",
    "FASTMCP_TELEMETRY_MODE",
    "ORT_DISABLE_TELEMETRY",
)
COMMANDS = [
    *(["index"], ["search"], ["list"], ["status"], ["clear"], ["mcp"], ["doctor"], ["config"], ["config", "show"], ["version"]),
    *(["health"], ["indexer"], ["database"], ["database", "bootstrap"], ["database", "migrate"], ["model", "ensure"], ["token", "create"]),
    ["token", "show"],
]


def clean_environment(**given: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COCOSEARCH_", "COCOINDEX_", "FASTMCP_", "ORT_"))}
    return {**kept, **given}


def python(code: str, **environment: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=clean_environment(**environment)).stdout


def command(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    whole = [sys.executable, "-m", "cocosearch", *arguments]
    return subprocess.run(whole, capture_output=True, text=True, check=False, cwd=cwd, env=clean_environment(**environment))


@pytest.mark.parametrize("argument", ["--version", "version", "--help"])
def test_the_quick_commands_import_nothing_heavy(argument: str) -> None:
    code = f"""
import sys
from cocosearch.cli.main import main
try:
    main([{argument!r}])
except SystemExit:
    pass
print("imported:", sorted(set({HEAVY!r}) & set(sys.modules)))
"""
    out = python(code)
    assert out.endswith("imported: []\n")
    if argument != "--help":
        assert out.startswith(f"cocosearch {__version__}\n")


def test_importing_the_package_silences_the_libraries_below() -> None:
    code = f"import cocosearch, os; print([os.environ.get(name) for name in {SILENCED!r}])"
    silenced = f"{['1', 'off', os.devnull, 'off', '1']}\n"
    assert python(code) == silenced
    assert python(code, COCOINDEX_DISABLE_USAGE_TRACKING="0", FASTMCP_ENV_FILE=".env", FASTMCP_TELEMETRY_MODE="on") == silenced


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_every_command_has_a_help_text(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--help"])
    assert ended.value.code == 0
    help_text = capsys.readouterr().out
    assert help_text.startswith(f"usage: cocosearch {' '.join(arguments)}")
    assert len(help_text.split("\n\n")[1]) > 10


@pytest.mark.parametrize(
    "arguments",
    [
        *(
            [],
            ["unheard-of"],
            ["index"],
            ["search"],
            ["clear"],
            ["config"],
            ["database", "drop"],
            ["token", "create"],
            ["mcp", "--transport", "x"],
        ),
        *(
            ["search", "x", "--limit", "many"],
            ["search", "x", "--max-tokens", "few"],
            ["mcp", "--port", "x"],
            ["database", "bootstrap"],
            ["--unheard-of"],
        ),
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_two_and_a_usage_line(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: cocosearch")


def test_a_kind_that_there_is_not_is_answered_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["search", "x", "--kind", "klass"])
    assert ended.value.code == 2
    assert f"'klass' is no kind of definition. Did you mean 'class'? There are {', '.join(Kind)}." in capsys.readouterr().err


def test_the_options_of_a_search_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def search(request: SearchRequest, *, explain: bool, as_json: bool) -> int:
        asked.extend((request, explain, as_json))
        return 0

    monkeypatch.setattr("cocosearch.cli.commands.search", search)
    filters = ["--project", "p", "--language", "go", "--path", "*.go", "--symbol", "Run", "--kind", "method"]
    assert main(["search", "x", "-n", "3", *filters, "--whole", "--max-tokens", "900", "--explain", "--json"]) == 0
    wanted = SearchRequest("x", 3, "p", "go", "*.go", symbol="Run", kind="method", whole_definitions=True, max_tokens=900)
    assert asked == [wanted, True, True]
    asked.clear()
    main(["search", "x"])
    assert asked == [SearchRequest("x"), False, False]


def test_a_wrong_setting_ends_with_two_and_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COCOSEARCH_PROT", "1")
    assert main(["config", "show"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == "cocosearch: Unknown setting COCOSEARCH_PROT in the environment. Did you mean COCOSEARCH_PORT?\n"


def test_a_service_that_is_down_ends_with_one_and_one_line() -> None:
    for arguments in (["list"], ["search", "x"]):
        done = command(
            *arguments, COCOSEARCH_DATABASE_URL="postgresql://user:hunter2@127.0.0.1:1/x", COCOSEARCH_OLLAMA_URL="http://127.0.0.1:1"
        )
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("cocosearch: ")
        assert done.stderr.count("\n") == 1
        assert "hunter2" not in done.stderr


def test_no_error_steers_the_terminal(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["index", f"{tmp_path}/\x1b[2J\nforged"]) == 2
    captured = capsys.readouterr()
    assert "\x1b" not in captured.err
    assert captured.err.count("\n") == 1


def test_the_configuration_is_valid_json_for_a_machine(tmp_path: Path) -> None:
    (tmp_path / "cocosearch.yaml").write_text("name: demo\nexclude: ['é\\n']\n", encoding="utf-8")
    done = command("config", "show", "--json", cwd=tmp_path, COCOSEARCH_PORT="9999")
    values = {value["name"]: value for value in json.loads(done.stdout)}
    assert (done.returncode, done.stderr) == (0, "")
    assert values["port"]["value"] == "9999"
    assert values["project.exclude"]["value"] == "é\\n"


def test_text_that_the_terminal_cannot_show_is_no_crash(tmp_path: Path) -> None:
    (tmp_path / "cocosearch.yaml").write_text("exclude: ['日本']\n", encoding="utf-8")
    done = command("config", "show", cwd=tmp_path, PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u65e5\\u672c" in done.stdout


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_has_enough_is_no_error(unbuffered: str, tmp_path: Path) -> None:
    whole = [sys.executable, "-m", "cocosearch", "config", "show"]
    read_end, write_end = os.pipe()
    os.close(read_end)
    environment = clean_environment(PYTHONUNBUFFERED=unbuffered)
    done = subprocess.run(whole, stdout=write_end, stderr=subprocess.PIPE, text=True, check=False, cwd=tmp_path, env=environment)
    os.close(write_end)
    assert (done.returncode, done.stderr) == (0, "")


def test_health_of_the_parts_needs_no_server(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing is there: the server's own question fails with a sentence, the parts are named one by one."""
    monkeypatch.setenv("COCOSEARCH_DATABASE_URL", f"postgresql:///nowhere?host={tmp_path}")
    monkeypatch.setenv("COCOSEARCH_OLLAMA_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("COCOSEARCH_PORT", "9")
    assert main(["health"]) == 1
    assert "No answer from" in capsys.readouterr().err
    assert main(["health", "--parts", "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["ok"], answer["parts"]) == (
        False,
        {"database": "down", "extension": "unknown", "indexer": "unknown", "ollama": "down", "model": "unknown", "disk": "ok"},
    )


def test_the_token_is_shown_to_who_may_read_it(tmp_path: Path) -> None:
    """Comments and empty lines are not tokens; a file of others is a sentence; without one there is none."""
    file = tmp_path / "token"
    file.write_text("# mine\n\n" + "a" * 32 + "\n" + "b" * 40 + "\n")
    file.chmod(0o600)
    assert command("token", "show", COCOSEARCH_TOKEN_FILE=str(file)).stdout == "a" * 32 + "\n" + "b" * 40 + "\n"
    missing = command("token", "show", COCOSEARCH_TOKEN_FILE=str(tmp_path / "missing"))
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "cannot be read" in missing.stderr
    without = command("token", "show")
    assert (without.returncode, without.stdout) == (2, "")
    assert "COCOSEARCH_TOKEN_FILE is not set" in without.stderr
