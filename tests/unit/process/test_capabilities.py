"""Giving up capabilities, in processes that really hold some."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

DAC_OVERRIDE = 1 << 1
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has capabilities to give up")


def as_service(code: str) -> subprocess.CompletedProcess[str]:
    """Run Python as a user of its own with CAP_DAC_OVERRIDE ambient, as the image's indexer runs."""
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    return subprocess.run([*command, sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd="/")


@needs_root
def test_everything_is_given_up_for_this_process_and_its_children(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.write_text("secret")
    closed.chmod(0)
    code = f"""
import json, subprocess, sys
from cocosearch.process.capabilities import drop_capabilities, held_capabilities
before = held_capabilities()
with open({str(closed)!r}) as file:
    assert file.read() == "secret"
drop_capabilities()
child = subprocess.run(["cat", {str(closed)!r}], capture_output=True)
try:
    open({str(closed)!r})
    opened = True
except PermissionError:
    opened = False
print(json.dumps([before, held_capabilities(), opened, child.returncode]))
"""
    done = as_service(code)
    assert done.returncode == 0, done.stderr
    before, after, opened, child = json.loads(done.stdout)
    assert before["CapEff"] & DAC_OVERRIDE
    assert before["CapAmb"] & DAC_OVERRIDE
    assert set(after.values()) == {0}
    assert not opened
    assert child != 0


@needs_root
def test_a_child_that_gives_them_up_leaves_its_parent_as_it_is() -> None:
    code = """
import os
from cocosearch.process.capabilities import drop_capabilities, held_capabilities
before = held_capabilities()
pid = os.fork()
if pid == 0:
    drop_capabilities()
    os._exit(0 if set(held_capabilities().values()) == {0} else 1)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
assert held_capabilities() == before and before["CapEff"]
"""
    done = as_service(code)
    assert done.returncode == 0, done.stderr


def test_a_process_without_any_may_ask_too() -> None:
    code = "from cocosearch.process.capabilities import drop_capabilities, held_capabilities as h; drop_capabilities(); print(h())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(dict.fromkeys(("CapInh", "CapPrm", "CapEff", "CapAmb"), 0))
