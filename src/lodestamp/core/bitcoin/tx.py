"""Transactions: values, and the one byte string of each (bitcoin spec §1, R1, R2).

Hashes are in internal byte order, as hashed; what people read is reversed and called `_display`.
Amounts are satoshis. What a transaction may *say* is judged in `checks`, `machine` and `policy`.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Final, NewType, Self

from lodestamp.core.bitcoin.hashes import sha256d
from lodestamp.core.bitcoin.wire import Reader, compact_size, var_bytes, var_list
from lodestamp.errors import MalformedBitcoin, MalformedTransaction

TX_BYTES_MAX: Final = 4_000_000
"""Bytes with witness. A block weighs at most 4,000,000, and no byte of it weighs less than one."""
MAX_MONEY: Final = 2_100_000_000_000_000
"""Satoshis that will ever exist; no amount and no sum of a transaction's outputs passes it."""
SEQUENCE_FINAL: Final = 0xFFFFFFFF
NULL_VOUT: Final = 0xFFFFFFFF
NULL_TXID: Final = bytes(32)

_INPUT_SIZE_MIN: Final = 41
_OUTPUT_SIZE_MIN: Final = 9

Txid = NewType("Txid", bytes)
"""32 bytes, internal byte order."""

_OUTPOINT: Final = Struct("<32sI")
I64: Final = Struct("<q")
U32: Final = Struct("<I")
I32: Final = Struct("<i")


@dataclass(frozen=True, slots=True, order=True)
class OutPoint:
    """Which output is spent: the 32-byte txid (internal order) and the output's index, u32."""

    txid: bytes
    vout: int

    @property
    def is_null(self) -> bool:
        """Whether it is the one a coinbase has: no txid, index ffffffff."""
        return self.vout == NULL_VOUT and self.txid == NULL_TXID

    @property
    def txid_display(self) -> str:
        """The txid as people write it: hex, reversed."""
        return self.txid[::-1].hex()

    def encode(self) -> bytes:
        """Return the 36 bytes; MalformedTransaction ``range`` for fields that do not fit."""
        if len(self.txid) != 32:
            raise MalformedTransaction("range", f"a txid of {len(self.txid)} bytes")
        return packed(_OUTPOINT, self.txid, self.vout)

    def __str__(self) -> str:
        return f"{self.txid_display}:{self.vout}"


@dataclass(frozen=True, slots=True)
class TxIn:
    """An input: what it spends, its scriptSig, its sequence (u32) and its witness stack."""

    prevout: OutPoint
    script_sig: bytes = b""
    sequence: int = SEQUENCE_FINAL
    witness: tuple[bytes, ...] = ()

    def encode(self) -> bytes:
        """Return its bytes without the witness, which a transaction writes apart."""
        sequence = packed(U32, self.sequence)
        return self.prevout.encode() + var_bytes(self.script_sig) + sequence


@dataclass(frozen=True, slots=True)
class TxOut:
    """An output: satoshis (i64, may be out of range until `checks` has looked) and its script."""

    amount: int
    script: bytes

    def encode(self) -> bytes:
        """Return its bytes; MalformedTransaction ``range`` for an amount outside i64."""
        return packed(I64, self.amount) + var_bytes(self.script)

    @classmethod
    def decode(cls, encoded: bytes) -> Self:
        """Parse one output and nothing after it; MalformedTransaction otherwise."""
        reader = Reader(encoded)
        try:
            amount, script = reader.i64(), reader.var_bytes()
            reader.finish()
        except MalformedBitcoin as error:
            raise _refused(error) from error
        return cls(amount, script)


@dataclass(frozen=True, slots=True)
class Transaction:
    """Version (i32), inputs, outputs and lock time (u32)."""

    version: int
    inputs: tuple[TxIn, ...]
    outputs: tuple[TxOut, ...]
    locktime: int = 0

    @classmethod
    def decode(cls, encoded: bytes, *, witness: bool = True) -> Self:
        """Parse exactly one transaction (R1).

        With `witness` a zero input count is the marker of the witness form; without it the bytes
        are in the stripped form, which alone can have no inputs (R2). MalformedTransaction:
        ``size``, ``cut-short``, ``count``, ``non-canonical-size``, ``trailing``, ``marker``
        (the flag after it is not 01), ``superfluous-witness`` (no input has one).
        """
        if len(encoded) > TX_BYTES_MAX:
            raise MalformedTransaction("size", f"{len(encoded):,} bytes fit no block")
        reader = Reader(encoded)
        try:
            found = cls.read(reader, witness=witness)
            reader.finish()
        except MalformedTransaction:
            raise
        except MalformedBitcoin as error:
            raise _refused(error) from error
        return found

    @classmethod
    def read(cls, reader: Reader, *, witness: bool = True) -> Self:
        """Read the next transaction of a row of them, as in a block; MalformedBitcoin otherwise."""
        version = reader.i32()
        marked = witness and reader.buf[reader.pos : reader.pos + 1] == b"\x00"
        if marked:
            _read_marker(reader)
        inputs = _read_inputs(reader)
        outputs = _read_outputs(reader)
        if marked:
            inputs = _read_witnesses(reader, inputs)
        return cls(version, inputs, outputs, reader.u32())

    def encode(self, *, witness: bool = True) -> bytes:
        """Return its bytes; the witness form only if some input has a witness (BIP-144).

        MalformedTransaction ``range`` for a field that does not fit its bytes.
        """
        marked = witness and self.has_witness
        parts = [packed(I32, self.version), b"\x00\x01" if marked else b""]
        parts.append(compact_size(len(self.inputs)))
        parts += [each.encode() for each in self.inputs]
        parts.append(compact_size(len(self.outputs)))
        parts += [each.encode() for each in self.outputs]
        if marked:
            parts += [var_list(each.witness) for each in self.inputs]
        parts.append(packed(U32, self.locktime))
        return b"".join(parts)

    @property
    def has_witness(self) -> bool:
        """Whether any input carries a witness item."""
        return any(each.witness for each in self.inputs)

    @property
    def is_coinbase(self) -> bool:
        """Whether it is the transaction that makes new coins: one input, which spends nothing."""
        return len(self.inputs) == 1 and self.inputs[0].prevout.is_null

    @property
    def txid(self) -> Txid:
        """SHA-256d of the bytes without witness, 32 bytes, internal order."""
        return Txid(sha256d(self.encode(witness=False)))

    @property
    def txid_display(self) -> str:
        """The txid as people write it: hex, reversed."""
        return self.txid[::-1].hex()

    @property
    def wtxid(self) -> bytes:
        """SHA-256d of the bytes with witness, 32 bytes, internal order."""
        return sha256d(self.encode())

    @property
    def weight(self) -> int:
        """Three times the stripped size and the whole size (BIP-141)."""
        return 3 * len(self.encode(witness=False)) + len(self.encode())

    @property
    def vsize(self) -> int:
        """Weight in units of four, rounded up."""
        return (self.weight + 3) // 4


def _read_marker(reader: Reader) -> None:
    reader.pos += 1
    if reader.u8() != 1:
        raise MalformedTransaction(
            "marker", "the flag after the marker is not 01", at=reader.pos - 1
        )


def _read_inputs(reader: Reader) -> tuple[TxIn, ...]:
    inputs = []
    for _ in range(reader.count(_INPUT_SIZE_MIN)):
        prevout = OutPoint(reader.take(32), reader.u32())
        script_sig = reader.var_bytes()
        inputs.append(TxIn(prevout, script_sig, reader.u32()))
    return tuple(inputs)


def _read_outputs(reader: Reader) -> tuple[TxOut, ...]:
    count = reader.count(_OUTPUT_SIZE_MIN)
    return tuple([TxOut(reader.i64(), reader.var_bytes()) for _ in range(count)])


def _read_witnesses(reader: Reader, inputs: Sequence[TxIn]) -> tuple[TxIn, ...]:
    start = reader.pos
    found = tuple(
        [TxIn(each.prevout, each.script_sig, each.sequence, reader.var_list()) for each in inputs]
    )
    if not any(each.witness for each in found):
        raise MalformedTransaction("superfluous-witness", "every witness is empty", at=start)
    return found


def packed(form: Struct, *values: object) -> bytes:
    """Pack numbers into their bytes; MalformedTransaction ``range`` for one that does not fit."""
    try:
        return form.pack(*values)
    except struct.error as error:
        raise MalformedTransaction("range", f"{values!r} does not fit: {error}") from error


def _refused(error: MalformedBitcoin) -> MalformedTransaction:
    return MalformedTransaction(error.code, error.what, at=error.at)
