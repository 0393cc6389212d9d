"""Hash functions that a Python's OpenSSL may lack."""

from lodestamp.core.hashes.ripemd import ripemd160

__all__ = ["ripemd160"]
