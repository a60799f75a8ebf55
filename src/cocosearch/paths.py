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


# Directories by the usual conventions; file names by those of each language's test runners. Where case tells words apart (commonTest,
# UserTests.cs), the pattern keeps it: "latest" is no test.
_PATTERNS = {
    Noise.TEST: re.compile(
        r"(^|[/._-])(?i:tests?)/"
        r"|(^|/|\.)(?i:specs?|__tests__|__mocks__|__snapshots__|testdata|fixtures?|e2e|cypress)/"
        r"|[a-z0-9]Tests?/"
        r"|(^|/)tests?[_-](utils?|helpers?|support|data|resources)/"
        r"|(^|/)(test_[^/]*\.(py|rb|lua|cc?|cpp|sh|jl|R)|conftest\.py|tests?\.(py|rs|zig|lua))$"
        r"|[_-](unit)?tests?\.(go|py|exs?|rb|rs|cc|cpp|c|dart|zig|lua|[cm]?[jt]sx?)$"
        r"|_spec\.(rb|lua|[jt]s)$"
        r"|\.(test|spec|cy|e2e)\.[cm]?[jt]sx?$"
        r"|[a-z0-9](Test|Tests|Spec|TestCase)\.(java|kt|scala|cs|swift|php|groovy|hs|mm?|cpp|[jt]s)$"
        r"|\.(bats|t|snap)$"
    ),
    Noise.EXAMPLE: re.compile(
        r"(^|[/._-])(examples?|samples?|demos?|benchmarks?|bench|benches|playground|sandbox|tutorials?)/"
        r"|(^|/)(examples?|samples?|demos?)[_-][^/]*/"
        r"|\.stories\.[jt]sx?$",
        re.IGNORECASE,
    ),
    Noise.DOCUMENT: re.compile(
        r"(^|/)(docs?([_-](src|source|site|website))?|documentation([_-][^/]*)?|website|man)/"
        r"|(^|/)(changelog|changes|history|news|readme|upgrading|contributing|licen[sc]e|copying|authors|credits)"
        r"(-[^/.]*)?(\.(apache|bsd|lesser|mit|pod))?$"
        r"|\.(md|mdx|markdown|rst|txt|adoc|rdoc|ronn|org|tex|ipynb|livemd|cheatmd)$",
        re.IGNORECASE,
    ),
    Noise.GENERATED: re.compile(
        r"(^|/)(_?vendor|third[_-]?party|node_modules|bower_components|(?-i:Pods)|dist|generated|__generated__)/"
        r"|\.min\.(js|css)$|\.(css|[cm]?js)\.map$|\.(designer|freezed)\.[^/]+$|[._](generated|pb|g)\.[^/]+$|_pb2(_grpc)?\.pyi?$"
        r"|(^|/)(package-lock\.json|pnpm-lock\.yaml|[^/]+\.lock|go\.sum)$",
        re.IGNORECASE,
    ),
}


@lru_cache(maxsize=50_000)
def noise_of(path: str) -> frozenset[Noise]:
    """The kinds of noise that a path belongs to."""
    return frozenset(noise for noise, pattern in _PATTERNS.items() if pattern.search(path))
