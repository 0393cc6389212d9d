"""The values of ownership: owners, registrations, transfers, tips, payments, effects (§2).

Hashes are 32 bytes in internal order; what people read is reversed hex. Asset units and satoshis
are plain integers; a work has `ASSET_UNITS` units, for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NewType

from lodestamp.core.bitcoin import Transaction

ASSET_UNITS: Final = 100_000_000
"""Units of one work: all of them belong to the registrant at first (R10)."""

Owner = NewType("Owner", bytes)
"""A scriptPubKey: network-neutral. P2PKH and P2WPKH of one key are two owners."""

NOBODY: Final = Owner(b"")
"""Who holds a work whose registrant no signature names; under `peer_compat` only (Q5)."""

Owners = tuple[Owner | None, ...]
"""The owner of each input in order; None where no signature proves one (R8)."""


@dataclass(frozen=True, slots=True)
class Registration:
    """A work and who registered it first. `text` is the inflated carrier, `meta` its other keys."""

    txid: bytes
    height: int
    tx_index: int
    block_hash: bytes
    sha1: str
    registrant: Owner
    text: bytes
    meta: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Transfer:
    """`asset_value` units went from `asset_owner` to `bitcoin_owner`, who paid `bitcoin_value`.

    `ttl` is the seller's number of days; no rule uses it.
    """

    txid: bytes
    height: int
    tx_index: int
    block_hash: bytes
    sha1: str
    asset_owner: Owner
    bitcoin_owner: Owner
    asset_value: int
    bitcoin_value: int
    ttl: int | None


@dataclass(frozen=True, slots=True)
class Tip:
    """`amount` satoshis for a work, from `sources` to its registrant."""

    txid: bytes
    height: int
    tx_index: int
    block_hash: bytes
    sha1: str
    amount: int
    destination: Owner
    sources: tuple[Owner, ...]


@dataclass(frozen=True, slots=True)
class DividendPayment:
    """`amount` satoshis that the registrant of a work passed on to one of its holders."""

    txid: bytes
    height: int
    tx_index: int
    block_hash: bytes
    sha1: str
    amount: int
    destination: Owner
    sources: tuple[Owner, ...]


Operation = Registration | Transfer
Flow = Tip | DividendPayment
Refused = tuple[bytes, int, str]
"""Txid, index in the block and reason of a carrier that is no valid operation."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether something holds under the rules; `reason` is None if so, else one word for why not.

    For an operation that holds: `sat` satoshis were paid for `value` units of `sha1`, which went
    from `seller` (None for a registration) to `receiver`.
    """

    reason: str | None
    sha1: str = ""
    seller: Owner | None = None
    receiver: Owner = NOBODY
    value: int = 0
    sat: int = 0

    @property
    def valid(self) -> bool:
        """Whether it holds."""
        return self.reason is None


@dataclass(frozen=True, slots=True)
class HeartInput:
    """A transaction with a heart, and the owners of its inputs.

    `owners` may be empty where the state knows no such work: nothing asks for them then (R9).
    """

    tx: Transaction
    txid: bytes
    tx_index: int
    sha1: str
    owners: Owners


@dataclass(frozen=True, slots=True)
class CarrierInput:
    """A primary transaction, the inflated text it carries, and the owners of its inputs.

    `owners` may be empty where the text is no well-formed operation (R9).
    """

    tx: Transaction
    txid: bytes
    tx_index: int
    text: bytes
    owners: Owners


@dataclass(frozen=True, slots=True)
class BlockInput:
    """What the rules need of one block: its candidates, each kind in the order of the block."""

    height: int
    block_hash: bytes
    hearts: tuple[HeartInput, ...] = ()
    carriers: tuple[CarrierInput, ...] = ()


@dataclass(frozen=True, slots=True)
class BlockEffect:
    """What one block changed, in the order judged. `rejected` is for people and is not hashed."""

    height: int
    block_hash: bytes
    tips: tuple[Tip, ...] = ()
    payments: tuple[DividendPayment, ...] = ()
    ops: tuple[Operation, ...] = ()
    rejected: tuple[Refused, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the block changed nothing."""
        return not (self.tips or self.payments or self.ops)
