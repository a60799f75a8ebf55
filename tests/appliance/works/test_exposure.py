"""What others can see of the appliance: sockets, the token, health."""

import httpx
import pytest
from testinfra.host import Host
from tests.appliance.facts import CREDENTIAL, OLLAMA_PORT, PORT


@pytest.mark.usefixtures("base_url")
def test_only_the_documented_ports_listen(host: Host) -> None:
    """As the kernel lists them: addresses in hexadecimal, 0A for listening."""
    tcp = [line.split() for line in host.check_output("cat /proc/net/tcp /proc/net/tcp6").splitlines()]
    assert {fields[1] for fields in tcp if fields[3] == "0A"} == {f"00000000:{PORT:04X}", f"0100007F:{OLLAMA_PORT:04X}"}
    udp = [line.split() for line in host.check_output("cat /proc/net/udp /proc/net/udp6").splitlines()]
    assert [fields[1] for fields in udp if fields[0] != "sl"] == []


def test_health_tells_each_part(base_url: str) -> None:
    answer = httpx.get(f"{base_url}/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert set(answer.json()["parts"].values()) == {"ok"}


@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
def test_nobody_gets_in_without_the_token(base_url: str, path: str) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    headers = {"Accept": "application/json, text/event-stream"}
    assert httpx.post(base_url + path, json=message, headers=headers).status_code == 401
    headers["Authorization"] = "Bearer " + "x" * 43
    assert httpx.post(base_url + path, json=message, headers=headers).status_code == 401


@pytest.mark.parametrize("path", ["/health", "/live", "/mcp"])
def test_a_foreign_name_in_the_host_header_is_refused(base_url: str, path: str) -> None:
    assert httpx.get(base_url + path, headers={"Host": "evil.example"}).status_code == 421


@pytest.mark.usefixtures("base_url")
def test_the_token_is_for_root_alone(host: Host, token: str) -> None:
    assert len(token) >= 32
    file = host.file(CREDENTIAL)
    assert (file.user, file.group, oct(file.mode)) == ("root", "root", "0o600")
    directory = host.file("/var/lib/cocosearch/credentials")
    assert directory.user == "root"
    assert directory.mode & 0o077 == 0


@pytest.mark.usefixtures("base_url")
def test_the_token_is_in_no_process_list_and_no_log(host: Host, token: str) -> None:
    """The token goes in through standard input, so that the search itself puts it into no process list."""
    script = (
        "read -r token; for file in /proc/[0-9]*/environ /proc/[0-9]*/cmdline; do "
        'grep --quiet --fixed-strings --text -e "$token" "$file" 2>/dev/null && echo "$file"; done; '
        'journalctl --no-pager --output=export | grep --fixed-strings --text --count -e "$token"'
    )
    assert _with_input(host, script, token) == "0"


def _with_input(host: Host, script: str, secret: str) -> str:
    """Output of a shell script on the machine that reads `secret` from its standard input, by way of a private file."""
    path = host.check_output("mktemp /run/token-probe.XXXXXX")
    try:
        host.check_output("cp %s %s", CREDENTIAL, path)
        assert str(host.file(path).content_string).strip() == secret
        return str(host.run(f"exec <{path}; {script}").stdout).strip()
    finally:
        host.check_output("rm %s", path)


def test_the_units_carry_no_token(host: Host, token: str) -> None:
    shown = host.check_output("systemctl cat cocosearch.service cocosearch-indexer.service cocosearch-token.service")
    assert token not in shown
