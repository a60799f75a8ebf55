"""The two descriptors of a stdio client. stdout carries MCP and nothing else: what a library or a child prints goes to stderr."""

import os
import sys
from dataclasses import dataclass, field
from typing import BinaryIO

MAX_LINE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Wire:
    """The client's end of stdin and stdout, on descriptors that nobody else knows (and that children do not inherit)."""

    input: BinaryIO
    output: BinaryIO


def claim_wire() -> Wire:
    """Take stdin and stdout for MCP: from now on descriptor 0 is empty and descriptor 1 is stderr.

    To be called before anything is imported that may print.
    """
    sys.stdout.flush()
    wire = Wire(os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb"))
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return wire


@dataclass(slots=True)
class Heard:
    """What the real server has to hear once more, and which of its answers the client has already."""

    lines: list[bytes] = field(default_factory=list)
    initialize_id: int | str | None = None
