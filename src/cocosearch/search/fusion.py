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


def fuse(rankings: Mapping[Arm, Sequence[int]]) -> list[Fused]:
    """Chunks of all arms, best first, by reciprocal ranks; equal scores keep the order of the arms given."""
    scores: dict[int, float] = {}
    arms: dict[int, list[Arm]] = {}
    for arm, chunk_ids in rankings.items():
        for rank, chunk_id in enumerate(chunk_ids, start=1):
            scores[chunk_id] = scores.get(chunk_id, 0.0) + 1.0 / (RRF_K + rank)
            arms.setdefault(chunk_id, []).append(arm)
    best = sum(1.0 / (RRF_K + 1) for chunk_ids in rankings.values() if chunk_ids)
    ordered = sorted(scores, key=lambda chunk_id: -scores[chunk_id])
    return [Fused(chunk_id, scores[chunk_id] / best, tuple(arms[chunk_id])) for chunk_id in ordered]
