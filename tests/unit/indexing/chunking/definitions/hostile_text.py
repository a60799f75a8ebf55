"""Hostile text of each language, made from a seed; and the process that reads it, so that a crash ends nothing else.

    python -m tests.unit.indexing.chunking.definitions.hostile_text LANGUAGE SEED COUNT

reads the texts of COUNT seeds from SEED on, and prints each seed before its text is read: the last one printed is the one to look at.
"""

import random
import resource
import sys
from collections.abc import Callable
from pathlib import Path

from cocosearch.indexing.chunking.chunks import model_tokens, split
from cocosearch.indexing.chunking.definitions import definitions_of
from cocosearch.indexing.chunking.definitions.grammars import languages
from cocosearch.indexing.sources.decoding import decode
from cocosearch.lexicon.languages import detect_language, display_names

SAMPLES = Path(__file__).parent / "samples"
MAX_MEMORY = 4 * 1024**3  # address space: libraries alone take more than one
MAX_SECONDS = 60  # of the processor, for one text
CHUNK_CHARACTERS, MAX_TOKENS = 1_000, 512

_OPENERS = (
    *("(", "[", "{", "<", "a<", "((", "{[", "f(", "x[", "{{", "{%", "${", '"${', "#{", '"#{', "`${", "%{", "$(", "<a>", "<script>"),
    *("<template>", "/*", "(*", "{-", "<!--", '"""', "'''", "'", '"', "`", "--[[", "#|", "|", "&", "*", "!", "-", "?", "~", "@", "\\", "^"),
    *(
        "if x then ",
        "if (x) {",
        "begin ",
        "BEGIN\n",
        "do\n",
        "fn a() {",
        "mod a{",
        "class A {\n",
        "class A:\n ",
        "def f():\n  ",
        "function f() {",
    ),
    *(
        "module A\n",
        "namespace a {",
        "let x = ",
        "match x with ",
        "case x of ",
        "- ",
        "> ",
        "* ",
        "1. ",
        "a: ",
        "? ",
        "# ",
        "#if A\n",
        "<<EOF\n",
    ),
    *('R"x(', "$a$ ", "CREATE FUNCTION f AS ", "TEST(a, b) {", "A_B(", "template <", "new A() {", "x => ", "\\x -> ", "lambda x: ", "not "),
    *(
        "(defn ",
        "'(",
        "#(",
        "=head1\n",
        "q{",
        "s{",
        "m/",
        "begin\n",
        "proc f() =\n ",
        "quote do\n",
        "rescue\n",
        "try {",
        "switch (x) {",
        "@(",
        "::",
    ),
)
_SEPARATORS = ("", " ", "\n", "\t", "\r\n", "\r", "\n ", ",", ";", "\0", "\ufeff", "\u2028", "é", "\U0001f600")
_ENCODINGS = ("utf-8", "cp1252", "utf-16", "utf-16-le", "utf-8-sig", "latin-1", "shift_jis", "utf-7")


def make_text(language: str, seed: int) -> str:
    """The text of a seed."""
    chance = random.Random(f"{language} {seed}")  # noqa: S311 - texts, no secrets
    makers: tuple[Callable[[random.Random, str], str], ...] = (
        _nested,
        _nested,
        _mixed,
        _long_line,
        _noise,
        _mutated,
        _mutated,
        _repeated,
        _indented,
    )
    maker = chance.choice(makers)
    return maker(chance, _sample(language))


def _sample(language: str) -> str:
    path = SAMPLES / f"{language}.txt"
    return path.read_text(encoding="utf-8").partition("%%%%")[0] if path.exists() else "a = 1\n"


def _count(chance: random.Random) -> int:
    return chance.choice((3, 30, 101, 300, 1_100, 5_000, 20_000))


def _nested(chance: random.Random, _sample: str) -> str:
    """One thing opened again and again, and closed or not."""
    opener, between = chance.choice(_OPENERS), chance.choice(_SEPARATORS)
    count = _count(chance)
    closed = chance.choice(("", ")" * count, "}" * count, "]" * count, ">" * count, " end" * count, "\n"))
    return (opener + between) * count + "x" + closed


def _mixed(chance: random.Random, _sample: str) -> str:
    """Many things opened in any order."""
    chosen = chance.sample(_OPENERS, 4)
    return "".join(chance.choice(chosen) + chance.choice(_SEPARATORS) for _ in range(_count(chance)))


def _long_line(chance: random.Random, sample: str) -> str:
    """One line without an end."""
    unit: str = chance.choice(
        (*"aA0 \t.,;:'\"\\/(){}[]<>=+-*&^%$#@!~`|?_é", "ab ", "0x1,", "a.b.", "a(b,", "a+", "\\n", sample.replace("\n", " "))
    )
    length: int = chance.choice((5_000, 200_000))
    return (unit * (length // len(unit) + 1))[:length]


def _noise(chance: random.Random, _sample: str) -> str:
    """Random bytes, as far as they are taken for a text."""
    data = chance.randbytes(chance.choice((10, 1_000, 30_000)))
    printable = bytes(byte if byte >= ord(" ") or byte in b"\t\n\r" else ord(" ") for byte in data)
    return decode(data) or decode(printable) or printable.decode(chance.choice(_ENCODINGS), "replace")


def _mutated(chance: random.Random, sample: str) -> str:
    """The sample with parts cut out, doubled, swapped, opened or read in another encoding."""
    text = sample
    for _ in range(chance.randint(1, 12)):
        first, second = sorted(chance.randrange(len(text) + 1) for _ in range(2))
        opener = chance.choice(_OPENERS) * chance.choice((1, 1, 1, 200))
        text = chance.choice(
            (
                text[:first] + text[second:],
                text[:second] + text[first:second] + text[second:],
                text[second:] + text[first:second] + text[:first],
                text[:first] + opener + text[first:],
                text[:first] + text[first:second].replace("\n", chance.choice(_SEPARATORS)) + text[second:],
            )
        )[:100_000]
    encoding = chance.choice(_ENCODINGS)
    return text if chance.random() < 0.7 else text.encode(encoding, "replace").decode(chance.choice(_ENCODINGS), "replace")


def _repeated(chance: random.Random, sample: str) -> str:
    """The sample within itself, or after itself, many times."""
    part = sample[: chance.randrange(1, len(sample) + 1)]
    length: int = chance.choice((20_000, 150_000))
    return (part * (length // len(part) + 1))[:length]


def _indented(chance: random.Random, _sample: str) -> str:
    """Each line deeper than the one before."""
    line, step = (
        chance.choice(("a:", "- a", "if x:", "def f():", "x =", "> a", "let a =", "* a", "module A", "# a")),
        chance.choice((" ", "  ", "\t")),
    )
    return "".join(step * depth + line + "\n" for depth in range(min(_count(chance), 600)))


def read(language: str, text: str) -> None:
    """Read the text as the indexer does, and look at what comes out."""
    assert detect_language("a.h", text) in display_names()
    definitions = definitions_of(text, language)
    line_count = text.encode("utf-8", "replace").count(b"\n") + 1
    for each in definitions:
        assert 1 <= each.start_line <= each.name_line <= each.end_line <= line_count, each
        assert each.name
    for chunk in split(text, language, definitions, CHUNK_CHARACTERS, MAX_TOKENS):
        assert 1 <= chunk.start_line <= chunk.end_line <= line_count, chunk
        assert len(chunk.text) <= 2 * CHUNK_CHARACTERS
        assert model_tokens(chunk.text) <= MAX_TOKENS


def main(language: str, first: int, count: int) -> None:
    """Read the texts of the seeds, within bounds of memory and time."""
    assert language in languages()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    for seed in range(first, first + count):
        sys.stdout.write(f"{seed}\n")
        sys.stdout.flush()
        used = resource.getrusage(resource.RUSAGE_SELF)
        end = int(used.ru_utime + used.ru_stime) + MAX_SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (end, resource.RLIM_INFINITY))
        read(language, make_text(language, seed))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
