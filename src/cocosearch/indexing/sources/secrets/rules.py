"""Rules that find the value of a secret in text: gitleaks' published ones and a few of our own, in the same form."""

import math
import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

import re2

from cocosearch.indexing.sources.secrets.placeholders import has_shape, is_placeholder

# A union is one automaton, whose states are made as they are met. When this is full they are made anew, which costs speed alone.
_MATCHER_BYTES = 64 << 20
# How far another rule may reach beyond the match of the first one, to be asked at the same place.
_LOOK_AHEAD_BYTES = 512
# What the rules let stand before a keyword. It says nothing about the value, and without it a search can skip to the keyword.
_BEFORE_KEYWORD = r"[\w.-]{0,50}?"
# What gitleaks expects after a value. After one that has an issuer's prefix anything may stand that does not go on with it.
_AFTER_VALUE = r"""(?:[\x60'"\s;]|\\[nr]|$)"""
_NO_MORE_VALUE = r"(?:[^\w-]|$)"
# Rules that are not taken over, and why.
_LEFT_OUT = {
    "square-access-token": "finds itself within base64 (meta-and-square)",
    "facebook-page-access-token": "finds itself within base64 (meta-and-square)",
    "private-key": "keys are masked as blocks, also those that were cut (see keys.py)",
    "kubernetes-secret-yaml": "it finds the first value of a Secret alone (see keys.py)",
    "curl-auth-header": "it finds the last header of a line alone (authorization-header)",
    "curl-auth-user": "it finds the last user of a line alone (curl-user)",
    "slack-webhook-url": "takes the whole address for the secret (webhooks)",
    "sourcegraph-access-token": "takes every commit of git for a token wherever the word stands (services)",
}
_LINE_BYTES = 400
_WORD_BYTES = 50
_DIGIT = re2.compile(rb"[0-9]")
_WORD_BEFORE = re2.compile(rb"[\w.-]*\z")
_GENERIC = "generic-api-key"


@dataclass(frozen=True, slots=True)
class Allowlist:
    """What is no secret although a rule matched."""

    regexes: "re2._Regexp[bytes] | None"
    target: str  # "secret", "match" or "line"
    stopwords: "re2._Regexp[bytes] | None"
    paths: "re2._Regexp[str] | None"
    all_of: bool  # path and text must both be allowed

    def allows(self, data: bytes, path: str, matched: tuple[int, int], secret: tuple[int, int]) -> bool:
        """Whether what was found is known to be harmless."""
        value = data[secret[0] : secret[1]]
        found = []
        if self.paths is not None:
            found.append(self.paths.search(path) is not None)
        if self.regexes is not None:
            match self.target:
                case "match":
                    text = data[_word_start(data, matched[0]) : matched[1]]
                case "line":
                    text = _line(data, matched)
                case _:
                    text = value
            found.append(self.regexes.search(text) is not None)
        if self.stopwords is not None:
            found.append(self.stopwords.search(value) is not None)
        return all(found) if self.all_of else any(found)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `span` tells where in its match the secret is."""

    name: str
    pattern: "re2._Regexp[bytes]"
    entropy: float
    keywords: tuple[bytes, ...]
    path: "re2._Regexp[str] | None"
    allowlists: tuple[Allowlist, ...]
    needs_digit: bool = False
    placeholders: bool = False
    shape: str = ""
    skips_allowed_paths: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Rules that are searched for at once: where any of them may match, and which of them there."""

    union: "re2._Regexp[bytes]"
    which: "re2.Set"
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules, and what none of them means."""

    groups: tuple[Group, ...]
    allowlist: Allowlist
    allowlist_of_values: Allowlist  # the same without its paths


@cache
def rule_set() -> RuleSet:
    """The rules, compiled once for each process."""
    published, additional = _read("gitleaks.toml"), _read("additional.toml")
    taken = [entry for entry in published["rules"] if entry["id"] not in _LEFT_OUT and "regex" in entry]
    # Rules that begin alike make one small automaton together, others a large one.
    groups: dict[str, list[tuple[Rule, str]]] = {}
    for entry in [*additional["rules"], *taken]:
        more = [allowed for allowed in additional["allowlists"] if entry["id"] in allowed["of"]]
        rule = _rule(entry | {"allowlists": [*entry.get("allowlists", ()), *more]})
        groups.setdefault(entry.get("group", _group_name(entry)), []).append(rule)
    allowlist = _allowlist(published["allowlist"])
    return RuleSet(tuple(_group(rules) for rules in groups.values()), allowlist, replace(allowlist, paths=None))


def _group_name(entry: dict[str, Any]) -> str:
    if entry["id"] == _GENERIC:
        return "placed"
    return "in context" if _BEFORE_KEYWORD in entry["regex"] else "tokens"


def find_secrets(data: bytes, path: str) -> Iterator[tuple[int, int]]:
    """Where the rules find secrets in a text, given as UTF-8."""
    text = _Text(data, path)
    for group in rule_set().groups:
        if all(rule.path is not None and rule.path.search(text.path) is None for rule in group.rules):
            continue
        position = 0
        while position <= len(data) and (match := group.union.search(data, position)):
            found, resume = _judge(group, text, match)
            if found is not None:
                yield found
            position = max(resume, position + 1)


class _Text:
    """What is asked about the text as a whole, once."""

    def __init__(self, data: bytes, path: str) -> None:
        allowlist = rule_set().allowlist
        self.data = data
        self.path = path.encode("utf-8", "replace").decode()
        self.in_allowed_path = allowlist.paths is not None and allowlist.paths.search(self.path) is not None

        self._has: dict[bytes, bool] = {}

    @cached_property
    def _lowered(self) -> bytes:
        return self.data.lower()

    def has(self, keyword: bytes) -> bool:
        """Whether a keyword stands anywhere, in small letters or capitals."""
        if keyword not in self._has:
            self._has[keyword] = keyword in self._lowered
        return self._has[keyword]


def _judge(group: Group, text: _Text, candidate: "re2._Match[bytes]") -> tuple[tuple[int, int] | None, int]:
    """The secret that rules find here, the longest if several do, and where to go on.

    What follows a value may be what stands before the next; a value that is refused may hold another rule's.
    """
    start = candidate.start()
    resume = candidate.end()
    found: tuple[int, int] | None = None
    for number in group.which.Match(text.data[start : candidate.end() + _LOOK_AHEAD_BYTES]) or ():
        rule = group.rules[number]
        match = rule.pattern.match(text.data, start)
        if match is None:
            continue
        span = _secret_span(match)
        if _stands(rule, text, match.span(), span):
            found = span if found is None else (min(found[0], span[0]), max(found[1], span[1]))
        elif span[0] > start:
            resume = min(resume, span[0])
    return found, resume if found is None else found[1]


def _stands(rule: Rule, text: _Text, match: tuple[int, int], span: tuple[int, int]) -> bool:
    """Whether what a rule matched is a secret, by all that the rule asks beside its expression."""
    value = text.data[span[0] : span[1]]
    if (rule.skips_allowed_paths and text.in_allowed_path) or (rule.path is not None and rule.path.search(text.path) is None):
        return False
    if rule.keywords and not any(text.has(keyword) for keyword in rule.keywords):
        return False
    if (rule.needs_digit and _DIGIT.search(value) is None) or (rule.entropy and entropy(value) <= rule.entropy):
        return False
    if (rule.placeholders and is_placeholder(value)) or not has_shape(value, rule.shape):
        return False
    return not any(entry.allows(text.data, text.path, match, span) for entry in (rule_set().allowlist_of_values, *rule.allowlists))


def entropy(value: bytes) -> float:
    """Shannon's, in bits a byte."""
    return -sum(count / len(value) * math.log2(count / len(value)) for count in Counter(value).values())


def _secret_span(match: "re2._Match[bytes]") -> tuple[int, int]:
    """The first group that took part, else the whole match, as gitleaks reads its rules."""
    spans: list[tuple[int, int]] = [match.span(number) for number in range(match.re.groups + 1)]
    return next((span for span in spans[1:] if span[1] > span[0] >= 0), spans[0])


def _word_start(data: bytes, position: int) -> int:
    """Where the word begins in which a match does: what stands before a keyword is left out of the rules, see `_BEFORE_KEYWORD`."""
    before = data[max(0, position - _WORD_BYTES) : position]
    start: int = _WORD_BEFORE.search(before).start()
    return position - len(before) + start


def _line(data: bytes, match: tuple[int, int]) -> bytes:
    """The line around a match, as far as a person would read it: a line can be the whole file."""
    start, end = max(0, match[0] - _LINE_BYTES), min(len(data), match[1] + _LINE_BYTES)
    begin, finish = data.rfind(b"\n", start, match[0]) + 1, data.find(b"\n", match[1], end)
    return data[begin or start : finish if finish >= 0 else end]


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((files("cocosearch.indexing.sources.secrets") / "rules" / name).read_text(encoding="utf-8"))


def _compile(pattern: str) -> "re2._Regexp[bytes]":
    return re2.compile(pattern.encode(), _options())


def _options() -> "re2.Options":
    options = re2.Options()
    options.max_mem = _MATCHER_BYTES
    return options


def _union(patterns: Sequence[str]) -> str:
    return "|".join(f"(?:{pattern})" for pattern in patterns)


def _group(rules: Sequence[tuple[Rule, str]]) -> Group:
    # Captures that have a name have it in one rule alone, and in a union they serve nobody.
    patterns = [re.sub(r"\?P<\w+>", "", pattern) for _, pattern in rules]
    which = re2.Set.MatchSet(_options())
    for pattern in patterns:
        which.Add(pattern.encode())
    which.Compile()
    return Group(_compile(_union(patterns)), which, tuple(rule for rule, _ in rules))


def _rule(entry: dict[str, Any]) -> tuple[Rule, str]:
    pattern = entry["regex"]
    in_context = _BEFORE_KEYWORD in pattern
    pattern = pattern.replace(_BEFORE_KEYWORD, "") if in_context else pattern.replace(_AFTER_VALUE, _NO_MORE_VALUE)
    rule = Rule(
        name=entry["id"],
        pattern=_compile(pattern),
        entropy=float(entry.get("entropy", 0)),
        keywords=tuple(keyword.lower().encode() for keyword in entry.get("keywords", ())),
        path=re2.compile(entry["path"]) if "path" in entry else None,
        allowlists=tuple(_allowlist(allowed) for allowed in entry.get("allowlists", ())),
        needs_digit=in_context,  # gitleaks asks for it in its program, of its generic rule alone; a word of 25 letters is a name in any
        placeholders=entry.get("placeholders", False),
        shape=entry.get("shape", ""),
        skips_allowed_paths=in_context,
    )
    return rule, pattern


def _allowlist(entry: dict[str, Any]) -> Allowlist:
    stopwords = [re.escape(word) for word in entry.get("stopwords", ())]
    return Allowlist(
        regexes=_compile(_union(entry["regexes"])) if entry.get("regexes") else None,
        target=entry.get("regexTarget", "secret"),
        stopwords=_compile(f"(?i){_union(stopwords)}") if stopwords else None,
        paths=re2.compile(_union(entry["paths"])) if entry.get("paths") else None,
        all_of=entry.get("condition", "OR") == "AND",
    )
