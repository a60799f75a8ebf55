"""Which files of a project are its sources, seen as git sees them, without git: no program runs, and no configuration is obeyed."""
