"""Keys, and transactions whose inputs they sign: every kind of owner, and every way to forge one.

Nothing is random: keys are hashes of their labels, ECDSA nonces follow RFC 6979, and Schnorr
signatures get zeros for randomness.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from coincurve import PublicKey

from lodestamp.core.bitcoin import (
    GROUP_ORDER,
    SIGHASH_ALL,
    SIGHASH_DEFAULT,
    OutPoint,
    SignatureHashes,
    Transaction,
    TxIn,
    TxOut,
    ecdsa_sign,
    hash160,
    output_key,
    public_key,
    push_bytes,
    schnorr_sign,
    tweak_hash,
)

KINDS = ("p2pkh", "p2wpkh", "p2sh-p2wpkh", "p2tr")


@dataclass(frozen=True)
class Key:
    """A secret key by its label, and the scripts that pay it."""

    label: str

    @property
    def secret(self) -> bytes:
        return sha256(f"lodestamp ownership: {self.label}".encode()).digest()

    @property
    def public(self) -> bytes:
        return public_key(self.secret)

    @property
    def uncompressed(self) -> bytes:
        return bytes(PublicKey(self.public).format(compressed=False))

    def script(self, kind: str) -> bytes:
        """Return the output script of this kind that pays the key."""
        if kind == "p2pkh":
            return p2pkh(self.public)
        if kind == "p2wpkh":
            return p2wpkh(self.public)
        if kind == "p2sh-p2wpkh":
            return p2sh(p2wpkh(self.public))
        return b"\x51\x20" + output_key(self.public[1:])[0]

    def taproot_secret(self, root: bytes = b"") -> bytes:
        """Return the secret of the output key (BIP-341)."""
        secret = int.from_bytes(self.secret, "big")
        if self.public[0] == 3:
            secret = GROUP_ORDER - secret
        tweak = int.from_bytes(tweak_hash(self.public[1:], root), "big")
        return ((secret + tweak) % GROUP_ORDER).to_bytes(32, "big")


ALICE, BOB, MALLORY = Key("alice"), Key("bob"), Key("mallory")


def p2pkh(key: bytes) -> bytes:
    return b"\x76\xa9\x14" + hash160(key) + b"\x88\xac"


def p2wpkh(key: bytes) -> bytes:
    return b"\x00\x14" + hash160(key)


def p2sh(redeem: bytes) -> bytes:
    return b"\xa9\x14" + hash160(redeem) + b"\x87"


def outpoint(label: object) -> OutPoint:
    """Return an outpoint that nobody knows."""
    return OutPoint(sha256(f"outpoint {label}".encode()).digest(), 1)


def unsigned(
    spent: Sequence[TxOut], outputs: Sequence[TxOut] = (TxOut(900, b"\x51"),), label: object = ""
) -> Transaction:
    """Return a transaction that spends so many outputs, unsigned."""
    inputs = tuple([TxIn(outpoint(f"{label}{i}")) for i in range(len(spent))])
    return Transaction(2, inputs, tuple(outputs))


def with_input(
    tx: Transaction, index: int, script_sig: bytes = b"", witness: tuple[bytes, ...] = ()
) -> Transaction:
    """Return the transaction with these in one input."""
    inputs = list(tx.inputs)
    inputs[index] = replace(inputs[index], script_sig=script_sig, witness=witness)
    return replace(tx, inputs=tuple(inputs))


def pushes(*items: bytes) -> bytes:
    """Return a script that pushes these bytes."""
    return b"".join(map(push_bytes, items))


def signature(
    tx: Transaction,
    index: int,
    spent: Sequence[TxOut],
    key: Key,
    kind: str,
    *,
    hash_type: int = SIGHASH_ALL,
) -> bytes:
    """Return the signature of one input, its hash type at the end; a taproot one of 64 bytes for 0.

    `kind` says which digest: of P2PKH, of version 0, of a key path.
    """
    hashes = SignatureHashes(tx, spent)
    suffix = bytes((hash_type,))
    if kind == "p2tr":
        digest = hashes.taproot(index, hash_type)
        return schnorr_sign(digest, key.taproot_secret(), bytes(32)) + suffix * bool(hash_type)
    code = p2pkh(key.public)
    hashed = hashes.legacy if kind == "p2pkh" else hashes.witness_v0
    return ecdsa_sign(hashed(index, code, hash_type), key.secret) + suffix


def signed(
    tx: Transaction,
    index: int,
    spent: Sequence[TxOut],
    key: Key,
    kind: str,
    *,
    hash_type: int | None = None,
) -> Transaction:
    """Return the transaction with one input signed by a key; ALL, or a key path's DEFAULT."""
    if hash_type is None:
        hash_type = SIGHASH_DEFAULT if kind == "p2tr" else SIGHASH_ALL
    sig = signature(tx, index, spent, key, kind, hash_type=hash_type)
    return with_input(tx, index, *unlocking(key, kind, sig))


def unlocking(key: Key, kind: str, sig: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """Return the scriptSig and the witness that show a signature for an output of this kind."""
    if kind == "p2pkh":
        return pushes(sig, key.public), ()
    if kind == "p2tr":
        return b"", (sig,)
    nested = push_bytes(p2wpkh(key.public)) if kind == "p2sh-p2wpkh" else b""
    return nested, (sig, key.public)


def spend(
    *owners: tuple[Key, str],
    outputs: Sequence[TxOut] = (TxOut(900, b"\x51"),),
    label: object = "",
) -> tuple[Transaction, tuple[TxOut, ...]]:
    """Return a transaction with one input of each owner, all signed, and what it spends."""
    spent = tuple([TxOut(1_000 + i, key.script(kind)) for i, (key, kind) in enumerate(owners)])
    tx = unsigned(spent, outputs, label)
    for index, (key, kind) in enumerate(owners):
        tx = signed(tx, index, spent, key, kind)
    return tx, spent


def with_high_s(sig: bytes) -> bytes:
    """Return the other signature of the same key over the same digest, its hash type kept."""
    r_size = sig[3]
    r, s = sig[4 : 4 + r_size], int.from_bytes(sig[6 + r_size : -1], "big")
    high = GROUP_ORDER - s
    body = b"\x02" + bytes((r_size,)) + r + integer(high)
    return b"\x30" + bytes((len(body),)) + body + sig[-1:]


def integer(n: int, *, padding: bytes = b"") -> bytes:
    """Return a DER integer; with padding one that BIP-66 refuses."""
    digits = padding + n.to_bytes(n.bit_length() // 8 + 1, "big")
    return b"\x02" + bytes((len(digits),)) + digits


def padded(sig: bytes) -> bytes:
    """Return a signature whose R has a useless zero: read before BIP-66, and not DER."""
    r_size = sig[3]
    r = int.from_bytes(sig[4 : 4 + r_size], "big")
    body = integer(r, padding=b"\x00") + sig[4 + r_size : -1]
    return b"\x30" + bytes((len(body),)) + body + sig[-1:]


def never() -> Sequence[TxOut]:
    """Stand for prevouts that nobody may ask for."""
    raise AssertionError("nothing here needs what the transaction spends")


def asked(spent: Sequence[TxOut]) -> tuple[Callable[[], Sequence[TxOut]], list[int]]:
    """Return prevouts, and the list that grows by each time they are asked for."""
    calls: list[int] = []

    def prevouts() -> Sequence[TxOut]:
        calls.append(1)
        return spent

    return prevouts, calls
