"""One byte string per value: canonical JSON, varint, base encodings, multihash and CID."""

from lodestamp.core.encoding.address import (
    Digest,
    address_of,
    address_of_digest,
    content_address,
    digest_of_address,
    is_content_address,
)
from lodestamp.core.encoding.canonical import (
    INT_MAX,
    JSON_DEPTH_MAX,
    JsonObject,
    JsonValue,
    canonical_json,
    json_pointer,
    parse_canonical,
)
from lodestamp.core.encoding.cid import CID_BYTES_MAX, OP_CID_PREFIX, Cid, Codec, digest_of_op_cid
from lodestamp.core.encoding.multibase import (
    base36_decode,
    base36_encode,
    base58btc_decode,
    base58btc_encode,
    multibase_decode,
    multibase_encode,
)
from lodestamp.core.encoding.multihash import DIGEST_BYTES_MAX, HashCode, Multihash, hash_with
from lodestamp.core.encoding.rfc4648 import (
    base16_decode,
    base16_encode,
    base32_decode,
    base32_encode,
    base64_decode,
    base64_encode,
    base64url_decode,
    base64url_encode,
)
from lodestamp.core.encoding.varint import (
    UVARINT_BYTES_MAX,
    leb128_encode,
    uvarint_decode,
    uvarint_encode,
)

__all__ = [
    "CID_BYTES_MAX",
    "DIGEST_BYTES_MAX",
    "INT_MAX",
    "JSON_DEPTH_MAX",
    "OP_CID_PREFIX",
    "UVARINT_BYTES_MAX",
    "Cid",
    "Codec",
    "Digest",
    "HashCode",
    "JsonObject",
    "JsonValue",
    "Multihash",
    "address_of",
    "address_of_digest",
    "base16_decode",
    "base16_encode",
    "base32_decode",
    "base32_encode",
    "base36_decode",
    "base36_encode",
    "base58btc_decode",
    "base58btc_encode",
    "base64_decode",
    "base64_encode",
    "base64url_decode",
    "base64url_encode",
    "canonical_json",
    "content_address",
    "digest_of_address",
    "digest_of_op_cid",
    "hash_with",
    "is_content_address",
    "json_pointer",
    "leb128_encode",
    "multibase_decode",
    "multibase_encode",
    "parse_canonical",
    "uvarint_decode",
    "uvarint_encode",
]
