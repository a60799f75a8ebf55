"""Terms of the lexical arm: identifiers beside their parts, by their word stems. The index uses this for chunks, the search for queries."""

import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from cocosearch.lexicon.normalization import nfc
from cocosearch.lexicon.words import characters_of, terms_of

if TYPE_CHECKING:
    from snowballstemmer.basestemmer import BaseStemmer

# pgvector's sparsevec takes 1,000,000,000 dimensions: room enough that two terms of one code base hardly ever share a number.
DIMENSIONS = 1_000_000_000
# Stands among the terms of a chunk that is data (cocosearch.indexing.chunking.data); no word has this number.
DATA_MARK = 0
# Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009): the usual values.
K1 = 1.2
B = 0.75
# What a term's weight comes close to, however often it occurs.
MAX_WEIGHT = K1 + 1
# Terms in a chunk of the usual size. Chunks are cut to one length, so that a fixed pivot does what the corpus' average would, and a
# chunk's weights depend on nothing but the chunk.
PIVOT_TERMS = 100
# A name counts so many times more where it is defined, a file's name in each of its chunks.
SYMBOL_WEIGHT = 3
FILE_NAME_WEIGHT = 3
# Shorter words are their own stems.
MIN_STEMMED_LENGTH = 4

_of_thread = threading.local()

# Words of a question that say nothing about code.
STOP_WORDS = frozenset(
    """
    a an and are as at be by can do does for from has have how i if in into is it its me of on or show that the their there these this to
    use used uses using was we what when where which who why will with you
    """.split()  # noqa: SIM905 - a list of words reads as words
)


def stems_of(text: str) -> list[str]:
    """The stems of `terms_of`, in its order."""
    return [stem(term) for term in terms_of(text)]


@lru_cache(maxsize=200_000)
def stem(term: str) -> str:
    """A word without its English inflection: Porter's second algorithm (snowballstem.org), for words of letters only."""
    if len(term) < MIN_STEMMED_LENGTH or not (term.isascii() and term.isalpha()):
        return term
    return str(_stemmer().stemWord(term))


def _stemmer() -> "BaseStemmer":
    """This thread's own: a stemmer keeps the word that it works on."""
    if not hasattr(_of_thread, "stemmer"):
        import snowballstemmer

        _of_thread.stemmer = snowballstemmer.stemmer("english")
    stemmer: BaseStemmer = _of_thread.stemmer
    return stemmer


@lru_cache(maxsize=200_000)
def term_number(term: str) -> int:
    """Dimension of a term in a sparse vector: 1 to DIMENSIONS, the same on every machine."""
    return int.from_bytes(blake2b(term.encode(), digest_size=8).digest(), "big") % DIMENSIONS + 1


def document_weights(path: str, symbols: Sequence[str], enclosing: str | None, text: str) -> dict[int, float]:
    """What each term adds to a chunk's BM25 score for an IDF of one, by the term's number.

    Args:
        path: relative to the project's root.
        symbols: names that the chunk defines.
        enclosing: qualified name of the definition that it is a part of.
        text: the chunk's code.
    """
    directory, _, name = path.rpartition("/")
    frequencies = Counter[int]()
    characters = Counter[int]()
    for field, weight in (
        (text, 1),
        (enclosing or "", 1),
        (directory, 1),
        (name, 1),
        (file_stem(path), FILE_NAME_WEIGHT - 1),
        ("\n".join(symbols), SYMBOL_WEIGHT),
    ):
        for term in stems_of(field):
            frequencies[term_number(term)] += weight
        for character in characters_of(field):
            characters[term_number(character)] += weight
    # A query of one character looks for it alone; its length is that of the pairs.
    norm = K1 * (1 - B + B * frequencies.total() / PIVOT_TERMS)
    return {number: count * MAX_WEIGHT / (count + norm) for number, count in (characters | frequencies).items()}


def file_stem(path: str) -> str:
    """A file's name up to its first dot, in NFC."""
    name = nfc(path.rpartition("/")[2])
    return name.split(".", 1)[0] or name


def query_stems(query: str) -> list[str]:
    """Distinct stems of a query, without stop words unless it has nothing else."""
    return list(dict.fromkeys(map(stem, _telling(terms_of(query)))))


def _telling(terms: Iterable[str]) -> list[str]:
    words = list(terms)
    return [word for word in words if word not in STOP_WORDS] or words
