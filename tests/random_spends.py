"""Random spends by a weighted grammar, and a long comparison of our machine with the oracle.

Run `python tests/random_spends.py --count 100000 [--cat] [--seed N]` for the long one.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace

from lodestamp.core.bitcoin import (
    CONSENSUS,
    NUMS,
    STANDARD,
    Branch,
    Flag,
    Leaf,
    Op,
    OutPoint,
    SignatureHashes,
    Transaction,
    TxIn,
    TxOut,
    control_block,
    ecdsa_sign,
    hash160,
    num_encode,
    output_key,
    public_key,
    push,
    push_bytes,
    schnorr_sign,
    sha256,
    tweak_hash,
    verify_input,
)
from lodestamp.core.bitcoin.ecc import GROUP_ORDER
from oracle import alike, oracle_error, oracle_with_cat

SECRETS = [bytes(31) + bytes((n,)) for n in range(1, 5)]
KEYS = [public_key(secret) for secret in SECRETS]
UNCOMPRESSED = bytes.fromhex(
    "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
)
HYBRID = b"\x06" + UNCOMPRESSED[1:]
ODD_KEYS = [UNCOMPRESSED, HYBRID, b"", b"\x02" * 33, b"\x05" + bytes(32), bytes(32), b"\x01"]
OPS = {
    30: [0x76, 0x75, 0x7C, 0x78, 0x7B, 0x7D, 0x77, 0x82, 0x87],
    12: [0x6E, 0x6F, 0x70, 0x71, 0x72, 0x73, 0x74, 0x6D, 0x79, 0x7A, 0x6B, 0x6C],
    10: [*range(0x8B, 0x8D), *range(0x8F, 0x95), *range(0x9A, 0xA6)],
    6: [0xA6, 0xA7, 0xA8, 0xA9, 0xAA, 0x69, 0x88, 0x61],
    4: [0xAC, 0xAD, 0xBA, 0xAB, 0xB1, 0xB2, 0x9D],
    2: [0xAE, 0xAF, 0xB0, 0xB3, 0xB4, 0xB9, 0x6A, 0x67, 0x68, 0x63, 0x64],
    1: [*range(0x50, 0x51), *range(0x62, 0x63), 0x65, 0x66, *range(0x7E, 0x82), 0x83, 0x86, 0x89,
        0x8D, 0x95, 0x99, 0xBB, 0xD0, 0xFE, 0xFF],
}  # fmt: skip
OP_CHOICES = [op for weight, ops in OPS.items() for op in ops for _ in range(weight)]
QUIET = [op for weight, ops in OPS.items() if weight >= 6 for op in ops for _ in range(weight)]
OPTIONAL = [
    flag for flag in STANDARD if flag.value < 1 << 21 and flag not in {Flag.P2SH, Flag.WITNESS}
]


@dataclass(frozen=True)
class Spend:
    """A transaction, which input to judge, what it spends, and the rules."""

    tx: Transaction
    index: int
    spent: tuple[TxOut, ...]
    flags: Flag


def random_flags(draw: random.Random, *, cat: bool) -> Flag:
    """Draw consensus, policy, or any mixture that a node could have."""
    kind = draw.random()
    if kind < 0.35:
        flags = CONSENSUS
    elif kind < 0.6:
        flags = Flag(STANDARD & ((1 << 21) - 1))
    else:
        flags = Flag.P2SH | Flag.WITNESS
        for flag in OPTIONAL:
            if draw.random() < 0.5:
                flags |= flag
        if draw.random() < 0.1:
            flags &= ~(Flag.WITNESS | Flag.CLEANSTACK)
    if flags & Flag.DISCOURAGE_UPGRADABLE_NOPS:
        flags |= Flag.DISCOURAGE_CHECK_TEMPLATE_VERIFY_HASH
    if cat:
        return flags | Flag.OP_CAT
    # Where nobody knows BIP-347, 0x7e is discouraged as any OP_SUCCESS is.
    return flags | Flag.DISCOURAGE_OP_CAT if flags & Flag.DISCOURAGE_OP_SUCCESS else flags


def random_item(draw: random.Random) -> bytes:
    """Draw a stack item: numbers mostly, then bytes of sizes around the limits."""
    kind = draw.random()
    if kind < 0.45:
        return num_encode(draw.choice([0, 1, 1, 2, 3, -1, 5, 16, 17, 127, 128, 255, 256]))
    if kind < 0.6:
        return num_encode(draw.randrange(-(1 << 31), 1 << 31) >> draw.randrange(32))
    if kind < 0.7:
        return draw.choice([b"\x80", b"\x00", b"\x01\x00", b"\x00\x80", b"\x01" * 5, b"\xff" * 4])
    if kind < 0.8:
        return draw.choice([*KEYS, *ODD_KEYS, *(key[1:] for key in KEYS)])
    return draw.randbytes(draw.choice([1, 2, 3, 4, 5, 20, 32, 33, 64, 65, 80, 260, 519, 520]))


def random_push(draw: random.Random) -> bytes:
    """Draw a push; now and then longer than it need be, or cut off, or over 520 bytes."""
    item, kind = random_item(draw), draw.random()
    if kind < 0.9:
        return push(item)
    if kind < 0.94:
        return push_bytes(item)
    if kind < 0.97 and len(item) < 256:
        return bytes((Op.OP_PUSHDATA1, len(item))) + item
    if kind < 0.985:
        return b"\x4d" + len(item).to_bytes(2, "little") + item
    return push_bytes(bytes(521)) if kind < 0.995 else b"\x4c\xff\x01"


def random_script(draw: random.Random, depth: int = 0, *, cat: bool) -> bytes:
    """Draw a script: enough pushes first, then opcodes that mostly find what they need."""
    parts, items = [], 0
    choices = QUIET if draw.random() < 0.7 else OP_CHOICES
    for _ in range(draw.randrange(1, 14)):
        kind = draw.random()
        if items < 3 or kind < 0.35:
            parts.append(random_push(draw))
            items += 1
        elif kind < 0.45 and depth < 3:
            parts.append(random_branch(draw, depth, cat=cat))
        elif cat and kind < 0.6:
            parts.append(bytes((Op.OP_CAT,)))
            items -= 1
        else:
            parts.append(bytes((draw.choice(choices),)))
    return b"".join(parts)


def random_branch(draw: random.Random, depth: int, *, cat: bool) -> bytes:
    """Draw an IF or NOTIF with its condition, its branches, and nearly always its end."""
    condition = push(draw.choice([b"", b"\x01", b"\x01", random_item(draw)]))
    if draw.random() < 0.03:
        condition = b""
    parts = [condition, draw.choice([b"\x63", b"\x64"])]
    parts.append(random_script(draw, depth + 1, cat=cat))
    for _ in range(draw.choice([0, 1, 1, 2])):
        parts += [b"\x67", random_script(draw, depth + 1, cat=cat)]
    return b"".join(parts) + (b"\x68" if draw.random() < 0.97 else b"")


class Builder:
    """Draws one spend after another."""

    def __init__(self, seed: int, *, cat: bool) -> None:
        self.draw = random.Random(seed)
        self.cat = cat

    def script(self) -> bytes:
        """Draw a script."""
        return random_script(self.draw, cat=self.cat)

    def items(self) -> tuple[bytes, ...]:
        """Draw a few stack items."""
        return tuple([random_item(self.draw) for _ in range(self.draw.randrange(4))])

    def spend(self) -> Spend:
        """Draw a transaction and the spend of one of its inputs."""
        draw = self.draw
        kinds = [
            self._bare, self._p2sh, self._p2wsh, self._tapscript, self._tapscript, self._tapscript,
            self._signed_base, self._signed_v0, self._key_path, self._signed_leaf,
            self._multisig, self._odd_program,
        ]  # fmt: skip
        flags = random_flags(draw, cat=self.cat)
        inputs = tuple(
            [
                TxIn(
                    OutPoint(draw.randbytes(32), draw.randrange(4)),
                    sequence=draw.choice([0xFFFFFFFF, 0xFFFFFFFE, 0, 5, 1 << 22 | 5, 1 << 31]),
                )
                for _ in range(draw.randrange(1, 4))
            ]
        )
        outputs = tuple(
            [TxOut(draw.randrange(10**9), draw.randbytes(3)) for _ in range(draw.randrange(1, 3))]
        )
        locktime = draw.choice([0, 5, 499_999_999, 500_000_000, 0xFFFFFFFF])
        tx = Transaction(draw.choice([1, 2, -1]), inputs, outputs, locktime)
        spent = [TxOut(draw.randrange(10**9), b"\x51") for _ in inputs]
        return draw.choice(kinds)(Spend(tx, draw.randrange(len(inputs)), tuple(spent), flags))

    def _set(self, spend: Spend, script: bytes) -> Spend:
        spent = list(spend.spent)
        spent[spend.index] = TxOut(spent[spend.index].amount, script)
        return replace(spend, spent=tuple(spent))

    def _fill(self, spend: Spend, script_sig: bytes, witness: tuple[bytes, ...]) -> Spend:
        inputs = list(spend.tx.inputs)
        inputs[spend.index] = replace(
            inputs[spend.index], script_sig=script_sig, witness=self._mutated(witness)
        )
        return replace(spend, tx=replace(spend.tx, inputs=tuple(inputs)))

    def _mutated(self, witness: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """Spoil one item in a tenth of all witnesses."""
        draw, items = self.draw, list(witness)
        if items and draw.random() < 0.1:
            at = draw.randrange(len(items))
            kind = draw.randrange(5)
            if kind == 0 and items[at]:
                item = bytearray(items[at])
                item[draw.randrange(len(item))] ^= 1 << draw.randrange(8)
                items[at] = bytes(item)
            elif kind == 1:
                items[at] = items[at][:-1]
            elif kind == 2:
                del items[at]
            elif kind == 3:
                items.append(b"\x50" + draw.randbytes(3))
            else:
                items.insert(at, random_item(draw))
        return tuple(items)

    def _pushes(self) -> bytes:
        if self.draw.random() < 0.1:
            return self.script()
        return b"".join(push(item) for item in self.items())

    def _bare(self, spend: Spend) -> Spend:
        witness = self.items() if self.draw.random() < 0.03 else ()
        return self._fill(self._set(spend, self.script()), self._pushes(), witness)

    def _p2sh(self, spend: Spend) -> Spend:
        inner = self.script()
        script_sig = self._pushes() + push_bytes(inner[:520])
        return self._fill(self._set(spend, b"\xa9\x14" + hash160(inner) + b"\x87"), script_sig, ())

    def _p2wsh(self, spend: Spend) -> Spend:
        script = self.script()
        program = b"\x00\x20" + sha256(script)
        return self._witness(spend, program, (*self.items(), script))

    def _witness(self, spend: Spend, program: bytes, witness: tuple[bytes, ...]) -> Spend:
        """Spend a program, bare or nested in P2SH."""
        script, script_sig = program, b""
        if self.draw.random() < 0.15:
            script, script_sig = b"\xa9\x14" + hash160(program) + b"\x87", push_bytes(program)
        if self.draw.random() < 0.03:
            script_sig += b"\x00"
        return self._fill(self._set(spend, script), script_sig, witness)

    def _odd_program(self, spend: Spend) -> Spend:
        program = self.draw.randbytes(self.draw.choice([2, 20, 32, 33, 40]))
        program = self.draw.choice([program, program, b"\x4e\x73"])
        version = self.draw.choice([b"\x00", b"\x51", b"\x52", b"\x60"])
        return self._witness(spend, version + push_bytes(program), self.items())

    def _tree(self, script: bytes) -> tuple[Leaf, Leaf | Branch]:
        version = 0xC0 if self.draw.random() < 0.95 else self.draw.choice([0xC2, 0x66, 0xFE])
        leaf: Leaf = Leaf(script, version)
        tree: Leaf | Branch = leaf
        for _ in range(self.draw.choice([0, 0, 1, 3])):
            other = Leaf(self.draw.randbytes(4))
            tree = Branch(tree, other) if self.draw.random() < 0.5 else Branch(other, tree)
        return leaf, tree

    def _tapscript(self, spend: Spend) -> Spend:
        script = self.script()
        leaf, tree = self._tree(script)
        program = b"\x51\x20" + output_key(NUMS, tree)[0]
        witness = (*self.items(), script, control_block(NUMS, tree, leaf))
        return self._fill(self._set(spend, program), b"", witness)

    def _hash_type(self) -> int:
        return self.draw.choice([1, 1, 1, 2, 3, 0x81, 0x82, 0x83, 0, 4, 0x41])

    def _ecdsa(self, digest: bytes, hash_type: int, secret: bytes) -> bytes:
        """Sign; now and then with a high S, a bit flipped, or nothing at all."""
        draw, der = self.draw, ecdsa_sign(digest, secret)
        kind = draw.random()
        if kind < 0.05:
            r_size = der[3]
            s = GROUP_ORDER - int.from_bytes(der[6 + r_size :], "big")
            body = der[2 : 4 + r_size] + b"\x02\x21\x00" + s.to_bytes(32, "big")
            der = b"\x30" + bytes((len(body),)) + body
        elif kind < 0.1:
            spoiled = bytearray(der)
            spoiled[draw.randrange(len(der))] ^= 1 << draw.randrange(8)
            der = bytes(spoiled)
        elif kind < 0.12:
            return b""
        elif kind < 0.15:
            der = der[:2] + b"\x02" + bytes((der[3] + 1,)) + b"\x00" + der[4:]
        return der + bytes((hash_type,))

    def _signed_base(self, spend: Spend) -> Spend:
        who, hash_type = self.draw.randrange(4), self._hash_type()
        key = self.draw.choice([KEYS[who]] * 9 + ODD_KEYS[:2])
        secret = SECRETS[0] if key in ODD_KEYS else SECRETS[who]
        prefix = self.draw.choice([b"", b"", b"\x61", b"\xab", b"\x51\x75\xab"])
        code = push_bytes(key) + b"\xac"
        script = prefix + code
        spend = self._set(spend, script)
        hashes = SignatureHashes(spend.tx, spend.spent)
        signed = code if prefix.endswith(b"\xab") else script
        sig = self._ecdsa(hashes.legacy(spend.index, signed, hash_type), hash_type, secret)
        return self._fill(spend, push(sig), ())

    def _signed_v0(self, spend: Spend) -> Spend:
        who, hash_type = self.draw.randrange(4), self._hash_type()
        if self.draw.random() < 0.5:
            digest = hash160(KEYS[who])
            program, last = b"\x00\x14" + digest, KEYS[who]
            code = b"\x76\xa9\x14" + digest + b"\x88\xac"
        else:
            code = self.draw.choice([b"", b"\xab"]) + push(KEYS[who]) + b"\xac"
            program, last = b"\x00\x20" + sha256(code), code
            code = code.removeprefix(b"\xab")
        spend = self._set(spend, program)
        hashes = SignatureHashes(spend.tx, spend.spent)
        digest = hashes.witness_v0(spend.index, code, hash_type)
        sig = self._ecdsa(digest, hash_type, SECRETS[who])
        return self._fill(spend, b"", (sig, last))

    def _multisig(self, spend: Spend) -> Spend:
        draw = self.draw
        needed, given = draw.choice([(0, 0), (0, 1), (1, 1), (1, 2), (2, 3), (2, 2), (3, 2)])
        keys = b"".join(push(key) for key in KEYS[:given])
        script = push(num_encode(needed)) + keys + push(num_encode(given)) + b"\xae"
        spend = self._set(spend, script)
        hashes, hash_type = SignatureHashes(spend.tx, spend.spent), self._hash_type()
        digest = hashes.legacy(spend.index, script, hash_type)
        sigs = [self._ecdsa(digest, hash_type, secret) for secret in SECRETS[:needed]]
        if draw.random() < 0.15:
            sigs.reverse()
        dummy = b"\x00" if draw.random() < 0.9 else b"\x51"
        return self._fill(spend, dummy + b"".join(map(push, sigs)), ())

    def _schnorr(self, digest: bytes | None, hash_type: int, secret: bytes) -> bytes:
        sig = schnorr_sign(digest or bytes(32), secret, bytes(32))
        kind = self.draw.random()
        if kind < 0.05:
            sig = sig[:31] + bytes((sig[31] ^ 1,)) + sig[32:]
        elif kind < 0.08:
            return sig[: self.draw.randrange(64)]
        explicit = hash_type or kind > 0.95
        return sig + bytes((hash_type,)) if explicit else sig

    def _annex(self) -> bytes | None:
        return b"\x50" + self.draw.randbytes(2) if self.draw.random() < 0.15 else None

    def _key_path(self, spend: Spend) -> Spend:
        tree = self._tree(b"\x51")[1] if self.draw.random() < 0.5 else None
        internal, hash_type, annex = KEYS[0][1:], self._hash_type() % 0x90, self._annex()
        spend = self._set(spend, b"\x51\x20" + output_key(internal, tree)[0])
        tweak = int.from_bytes(tweak_hash(internal, tree.hash if tree else b""), "big")
        secret = ((1 + tweak) % GROUP_ORDER).to_bytes(32, "big")
        hashes = SignatureHashes(spend.tx, spend.spent)
        digest = hashes.taproot(spend.index, hash_type, annex=annex)
        sig = self._schnorr(digest, hash_type, secret)
        return self._fill(spend, b"", (sig,) if annex is None else (sig, annex))

    def _signed_leaf(self, spend: Spend) -> Spend:
        draw, who = self.draw, self.draw.randrange(4)
        hash_type, annex = self._hash_type(), self._annex()
        prefix = draw.choice([b"", b"", b"\x61\xab", b"\xab\x61", b"\x51\x75"])
        ending = draw.choice([b"\xac", b"\xac", b"\xad\x51", b"\x00\x7c\xba", b"\x76\x75\xac"])
        script = prefix + push(KEYS[who][1:]) + ending
        codeseparator = {b"\x61\xab": 1, b"\xab\x61": 0}.get(prefix, 0xFFFFFFFF)
        if ending == b"\x00\x7c\xba":
            hash_type = draw.choice([0, 1, 3])
        leaf, tree = self._tree(script)
        spend = self._set(spend, b"\x51\x20" + output_key(NUMS, tree)[0])
        hashes = SignatureHashes(spend.tx, spend.spent)
        digest = hashes.taproot(
            spend.index, hash_type, annex=annex, leaf_hash=leaf.hash, codeseparator=codeseparator
        )
        sig = self._schnorr(digest, hash_type, SECRETS[who])
        witness = (sig, script, control_block(NUMS, tree, leaf))
        return self._fill(spend, b"", witness if annex is None else (*witness, annex))


def spends(seed: int, count: int, *, cat: bool) -> Iterator[Spend]:
    """Draw `count` spends."""
    builder = Builder(seed, cat=cat)
    for _ in range(count):
        yield builder.spend()


def differences(
    seed: int, count: int, *, cat: bool
) -> tuple[list[tuple[int, Spend, str, str]], Counter[str]]:
    """Compare both judges; return where they differ, and how often each end was met."""
    wrong, ends = [], Counter[str]()
    with oracle_with_cat() if cat else nullcontext():
        for number, each in enumerate(spends(seed, count, cat=cat)):
            ours = verify_input(each.tx, each.index, each.spent, each.flags).error
            theirs = oracle_error(each.tx, each.index, each.spent, each.flags)
            ends[ours] += 1
            if not alike(ours, theirs):
                wrong.append((number, each, str(ours), theirs))
    return wrong, ends


def main() -> None:
    """Run the long comparison and print what was met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=347)
    parser.add_argument("--cat", action="store_true", help="BIP-347 on both sides")
    options = parser.parse_args()
    started = time.monotonic()
    wrong, ends = differences(options.seed, options.count, cat=options.cat)
    for name, count in ends.most_common():
        print(f"{count:8,} {name}")  # noqa: T201
    for number, each, ours, theirs in wrong[:20]:
        spent = each.spent[each.index].script.hex()
        given = each.tx.inputs[each.index]
        print(  # noqa: T201
            f"#{number}: ours {ours}, theirs {theirs}; flags {each.flags!r}; script {spent}; "
            f"scriptSig {given.script_sig.hex()}; witness {[i.hex() for i in given.witness]}"
        )
    took = time.monotonic() - started
    print(f"{len(wrong)} of {options.count:,} differ; {took:.0f} s")  # noqa: T201


if __name__ == "__main__":
    main()
