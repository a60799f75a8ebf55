"""Words in every script, alike in index and query."""
# ruff: noqa: RUF001 - letters of other scripts that look like Latin ones are what is tested

import random
import subprocess
import sys
import unicodedata

import pytest

from cocosearch.lexicon.terms import document_weights, query_stems, stem, term_number
from cocosearch.lexicon.words import MAX_TERM_LENGTH, characters_of, terms_of


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("在庫管理", ["在庫", "庫管", "管理"]),
        ("审", ["审"]),
        ("第3章", ["第", "3", "章"]),
        ("自动审批 approve", ["自动", "动审", "审批", "approve"]),
        ("訂單服務.取消", ["訂單", "單服", "服務", "取消"]),
        ("サーバー", ["サー", "ーバ", "バー"]),
        ("キー・バリュー", ["キー", "バリ", "リュ", "ュー"]),
        ("人々", ["人々"]),
        ("Pythonで書く", ["python", "で書", "書く"]),
        ("get_订单Status2", ["get", "订单", "status2", "status", "2"]),
        ("주문이 실패", ["주문", "문이", "실패"]),
        ("ㄅㄆㄇ", ["ㄅㄆ", "ㄆㄇ"]),
        ("คำสั่ง", ["คํา", "าสั่", "สั่ง"]),  # sara am in its two parts
        ("ភាសាខ្មែរ", ["ភាសា", "សាខ្មែ", "ខ្មែរ"]),
        ("𠮷野家", ["𠮷野", "野家"]),
    ],
)
def test_a_script_without_spaces_is_found_by_pairs(text: str, terms: list[str]) -> None:
    assert terms_of(text) == terms


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("Straße", "STRASSE"),
        ("größe", unicodedata.normalize("NFD", "Größe")),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("ΠΑΡΑΓΓΕΛΙΑ", "παραγγελία"),
        ("İSTANBUL", "istanbul"),
        ("IŞIK", "ışık"),
        ("ОТПРАВКА", "отправка"),
        ("ＡＢＣ１２３", "abc123"),
        ("ﾊﾟｯｹｰｼﾞ", "パッケージ"),
        ("パッケージ", unicodedata.normalize("NFD", "パッケージ")),
        ("ﬁle", "file"),
        ("مُحَمَّد", "محمد"),
        ("محمـــد", "محمد"),
        ("أحمد", "احمد"),
        ("שָׁלוֹם", "שלום"),
        ("हिन्दी", "हिन्दी"),
        ("می\u200cخواهم", "میخواهم"),
        ("soft\u00adware", "software"),
        ("ㅎㅏㄴ", unicodedata.normalize("NFKC", "ㅎㅏㄴ")),
    ],
)
def test_ways_to_write_a_word_are_one_term(written: str, asked: str) -> None:
    assert terms_of(written) == terms_of(asked)
    assert len(terms_of(written)) > 0


@pytest.mark.parametrize("word", ["हिन्दी", "தமிழ்", "తెలుగు", "සිංහල", "עִבְרִית", "q̃"])
def test_a_word_is_not_cut_at_its_marks(word: str) -> None:
    assert len(terms_of(word)) == 1


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("ОтправкаЗаказа", ["отправка", "заказа"]),
        ("отправка_заказа", ["отправка", "заказа"]),
        ("größeÄndernV2", ["grösse", "ändern", "2"]),
        ("ΈλεγχοςΧρήστη", ["ελεγχοσ", "χρηστη"]),
    ],
)
def test_identifiers_of_other_scripts_have_parts_too(word: str, parts: list[str]) -> None:
    assert terms_of(word)[1:] == parts


@pytest.mark.parametrize("query", ["审", "審", "あ", "한", "ค"])
def test_one_character_finds_the_runs_that_have_it(query: str) -> None:
    weights = document_weights("a.py", (), None, f"# {query}批{query}查\n# 其他")
    assert weights.get(term_number(query), 0) > 0
    assert query_stems(query) == [query]
    assert query_stems("审批流程") == ["审批", "批流", "流程"]
    assert characters_of("abc 审") == []


def test_the_length_of_a_chunk_is_counted_in_pairs_alone() -> None:
    """Each character alone is in the index too; a chunk in Japanese is no longer for that."""
    weights = document_weights("a.py", (), None, "在庫管理")
    plain = document_weights("a.py", (), None, "aa bb cc")
    assert weights[term_number("在庫")] == plain[term_number("aa")]


@pytest.mark.parametrize("name", ["größe.py", "パッケージ.md", "한글.txt", "naïve_bayes.py"])
def test_a_name_from_macos_is_found_as_it_is_typed(name: str) -> None:
    stored = unicodedata.normalize("NFD", name)
    assert stored != name
    assert document_weights(f"src/{stored}", (), None, "") == document_weights(f"src/{name}", (), None, "")


@pytest.mark.parametrize(
    "word",
    [
        *("0ef0e52b8a9932cd855379197dd8f94047b359ca0a78695144304cb45f87c9eb", "ed1e39fe8fea90bd7f4c723bd949a2cea3153e1"),
        *("dGhpcyBpcyBhIHRlc3Q1Mm9mIGJhc2U2NA1x", "R0lGODlhAQABAIAAAP7x2y3kWq9a8Zb1L0cD4tE5"),
    ],
)
def test_a_digest_is_one_term_without_parts(word: str) -> None:
    assert terms_of(word) == [word.lower()]


@pytest.mark.parametrize(
    "word",
    ["getUserByIdOrNameAndAgeIsKnown", "testThatUtf8AndLatin1AreDecoded", "sha256_of_utf8_text_in_base64_as_str"],
)
def test_a_long_identifier_keeps_its_parts(word: str) -> None:
    assert len(terms_of(word)) > 1


def test_ascii_words_are_what_they_were() -> None:
    """The product's own words for what most code is written in: whatever other scripts need changes nothing there."""
    assert terms_of("parse_configFile2(HTTPServer) # don't café") == [
        *("parse_configfile2", "parse", "config", "file", "2", "httpserver", "http", "server", "don", "t", "café")
    ]


def test_any_text_has_terms_in_bounds_and_they_find_it() -> None:
    generator = random.Random(5)  # noqa: S311 - text that can be made again
    ranges = [
        (0x20, 0x7F),
        (0x300, 0x370),
        (0x900, 0xE80),
        (0x3000, 0x3200),
        (0x4E00, 0x4F00),
        (0xAC00, 0xAD00),
        (0, 0xD800),
        (0xE000, 0x110000),
    ]
    for _ in range(400):
        low, high = generator.choice(ranges)
        text = "".join(chr(generator.randrange(low, high)) for _ in range(60))
        terms = terms_of(text)
        assert all(0 < len(term) <= MAX_TERM_LENGTH for term in terms)
        assert terms_of(text) == terms
        weights = document_weights("x", (), None, text)
        assert all(term_number(stem(term)) in weights for term in terms)
        " ".join(terms).encode()


def test_terms_are_the_same_in_every_process() -> None:
    code = "from cocosearch.lexicon.words import terms_of; print(terms_of('größe हिन्दी 在庫管理'))"
    output = subprocess.run([sys.executable, "-X", "utf8", "-c", code], capture_output=True, text=True, check=True).stdout
    assert output.strip() == repr(terms_of("größe हिन्दी 在庫管理"))
