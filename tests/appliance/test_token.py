"""The token of clients: its file is root's, the server has a copy of its own, and a change counts within a second."""

from collections.abc import Iterator
from functools import partial

import httpx
import pytest
from testinfra.host import Host
from tests.appliance.facts import CREDENTIAL, wait_until

COPY = "/run/cocosearch-token/token"
WITHIN_SECONDS = 10.0  # a second on a machine that has time; nobody's on the tests' one
ANOTHER = "another-token-of-more-than-32-characters-"


@pytest.fixture
def file_with_its_first_token(host: Host, base_url: str) -> Iterator[str]:
    """Path of the token file, which is as before afterwards."""
    assert base_url
    host.check_output("cp --preserve=all %s /run/token-before", CREDENTIAL)
    yield CREDENTIAL
    host.check_output("mv /run/token-before %s", CREDENTIAL)
    wait_until(lambda: handed_over(host), WITHIN_SECONDS, "the first token to be back")


def handed_over(host: Host) -> bool:
    return bool(host.run("cmp --quiet %s %s", CREDENTIAL, COPY).rc == 0)


def _is_taken(base_url: str, token: str) -> bool:
    return status(base_url, token) == 200


def status(base_url: str, token: str) -> int:
    headers = {"Accept": "application/json, text/event-stream", "Authorization": f"Bearer {token}"}
    return httpx.post(f"{base_url}/mcp", json={"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, headers=headers, timeout=30).status_code


def test_the_copy_is_for_the_server_alone(host: Host, base_url: str) -> None:
    assert base_url
    copy, directory = host.file(COPY), host.file("/run/cocosearch-token")
    assert (copy.user, copy.group, oct(copy.mode)) == ("cocosearch", "cocosearch", "0o400")
    assert (directory.user, directory.mode & 0o022) == ("root", 0)
    assert handed_over(host)
    for file in (CREDENTIAL, COPY):
        assert host.run("setpriv --reuid=nobody --regid=cocosearch --clear-groups cat %s", file).rc != 0
    assert host.run("setpriv --reuid=cocosearch --regid=cocosearch --init-groups sh -c 'echo x >> %s'" % CREDENTIAL).rc != 0  # noqa: UP031


@pytest.mark.parametrize(
    "way",
    [
        'printf "%s\\n" "$1" >"$0"',
        'printf "%s\\n" "$1" >"$0.new" && mv "$0.new" "$0"',
        'printf "%s\\n" "$1" >"$0.new" && chmod 600 "$0.new" && cp "$0.new" "$0" && rm "$0.new"',
        'rm "$0" && sleep 0.3 && printf "%s\\n" "$1" >"$0"',
        'for i in 1 2 3 4 5; do printf "%s-%s\\n" "$1" "$i" >"$0"; done; printf "%s\\n" "$1" >"$0"',
    ],
    ids=["written", "replaced", "copied", "removed and made", "written again and again"],
)
def test_a_change_is_handed_over_and_counts(host: Host, base_url: str, file_with_its_first_token: str, token: str, way: str) -> None:
    assert status(base_url, token) == 200
    for turn in range(2):
        new = ANOTHER + str(turn)
        host.check_output("umask 077; sh -euc %s %s %s", way, file_with_its_first_token, new)
        wait_until(lambda: handed_over(host), WITHIN_SECONDS, "the changed token to be handed over")
        wait_until(partial(_is_taken, base_url, new), WITHIN_SECONDS, "the new token to be taken")
        assert status(base_url, token) == 401
