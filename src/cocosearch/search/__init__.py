"""Search: two arms in PostgreSQL, fused."""

from cocosearch.search.engine import search
from cocosearch.search.types import Arm, Hit, SearchRequest, SearchResponse, Timings

__all__ = ["Arm", "Hit", "SearchRequest", "SearchResponse", "Timings", "search"]
