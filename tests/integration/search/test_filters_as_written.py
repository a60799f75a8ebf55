"""Filters as people and models write them: the right file, or a note that says which filter matched nothing and what there is."""

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st
from tests.integration import services

from cocosearch.database import connect, open_pool
from cocosearch.database.connection import Pool
from cocosearch.database.migrations import migrate
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.errors import CocosearchError, ProjectNotFoundError
from cocosearch.indexing.run import index_project
from cocosearch.projects import load_project
from cocosearch.search import SearchRequest, SearchResponse, search
from cocosearch.settings import Settings

FILES = {
    "src/api/errors.py": """
class QuotaError(Exception):
    pass
def check_quota(user):
    raise QuotaError("quota exceeded")
def get_user_by_id(user_id):
    return db.fetch(user_id)
""",
    "src/api/cli.py": "def build_parser():\n    return ArgumentParser()\n",
    "src/api/__init__.py": "def open_api():\n    return Api()\n",
    "src/[id]/page.tsx": "export function ProfilePage() { return null }\n",
    "web/UserCard.tsx": "export function renderInvoiceTotal(total: number) { return total.toFixed(2); }\n",
    "web/money.ts": 'export function formatInvoiceTotal(total: number): string { return "$" + total; }\n',
    "lib/Stack.cs": "namespace Acme { public class Stack<T> { public void Push(T item) { } } }\n",
    "lib/ring.go": "package ring\n\ntype Buffer struct{}\n\nfunc (b *Buffer) Push(v int) {}\n",
    "lib/run.sh": "rollout_release() {\n  kubectl apply\n}\n",
    "lib/values.yml": "release:\n  name: demo\n",
    "lib/app.js": "export function startApp() { return 1 }\n",
    "lib/ring.cpp": "class RingBuffer { public: int push(int v) { return v; } };\n",
    "inc/ring.h": "struct ring_buffer { int head; };\nint ring_buffer_push(struct ring_buffer *rb, int v);\n",
    "docs/a,b.md": "# Comma\n\nA name with a comma.\n",
    "docs/résumé.md": "# Résumé\n\nWords with accents.\n",
}


# A pattern that takes so long is ended by the server, and the test with it.
STATEMENT_SECONDS = 20.0


@dataclass(frozen=True)
class Place:
    """An index of the files, and two clients: one of a model, one of none."""

    root: Path
    pool: Pool
    client: OllamaClient
    away: OllamaClient

    def ask(self, query: str = "push quota user invoice total release", **filters: str) -> SearchResponse:
        """A search by words alone."""
        return search(self.pool, self.away, SearchRequest(query, **filters))  # type: ignore[arg-type]

    def paths(self, **filters: str) -> set[str]:
        """Of the files with hits by words or by meaning."""
        request = SearchRequest("push quota user invoice total release", limit=50, **filters)  # type: ignore[arg-type]
        return {hit.path for hit in search(self.pool, self.client, request).hits}


@pytest.fixture(scope="module")
def place(postgres_url: str, embedder_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    root = tmp_path_factory.mktemp("tree") / "shop"
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    other = root.with_name("other")
    other.mkdir()
    (other / "only.rs").write_text("fn only_here() {}\n")
    with services.fresh_database(postgres_url) as url:
        settings = Settings(database_url=url, ollama_url=embedder_url, model="all-minilm", state_dir=root.with_name("state"))
        nowhere = settings.model_copy(update={"ollama_url": "http://127.0.0.1:9"})
        with connect(settings) as connection:
            migrate(connection)
            index_project(settings, load_project(root))
            index_project(settings, load_project(other))
            with open_pool(settings, STATEMENT_SECONDS) as pool, OllamaClient(settings) as client, OllamaClient(nowhere) as away:
                yield Place(root, pool, client, away)


PYTHON = {"src/api/errors.py", "src/api/cli.py", "src/api/__init__.py"}
TYPESCRIPT = {"web/money.ts", "web/UserCard.tsx", "src/[id]/page.tsx"}
LANGUAGES = {
    "py": PYTHON,
    "Python": PYTHON,
    ".py": PYTHON,
    " PYTHON3 ": PYTHON,
    "ts": TYPESCRIPT,
    "typescript": TYPESCRIPT,
    "tsx": {"web/UserCard.tsx", "src/[id]/page.tsx"},
    "js": {"lib/app.js"},
    "golang": {"lib/ring.go"},
    "sh": {"lib/run.sh"},
    "shell": {"lib/run.sh"},
    "bash": {"lib/run.sh"},
    "yml": {"lib/values.yml"},
    "C++": {"lib/ring.cpp", "inc/ring.h"},
    "cpp": {"lib/ring.cpp", "inc/ring.h"},
    "c#": {"lib/Stack.cs"},
    "csharp": {"lib/Stack.cs"},
    "go,js": {"lib/ring.go", "lib/app.js"},
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_by_its_usual_names(place: Place, language: str) -> None:
    assert place.paths(language=language) == LANGUAGES[language]


@pytest.mark.parametrize("language", ["klingon", "cobol", "pyton"])
def test_a_language_that_is_not_there_is_answered_with_those_that_are(place: Place, language: str) -> None:
    response = place.ask(language=language, project="shop")
    assert response.hits == ()
    assert f"language: no file of project 'shop' is in '{language}'" in (response.note or "")
    assert "python 3" in (response.note or "")
    assert [index.project for index in response.indexes] == ["shop"]
    assert ("no language that is known" in (response.note or "")) is (language != "cobol")
    assert ("Did you mean python?" in (response.note or "")) is (language == "pyton")


API = {path for path in FILES if path.startswith("src/api/")}
SRC = {path for path in FILES if path.startswith("src/")}
GLOBS = {
    "src": SRC,
    "src/": SRC,
    "/src/": SRC,
    "./src/**": SRC,
    "src/api": API,
    "src\\api\\*.py": API,
    "src/**/*.py": API,
    "**/errors.py": {"src/api/errors.py"},
    "**/*.{ts,tsx}": TYPESCRIPT,
    "*.{ts,tsx}": TYPESCRIPT,
    "*.go, *.cs": {"lib/ring.go", "lib/Stack.cs"},
    "lib/*,!*.go,!*.sh": {"lib/Stack.cs", "lib/values.yml", "lib/app.js", "lib/ring.cpp"},
    "docs/a,b.md": {"docs/a,b.md"},
    "docs/re\u0301sume\u0301.md": {"docs/résumé.md"},
}


@pytest.mark.parametrize("glob", GLOBS)
def test_a_path_pattern_as_it_is_written_elsewhere(place: Place, glob: str) -> None:
    assert place.paths(path_glob=glob) == {unicodedata.normalize("NFC", path) for path in GLOBS[glob]}


def test_what_a_pattern_leaves_out_is_left_out(place: Place) -> None:
    found = place.paths(path_glob="!web/**")
    assert {"src/api/errors.py", "lib/ring.go"} <= found
    assert not any(path.startswith("web/") for path in found)


READINGS = {
    "SRC/API/**": API,
    "api/errors.py": {"src/api/errors.py"},
    "src/api/errors": {"src/api/errors.py"},
    "errors": {"src/api/errors.py"},
    ".cs": {"lib/Stack.cs"},
    "src/api/errors.py:4": {"src/api/errors.py"},
    "src/api/errors.py:4-6": {"src/api/errors.py"},
    "shop/src/api": API,
    "src/[id]/page.tsx": {"src/[id]/page.tsx"},
    "src/\\[id\\]/page.tsx": {"src/[id]/page.tsx"},
    "ROOT/src/api/**": API,
    "ROOT/src/api/errors.py": {"src/api/errors.py"},
    "file://ROOT/src/api/errors.py": {"src/api/errors.py"},
}


@pytest.mark.parametrize("glob", READINGS)
def test_a_pattern_that_matches_nothing_is_read_as_it_was_meant_and_the_note_says_so(place: Place, glob: str) -> None:
    written = glob.replace("ROOT", str(place.root))
    assert place.paths(path_glob=written) == READINGS[glob]
    response = place.ask("quota user push profile page", path_glob=written)
    assert f"path_glob: no path matches '{written}' as it stands, so that it was read as '" in (response.note or "")


def test_the_root_of_a_project_is_all_of_it(place: Place) -> None:
    assert {"src/api/errors.py", "web/money.ts"} <= place.paths(path_glob=str(place.root))
    assert place.paths(path_glob=f"{place.root}/") == place.paths(project="shop")
    assert place.paths(project=str(place.root)) == place.paths(project="SHOP")


def test_a_path_of_another_project_than_the_one_asked_for_matches_nothing(place: Place) -> None:
    response = place.ask(project="other", path_glob=f"{place.root}/src/**")
    assert response.hits == ()
    assert "path_glob: no path of project 'other' matches" in (response.note or "")
    assert "Paths begin with: only.rs." in (response.note or "")


@pytest.mark.parametrize("glob", ["nothing/here/**", "*.zig", "../x", "!**", "errrors.py", "(a|b)+", "\x01"])
def test_a_pattern_that_matches_nothing_is_answered_with_what_there_is(place: Place, glob: str) -> None:
    response = place.ask(path_glob=glob)
    assert response.hits == ()
    assert "path_glob: no path of any project matches" in (response.note or "")
    assert "Paths begin with: " in (response.note or "")
    assert "src/" in (response.note or "")
    assert [index.project for index in response.indexes] == ["other", "shop"]


@pytest.mark.parametrize(
    "glob",
    [
        "*" * 299,
        "*a" * 40,
        "?" * 40,
        "**/" * 40 + "a",
        "{" * 300,
        "{a," * 50 + "}" * 50,
        "[a-z]*" * 20,
        "[!\x01-\U0010ffff]",
        "[\x01-\U0010ffff]*",
        "a" * 1000,
        "\\" * 999,
        "/" * 999,
        "," * 63,
        "!" * 999,
        "[" + "]" * 998,
        "~" * 999,
        "**" * 20,
        "*/" * 40,
    ],
)
def test_a_hostile_pattern_is_answered_or_refused_in_a_sentence(place: Place, glob: str) -> None:
    for any_case in (glob, glob.upper()):
        try:
            response = place.ask(path_glob=any_case)
        except CocosearchError as error:
            assert "path pattern" in str(error)  # noqa: PT017 - either is right
        else:
            assert response.hits or "path_glob: " in (response.note or "")


def test_too_many_wildcards_are_refused(place: Place) -> None:
    with pytest.raises(CocosearchError, match="299 wildcards, 40 are allowed"):
        place.ask(path_glob="*a" * 299)


ERRORS, STACK = {"src/api/errors.py"}, {"lib/Stack.cs"}
SYMBOLS = {
    "get_user_by_id": ERRORS,
    "@get_user_by_id": ERRORS,
    "`get_user_by_id`": ERRORS,
    "errors.get_user_by_id": ERRORS,
    "api.errors.get_user_by_id": ERRORS,
    "api/errors.py::get_user_by_id": ERRORS,
    "src/api/errors.py:get_user_by_id": ERRORS,
    "def get_user_by_id(user_id):": ERRORS,
    "src.api.open_api": {"src/api/__init__.py"},
    "Stack<T>.Push": STACK,
    "Acme::Stack#Push": STACK,
    "Stack->Push()": STACK,
    "Acme.Stack.Push(T item)": STACK,
    "public void Push(T item)": {"lib/Stack.cs", "lib/ring.go", "lib/ring.cpp"},
    "(*Buffer).Push": {"lib/ring.go"},
    "RingBuffer::push": {"lib/ring.cpp"},
}


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_a_symbol_as_it_is_written_elsewhere(place: Place, symbol: str) -> None:
    """Also where neither words nor meaning lead to it."""
    for asked in (place.client, place.away):
        response = search(place.pool, asked, SearchRequest("zqxjkvb", symbol=symbol))
        assert {hit.path for hit in response.hits} == SYMBOLS[symbol]
        assert "symbol:" not in (response.note or "")


@pytest.mark.parametrize(
    ("symbol", "path", "note"),
    [
        (
            "flask.check_quota",
            "src/api/errors.py",
            "symbol: nothing in any project is called 'flask.check_quota', so that all that is called",
        ),
        ("getUserById", "src/api/errors.py", "is called 'getUserById', so that 'get_user_by_id' was searched"),
        ("GET_USER_BYID", "src/api/errors.py", "so that 'get_user_by_id' was searched"),
    ],
)
def test_a_symbol_of_no_such_place_is_found_by_its_name_and_the_note_says_so(place: Place, symbol: str, path: str, note: str) -> None:
    response = place.ask(symbol=symbol)
    assert {hit.path for hit in response.hits} == {path}
    assert note in (response.note or "")


@pytest.mark.parametrize(
    ("symbol", "nearest"), [("get_user_by_ids", "get_user_by_id"), ("check_quotas", "check_quota"), ("InvoiceTotal", "formatInvoiceTotal")]
)
def test_an_unknown_symbol_is_answered_with_the_nearest_names(place: Place, symbol: str, nearest: str) -> None:
    response = place.ask(symbol=symbol)
    assert response.hits == ()
    assert f"symbol: nothing in any project is called '{symbol}'" in (response.note or "")
    assert nearest in (response.note or "").partition("Nearest names: ")[2]
    assert response.indexes


@pytest.mark.parametrize("symbol", ["zqxjkvb", "::", "()", "<<<<", "🙂", "x" * 1000, "%", "_", "'; DROP TABLE projects; --"])
def test_whatever_is_given_as_symbol_is_answered(place: Place, symbol: str) -> None:
    response = place.ask(symbol=symbol)
    assert response.hits == ()
    assert "symbol: nothing in any project is called" in (response.note or "")


def test_a_kind_that_is_not_there_and_a_symbol_of_another_kind(place: Place) -> None:
    assert "kind: nothing in project 'shop' is defined as 'macro'. Kinds there" in (place.ask(kind="macro", project="shop").note or "")
    note = place.ask(symbol="check_quota", kind="class").note or ""
    assert "kind: 'check_quota' is not defined as class, but as function." in note


def test_filters_that_leave_nothing_only_together_are_named(place: Place) -> None:
    note = place.ask(language="python", path_glob="web/**").note or ""
    assert "No code is all that language and path_glob ask for together" in note


def test_words_that_are_not_in_what_the_filters_leave(place: Place) -> None:
    response = place.ask("zqxjkvb", language="go")
    assert (response.hits, "none of it holds a word of the query" in (response.note or "")) == ((), True)
    assert "No word of the query stands in the code" in (place.ask("zqxjkvb").note or "")
    assert [index.project for index in place.ask("zqxjkvb").indexes] == ["other", "shop"]


def test_a_project_is_found_in_any_case_and_the_nearest_is_named_first(place: Place) -> None:
    assert place.paths(project="Other") == {"only.rs"}
    with pytest.raises(ProjectNotFoundError, match=r"no project 'shpo'\. Known projects: shop, other\."):
        place.ask(project="shpo")


@pytest.mark.parametrize("query", ["!!!", "->", "?! ()"])
def test_a_query_of_signs_says_so(place: Place, query: str) -> None:
    assert "The query holds no word and no number" in (place.ask(query).note or "") or "No word of the query" in (
        place.ask(query).note or ""
    )
    answered = search(place.pool, place.client, SearchRequest(query))
    assert answered.hits
    assert "The query holds no word and no number" in (answered.note or "")


def test_a_query_of_stop_words_says_so(place: Place) -> None:
    assert "only words that are everywhere" in (search(place.pool, place.client, SearchRequest("the of and")).note or "")


def test_a_stack_trace_finds_the_code_it_came_from(place: Place) -> None:
    frames = "".join(
        f'  File "/usr/lib/python3/site-packages/framework/layer{number}.py", line {number}, in call\n' for number in range(90)
    )
    trace = (
        f"Traceback (most recent call last):\n{frames}"
        '  File "/srv/shop/src/api/errors.py", line 5, in check_quota\n    raise QuotaError("quota exceeded")\n'
        "errors.QuotaError: quota exceeded\n"
    )
    assert len(trace) > 5000
    for asked in (place.client, place.away):
        for text in (trace, "x y z\n" * 20_000 + trace):
            response = search(place.pool, asked, SearchRequest(text))
            assert response.hits[0].path == "src/api/errors.py"
            assert f"The query has {len(text.strip())} characters: its messages and names were searched" in (response.note or "")


# Signs that patterns, names and SQL give a meaning to, and letters of what is there.
SIGNS = st.text(alphabet="*?[]{}!,/\\.:#<>()$@`'\"%_-^|+ ~=;&0aASsrcpyé在🙂\u0301\u202e\x01", max_size=60)
FILTERS = st.fixed_dictionaries(
    {"query": SIGNS.filter(str.strip)}, optional=dict.fromkeys(("path_glob", "symbol", "language", "kind", "project"), SIGNS)
)


@hypothesis.settings(max_examples=int(os.environ.get("FUZZ_EXAMPLES", "100")), deadline=None, derandomize=True)
@hypothesis.given(asked=FILTERS)
def test_whatever_is_asked_for_the_answer_has_hits_or_a_note(place: Place, asked: dict[str, str]) -> None:
    """A bounded run of a fuzz target; `FUZZ_EXAMPLES` makes it a long one."""
    try:
        response = search(place.pool, place.away, SearchRequest(**asked))  # type: ignore[arg-type]
    except CocosearchError as error:
        assert str(error).endswith((".", "`."))  # noqa: PT017 - either is right
    else:
        note = (response.note or "").partition("vector for the query: ")[2]
        assert response.hits or "." in note
        assert response.indexes
