"""What holds for all tests."""

import signal


def pytest_configure() -> None:
    """Let an interruption reach the programs that are tested: a shell that starts the tests in the background has them ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
