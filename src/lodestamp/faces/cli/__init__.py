"""The command line: parse, call node, show. Exit codes are DESIGN D8's.

`main` is the program; `app` is its tree of verbs. Each verb imports what it needs when it runs, so
that ``lodestamp --help`` and ``lodestamp verify`` start without a database.
"""

from lodestamp.faces.cli.program import app, main

__all__ = ["app", "main"]
