r"""Commitments: an attestation's promise of what its claim rests on (operations spec §6).

Who receives an attestation sees no source of the claim, only a commitment to them, which the issuer
can open later: as a whole, and in version 2 also for one source alone.

::

    version 1   content address of {"claim_op", "derived_from": ascending, "salt": 32 random bytes}
    version 2   "sha256:" and the RFC 9162 root over the leaves
                ["claim", salt_0, claim_op], then ["source", salt_i, op_id] for sources ascending
                salt_i = HMAC-SHA256(master salt, i as 4 bytes, big-endian), each in base64

Salts stay with the issuer. Without fresh ones the same claim would always give the same commitment,
and who guesses a source could check the guess.

>>> claim, source = "sha256:" + "aa" * 32, "sha256:" + "bb" * 32
>>> commitment = commit(claim, [source], salt=bytes(32))
>>> open_commitment(commitment, claim, [source], salt=bytes(32))
True
>>> opening = disclose_source(claim, [source], source, salt=bytes(32))
>>> opening.opens(commitment)
True
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from lodestamp.core.encoding import (
    JsonValue,
    address_of_digest,
    base64_encode,
    canonical_json,
    content_address,
    digest_of_address,
    is_content_address,
)
from lodestamp.core.merkle import (
    TILE_WIDTH,
    InclusionProof,
    leaf_hash,
    prove_inclusion,
    root,
    verify_inclusion,
)
from lodestamp.core.operations.limits import SOURCES_MAX
from lodestamp.errors import LodestampError, UsageError

SALT_SIZE: Final = 32


@dataclass(frozen=True, slots=True)
class SourceOpening:
    """What shows one source of a commitment of version 2 and tells nothing of the others.

    `salt` is the source's own, 32 bytes; `path` leads from its leaf, 1 or later, to the root.
    """

    source: str
    salt: bytes
    path: InclusionProof

    def opens(self, commitment: str) -> bool:
        """Tell whether the commitment was made to this source."""
        if not is_content_address(self.source) or len(self.salt) != SALT_SIZE:
            return False
        try:
            leaf = leaf_hash(_leaf("source", self.salt, self.source))
            verify_inclusion(leaf, self.path, digest_of_address(commitment))
        except LodestampError:
            return False
        return True


def commit(claim_op: str, derived_from: Iterable[str], *, salt: bytes, version: int = 2) -> str:
    """Return the commitment to a claim and its sources, which may come in any order.

    `salt` is 32 fresh random bytes, in version 2 the master salt. UsageError ``bad-commitment`` for
    a salt of another size, a repeated source, more than 1,024, or what is no operation id.
    """
    sources = sorted(derived_from, key=str)
    if fault := _fault(claim_op, sources, salt):
        raise UsageError(fault, code="bad-commitment")
    if version == 1:
        salted: dict[str, JsonValue] = {
            "claim_op": claim_op,
            "derived_from": list[JsonValue](sources),
            "salt": base64_encode(salt),
        }
        return content_address(salted)
    if version != 2:
        raise UsageError(f"commitments have version 1 or 2, not {version!r:.20}")
    return address_of_digest(root(_hashed(claim_op, sources, salt)))


def open_commitment(
    commitment: str,
    claim_op: str,
    derived_from: Sequence[str],
    *,
    salt: bytes,
    version: int = 2,
) -> bool:
    """Tell whether a commitment was made to this claim and these ascending sources with this salt.

    Anything malformed opens nothing.
    """
    ascending = list(derived_from)
    if ascending != sorted(ascending, key=str) or _fault(claim_op, ascending, salt):
        return False
    return commit(claim_op, ascending, salt=salt, version=version) == commitment


def disclose_source(
    claim_op: str, derived_from: Iterable[str], source: str, *, salt: bytes
) -> SourceOpening:
    """Return what opens one source of a commitment of version 2 alone; errors as `commit`.

    UsageError ``bad-commitment`` also when `source` is not among them. `salt` is the master salt.
    """
    sources = sorted(derived_from, key=str)
    if fault := _fault(claim_op, sources, salt):
        raise UsageError(fault, code="bad-commitment")
    if source not in sources:
        raise UsageError(f"{source!r:.80} is not among the sources", code="bad-commitment")
    index = sources.index(source) + 1
    leaves = _Leaves(_hashed(claim_op, sources, salt))
    path = prove_inclusion(leaves, index, len(sources) + 1)
    return SourceOpening(source, _salt_at(salt, index), path)


@dataclass(frozen=True, slots=True)
class _Leaves:
    """The leaves of a small tree, read as tiles are."""

    leaves: Sequence[bytes]

    def hashes(self, level: int, start: int, count: int) -> bytes:
        width = TILE_WIDTH**level
        firsts = range(start * width, (start + count) * width, width)
        return b"".join(root(self.leaves[first : first + width]) for first in firsts)


def _fault(claim_op: object, sources: Sequence[object], salt: bytes) -> str | None:
    """Return what is wrong with the parts of a commitment, or None."""
    if len(salt) != SALT_SIZE:
        return f"a salt has {SALT_SIZE} bytes"
    if len(sources) > SOURCES_MAX:
        return f"{len(sources):,} sources, more than {SOURCES_MAX:,}"
    if not all(map(is_content_address, (claim_op, *sources))):
        return "a claim and its sources are named by operation ids"
    return "the same source twice" if len(set(sources)) < len(sources) else None


def _hashed(claim_op: str, sources: Sequence[str], master: bytes) -> list[bytes]:
    """Return the leaf hashes of version 2: the claim's, then those of the sources."""
    named = [("claim", claim_op), *(("source", source) for source in sources)]
    return [
        leaf_hash(_leaf(kind, _salt_at(master, index), op_id))
        for index, (kind, op_id) in enumerate(named)
    ]


def _leaf(kind: str, salt: bytes, op_id: str) -> bytes:
    return canonical_json([kind, base64_encode(salt), op_id])


def _salt_at(master: bytes, index: int) -> bytes:
    return hmac.digest(master, index.to_bytes(4, "big"), "sha256")
