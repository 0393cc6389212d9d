"""Proofs whose anchor has one defect, by name, and what the leg `time` calls it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from anchors import (
    CALENDAR,
    HEIGHT,
    Chain,
    Made,
    anchor_in,
    branch,
    chained,
    complete,
    digest_of,
    first_header,
    mined_upon,
    ops_of,
    store_of,
    with_anchors,
    xonly,
)
from headers import worked
from lodestamp.core.bitcoin import REGTEST, BlockHeader, meets_target
from lodestamp.core.covenants import Kind, build
from lodestamp.core.encoding import canonical_json
from lodestamp.core.proof import Anchor, Proof, Trust, verify
from lodestamp.core.timestamps import Op, Pending, apply_ops, encode_path
from lodestamp.core.verdict import Verdict
from proofs import proof_of_content

REGTEST_ONLY: dict[str, Any] = {
    "version": 1,
    "unpinned": "self_asserted",
    "bitcoin": {"network": "regtest"},
}
"""The trust file of whoever plays on regtest."""


@dataclass(frozen=True)
class Anchored:
    """A proof file with anchors, the trust file and the headers it is to be judged under."""

    data: bytes
    trust: dict[str, Any] | None = None
    store: Chain | None = None

    def verdict(self, content: bytes | None) -> Verdict:
        trust = Trust.parse(canonical_json(self.trust)) if self.trust else None
        return verify(self.data, trust, content, headers=self.store)


@cache
def honest() -> tuple[Proof, Made]:
    """Return a proof, and an anchor of it on regtest."""
    proof = proof_of_content()
    return proof, complete(proof)


@cache
def honest_chain() -> Made:
    return chained(proof_of_content(), 3)


def file_with(*anchors: Anchor) -> bytes:
    return with_anchors(honest()[0], *anchors).encode()


def changed(**members: Any) -> Callable[[], Anchored]:
    """Return a maker of the honest proof whose anchor has other members."""
    return lambda: Anchored(file_with(replace(honest()[1].anchor, **members)), REGTEST_ONLY)


def rewritten(change: Callable[[bytes], bytes]) -> Callable[[], Anchored]:
    """Return a maker of the honest proof whose path was changed."""

    def make() -> Anchored:
        anchor = honest()[1].anchor
        return Anchored(file_with(replace(anchor, ots=change(anchor.ots))), REGTEST_ONLY)

    return make


def rerun(change: Callable[[list[BlockHeader]], Sequence[BlockHeader]]) -> Callable[[], Anchored]:
    """Return a maker of the honest proof whose headers were changed and linked anew."""

    def make() -> Anchored:
        run = list(change(list(honest()[1].run)))
        for place in range(1, len(run)):
            run[place] = replace(run[place], prev=run[place - 1].hash)
        return Anchored(file_with(anchor_in(ops_of(digest_of(honest()[0])), run)), REGTEST_ONLY)

    return make


def rechained(**members: Any) -> Callable[[], Anchored]:
    """Return a maker of the honest proof whose chain of states says something else."""

    def make() -> Anchored:
        anchor = honest_chain().anchor
        assert anchor.chain is not None
        covenant = anchor.chain.covenant
        named = {key: value(covenant) for key, value in members.items() if hasattr(covenant, key)}
        others = {key: value for key, value in members.items() if key not in named}
        chain = replace(anchor.chain, covenant=replace(covenant, **named), **others)
        return Anchored(file_with(replace(anchor, chain=chain)), REGTEST_ONLY)

    return make


def through(*ops: Op) -> Callable[[], Anchored]:
    """Return a maker of a proof whose path leads through other operations to its own block."""

    def make() -> Anchored:
        digest = digest_of(honest()[0])
        run = mined_upon(first_header(apply_ops(ops, digest)[:32].ljust(32, b"\0"), REGTEST), 1)
        return Anchored(file_with(anchor_in(ops, run)), REGTEST_ONLY)

    return make


def _unworked(header: BlockHeader) -> BlockHeader:
    """Return the header with a nonce that does not meet its target."""
    nonce = header.nonce
    while meets_target(replace(header, nonce=nonce).hash, header.bits):
        nonce += 1
    return replace(header, nonce=nonce)


def _second_end(ots: bytes) -> bytes:
    """Return the path with a calendar's promise at its beginning."""
    return b"\xff" + encode_path([], Pending(CALENDAR)) + ots


def _of_another_checkpoint() -> Anchored:
    other = complete(proof_of_content(b"hello world\n", 2, 6))
    return Anchored(file_with(other.anchor), REGTEST_ONLY)


def _long_number(ots: bytes) -> bytes:
    """Return the path with the length of its first argument in one byte more than needed."""
    assert ots[0] == 0xF1
    assert ots[1] < 0x80
    return ots[:1] + bytes([ots[1] | 0x80, 0]) + ots[2:]


def _pinned_otherwise() -> Anchored:
    pin = {"height": HEIGHT + 2, "hash": "00" * 32}
    trust = {**REGTEST_ONLY, "bitcoin": {"network": "regtest", "checkpoints": [pin]}}
    shown = honest()[1].run[0].hash_display
    trust["bitcoin"]["checkpoints"].append({"height": HEIGHT, "hash": shown})
    return Anchored(file_with(honest()[1].anchor), trust)


def _elsewhere_in_the_store() -> Anchored:
    stored = store_of(mined_upon(first_header(bytes(32), REGTEST), 8))
    return Anchored(file_with(honest()[1].anchor), REGTEST_ONLY, stored)


HASH_OP = Op(0x08)
TIME_DEFECTS: dict[str, tuple[str, Callable[[], Anchored]]] = {
    "path_with_a_byte_too_many": ("bad_ots", rewritten(lambda ots: ots + b"\x00")),
    "path_cut_short": ("bad_ots", rewritten(lambda ots: ots[:-1])),
    "path_not_canonical": ("bad_ots", rewritten(_long_number)),
    "path_of_256_operations": ("bad_ots", through(*[HASH_OP] * 256)),
    "path_with_a_second_end": ("bad_ots", rewritten(_second_end)),
    "path_that_reverses": ("op_not_allowed", through(Op(0xF2), HASH_OP)),
    "path_through_ripemd160": ("op_not_allowed", through(Op(0x03), HASH_OP)),
    "path_through_keccak256": ("op_not_allowed", through(Op(0x67), HASH_OP)),
    "path_that_hexlifies": ("op_not_allowed", through(Op(0xF3), HASH_OP)),
    "path_to_a_calendar_only": (
        "no_path",
        rewritten(lambda _ots: encode_path([HASH_OP], Pending(CALENDAR))),
    ),
    "height_of_another_block": ("no_path", changed(height=HEIGHT + 1)),
    "path_of_another_checkpoint": ("root_mismatch", _of_another_checkpoint),
    "path_that_ends_in_33_bytes": ("root_mismatch", through(HASH_OP, Op.append(b"\0"))),
    "sibling_changed": (
        "root_mismatch",
        rewritten(lambda ots: ots.replace(branch()[0], bytes(32))),
    ),
    "header_of_another_block": ("root_mismatch", rerun(lambda run: run[1:])),
    "header_without_work": (
        "pow_invalid",
        rerun(lambda run: [_unworked(run[0]), *map(worked, run[1:])]),
    ),
    "last_header_without_work": (
        "pow_invalid",
        rerun(lambda run: [*run[:-1], _unworked(run[-1])]),
    ),
    "target_above_the_limit": (
        "bits_invalid",
        rerun(lambda run: [replace(run[0], bits=0x2100FFFF)]),
    ),
    "target_below_zero": ("bits_invalid", rerun(lambda run: [replace(run[0], bits=0x1D80FFFF)])),
    "target_of_zero": ("bits_invalid", rerun(lambda run: [replace(run[0], bits=0x1D000000)])),
    "block_that_a_pin_contradicts": ("checkpoint_conflict", _pinned_otherwise),
    "block_not_in_the_store": ("not_in_best_chain", _elsewhere_in_the_store),
    "chain_from_another_genesis": ("chain_invalid", rechained(genesis_txid=bytes(32))),
    "chain_upon_another_state": ("chain_invalid", rechained(state_before=bytes(32))),
    "chain_with_another_batch": (
        "chain_invalid",
        rechained(roots=lambda covenant: (bytes(32), *covenant.roots[1:])),
    ),
    "chain_with_a_gap": (
        "chain_invalid",
        rechained(
            transactions=lambda covenant: covenant.transactions[:1] + covenant.transactions[2:],
            roots=lambda covenant: covenant.roots[1:],
        ),
    ),
    "chain_under_another_key": (
        "chain_invalid",
        rechained(leaf=lambda _covenant: bytes(build(Kind.T6, owner=xonly("thief")).leaf)),
    ),
    "chain_under_no_covenant": ("chain_invalid", rechained(leaf=lambda _covenant: b"\x51")),
    "chain_of_another_kind": (
        "chain_invalid",
        rechained(leaf=lambda _covenant: bytes(build(Kind.T5, owner=xonly("owner")).leaf)),
    ),
    "chain_of_torn_transactions": (
        "chain_invalid",
        rechained(
            transactions=lambda covenant: (
                covenant.transactions[0][:-1],
                *covenant.transactions[1:],
            )
        ),
    ),
}
"""What refutes the leg `time`: by name, its reason, and a proof that suffers from nothing else."""
