"""Projects on disk: where `cocosearch.yaml` is found, what it may say, which directories may be indexed."""

import os
from pathlib import Path

import pytest

from cocosearch.errors import ConfigurationError, PathNotAllowedError
from cocosearch.projects import CONFIG_NAME, MAX_CONFIG_BYTES, ProjectConfig, find_config, load_project, read_config, resolve_allowed_root


def write_config(directory: Path, text: str) -> Path:
    path = directory / CONFIG_NAME
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git work tree by its looks, with a directory in it."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "src/inner").mkdir(parents=True)
    return tmp_path


def test_the_configuration_of_the_directory_comes_before_that_of_the_git_root(repository: Path) -> None:
    outer = write_config(repository, "name: outer\n")
    assert find_config(repository / "src/inner") == outer
    inner = write_config(repository / "src/inner", "name: inner\n")
    assert find_config(repository / "src/inner") == inner
    assert find_config(repository / "src") == outer


def test_only_the_directory_and_the_git_root_are_looked_at(repository: Path) -> None:
    write_config(repository / "src", "name: between\n")
    assert find_config(repository / "src/inner") is None


def test_a_directory_above_that_is_no_repository_says_nothing(tmp_path: Path) -> None:
    write_config(tmp_path, "name: above\n")
    (tmp_path / "project").mkdir()
    assert load_project(tmp_path / "project").name == "project"


def test_the_configuration_is_found_without_git_on_the_machine(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repository / "nothing here"))
    write_config(repository, "exclude: ['*.log']\n")
    project = load_project(repository / "src")
    assert project.config.exclude == ("*.log",)
    assert project.pattern_base == repository


def test_the_git_file_of_a_work_tree_marks_a_root_too(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: elsewhere\n")
    (tmp_path / "src").mkdir()
    assert find_config(tmp_path / "src") is None
    config = write_config(tmp_path, "")
    assert find_config(tmp_path / "src") == config


def test_the_name_of_the_root_is_not_that_of_a_directory_in_it(repository: Path) -> None:
    write_config(repository, "name: whole\n")
    assert load_project(repository).name == "whole"
    assert load_project(repository / "src").name == "src"


def test_the_name_given_wins(repository: Path) -> None:
    write_config(repository, "name: whole\n")
    assert load_project(repository, "given").name == "given"


@pytest.mark.parametrize(
    ("directory", "name"),
    [
        ("My Project", "my-project"),
        ("a.b_c-d", "a.b_c-d"),
        (".hidden", "hidden"),
        ("日本", "project"),
        ("x" * 100, "x" * 64),
        ("--", "project"),
    ],
)
def test_a_directory_gives_a_name_that_is_allowed(tmp_path: Path, directory: str, name: str) -> None:
    root = tmp_path / directory
    root.mkdir()
    assert load_project(root).name == name


@pytest.mark.parametrize("name", ["Upper", "-a", ".a", "_a", "a b", "a/b", "../a", "a\n", "x" * 65, "ä", "a\0b"])
def test_a_name_beyond_the_rules_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be a project's name"):
        load_project(tmp_path, name)


@pytest.mark.parametrize("name", ["a", "0", "a.b", "a_b-c", "x" * 64])
def test_a_name_within_the_rules_is_taken(tmp_path: Path, name: str) -> None:
    assert load_project(tmp_path, name).name == name


@pytest.mark.parametrize("missing", ["nothing", "file"])
def test_what_is_no_directory_is_no_project(tmp_path: Path, missing: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigurationError, match="is not a directory"):
        load_project(tmp_path / missing)


def test_the_root_is_the_real_directory(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    assert load_project(tmp_path / "link").root == tmp_path / "real"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("exlude: []", "Did you mean 'exclude'?"),
        ("includes: []", "Did you mean 'include'?"),
        ("chunksize: 500", "Did you mean 'chunk_size'?"),
        ("ollama_url: http://evil.example", "Known keys: name, include, exclude, chunk_size"),
        ("database_url: postgresql://evil.example/x", "unknown key 'database_url'"),
        ("root: /etc", "unknown key 'root'"),
        ("COCOSEARCH_OLLAMA_URL: http://evil.example", "unknown key 'COCOSEARCH_OLLAMA_URL'"),
        ("env: {A: b}", "unknown key 'env'"),
        ("1: x", "unknown key '1'"),
        ("~: x", "unknown key 'None'"),
    ],
)
def test_an_unknown_key_is_refused(tmp_path: Path, text: str, hint: str) -> None:
    path = write_config(tmp_path, text)
    with pytest.raises(ConfigurationError) as caught:
        read_config(path)
    assert hint in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("name: Not Allowed", "name"),
        ("name: [a]", "name"),
        ("include: '*.py'", "include"),
        ("include: {a: b}", "include"),
        ("exclude: [1]", "exclude"),
        ("exclude: [[a]]", "exclude"),
        ("exclude: &loop [*loop]", "exclude"),
        ("chunk_size: 10", "chunk_size"),
        ("chunk_size: 100000", "chunk_size"),
        ("chunk_size: big", "chunk_size"),
        ("exclude: [" + "a," * 201 + "]", "exclude"),
    ],
)
def test_a_malformed_value_is_refused_by_its_key(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"'{key}[.0-9]*' is not valid"):
        read_config(write_config(tmp_path, text))


@pytest.mark.parametrize("pattern", ["../secret", "a/../../b", "!../x", "..", "", "   ", "[z-a]", "!", "a\\"])
@pytest.mark.parametrize("key", ["include", "exclude"])
def test_a_pattern_that_leaves_the_project_or_means_nothing_is_refused(tmp_path: Path, key: str, pattern: str) -> None:
    with pytest.raises(ConfigurationError, match="pattern"):
        read_config(write_config(tmp_path, f"{key}: ['{pattern}']\n"))


@pytest.mark.parametrize("pattern", ["*.py", "src/**", "!keep.py", "/top", "a..b", "...", "**/x/", "[ab]?"])
def test_patterns_of_gitignore_are_taken(tmp_path: Path, pattern: str) -> None:
    assert read_config(write_config(tmp_path, f"include: ['{pattern}']\n")).include == (pattern,)


def test_the_environment_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/root")
    config = read_config(write_config(tmp_path, "include: ['${HOME}/*', '$HOME', '~/x', '%HOME%']\n"))
    assert config.include == ("${HOME}/*", "$HOME", "~/x", "%HOME%")


@pytest.mark.parametrize(
    "text",
    [
        "name: [",
        "name: 'open",
        "\tname: a",
        "a: b: c",
        "!!python/object/apply:os.system ['true']",
        "name: !!int 'x'",
        "name: !!bool 'x'",
        "name: !!timestamp 'x'",
        "name: 2024-99-99",
        "chunk_size: " + "1" * 5000,
        "[" * 60_000,
        "name: *nowhere",
    ],
)
def test_what_is_not_yaml_is_an_error_in_one_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not valid YAML") as caught:
        read_config(write_config(tmp_path, text))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["- a\n- b\n", "just text", "42"])
def test_what_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match="must hold keys and values"):
        read_config(write_config(tmp_path, text))


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n"])
def test_an_empty_file_means_the_defaults(tmp_path: Path, text: str) -> None:
    assert read_config(write_config(tmp_path, text)) == ProjectConfig()


def test_bytes_that_are_no_utf8_are_refused(tmp_path: Path) -> None:
    (tmp_path / CONFIG_NAME).write_bytes(b"name: caf\xe9\n")
    with pytest.raises(ConfigurationError, match="is not valid YAML"):
        load_project(tmp_path)


def test_a_linked_configuration_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real.yaml").write_text("name: a\n")
    (tmp_path / CONFIG_NAME).symlink_to("real.yaml")
    with pytest.raises(ConfigurationError, match="symbolic link"):
        load_project(tmp_path)


def test_a_large_configuration_is_refused(tmp_path: Path) -> None:
    write_config(tmp_path, "#" * MAX_CONFIG_BYTES)
    assert load_project(tmp_path).config == ProjectConfig()
    write_config(tmp_path, "#" * (MAX_CONFIG_BYTES + 1))
    with pytest.raises(ConfigurationError, match="larger than 65536 bytes"):
        load_project(tmp_path)


def test_a_configuration_that_is_no_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / CONFIG_NAME)
    assert load_project(tmp_path).config_path is None


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    """An allowed root with a project in it, and things beside it."""
    for directory in ("allowed/project", "allowed-not", "outside"):
        (tmp_path / directory).mkdir(parents=True)
    root = tmp_path / "allowed"
    (root / "file").write_text("x")
    (root / "escape").symlink_to(tmp_path / "outside")
    (root / "loop").symlink_to("loop")
    (root / "alias").symlink_to("project")
    return root


@pytest.mark.parametrize(("path", "resolved"), [("", ""), ("project", "project"), ("alias", "project"), ("project/../project", "project")])
def test_a_directory_below_an_allowed_root_is_resolved(allowed: Path, path: str, resolved: str) -> None:
    assert resolve_allowed_root(f"{allowed}/{path}", [allowed]) == allowed / resolved


@pytest.mark.parametrize(
    "path",
    [
        "{allowed}/missing",
        "{allowed}/file",
        "{allowed}/escape",
        "{allowed}/loop",
        "{allowed}/loop/x",
        "{allowed}/../outside",
        "{allowed}-not",
        "{allowed}/..",
        "/",
        "/etc",
        "/no such directory",
        "project",
        "",
        ".",
        "~",
        "{allowed}/project\0",
        "{allowed}/\ud800",
        "{allowed}/" + "x" * 300,
        "{allowed}" + "/x" * 5000,
    ],
)
def test_every_refusal_reads_the_same_whatever_is_on_the_disk(allowed: Path, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    monkeypatch.chdir(allowed)
    given = path.format(allowed=allowed)
    with pytest.raises(PathNotAllowedError) as caught:
        resolve_allowed_root(given, [allowed])
    assert str(caught.value) == f"'{given}' is not a directory below an allowed root of the server ({allowed})."


def test_an_allowed_root_may_be_a_link_or_missing(allowed: Path, tmp_path: Path) -> None:
    (tmp_path / "entrance").symlink_to(allowed)
    roots = [tmp_path / "not there", tmp_path / "entrance"]
    assert resolve_allowed_root(f"{tmp_path}/entrance/project", roots) == allowed / "project"


def test_without_allowed_roots_the_message_names_the_setting(allowed: Path) -> None:
    with pytest.raises(PathNotAllowedError, match="COCOSEARCH_ALLOWED_ROOTS"):
        resolve_allowed_root(str(allowed), [])


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root, to become another user")
def test_a_directory_that_the_user_may_not_enter_is_a_sentence_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for `cocosearch index .` in a home directory, run by the service's user."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    monkeypatch.chdir(private)
    user = os.geteuid()
    os.seteuid(65534)
    try:
        for path in (Path(), private):
            with pytest.raises(ConfigurationError, match=r"cannot be read by the user '\w+'.*setfacl"):
                load_project(path)
        assert find_config(private) is None
    finally:
        os.seteuid(user)
