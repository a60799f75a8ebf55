"""What is data among code: shortened where it is long, marked where it is most of a chunk."""

import base64
import random

import pytest

from cocosearch.indexing.chunking.chunks import DEFAULT_CHUNK_CHARACTERS
from cocosearch.indexing.chunking.data import KEPT_LINES, is_data_chunk, is_data_file, shortened
from cocosearch.indexing.engine.flow import Recipe, make_rows
from cocosearch.lexicon.terms import DATA_MARK

GENERATOR = random.Random(3)  # noqa: S311 - data that can be made again
RECIPE = Recipe(DEFAULT_CHUNK_CHARACTERS, 512, 1 << 20)
ENCODED = base64.b64encode(GENERATOR.randbytes(60_000)).decode()
NUMBERS = ", ".join(str(GENERATOR.randrange(100_000)) for _ in range(3000))
SVG_PATH = "".join(f"{GENERATOR.choice('MLCQ')}{GENERATOR.random() * 99:.2f}-{GENERATOR.random() * 99:.2f}" for _ in range(2000))
HEX_TABLE = [", ".join(f"0x{GENERATOR.getrandbits(32):08x}" for _ in range(6)) + "," for _ in range(200)]
CODE = '''
def load_picture(name):
    """Read a picture and decode it."""
    with open(name, "rb") as stream:
        return decode(stream.read())
'''
LONG_RUNS = {
    "a string": f'PICTURE = "{ENCODED}"',
    "a data URI": f".logo {{ background: url(data:image/png;base64,{ENCODED}) no-repeat; }}",
    "escapes": 'DATA = b"' + "".join(f"\\x{byte:02x}" for byte in GENERATOR.randbytes(3000)) + '"',
    "base64 with escaped line ends": '{"key": "' + "\\n".join(ENCODED[i : i + 76] for i in range(0, 8000, 76)) + '"}',
    "an SVG path": f'<path d="{SVG_PATH}" fill="none"/>',
    "numbers": f"TABLE = [{NUMBERS}]",
    "hexadecimal digits": "digest = " + GENERATOR.randbytes(2000).hex(),
}


@pytest.mark.parametrize("line", LONG_RUNS.values(), ids=LONG_RUNS)
def test_a_long_run_is_cut_to_its_beginning_and_says_so(line: str) -> None:
    text = f"{CODE}\n{line}\n{CODE}"
    short = shortened(text)
    assert short.count("\n") == text.count("\n")
    assert "more characters]" in short
    assert short.startswith(CODE)
    assert short.endswith(CODE)
    assert len(short) < len(text) - len(line) + 400
    cut = short.split("\n")[text[: text.index(line)].count("\n")]
    assert cut[:20] == line[:20]
    assert cut[-1] in {line[-1], "]"}


BLOCKS = {
    "wrapped base64": [ENCODED[i : i + 76] for i in range(0, 16_000, 76)],
    "quoted base64": [f'    "{ENCODED[i : i + 76]}"' for i in range(0, 16_000, 76)],
    "a table of constants": [f"    {line}" for line in HEX_TABLE],
    "rows of floats": [" ".join(f"{GENERATOR.random():.6f}" for _ in range(8)) for _ in range(200)],
    "a hex dump": [f"{n:08x}: " + " ".join(f"{GENERATOR.getrandbits(16):04x}" for _ in range(8)) + "  |........|" for n in range(200)],
}


@pytest.mark.parametrize("lines", BLOCKS.values(), ids=BLOCKS)
def test_a_long_block_is_cut_and_its_lines_keep_their_numbers(lines: list[str]) -> None:
    text = "\n".join([CODE, *lines, CODE])
    short = shortened(text).split("\n")
    head = CODE.count("\n") + 1
    assert len(short) == text.count("\n") + 1
    assert short[head : head + KEPT_LINES] == lines[:KEPT_LINES]
    assert short[head + KEPT_LINES] == f"[{len(lines) - KEPT_LINES} more lines]"
    assert set(short[head + KEPT_LINES + 1 : head + len(lines)]) == {""}
    assert "\n".join(short[head + len(lines) :]) == CODE


@pytest.mark.parametrize("lines", BLOCKS.values(), ids=BLOCKS)
def test_chunks_of_a_block_are_few_and_marked(lines: list[str]) -> None:
    rows = make_rows("a/table.inc", "text", "\n".join(lines), RECIPE)
    assert 0 < len(rows.chunks) <= 8
    assert all(chunk.is_data for chunk in rows.chunks)
    assert all(DATA_MARK in chunk.terms() for chunk in rows.chunks)
    assert rows.chunks[-1].end_line == KEPT_LINES + 1


def test_a_picture_takes_no_chunks_from_the_code_beside_it() -> None:
    rows = make_rows("assets.py", "python", f'{CODE}\nPICTURE = "{ENCODED}"\n{CODE.replace("load", "store")}', RECIPE)
    assert len(rows.chunks) <= 3
    assert [each.name for each in rows.definitions if each.name != "PICTURE"] == ["load_picture", "store_picture"]
    code = [chunk for chunk in rows.chunks if "load_picture" in chunk.symbols]
    assert code
    assert not code[0].is_data


def test_definitions_are_read_from_the_whole_text() -> None:
    text = "int table[] = {\n" + "\n".join(HEX_TABLE) + "\n};\nint after(void) { return table[0]; }\n"
    rows = make_rows("a.c", "c", text, RECIPE)
    assert [(each.name, each.name_line) for each in rows.definitions if each.name == "after"] == [("after", len(HEX_TABLE) + 3)]


CHUNKS = {
    "minified code": ("javascript", "".join(f"function a{n}(b,c){{return b.d(c)?e[{n}]:f(b,c)}}" for n in range(40))),
    "words": ("text", "\n".join("abandon ability able about above absent absorb abstract absurd abuse access accident".split() * 2)),  # noqa: SIM905
    "rows of SQL": ("sql", "\n".join(f"INSERT INTO countries (code, name) VALUES ('C{n}', 'Country {n}');" for n in range(12))),  # noqa: S608 - rows, no query
    "values of SQL": ("sql", "INSERT INTO countries VALUES\n" + "\n".join(f"  ('C{n}', 'Country {n}')," for n in range(12))),
    "base64": ("text", "\n".join(ENCODED[i : i + 76] for i in range(0, 900, 76))),
    "a digest": ("text", GENERATOR.randbytes(64).hex()),
    "a table": ("python", "WIDTHS = [\n" + "\n".join(f"    ({n * 7}, {n * 7 + 3}, {n % 3})," for n in range(30)) + "\n]"),
}


@pytest.mark.parametrize(("language", "text"), CHUNKS.values(), ids=CHUNKS)
def test_a_chunk_that_is_mostly_data_is_marked(language: str, text: str) -> None:
    assert is_data_chunk(language, text)


NO_DATA = {
    "code": ("python", CODE),
    "code with a few numbers": ("python", "def color():\n    return blend((0.1, 0.2, 0.3), (255, 128, 64), 0xFF00FF)\n"),
    "names one on each line": ("python", "from a import (\n" + "\n".join(f"    name_{word}," for word in "abcdefghijklmnopqrst") + "\n)"),
    "an enumeration": ("java", "enum Color {\n" + "\n".join(f"    {word}," for word in ("RED", "GREEN", "BLUE") * 8) + "\n}"),
    "prose on one line": ("markdown", "This is a paragraph about how retries are decided, and it stands on one line. " * 12),
    "Japanese on one line": ("markdown", "在庫管理システムの再試行処理は、失敗した注文を三回まで再送します。" * 20),
    "a separator": ("python", "# " + "-" * 76 + "\n# " + "=" * 76 + "\nx = 1\n"),
    "a schema": ("sql", "CREATE TABLE countries (\n  code char(2) PRIMARY KEY,\n  name text NOT NULL,\n  area int\n);\n"),
    "ignored files": (
        "text",
        "\n".join(f"{name}/\n*.{name}" for name in ("build", "dist", "pyc", "log", "tmp", "bak", "egg", "swp", "so")),
    ),
    "long names": ("java", "void testThatTheServerReturnsAnErrorWhenTheClientSendsAnInvalidHeaderAndClosesTheConnection() {\n  run();\n}"),
    "a checksum in code": ("python", f'SHA256 = "{GENERATOR.randbytes(32).hex()}"\n{CODE}'),
    "a Makefile": ("makefile", "all: build test\n\nbuild:\n\tcc -O2 -o main main.c\n\ntest:\n\t./main --check 1 2 3\n"),
}


@pytest.mark.parametrize(("language", "text"), NO_DATA.values(), ids=NO_DATA)
def test_code_and_prose_are_no_data(language: str, text: str) -> None:
    assert shortened(text) == text
    assert not is_data_chunk(language, text)
    assert not is_data_file("src/a", language, text)


@pytest.mark.parametrize(
    ("path", "language", "text"),
    [
        ("src/countries.json", "json", "[" + ", ".join(f'{{"name": "N{n}", "code": "C{n}"}}' for n in range(100)) + "]"),
        ("app.map", "text", '{"version":3,"sources":["a.ts"],"sourcesContent":["x"],"mappings":"AAAA,SAAS"}'),
        ("locale/de/LC_MESSAGES/app.po", "text", 'msgid "a"\nmsgstr "b"\n'),
        *((path, "text", "x") for path in ("data/a.csv", "icon.svg", "yarn.lock", "go.sum", "font.bdf", "app/locales/de.json", "a.xliff")),
        *((path, "text", "x") for path in ("packages.lock.json", "gradle.lockfile", "MODULE.bazel.lock", "flake.lock", "Package.resolved")),
    ],
)
def test_files_that_are_data_as_a_whole(path: str, language: str, text: str) -> None:
    assert is_data_file(path, language, text)


@pytest.mark.parametrize(
    ("path", "language", "text"),
    [
        ("package.json", "json", '{"name": "a", "scripts": {"build": "tsc", "test": "jest"}, "dependencies": {"b": "1", "c": "2"}}'),
        ("tsconfig.json", "json", '{"compilerOptions": {' + ", ".join(f'"option{n}": true' for n in range(80)) + "}}"),
        ("src/i18n/translate.ts", "typescript", "export const t = 1"),
        ("src/lang/parser.py", "python", "x = 1"),
        ("src/locale.py", "python", "x = 1"),
        ("lib/wordlist.py", "python", "x = 1"),
        ("config/messages.yaml", "yaml", "a: b"),
        ("src/svg.py", "python", "x = 1"),
    ],
)
def test_configuration_and_code_about_data_are_no_data(path: str, language: str, text: str) -> None:
    assert not is_data_file(path, language, text)


def test_any_text_is_shortened_in_bounds() -> None:
    """Whatever the text: as many lines, no more characters, and the same twice; one that is short already stays."""
    pieces = [
        ENCODED[:900],
        NUMBERS[:900],
        SVG_PATH[:900],
        CODE,
        "\n",
        "\\" * 600,
        "a," * 400,
        "0" * 700,
        "=" * 700,
        "é" * 300,
        '"',
        "{" * 300,
    ]
    for _ in range(300):
        text = "".join(GENERATOR.choice(pieces) for _ in range(GENERATOR.randrange(12)))
        short = shortened(text)
        assert short.count("\n") == text.count("\n")
        assert len(short) <= len(text)
        assert shortened(text) == short
        is_data_chunk("text", text)
        make_rows("a.py", "python", text, RECIPE)
