"""Stems in several threads: rows of files are made in them."""

import sys
from concurrent.futures import ThreadPoolExecutor

from cocosearch.terms import stem

ROOTS = ("pars", "connect", "index", "relat", "generat", "hope", "organ", "vers", "trans", "custom", "sign", "form", "deploy", "measur")
ENDINGS = ("ing", "ations", "fulness", "edly", "ies", "izers", "ousness", "ments", "ively", "able")
WORDS = [root + ending for root in ROOTS for ending in ENDINGS] * 4


def _stems(_: int) -> list[str]:
    return [stem.__wrapped__(word) for word in WORDS]  # past the cache


def test_threads_stem_as_one_does() -> None:
    alone = _stems(0)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(_stems, range(8))) == [alone] * 8
    finally:
        sys.setswitchinterval(interval)
