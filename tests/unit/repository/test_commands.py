"""One command for each chore: the Makefile, the hooks, the workflow and CONTRIBUTING name the same, and one version is the project's."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[3]
HEADING = re.compile(r"^## (\S+)(?: \((?:unreleased|\d{4}-\d{2}-\d{2})\))?$", re.MULTILINE)


def targets() -> set[str]:
    """What `make` can be asked for."""
    return set(re.findall(r"^([a-z-]+):", (REPOSITORY / "Makefile").read_text(), flags=re.MULTILINE))


def version() -> str:
    return str(tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"])


def test_every_target_is_told_by_help() -> None:
    told = subprocess.run(["make", "help"], cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout
    silent = {"test-images"}  # a step of `make test`, which runs two others one after the other
    assert set(re.findall(r"^make (\S+)", told, flags=re.MULTILINE)) == targets() - silent
    [phony] = re.findall(r"^\.PHONY: (.*)$", (REPOSITORY / "Makefile").read_text(), flags=re.MULTILINE)
    assert set(phony.split()) == targets()


def test_a_file_names_targets_that_there_are() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "*.md", ".ci", ".github"], cwd=REPOSITORY, check=True, capture_output=True, text=True
    ).stdout
    texts = {name: (REPOSITORY / name).read_text() for name in listed.splitlines() if (REPOSITORY / name).is_file()}
    named = {name: re.findall(r"(?:`|exec |^)make ([a-z][a-z -]*)", text, flags=re.MULTILINE) for name, text in texts.items()}
    unknown = {name: set(" ".join(words).split()) - targets() for name, words in named.items()}
    assert {name: words for name, words in unknown.items() if words} == {}
    assert named[".ci/run"] == ["test "]
    assert named["CONTRIBUTING.md"]


def test_the_workflow_runs_what_ci_runs() -> None:
    workflow: dict[str, Any] = yaml.safe_load((REPOSITORY / ".github/workflows/test.yml").read_text())
    commands = [step["run"] for step in workflow["jobs"]["test"]["steps"] if "run" in step]
    assert commands == ["sudo .ci/run"]
    assert (REPOSITORY / ".ci/run").read_text().splitlines()[-1] == "exec make test </dev/null"


def test_the_hooks_are_the_checks_of_lint() -> None:
    lint = (REPOSITORY / "scripts/lint").read_text()
    # What a check is given at the end, files, comes to a hook from pre-commit.
    checks = {re.sub(r'( "\$.*| \.)$', "", line) for line in re.findall(r"^ +check (.+)$", lint, flags=re.MULTILINE)}
    [local] = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text())["repos"]
    assert local["repo"] == "local"
    assert {hook["entry"].removeprefix(".venv/bin/") for hook in local["hooks"]} == checks
    assert {hook["language"] for hook in local["hooks"]} == {"system"}


def test_the_changelog_begins_with_the_version() -> None:
    headings = HEADING.findall((REPOSITORY / "CHANGELOG.md").read_text())
    assert headings[0] == version()
    assert len(headings) == len(set(headings)) == (REPOSITORY / "CHANGELOG.md").read_text().count("\n## ")


def test_the_collection_has_the_version() -> None:
    assert yaml.safe_load((REPOSITORY / "galaxy.yml").read_text())["version"] == version()


def test_the_image_is_labelled_with_the_version() -> None:
    script = (REPOSITORY / "scripts/image").read_text()
    assert 'version=$("$repository/.venv/bin/uv" version --short --project "$repository")\n' in script
    assert '--build-arg "VERSION=$version"\n' in script
    # As a step of the build: an option of the builder is not applied where every step comes from the cache.
    assert re.search(
        r"\nARG VERSION=\nRUN (?s:.*)\nLABEL org.opencontainers.image.version=\$VERSION\n$", (REPOSITORY / "Dockerfile.aio").read_text()
    )


def test_check_leaves_out_what_is_marked_slow_with_a_reason_and_nothing_else_does() -> None:
    marks = {
        file: re.findall(r"mark\.slow\b(.*)", file.read_text(encoding="utf-8"))
        for file in (REPOSITORY / "tests").rglob("*.py")
        if file != Path(__file__)
    }
    assert [file for file, given in marks.items() for each in given if not re.match(r'\("[a-z].{15,}"\)', each)] == []
    assert any(marks.values())
    chosen = re.compile(r'pytest .*(-m|-k|--deselect|--ignore)[ =]("[^"]*")?')
    commands = {
        name: chosen.findall((REPOSITORY / name).read_text()) for name in ("scripts/check", "scripts/test-python", "pyproject.toml")
    }
    assert commands == {"scripts/check": [("-m", '"not slow"')], "scripts/test-python": [], "pyproject.toml": []}
    assert not re.search(r"addopts = .*-[mk] ", (REPOSITORY / "pyproject.toml").read_text())
    [steps] = re.findall(r"^test: (.*?) ##", (REPOSITORY / "Makefile").read_text(), flags=re.MULTILINE)
    assert {"lint", "test-python"} <= set(steps.split())
