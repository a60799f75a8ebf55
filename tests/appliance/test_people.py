"""People who log in to the machine: what a member of the group may have done is what this member may see, and nothing else."""

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from testinfra.backend.base import CommandResult
from testinfra.host import Host
from tests.appliance.facts import CREDENTIAL

MEMBER, OTHER = "dev", "erin"
COMMAND = "/usr/local/bin/cocosearch"
ON_BEHALF = "/usr/local/libexec/cocosearch/on-behalf"
MARK = "handed_over_in_a_closed_directory"


@pytest.fixture(scope="module", autouse=True)
def people(host: Host) -> None:
    """The machine is one that people log in to: the container image has none."""
    if not host.user(OTHER).exists and not host.exists("sudo"):
        pytest.skip("nobody logs in to this machine")


@pytest.fixture(scope="module")
def place(host: Host, base_url: str) -> Iterator[str]:
    """A directory in which everybody may make others; with the projects in it gone again afterwards."""
    assert base_url
    path = host.check_output("mktemp --directory /srv/people.XXXXXX")
    host.check_output("chmod 1777 %s", path)
    yield path
    for project in listed(host):
        if project["root"].startswith(path):
            host.check_output("cocosearch clear --yes -- %s", project["name"])
    host.check_output("rm --recursive --force %s", path)


def listed(host: Host) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(host.check_output("cocosearch list --json"))
    return found


def roots(host: Host) -> set[str]:
    return {project["root"] for project in listed(host)}


def as_user(host: Host, user: str, *command: str, directory: str = "/") -> CommandResult:
    """Run a command as a person does, in a directory."""
    result: CommandResult = host.run(f"cd {shlex.quote(directory)} && {shlex.join(['runuser', f'--user={user}', '--', *command])}")
    return result


def make(host: Host, owner: str, path: str, *, mode: str = "755", service: bool = True) -> str:
    """A project of somebody with one file; the service may read it, whatever the mode says."""
    script = f"""
        install --directory --mode=755 --owner={owner} --group={owner} -- "$0"
        printf 'def %s():\\n    return 1\\n' {MARK} >"$0/ledger.py"
        chown {owner}: "$0/ledger.py"
        chmod {mode} "$0"
        {'setfacl --modify=u:cocosearch:rX,m::rx -- "$0"' if service and mode[-1] == "0" else ":"}
    """
    host.check_output("sh -euc %s %s", script, path)
    return path


def refused(host: Host, *arguments: str, directory: str = "/") -> str:
    """What the member is told, who may not have this done."""
    before = roots(host)
    result = as_user(host, MEMBER, "cocosearch", *arguments, directory=directory)
    assert result.rc != 0, result.stdout
    assert "Traceback" not in result.stderr
    assert "password" not in result.stderr
    assert roots(host) == before
    return str(result.stderr)


def test_the_service_could_read_what_is_closed_to_the_member(host: Host, place: str) -> None:
    """Without that, the tests below would show nothing."""
    path = make(host, OTHER, f"{place}/premise", mode="700")
    assert host.run("runuser --user cocosearch -- cat %s/ledger.py", path).rc == 0
    assert as_user(host, MEMBER, "cat", f"{path}/ledger.py").rc != 0


@pytest.mark.parametrize("options", [["--background"], [], ["--name=mine", "--background"]])
def test_anothers_closed_directory(host: Host, place: str, options: list[str]) -> None:
    path = make(host, OTHER, f"{place}/closed", mode="700")
    assert "cannot be opened by you (dev): Permission denied" in refused(host, "index", *options, path)


def test_a_closed_directory_in_an_open_one(host: Host, place: str) -> None:
    outer = make(host, OTHER, f"{place}/outer")
    make(host, OTHER, f"{outer}/deep", mode="755")
    make(host, OTHER, f"{outer}/deep/closed", mode="700")
    assert f"'{outer}/deep/closed' is closed to you (dev)" in refused(host, "index", "--background", outer)


def test_a_closed_directory_in_ones_own(host: Host, place: str) -> None:
    own = make(host, MEMBER, f"{place}/own-with-another")
    make(host, OTHER, f"{own}/closed", mode="700")
    assert f"'{own}/closed' is closed to you (dev)" in refused(host, "index", "--background", own)


def test_a_closed_file_in_an_open_directory(host: Host, place: str) -> None:
    outer = make(host, OTHER, f"{place}/with-closed-file")
    host.check_output("chmod 600 %s/ledger.py && setfacl --modify=u:cocosearch:r %s/ledger.py", outer, outer)
    assert f"'{outer}/ledger.py' is closed to you (dev)" in refused(host, "index", "--background", outer)


@pytest.mark.parametrize("mode", ["711", "744"])
def test_a_directory_that_may_only_be_entered_or_only_be_listed(host: Host, place: str, mode: str) -> None:
    outer = make(host, OTHER, f"{place}/half-open-{mode}")
    make(host, OTHER, f"{outer}/inner")
    host.check_output("setfacl --modify=u:cocosearch:rx %s && setfacl --modify=o:%s %s", outer, {"711": "x", "744": "r"}[mode], outer)
    assert "to you (dev)" in refused(host, "index", "--background", outer) or "by you (dev)" in refused(host, "index", outer)


@pytest.mark.parametrize("way", ["link", "link/", "links/up/closed-by-link", "../{name}/closed-by-link", "links/../closed-by-link"])
def test_roads_to_a_closed_directory(host: Host, place: str, way: str) -> None:
    make(host, OTHER, f"{place}/closed-by-link", mode="700")
    script = 'cd "$0" && ln -sfn "$0/closed-by-link" link && mkdir -p links && ln -sfn "$0" links/up'
    assert as_user(host, MEMBER, "sh", "-euc", script, place).rc == 0
    assert "Permission denied" in refused(host, "index", "--background", way.format(name=Path(place).name), directory=place)


def test_a_link_in_a_project_leads_nowhere(host: Host, place: str) -> None:
    closed = make(host, OTHER, f"{place}/closed-target", mode="700")
    own = make(host, MEMBER, f"{place}/own-with-link")
    assert as_user(host, MEMBER, "ln", "-s", closed, f"{own}/inside").rc == 0
    result = as_user(host, MEMBER, "cocosearch", "index", own)
    assert result.rc == 0, result.stderr
    found = json.loads(as_user(host, MEMBER, "cocosearch", "search", MARK, "--project", "own-with-link", "--json").stdout)
    assert {hit["path"] for hit in found["hits"]} == {"ledger.py"}


def test_ones_own_closed_directory_by_a_relative_path(host: Host, place: str) -> None:
    """What the member can read and the service was let into is indexed, and a member may search it."""
    own = make(host, MEMBER, f"{place}/own-closed", mode="700")
    result = as_user(host, MEMBER, "cocosearch", "index", ".", directory=own)
    assert result.rc == 0, result.stderr
    assert own in roots(host)
    assert "own-closed" in as_user(host, MEMBER, "cocosearch", "status", "own-closed").stdout


def test_what_neither_can_read_is_no_obstacle(host: Host, place: str) -> None:
    own = make(host, MEMBER, f"{place}/own-with-rubbish")
    make(host, "root", f"{own}/database-files", mode="700", service=False)
    assert as_user(host, MEMBER, "cocosearch", "index", own).rc == 0


@pytest.mark.parametrize("name", ["-n", "--json", "two\nlines", "sp ace", "quo'te\"", "*", "\u202ereversed"])
def test_odd_names_are_names(host: Host, place: str, name: str) -> None:
    outer = make(host, MEMBER, f"{place}/odd-{name.encode().hex()}")
    make(host, MEMBER, f"{outer}/{name}")
    result = as_user(host, MEMBER, "cocosearch", "index", f"--name=odd-{name.encode().hex()}", "--background", "--", name, directory=outer)
    assert result.rc == 0, result.stderr
    assert f"{outer}/{name}" in roots(host)
    make(host, OTHER, f"{outer}/{name}/{name}", mode="700")
    message = refused(host, "index", "--background", "--", name, directory=outer)
    assert "is closed to you" in message
    assert message.count("\n") == 1
    assert "\u202e" not in message


def test_the_name_of_anothers_project(host: Host, place: str) -> None:
    theirs = make(host, OTHER, f"{place}/theirs")
    host.check_output("cocosearch index --background %s", theirs)
    own = make(host, MEMBER, f"{place}/mine")
    assert f"The name 'theirs' belongs to {theirs}" in refused(host, "index", "--background", "--name=theirs", own)
    assert "is indexed as 'theirs'" in refused(host, "index", "--background", "--name=taken", theirs)


def test_only_the_owner_of_the_directory_clears(host: Host, place: str) -> None:
    theirs = make(host, OTHER, f"{place}/kept")
    own = make(host, MEMBER, f"{place}/given-up")
    for path in (theirs, own):
        host.check_output("cocosearch index --background %s", path)
    assert "that directory is not yours" in refused(host, "clear", "kept", "--yes")
    assert "There is no project 'nowhere'" in refused(host, "clear", "nowhere", "--yes")
    assert as_user(host, MEMBER, "cocosearch", "clear", "given-up", "--yes").rc == 0
    assert roots(host) & {theirs, own} == {theirs}


def test_a_swapped_directory_is_never_indexed(host: Host, place: str) -> None:
    """The member's own directory and a link to the closed one change places, again and again, while it is asked for."""
    closed = make(host, OTHER, f"{place}/closed-in-race", mode="700")
    race = make(host, MEMBER, f"{place}/race")
    script = f"""
        mkdir "$0/real"; echo 'x = 1' >"$0/real/x.py"; ln -s {shlex.quote(closed)} "$0/link"; cp -r "$0/real" "$0/now"
        ( while [ -e "$0/go" ]; do mv -T --exchange "$0/now" "$0/link" 2>/dev/null || exit 1; done ) &
        i=0; while [ $i -lt 12 ]; do cocosearch index --background "$0/now" >/dev/null 2>&1; i=$((i + 1)); done
        rm "$0/go"; wait
    """
    as_user(host, MEMBER, "touch", f"{race}/go")
    as_user(host, MEMBER, "sh", "-c", script, race)
    assert closed not in roots(host)


@pytest.mark.parametrize(
    "arguments",
    [
        ["token", "create", "/var/lib/cocosearch/state/planted"],
        ["indexer"],
        ["database", "migrate"],
        ["model", "ensure"],
        ["mcp", "--transport", "http", "--host", "127.0.0.1", "--port", "9999"],
        ["mcp", "--port=9999"],
        ["config", "show", "/etc"],
        ["index", "--checked=1:1", "--background", "/srv"],
        ["token"],
    ],
)
def test_what_is_for_root(host: Host, arguments: list[str]) -> None:
    result = as_user(host, MEMBER, "timeout", "20", "cocosearch", *arguments)
    assert result.rc not in {0, 124}, result.stdout
    assert "Traceback" not in result.stderr
    assert "password" not in result.stderr
    assert not host.file("/var/lib/cocosearch/state/planted").exists


@pytest.mark.parametrize(
    "command",
    [
        f"sudo -n -u cocosearch {COMMAND} token create /var/lib/cocosearch/state/planted",
        f"sudo -n -u cocosearch {COMMAND} index --background /srv",
        f"sudo -n -u cocosearch {COMMAND} mcp --transport http",
        f"sudo -n -u cocosearch {COMMAND} indexer",
        f"sudo -n -u cocosearch {COMMAND} clear --yes stdlib",
        f"sudo -n -u cocosearch {COMMAND}",
        "sudo -n -u cocosearch sh -c id",
        f"sudo -n {COMMAND} list",
        f"sudo -n COCOSEARCH_TOKEN_FILE=/tmp/x {COMMAND} list",
        f"sudo -n -u cocosearch COCOSEARCH_DATABASE_URL=postgresql://elsewhere/x {COMMAND} list",
        f"sudo -n -E -u cocosearch {COMMAND} list",
        f"sudo -n {ON_BEHALF} token show",
        f"sudo -n {ON_BEHALF}",
        f"sudo -n SUDO_UID=0 {ON_BEHALF} index --background /root",
        f"sudo -n -u cocosearch {ON_BEHALF} index --background /srv",
        f"{ON_BEHALF} index --background /srv",
    ],
)
def test_what_sudo_does_not_allow(host: Host, command: str) -> None:
    before = roots(host)
    result = as_user(host, MEMBER, "timeout", "20", "sh", "-c", command)
    assert result.rc not in {0, 124}, result.stdout
    assert roots(host) == before
    assert not host.file("/var/lib/cocosearch/state/planted").exists


def test_nothing_of_the_callers_is_taken_along(host: Host, place: str) -> None:
    """Variables that would turn the program around, and a directory whose configuration the caller may not read."""
    evil = make(host, MEMBER, f"{place}/evil")
    host.check_output('echo \'open("%s/ran", "w")\' > %s/sitecustomize.py', evil, evil)
    host.check_output("chmod 777 %s", evil)
    theirs = make(host, OTHER, f"{place}/entered", mode="711")
    host.check_output("printf 'name: %s\\n' > %s/cocosearch.yaml", "[" + MARK, theirs)
    host.check_output("chmod 600 %s/cocosearch.yaml && setfacl -m u:cocosearch:r %s/cocosearch.yaml", theirs, theirs)
    variables = [
        f"PYTHONPATH={evil}",
        f"PYTHONHOME={evil}",
        "COCOSEARCH_DATABASE_URL=postgresql://192.0.2.1/x",
        "COCOSEARCH_NONSENSE=1",
        f"XDG_STATE_HOME={evil}",
    ]
    for command in (["list"], ["config", "show"], ["index", "--background", evil]):
        result = as_user(host, MEMBER, "env", *variables, "cocosearch", *command, directory=theirs)
        assert result.rc == 0, result.stderr
        assert MARK not in result.stdout + result.stderr
    assert not host.file(f"{evil}/ran").exists


def test_a_member_has_the_token_and_nobody_else(host: Host, token: str) -> None:
    assert as_user(host, MEMBER, "cocosearch", "token", "show").stdout.strip() == token
    assert host.check_output("cocosearch token show") == token
    for who in (MEMBER, OTHER, "nobody"):
        for file in (CREDENTIAL, "/run/cocosearch-token/token", "/etc/cocosearch/cocosearch.env"):
            assert host.run("runuser --user %s -- cat %s", who, file).rc != 0, (who, file)
    result = as_user(host, OTHER, "cocosearch", "token", "show")
    assert result.rc != 0
    assert token not in result.stdout + result.stderr
    assert "may not use this command" in result.stderr


def test_the_configuration_that_a_member_sees_has_no_secret(host: Host, token: str) -> None:
    shown = as_user(host, MEMBER, "cocosearch", "config", "show").stdout
    assert "token_file" in shown
    assert token not in shown


def test_members_search_what_is_indexed(host: Host) -> None:
    assert as_user(host, MEMBER, "cocosearch", "search", "--", "-x").rc == 0
    assert as_user(host, MEMBER, "cocosearch", "--version").stdout.startswith("cocosearch ")
    assert as_user(host, OTHER, "cocosearch", "--version").rc == 0
    assert as_user(host, OTHER, "cocosearch", "search", "x").rc != 0


def test_a_member_speaks_mcp_by_stdio(host: Host) -> None:
    client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    hello = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client})
    answer = as_user(host, MEMBER, "sh", "-c", f"echo {shlex.quote(hello)} | timeout 60 cocosearch mcp")
    assert '"serverInfo"' in answer.stdout, answer.stderr
