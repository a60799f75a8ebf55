"""What `cocosearch doctor` finds, and how it is written."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is; only a `problem` makes the command fail."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found in one place; the remedy is what to do, empty when nothing is."""

    part: str
    level: Level
    found: str
    remedy: str = ""


def healthy(findings: Iterable[Finding]) -> bool:
    """Whether there is no problem; warnings are allowed."""
    return all(finding.level is not Level.PROBLEM for finding in findings)


def as_text(findings: Iterable[Finding]) -> str:
    """One line for each finding, the remedy below it."""
    lines: list[str] = []
    for finding in findings:
        lines.append(f"{finding.level.value:<8} {finding.part:<18} {finding.found}")
        if finding.remedy:
            lines.append(f"{'':<27} -> {finding.remedy}")
    return "\n".join(lines)


def as_json(findings: Iterable[Finding]) -> str:
    """The findings for a machine."""
    listed = tuple(findings)
    return json.dumps({"healthy": healthy(listed), "findings": [asdict(finding) for finding in listed]}, indent=2)
