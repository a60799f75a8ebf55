"""What a path says about its file: tests, examples, documents and generated files are found, but rarely what was asked for."""

import re
from enum import StrEnum
from functools import lru_cache


class FileKind(StrEnum):
    """Kinds of files that stand behind others, unless the query asks for theirs."""

    TEST = "test"
    EXAMPLE = "example"
    DOCUMENT = "document"
    GENERATED = "generated"
    DATA = "data"  # by its name; by its content, its chunks are marked when they are made (cocosearch.indexing.chunking.data)


_LOCK_FILES = (
    r"(^|/)([^/]+\.lock|package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.ya?ml|conda-lock\.ya?ml|go(\.work)?\.sum|[^/]*gradle\.lockfile"
    r"|packages\.lock\.json|project\.assets\.json|(Package|Cartfile)\.resolved|gems\.locked|\.terraform\.lock\.hcl|cabal\.project\.freeze"
    r"|lake-manifest\.json|vcpkg-lock\.json|verification-metadata\.xml)$"
)
_LOCK_FILE = re.compile(_LOCK_FILES, re.IGNORECASE)

# Directories by the usual conventions; file names by those of each language's test runners. Where case tells words apart (commonTest,
# UserTests.cs), the pattern keeps it: "latest" is no test.
_PATTERNS = {
    FileKind.TEST: re.compile(
        r"(^|[/._-])(?i:tests?)/"
        r"|(^|/|\.)(?i:specs?|__tests__|__mocks__|__snapshots__|testdata|fixtures?|cassettes|e2e|cypress)/"
        r"|[a-z0-9]Tests?/"
        r"|(^|/)tests?[_-](utils?|helpers?|support|data|resources)/"
        r"|(^|/)(test_[^/]*\.(py|rb|lua|cc?|cpp|sh|jl|R)|conftest\.py|tests?\.(py|rs|zig|lua))$"
        r"|[_-](unit)?tests?\.(go|py|exs?|rb|rs|cc|cpp|c|dart|zig|lua|[cm]?[jt]sx?)$"
        r"|_spec\.(rb|lua|[jt]s)$"
        r"|\.(test|spec|cy|e2e)\.[cm]?[jt]sx?$"
        r"|[a-z0-9](Test|Tests|Spec|TestCase)\.(java|kt|scala|cs|swift|php|groovy|hs|mm?|cpp|[jt]s)$"
        r"|\.(bats|t|snap)$"
    ),
    FileKind.EXAMPLE: re.compile(
        r"(^|[/._-])(examples?|samples?|demos?|benchmarks?|bench|benches|playground|sandbox|tutorials?)/"
        r"|(^|/)(examples?|samples?|demos?)[_-][^/]*/"
        r"|\.stories\.[jt]sx?$",
        re.IGNORECASE,
    ),
    FileKind.DOCUMENT: re.compile(
        r"(^|/)(docs?([_-](src|source|site|website))?|documentation([_-][^/]*)?|website|man)/"
        r"|(^|/)(changelog|changes|history|news|readme|upgrading|contributing|licen[sc]e|copying|authors|credits)"
        r"(-[^/.]*)?(\.(apache|bsd|lesser|mit|pod))?$"
        r"|\.(md|mdx|markdown|rst|txt|adoc|rdoc|ronn|org|tex|ipynb|livemd|cheatmd)$",
        re.IGNORECASE,
    ),
    FileKind.GENERATED: re.compile(
        r"(^|/)(_?vendor|third[_-]?party|node_modules|bower_components|(?-i:Pods)|dist|generated|__generated__)/"
        r"|\.min\.(js|css)$|\.(css|[cm]?[jt]sx?)\.map$|\.(designer|freezed)\.[^/]+$|[._](generated|pb|g)\.[^/]+$|_pb2(_grpc)?\.pyi?$"
        rf"|{_LOCK_FILES}",
        re.IGNORECASE,
    ),
    FileKind.DATA: re.compile(
        r"\.(csv|tsv|psv|ndjson|jsonl|geojson|topojson|har|parquet|arff|svg|eps|po|pot|xliff?|xlf|resx|arb|strings|stringsdict"
        r"|bdf|afm|pfa|glif|sfd|ttx|fnt|dic|aff|hyp|srt|vtt|gpx|kml|obj|stl|ply|pdb|fasta|fa|fastq|hex|ihex|srec|pem|crt|cer)$"
        r"|(^|/)(locales?|i18n|l10n|translations?|lang)/(?:[^/]+/)*[^/]+\.(json5?|ya?ml|properties|xml|toml|ini)$"
        r"|(^|/)(messages|strings|translations?|locale)[._-][a-z]{2}([_-][a-z]{2,4})?\.(json|ya?ml|properties|xml)$"
        r"|(^|/)values-[a-z]{2}(-r[a-z]{2})?/strings\.xml$"
        r"|(^|/)(word-?list|words|stop-?words|dictionary)[^/]*\.(txt|lst)$",
        re.IGNORECASE,
    ),
}


@lru_cache(maxsize=50_000)
def file_kinds_of(path: str) -> frozenset[FileKind]:
    """The kinds of noise that a path belongs to."""
    return frozenset(noise for noise, pattern in _PATTERNS.items() if pattern.search(path))


def is_data_path(path: str) -> bool:
    """Whether a file is data by its name: records, translations, drawings, and the lists that package managers keep."""
    return _PATTERNS[FileKind.DATA].search(path) is not None or _LOCK_FILE.search(path) is not None
