"""The program that sudo runs as root: what it takes, and from whom. That it judges right is in test_people, and on the machine."""

import os
import subprocess
import sys

import pytest

PROGRAM = "/bin/echo"  # in the command's place: it would show what the service is asked


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-I", "-m", "cocosearch.access.on_behalf", PROGRAM, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"], **environment})


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["token", "show"],
        ["mcp"],
        ["index"],
        ["index", "/srv", "--checked=1:1"],
        ["index", "/srv", "--back"],
        ["index", "/srv", "/etc"],
        ["index", "--", "/srv", "--name=x"],
        ["clear"],
        ["clear", "a", "b"],
        ["clear", "a", "--all"],
    ],
)
def test_other_arguments_are_refused(arguments: list[str]) -> None:
    done = run(*arguments, SUDO_UID="0")
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: cocosearch" in done.stderr


@pytest.mark.parametrize("number", ["", "root", "-1", "0x0", " 0", "4294967290"])
def test_without_sudos_word_nobody_is_anybody(number: str) -> None:
    done = run("index", "--background", "/", SUDO_UID=number)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("cocosearch: this ")
    assert "Traceback" not in done.stderr
