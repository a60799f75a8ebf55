"""Settings of a process, from the environment."""

from pathlib import Path

import pytest

from cocosearch.errors import ConfigurationError
from cocosearch.settings import Transport, load_settings, variable_name

SECRET = "hunter2"  # noqa: S105 - what no message may show


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("COCOSEARCH_PROT", "Did you mean COCOSEARCH_PORT?"),
        ("COCOSEARCH_DATABASE_URI", "Did you mean COCOSEARCH_DATABASE_URL?"),
        ("COCOSEARCH_ALLOWED_ROOT", "Did you mean COCOSEARCH_ALLOWED_ROOTS?"),
        ("COCOSEARCH_ZZZZZZZZZZZZZZZZZZZZ", "config show"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_one_that_was_meant(monkeypatch: pytest.MonkeyPatch, name: str, hint: str) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(ConfigurationError, match=name) as caught:
        load_settings()
    assert hint in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("port", "abc"),
        ("port", "0"),
        ("port", "65536"),
        ("transport", "websocket"),
        ("log_level", "loud"),
        ("ollama_url", "127.0.0.1:11434"),
        ("ollama_url", "ftp://host"),
        ("ollama_url", "http://host:port"),
        ("ollama_url", "http://host:99999"),
        ("ollama_url", "http://:11434"),
        ("ollama_url", "http://[::1"),
        ("model", ""),
        ("embed_batch", "0"),
        ("max_file_bytes", "many"),
        ("refresh_seconds", "0"),
        ("allowed_roots", "/srv:relative/path"),
        ("allowed_roots", "~/code"),
    ],
)
def test_a_malformed_value_is_refused_by_the_name_of_its_variable(monkeypatch: pytest.MonkeyPatch, field: str, value: str) -> None:
    monkeypatch.setenv(variable_name(field), value)
    with pytest.raises(ConfigurationError, match=variable_name(field)) as caught:
        load_settings()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url", [f"ftp://user:{SECRET}@host", f"http://user:{SECRET}@host:port", f"http://user:{SECRET}@[host", f"user:{SECRET}@h"]
)
def test_no_message_shows_the_password_of_a_url(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("COCOSEARCH_OLLAMA_URL", url)
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert SECRET not in str(caught.value)


def test_no_message_shows_the_password_of_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COCOSEARCH_DATABASE_URL", f"postgresql://user:{SECRET}@host/db")
    monkeypatch.setenv("COCOSEARCH_PORT", "abc")
    with pytest.raises(ConfigurationError) as caught:
        load_settings()
    assert SECRET not in str(caught.value)


def test_roots_are_separated_by_colons_and_hosts_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COCOSEARCH_ALLOWED_ROOTS", "/srv/a::/srv/b c:")
    monkeypatch.setenv("COCOSEARCH_ALLOWED_HOSTS", " code.lan, ,appliance:8443,")
    settings = load_settings()
    assert settings.allowed_roots == (Path("/srv/a"), Path("/srv/b c"))
    assert settings.allowed_hosts == ("code.lan", "appliance:8443")


def test_empty_lists_and_an_empty_token_file_mean_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("COCOSEARCH_ALLOWED_ROOTS", "COCOSEARCH_ALLOWED_HOSTS", "COCOSEARCH_TOKEN_FILE"):
        monkeypatch.setenv(variable, "")
    settings = load_settings()
    assert (settings.allowed_roots, settings.allowed_hosts, settings.token_file) == ((), (), None)


def test_flags_win_over_the_environment_and_none_means_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COCOSEARCH_PORT", "1234")
    monkeypatch.setenv("COCOSEARCH_TRANSPORT", "http")
    settings = load_settings(port=4321, transport=None)
    assert (settings.port, settings.transport) == (4321, Transport.HTTP)


def test_a_malformed_flag_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COCOSEARCH_PORT", raising=False)
    with pytest.raises(ConfigurationError, match="COCOSEARCH_PORT=70000"):
        load_settings(port=70000)


def test_no_env_file_of_the_current_directory_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("COCOSEARCH_PORT=1\n")
    monkeypatch.chdir(tmp_path)
    assert load_settings().port == 8080


def test_the_state_directory_follows_xdg(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert load_settings().state_dir == tmp_path / "cocosearch"
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert load_settings().state_dir == tmp_path / "home/.local/state/cocosearch"
