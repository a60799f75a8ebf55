"""Lists what an image consists of, as a CycloneDX document on standard output. Runs in the image, on its Python.

syft (1.18, the newest on PyPI) finds the same Debian and Python packages in the image, but no model, and a document of it has another
serial number and time at each run.

Usage: list_contents.py NAME IMAGE_ID
"""

import json
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path
from typing import Any
from urllib.parse import quote

DPKG_FIELDS = "${binary:Package}\t${Version}\t${Architecture}\t${db:Status-Status}\n"
SITE_PACKAGES = "/opt/cocosearch/current/lib/python3*/site-packages"
MODELS = Path("/usr/share/cocosearch/models")


def main(name: str, image_id: str) -> None:
    """Write the document."""
    components = [*_debian_packages(), *_python_packages(), *_ollama(), *_models()]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "container", "bom-ref": image_id, "name": name, "version": image_id}},
        "components": sorted(components, key=lambda component: str(component["bom-ref"])),
    }
    json.dump(document, sys.stdout, indent=1)
    sys.stdout.write("\n")


def _component(kind: str, name: str, version: str, purl: str) -> dict[str, Any]:
    return {"type": kind, "bom-ref": purl, "name": name, "version": version, "purl": purl}


def _debian_packages() -> list[dict[str, Any]]:
    listed = subprocess.run(["dpkg-query", "--show", f"--showformat={DPKG_FIELDS}"], check=True, capture_output=True, text=True).stdout
    rows = [line.split("\t") for line in listed.splitlines()]
    return [
        _component(
            "library", name.partition(":")[0], version, f"pkg:deb/debian/{name.partition(':')[0]}@{quote(version)}?arch={architecture}"
        )
        for name, version, architecture, status in rows
        if status == "installed"
    ]


def _python_packages() -> list[dict[str, Any]]:
    [site_packages] = Path("/").glob(SITE_PACKAGES.removeprefix("/"))
    found = {(package.name.lower(), package.version) for package in distributions(path=[str(site_packages)])}
    return [_component("library", name, version, f"pkg:pypi/{quote(name)}@{quote(version)}") for name, version in sorted(found)]


def _ollama() -> list[dict[str, Any]]:
    current = Path("/opt/ollama/current")
    if not current.exists():
        return []
    version = current.resolve().name
    return [_component("application", "ollama", version, f"pkg:github/ollama/ollama@v{quote(version)}")]


def _models() -> list[dict[str, Any]]:
    """Models that the image brings along, each by its file: a manifest of Ollama's, or the embedded server's graph."""
    files = [path for pattern in ("models/manifests/*/*/*/*", "*.onnx") for path in sorted(MODELS.glob(pattern))]
    named = [(path.parent.name, path.name) if "manifests" in path.parts else (path.stem, "embedded") for path in files]
    return [_component("machine-learning-model", name, tag, f"pkg:generic/{quote(name)}@{quote(tag)}") for name, tag in named]


if __name__ == "__main__":
    main(*sys.argv[1:])
