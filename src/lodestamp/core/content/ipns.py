"""IPNS: a key's signed word for where its content stands now (content spec §6).

Records are written in version 2 alone: `data`, DAG-CBOR, and the signature over it. Verifying never
looks at a version 1 signature.

>>> from lodestamp.core.keys import SigningKey
>>> key = SigningKey.from_seed("ed25519", bytes(32))
>>> name = name_of(key.public_key)
>>> name[:12], parse_name(name) == key.public_key
('k51qzi5uqu5d', True)
>>> record = create(key, b"/ipfs/bafkqaaa", sequence=1, validity_ns=10**18)
>>> verify(name, record, now_ns=0).value
b'/ipfs/bafkqaaa'
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lodestamp.core.content import dag_cbor
from lodestamp.core.content.protobuf import VARINT, field_bytes, fields
from lodestamp.core.content.rfc3339 import format_time, parse_time
from lodestamp.core.encoding import Cid, Codec, HashCode, Multihash, base58btc_decode
from lodestamp.core.keys import PublicKey, Signer, ed25519_verify
from lodestamp.errors import CodecError, EncodingError, IpnsError, LodestampError

RECORD_SIZE_MAX: Final = 10_240
"""Bytes of a record, by the standard; checked before anything is parsed."""
NAME_TEXT_MAX: Final = 128
"""Characters of a name; the longest spelling of an Ed25519 name has 83."""
DEFAULT_TTL_NS: Final = 300_000_000_000
"""Nanoseconds a record may be cached: five minutes."""
_KEY_HEAD: Final = bytes.fromhex("08011220")
"""The libp2p message of an Ed25519 public key, before its 32 bytes (R95)."""
_SIGNED_TAG: Final = b"ipns-signature:"
_VALUE, _SIGNATURE_V1, _TYPE, _VALIDITY, _SEQUENCE, _TTL, _PUBLIC_KEY, _SIGNATURE_V2, _DATA = range(
    1, 10
)
_NUMBERS: Final = frozenset({_TYPE, _SEQUENCE, _TTL})
_FORM: Final = "ipns"
_UINT_MAX: Final = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class IpnsRecord:
    """What a record says: a path, when it ends and how long it may be cached, both nanoseconds.

    `validity` is the time as it is written, `validity_ns` the same since 1970; `encoded` the whole
    record.
    """

    value: bytes
    sequence: int
    validity: str
    validity_ns: int
    ttl_ns: int
    encoded: bytes


def name_of(public_key: PublicKey) -> str:
    """Return the name of a key, ``k51…``; IpnsError ``ipns.key-type`` unless it is Ed25519."""
    if public_key.suite != "ed25519":
        raise IpnsError(f"no IPNS name for a key of {public_key.suite}", code="ipns.key-type")
    return str(Cid(1, Codec.LIBP2P_KEY, HashCode.IDENTITY, _KEY_HEAD + public_key.raw))


def parse_name(text: str) -> PublicKey:
    """Return the key of a name: ``k…``, ``b…``, ``z…`` or the multihash alone, ``12D3Koo…`` (R95).

    IpnsError ``ipns.name`` when it is none, ``ipns.key-type`` for another kind of key.
    """
    if len(text) > NAME_TEXT_MAX:
        raise IpnsError(f"a name has at most {NAME_TEXT_MAX} characters", code="ipns.name")
    try:
        multihash = _multihash_of(text)
    except EncodingError as error:
        raise IpnsError(f"{text!r} is no IPNS name: {error.message}", code="ipns.name") from None
    key = multihash.digest
    if multihash.code != HashCode.IDENTITY or not key.startswith(_KEY_HEAD) or len(key) != 36:
        raise IpnsError(f"{text!r} is not the name of an Ed25519 key", code="ipns.key-type")
    return PublicKey("ed25519", key[len(_KEY_HEAD) :])


def _multihash_of(text: str) -> Multihash:
    if text.startswith(("Qm", "1")):
        return Multihash.decode(base58btc_decode(text))
    cid = Cid.parse(text)
    if cid.codec != Codec.LIBP2P_KEY:
        raise IpnsError(f"{text!r} is the CID of a block, no IPNS name", code="ipns.name")
    return cid.multihash


def create(
    signer: Signer,
    value: bytes,
    *,
    sequence: int,
    validity_ns: int,
    ttl_ns: int = DEFAULT_TTL_NS,
) -> bytes:
    """Return a record signed by an Ed25519 key; it ends at `validity_ns`, nanoseconds since 1970.

    IpnsError ``ipns.key-type`` for another key, ``ipns.size`` for a value that makes it too long,
    ``ipns.data`` for a number out of range.
    """
    name_of(signer.public_key)
    if not (0 <= sequence <= _UINT_MAX and 0 <= ttl_ns <= _UINT_MAX):
        raise IpnsError("sequence and TTL are 0 to 2^64-1", code="ipns.data")
    data = dag_cbor.encode(
        {
            "TTL": ttl_ns,
            "Value": value,
            "Sequence": sequence,
            "Validity": format_time(validity_ns).encode("ascii"),
            "ValidityType": 0,
        }
    )
    signature = signer.sign(_SIGNED_TAG + data)
    record = field_bytes(_SIGNATURE_V2, signature) + field_bytes(_DATA, data)
    if len(record) > RECORD_SIZE_MAX:
        message = f"a record of {len(record):,} bytes, more than {RECORD_SIZE_MAX:,}"
        raise IpnsError(message, code="ipns.size")
    return record


def verify(name: str, record: bytes, now_ns: int) -> IpnsRecord:
    """Check a record under a name at a time, nanoseconds since 1970, and return what it says (R97).

    IpnsError, the first that fails: ``ipns.size``, ``ipns.record`` (no such protobuf),
    ``ipns.v1-only``, ``ipns.key`` (another key than the name's), ``ipns.data``,
    ``ipns.signature``, ``ipns.mismatch`` (version 1 fields say something else), ``ipns.expired``;
    before all, errors as `parse_name`.
    """
    key = parse_name(name)
    if len(record) > RECORD_SIZE_MAX:
        message = f"a record of {len(record):,} bytes, more than {RECORD_SIZE_MAX:,}"
        raise IpnsError(message, code="ipns.size")
    parts = _parts(record)
    data, signature = parts.get(_DATA), parts.get(_SIGNATURE_V2)
    if not isinstance(data, bytes) or not isinstance(signature, bytes):
        raise IpnsError("the record has no signature of version 2", code="ipns.v1-only")
    if parts.get(_PUBLIC_KEY, _KEY_HEAD + key.raw) != _KEY_HEAD + key.raw:
        raise IpnsError("the record carries another key than its name's", code="ipns.key")
    said = _read_signed(data, record)
    if not ed25519_verify(key.raw, _SIGNED_TAG + data, signature):
        raise IpnsError("the signature does not verify under the name's key", code="ipns.signature")
    if _VALUE in parts or _SIGNATURE_V1 in parts:
        _require_same(parts, said)
    if now_ns >= said.validity_ns:
        raise IpnsError(f"the record ended at {said.validity}", code="ipns.expired")
    return said


def newer(first: IpnsRecord, second: IpnsRecord) -> IpnsRecord:
    """Return the record that stands: by sequence, then by validity, then by larger bytes (R97)."""
    return max(first, second, key=lambda each: (each.sequence, each.validity_ns, each.encoded))


def _parts(record: bytes) -> dict[int, int | bytes]:
    parts: dict[int, int | bytes] = {}
    try:
        for field in fields(record, _FORM):
            known = _VALUE <= field.number <= _DATA
            typed = (field.wire == VARINT) == (field.number in _NUMBERS)
            if field.number in parts or (known and not typed):
                raise IpnsError(f"field {field.number} is repeated or mistyped", code="ipns.record")
            if known:
                parts[field.number] = field.value
    except CodecError as error:
        raise IpnsError(f"no IPNS record: {error.message}", code="ipns.record") from None
    return parts


def _read_signed(data: bytes, record: bytes) -> IpnsRecord:
    try:
        said = dag_cbor.decode(data)
    except LodestampError as error:
        raise IpnsError(f"the signed data is no DAG-CBOR: {error}", code="ipns.data") from None
    if not isinstance(said, dict):
        raise IpnsError("the signed data is no map", code="ipns.data")
    value, validity = said.get("Value"), said.get("Validity")
    sequence, ttl = said.get("Sequence"), said.get("TTL")
    if (
        not isinstance(value, bytes)
        or not isinstance(validity, bytes)
        or type(sequence) is not int
        or type(ttl) is not int
        or type(said.get("ValidityType")) is not int
        or min(sequence, ttl) < 0
    ):
        raise IpnsError("the signed data lacks a field or types it wrongly", code="ipns.data")
    if said["ValidityType"] != 0:
        raise IpnsError("the record's validity is no end of time", code="ipns.data")
    ends = parse_time(validity)
    return IpnsRecord(value, sequence, validity.decode("ascii"), ends, ttl, record)


def _require_same(parts: dict[int, int | bytes], said: IpnsRecord) -> None:
    """Fields 1 and 3 to 6 beside the signed data repeat it; an absent number is 0 (R97)."""
    given = (
        parts.get(_VALUE, b""),
        parts.get(_TYPE, 0),
        parts.get(_VALIDITY, b""),
        parts.get(_SEQUENCE, 0),
        parts.get(_TTL, 0),
    )
    signed = (said.value, 0, said.validity.encode("ascii"), said.sequence, said.ttl_ns)
    if given != signed:
        raise IpnsError("the fields of version 1 contradict the signed data", code="ipns.mismatch")
