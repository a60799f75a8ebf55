"""From the candidates of both arms to an order: how well words and meaning fit, and what names, paths and files add.

Two absolute measures are mixed, not ranks: the share of the query's information that a chunk holds (its BM25 score over the best possible
one) and the cosine of the vectors. A query whose words the code does not use has a low share everywhere, so that meaning decides; exact
names have a high one, so that words do. Ranks, or scores over their maximum, would give a helpless arm the same voice as a sure one.

What each signal brings is measured in benchmarks/retrieval.md.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache, partial
from math import prod, sqrt
from statistics import median

from cocosearch.lexicon.file_kinds import FileKind
from cocosearch.lexicon.terms import file_stem, stem, stems_of
from cocosearch.lexicon.words import fold
from cocosearch.search.query import Query, TermWeights
from cocosearch.search.types import Candidate, File, Signals

MIN_PREFIX = 3
PREFIX_STRENGTH = 0.5


@dataclass(frozen=True, slots=True)
class Weights:
    """Constants of the ranking. The additive ones are shares of the best mixed score among the candidates."""

    dense: float = 0.7  # of the cosine in the mix; the rest is the lexical share's
    dense_of_name: float = 0.2  # the same for a query that is one name: a vector knows what it is like, not whether it is the one
    quoted_definition: float = 0.2  # the chunk defines a name that the query quotes
    definition: float = 0.1  # the chunk defines a name made of the query's words
    quoted_file: float = 0.2  # the file is called as a name that the query quotes
    file_name: float = 0.5  # the file's name is made of the query's words
    coherence: float = 0.1  # more chunks of the file are candidates too
    coherent_chunks: int = 5  # as many of them count
    saturation: float = 0.5  # factor of a file's second chunk, its square that of the third, …
    noise: Mapping[FileKind, float] = field(
        default_factory=lambda: {
            FileKind.TEST: 0.3,
            FileKind.EXAMPLE: 0.3,
            FileKind.DOCUMENT: 0.5,
            FileKind.GENERATED: 0.3,
            FileKind.DATA: 0.3,
        }
    )


WEIGHTS = Weights()


@dataclass(frozen=True, slots=True)
class Ranked:
    """A candidate with what made its place."""

    candidate: Candidate
    signals: Signals


def rank(query: Query, terms: TermWeights, candidates: Sequence[Candidate], weights: Weights = WEIGHTS) -> list[Ranked]:
    """All candidates, best first; equal ones in the order of their ids.

    Args:
        query: what is asked.
        terms: the weights of its stems.
        candidates: each chunk once.
        weights: the constants; others than the default are for measuring.
    """
    found = _in_order([Ranked(candidate, signals) for candidate, signals in _with_signals(query, terms, candidates, weights)])
    mass = _mass_of_files(found, weights.coherent_chunks)
    heaviest = max(mass.values(), default=0.0) or 1.0
    seen = Counter[File]()
    placed = []
    for entry in found:
        file = entry.candidate.file
        coherence = 0.0 if seen[file] else weights.coherence * mass[file] / heaviest
        placed.append(Ranked(entry.candidate, replace(entry.signals, coherence=coherence, saturation=weights.saturation ** seen[file])))
        seen[file] += 1
    return _in_order(placed)


def _in_order(found: list[Ranked]) -> list[Ranked]:
    return sorted(found, key=lambda entry: (-entry.signals.score, entry.candidate.chunk_id))


def _with_signals(
    query: Query, terms: TermWeights, candidates: Sequence[Candidate], weights: Weights
) -> Iterator[tuple[Candidate, Signals]]:
    shares = [candidate.bm25 / terms.best_possible if terms.best_possible else 0.0 for candidate in candidates]
    cosines = [candidate.cosine for candidate in candidates]
    mixed = _mix(shares, cosines, weights.dense_of_name if query.is_name else weights.dense)
    best = max(mixed, default=0.0) or 1.0
    # Of a file there are many chunks, and many chunks define names like `get`.
    symbol_fit = cache(partial(_fit, terms=terms))
    file_fit = cache(partial(_fit, terms=terms, by_prefix=True))
    for candidate, share, mix in zip(candidates, shares, mixed, strict=True):
        file = file_stem(candidate.path)
        is_quoted = any(symbol.lower() in query.names for symbol in candidate.symbols)
        # Who names a table of numbers asks for it.
        wanted = query.wanted | {FileKind.DATA} if is_quoted else query.wanted
        yield (
            candidate,
            Signals(
                lexical=share,
                cosine=candidate.cosine,
                mixed=mix / best,
                quoted_definition=weights.quoted_definition * is_quoted,
                definition=weights.definition * max(map(symbol_fit, candidate.symbols), default=0.0),
                quoted_file=weights.quoted_file * (file.lower() in query.names),
                file_name=weights.file_name * file_fit(file),
                noise=prod(weights.noise[noise] for noise in candidate.noise - wanted),
            ),
        )


def _mix(shares: Sequence[float], cosines: Sequence[float | None], dense: float) -> list[float]:
    """Both measures in one. A chunk without a vector counts as the middle one of those with; without any, words are all there is."""
    known = [cosine for cosine in cosines if cosine is not None]
    if not known:
        return list(shares)
    middle = median(known)
    return [
        (1 - dense) * share + dense * max(0.0, middle if cosine is None else cosine) for share, cosine in zip(shares, cosines, strict=True)
    ]


def _mass_of_files(found: Sequence[Ranked], chunks: int) -> dict[File, float]:
    """Sum of the mixed scores of each file's best chunks."""
    mass = defaultdict[File, float](float)
    counted = Counter[File]()
    for entry in found:
        file = entry.candidate.file
        if counted[file] < chunks:
            mass[file] += entry.signals.mixed
            counted[file] += 1
    return mass


def _fit(name: str, terms: TermWeights, *, by_prefix: bool = False) -> float:
    """How far a name is made of the query's words and the query of the name's: geometric mean of the two shares, 0 to 1.

    The query's words count by what they tell, the name's alike. By prefix, words of which one begins the other count half.
    """
    parts = _parts(name)
    common = parts & terms.idf.keys()
    if not common and not by_prefix:
        return 0.0
    said = sum(terms.idf[part] for part in common)
    used = float(len(common))
    if by_prefix:
        rest, words = parts - common, terms.idf.keys() - common
        said += PREFIX_STRENGTH * sum(terms.idf[word] for word in words if any(_begins(word, part) for part in rest))
        used += PREFIX_STRENGTH * sum(any(_begins(word, part) for word in words) for part in rest)
    if not used or not terms.total:
        return 0.0
    return sqrt(min(1.0, said / terms.total) * used / len(parts))


@lru_cache(maxsize=100_000)
def _parts(name: str) -> frozenset[str]:
    """Stems of a name's parts; of its whole where it has one part."""
    stems = stems_of(name)
    return frozenset(stems if len(stems) == 1 else [part for part in stems if part != stem(fold(name))] or stems)


def _begins(word: str, part: str) -> bool:
    return min(len(word), len(part)) >= MIN_PREFIX and (word.startswith(part) or part.startswith(word))
