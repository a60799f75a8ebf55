"""What a path says about its file: tests, examples, documents and generated files are found, but rarely what was asked for."""

import re
from enum import StrEnum
from functools import lru_cache


class Noise(StrEnum):
    """Why a file stands behind others, unless the query asks for its kind."""

    TEST = "test"
    EXAMPLE = "example"
    DOCUMENT = "document"
    GENERATED = "generated"


# Directories by the usual conventions; file names by those of each language's test runners.
_PATTERNS = {
    Noise.TEST: re.compile(
        r"(^|/|\.)(?i:tests?|specs?|__tests__|__mocks__|testdata|test-data|fixtures?|e2e)/"
        r"|(^|/)(test_[^/]*|conftest)\.py$"
        r"|_test\.(go|py|exs?|rb|cc|cpp|c|dart|zig|lua|[jt]s)$"
        r"|_spec\.(rb|lua|[jt]s)$"
        r"|\.(test|spec|cy|e2e)\.[cm]?[jt]sx?$"
        r"|[a-z0-9](Test|Tests|Spec|TestCase)\.(java|kt|scala|cs|swift|php|groovy|hs)$"
        r"|\.bats$"
    ),
    Noise.EXAMPLE: re.compile(r"(^|/)(examples?|samples?|demos?|benchmarks?|benches|playground|sandbox)/", re.IGNORECASE),
    Noise.DOCUMENT: re.compile(
        r"(^|/)(docs?|documentation|website|man)/"
        r"|(^|/)(changelog|changes|history|news|readme|upgrading|contributing|licen[sc]e|copying)(-[^/.]*)?(\.(apache|bsd|lesser|mit|pod))?$"
        r"|\.(md|mdx|markdown|rst|txt|adoc|rdoc|ronn)$",
        re.IGNORECASE,
    ),
    Noise.GENERATED: re.compile(
        r"(^|/)(vendor|third_party|third-party|node_modules|dist|generated)/"
        r"|\.min\.(js|css)$|[._](generated|pb|g)\.[^/]+$|_pb2(_grpc)?\.pyi?$"
        r"|(^|/)(package-lock\.json|[^/]+\.lock|go\.sum)$",
        re.IGNORECASE,
    ),
}


@lru_cache(maxsize=50_000)
def noise_of(path: str) -> frozenset[Noise]:
    """The kinds of noise that a path belongs to."""
    return frozenset(noise for noise, pattern in _PATTERNS.items() if pattern.search(path))
