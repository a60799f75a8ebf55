"""Writes an image, as an engine saves it, as an OCI archive under the same image id.

Engines convert an image's configuration when they save it in OCI's format: it loses its health check and gets another id. Here it goes
into the archive as it is, so that what is loaded is what was tested. Beside OCI's index the archive has the one that older Docker engines
read.

`skopeo copy docker-archive:… oci-archive:…` (1.9) converts too; with --preserve-digests it keeps the configuration, but then gives Docker's
media types for a manifest of OCI's, calls the plain layers compressed, and in no case writes the index for older engines.

Usage: engine save IMAGE | oci_archive.py ARCHIVE NAME; prints the image's id.
"""

import hashlib
import io
import json
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import IO, Any

CONFIGURATION = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def main(archive: Path, name: str, saved: IO[bytes]) -> str:
    """Write the archive; returns the image's id."""
    with tempfile.TemporaryDirectory(dir=archive.parent) as scratch:
        members = Path(scratch)
        with tarfile.open(fileobj=saved, mode="r|") as tar:
            tar.extractall(members, filter="data")
        entries = json.loads((members / "manifest.json").read_bytes())
        if len(entries) != 1:
            raise SystemExit(f"error: one image was expected, {len(entries)} were saved.")
        configuration = members / entries[0]["Config"]
        layers = [members / layer for layer in entries[0]["Layers"]]
        described = [_descriptor(CONFIGURATION, configuration), *(_descriptor(LAYER, layer) for layer in layers)]
        blobs = [_blob(entry) for entry in described]
        _check_layers(configuration, described[1:])
        manifest = _json({"schemaVersion": 2, "mediaType": MANIFEST, "config": described[0], "layers": described[1:]})
        listed = {
            "mediaType": MANIFEST,
            "digest": f"sha256:{hashlib.sha256(manifest).hexdigest()}",
            "size": len(manifest),
            "annotations": {"org.opencontainers.image.ref.name": name},
        }
        with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
            _add(tar, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
            _add(tar, "index.json", _json({"schemaVersion": 2, "manifests": [listed]}))
            _add(tar, "manifest.json", _json([{"Config": blobs[0], "RepoTags": [name], "Layers": blobs[1:]}]))
            _add(tar, _blob(listed), manifest)
            for blob, path in dict(zip(blobs, [configuration, *layers], strict=True)).items():
                tar.add(path, arcname=blob, filter=_plain)
    return str(described[0]["digest"])


def _descriptor(media_type: str, path: Path) -> dict[str, Any]:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": path.stat().st_size}


def _check_layers(configuration: Path, layers: list[dict[str, Any]]) -> None:
    """The configuration names each layer by its content: an archive that was saved half is noticed here."""
    expected = json.loads(configuration.read_bytes())["rootfs"]["diff_ids"]
    if [layer["digest"] for layer in layers] != expected:
        raise SystemExit("error: the saved layers are not those that the image's configuration names.")


def _blob(descriptor: dict[str, Any]) -> str:
    return "blobs/" + str(descriptor["digest"]).replace(":", "/")


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(_plain(member), io.BytesIO(content))


def _plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    member.mode = 0o644
    return member


if __name__ == "__main__":
    sys.stdout.write(main(Path(sys.argv[1]), sys.argv[2], sys.stdin.buffer) + "\n")
