"""Blocks: header and transactions, their Merkle root, and the commitment to their witnesses.

`merkle_root` tells when a list of hashes is one that a shorter list gives the same root
(CVE-2012-2459); such a block is damaged in transit, and its hash must not be condemned (R5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

from lodestamp.core.bitcoin.hashes import sha256d
from lodestamp.core.bitcoin.header import HEADER_SIZE, BlockHeader
from lodestamp.core.bitcoin.tx import Transaction
from lodestamp.core.bitcoin.wire import Reader, compact_size
from lodestamp.errors import LimitExceeded, MalformedBitcoin, MalformedBlock

BLOCK_SIZE_MAX: Final = 4_000_000
"""Bytes of a serialized block: what the weight limit leaves for one made of witnesses alone."""
BLOCK_WEIGHT_MAX: Final = 4_000_000
"""Weight units of a block (BIP141)."""
COMMITMENT_HEAD: Final = bytes.fromhex("6a24aa21a9ed")
"""How the output starts that commits to the witnesses (BIP141)."""

_TX_SIZE_MIN: Final = 10
"""Version, two counts and lock time."""


@dataclass(frozen=True, slots=True)
class Block:
    """A header and its transactions, the coinbase first."""

    header: BlockHeader
    txs: tuple[Transaction, ...]

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a block to its last byte.

        LimitExceeded above `BLOCK_SIZE_MAX`, MalformedBlock for anything else that is none.
        """
        if len(data) > BLOCK_SIZE_MAX:
            raise LimitExceeded("the block", BLOCK_SIZE_MAX, len(data))
        header = BlockHeader.decode(data[:HEADER_SIZE])
        reader = Reader(data, HEADER_SIZE)
        try:
            count = reader.count(_TX_SIZE_MIN)
            txs = tuple([Transaction.read(reader) for _ in range(count)])
            reader.finish()
        except MalformedBitcoin as error:
            raise MalformedBlock(error.code, error.what, at=error.at) from error
        return cls(header, txs)

    def encode(self, *, witness: bool = True) -> bytes:
        """Return the block's bytes; without `witness` those that old nodes see."""
        parts = [self.header.encode(), compact_size(len(self.txs))]
        parts += [tx.encode(witness=witness) for tx in self.txs]
        return b"".join(parts)

    @property
    def hash(self) -> bytes:
        """The hash of the header, in internal byte order."""
        return self.header.hash

    @property
    def hash_display(self) -> str:
        """The hash of the header as people write it."""
        return self.header.hash_display

    @property
    def weight(self) -> int:
        """Three times the bytes without witnesses, plus all bytes (BIP141)."""
        head = HEADER_SIZE + len(compact_size(len(self.txs)))
        return 4 * head + sum(tx.weight for tx in self.txs)


def merkle_root(hashes: Sequence[bytes]) -> tuple[bytes, bool]:
    """Return the root over hashes of 32 bytes, and whether the list is mutated (R5).

    It is mutated when two equal hashes stand side by side as a pair at any level. The root of an
    empty list is 32 zero bytes, as no block has one.
    """
    if not hashes:
        return bytes(32), False
    level, mutated = list(hashes), False
    while len(level) > 1:
        paired = len(level) - len(level) % 2
        mutated = mutated or any(level[at] == level[at + 1] for at in range(0, paired, 2))
        if paired < len(level):
            level.append(level[-1])
        level = [sha256d(level[at] + level[at + 1]) for at in range(0, len(level), 2)]
    return level[0], mutated


def branch_of(hashes: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Return the siblings from the hash at `index` up to the root, lowest first.

    MalformedBlock ``index`` when there is no such hash.
    """
    if not 0 <= index < len(hashes):
        raise MalformedBlock("index", f"there is no transaction {index} of {len(hashes)}")
    level, branch = list(hashes), []
    while len(level) > 1:
        if len(level) % 2:
            level.append(level[-1])
        branch.append(level[index ^ 1])
        level = [sha256d(level[at] + level[at + 1]) for at in range(0, len(level), 2)]
        index >>= 1
    return tuple(branch)


def witness_commitment(block: Block) -> bytes | None:
    """Return the 32 bytes by which the coinbase commits to witnesses; None when it does not.

    The last output that starts with `COMMITMENT_HEAD` counts (BIP141).
    """
    if not block.txs:
        return None
    scripts = [bytes(output.script) for output in block.txs[0].outputs]
    marked = [each for each in scripts if len(each) >= 38 and each.startswith(COMMITMENT_HEAD)]
    return marked[-1][6:38] if marked else None


def commit_to_witnesses(txs: Sequence[Transaction], reserved: bytes) -> bytes:
    """Return sha256d(witness root ‖ reserved value); the coinbase counts as 32 zero bytes."""
    root, _ = merkle_root([bytes(32), *(tx.wtxid for tx in txs[1:])])
    return sha256d(root + reserved)


def check_merkle(block: Block) -> str | None:
    """Hold the transactions against the header's root; None, or the reason of Bitcoin Core.

    ``bad-txnmrklroot``, or ``bad-txns-duplicate`` for a mutated list (CVE-2012-2459).
    """
    root, mutated = merkle_root([tx.txid for tx in block.txs])
    if root != block.header.merkle:
        return "bad-txnmrklroot"
    return "bad-txns-duplicate" if mutated else None


def told_height(block: Block) -> int | None:
    """Return the height that the coinbase begins with (BIP34); None where it begins otherwise.

    From BIP34 on it is the block's own; before, whatever a miner put there.
    """
    script = block.txs[0].inputs[0].script_sig if block.txs and block.txs[0].inputs else b""
    size = script[0] if script else 0
    if not 1 <= size <= 4 or len(script) <= size:
        return None
    return int.from_bytes(script[1 : 1 + size], "little")


def check_witnesses(block: Block) -> str | None:
    """Hold the witnesses against the coinbase's commitment; None, or the reason of Bitcoin Core.

    For blocks where segwit is active: miners wrote commitments months before, and no nonces.
    ``bad-witness-nonce-size``, ``bad-witness-merkle-match``, ``unexpected-witness``.
    """
    committed = witness_commitment(block)
    if committed is None:
        carried = any(item.witness for tx in block.txs for item in tx.inputs)
        return "unexpected-witness" if carried else None
    reserved = block.txs[0].inputs[0].witness if block.txs[0].inputs else ()
    if len(reserved) != 1 or len(reserved[0]) != 32:
        return "bad-witness-nonce-size"
    if commit_to_witnesses(block.txs, bytes(reserved[0])) != committed:
        return "bad-witness-merkle-match"
    return None
