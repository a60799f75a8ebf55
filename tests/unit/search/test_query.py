"""What is read in a query."""

import pytest

from cocosearch.lexicon.file_kinds import FileKind
from cocosearch.search.query import analyse


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ReceiveBuffer", "receivebuffer"),
        (" retry ", "retry"),
        ("_private", "_private"),
        ("$scope", "$scope"),
        ("Flask.run", "run"),
        ("Rack::Builder", "builder"),
        ("Client#retry", "retry"),
        ("ptr->next", "next"),
        ("run()", "run"),
        ("Flask.run()", "run"),
        ("v2", "v2"),
        ("src/flask/app.py", "app"),
    ],
)
def test_one_identifier_is_a_name(text: str, name: str) -> None:
    query = analyse(text)
    assert query.is_name
    assert query.names == {name}


@pytest.mark.parametrize("text", ["empty?", "save!", "Model.valid?"])
def test_a_mark_at_the_end_may_belong_to_the_name_or_to_the_question(text: str) -> None:
    last = text.rpartition(".")[2]
    assert analyse(text).is_name
    assert analyse(text).names == {last, last[:-1]}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("how are requests retried", set()),
        ("where is ReceiveBuffer filled?", {"receivebuffer"}),
        ("callers of parse_config and Flask.run()", {"parse_config", "run"}),
        ("what does Rack::Builder do", {"builder"}),
        ('the "HTTPServer" (not the client)', {"httpserver"}),
        ("who calls `run`", {"run"}),
        ("who calls run() first", {"run"}),
        ("Where are retries decided, and How", set()),
        ("what is in src/flask/app.py", {"app"}),
        ("reads a file, e.g. of settings", {"g"}),
        ("", set()),
        ("?!", set()),
        ("42", set()),
        ("größe ändern", set()),
    ],
)
def test_a_sentence_quotes_names_by_how_they_are_written(text: str, names: set[str]) -> None:
    query = analyse(text)
    assert not query.is_name
    assert query.names == names


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("retry policy", set()),
        ("tests of the retry policy", {FileKind.TEST}),
        ("how is the retry policy tested", {FileKind.TEST}),
        ("example benchmark", {FileKind.EXAMPLE}),
        ("what does the readme say", {FileKind.DOCUMENT}),
        ("vendored parser", {FileKind.GENERATED}),
        ("unit tests of the parser", {FileKind.TEST}),
        ("TestClient", set()),
        ("how the runner retries a flaky test", set()),
        ("testing client", set()),
        ("protest", set()),
    ],
)
def test_a_query_says_which_noise_it_is_after(text: str, wanted: set[FileKind]) -> None:
    assert analyse(text).wanted == wanted
