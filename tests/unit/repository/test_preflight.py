"""What the roles refuse before they change anything, by Ansible itself on this machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
PLAY = """
- hosts: localhost
  connection: local
  gather_facts: true
  tasks:
    - ansible.builtin.import_role: {{name: {role}, tasks_from: preflight}}
"""


def refusal(role: str, systemd: str, directory: Path) -> str:
    """What a preflight says on a machine with this version of systemd."""
    systemctl = directory / "systemctl"
    systemctl.write_text(f"#!/bin/sh\necho '{systemd}'\n")
    systemctl.chmod(0o755)
    play = directory / "play.yml"
    play.write_text(PLAY.format(role=role))
    environment = {
        **os.environ,
        "PATH": f"{directory}:{os.environ['PATH']}",
        "SYSTEMD_OFFLINE": "1",
        "ANSIBLE_ROLES_PATH": str(REPOSITORY / "roles"),
        "ANSIBLE_CONFIG": str(REPOSITORY / "ansible.cfg"),
    }
    command = [f"{Path(sys.executable).parent}/ansible-playbook", "--inventory=localhost,", str(play)]
    command.append(f"--extra-vars=ansible_python_interpreter={sys.executable}")
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, cwd=directory).stdout


@pytest.mark.parametrize("role", ["cocosearch", "ollama"])
def test_a_systemd_that_would_ignore_how_the_units_restart_is_refused(role: str, tmp_path: Path) -> None:
    said = refusal(role, "systemd 252 (252.39-1~deb12u1)", tmp_path)
    assert "252.39-1~deb12u1) is too old for the units of CocoSearch, which need systemd 254" in " ".join(said.split())
    assert "Debian 13 and Ubuntu 24.04 have it" in " ".join(said.split())


@pytest.mark.parametrize("version", ["254", "257 (257.13-1~deb13u1)", "300"])
def test_a_newer_one_is_not(version: str, tmp_path: Path) -> None:
    said = refusal("ollama", f"systemd {version}", tmp_path)
    assert "Check that systemd is new enough" in said
    assert "is too old" not in said
