"""Finding Open Publish in raw blocks against peers that parse every transaction.

All sides get the same raw blocks, in memory. The peers parse each block and look at each output's
script; we also keep the state, check signatures, headers and, where said, Merkle roots.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from bitcoin.core import CBlock
from btclib.block import Block as BtclibBlock
from coincurve import PublicKey
from embit.transaction import Transaction as EmbitTransaction

from benchmarks.ownership_chain import TXS_LEGACY, TXS_SEGWIT, legacy_chain, segwit_blocks
from benchmarks.ownership_store import store_findings
from benchmarks.table import SEED, Fact, Findings, Row, compare, timed, trial
from lodestamp.core.bitcoin import HEADER_SIZE, SIGHASH_ALL, Block, Reader, SignatureHashes, TxOut
from lodestamp.core.ownership import (
    Rules,
    State,
    apply_block,
    attribute,
    candidates,
    check_header,
    check_tree,
    first_state_hash,
    may_contain,
    next_state_hash,
    read_block,
)

_RULES = Rules.strict("regtest")
_BARE_GATE = re.compile(
    rb"\x6a(?:[\x03-\x4b]|\x4c.|\x4d..|\x4e....)\x1f\x00[\x01-\xff]|\x6a.\xe2\x99\xa5", re.DOTALL
)
_PEERS: dict[str, Callable[[bytes], int]] = {}


def findings(*, quick: bool) -> Findings:
    """Measure T1 to T7 on 200 legacy blocks and 40 segwit blocks (20 and 8 when quick)."""
    rounds = 3 if quick else 5
    chain = legacy_chain(20 if quick else 200, SEED)
    yield _scanning(chain)
    few = chain[:20]
    yield _state(few, "python-bitcoinlib", 8.0, rounds)
    yield _state(few, "btclib", 8.0, rounds)
    yield _roots(few, rounds)
    yield from _gate(8 if quick else 40, rounds)
    yield _attribution(chain, rounds)
    yield from store_findings(quick=quick)


def _scan(raws: Sequence[bytes], *, has_roots: str = "off") -> bytes:
    """Take raw blocks into the state, as a scanner does; return the last hash of state."""
    state, found = State(0), first_state_hash(_RULES)
    previous = None
    for raw in raws:
        previous = check_header(raw, previous).hash
        block = read_block(raw, state, _RULES, fetch=_absent, prevouts=_absent_prevouts)
        effect = apply_block(state, block, _RULES)
        if has_roots == "all" or (has_roots == "hits" and not effect.is_empty):
            check_tree(raw)
        found = next_state_hash(found, effect.block_hash, effect)
    return found


def _absent(_: bytes) -> None:
    return None


def _absent_prevouts(_: int) -> Sequence[TxOut]:
    return ()


# The peers: parse all, look at every script


def _look(script: bytes) -> bool:
    return script[:1] == b"\x6a" and (script[2:5] == b"\xe2\x99\xa5" or b"\x1f\x00" in script[2:7])


def _bitcoinlib(raw: bytes) -> int:
    txs = CBlock.deserialize(raw).vtx
    return sum(_look(bytes(out.scriptPubKey)) for tx in txs for out in tx.vout)


def _btclib(raw: bytes) -> int:
    txs = BtclibBlock.parse(raw, check_validity=False).transactions
    return sum(_look(out.script_pub_key.script) for tx in txs for out in tx.vout)


def _embit(raw: bytes) -> int:
    reader = Reader(raw, HEADER_SIZE)
    count = reader.compact_size()
    stream = io.BytesIO(raw[reader.pos :])
    txs: list[Any] = [EmbitTransaction.read_from(stream) for _ in range(count)]
    return sum(_look(out.script_pubkey.data) for tx in txs for out in tx.vout)


_PEERS |= {"python-bitcoinlib": _bitcoinlib, "btclib": _btclib, "embit": _embit}


# The measures


def _scanning(raws: list[bytes]) -> Fact:
    """Tell the rates by themselves: to the candidates, parsed, and to the state."""
    count = len(raws) * TXS_LEGACY
    finding = timed(lambda: [each.tx for raw in raws for each in candidates(raw)], count)
    scanning = timed(lambda: _scan(raws), count)
    rate = 1 / finding.cpu
    text = f"{rate / 1e3:,.0f}k tx/s to parsed hits, {1e-3 / scanning.cpu:,.0f}k tx/s to the state"
    measure = f"T1 walk and state, {len(raws)} legacy blocks, 2 hits in each"
    return Fact(measure, text, "≥ 436k", rate >= 436_000)


def _state(raws: list[bytes], peer: str, aim: float, rounds: int) -> Row:
    parse = _PEERS[peer]
    hits = 2 * len(raws) - 1
    assert sum(map(parse, raws)) >= hits
    assert sum(len(candidates(raw)) for raw in raws) == hits
    return compare(
        f"T1 raw blocks to state, {len(raws)} legacy blocks, signatures checked",
        unit="tx",
        ours=trial(lambda: _scan(raws), len(raws) * TXS_LEGACY),
        peer=f"{peer} (parse, look at scripts)",
        theirs=trial(lambda: sum(map(parse, raws)), len(raws) * TXS_LEGACY),
        aim=aim,
        rounds=rounds,
    )


def _roots(raws: list[bytes], rounds: int) -> Row:
    parse = _PEERS["python-bitcoinlib"]
    return compare(
        "T4 legacy, every block has hits, Merkle roots `hits`",
        unit="tx",
        ours=trial(lambda: _scan(raws, has_roots="hits"), len(raws) * TXS_LEGACY),
        peer="python-bitcoinlib (parse)",
        theirs=trial(lambda: sum(map(parse, raws)), len(raws) * TXS_LEGACY),
        aim=4.0,
        rounds=rounds,
    )


def _gate(blocks: int, rounds: int) -> Findings:
    plain = segwit_blocks(blocks, SEED)
    size = sum(map(len, plain))
    assert not any(map(may_contain, plain))
    yield compare(
        f"T2 blocks without operations, {size / 1e6:.1f} MB, headers checked",
        unit="MB",
        ours=trial(lambda: _scan(plain), size // 1_000_000),
        peer="the gate's pattern alone",
        theirs=trial(lambda: [_BARE_GATE.search(raw) for raw in plain], size // 1_000_000),
        aim=0.5,
        rounds=rounds,
    )
    one = segwit_blocks(1, SEED + 1, gated=1.0)
    mixed = (plain * (100 // len(plain) + 1))[:99] + one
    sample = mixed[-3:]
    for peer, parse in _PEERS.items():
        yield compare(
            "T3 segwit, 1 % of the blocks behind the gate",
            unit="tx",
            ours=trial(lambda: _found(mixed), len(mixed) * TXS_SEGWIT),
            peer=f"{peer} (parse, look at scripts)",
            theirs=trial(partial(_sum, parse, sample), len(sample) * TXS_SEGWIT),
            aim=10.0,
            rounds=rounds,
        )
    yield compare(
        "T4 segwit, Merkle roots `all`",
        unit="tx",
        ours=trial(lambda: [check_tree(raw) for raw in plain[:8]], 8 * TXS_SEGWIT),
        peer="python-bitcoinlib (parse)",
        theirs=trial(lambda: [_bitcoinlib(raw) for raw in plain[:2]], 2 * TXS_SEGWIT),
        aim=4.0,
        rounds=rounds,
    )


def _sum(parse: Callable[[bytes], int], raws: Sequence[bytes]) -> int:
    return sum(map(parse, raws))


def _found(raws: list[bytes]) -> int:
    return sum(len(candidates(raw)) for raw in raws if may_contain(raw))


def _attribution(raws: list[bytes], rounds: int) -> Row:
    """Compare attribution with the verification of the same signatures alone."""
    txs = [tx for raw in raws[:10] for tx in Block.decode(raw).txs[1:]]
    prepared = []
    for tx in txs:
        script_sig = tx.inputs[0].script_sig
        signature, key = script_sig[1 : script_sig[0]], script_sig[script_sig[0] + 2 :]
        (owner,) = attribute(tx, tuple, 1, _RULES)
        assert owner is not None
        digest = SignatureHashes(tx, (TxOut(0, b""),)).legacy(0, owner, SIGHASH_ALL)
        prepared.append((signature, digest, key))

    def theirs() -> None:
        for signature, digest, key in prepared:
            assert PublicKey(key).verify(signature, digest, hasher=None)

    return compare(
        "T7 attribution of an input: digest, DER, signature",
        unit="input",
        ours=trial(lambda: [attribute(tx, tuple, 1, _RULES) for tx in txs], len(txs)),
        peer="coincurve (verify alone)",
        theirs=trial(theirs, len(txs)),
        aim=0.5,
        rounds=rounds,
    )
