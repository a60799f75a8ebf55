"""Passwords stay out of what is shown."""

import pytest

from cocosearch.urls import without_password


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://user:hunter2@db.internal:5432/code", "postgresql://user:***@db.internal:5432/code"),
        ("postgresql://user:h/u?n@ter2@db/code", "postgresql://user:***@db/code"),
        ("postgresql://:hunter2@db/code", "postgresql://:***@db/code"),
        ("postgresql:///code?host=/run/x&password=hunter2&user=me", "postgresql:///code?host=/run/x&password=***&user=me"),
        ("postgresql:///code?sslpassword=hunter2", "postgresql:///code?sslpassword=***"),
        ("host=db password=hunter2 dbname=code", "host=db password=*** dbname=code"),
        ("host=db password = 'hun ter2' dbname=code", "host=db password = *** dbname=code"),
        ("http://user:hunter2@[::1", "http://user:***@[::1"),
        ("postgresql:///cocosearch?host=/run/cocosearch-postgresql", "postgresql:///cocosearch?host=/run/cocosearch-postgresql"),
        ("postgresql://user@db/code", "postgresql://user@db/code"),
        ("http://127.0.0.1:11434", "http://127.0.0.1:11434"),
        ("http://host:1/path:without/sign", "http://host:1/path:without/sign"),
    ],
)
def test_passwords_are_masked_and_nothing_else(url: str, shown: str) -> None:
    assert without_password(url) == shown
