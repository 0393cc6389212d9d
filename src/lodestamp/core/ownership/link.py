"""From a registration to content: what its digests say of a file, and what they do not (R50).

The `ipfs` of a registration is base58 of a SHA-256 multihash of the file's bytes. Nobody can fetch
by it: the root of a file in IPFS is the hash of a UnixFS node, unless the file is one raw leaf.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from lodestamp.core.encoding import Cid, Codec, HashCode, base58btc_decode
from lodestamp.core.verdict import Status
from lodestamp.errors import EncodingError

SHA1_ONLY: Final = "sha1 only"
"""Why a link is not established: two files of one SHA-1 can be made."""

_MULTIHASH_HEAD: Final = b"\x12\x20"
_IPFS_LENGTH: Final = 46


class Registered(Protocol):
    """What is asked of a registration: the SHA-1 it names, and its other keys."""

    @property
    def sha1(self) -> str:
        """The SHA-1 of the work, 40 lowercase hex digits."""
        ...

    @property
    def meta(self) -> Mapping[str, Any]:
        """The keys of its text."""
        ...


@dataclass(frozen=True, slots=True)
class ContentLink:
    """Whether a file is the registered work.

    `sha256_ok` is None where the registration tells none. `raw_cid` is its digest as the CID of a
    raw block, `root_cid` the file's root where the caller gave it; `same_block` tells whether the
    two are one, which they are for a file of one raw leaf.
    """

    sha1_ok: bool
    sha256_ok: bool | None
    raw_cid: Cid | None
    root_cid: Cid | None = None

    @property
    def same_block(self) -> bool:
        """Whether the registered digest also names the file's root."""
        return self.raw_cid is not None and self.raw_cid == self.root_cid

    @property
    def status(self) -> Status:
        """Established by both digests; refuted by either; unknown by SHA-1 alone."""
        if not self.sha1_ok or self.sha256_ok is False:
            return Status.REFUTED
        return Status.ESTABLISHED if self.sha256_ok else Status.UNKNOWN

    @property
    def reason(self) -> str:
        """Why the link is not established; empty where it is."""
        if self.status is Status.ESTABLISHED:
            return ""
        if self.status is Status.UNKNOWN:
            return SHA1_ONLY
        return "sha256 differs" if self.sha1_ok else "sha1 differs"


def content_link(
    registration: Registered, sha1: str, sha256: bytes, root: Cid | None = None
) -> ContentLink:
    """Hold a file's SHA-1, in lowercase hex, and SHA-256, 32 bytes, against a registration.

    `root` is the CID of the file's root where the caller has built its DAG.
    """
    raw = registration_cid(registration)
    same = None if raw is None else raw.digest == sha256
    return ContentLink(registration.sha1 == sha1, same, raw, root)


def registration_cid(registration: Registered) -> Cid | None:
    """Return a registration's `ipfs` as a CIDv1 of a raw block (0x55) with the same digest.

    None where there is no `ipfs`, or it is no base58 of a SHA-256 multihash.
    """
    text = registration.meta.get("ipfs")
    if not isinstance(text, str) or len(text) != _IPFS_LENGTH:
        return None
    try:
        decoded = base58btc_decode(text)
    except EncodingError:
        return None
    if len(decoded) != 34 or decoded[:2] != _MULTIHASH_HEAD:
        return None
    return Cid(1, Codec.RAW, HashCode.SHA2_256, decoded[2:])
