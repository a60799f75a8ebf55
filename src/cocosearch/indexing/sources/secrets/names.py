"""Which files hold credentials by convention, told from their names."""

import re
import tomllib
from collections.abc import Iterable
from importlib.resources import files

import re2

_PATTERNS = tomllib.loads((files("cocosearch.indexing.sources.secrets") / "rules" / "names.toml").read_text(encoding="utf-8"))
# Only at a project's root, or in a directory that is hidden: elsewhere it is a page's text in some language.
_COMPOSER_AUTH = "auth.json"

_CODE = frozenset(_PATTERNS["code"]["endings"])
# Names that are no code whatever their ending: compiled environments, histories.
_NEVER_CODE = re.compile(r"\.env(?:[._-].*)?|.*openrc\.sh|credentials\.clj|upload_config\.lua")
_TYPINGS = re.compile(r"\.?env\.d\.ts")
# Files that exist to be read: .env.example, credentials.sample.json, example.env, secrets.yml.j2. A key is none, whatever its name.
_TEMPLATE_WORD = r"(?:example|sample|template|tmpl|tpl|dist|schema|skel|j2|jinja2?|erb|gotmpl|ejs|mustache|hbs)s?"
_TEMPLATE = re.compile(rf"(?:^|.*[._-]){_TEMPLATE_WORD}(?:\.[a-z0-9]{{1,10}})?|{_TEMPLATE_WORD}[._-].*")
_KEYS = re.compile(r".*\.(?:pem|key|p12|pfx|p8|ppk|jks|keystore|kdbx|ovpn|tfstate|gpg)")
# What editors, file managers and people put around a name: .env~, #.env#, .env.swp, secrets (1).yml, Copy of .env, .env.bak.2
_DECORATIONS = tuple(
    re.compile(pattern)
    for pattern in (
        r"#(?P<name>.+)#",
        r"\.#(?P<name>.+)",
        r"\.?(?P<name>.+)\.sw[a-z]",
        r"copy of (?P<name>.+)",
        r"(?P<name>.+?)(?: copy(?: \d+)?| ?\(\d+\)| - copy)(?P<ending>\.[a-z0-9]+)?",
        # a backup by its ending
        (
            r"(?P<name>.+?)(?:~|[._-](?:(?:bak|backup|bck|bkp|old|orig|save|copy|tmp|prev)\d*|original|saved|temp|rej|previous|disabled|off"
            r"|dpkg-[a-z]+|rpm(?:save|new|orig)|ucf-[a-z]+|pacnew|pacsave|undo-tree|un)~?|[._-]\d{1,14}|[._-]\d{4}-\d\d-\d\d.*|\.~\d+~)"
        ),
    )
)
_MAX_DECORATIONS = 4
# A chart's or a kustomization's templates refer to values; what is literal in them is masked as in any text.
_CHART_TEMPLATES = re.compile(r"(?:.*/)?templates/(?:.*/)?[^/]*\.ya?ml")


def _glob(pattern: str) -> str:
    """The pattern as an expression: `*` is anything, brackets are a set of characters."""
    return re.sub(r"\\\*", ".*", re.sub(r"\\\[(.*?)\\\]", lambda match: f"[{match[1].replace(chr(92), '')}]", re.escape(pattern)))


def _compile(patterns: Iterable[str], before: str) -> "re2._Regexp[str]":
    return re2.compile(f"(?s:{before}(?:{'|'.join(map(_glob, patterns))}))")


def _names() -> list[str]:
    words = [
        f"{before}{word}{after}.{ending}"
        for word in _PATTERNS["words"]["words"]
        for before, after in (("", ""), ("*[._-]", ""), ("", "[._-]*"))
        for ending in _PATTERNS["words"]["endings"]
    ]
    return [*(pattern for kind in _PATTERNS["names"].values() for pattern in kind), *words]


_ANY_NAME = _compile(_names(), "")
_ANY_PATH = _compile(_PATTERNS["paths"]["paths"], "(?:.*/)?")


def is_secret_name(path: str) -> bool:
    """Whether a file, by its path relative to the project, holds credentials by convention.

    Backups of such a file are as secret as it is. Templates (`.env.example`) and code named like a key (`id_rsa_parser.py`) are not.
    """
    # A name that is no UTF-8 has surrogates in it, which the matcher does not take.
    directory, _, name = path.encode("utf-8", "replace").decode().lower().rpartition("/")
    names = _undecorated(name)
    return not _is_read_by_people(names[-1]) and any(_holds_credentials(directory, candidate) for candidate in names)


def _is_read_by_people(name: str) -> bool:
    """Code, prose and templates."""
    ending = name.rpartition(".")[2] if "." in name.lstrip(".") else ""
    is_code = (ending in _CODE and not _NEVER_CODE.fullmatch(name)) or _TYPINGS.fullmatch(name) is not None
    return is_code or (_TEMPLATE.fullmatch(name) is not None and not _KEYS.fullmatch(name))


def _undecorated(name: str) -> list[str]:
    """The name, and what it is the backup of."""
    found = [name]
    for _ in range(_MAX_DECORATIONS):
        for decoration in _DECORATIONS:
            match = decoration.fullmatch(found[-1])
            if match:
                inside = match["name"] + (match.groupdict().get("ending") or "")
                # Vim puts a dot before the name that it swaps, unless there is one.
                found += [f".{inside}", inside] if "sw" in decoration.pattern and found[-1].startswith(".") else [inside]
                break
        else:
            break
    return found


def _holds_credentials(directory: str, name: str) -> bool:
    path = f"{directory}/{name}" if directory else name
    if _ANY_PATH.fullmatch(path):
        return True
    if name == _COMPOSER_AUTH:
        return not directory or directory.rpartition("/")[2].startswith(".")
    return _ANY_NAME.fullmatch(name) is not None and not _CHART_TEMPLATES.fullmatch(path)
