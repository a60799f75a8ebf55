"""Fusion of the two arms, as a pure function."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cocosearch.search.types import Arm

# Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual rank learning methods" (2009).
RRF_K = 60


@dataclass(frozen=True, slots=True)
class Fused:
    """A chunk, its score (1.0: first in every arm that answered) and the arms that found it."""

    chunk_id: int
    score: float
    arms: tuple[Arm, ...]


# For a bare identifier the words decide, and the dense arm only fills in behind them: meaning knows no exact names.
IDENTIFIER_DENSE_WEIGHT = 0.01


def dense_weight(query: str) -> float:
    """Weight of the dense arm: full for words, next to nothing for one identifier."""
    return 1.0 if len(query.split()) > 1 else IDENTIFIER_DENSE_WEIGHT


def fuse(rankings: Mapping[Arm, Sequence[int]], weight_of_dense: float = 1.0) -> list[Fused]:
    """Chunks of all arms, best first, by weighted reciprocal ranks; equal scores keep the order of the arms given."""
    weights = {Arm.LEXICAL: 1.0, Arm.DENSE: weight_of_dense}
    scores: dict[int, float] = {}
    arms: dict[int, list[Arm]] = {}
    for arm, chunk_ids in rankings.items():
        for rank, chunk_id in enumerate(chunk_ids, start=1):
            scores[chunk_id] = scores.get(chunk_id, 0.0) + weights[arm] / (RRF_K + rank)
            arms.setdefault(chunk_id, []).append(arm)
    best = sum(weights[arm] / (RRF_K + 1) for arm, chunk_ids in rankings.items() if chunk_ids)
    ordered = sorted(scores, key=lambda chunk_id: -scores[chunk_id])
    return [Fused(chunk_id, scores[chunk_id] / best, tuple(arms[chunk_id])) for chunk_id in ordered]
