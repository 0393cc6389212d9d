"""Ownership: Open Publish read from Bitcoin blocks; who registered a work, and who holds it."""

from lodestamp.core.ownership.carrier import (
    COMPRESSED_READ_MAX,
    COMPRESSED_WRITTEN_MAX,
    INFLATED_MAX,
    PAYLOAD_SIZE_MAX,
    PAYLOADS_WRITTEN_MAX,
    carrier_count,
    carrier_payloads,
    decode_payloads,
    encode_payloads,
    payload_script,
    read_carrier,
)
from lodestamp.core.ownership.gate import may_contain
from lodestamp.core.ownership.heart import heart_of, heart_script, parse_heart
from lodestamp.core.ownership.operation_text import (
    DEPTH_MAX,
    VALUE_MAX,
    parse_operation,
    transfer_value,
)
from lodestamp.core.ownership.found import Candidate, Carrier, Fetch, Prevouts, TxSpan
from lodestamp.core.ownership.walk import candidates, walk_block

__all__ = [
    "COMPRESSED_READ_MAX",
    "COMPRESSED_WRITTEN_MAX",
    "DEPTH_MAX",
    "INFLATED_MAX",
    "PAYLOADS_WRITTEN_MAX",
    "PAYLOAD_SIZE_MAX",
    "VALUE_MAX",
    "Candidate",
    "Carrier",
    "Fetch",
    "Prevouts",
    "TxSpan",
    "candidates",
    "carrier_count",
    "carrier_payloads",
    "decode_payloads",
    "encode_payloads",
    "heart_of",
    "heart_script",
    "may_contain",
    "parse_heart",
    "parse_operation",
    "payload_script",
    "read_carrier",
    "transfer_value",
    "walk_block",
]
