"""Language of a file, as the index names it."""

from cocosearch.lexicon.languages import TEXT, detect_language

__all__ = ["TEXT", "detect_language"]
