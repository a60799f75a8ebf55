"""What words mean here: names of programming languages, and how a file's language is told."""
