"""What a signature signs: legacy, BIP-143, BIP-341/342; and BIP-119's template hash (R10, R12).

Everything that several inputs share is computed once per transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final

from lodestamp.core.bitcoin.hashes import sha256, sha256d, tagged_hash
from lodestamp.core.bitcoin.opcodes import Op
from lodestamp.core.bitcoin.script import read_steps
from lodestamp.core.bitcoin.tx import I32, I64, U32, Transaction, TxOut, packed
from lodestamp.core.bitcoin.wire import compact_size, var_bytes
from lodestamp.errors import UsageError

SIGHASH_DEFAULT: Final = 0
SIGHASH_ALL: Final = 1
SIGHASH_NONE: Final = 2
SIGHASH_SINGLE: Final = 3
SIGHASH_ANYONECANPAY: Final = 0x80
NO_CODESEPARATOR: Final = 0xFFFFFFFF
"""The position a tapscript signature commits to where no OP_CODESEPARATOR was executed."""

_TAPROOT_TYPES: Final = frozenset({0x00, 0x01, 0x02, 0x03, 0x81, 0x82, 0x83})
_ONE: Final = b"\x01" + bytes(31)
"""The hash that SIGHASH_SINGLE without its output has signed since 2009: 1, little-endian."""
_NO_HASH: Final = bytes(32)
_BLANK_OUTPUT: Final = b"\xff" * 8 + b"\x00"


class SignatureHashes:
    """The signature hashes of one transaction, given the outputs it spends, in input order.

    UsageError when there is not one output per input, or for an input it has not;
    MalformedTransaction for a value whose fields fit no transaction. Hashes are 32 bytes, internal
    order.
    """

    def __init__(self, tx: Transaction, spent: Sequence[TxOut]) -> None:
        if len(spent) != len(tx.inputs):
            raise UsageError(f"{len(tx.inputs)} inputs spend {len(spent)} outputs")
        self.tx = tx
        self.spent = spent
        self._legacy: dict[tuple[int, int, bytes], bytes] = {}

    def legacy(self, index: int, script_code: bytes, hash_type: int) -> bytes:
        """Return the hash that signatures before segwit sign.

        `script_code` comes without the signatures (FindAndDelete is the caller's); separators are
        left out here. `hash_type` counts whole, as a number of 32 bits.
        """
        self._check(index)
        key = index, hash_type, script_code
        found = self._legacy.get(key)
        if found is None:
            found = self._legacy[key] = self._hash_legacy(index, script_code, hash_type)
        return found

    def _hash_legacy(self, index: int, script_code: bytes, hash_type: int) -> bytes:
        kind = hash_type & 0x1F
        outputs = self._encoded_outputs
        if kind == SIGHASH_SINGLE:
            if index >= len(outputs):
                return _ONE
            outputs = [_BLANK_OUTPUT] * index + [outputs[index]]
        elif kind == SIGHASH_NONE:
            outputs = []
        own = self.tx.inputs[index]
        signed = b"".join(
            (
                self._prevouts[index],
                var_bytes(without_separators(script_code)),
                packed(U32, own.sequence),
            )
        )
        if hash_type & SIGHASH_ANYONECANPAY:
            inputs = [signed]
        else:
            blank = self._blank_final if kind in {SIGHASH_NONE, SIGHASH_SINGLE} else self._blank
            inputs = [*blank[:index], signed, *blank[index + 1 :]]
        parts = [packed(I32, self.tx.version), compact_size(len(inputs)), *inputs]
        parts += [compact_size(len(outputs)), *outputs]
        parts += [packed(U32, self.tx.locktime), packed(U32, hash_type & 0xFFFFFFFF)]
        return sha256d(b"".join(parts))

    def witness_v0(self, index: int, script_code: bytes, hash_type: int) -> bytes:
        """Return the hash that signatures of witness version 0 sign (BIP-143)."""
        self._check(index)
        kind = hash_type & 0x1F
        alone = bool(hash_type & SIGHASH_ANYONECANPAY)
        every = kind not in {SIGHASH_NONE, SIGHASH_SINGLE}
        outputs = _NO_HASH
        if every:
            outputs = sha256(self.outputs_hash)
        elif kind == SIGHASH_SINGLE and index < len(self._encoded_outputs):
            outputs = sha256d(self._encoded_outputs[index])
        parts = (
            packed(I32, self.tx.version),
            _NO_HASH if alone else sha256(self.prevouts_hash),
            sha256(self.sequences_hash) if every and not alone else _NO_HASH,
            self._prevouts[index],
            var_bytes(script_code),
            packed(I64, self.spent[index].amount),
            packed(U32, self.tx.inputs[index].sequence),
            outputs,
            packed(U32, self.tx.locktime),
            packed(U32, hash_type & 0xFFFFFFFF),
        )
        return sha256d(b"".join(parts))

    def taproot(
        self,
        index: int,
        hash_type: int,
        *,
        annex: bytes | None = None,
        leaf_hash: bytes | None = None,
        codeseparator: int = NO_CODESEPARATOR,
    ) -> bytes | None:
        """Return the hash that taproot signatures sign, or None where BIP-341 defines none.

        With `leaf_hash` it is a script path's (BIP-342), else the key path's. There is none for a
        hash type outside 00 01 02 03 81 82 83, nor for SIGHASH_SINGLE without its output.
        """
        message = self.taproot_message(
            index, hash_type, annex=annex, leaf_hash=leaf_hash, codeseparator=codeseparator
        )
        return None if message is None else tagged_hash("TapSighash", message)

    def taproot_message(
        self,
        index: int,
        hash_type: int,
        *,
        annex: bytes | None = None,
        leaf_hash: bytes | None = None,
        codeseparator: int = NO_CODESEPARATOR,
    ) -> bytes | None:
        """Return the epoch byte 00 and SigMsg, whose tagged hash is signed; None as `taproot`."""
        self._check(index)
        kind = hash_type & 3
        if hash_type not in _TAPROOT_TYPES or (
            kind == SIGHASH_SINGLE and index >= len(self._encoded_outputs)
        ):
            return None
        alone = hash_type & SIGHASH_ANYONECANPAY
        parts = [b"\x00", bytes((hash_type,)), packed(I32, self.tx.version)]
        parts.append(packed(U32, self.tx.locktime))
        if not alone:
            parts += [self.prevouts_hash, self.amounts_hash]
            parts += [self.scripts_hash, self.sequences_hash]
        if kind in {SIGHASH_DEFAULT, SIGHASH_ALL}:
            parts.append(self.outputs_hash)
        parts.append(bytes((2 * (leaf_hash is not None) + (annex is not None),)))
        if alone:
            own = self.tx.inputs[index]
            parts += [self._prevouts[index], self.spent[index].encode(), packed(U32, own.sequence)]
        else:
            parts.append(packed(U32, index))
        if annex is not None:
            parts.append(sha256(var_bytes(annex)))
        if kind == SIGHASH_SINGLE:
            parts.append(sha256(self._encoded_outputs[index]))
        if leaf_hash is not None:
            parts += [leaf_hash, b"\x00", packed(U32, codeseparator)]
        return b"".join(parts)

    def template(self, index: int) -> bytes:
        """Return the hash that OP_CHECKTEMPLATEVERIFY compares with (BIP-119), 32 bytes."""
        parts = (
            packed(I32, self.tx.version),
            packed(U32, self.tx.locktime),
            self._script_sigs_hash,
            packed(U32, len(self.tx.inputs)),
            self.sequences_hash,
            packed(U32, len(self.tx.outputs)),
            self.outputs_hash,
            packed(U32, index),
        )
        return sha256(b"".join(parts))

    def _check(self, index: int) -> None:
        if not 0 <= index < len(self.tx.inputs):
            raise UsageError(f"the transaction has no input {index}")

    @cached_property
    def prevouts_hash(self) -> bytes:
        """SHA-256 of all outpoints."""
        return sha256(b"".join(self._prevouts))

    @cached_property
    def amounts_hash(self) -> bytes:
        """SHA-256 of all spent amounts."""
        return sha256(b"".join(packed(I64, each.amount) for each in self.spent))

    @cached_property
    def scripts_hash(self) -> bytes:
        """SHA-256 of all spent scripts, each behind its compact size."""
        return sha256(b"".join(var_bytes(each.script) for each in self.spent))

    @cached_property
    def sequences_hash(self) -> bytes:
        """SHA-256 of all sequences."""
        return sha256(b"".join(packed(U32, each.sequence) for each in self.tx.inputs))

    @cached_property
    def outputs_hash(self) -> bytes:
        """SHA-256 of all outputs."""
        return sha256(b"".join(self._encoded_outputs))

    @cached_property
    def _script_sigs_hash(self) -> bytes:
        """SHA-256 of all scriptSigs, each behind its compact size; no bytes if all are empty."""
        if not any(each.script_sig for each in self.tx.inputs):
            return b""
        return sha256(b"".join(var_bytes(each.script_sig) for each in self.tx.inputs))

    @cached_property
    def _prevouts(self) -> list[bytes]:
        return [each.prevout.encode() for each in self.tx.inputs]

    @cached_property
    def _encoded_outputs(self) -> list[bytes]:
        return [each.encode() for each in self.tx.outputs]

    @cached_property
    def _blank(self) -> list[bytes]:
        """The inputs without their scripts, as legacy signatures see those of others."""
        inputs = zip(self._prevouts, self.tx.inputs, strict=True)
        return [prevout + b"\x00" + packed(U32, each.sequence) for prevout, each in inputs]

    @cached_property
    def _blank_final(self) -> list[bytes]:
        """The same with their sequences zeroed, for SIGHASH_NONE and SIGHASH_SINGLE."""
        return [prevout + bytes(5) for prevout in self._prevouts]


def ctv_hash(tx: Transaction, index: int) -> bytes:
    """Return the template hash of a transaction for its input `index` (BIP-119), 32 bytes."""
    return SignatureHashes(tx, (_NOTHING,) * len(tx.inputs)).template(index)


_NOTHING: Final = TxOut(0, b"")


def without_separators(script: bytes) -> bytes:
    """Leave every OP_CODESEPARATOR out of a script, up to where a push is cut off."""
    if Op.OP_CODESEPARATOR not in script:
        return script
    parts, start = [], 0
    for op, _, after in read_steps(script)[0]:
        if op == Op.OP_CODESEPARATOR:
            parts.append(script[start : after - 1])
            start = after
    return b"".join([*parts, script[start:]])


def find_and_delete(script: bytes, part: bytes) -> tuple[bytes, int]:
    """Take every occurrence of `part` that begins at an opcode out of a script; count them.

    As nodes do it: occurrences are looked for where an opcode begins, also right after one that
    was just taken out, and behind a cut-off push everything stays.
    """
    if not part or part not in script:
        return script, 0
    kept: list[bytes] = []
    count = pos = start = 0
    while True:
        kept.append(script[start:pos])
        while script.startswith(part, pos):
            pos += len(part)
            count += 1
        start = pos
        after = _after_op(script, pos)
        if after is None:
            return b"".join([*kept, script[start:]]), count
        pos = after


def _after_op(script: bytes, pos: int) -> int | None:
    """Return where the opcode at `pos` ends, or None where the script or a push is cut off."""
    if pos >= len(script):
        return None
    op = script[pos]
    pos += 1
    if op <= Op.OP_PUSHDATA4:
        width = 0 if op < Op.OP_PUSHDATA1 else 1 << op - Op.OP_PUSHDATA1
        if pos + width > len(script):
            return None
        pos += width + (int.from_bytes(script[pos : pos + width], "little") if width else op)
    return pos if pos <= len(script) else None
