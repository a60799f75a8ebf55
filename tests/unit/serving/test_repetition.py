import logging
from types import SimpleNamespace

import pytest

from cocosearch.serving.repetition import OncePerMinute


def test_a_warning_is_written_once_a_minute_with_the_number_of_the_rest(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log, now = logging.getLogger("test.repetition"), 100.0
    monkeypatch.setattr("cocosearch.serving.repetition.time", SimpleNamespace(monotonic=lambda: now))
    log.addFilter(OncePerMinute())
    for number in range(5):
        log.warning("refused a request: status=%d", number)
    log.warning("something else")
    log.error("an error")
    log.error("an error")
    now += 61
    log.warning("refused a request: status=%d", 9)
    assert caplog.messages == [
        "refused a request: status=0",
        "something else",
        "an error",
        "an error",
        "refused a request: status=9 (4 more like it before)",
    ]
