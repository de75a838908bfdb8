"""The pure core: what things are and what happens next. Nothing here reads a clock, a file or a database."""
