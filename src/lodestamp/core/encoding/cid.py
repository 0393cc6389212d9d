"""CIDs: self-describing addresses of blocks, versions 0 and 1 (content spec R3-R7).

An operation's id and the CID of its block share one digest (DESIGN D1), so each is the other
spelled differently:

>>> cid = Cid.of(Codec.RAW, b"hello world")
>>> str(cid)
'bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e'
>>> Cid.from_op_id(cid.op_id) == cid
True
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

from lodestamp.core.encoding.address import Digest, digest_of_address
from lodestamp.core.encoding.multibase import (
    MULTIBASE_TEXT_MAX,
    base58btc_decode,
    base58btc_encode,
    multibase_decode,
    multibase_encode,
)
from lodestamp.core.encoding.multihash import FULL_LENGTHS, HashCode, Multihash, hash_with
from lodestamp.core.encoding.varint import uvarint_decode, uvarint_encode
from lodestamp.errors import CidError, EncodingError

CID_BYTES_MAX: Final = 256
"""Binary CIDs longer than this are refused before they are read."""
OP_CID_PREFIX: Final = bytes.fromhex("01551220")
"""CIDv1, raw, sha2-256, 32 bytes: what precedes the digest of every operation block (D1)."""
_V0_PREFIX: Final = bytes.fromhex("1220")
_V0_TEXT_LENGTH: Final = 46


class Codec(IntEnum):
    """Multicodec codes of the block formats this product knows by name."""

    CBOR = 0x51
    RAW = 0x55
    DAG_PB = 0x70
    DAG_CBOR = 0x71
    LIBP2P_KEY = 0x72
    DAG_JSON = 0x0129
    JSON = 0x0200
    CAR = 0x0202
    IPNS_RECORD = 0x0300


@dataclass(frozen=True, slots=True, order=True)
class Cid:
    """Version (0 or 1), block format, hash function and digest; equal when the bytes are equal."""

    version: int
    codec: int
    hash_code: int
    digest: bytes

    def __post_init__(self) -> None:
        if self.version not in (0, 1):
            raise CidError("cid.version", f"CID version {self.version} does not exist")
        Multihash(self.hash_code, self.digest)
        full = FULL_LENGTHS.get(self.hash_code)  # type: ignore[call-overload]  # IntEnum keys take ints
        if full is not None and len(self.digest) != full:
            raise CidError("cid.digest-length", f"a digest of {len(self.digest)} bytes, not {full}")
        if self.version == 0 and (self.codec, self.hash_code) != (Codec.DAG_PB, HashCode.SHA2_256):
            raise CidError("cid.version", "a CIDv0 is always dag-pb and sha2-256")

    @classmethod
    def of(cls, codec: int, data: bytes, hash_code: int = HashCode.SHA2_256) -> Self:
        """Return the CIDv1 of a block; CidError ``hash.unsupported`` for an unknown function."""
        return cls(1, codec, hash_code, hash_with(hash_code, data))

    @classmethod
    def from_op_id(cls, op_id: str) -> Self:
        """Return the CID of the operation block of this id; EncodingError when it is no op id."""
        return cls(1, Codec.RAW, HashCode.SHA2_256, digest_of_address(op_id))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a CID from text: version 0 as ``Qm...``, version 1 in any base of `multibase`.

        CidError ``cid.base`` for a text outside those forms, else the codes of `decode`.
        """
        if len(text) > MULTIBASE_TEXT_MAX:
            raise CidError("cid.base", f"more than {MULTIBASE_TEXT_MAX} characters")
        if text.startswith("Qm"):
            return cls._parse_v0(text)
        _prefix, data = multibase_decode(text)
        if data[:2] == _V0_PREFIX:
            raise CidError("cid.version", "a CIDv0 has no multibase prefix")
        return cls.decode(data)

    @classmethod
    def _parse_v0(cls, text: str) -> Self:
        if len(text) != _V0_TEXT_LENGTH:
            raise CidError("cid.base", f"a CIDv0 has {_V0_TEXT_LENGTH} characters")
        try:
            data = base58btc_decode(text)
        except EncodingError as error:
            raise CidError("cid.base", error.message) from None
        return cls.decode(data)

    @classmethod
    def decode(cls, buf: bytes) -> Self:
        """Parse a whole binary CID; CidError on any byte too few or too many."""
        if not 0 < len(buf) <= CID_BYTES_MAX:
            raise CidError("cid.trailing", f"a binary CID has 1 to {CID_BYTES_MAX} bytes")
        cid, end = cls.read(buf, 0)
        if end != len(buf):
            raise CidError("cid.trailing", "bytes follow the CID", at=f"byte {end}")
        return cid

    @classmethod
    def read(cls, buf: bytes, pos: int) -> tuple[Self, int]:
        """Parse the binary CID at `pos`; return it and the position after it."""
        if buf[pos : pos + 2] == _V0_PREFIX:
            multihash, end = Multihash.read(buf, pos)
            return cls(0, Codec.DAG_PB, multihash.code, multihash.digest), end
        version, pos = uvarint_decode(buf, pos)
        if version != 1:
            raise CidError("cid.version", f"CID version {version} is not written like this")
        codec, pos = uvarint_decode(buf, pos)
        multihash, end = Multihash.read(buf, pos)
        return cls(1, codec, multihash.code, multihash.digest), end

    @property
    def multihash(self) -> Multihash:
        """The hash function and digest; a CIDv0 and its CIDv1 share it."""
        return Multihash(self.hash_code, self.digest)

    @property
    def op_id(self) -> str:
        """The operation id of this block; CidError ``cid.not-operation`` for any other CID."""
        if (self.version, self.codec, self.hash_code) != (1, Codec.RAW, HashCode.SHA2_256):
            raise CidError("cid.not-operation", "not the CID of an operation block")
        return "sha256:" + self.digest.hex()

    def encode(self) -> bytes:
        """Return the binary CID."""
        if self.version == 0:
            return _V0_PREFIX + self.digest
        head = (1, self.codec, self.hash_code, len(self.digest))
        return b"".join(map(uvarint_encode, head)) + self.digest

    def __bytes__(self) -> bytes:
        return self.encode()

    def text(self, base: str | None = None) -> str:
        """Spell it in a multibase; by default base58btc for v0, base32 for v1, base36 for keys."""
        if self.version == 0:
            if base not in (None, "z"):
                raise CidError("cid.base", "a CIDv0 is always base58btc")
            return base58btc_encode(self.encode())
        if base is None:
            base = "k" if self.codec == Codec.LIBP2P_KEY else "b"
        return multibase_encode(base, self.encode())

    def to_v0(self) -> Cid:
        """Return the block's CIDv0; CidError ``cid.version`` unless dag-pb and sha2-256."""
        return Cid(0, self.codec, self.hash_code, self.digest)

    def to_v1(self) -> Cid:
        """Return the CIDv1 of the same block."""
        return Cid(1, self.codec, self.hash_code, self.digest)

    def matches(self, data: bytes) -> bool:
        """Tell whether `data` is this block; errors as `Multihash.matches`."""
        return self.multihash.matches(data)

    def __str__(self) -> str:
        return self.text()


def digest_of_op_cid(entry: bytes) -> Digest | None:
    """Return the digest of a 36-byte binary operation CID, or None when it is no such thing."""
    if len(entry) != len(OP_CID_PREFIX) + 32 or not entry.startswith(OP_CID_PREFIX):
        return None
    return Digest(entry[len(OP_CID_PREFIX) :])
