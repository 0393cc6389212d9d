"""Hash functions that a Python's OpenSSL may lack."""

from lodestamp.core.hashes.keccak import keccak256
from lodestamp.core.hashes.ripemd import ripemd160

__all__ = ["keccak256", "ripemd160"]
