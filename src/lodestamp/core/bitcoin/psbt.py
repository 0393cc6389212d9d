r"""Partially signed transactions: what signers hand each other (BIP-174, version 0).

A PSBT is a transaction without signatures and, for it and each of its inputs and outputs, a map of
keyed values. The maps keep the order in which they came, so that every accepted byte string has one
value and every value one byte string; what this version does not know is kept as it is.

>>> from lodestamp.core.bitcoin.tx import OutPoint
>>> tx = Transaction(2, (TxIn(OutPoint(bytes(32), 0)),), (TxOut(1, b"\x51"),))
>>> Psbt.decode(Psbt.of(tx, [TxOut(2, b"\x51\x20" + bytes(32))]).encode()).tx == tx
True
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from types import MappingProxyType
from typing import Final, Self

from lodestamp.core.bitcoin.script import is_p2sh, witness_program
from lodestamp.core.bitcoin.sighash import SIGHASH_ALL
from lodestamp.core.bitcoin.tx import Transaction, TxIn, TxOut
from lodestamp.core.bitcoin.wire import Reader, compact_size, var_bytes
from lodestamp.errors import LimitExceeded, MalformedBitcoin, MalformedTransaction, PsbtError

PSBT_SIZE_MAX: Final = 16 << 20
"""Bytes of a PSBT: hundreds of inputs, each with the whole transaction that it spends."""

_MAGIC: Final = b"psbt\xff"
_UNSIGNED: Final = b"\x00"
_VERSION: Final = b"\xfb"
_SEPARATOR: Final = b"\x00"
_NO_PARENTS: Final[Mapping[bytes, Transaction]] = MappingProxyType({})

Pair = tuple[bytes, bytes]
"""A key, its type first, and its value."""


class PsbtField(IntEnum):
    """The types of an input's keys that are read here; others are carried along."""

    NON_WITNESS_UTXO = 0x00
    WITNESS_UTXO = 0x01
    PARTIAL_SIG = 0x02
    SIGHASH_TYPE = 0x03
    REDEEM_SCRIPT = 0x04
    WITNESS_SCRIPT = 0x05
    FINAL_SCRIPTSIG = 0x07
    FINAL_SCRIPTWITNESS = 0x08
    TAP_KEY_SIG = 0x13


@dataclass(frozen=True, slots=True)
class PsbtMap:
    """Keyed values in the order in which they came; no key twice."""

    pairs: tuple[Pair, ...] = ()

    def value(self, kind: int) -> bytes | None:
        """Return the value of the key that is this type alone; None without one."""
        key = compact_size(kind)
        return next((value for each, value in self.pairs if each == key), None)

    def values(self, kind: int) -> dict[bytes, bytes]:
        """Return the values of all keys of a type, by what follows the type."""
        head = compact_size(kind)
        return {key[len(head) :]: value for key, value in self.pairs if key[: len(head)] == head}

    def having(self, kind: int, value: bytes, rest: bytes = b"") -> PsbtMap:
        """Return the map with one value set, at the end where the key is new."""
        key = compact_size(kind) + rest
        if any(each == key for each, _ in self.pairs):
            return PsbtMap(tuple((k, value if k == key else v) for k, v in self.pairs))
        return PsbtMap((*self.pairs, (key, value)))

    def joined(self, other: PsbtMap) -> PsbtMap:
        """Return the map with what another has besides; where both have a key, this one counts."""
        known = {key for key, _ in self.pairs}
        return PsbtMap(self.pairs + tuple(pair for pair in other.pairs if pair[0] not in known))

    def encode(self) -> bytes:
        """Return the pairs and the separator behind them."""
        pairs = b"".join(var_bytes(key) + var_bytes(value) for key, value in self.pairs)
        return pairs + _SEPARATOR


@dataclass(frozen=True, slots=True)
class Psbt:
    """A transaction to be signed, and what its signers know about it.

    `top` holds the global pairs but the transaction; the others are per input and per output.
    """

    tx: Transaction
    inputs: tuple[PsbtMap, ...]
    outputs: tuple[PsbtMap, ...]
    top: PsbtMap = PsbtMap()

    @classmethod
    def of(
        cls,
        tx: Transaction,
        spent: Sequence[TxOut],
        parents: Mapping[bytes, Transaction] = _NO_PARENTS,
    ) -> Self:
        """Return the PSBT of an unsigned transaction, with the outputs it spends, in input order.

        `parents` are transactions that it spends from, by txid: an input without a witness needs
        its own, others are the safer for it. Every input asks for SIGHASH_ALL, but a taproot one,
        whose default is the same. PsbtError ``spent``, ``parent``, and those of `decode`.
        """
        if len(spent) != len(tx.inputs):
            raise PsbtError("spent", f"{len(tx.inputs)} inputs spend {len(spent)} outputs")
        inputs = tuple(
            _input_map(each, output, parents.get(each.prevout.txid))
            for each, output in zip(tx.inputs, spent, strict=True)
        )
        made = cls(tx, inputs, (PsbtMap(),) * len(tx.outputs))
        _check(made)
        if made.spent != tuple(
            spent
        ):  # a legacy signature would not notice, and the fee is another
            raise PsbtError("spent", "the transactions that are spent say something else")
        return made

    @classmethod
    def decode(cls, encoded: bytes) -> Self:
        """Parse a PSBT to its last byte.

        LimitExceeded above `PSBT_SIZE_MAX`. PsbtError: ``magic``, ``cut-short``, ``count``,
        ``non-canonical-size``, ``trailing``; ``duplicate-key``; ``unsigned-tx`` (absent, no
        transaction, or signed); ``version`` (not 0); ``field`` (a known key or value of a wrong
        form); ``parent`` and ``spent`` (what is said to be spent is not what the input names).
        """
        if len(encoded) > PSBT_SIZE_MAX:
            raise LimitExceeded("the PSBT", PSBT_SIZE_MAX, len(encoded))
        if not encoded.startswith(_MAGIC):
            raise PsbtError("magic", "it does not begin as a PSBT", at=0)
        reader = Reader(encoded, len(_MAGIC))
        try:
            top = _read_map(reader)
            tx = _unsigned(top)
            inputs = tuple([_read_map(reader) for _ in tx.inputs])
            outputs = tuple([_read_map(reader) for _ in tx.outputs])
            reader.finish()
        except PsbtError:
            raise
        except MalformedBitcoin as error:
            raise PsbtError(error.code, error.what, at=error.at) from error
        if top.pairs[0][0] != _UNSIGNED:
            raise PsbtError("unsigned-tx", "the transaction is not the first global value")
        if top.value(_VERSION[0]) not in {None, bytes(4)}:
            raise PsbtError("version", "only version 0 is read")
        found = cls(tx, inputs, outputs, PsbtMap(top.pairs[1:]))
        _check(found)
        return found

    def encode(self) -> bytes:
        """Return its bytes, the unsigned transaction first."""
        top = PsbtMap(((_UNSIGNED, self.tx.encode(witness=False)), *self.top.pairs))
        return b"".join([_MAGIC, top.encode(), *(each.encode() for each in self._maps())])

    @property
    def spent(self) -> tuple[TxOut, ...]:
        """The outputs that are spent, in input order; PsbtError ``spent`` where one is not told."""
        found = tuple(
            _spent_by(each, of) for each, of in zip(self.tx.inputs, self.inputs, strict=True)
        )
        if None in found:
            raise PsbtError("spent", f"nothing tells what input {found.index(None)} spends")
        return tuple(each for each in found if each is not None)

    def with_input(self, index: int, made: PsbtMap) -> Psbt:
        """Return the PSBT with another map for one input."""
        return replace(self, inputs=(*self.inputs[:index], made, *self.inputs[index + 1 :]))

    def joined(self, other: Psbt) -> Psbt:
        """Return what both know about one transaction; PsbtError ``other-transaction`` else."""
        if other.tx != self.tx:
            raise PsbtError("other-transaction", "they are about different transactions")
        return Psbt(
            self.tx,
            tuple(a.joined(b) for a, b in zip(self.inputs, other.inputs, strict=True)),
            tuple(a.joined(b) for a, b in zip(self.outputs, other.outputs, strict=True)),
            self.top.joined(other.top),
        )

    def _maps(self) -> Iterator[PsbtMap]:
        yield from self.inputs
        yield from self.outputs


def _input_map(item: TxIn, output: TxOut, parent: Transaction | None) -> PsbtMap:
    program = witness_program(output.script)
    made = PsbtMap()
    if parent is not None:
        made = made.having(PsbtField.NON_WITNESS_UTXO, parent.encode())
    if program or is_p2sh(output.script):
        made = made.having(PsbtField.WITNESS_UTXO, output.encode())
    elif parent is None:
        raise PsbtError("parent", f"the transaction of {item.prevout} is needed to sign for it")
    if program and program[0] == 1:
        return made
    return made.having(PsbtField.SIGHASH_TYPE, SIGHASH_ALL.to_bytes(4, "little"))


def _unsigned(top: PsbtMap) -> Transaction:
    encoded = top.value(_UNSIGNED[0])
    if encoded is None:
        raise PsbtError("unsigned-tx", "there is no transaction to sign")
    try:
        tx = Transaction.decode(encoded, witness=False)
    except MalformedTransaction as error:
        raise PsbtError("unsigned-tx", f"the transaction to sign is none: {error.what}") from error
    if any(each.script_sig for each in tx.inputs):
        raise PsbtError("unsigned-tx", "the transaction to sign has scripts already")
    return tx


def _read_map(reader: Reader) -> PsbtMap:
    pairs: list[Pair] = []
    seen: set[bytes] = set()
    while key := reader.var_bytes():
        start = reader.pos
        if key in seen:
            raise PsbtError("duplicate-key", "a key occurs twice in one map", at=start)
        seen.add(key)
        Reader(key).compact_size()
        pairs.append((key, reader.var_bytes()))
    return PsbtMap(tuple(pairs))


def _check(psbt: Psbt) -> None:
    """Hold every value that is read here against its form, and what is spent against the input."""
    for index, (item, of) in enumerate(zip(psbt.tx.inputs, psbt.inputs, strict=True)):
        try:
            _check_fields(of)
            _spent_by(item, of)
        except PsbtError:
            raise
        except MalformedBitcoin as error:
            raise PsbtError("field", f"input {index}: {error.what}") from error


def _check_fields(of: PsbtMap) -> None:
    for key, value in of.pairs:
        if key[0] not in _FIELDS:
            continue
        if key[0] == PsbtField.PARTIAL_SIG:
            fits = (len(key), key[1:2]) in _KEY_SHAPES
        else:
            fits = len(key) == 1 and _SIZES.get(key[0], {len(value)}).issuperset({len(value)})
        if not fits:
            raise PsbtError("field", f"a key or value of type {key[0]:02x} has a wrong size")
    stack = of.value(PsbtField.FINAL_SCRIPTWITNESS)
    if stack is not None:
        witness_in(stack)


def witness_in(encoded: bytes) -> tuple[bytes, ...]:
    """Return the witness stack that a value holds; MalformedBitcoin otherwise."""
    reader = Reader(encoded)
    stack = reader.var_list()
    reader.finish()
    return stack


def _spent_by(item: TxIn, of: PsbtMap) -> TxOut | None:
    """Return the output that an input spends, as far as its map tells."""
    encoded, raw = of.value(PsbtField.WITNESS_UTXO), of.value(PsbtField.NON_WITNESS_UTXO)
    output = None if encoded is None else TxOut.decode(encoded)
    if raw is None:
        return output
    parent = Transaction.decode(raw)
    if parent.txid != item.prevout.txid or item.prevout.vout >= len(parent.outputs):
        raise PsbtError("parent", f"the transaction beside {item.prevout} is another")
    made = parent.outputs[item.prevout.vout]
    if output not in {None, made}:
        raise PsbtError("spent", f"two outputs are told for {item.prevout}")
    return made


_FIELDS: Final = frozenset(PsbtField)
_SIZES: Final[Mapping[int, set[int]]] = {
    PsbtField.SIGHASH_TYPE: {4},
    PsbtField.TAP_KEY_SIG: {64, 65},
}
_KEY_SHAPES: Final = {(34, b"\x02"), (34, b"\x03"), (66, b"\x04")}
