"""The command `cocosearch indexer` in a process of its own, with a fault in one project's way."""

import os
import subprocess
import sys
from pathlib import Path

from tests.integration.indexing.command import environment

from cocosearch.settings import Settings

PROGRAM = """
import re, sys, threading, time
from pathlib import Path
from cocosearch.cli.main import main
from cocosearch.indexing import indexer, run, reporter
root = Path(sys.argv[1])
real = indexer.inspect

def inspect(settings, project, context_tokens):
    if project.root == root:
        {fault}
    return real(settings, project, context_tokens)

{also}
{where}.inspect = inspect
sys.exit(main(["indexer"]))
"""


def start_faulty(
    settings: Settings, root: Path, fault: str, *, where: str = "indexer", also: str = "", **variables: str
) -> "subprocess.Popen[str]":
    """Begin an indexer in which the statement `fault` runs wherever the module `where` inspects the files of `root`."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(fault=fault, where=where, also=also), str(root)],
        env=environment(settings) | variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=os.fspath(Path(__file__).resolve().parents[3]),
    )
