"""How fast secrets are masked, and how often what is none: `python -m benchmarks.secrets DIRECTORY ... [--show]`."""

import argparse
import difflib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import re2

from cocosearch.indexing.sources.decoding import decode
from cocosearch.indexing.sources.secrets import REDACTED, is_secret_name, redact

CHUNK_CHARACTERS = 1_000
MAX_FILE_BYTES = 1 << 20
# One search of the same matcher through the same text, to compare with on a machine that does other things too. It finds nothing.
_YARDSTICK = re2.compile(rb"(?i)\b(?:password|secret|token)\x01")


def main() -> None:
    """Print the rate, and each chunk with a masked value in it, for a person to judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directories", nargs="+", type=Path)
    parser.add_argument("--show", action="store_true", help="print each masked line as it was and as it is")
    arguments = parser.parse_args()
    characters = size = masked = refused = 0
    seconds = plain = 0.0
    redact("")
    for path, text in _texts(arguments.directories):
        if is_secret_name(path):
            refused += 1
            print(f"refused by name: {path}")
            continue
        began = time.process_time()
        clean = redact(text, path)
        masked_at = time.process_time()
        _YARDSTICK.search(text.encode("utf-8", "surrogatepass"))
        seconds += masked_at - began
        plain += time.process_time() - masked_at
        characters += len(text)
        size += len(text.encode("utf-8", "surrogatepass"))
        if clean is not text:
            masked += len(set(_masked_chunks(clean)))
            if arguments.show:
                _show(path, text, clean)
    chunks = max(1, characters // CHUNK_CHARACTERS)
    print(f"{size / 1e6:.1f} MB, {chunks} chunks of {CHUNK_CHARACTERS} characters, {refused} files refused by name")
    print(f"masked: {masked} chunks, 1 in {chunks / masked:.0f}" if masked else "masked: none")
    print(f"{size / 1e6 / max(seconds, 1e-9):.0f} MB/s of processor time on one core")
    print(f"{seconds / max(plain, 1e-9):.1f} times one search for one expression")


def _texts(directories: list[Path]) -> Iterator[tuple[str, str]]:
    """Text files below the directories, as an index reads them."""
    for directory in directories:
        for folder, names, files in os.walk(directory):
            names[:] = sorted(name for name in names if name not in {".git", "__pycache__"})
            for name in sorted(files):
                path = Path(folder, name)
                if path.is_symlink() or not path.is_file() or path.stat().st_size > MAX_FILE_BYTES:
                    continue
                text = decode(path.read_bytes())
                if text is not None:
                    yield path.relative_to(directory).as_posix(), text


def _masked_chunks(clean: str) -> Iterator[int]:
    position = clean.find(REDACTED)
    while position >= 0:
        yield position // CHUNK_CHARACTERS
        position = clean.find(REDACTED, position + 1)


def _show(path: str, text: str, clean: str) -> None:
    for number, (before, after) in enumerate(zip(text.split("\n"), clean.split("\n"), strict=True), 1):
        if before == after or (REDACTED not in after):
            continue
        places = [
            block
            for block in difflib.SequenceMatcher(None, before[:2000], after[:2000], autojunk=False).get_opcodes()
            if block[0] != "equal"
        ]
        start = max(0, places[0][1] - 60) if places else 0
        print(f"{path}:{number}: {before[start : start + 160]!r}")


if __name__ == "__main__":
    main()
