"""A chain of raw blocks driven through the rules of ownership, as a scanner would do it."""

from __future__ import annotations

from dataclasses import dataclass, field

from conftest import load_json, vector_folder
from lodestamp.core.bitcoin import (
    REGTEST,
    Block,
    BlockHeader,
    Transaction,
    branch_of,
    encode_address,
    target_of,
)
from lodestamp.core.ownership import (
    BlockEffect,
    BlockInput,
    DividendPayment,
    Owner,
    Registration,
    Rules,
    State,
    Tip,
    Transfer,
    apply_block,
    dividends_classic_e8,
    dividends_classic_float,
    dividends_owed_e8,
    first_state_hash,
    next_state_hash,
    read_block,
    read_carrier,
    undo,
)
from lodestamp.node.scanner import BlockRow, Evidence, OperationsStore


def ownership_vectors(name: str):
    """Read one of the files of vectors."""
    return load_json(vector_folder() / "ownership" / f"openpublish_{name}.json")


def address(owner: Owner) -> str:
    """The owner as the original engine prints it; nobody is the text ``undefined``."""
    return encode_address(owner, REGTEST) if owner else "undefined"


def no_prevouts(_index: int):
    """The owners of these chains are P2PKH: no prevout is ever asked for (R9)."""
    raise AssertionError("a prevout was asked for")


@dataclass
class Chain:
    """Blocks connected to a state and disconnected from it, with everything they did."""

    rules: Rules
    state: State = field(init=False)
    effects: list[BlockEffect] = field(default_factory=list)
    hashes: list[bytes] = field(init=False)
    txs: dict[bytes, Transaction] = field(default_factory=dict)
    told: list[tuple[BlockEffect, dict]] = field(default_factory=list)
    """Each effect with what the vectors tell of it, blocks that were undone later included."""

    def __post_init__(self) -> None:
        self.state = State(self.rules.start_height - 1)
        self.hashes = [first_state_hash(self.rules)]

    def read(self, raw: bytes) -> BlockInput:
        """Find what the rules need of the next block."""
        self.txs.update({tx.txid: tx for tx in Block.decode(raw).txs})
        fetch = self.txs.get
        return read_block(raw, self.state, self.rules, fetch=fetch, prevouts=no_prevouts)

    def connect(self, raw: bytes) -> BlockEffect:
        """Judge the next block."""
        effect = apply_block(self.state, self.read(raw), self.rules)
        self.effects.append(effect)
        self.hashes.append(next_state_hash(self.hashes[-1], effect.block_hash, effect))
        return effect

    def disconnect(self) -> BlockEffect:
        """Undo the last block."""
        effect = self.effects.pop()
        self.hashes.pop()
        undo(self.state, effect)
        return effect

    @property
    def ops(self) -> list[Registration | Transfer]:
        """All operations, in order."""
        return [op for effect in self.effects for op in effect.ops]

    @property
    def registrations(self) -> dict[str, Registration]:
        """All registrations, by work."""
        return {op.sha1: op for op in self.ops if isinstance(op, Registration)}

    def transfers(self, sha1: str) -> list[Transfer]:
        """The transfers of a work."""
        return [op for op in self.ops if isinstance(op, Transfer) and op.sha1 == sha1]

    def tips(self, sha1: str) -> list[Tip]:
        """The tips of a work."""
        return [tip for effect in self.effects for tip in effect.tips if tip.sha1 == sha1]

    def payments(self, sha1: str) -> list[DividendPayment]:
        """The dividend payments of a work."""
        return [each for effect in self.effects for each in effect.payments if each.sha1 == sha1]

    def dividends(self, sha1: str, view: str):
        """One view of what is payable."""
        compute = {
            "classic": dividends_classic_float,
            "classic_e8": dividends_classic_e8,
            "owed_e8": dividends_owed_e8,
        }[view]
        return compute(
            self.registrations[sha1].registrant,
            self.transfers(sha1),
            self.tips(sha1),
            self.payments(sha1),
        )


def scenario(name: str) -> list[dict]:
    """The events of one public scenario."""
    rows = ownership_vectors("public")["scenarios"]
    return next(row["events"] for row in rows if row["name"] == name)


def work_of(header: BlockHeader) -> int:
    """Hashes expected for one block."""
    return 2**256 // (target_of(header.bits) + 1)


class FedStore:
    """A store that follows a chain, block by block."""

    def __init__(self, store: OperationsStore, rules: Rules) -> None:
        self.store = store
        self.chain = Chain(rules)
        self.store.pin(rules)

    def connect(self, raw: bytes) -> tuple[BlockRow, BlockEffect]:
        """Judge a block and store it with the transactions it rests on."""
        effect = self.chain.connect(raw)
        header, tip = BlockHeader.decode(raw[:80]), self.store.tip()
        work = work_of(header) + (tip.work if tip else 0)
        row = BlockRow(effect.height, header.hash, raw[:80], work, self.chain.hashes[-1])
        self.store.append_block(row, effect, tuple(self.evidence(raw, effect)))
        return row, effect

    def disconnect(self) -> None:
        """Undo the tip."""
        assert self.store.invalidate_block(self.chain.disconnect().block_hash)

    def evidence(self, raw: bytes, effect: BlockEffect):
        """The transactions of this block that carry or pay, and the parents in it."""
        txs = Block.decode(raw).txs
        txids = [tx.txid for tx in txs]
        wanted = {each.txid for each in (*effect.ops, *effect.tips, *effect.payments)}
        for op in effect.ops:
            carrier = read_carrier(self.chain.txs[op.txid], self.chain.txs.get)
            wanted |= {tx.txid for tx in carrier.parents}
        for index, txid in enumerate(txids):
            if txid in wanted:
                branch = branch_of(txids, index)
                yield Evidence(txid, effect.height, index, txs[index].encode(), branch)

    def replay(self, events) -> None:
        """Follow the events of a scenario, reorganisations included."""
        raws = {event["hash"]: bytes.fromhex(event["raw"]) for event in events}
        for event in events:
            told = event.get("effect") or {"disconnected": [], "connected": []}
            for _ in told["disconnected"]:
                self.disconnect()
            for each in told["connected"]:
                self.connect(raws[each["hash"]])


def replay(events, rules: Rules) -> Chain:
    """Drive the events of a scenario as the original engine did: reorganisations included.

    An event without `effect` is a block on a side chain; one whose effect is null is where the
    original engine hangs, and where ours goes on (Q10).
    """
    chain = Chain(rules)
    raws = {event["hash"]: bytes.fromhex(event["raw"]) for event in events}
    for event in events:
        if "effect" not in event:
            continue
        told = event["effect"] or {"disconnected": [], "connected": [{"hash": event["hash"]}]}
        for gone in told["disconnected"]:
            assert chain.disconnect().block_hash[::-1].hex() == gone
        for each in told["connected"]:
            chain.told.append((chain.connect(raws[each["hash"]]), each))
    return chain
