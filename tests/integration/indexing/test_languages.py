"""Languages and names of an indexed tree, as filters of a search see them."""

from pathlib import Path

from cocosearch.database.connection import Connection
from cocosearch.indexing.run import index_project
from cocosearch.lexicon.languages import languages_named
from cocosearch.projects import load_project
from cocosearch.settings import Settings

FILES = {
    "bin/deploy": "#!/usr/bin/env bash\nrollout_release() {\n  kubectl apply\n}\n",
    "bin/report": "#!/usr/bin/env python3\ndef summarise_ledger(rows):\n    return sum(rows)\n",
    "inc/ring.h": "struct ring { int head; };\nint ring_push(struct ring *r, int v);\n",
    "inc/ring.hpp": "class Ring {\n public:\n  int push(int v);\n};\n",
    "lib/compat.py": "try:\n    import numpy\n    HAS_NUMPY_SUPPORT = True\nexcept ImportError:\n    HAS_NUMPY_SUPPORT = False\n",
    "lib/parser.ml": "let rec parse_expression tokens = match tokens with [] -> None | t :: rest -> Some (t, rest)\n",
    "lib/view.m": "#import <UIKit/UIKit.h>\n@implementation OrderView\n- (void)viewDidLoadOrders {\n}\n@end\n",
    "sql/schema.sql": "CREATE TABLE `customer_orders` (`id` int);\nCREATE PROCEDURE archive_orders() AS $$ BEGIN DELETE FROM x; END; $$;\n",
    "web/Cart.vue": '<template><p/></template>\n<script lang="ts">\nfunction applyDiscountCode(c: string) {\n  return c\n}\n</script>\n',
    "web/page.tsx": "export function renderInvoice(total: number) { return <p>{total}</p>; }\n",
}
EXPECTED = {
    ("bin/deploy", "bash", "rollout_release", 2),
    ("bin/report", "python", "summarise_ledger", 2),
    ("inc/ring.h", "c", "ring_push", 2),
    ("inc/ring.hpp", "cpp", "push", 3),
    ("lib/compat.py", "python", "HAS_NUMPY_SUPPORT", 5),
    ("lib/parser.ml", "ocaml", "parse_expression", 1),
    ("lib/view.m", "objective-c", "viewDidLoadOrders", 3),
    ("sql/schema.sql", "sql", "customer_orders", 1),
    ("sql/schema.sql", "sql", "archive_orders", 2),
    ("web/Cart.vue", "vue", "applyDiscountCode", 3),
    ("web/page.tsx", "tsx", "renderInvoice", 1),
}


def test_files_are_found_by_their_language_and_by_what_they_define(cold_settings: Settings, connection: Connection, tmp_path: Path) -> None:
    root = tmp_path / "shop"
    for path, text in FILES.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    index_project(cold_settings, load_project(root))
    rows = connection.execute(
        """
        SELECT DISTINCT c.path, c.language, d.name, d.name_line
        FROM chunks c JOIN definitions d ON d.project_id = c.project_id AND d.path = c.path
        """
    ).fetchall()
    assert set(rows) >= EXPECTED
    languages = {language for _, language, _, _ in rows}
    assert languages.intersection(languages_named("ts")) == {"tsx"}
    assert all(language in languages_named(language) for language in languages)
