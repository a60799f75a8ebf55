"""What an embedding server has and makes, whatever speaks to it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

Vector: TypeAlias = list[float]


class Refusal(StrEnum):
    """Why one text has no vector; the others of its batch do."""

    TOO_LONG = "too long"
    POISON = "refused by the model"


@dataclass(frozen=True, slots=True)
class Model:
    """A model as the server has it.

    `name` is in the one form that all its spellings have; `prompt_version` joins the digest in every key, so that spaces are never mixed.
    """

    name: str
    digest: str
    dimensions: int
    context_tokens: int
    prompt_version: int
