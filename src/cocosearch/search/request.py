"""What a search may be asked for: tidied, and within its bounds."""

from dataclasses import replace

from cocosearch.errors import CocosearchError
from cocosearch.lexicon.normalization import nfc
from cocosearch.search.globs import check_globs
from cocosearch.search.types import SearchRequest

MAX_LIMIT = 50
MIN_TOKENS, MAX_TOKENS = 100, 200_000
MAX_FILTER_CHARACTERS = 1000


def check_request(request: SearchRequest) -> None:
    """Refuse what PostgreSQL or a reader could not take.

    Raises:
        CocosearchError: names the argument and its bounds.
    """
    if not request.query.strip():
        raise CocosearchError("The query is empty. Ask in words, or give an identifier.")
    if not 1 <= request.limit <= MAX_LIMIT:
        raise CocosearchError(f"limit is {request.limit}; it must be between 1 and {MAX_LIMIT}.")
    if request.max_tokens is not None and not MIN_TOKENS <= request.max_tokens <= MAX_TOKENS:
        raise CocosearchError(f"max_tokens is {request.max_tokens}; it must be between {MIN_TOKENS} and {MAX_TOKENS}.")
    for name, value in _texts(request).items():
        if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in value):
            raise CocosearchError(f"The {name} holds a character that is not text (NUL or half of a surrogate pair).")
        if name != "query" and len(value) > MAX_FILTER_CHARACTERS:
            raise CocosearchError(f"The {name} has {len(value)} characters, {MAX_FILTER_CHARACTERS} are allowed.")
    if request.path_glob:
        check_globs(request.path_glob)


def _texts(request: SearchRequest) -> dict[str, str]:
    """What of the request is text and given."""
    texts = {
        "query": request.query,
        "project": request.project,
        "language": request.language,
        "path": request.path_glob,
        "symbol": request.symbol,
        "kind": request.kind,
    }
    return {name: value for name, value in texts.items() if value}


def tidied(request: SearchRequest) -> SearchRequest:
    """The request as the index writes its texts (NFC), without blanks at their ends; an empty filter is none."""

    def tidy(text: str | None) -> str | None:
        return nfc(text).strip() or None if text else None

    return replace(
        request,
        query=tidy(request.query) or "",
        project=tidy(request.project),
        language=tidy(request.language),
        path_glob=tidy(request.path_glob),
        symbol=tidy(request.symbol),
        kind=(tidy(request.kind) or "").lower() or None,
    )
