"""The version of this software; proofs and logs carry versions of their own formats."""

__version__ = "0.1.0"
