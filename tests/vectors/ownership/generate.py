"""Make the public vectors of attribution: the same bytes from every run.

    PYTHONPATH=src:tests python tests/vectors/ownership/generate.py

Every expectation is written down here by hand, none is asked of the code under test. `vectors`
returns the files by their path; the conformance test holds the folder against it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from lodestamp.core.bitcoin import (
    GROUP_ORDER,
    NUMS,
    Leaf,
    OutPoint,
    SignatureHashes,
    Transaction,
    TxIn,
    TxOut,
    control_block,
    ecdsa_sign,
    output_script,
    push_bytes,
    schnorr_sign,
    sha256,
)
from owners import (
    ALICE,
    BOB,
    MALLORY,
    integer,
    p2pkh,
    p2sh,
    p2wpkh,
    padded,
    pushes,
    signature,
    signed,
    spend,
    unlocking,
    unsigned,
    with_high_s,
    with_input,
)

FOLDER = Path(__file__).resolve().parent
SEGWIT, TAPROOT = 481_824, 709_632
TRUE = bytes.fromhex("7551")  # what anyone can spend: OP_DROP OP_1


@dataclass(frozen=True)
class Case:
    """One transaction and the owners of its inputs under both profiles."""

    name: str
    tx: Transaction
    spent: tuple[TxOut, ...]
    strict: tuple[bytes | None, ...]
    compat: tuple[bytes | None, ...] | None = None
    height: int = 1
    network: str = "regtest"
    needs_prevouts: bool = False

    def as_json(self) -> dict[str, object]:
        compat = (None,) * len(self.strict) if self.compat is None else self.compat
        return {
            "name": self.name,
            "network": self.network,
            "height": self.height,
            "tx": self.tx.encode().hex(),
            "prevouts": [[each.amount, each.script.hex()] for each in self.spent],
            "needs_prevouts": self.needs_prevouts,
            "strict": [owner and owner.hex() for owner in self.strict],
            "peer_compat": [owner and owner.hex() for owner in compat],
        }


# Extension E1


def e1() -> Iterator[Case]:
    """Yield inputs of segwit: those that prove an owner, and those that almost do."""
    for case in (*_heights(), *_proved(), *_version_0(), *_key_path()):
        yield replace(case, needs_prevouts=case.needs_prevouts or any(case.strict))


def _heights() -> Iterator[Case]:
    starts = {"main": (SEGWIT, TAPROOT), "test": (834_624, 2_011_968)}
    for kind in ("p2wpkh", "p2sh-p2wpkh", "p2tr"):
        tx, spent = spend((ALICE, kind))
        owner = (ALICE.script(kind),)
        for network, (segwit, taproot) in starts.items():
            start = taproot if kind == "p2tr" else segwit
            yield Case(f"{kind} at its height on {network}", tx, spent, owner, None, start, network)
            name = f"{kind} a block too early on {network}"
            yield Case(name, tx, spent, (None,), None, start - 1, network)
        yield Case(f"{kind} on regtest from block 1", tx, spent, owner)


def _proved() -> Iterator[Case]:
    kinds = ("p2pkh", "p2wpkh", "p2sh-p2wpkh", "p2tr")
    people = [(ALICE, "p2wpkh"), (BOB, "p2pkh"), (ALICE, "p2tr"), (BOB, "p2sh-p2wpkh")]
    tx, spent = spend(*people)
    owners = tuple([key.script(kind) for key, kind in people])
    yield Case("four kinds in one transaction", tx, spent, owners, (None, owners[1], None, None))
    tx, spent = spend(*((ALICE, kind) for kind in kinds))
    owners = tuple([ALICE.script(kind) for kind in kinds])
    yield Case("one key is four owners", tx, spent, owners, (owners[0], None, None, None))
    lone = (TxOut(1_000, ALICE.script("p2tr")),)
    tx = signed(unsigned(lone), 0, lone, ALICE, "p2tr", hash_type=1)
    yield Case("p2tr signature of 65 bytes ending 01", tx, lone, (lone[0].script,))
    for kind in ("p2wpkh", "p2sh-p2wpkh"):
        spent = (TxOut(1_000, ALICE.script(kind)),)
        sig = with_high_s(signature(unsigned(spent), 0, spent, ALICE, kind))
        tx = with_input(unsigned(spent), 0, *unlocking(ALICE, kind, sig))
        yield Case(f"{kind} with a high S", tx, spent, (spent[0].script,))


def _version_0() -> Iterator[Case]:
    for kind in ("p2wpkh", "p2sh-p2wpkh"):
        tx, spent = spend((ALICE, kind))
        script_sig, (sig, key) = tx.inputs[0].script_sig, tx.inputs[0].witness

        def shown(*items: bytes, tx=tx, script_sig=script_sig):
            return with_input(tx, 0, script_sig, items)

        def refused(name: str, tx, spent=spent, *, needs: bool = True, kind=kind):
            return Case(f"{kind} {name}", tx, spent, (None,), needs_prevouts=needs)

        yield refused("with a flipped bit in S", shown(sig[:-2] + bytes([sig[-2] ^ 1, 1]), key))
        yield refused("signed for another amount", tx, (replace(spent[0], amount=999),))
        other = (TxOut(1_000, BOB.script(kind)),)
        yield refused("that spends a stranger's output", tx, other)
        yield refused("whose output was changed", replace(tx, outputs=(TxOut(901, b"\x51"),)))
        yield refused("by another key", shown(signature(tx, 0, spent, BOB, kind), key))
        for hash_type, name in _TYPES.items():
            part = signature(tx, 0, spent, ALICE, kind, hash_type=hash_type)
            yield refused(f"signed {name}", shown(part, key), needs=False)
            claimed = shown(part[:-1] + b"\x01", key)
            yield refused(f"signed {name}, said to be ALL", claimed)
        yield refused("in DER of before BIP-66", shown(padded(sig), key), needs=False)
        yield refused("with three items", shown(b"", sig, key), needs=False)
        yield refused("with an empty signature", shown(b"", key), needs=False)
    tx, spent = spend((ALICE, "p2wpkh"))
    sig, _ = tx.inputs[0].witness
    tall = (TxOut(1_000, p2wpkh(ALICE.uncompressed)),)
    digest = SignatureHashes(tx, tall).witness_v0(0, p2pkh(ALICE.uncompressed), 1)
    sig = ecdsa_sign(digest, ALICE.secret) + b"\x01"
    uncompressed = with_input(tx, 0, b"", (sig, ALICE.uncompressed))
    yield Case("p2wpkh of an uncompressed key", uncompressed, tall, (None,))
    yield from _nested()


def _nested() -> Iterator[Case]:
    tx, spent = spend((ALICE, "p2sh-p2wpkh"))
    witness, program = tx.inputs[0].witness, p2wpkh(ALICE.public)
    for name, script_sig, named in (
        ("pushed by OP_PUSHDATA1", b"\x4c\x16" + program, None),
        ("after another push", b"\x00" + push_bytes(program), p2pkh(program)),
        ("of another key", push_bytes(p2wpkh(BOB.public)), None),
    ):
        shown = with_input(tx, 0, script_sig, witness)
        yield Case(f"program {name}", shown, spent, (None,), (named,))
    bare, coin = spend((ALICE, "p2wpkh"))
    nested = with_input(bare, 0, push_bytes(program), bare.inputs[0].witness)
    name = "p2wpkh spent as if it were nested"
    yield Case(name, nested, coin, (None,), needs_prevouts=True)
    wrapped = p2sh(b"\x00\x20" + sha256(pushes(ALICE.public) + b"\xac"))
    sig = witness[0]
    tx = with_input(tx, 0, pushes(b"\x00\x20" + sha256(b"")), (sig, ALICE.public))
    yield Case("p2sh-p2wsh of one key", tx, (TxOut(1_000, wrapped),), (None,))


def _key_path() -> Iterator[Case]:
    tx, spent = spend((ALICE, "p2tr"))
    (sig,) = tx.inputs[0].witness

    def refused(name: str, *items: bytes, script_sig: bytes = b"", needs: bool = False) -> Case:
        return Case(
            f"p2tr {name}", with_input(tx, 0, script_sig, items), spent, (None,),
            needs_prevouts=needs,
        )  # fmt: skip

    yield refused("with an annex", sig, b"\x50annex")
    yield refused("with a flipped bit", bytes([sig[0] ^ 1]) + sig[1:], needs=True)
    yield refused("of 65 bytes ending 00", sig + b"\x00")
    yield refused("of 63 bytes", sig[:63])
    yield refused("with a scriptSig", sig, script_sig=b"\x51")
    yield refused("with DEFAULT's signature said to be ALL", sig + b"\x01", needs=True)
    for hash_type, name in _TYPES.items():
        part = signature(tx, 0, spent, ALICE, "p2tr", hash_type=hash_type)
        yield refused(f"signed {name}", part)
        yield refused(f"signed {name}, said to be ALL", part[:64] + b"\x01", needs=True)
    untweaked = SignatureHashes(tx, spent).taproot(0, 0)
    yield refused(
        "by the internal key", schnorr_sign(untweaked, ALICE.secret, bytes(32)), needs=True
    )
    yield _script_path()
    later = (TxOut(1_000, b"\x52" + spent[0].script[1:]),)
    sig = signature(unsigned(later), 0, later, ALICE, "p2tr", hash_type=0)
    tx_later = with_input(unsigned(later), 0, b"", (sig,))
    name = "a program of version 2, signed as if it were taproot"
    yield Case(name, tx_later, later, (None,), needs_prevouts=True)
    two, coins = spend((ALICE, "p2tr"), (BOB, "p2tr"))
    owners = (ALICE.script("p2tr"), BOB.script("p2tr"))
    yield Case("p2tr, two owners", two, coins, owners)
    for name, lie in {
        "amount": replace(coins[1], amount=5),
        "script": replace(coins[1], script=MALLORY.script("p2tr")),
    }.items():
        lied = f"p2tr, the source lies about the other's {name}"
        yield Case(lied, two, (coins[0], lie), (None, None), needs_prevouts=True)


def _script_path() -> Case:
    leaf = Leaf(push_bytes(ALICE.public[1:]) + b"\xac")
    spent = (TxOut(1_000, output_script(NUMS, leaf)),)
    tx = unsigned(spent)
    digest = SignatureHashes(tx, spent).taproot(0, 0, leaf_hash=leaf.hash)
    sig = schnorr_sign(digest, ALICE.secret, bytes(32))
    tx = with_input(tx, 0, b"", (sig, leaf.script, control_block(NUMS, leaf, leaf)))
    return Case("p2tr by a script path", tx, spent, (None,))


_TYPES = {
    0x02: "NONE", 0x03: "SINGLE", 0x81: "ALL with ANYONECANPAY", 0x82: "NONE with ANYONECANPAY",
    0x83: "SINGLE with ANYONECANPAY",
}  # fmt: skip


# Legacy inputs


def legacy() -> Iterator[Case]:
    """Yield inputs with a signature and a key in their scriptSig, in all the forms there are."""
    tx, spent = spend((ALICE, "p2pkh"))
    sig, owner = signature(tx, 0, spent, ALICE, "p2pkh"), ALICE.script("p2pkh")

    def case(name: str, script_sig: bytes, *, holds: bool, named: bytes | None = owner) -> Case:
        found = with_input(tx, 0, script_sig)
        return Case(name, found, spent, (named if holds else None,), (named,))

    yield case("p2pkh", pushes(sig, ALICE.public), holds=True)
    yield case("p2pkh with a high S", pushes(with_high_s(sig), ALICE.public), holds=True)
    long_form = b"\x4c" + bytes([len(sig)]) + sig + b"\x4d\x21\x00" + ALICE.public
    yield case("p2pkh by pushes longer than needed", long_form, holds=True)
    tall = p2pkh(ALICE.uncompressed)
    digest = SignatureHashes(tx, spent).legacy(0, tall, 1)
    script_sig = pushes(ecdsa_sign(digest, ALICE.secret) + b"\x01", ALICE.uncompressed)
    yield case("p2pkh of an uncompressed key", script_sig, holds=True, named=tall)
    hybrid = bytes([6 + (ALICE.uncompressed[-1] & 1)]) + ALICE.uncompressed[1:]
    digest = SignatureHashes(tx, spent).legacy(0, p2pkh(hybrid), 1)
    script_sig = pushes(ecdsa_sign(digest, ALICE.secret) + b"\x01", hybrid)
    yield case("p2pkh of a hybrid key", script_sig, holds=False, named=p2pkh(hybrid))
    two, coins = spend((ALICE, "p2pkh"), (BOB, "p2pkh"))
    both = (owner, BOB.script("p2pkh"))
    yield Case("p2pkh, two owners", two, coins, both, both)


def forged() -> Iterator[Case]:
    """Yield inputs that name ALICE, who did not sign, or not this, or not all of it."""
    anyone = (TxOut(1_000, TRUE),)
    tx = unsigned(anyone, label="forged ")
    owner = (ALICE.script("p2pkh"),)
    owned = (TxOut(1_000, owner[0]),)

    def names_her(name: str, *items: bytes, by: Callable[..., bytes] = pushes) -> Case:
        return Case(name, with_input(tx, 0, by(*items)), anyone, (None,), owner)

    sig = signature(tx, 0, owned, ALICE, "p2pkh")
    yield names_her("a stranger's key and no signature", b"", ALICE.public)
    yield names_her("a stranger's key and one byte", b"\x01", ALICE.public)
    yield names_her("a stranger's key and a well-formed signature of nothing", _SMALL, ALICE.public)
    yield names_her(
        "signed by another key", signature(tx, 0, owned, MALLORY, "p2pkh"), ALICE.public
    )
    other, _ = spend((ALICE, "p2pkh"), label="another ")
    yield names_her("a signature of another transaction", *_items(other, 0), by=pushes)
    for hash_type, name in _TYPES.items():
        part = signature(tx, 0, owned, ALICE, "p2pkh", hash_type=hash_type)
        yield names_her(f"signed {name}", part, ALICE.public)
        yield names_her(f"signed {name}, said to be ALL", part[:-1] + b"\x01", ALICE.public)
    yield names_her("signed ALL with an undefined bit", _typed(tx, owned, 0x41), ALICE.public)
    yield names_her("signed with hash type 00", _typed(tx, owned, 0), ALICE.public)
    yield names_her("in DER of before BIP-66", padded(sig), ALICE.public)
    yield names_her("with a byte after the S", sig[:-1] + b"\x00\x01", ALICE.public)
    yield names_her("with a negative R", _with_numbers(b"\x02\x01\x80", integer(1)), ALICE.public)
    yield names_her("with R zero", _with_numbers(integer(0), integer(1)), ALICE.public)
    beyond = _with_numbers(integer(1), integer(GROUP_ORDER))
    yield names_her("with S the order of the group", beyond, ALICE.public)
    yield names_her("without its hash type", sig[:-1], ALICE.public)
    yield from _misshapen(tx, anyone, sig, owner)
    yield from _changed_after_signing(owner)
    yield from _single_bug(owner)


_SMALL = bytes.fromhex("300602010102010101")


def _items(tx: Transaction, index: int) -> tuple[bytes, bytes]:
    script_sig = tx.inputs[index].script_sig
    size = script_sig[0]
    return script_sig[1 : 1 + size], script_sig[2 + size :]


def _typed(tx: Transaction, owned: tuple[TxOut, ...], hash_type: int) -> bytes:
    return signature(tx, 0, owned, ALICE, "p2pkh", hash_type=hash_type)


def _with_numbers(r: bytes, s: bytes) -> bytes:
    return b"\x30" + bytes([len(r + s)]) + r + s + b"\x01"


def _misshapen(tx, spent, sig, owner) -> Iterator[Case]:
    key = ALICE.public
    off_curve = b"\x02" + (5).to_bytes(32, "big")
    for name, script_sig, compat in (
        ("a key that is no point", pushes(sig, off_curve), p2pkh(off_curve)),
        (
            "a key of 33 bytes that begins 04",
            pushes(sig, b"\x04" + key[1:]),
            p2pkh(b"\x04" + key[1:]),
        ),
        ("a key of 34 bytes", pushes(sig, key + b"\x00"), p2pkh(key + b"\x00")),
        ("the key before the signature", pushes(key, sig), p2pkh(sig)),
        ("a push before the signature", pushes(b"x", sig, key), None),
        ("a push after the key", pushes(sig, key, b"x"), None),
        ("an opcode after the key", pushes(sig, key) + b"\x61", None),
        ("the signature alone", pushes(sig), None),
        ("a signature and a number", pushes(sig) + b"\x51", None),
        ("a signature and an empty push", pushes(sig) + b"\x00", None),
        ("a number and a key", b"\x51" + pushes(key), owner[0]),
        ("a key cut off", pushes(sig, key)[:-1], None),
        ("nothing", b"", None),
    ):
        yield Case(name, with_input(tx, 0, script_sig), spent, (None,), (compat,))
    coinbase = TxIn(OutPoint(bytes(32), 0xFFFFFFFF), pushes(sig, key))
    yield Case("a coinbase", replace(tx, inputs=(coinbase,)), (), (None,), (None,))


def _changed_after_signing(owner) -> Iterator[Case]:
    tx, spent = spend((ALICE, "p2pkh"))
    more = (*tx.inputs, TxIn(OutPoint(bytes(31) + b"\x07", 0)))
    for name, changed in {
        "an amount changed": replace(tx, outputs=(replace(tx.outputs[0], amount=1),)),
        "an output added": replace(tx, outputs=(*tx.outputs, TxOut(0, b"\x6a"))),
        "the lock time changed": replace(tx, locktime=1),
        "the version changed": replace(tx, version=1),
        "the sequence changed": replace(tx, inputs=(replace(tx.inputs[0], sequence=0),)),
        "another outpoint": replace(
            tx, inputs=(replace(tx.inputs[0], prevout=OutPoint(bytes(31) + b"\x07", 0)),)
        ),
    }.items():
        yield Case(f"{name} after signing", changed, spent, (None,), owner)
    name, none = "an input added after signing", TxOut(5, TRUE)
    yield Case(name, replace(tx, inputs=more), (*spent, none), (None, None), (*owner, None))
    two, coins = spend((ALICE, "p2pkh"), (ALICE, "p2pkh"))
    swapped = with_input(two, 1, two.inputs[0].script_sig)
    yield Case("the signature of another input", swapped, coins, (*owner, None), (*owner, *owner))


def _single_bug(owner) -> Iterator[Case]:
    """SIGHASH_SINGLE without its output signs the number one, whatever the transaction says."""
    spent = (TxOut(1_000, TRUE), TxOut(1_000, ALICE.script("p2pkh")))
    sig = ecdsa_sign(b"\x01" + bytes(31), ALICE.secret)
    for name, hash_type in (("", b"\x03"), (", said to be ALL", b"\x01")):
        tx = with_input(unsigned(spent), 1, pushes(sig + hash_type, ALICE.public))
        yield Case(f"the SIGHASH_SINGLE bug{name}", tx, spent, (None, None), (None, *owner))


def vectors() -> dict[str, bytes]:
    """Return each file's bytes."""
    files = {}
    for name, cases in {"e1": e1(), "legacy": legacy(), "forged": forged()}.items():
        rows = ",\n".join(json.dumps(case.as_json()) for case in cases)
        files[f"attribution_{name}.json"] = f"[\n{rows}\n]\n".encode()
    return files


if __name__ == "__main__":
    for path, written in vectors().items():
        (FOLDER / path).write_bytes(written)
