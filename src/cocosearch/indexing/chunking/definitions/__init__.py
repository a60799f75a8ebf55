"""Definitions in a text: what is defined, under which name, and on which lines; by tree-sitter grammars that come in wheels."""

from cocosearch.indexing.chunking.definitions.grammars import has_grammar
from cocosearch.indexing.chunking.definitions.kinds import Definition, Kind, kind_named, kind_not_known
from cocosearch.indexing.chunking.definitions.parsing import is_too_deep
from cocosearch.indexing.chunking.definitions.reading import definitions_of

__all__ = ["Definition", "Kind", "definitions_of", "has_grammar", "is_too_deep", "kind_named", "kind_not_known"]
