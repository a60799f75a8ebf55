"""The cocoindex engine: what it is told, its state, and the rows that it writes."""
