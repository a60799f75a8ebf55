"""Code stands before data: for each kind of data a project that has it beside code, and questions whose answer is the code.

The data is as tempting as data can be: its records are made of the words of the questions.
"""

import base64
import itertools
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cocosearch.database import open_pool
from cocosearch.database.connection import Connection
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.indexing.run import index_project
from cocosearch.projects import load_project
from cocosearch.search import SearchRequest, search
from cocosearch.settings import Settings

CODE = {
    "src/countries.py": '''
        class Countries:
            """All countries of the world."""

            def find(self, code):
                """The name of a country, by its code."""
                for country in self.rows:
                    if country.code == code.upper():
                        return country.name
                raise KeyError(code)
        ''',
    "src/messages.py": '''
        def translate(message, language):
            """A message in the language of the user, else as it is."""
            catalogue = CATALOGUES.get(language, {})
            return catalogue.get(message, message)
        ''',
    "src/payment.py": """
        class Gateway:
            def charge(self, card, amount):
                for attempt in range(MAX_ATTEMPTS):
                    try:
                        return self.client.post("/charges", card=card, amount=amount)
                    except TimeoutError:
                        self.wait(attempt)  # retry the payment later
                raise PaymentFailed(card)
        """,
    "src/dependencies.py": '''
        def resolve(requirement, index):
            """The newest version of a package that satisfies a requirement, and its checksum."""
            versions = [version for version in index[requirement.name] if requirement.allows(version)]
            return max(versions), index.checksum(requirement.name, max(versions))
        ''',
    "src/pictures.py": '''
        def decode_picture(encoded):
            """The pixels of a picture that is encoded as base64."""
            header, _, data = encoded.partition(",")
            return Pixels.parse(base64.b64decode(data), header)
        ''',
    "src/icons.py": '''
        def draw_icon(canvas, path):
            """Draw the path of an icon, command by command."""
            for command, points in parse_path(path):
                canvas.draw(command, points)
        ''',
    "src/checksum.py": '''
        def checksum(block):
            """CRC of a block of bytes, by the table."""
            value = 0xFFFFFFFF
            for byte in block:
                value = TABLE[(value ^ byte) & 0xFF] ^ (value >> 8)
            return value ^ 0xFFFFFFFF
        ''',
}
QUESTIONS = {
    "find the name of a country by its code": "src/countries.py",
    "translate a message into the user's language": "src/messages.py",
    "retry the payment when the gateway fails": "src/payment.py",
    "resolve the newest version of a package and its checksum": "src/dependencies.py",
    "decode a picture from base64": "src/pictures.py",
    "draw the path of an icon": "src/icons.py",
    "checksum of a block of bytes": "src/checksum.py",
}
SENTENCES = list(QUESTIONS)
WORDS = sorted({word for question in QUESTIONS for word in question.replace("'s", "").split()})
RECORDS = 120


def sentences() -> Iterator[str]:
    return itertools.cycle(SENTENCES)


def picture(seed: int = 1) -> str:
    return base64.b64encode(random.Random(seed).randbytes(40_000)).decode()  # noqa: S311 - data that can be made again


def numbers(count: int) -> list[str]:
    generator = random.Random(2)  # noqa: S311
    return [f"0x{generator.getrandbits(32):08x}" for _ in range(count)]


def lock_of_npm() -> str:
    packages = {
        f"node_modules/{a}-{b}": {
            "version": "1.2.3",
            "resolved": f"https://registry.example/{a}-{b}.tgz",
            "integrity": f"sha512-{picture(n)[:80]}",
        }
        for n, (a, b) in enumerate(itertools.islice(itertools.product(WORDS, WORDS), RECORDS))
    }
    return json.dumps({"name": "shop", "lockfileVersion": 3, "packages": packages}, indent=2)


def lock_of_cargo() -> str:
    return "".join(
        f'[[package]]\nname = "{a}-{b}"\nversion = "1.2.3"\nsource = "registry"\nchecksum = "{number[2:] * 8}"\n\n'
        for (a, b), number in zip(itertools.product(WORDS, WORDS), numbers(RECORDS), strict=False)
    )


def catalogue() -> str:
    return "".join(
        f'#: src/page{n}.py:{n}\nmsgid "{text} {n}"\nmsgstr "{text}: {n}"\n\n' for n, text in zip(range(RECORDS), sentences(), strict=False)
    )


def table_of_c() -> str:
    constants = numbers(2048)
    rows = [", ".join(constants[n : n + 8]) + "," for n in range(0, len(constants), 8)]
    return (
        "/* checksum of a block of bytes: the table */\nconst unsigned checksum_block_table[2048] = {\n    "
        + "\n    ".join(rows)
        + "\n};\n"
    )


def bundle() -> str:
    names = (
        "resolve package version checksum",
        "decode picture base64",
        "draw path icon",
        "retry payment gateway fails",
        "translate message user language",
    )
    camel = ["".join(part.capitalize() for part in name.split()) for name in names]
    return "".join(f"function {name}{n}(e,t){{return t?e.{name}(t):n({n})}}" for n in range(60) for name in camel)


def notebook() -> str:
    outputs = [
        {"output_type": "display_data", "data": {"image/png": picture(n), "text/plain": SENTENCES}, "metadata": {}} for n in range(3)
    ]
    cell = {"cell_type": "code", "execution_count": 1, "metadata": {}, "outputs": outputs, "source": ["show()\n"]}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1)


def rows(form: Callable[[int, str], str], head: str = "", count: int = RECORDS) -> str:
    return head + "\n".join(form(n, text) for n, text in zip(range(count), sentences(), strict=False)) + "\n"


DATA: dict[str, tuple[str, str]] = {
    "lock file of npm": ("package-lock.json", lock_of_npm()),
    "lock file of Cargo": ("Cargo.lock", lock_of_cargo()),
    "lock file of Poetry": ("poetry.lock", lock_of_cargo()),
    "checksums of Go": ("go.sum", rows(lambda n, text: f"example.org/{text.replace(' ', '-')} v1.{n}.0 h1:{picture(n)[:43]}=")),
    "translations": ("locale/de/LC_MESSAGES/shop.po", catalogue()),
    "messages as JSON": (
        "web/locales/en.json",
        json.dumps({f"key{n}": f"{text} {n}" for n, text in zip(range(RECORDS), sentences(), strict=False)}, indent=2),
    ),
    "resources": ("web/Strings.resx", rows(lambda n, text: f'<data name="key{n}"><value>{text}</value></data>')),
    "CSV": ("data/questions.csv", rows(lambda n, text: f"{n},{text},C{n}", "number,question,code\n")),
    "records as JSON": (
        "src/records.json",
        json.dumps([{"code": f"C{n}", "name": text} for n, text in zip(range(RECORDS), sentences(), strict=False)], indent=2),
    ),
    "rows of SQL": ("db/seed.sql", rows(lambda n, text: f"INSERT INTO questions (code, name) VALUES ('C{n}', '{text}');")),  # noqa: S608 - rows, no query
    "words": ("share/words", "\n".join(f"{word}\n{word}s" for word in WORDS * 20)),
    "minified bundle": ("web/bundle.js", bundle()),
    "source map": (
        "web/bundle.map",
        json.dumps({"version": 3, "sources": ["a.js"], "sourcesContent": [bundle()], "names": SENTENCES, "mappings": "AAAA,SAASA" * 3000}),
    ),
    "picture in Python": ("src/assets.py", f'PICTURE_BASE64 = "{picture()}"\nICON_PATH = "{picture(4)}"\n'),
    "pictures in CSS": (
        "web/icons.css",
        rows(lambda n, _: f".icon-path-{n} {{ background: url(data:image/png;base64,{picture(n)[:4000]}); }}", count=30),
    ),
    "wrapped base64": ("src/picture.b64", "\n".join(picture()[n : n + 76] for n in range(0, 40_000, 76))),
    "drawing": ("web/icon.svg", rows(lambda n, _: f'<path id="icon-path-{n}" d="{"M12.5-3.4c0,1.2-7.1" * 200}"/>', count=30)),
    "table of numbers": ("src/table.c", table_of_c()),
    "hex dump": (
        "doc/block-of-bytes.dump",
        "\n".join(f"{n * 16:08x}: " + " ".join(numbers(4)[i][2:] for i in range(4)) + "  ................" for n in range(600)),
    ),
    "cassette": (
        "tests/cassettes/payment.yaml",
        rows(lambda n, text: f"- request:\n    uri: /charges/{n}\n    body: {text}\n  response:\n    body: the gateway fails"),
    ),
    "snapshot": ("web/__snapshots__/page.test.js.snap", rows(lambda n, text: f"exports[`{text} {n}`] = `<p>{text}</p>`;")),
    "font": ("share/icon.bdf", rows(lambda n, text: f"STARTCHAR {text.replace(' ', '_')}\nENCODING {n}\nBITMAP\n00\n7E\nENDCHAR")),
    "outputs of a notebook": ("src/show.ipynb", notebook()),
}


@pytest.fixture
def many_projects(cold_settings: Settings, tmp_path: Path) -> Settings:
    for number, (path, text) in enumerate(DATA.values()):
        root = tmp_path / f"kind{number}"
        for name, content in {**{name: _unindented(code) for name, code in CODE.items()}, path: text}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content, encoding="utf-8")
        index_project(cold_settings, load_project(root, f"kind{number}"))
    return cold_settings


def _unindented(code: str) -> str:
    return "\n".join(line.removeprefix("        ") for line in code.strip().split("\n")) + "\n"


def test_code_comes_first_beside_every_kind_of_data(many_projects: Settings, connection: Connection) -> None:
    away = many_projects.model_copy(update={"ollama_url": "http://127.0.0.1:9"})
    wrong: list[tuple[str, str, str]] = []
    with open_pool(many_projects) as pool, OllamaClient(many_projects) as client, OllamaClient(away) as no_model:
        for number, kind in enumerate(DATA):
            for (question, path), asked in itertools.product(QUESTIONS.items(), (client, no_model)):
                hits = search(pool, asked, SearchRequest(question, project=f"kind{number}")).hits
                if hits[0].path != path:
                    wrong.append((kind, question, hits[0].path))
        for query, kind in (("C117", "CSV"), ("checksum_block_table", "table of numbers"), ("PICTURE_BASE64", "picture in Python")):
            found = search(pool, client, SearchRequest(query, project=f"kind{list(DATA).index(kind)}")).hits
            assert found[0].path == DATA[kind][0], "what stands in data alone is found there"
    counts: dict[str, int] = dict(connection.execute("SELECT name, chunks FROM projects").fetchall())
    print({kind: counts[f"kind{number}"] - len(CODE) for number, kind in enumerate(DATA)})  # noqa: T201 - pytest shows it with a failure
    assert wrong == []
    for kind in ("picture in Python", "wrapped base64", "table of numbers", "hex dump", "outputs of a notebook"):
        assert counts[f"kind{list(DATA).index(kind)}"] <= len(CODE) + 12, kind
