"""The roles: their variables are documented as they are, and what they write fits the program."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from cocosearch.operations.configuration import read_environment, refused_settings
from cocosearch.settings import Settings, variable_name

REPOSITORY = Path(__file__).parents[3]
ROLES = REPOSITORY / "roles"
NAMES = ("postgresql", "ollama", "cocosearch")
OWN_SERVERS = {"cocosearch-postgresql.service", "ollama.service"}
# What the units depend on: everything here; on the network with the embedded server; servers that exist elsewhere.
VARIANTS: dict[str, dict[str, Any]] = {
    "default": {},
    "lan": {
        "cocosearch_host": "0.0.0.0",  # noqa: S104
        "ollama_flavor": "embedded",
        "cocosearch_settings": {"log_level": "debug"},
        "cocosearch_indexer_memory_max": "6G",
    },
    "open": {"cocosearch_token_required": False},
    "external": {
        "cocosearch_database_url": "postgresql://me:it's$secret@db.example/x?sslmode=require",
        "cocosearch_ollama_url": "http://gpu.example:11434",
        "cocosearch_model": "mxbai-embed-large",
        "cocosearch_allowed_hosts": ["search.example"],
    },
}


def load(path: Path) -> Any:  # noqa: ANN401 - what YAML holds
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def defaults(role: str) -> dict[str, Any]:
    loaded: dict[str, Any] = load(ROLES / role / "defaults" / "main.yml")
    return loaded


@pytest.mark.parametrize("role", NAMES)
def test_a_role_reads_no_private_variable_of_another(role: str) -> None:
    others = "|".join(name for name in NAMES if name != role)
    read = {
        f"{path.relative_to(ROLES)}: {name}"
        for path in (ROLES / role).rglob("*")
        if path.is_file()
        for name in re.findall(rf"\b_+(?:{others})_\w+", path.read_text(encoding="utf-8"))
    }
    assert read == set()


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Every template of every role as Ansible renders it, by variant and file name."""
    templates = {str(path): path.name.removesuffix(".j2") for role in NAMES for path in sorted((ROLES / role / "templates").glob("*.j2"))}
    directory = tmp_path_factory.mktemp("rendered")
    plays = [
        {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "vars": {"ansible_python_interpreter": sys.executable},
            "vars_files": [str(ROLES / role / kind / "main.yml") for role in NAMES for kind in ("defaults", "vars")],
            "tasks": [
                {
                    "ansible.builtin.copy": {
                        "dest": str(directory / f"{variant}.json"),
                        "mode": "0600",
                        "content": "{{ dict(names | zip(texts)) | to_json }}",
                    },
                    "vars": {
                        **variables,
                        "names": list(templates.values()),
                        "texts": [f"{{{{ lookup('ansible.builtin.template', '{path}') }}}}" for path in templates],
                        "item": "cocosearch.service",
                        "__cocosearch_release_in_use": {"stat": {"lnk_source": "/opt/cocosearch/releases/abc"}},
                        "_ollama_package": "/opt/cocosearch/releases/abc",
                    },
                }
            ],
        }
        for variant, variables in VARIANTS.items()
    ]
    playbook = directory / "render.yml"
    playbook.write_text(json.dumps(plays), encoding="utf-8")
    result = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "--inventory=localhost,", str(playbook)],
        check=False,
        capture_output=True,
        text=True,
        cwd=directory,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return {variant: json.loads((directory / f"{variant}.json").read_text(encoding="utf-8")) for variant in VARIANTS}


def directive(unit: str, name: str) -> list[str]:
    """The values of a directive, from all of its lines."""
    return [word for line in re.findall(rf"^{name}=(.*)$", unit, re.MULTILINE) for word in line.split()]


def environment(text: str) -> dict[str, str]:
    """Variables of an environment file, as a shell reads them."""
    script = f"set -a\n{text}\nexec {sys.executable} -c 'import json, os; print(json.dumps(dict(os.environ)))'"
    result = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True, env={})
    loaded: dict[str, str] = json.loads(result.stdout)
    return {name: value for name, value in loaded.items() if name.startswith("COCO")}


@pytest.mark.parametrize("role", NAMES)
@pytest.mark.parametrize("entry_point", ["main", "preflight"])
def test_the_argument_specs_are_the_defaults(role: str, entry_point: str) -> None:
    specs = load(ROLES / role / "meta" / "argument_specs.yml")["argument_specs"][entry_point]["options"]
    assert {name: option["default"] for name, option in specs.items()} == defaults(role)
    assert all(option["description"] and option["type"] for option in specs.values())


@pytest.mark.parametrize("role", NAMES)
def test_the_readme_lists_each_variable_with_its_default(role: str) -> None:
    text = (ROLES / role / "README.md").read_text(encoding="utf-8").replace("\\|", "|")
    rows = re.findall(r"^\| `(\w+)` \| (empty|`.*?`) \| (.+) \|$", text, re.MULTILINE)
    specs = load(ROLES / role / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    assert [name for name, _, _ in rows] == list(defaults(role))
    for name, shown, meaning in rows:
        value, written = defaults(role)[name], "" if shown == "empty" else shown.strip("`")
        assert (written if isinstance(value, str) else yaml.safe_load(written)) == value
        assert meaning == specs[name]["description"]


def test_the_program_and_the_role_agree_on_defaults() -> None:
    role, fields = defaults("cocosearch"), Settings.model_fields
    assert (role["cocosearch_host"], role["cocosearch_port"]) == (fields["host"].default, fields["port"].default)
    ollama = defaults("ollama")
    assert f"http://{ollama['ollama_host']}:{ollama['ollama_port']}" == fields["ollama_url"].default


def test_settings_with_a_variable_of_their_own_are_settings() -> None:
    own = set(load(ROLES / "cocosearch" / "vars" / "main.yml")["_cocosearch_own_settings"])
    assert own <= Settings.model_fields.keys()


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variable_that_is_written_is_a_setting(rendered: dict[str, dict[str, str]], variant: str) -> None:
    """The program refuses to start with a variable that it does not know."""
    written = environment(rendered[variant]["cocosearch.env"])
    assert written.pop("COCOINDEX_DISABLE_USAGE_TRACKING") == "1"
    assert written.keys() <= {variable_name(field) for field in Settings.model_fields}
    Settings.model_validate({name.removeprefix("COCOSEARCH_").lower(): value for name, value in written.items()})


def test_only_what_was_given_is_written(rendered: dict[str, dict[str, str]]) -> None:
    assert "COCOSEARCH_MODEL" not in environment(rendered["default"]["cocosearch.env"])
    assert environment(rendered["lan"]["cocosearch.env"])["COCOSEARCH_MODEL"] == "all-minilm"
    assert environment(rendered["lan"]["cocosearch.env"])["COCOSEARCH_LOG_LEVEL"] == "debug"


def test_values_survive_their_quotes(rendered: dict[str, dict[str, str]]) -> None:
    given, written = VARIANTS["external"], environment(rendered["external"]["cocosearch.env"])
    assert written["COCOSEARCH_DATABASE_URL"] == given["cocosearch_database_url"]
    assert written["COCOSEARCH_ALLOWED_HOSTS"] == "search.example"


def test_the_services_wait_for_what_they_need(rendered: dict[str, dict[str, str]]) -> None:
    units = rendered["default"]
    for name, needed in {
        "cocosearch-postgresql.service": {"cocosearch-postgresql-init.service"},
        "cocosearch-database.service": {"cocosearch-postgresql.service"},
        "cocosearch-model.service": {"ollama.service"},
        "cocosearch.service": {
            "cocosearch-database.service",
            "cocosearch-postgresql.service",
            "ollama.service",
            "cocosearch-token.service",
        },
        "cocosearch-indexer.service": {"cocosearch-database.service", "cocosearch-postgresql.service"},
    }.items():
        assert set(directive(units[name], "Requires")) == needed, name
        assert set(directive(units[name], "After")) >= needed, name
    for name in ("cocosearch.service", "cocosearch-indexer.service"):
        assert "cocosearch-model.service" in directive(units[name], "After")
        assert "cocosearch-model.service" in directive(units[name], "Wants")


@pytest.mark.parametrize(("variant", "token"), [("default", True), ("lan", True), ("open", False)])
def test_the_token_is_handed_over_where_one_is_needed(rendered: dict[str, dict[str, str]], variant: str, token: bool) -> None:
    units = rendered[variant]
    assert ("cocosearch-token.service" in directive(units["cocosearch.service"], "Requires")) is token
    assert ("cocosearch-token.path" in directive(units["cocosearch.service"], "Wants")) is token
    assert ("cocosearch-token.service" in directive(units["cocosearch.target"], "Wants")) is token
    assert (environment(units["cocosearch.env"]).get("COCOSEARCH_TOKEN_FILE") == "/run/cocosearch-token/token") is token


def test_the_token_follows_its_file(rendered: dict[str, dict[str, str]]) -> None:
    units, file, copy = rendered["default"], "/var/lib/cocosearch/credentials/token", "/run/cocosearch-token/token"
    assert directive(units["cocosearch-token.path"], "PathChanged") == [file]
    assert directive(units["cocosearch-token.path"], "Unit") == ["cocosearch-token-change.service"]
    for name in ("cocosearch-token.service", "cocosearch-token-change.service"):
        assert f"/hand-over-token {file} {copy}" in units[name]
        assert directive(units[name], "RuntimeDirectory") == ["cocosearch-token"]
        assert directive(units[name], "User") == []


def test_the_server_and_the_indexer_have_limits(rendered: dict[str, dict[str, str]]) -> None:
    for name in ("cocosearch.service", "cocosearch-indexer.service"):
        unit = rendered["default"][name]
        assert re.fullmatch(r"\d+%", directive(unit, "MemoryMax")[0]), name
        assert int(directive(unit, "TasksMax")[0]) >= 1024, name
        assert directive(unit, "LimitCORE") == ["0"], name
        assert directive(unit, "WatchdogSec"), name
    assert directive(rendered["lan"]["cocosearch-indexer.service"], "MemoryMax") == ["6G"]


def test_servers_elsewhere_are_not_required(rendered: dict[str, dict[str, str]]) -> None:
    units = rendered["external"]
    for name in ("cocosearch.service", "cocosearch-indexer.service", "cocosearch-database.service", "cocosearch-model.service"):
        assert OWN_SERVERS.isdisjoint(directive(units[name], "Requires"))
    assert OWN_SERVERS.isdisjoint(directive(units["cocosearch.target"], "Wants"))
    assert "bootstrap" not in units["cocosearch-database.service"]
    assert "IPAddressDeny" not in units["hardening.conf"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_target_stops_all_that_it_starts(rendered: dict[str, dict[str, str]], variant: str) -> None:
    units = rendered[variant]
    started = directive(units["cocosearch.target"], "Wants")
    assert "cocosearch.service" in started
    for name in started:
        assert directive(units[name], "PartOf") == ["cocosearch.target"], name


def test_a_sandbox_is_never_in_the_unit_itself(rendered: dict[str, dict[str, str]]) -> None:
    """A container image leaves the drop-in away: systemd cannot enforce it there, and fails at a part of it."""
    sandbox = set(re.findall(r"^(\w+)=", rendered["default"]["hardening.conf"], re.MULTILINE))
    assert len(sandbox) > 15
    for name, text in rendered["default"].items():
        if name.endswith(".service"):
            assert sandbox.isdisjoint(re.findall(r"^(\w+)=", text, re.MULTILINE)), name


def test_both_flavors_listen_where_the_program_looks(rendered: dict[str, dict[str, str]]) -> None:
    assert "Environment=OLLAMA_HOST=127.0.0.1:11434" in rendered["default"]["ollama.service"]
    assert "Environment=OLLAMA_NO_CLOUD=1" in rendered["default"]["ollama.service"]
    assert "-m cocosearch.embedder --host 127.0.0.1 --port 11434 " in rendered["lan"]["ollama.service"]
    assert environment(rendered["lan"]["cocosearch.env"])["COCOSEARCH_OLLAMA_URL"] == "http://127.0.0.1:11434"


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_target_has_stopped_when_all_of_it_has(rendered: dict[str, dict[str, str]], variant: str) -> None:
    """systemctl waits for the target alone, which stops after those that are ordered behind it."""
    units = rendered[variant]
    for name in directive(units["cocosearch.target"], "Wants"):
        assert "cocosearch.target" in directive(units[name], "After"), name
    assert not directive(units["cocosearch.target"], "After")


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_pause_before_a_restart_never_grows(rendered: dict[str, dict[str, str]], variant: str) -> None:
    for name, text in rendered[variant].items():
        assert not directive(text, "RestartSteps"), name
        if directive(text, "Restart") == ["always"]:
            assert directive(text, "RestartSec") == ["2s"], name
            assert directive(text, "StartLimitIntervalSec") == ["0"], name


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_program_accepts_the_settings_that_the_roles_write(rendered: dict[str, dict[str, str]], variant: str, tmp_path: Path) -> None:
    file = tmp_path / "cocosearch.env"
    file.write_text(rendered[variant]["cocosearch.env"], encoding="utf-8")
    assert refused_settings(read_environment([file])) == []
    for name, text in rendered[variant].items():
        if name.startswith("cocosearch") and directive(text, "Restart") and "/bin/cocosearch" in text:
            assert directive(text, "RestartPreventExitStatus") == ["2"], name


def test_the_playbook_is_found_whole_from_any_directory(tmp_path: Path) -> None:
    """Where there is no ansible.cfg of this repository."""
    playbook = REPOSITORY / "playbooks" / "site.yml"
    result = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "--syntax-check", "--inventory=cocosearch,", str(playbook)],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
    )
    assert result.returncode == 0, result.stderr
    (play,) = load(playbook)
    assert play["gather_facts"] is True


def test_an_embedding_server_that_hangs_is_restarted(rendered: dict[str, dict[str, str]]) -> None:
    assert directive(rendered["lan"]["ollama.service"], "WatchdogSec") == ["60s"]
    assert "ollama-probe.timer" not in directive(rendered["lan"]["ollama.service"], "Wants")
    release = rendered["default"]
    assert not directive(release["ollama.service"], "WatchdogSec")
    assert "ollama-probe.timer" in directive(release["ollama.service"], "Wants")
    assert "/restart-if-silent http://127.0.0.1:11434/api/version" in release["ollama-probe.service"]


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("slot launch_slot_: id  4 | task -1 | sampler chain: logits -> penalties", False),
        ("srv  update_slots: all slots are idle", False),
        ('[GIN] 2026/11/26 - 17:00:00 | 200 |  12.1ms |       127.0.0.1 | POST     "/api/embed"', False),
        ('[GIN] 2026/11/26 - 17:00:00 | 400 |  12.1ms |       127.0.0.1 | POST     "/api/embed"', True),
        ("srv    send_error: task id = 0, error: input is too large to process", True),
        ("srv    load_model: failed to load model", True),
        ("slot update_slots: id  0 | task 3 | failed to decode the batch", True),
        ('time=2026-11-26T17:00:00Z level=ERROR source=server.go:1 msg="llama runner terminated"', True),
        ("ggml_cuda_init: found 1 CUDA devices", True),
    ],
)
def test_the_journal_keeps_what_ollama_says_of_trouble(rendered: dict[str, dict[str, str]], line: str, kept: bool) -> None:
    patterns = re.findall(r"^LogFilterPatterns=~(.*)$", rendered["default"]["ollama.service"], re.MULTILINE)
    assert len(patterns) == 2
    assert any(re.search(pattern, line) for pattern in patterns) is not kept
    assert "LogFilterPatterns" not in rendered["lan"]["ollama.service"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_others_need_brings_them_back(rendered: dict[str, dict[str, str]], variant: str) -> None:
    units = rendered[variant]
    resumed = directive(units["cocosearch-resume.service"], "After")
    needed = {needed for name in ("cocosearch.service", "cocosearch-indexer.service") for needed in directive(units[name], "Requires")}
    assert needed <= set(resumed)
    for name in resumed:
        assert "cocosearch-resume.service" in directive(units[name], "Wants"), name
