"""Linux capabilities of this process: what it was started with and does not need is given up for good."""

import ctypes
import os
from pathlib import Path
from typing import Final

_PR_CAP_AMBIENT: Final = 47
_PR_CAP_AMBIENT_CLEAR_ALL: Final = 4
_PR_SET_NO_NEW_PRIVS: Final = 38
_VERSION_3: Final = 0x20080522  # _LINUX_CAPABILITY_VERSION_3: two sets of 32 bits each


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def drop_capabilities() -> None:
    """Give up every capability of the calling thread, and the way to get one back by running a program.

    For children that read what strangers wrote (a pool's initializer, before the first task): in the container image the indexer may read
    every file there is (CAP_DAC_OVERRIDE), and a parser has no use for that. Capabilities belong to threads: call it while there is one.

    Raises:
        OSError: the kernel refused; the process must not go on then.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if any(held_capabilities().values()):  # in the sandbox of the units there are none, and capset(2) is forbidden
        _call(libc.prctl, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
        nothing = (_Data * 2)()
        _call(libc.capset, ctypes.byref(_Header(_VERSION_3, 0)), ctypes.byref(nothing))
    _call(libc.prctl, _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def held_capabilities() -> dict[str, int]:
    """The calling process's sets as the kernel shows them: CapInh, CapPrm, CapEff, CapAmb (the bounding set is no right by itself)."""
    lines = (line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines())
    return {name: int(value, 16) for name, value in lines if name in {"CapInh", "CapPrm", "CapEff", "CapAmb"}}


def _call(function: "ctypes._NamedFuncPointer", *arguments: object) -> None:
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"giving up the capabilities failed: {os.strerror(number)}")
