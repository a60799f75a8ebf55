"""Language of a file by its name."""

from pathlib import PurePosixPath

TEXT = "text"

# What the engine does not know by extension, or names in a way that no user would type.
_BY_NAME = {
    "dockerfile": "dockerfile",
    "containerfile": "dockerfile",
    "makefile": "makefile",
    "gnumakefile": "makefile",
    "cmakelists.txt": "cmake",
    "jenkinsfile": "groovy",
    "vagrantfile": "ruby",
    "gemfile": "ruby",
    "rakefile": "ruby",
}
_BY_SUFFIX = {
    ".bash": "bash",
    ".bats": "bash",
    ".cfg": "ini",
    ".cmake": "cmake",
    ".conf": "ini",
    ".cts": "typescript",
    ".dart": "dart",
    ".ex": "elixir",
    ".exs": "elixir",
    ".gemspec": "ruby",
    ".hcl": "hcl",
    ".hs": "haskell",
    ".ini": "ini",
    ".ipynb": "json",
    ".j2": "jinja2",
    ".lua": "lua",
    ".mk": "makefile",
    ".mts": "typescript",
    ".pl": "perl",
    ".proto": "protobuf",
    ".rake": "ruby",
    ".rst": "rst",
    ".service": "systemd",
    ".sh": "bash",
    ".socket": "systemd",
    ".target": "systemd",
    ".tf": "terraform",
    ".tfvars": "terraform",
    ".timer": "systemd",
    ".zig": "zig",
    ".zsh": "bash",
}


def detect_language(path: str) -> str:
    """Lower-case language of a file, as users filter by it; `text` where the name says nothing."""
    name = PurePosixPath(path).name.lower()
    known = _BY_NAME.get(name) or _BY_NAME.get(name.split(".", 1)[0] if name.startswith("dockerfile.") else "")
    if known:
        return known
    suffix = PurePosixPath(name).suffix
    if suffix in _BY_SUFFIX:
        return _BY_SUFFIX[suffix]
    from cocoindex.ops.text import detect_code_language  # it takes longer to load than to read most files

    return (detect_code_language(filename=name) or TEXT).lower()
