"""Questions in the scripts of the world, over real rows: the right file first, by words alone and with the model."""
# ruff: noqa: RUF001 - letters of other scripts that look like Latin ones are what is tested

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from cocosearch.database import open_pool
from cocosearch.database.connection import Pool
from cocosearch.embedding.ollama import OllamaClient
from cocosearch.indexing.run import index_project
from cocosearch.projects import load_project
from cocosearch.search import SearchRequest, search
from cocosearch.settings import Settings

MACOS_NAME = unicodedata.normalize("NFD", "größe_パッケージ.py")
FILES: dict[str, bytes] = {
    "docs/guide.ja.md": "# 在庫管理の手引き\n在庫管理システムの再試行処理は、失敗した注文を三回まで再送します。\n".encode(),
    "lib/stock.py": (
        "# 采购订单自动审批流程\ndef approve_po(order):\n    return order\n\n\n"
        "# Повторная отправка заказа после сбоя\ndef resend(order):\n    return order\n"
    ).encode(),
    "lib/service.py": "class 訂單服務:\n    def 取消(self):\n        pass\n\n    def 查询(self):\n        pass\n".encode(),
    "lib/korean.py": "# 주문이 실패하면 다시 전송합니다\ndef retry():\n    pass\n".encode(),
    "lib/hindi.py": "# हिन्दी शब्दकोश\ndef lookup():\n    pass\n".encode(),
    "lib/thai.py": "# ตรวจสอบคำสั่งซื้อ\ndef check():\n    pass\n".encode(),
    "lib/arabic.py": "# إعادة إِرْسَال الطلب\ndef again():\n    pass\n".encode(),
    "old/sjis.c": "/* データベース接続を開く */\nint open_db(void) { return 0; }\n".encode("shift_jis"),
    "old/koi8.c": "/* Удаление временных файлов после завершения программы */\nint cleanup(void) { return 0; }\n".encode("koi8_r"),
    "old/mac.c": b"int first(void) { return 1; }\rint second_of_mac(void)\r{\r    return 2;\r}\r",
    "old/half.py": "# ｼｽﾃﾑ ﾓｰﾄﾞ\ndef mode():\n    pass\n".encode(),
    MACOS_NAME: b"def width():\n    pass\n",
    **{f"lib/other{number}.py": f"def other{number}(order, user):\n    return order + user + {number}\n".encode() for number in range(20)},
}


@pytest.fixture
def pool(cold_settings: Settings, tmp_path: Path) -> Iterator[Pool]:
    for path, data in FILES.items():
        file = tmp_path / "scripts" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    index_project(cold_settings, load_project(tmp_path / "scripts"))
    with open_pool(cold_settings) as pool:
        yield pool


def test_words_are_found_in_every_script(pool: Pool, cold_settings: Settings) -> None:
    wrong = []
    away = cold_settings.model_copy(update={"ollama_url": "http://127.0.0.1:9"})
    with OllamaClient(cold_settings) as client, OllamaClient(away) as no_model:
        for query, path in {
            "在庫管理": "docs/guide.ja.md",
            "再試行処理": "docs/guide.ja.md",
            "审批流程": "lib/stock.py",
            "采购订单自动审批流程": "lib/stock.py",
            "自动审批 approve": "lib/stock.py",
            "审": "lib/stock.py",
            "Повторная отправка": "lib/stock.py",
            "ОТПРАВКА ЗАКАЗА": "lib/stock.py",
            "訂單服務": "lib/service.py",
            "訂單服務.取消": "lib/service.py",
            "取消": "lib/service.py",
            "주문 실패": "lib/korean.py",
            "शब्दकोश": "lib/hindi.py",
            "คำสั่งซื้อ": "lib/thai.py",
            "ارسال الطلب": "lib/arabic.py",
            "データベース": "old/sjis.c",
            "временных файлов": "old/koi8.c",
            "second_of_mac": "old/mac.c",
            "システム": "old/half.py",
            "größe": MACOS_NAME,
            "パッケージ": MACOS_NAME,
        }.items():
            for asked in (client, no_model):
                hits = search(pool, asked, SearchRequest(query)).hits
                if not hits or hits[0].path != path:
                    wrong.append((query, [hit.path for hit in hits[:3]], asked is client))
    assert wrong == []


def test_lines_end_where_editors_end_them(pool: Pool, cold_settings: Settings) -> None:
    with OllamaClient(cold_settings) as client:
        hit = search(pool, client, SearchRequest("second_of_mac", symbol="second_of_mac")).hits[0]
    lines = hit.text.split("\n")
    assert lines[2 - hit.start_line] == "int second_of_mac(void)"
    assert hit.end_line == 5


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("glob", ["größe_パッケージ.py", "größe*", "**/größe_*.py"])
def test_a_path_from_macos_is_filtered_as_it_is_typed(pool: Pool, cold_settings: Settings, form: str, glob: str) -> None:
    asked = SearchRequest("width", path_glob=unicodedata.normalize("NFC" if form == "NFC" else "NFD", glob))
    with OllamaClient(cold_settings) as client:
        hits = search(pool, client, asked).hits
    assert [hit.path for hit in hits] == [MACOS_NAME]


@pytest.mark.parametrize("symbol", ["訂單服務", "取消", "訂單服務.取消"])
def test_symbols_are_names_in_any_script(pool: Pool, cold_settings: Settings, symbol: str) -> None:
    with OllamaClient(cold_settings) as client:
        hits = search(pool, client, SearchRequest("cancel", symbol=symbol)).hits
    assert [hit.path for hit in hits] == ["lib/service.py"]
