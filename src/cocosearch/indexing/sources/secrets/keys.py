"""Secrets that are blocks of lines: private keys, and the values of a Kubernetes Secret."""

from collections.abc import Iterator
from itertools import pairwise

import re2

_BEGIN = re2.compile(rb"-----? ?BEGIN (?:[A-Z0-9]+ ){0,4}PRIVATE KEY(?: BLOCK)? ?----?-")
_MARK = re2.compile(rb"-----? ?(?:BEGIN|END) [A-Z0-9 ]{1,60} ?----?-")
# A key without its end (a file that was cut) goes as far as what base64 and its headers are made of.
_REST = re2.compile(rb"[A-Za-z0-9+/=\\:,\s\"'.-]*")
# Code that only names the line of a key has no such run after it, and code between two such names is not made of them.
_MATERIAL = re2.compile(rb"[A-Za-z0-9+/=]{32}")
_RUN = re2.compile(rb"[A-Za-z0-9+/=]{16,}")
_MIN_SHARE_OF_RUNS = 0.4

_SECRET = re2.compile(rb"(?m)^\s{0,20}[\"']?kind[\"']?:\s{0,4}[\"']?Secret[\"']?\s*,?$")
_DOCUMENT = re2.compile(rb"(?m)^---")
_DATA = re2.compile(rb"(?m)^([ \t]{0,40})(?:data|stringData):[ \t]*$")
_VALUE = re2.compile(rb"([ \t]*)(?:[\w.\"'-]{1,253}:(?:[ \t]+([^\n]*))?|([^\n]*))(?:\n|\z)")
_REFERENCE = re2.compile(rb"\s*(?:[|>][+-]?\d?\s*|\{\{.*|\$[({].*|\"\{\{.*|'\{\{.*|\"\"|''|#.*|<.*)?")


def find_private_keys(data: bytes) -> Iterator[tuple[int, int]]:
    """Where private keys are, with the lines around them. One that is only named is none."""
    begin = _BEGIN.search(data)
    while begin is not None:
        mark = _MARK.search(data, begin.end())
        limit = mark.start() if mark is not None else len(data)
        if mark is not None and b"END" in mark[0] and _is_dense(data, begin.end(), limit):
            end = mark.end()
        else:
            end = _REST.match(data, begin.end(), limit).end()
        if _MATERIAL.search(data, begin.end(), end) is not None:
            yield begin.start(), end
        begin = _BEGIN.search(data, end)


def _is_dense(data: bytes, start: int, end: int) -> bool:
    in_runs: int = sum(run.end() - run.start() for run in _RUN.finditer(data, start, end))
    return in_runs >= _MIN_SHARE_OF_RUNS * (end - start)


def find_kubernetes_values(data: bytes) -> Iterator[tuple[int, int]]:
    """Where a manifest of a Kubernetes Secret has values and no references to values."""
    if b"Secret" not in data or _SECRET.search(data) is None:
        return
    bounds = [0, *(match.start() for match in _DOCUMENT.finditer(data)), len(data)]
    for start, end in pairwise(bounds):
        if _SECRET.search(data, start, end) is None:
            continue
        for block in _DATA.finditer(data, start, end):
            yield from _values(data, block.end() + 1, end, len(block[1]))


def _values(data: bytes, position: int, end: int, indent: int) -> Iterator[tuple[int, int]]:
    while position < end:
        line = _VALUE.match(data, position, end)
        if line is None or line.end() == position:
            return
        if len(line[1]) <= indent and line[0].strip():
            return
        group = 2 if line[2] is not None else 3
        value = line[group]
        if value and value.strip() and _REFERENCE.fullmatch(value) is None:
            yield line.span(group)
        position = line.end()
