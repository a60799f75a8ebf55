"""Text without the values of secrets."""

from collections.abc import Iterable

from cocosearch.indexing.sources.secrets.keys import find_kubernetes_values, find_private_keys
from cocosearch.indexing.sources.secrets.rules import find_secrets

REDACTED = "[redacted]"


def redact(text: str, path: str = "") -> str:
    """The text without private keys, tokens and passwords: a value is masked, the rest of its line stays, lines keep their numbers.

    Some rules ask for the file's path. The time is linear in the text's length, whatever is in it.
    """
    data = text.encode("utf-8", "surrogatepass")
    blocks = [*find_private_keys(data), *find_kubernetes_values(data)]
    if blocks:
        data = _mask(data, blocks)
    spans = list(find_secrets(data, path))
    if spans:
        data = _mask(data, spans)
    return data.decode("utf-8", "surrogatepass") if blocks or spans else text


def _mask(data: bytes, spans: Iterable[tuple[int, int]]) -> bytes:
    parts = []
    position = 0
    for start, end in sorted(spans):
        if end <= position:
            continue
        begin = max(start, position)
        parts += [data[position:begin], REDACTED.encode() if start >= position else b"", b"\n" * data.count(b"\n", begin, end)]
        position = end
    return b"".join((*parts, data[position:]))
