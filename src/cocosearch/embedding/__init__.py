"""Embedding models: their names, what they want in front of a text, and the servers that run them."""
