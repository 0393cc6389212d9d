"""Provenance that anyone can check offline, down to a Bitcoin block header."""
