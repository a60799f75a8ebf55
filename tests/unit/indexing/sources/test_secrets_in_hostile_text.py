"""Text that is made to keep the masking of secrets busy takes time in proportion to its length."""

import math
import random
import time

import pytest

from cocosearch.indexing.sources.secrets import redact

HOSTILE = [
    "-----BEGIN PRIVATE KEY-----\n",
    "-----BEGIN PRIVATE KEY-----" + "A" * 40,
    "-----BEGIN",
    "----- ",
    "-",
    "://",
    "://a:",
    "://a:b@",
    "://" + "a" * 50 + ":",
    "=",
    "password=",
    "password = ",
    'password="aB3$efgh" ',
    "api_key=abc1234567890 ",
    "token: ",
    "secret key token auth ",
    "adobe facebook twitter github heroku ",
    'twitter="' + "a1" * 16 + '" ',
    "ghp_",
    "gh" + "p_" + "a1B2" * 9 + " ",
    "ops_eyJ",
    "ops_eyJ" + "a" * 300,
    "EAAM" + "SK" + "0" * 32,
    "SK" + "0" * 32,
    "eyJ",
    "ey" + "A" * 17 + ".",
    "ey" + "A" * 17 + ".ey" + "A" * 17 + ".",
    "/ey" + "A" * 17,
    "xapp-1-A-1-",
    "sk-",
    "AKIA",
    "curl ",
    "curl -u a:b ",
    "curl -u ",
    "kind: Secret\n",
    "kind: Secret\ndata:\n  a: b\n",
    "kind: Secret\n---\n",
    " data:\n",
    "Private-Lines: 1\nA\n",
    "machine a login b password c ",
    "machine ",
    "host=a password=bcdef ",
    ";Password=abcdefg1;",
    "Authorization: Bearer ",
    "Basic ",
    "<password>",
    "a.",
    "a_",
    "A" * 64 + "\n",
    "\n",
    " ",
    "'",
    "\\n",
    "é",
    "{{",
]


def seconds(text: str) -> float:
    began = time.process_time()
    redact(text, "a.yml")
    return time.process_time() - began


def grows_faster_than_its_length(pattern: str) -> bool:
    """Eight times the text takes about eight times as long; with quadratic growth it would be sixty-four.

    What is short takes no time that can be told from none, and a busy machine gets another try.
    """
    small, large = (pattern * math.ceil(characters / len(pattern)) for characters in (12_000, 96_000))
    redact(small, "a.yml")
    return all(seconds(large) > 24 * max(seconds(small), 0.002) for _ in range(4))


@pytest.mark.parametrize("pattern", HOSTILE)
def test_the_time_for_hostile_text_grows_with_its_length_and_no_faster(pattern: str) -> None:
    assert not grows_faster_than_its_length(pattern)


def test_random_mixtures_of_hostile_text_take_linear_time_too() -> None:
    generator = random.Random(9)  # noqa: S311
    for _ in range(20):
        pattern = "".join(generator.choices(HOSTILE, k=4))
        assert not grows_faster_than_its_length(pattern), pattern
