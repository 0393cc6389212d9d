"""Headers, blocks and the simulator: checks a second, against btclib where it has the same."""

from __future__ import annotations

import time
from dataclasses import replace

from btclib.block import Block as PeerBlock
from btclib.block import BlockHeader as PeerHeader

from benchmarks.table import Fact, Findings, Row, compare, trial
from lodestamp.core.bitcoin import (
    REGTEST,
    SIGHASH_DEFAULT,
    Block,
    BlockHeader,
    HeaderChain,
    OutPoint,
    SignatureHashes,
    Transaction,
    TxIn,
    TxOut,
    extend,
    extend_run,
    meets_target,
)
from lodestamp.node.chains import SecretSigner, SimulatedChain, Simulator

_SIGNER = SecretSigner(bytes(31) + b"\x07")
_SCRIPT = b"\x51\x20" + _SIGNER.output_key()
_SPENDS = 10


def findings(*, quick: bool) -> Findings:
    """Measure a run of 100,000 headers (10,000 when quick) and 1,000 blocks (100 when quick)."""
    yield _headers(10_000 if quick else 100_000)
    chain = SimulatedChain(Simulator.open(None, lambda: 1_800_000_000, _SCRIPT))
    yield _simulated(chain, 100 if quick else 1_000)
    yield _parsing(chain)
    chain.close()


def _headers(count: int) -> Row:
    """Check a run of headers; the peer checks each by itself, we also how they follow."""
    chain = HeaderChain.genesis(REGTEST)
    raws = []
    for _ in range(count):
        tip = chain.tip
        header = BlockHeader(
            0x20000000, tip.hash, bytes(32), tip.header.time + 600, tip.header.bits, 0
        )
        while not meets_target(header.hash, header.bits):
            header = replace(header, nonce=header.nonce + 1)
        chain = extend(chain, header)
        raws.append(header.encode())
    joined = b"".join(raws)

    def ours() -> None:
        assert extend_run(HeaderChain.genesis(REGTEST), joined) == chain

    def theirs() -> None:
        for raw in raws:
            PeerHeader.parse(raw)

    return compare(
        f"headers, read and checked, a run of {count:,}",
        unit="header",
        ours=trial(ours, count),
        peer="btclib (each header by itself)",
        theirs=trial(theirs, count),
        aim=2,
        rounds=3,
    )


def _simulated(chain: SimulatedChain, count: int) -> Fact:
    """Mine blocks of ten P2TR spends each, all judged twice: by the mempool and by the block."""
    chain.mine(100 + _SPENDS, _SCRIPT)
    coins = sorted(chain.utxos_of(_SCRIPT), key=lambda each: each.coin.height)[:_SPENDS]
    lines = [(each.outpoint, each.coin.output) for each in coins]
    spent_s = time.process_time()
    for _ in range(count):
        for place, (outpoint, output) in enumerate(lines):
            paid = TxOut(output.amount - 200, _SCRIPT)
            tx = Transaction(2, (TxIn(outpoint),), (paid,))
            message = SignatureHashes(tx, [output]).taproot(0, SIGHASH_DEFAULT) or b""
            signature = _SIGNER.sign_schnorr(message, tweaked=True)
            tx = replace(tx, inputs=(TxIn(outpoint, witness=(signature,)),))
            lines[place] = OutPoint(chain.broadcast(tx), 0), paid
        chain.mine(1, _SCRIPT)
    spent_s = time.process_time() - spent_s
    text = f"{spent_s:.1f} s cpu, {count / spent_s:.1f} blocks/s"
    return Fact(f"simulator in memory: {count:,} blocks of {_SPENDS} P2TR spends", text)


def _parsing(chain: SimulatedChain) -> Row:
    tip = chain.tip()
    raws = [raw for _, raw in chain.raw_blocks(tip.height - 99, tip.height + 1)]

    def ours() -> None:
        for raw in raws:
            assert len(Block.decode(raw).txs) == _SPENDS + 1

    def theirs() -> None:
        for raw in raws:
            assert len(PeerBlock.parse(raw, check_validity=False).transactions) == _SPENDS + 1

    return compare(
        f"blocks of {len(raws[0]):,} bytes, read",
        unit="block",
        ours=trial(ours, len(raws)),
        peer="btclib",
        theirs=trial(theirs, len(raws)),
        rounds=5,
    )
