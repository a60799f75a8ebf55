"""Pack the package's sources into a tar file whose bytes depend on their contents alone, and print its SHA-256.

Usage: pack_source.py CHECKOUT TARFILE
"""

import hashlib
import sys
import tarfile
from pathlib import Path

# What building the wheel needs; a change of anything else is no new release.
FILES = ("pyproject.toml", "README.md", "LICENSE")
TREE = "src"
NOT_SOURCE = ("__pycache__", ".pyc")


def source_files(checkout: Path) -> list[Path]:
    """Paths of the sources, relative to the checkout, in a fixed order."""
    tree = (path.relative_to(checkout) for path in (checkout / TREE).rglob("*") if path.is_file())
    sources = (path for path in tree if not any(part.endswith(NOT_SOURCE) for part in path.parts))
    return [*map(Path, FILES), *sorted(sources)]


def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """The member without what differs between checkouts: owner, time and mode."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    member.mode = 0o644
    return member


def main(checkout: Path, archive: Path) -> None:
    """Write the archive and print its digest."""
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        for path in source_files(checkout):
            tar.add(checkout / path, arcname=f"cocosearch/{path.as_posix()}", filter=plain)
    sys.stdout.write(hashlib.sha256(archive.read_bytes()).hexdigest() + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
