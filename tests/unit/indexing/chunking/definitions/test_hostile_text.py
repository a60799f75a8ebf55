"""Whatever a file holds, reading it ends, in bounds of memory and time, and gives lines that are there.

COCOSEARCH_FUZZ_TEXTS: how many texts of each language are read (by default a few); COCOSEARCH_FUZZ_SEED: from which seed on.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.indexing.chunking.definitions.hostile_text import make_text

from cocosearch.indexing.chunking.definitions.grammars import languages

ROOT = Path(__file__).parents[5]
TEXTS = int(os.environ.get("COCOSEARCH_FUZZ_TEXTS", "8"))
SEED = int(os.environ.get("COCOSEARCH_FUZZ_SEED", "0"))


@pytest.mark.slow("a process for each grammar")
@pytest.mark.parametrize("language", sorted(languages()))
def test_hostile_text_is_read_to_its_end(language: str) -> None:
    code = [sys.executable, "-m", "tests.unit.indexing.chunking.definitions.hostile_text", language, str(SEED), str(TEXTS)]
    done = subprocess.run(code, cwd=ROOT, capture_output=True, text=True, check=False)
    seeds = done.stdout.split()
    assert done.returncode == 0, f"{language}, seed {seeds[-1] if seeds else SEED}: ended with {done.returncode}\n{done.stderr[-2000:]}"
    assert seeds == [str(seed) for seed in range(SEED, SEED + TEXTS)]


def test_a_seed_gives_the_same_text_each_time() -> None:
    assert all(make_text("python", seed) == make_text("python", seed) for seed in range(20))
