"""The embedded embedding server: all-MiniLM-L6-v2 on the CPU, behind the part of Ollama's HTTP API that CocoSearch uses.

For CI, for a first look, and for hosts that reach PyPI but not Ollama's release. Run as `python -m cocosearch.embedder`.
It needs the extra `embedded`, contacts nothing, and writes nothing to stdout.
"""
