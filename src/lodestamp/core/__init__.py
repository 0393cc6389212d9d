"""Truth: bytes and values only.

Everything that decides whether something is true lives here and runs in a REPL, offline, in ten
years. No module below imports a clock, a disk, a socket, the environment or randomness.
"""
