"""The commitment to content and results, beside the CID and never in its place (flows spec §7).

>>> from lodestamp.core.encoding import Cid
>>> composite_hash(Cid.of(0x55, b""), [("hash_chain", bytes(32))]).hex()[:8]
'844cb402'
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from lodestamp.core.encoding import Cid
from lodestamp.core.merkle import leaf_hashes, root


def composite_entries(cid: Cid, results: Sequence[tuple[str, bytes]]) -> list[bytes]:
    """Return what the leaves hold: the binary CID, then SHA256(type ‖ 00 ‖ result) of each."""
    typed = [sha256(kind.encode("ascii") + b"\x00" + each).digest() for kind, each in results]
    return [cid.encode(), *typed]


def composite_hash(cid: Cid, results: Sequence[tuple[str, bytes]]) -> bytes:
    """Return the RFC 9162 root over content and results, 32 bytes; their borders are fixed."""
    return root(leaf_hashes(composite_entries(cid, results)))
