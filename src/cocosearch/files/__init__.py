"""Opening files of a directory whose owner is not trusted: no link leads out of it."""
