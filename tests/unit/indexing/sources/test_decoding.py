"""Encodings: marked, declared, detected; and what is no text."""
# ruff: noqa: RUF001 - letters of other scripts that look like Latin ones are what is tested

import random
import unicodedata
from unittest.mock import Mock

import chardet
import pytest

from cocosearch.indexing.sources.decoding import decode, text_of
from cocosearch.lexicon.normalization import nfc

JAPANESE = "在庫管理システムの再試行処理は、失敗した注文を三回まで再送します。"
SIMPLIFIED = "采购订单自动审批流程：超过限额的订单需要人工确认。"
TRADITIONAL = "訂單服務取消之後，庫存會自動回復，並通知使用者。"
KOREAN = "주문이 실패하면 최대 세 번까지 다시 전송합니다."
RUSSIAN = "Повторная отправка заказа после сбоя выполняется три раза."
GREEK = "Η παραγγελία απέτυχε και θα σταλεί ξανά τρεις φορές."
CZECH = "Tato funkce ověřuje, zda je uživatel přihlášen, jinak se příště nepodaří načíst žádné údaje."
POLISH = "Ta funkcja sprawdza, czy użytkownik jest zalogowany, w przeciwnym razie się nie powiedzie i zażółci gęślą jaźń."
HUNGARIAN = "Ez a függvény ellenőrzi, hogy a felhasználó be van-e jelentkezve, különben később újra kell próbálni."
TURKISH = "Bu işlev kullanıcının oturum açıp açmadığını denetler, aksi halde işlem başarısız olur ve yeniden çalıştırılır."
FRENCH = "Cette fonction vérifie que le répertoire à indexer existe déjà, sinon elle échoue après trois essais."
GERMAN = "Diese Funktion prüft, ob das Verzeichnis für die Größe gültig ist, und löscht überflüssige Einträge."
SPANISH = "Esta función comprueba que el usuario todavía está en la sesión; si no, el año próximo será más difícil."
PORTUGUESE = "Esta função verifica se o usuário já está na sessão; senão, a configuração não será válida até amanhã."
ITALIAN = "Questa funzione verifica che l'utente è già collegato, perché altrimenti la qualità sarà più bassa."
SWEDISH = "Den här funktionen kontrollerar att användaren är inloggad, annars går det inte att fortsätta så länge."
CODE = "#include <stdio.h>\n\n/* {} */\nint main(void) {{\n    return 0;\n}}\n"

SENTENCES = [
    *((JAPANESE, "shift_jis"), (JAPANESE, "cp932"), (JAPANESE, "euc_jp"), ("設定ファイル", "shift_jis"), ("ユーザー名が空です", "euc_jp")),
    *((SIMPLIFIED, "gb18030"), (SIMPLIFIED, "gb2312"), ("用户名不能为空", "gbk"), (TRADITIONAL, "big5"), ("設定檔", "big5")),
    *((KOREAN, "euc_kr"), (KOREAN, "cp949"), ("설정 파일", "euc_kr")),
    *((RUSSIAN, "koi8_r"), (RUSSIAN, "cp1251"), (RUSSIAN, "cp866"), ("Ошибка", "cp1251"), ("отправка заказа", "koi8_r")),
    *((GREEK, "iso8859_7"), (GREEK, "cp1253"), ("ההזמנה נכשלה ותישלח שוב עד שלוש פעמים.", "cp1255")),
    *(("فشل الطلب وسيعاد إرساله ثلاث مرات.", "cp1256"), ("คำสั่งซื้อล้มเหลวและจะถูกส่งใหม่สามครั้ง", "tis_620")),
    *((CZECH, "iso8859_2"), (CZECH, "cp1250"), (CZECH, "cp852"), (POLISH, "iso8859_2"), (POLISH, "cp1250"), (HUNGARIAN, "cp1250")),
    *((TURKISH, "iso8859_9"), (TURKISH, "cp1254"), ("Größe ändern, café, naïve, señor ½", "cp437"), (GERMAN, "cp437")),
    *((text, encoding) for text in (FRENCH, GERMAN, SPANISH, SWEDISH) for encoding in ("latin-1", "cp1252", "cp850", "mac_roman")),
    *((PORTUGUESE, "latin-1"), (ITALIAN, "cp1252"), ("┌────────┐\n│ Name   │\n└────────┘", "cp437")),
]
WESTERN_AND_SHORT = [
    "# café\nx = 1\n",
    "café",
    "// Autor: José García\nint x;\n",
    "die Größe",
    "Copyright © 2001 foo",
    "25 °C",
    "Ångström",
    "naïve",
]


@pytest.mark.parametrize(("sentence", "encoding"), SENTENCES)
def test_a_sentence_is_read_in_the_encoding_that_it_is_in(sentence: str, encoding: str) -> None:
    assert decode(sentence.encode(encoding)) == sentence
    commented = CODE.format(sentence)
    assert decode(commented.encode(encoding)) == commented


@pytest.mark.parametrize("text", WESTERN_AND_SHORT)
def test_an_accent_or_a_sign_in_latin_1_becomes_no_other_script(text: str) -> None:
    assert decode(text.encode("latin-1")) == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("mark", ["\ufeff", ""])
def test_wide_encodings_are_read_with_a_mark_and_without(encoding: str, mark: str) -> None:
    text = CODE.format("größe 在庫") * 200
    assert decode((mark + text).encode(encoding)) == text


DECLARED = [
    ("# -*- coding: {} -*-\n# {}\n", "euc_jp", JAPANESE),
    ("#!/usr/bin/env python\n# vim: set fileencoding={} :\n# {}\n", "koi8-r", "файл"),
    ("#!/usr/bin/ruby\n# encoding: {}\n# {}\n", "Windows-31J", "中文"),
    (";; -*- mode: lisp; coding: {}-unix -*-\n;; {}\n", "iso-8859-2", "žluťoučký"),
    ('<?xml version="1.0" encoding="{}"?>\n<a>{}</a>\n', "GBK", "中文"),
    ("<?xml version='1.0' encoding='{}' ?>\n<a>{}</a>\n", "ISO-8859-15", "5 €"),
    ('<!DOCTYPE html>\n<html><head><meta charset="{}"><title>{}</title>\n', "big5", "中文"),
    ('<html><head><meta http-equiv="Content-Type" content="text/html; charset={}"><title>{}</title>\n', "windows-1251", "файл"),
    ('@charset "{}";\n/* {} */\n', "shift_jis", "中文"),
    ('msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset={}\\n"\n\nmsgstr "{}"\n', "ISO-8859-9", "ığ"),
    ("\\documentclass{{article}}\n\\usepackage[{}]{{inputenc}}\n{}\n", "cp850", "é"),
    ("/* {1} */\nint x;\n\n// vim: ts=4 fenc={0} sw=4\n", "cp866", "файл"),
    ("int x; // {1}\n\n/*\nLocal Variables:\nmode: c\ncoding: {0}\nEnd:\n*/\n", "mac-roman", "é"),
    ("# -*- coding: {} -*-\n# {}\n", "iso-2022-jp", JAPANESE),
    ("# -*- coding: {} -*-\n# {}\n", "gbk", "联通"),  # these bytes are UTF-8 too
]


@pytest.mark.parametrize(("frame", "encoding", "word"), DECLARED)
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_a_declared_encoding_is_believed(frame: str, encoding: str, word: str, line_end: str) -> None:
    text = frame.format(encoding, word)
    python_name = {"Windows-31J": "cp932"}.get(encoding, encoding)
    assert text_of(text.replace("\n", line_end).encode(python_name)) == text


@pytest.mark.parametrize(
    "declared", ["latin-1", "gbk", "ascii", "utf-16", "cp037", "rot13", "zlib", "unicode_escape", "idna", "undefined", "nonsense", "../x"]
)
def test_a_declaration_that_stayed_behind_or_means_no_text_is_passed_over(declared: str) -> None:
    text = f"# -*- coding: {declared} -*-\n# 在庫 größe \\u0041 é\n"
    assert decode(text.encode()) == text


def test_a_declaration_that_does_not_decode_is_passed_over() -> None:
    text = f"# -*- coding: euc_jp -*-\n# {RUSSIAN}\n"
    assert decode(text.encode("koi8_r")) == text


def test_utf8_with_a_broken_byte_stays_utf8() -> None:
    assert decode(JAPANESE.encode() + b"\xff\n") == JAPANESE + "\ufffd\n"
    assert decode(JAPANESE.encode()[:-1]) == JAPANESE[:-1] + "\ufffd"


@pytest.mark.parametrize(
    "data",
    [
        *(b"\0\1\2\3" * 100, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", bytes(range(256)) * 10, b"\xff\xfe\x00\xd8", b"\0" * 1000),
        b"".join(value.to_bytes(2, "little") for value in range(1000)),
        b"".join(value.to_bytes(4, "big") for value in range(1000)),
        *(bytes(byte for byte in random.Random(seed).randbytes(3000) if byte) for seed in range(5)),  # noqa: S311
    ],
)
def test_binary_files_are_no_text(data: bytes) -> None:
    assert decode(data) is None


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"one\rtwo\rthree\r", ["one", "two", "three", ""]),
        (b"one\ntwo\rthree\r\nfour", ["one", "two", "three", "four"]),
        (b"one\r\rtwo\r\r\nthree", ["one", "", "two", "", "three"]),
        (
            "a\fb\vc\x1cd\x85e\u2028f\u2029g\n".encode(),
            ["a\fb\vc\x1cd\x85e\u2028f\u2029g", ""],
        ),
    ],
)
def test_a_carriage_return_ends_a_line_and_separators_do_not(data: bytes, lines: list[str]) -> None:
    text = text_of(data)
    assert text is not None
    assert text.split("\n") == lines


def test_contents_are_in_nfc_whatever_wrote_them() -> None:
    for word in ("größe", "パッケージ", "한글", "naïve", "ὕπνος"):
        assert text_of(unicodedata.normalize("NFD", word).encode()) == word


def test_marks_without_end_cost_no_quadratic_time() -> None:
    """Normalising these 800 KB takes Python minutes: it moves each mark past all others."""
    text = "é" + "\u0301\u0323" * 200_000 + unicodedata.normalize("NFD", "é")
    assert nfc(text) == text[:-2] + "é"


def test_any_bytes_are_read_to_the_same_end_twice() -> None:
    """Random and mutated bytes: no exception, no text longer than its bytes, nothing left that a database refuses."""
    generator = random.Random(17)  # noqa: S311 - bytes that can be made again
    seeds = [CODE.format(sentence).encode(encoding) for sentence, encoding in SENTENCES]
    seeds += [frame.format(encoding, "x").encode() for frame, encoding, _ in DECLARED]
    for number in range(600):
        data = bytearray(generator.choice(seeds) if number % 3 else generator.randbytes(generator.randrange(200)))
        for _ in range(generator.randrange(8)):
            position = generator.randrange(len(data) + 1)
            data[position : position + generator.randrange(4)] = generator.randbytes(generator.randrange(4))
        text = text_of(bytes(data))
        assert text == text_of(bytes(data))
        if text is not None:
            assert len(text) <= len(data)
            assert "\0" not in text
            assert "\r" not in text
            text.encode()


@pytest.mark.parametrize(
    "data",
    [b"\xe9" * 500_000, b"a" * 500_000 + b"\xe9", b"\xe9 a" * 200_000, JAPANESE.encode("cp932") * 8000, b"\xc3\xa9\xff" * 200_000],
    ids=["one byte", "long line", "many runs", "no line end", "half UTF-8"],
)
def test_large_inputs_are_sampled(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    detect = Mock(wraps=chardet.detect)
    monkeypatch.setattr(chardet, "detect", detect)
    assert decode(data) is not None
    assert all(len(call.args[0]) < 20_000 for call in detect.mock_calls)
