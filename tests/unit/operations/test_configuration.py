"""`cocosearch config show`: the values in force and where they come from."""

import subprocess
import sys
from pathlib import Path

import pytest

from cocosearch.errors import ConfigurationError
from cocosearch.operations.configuration import Value, effective_configuration, settings_table, write_configuration
from cocosearch.settings import Settings, load_settings, variable_name


def shown(directory: Path) -> dict[str, Value]:
    return {value.name: value for value in effective_configuration(load_settings(), directory)}


def test_every_setting_is_shown_with_its_source(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COCOSEARCH_PORT", "9999")
    monkeypatch.setenv("COCOSEARCH_ALLOWED_ROOTS", "/srv/a:/srv/b")
    values = shown(tmp_path)
    assert set(values) == set(Settings.model_fields)
    assert values["port"] == Value("port", "9999", "environment (COCOSEARCH_PORT)")
    assert values["allowed_roots"].value == "/srv/a, /srv/b"
    assert values["host"] == Value("host", "127.0.0.1", "default")


@pytest.mark.parametrize(
    ("field", "url"),
    [
        ("database_url", "postgresql://user:hunter2@db/code"),
        ("database_url", "postgresql:///code?password=hunter2"),
        ("database_url", "host=db password=hunter2"),
        ("ollama_url", "http://user:hunter2@host:11434"),
    ],
)
def test_passwords_are_masked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, field: str, url: str) -> None:
    monkeypatch.setenv(variable_name(field), url)
    assert shown(tmp_path)[field].value == url.replace("hunter2", "***")


def test_a_projects_values_name_their_file(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    inner = tmp_path / "src"
    inner.mkdir()
    config = tmp_path / "cocosearch.yaml"
    config.write_text("name: demo\nexclude: ['*.min.js', 'vendor/']\n")
    values = shown(inner)
    assert values["project.name"] == Value("project.name", "demo", str(config))
    assert values["project.exclude"] == Value("project.exclude", "*.min.js, vendor/", str(config))
    assert values["project.chunk_size"] == Value("project.chunk_size", "", "default")


def test_a_malformed_project_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "cocosearch.yaml").write_text("ollama_url: http://evil\n")
    with pytest.raises(ConfigurationError, match="ollama_url"):
        shown(tmp_path)


def test_a_projects_values_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    write_configuration([Value("project.exclude", "a\x1b[2Jb\nCOCOSEARCH_HOST forged", "file")])
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert out.count("\n") == 1


def test_the_module_prints_the_table_for_the_readme() -> None:
    done = subprocess.run([sys.executable, "-m", "cocosearch.operations.configuration"], capture_output=True, text=True, check=True)
    assert done.stdout == settings_table()
    assert done.stderr == ""


def test_the_table_has_a_row_for_each_setting_and_no_path_of_this_machine() -> None:
    rows = settings_table().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == [variable_name(field) for field in Settings.model_fields]
    assert all(row.count("|") == 4 for row in rows)
    assert str(Path.home()) not in settings_table()
