"""What a spend binds, read back from its witness and outputs (T1-T6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from lodestamp.core.bitcoin import Transaction, TxOut, sha256
from lodestamp.core.content import covenant_layout
from lodestamp.core.covenants.covenant import Covenant
from lodestamp.core.covenants.forced import anchored_value
from lodestamp.core.covenants.kinds import BatchMember, CidLock, DagPath, Kind
from lodestamp.core.covenants.paths import check_path
from lodestamp.core.encoding import Cid
from lodestamp.core.verdict import Fact
from lodestamp.errors import CovenantError, EncodingError

_STATE_ITEMS = slice(8, 13)
"""Where T6 shows the rest, the state, bytes 80-88 and 0-80 of the transaction before, the root."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What was bound, in words and as facts; `content` are the bytes that were published."""

    words: str
    facts: Mapping[str, Fact]
    content: bytes | None = None


def bound_by(
    cov: Covenant, tx: Transaction, index: int, spent: Sequence[TxOut], items: Sequence[bytes]
) -> Bound:
    """Return what input `index`, which the machine accepted, binds; `items` lie below its leaf.

    CovenantError ``path`` where a DAG path is none (R27), ``member`` where what a batch holds is
    no CID.
    """
    match cov.params:
        case CidLock() as params:
            content = b"".join(items[1:])
            facts: dict[str, Fact] = {"cid": str(Cid.decode(params.cid)), "size": len(content)}
            return Bound("the bytes of this CID were published", facts, content)
        case BatchMember() as params:
            return _bound_member(params, items)
        case DagPath() as params:
            return _bound_path(params, items)
        case _:
            return _bound_outputs(cov, tx, index, spent, items)


def _bound_member(params: BatchMember, items: Sequence[bytes]) -> Bound:
    try:
        member = str(Cid.decode(items[-1]))
    except EncodingError as error:
        raise CovenantError(f"the member is no CID: {error}", code="member") from error
    place = "".join("r" if side == b"" else "l" for side in reversed(items[1:-1:2]))
    facts: dict[str, Fact] = {
        "cid": member,
        "root": params.root.hex(),
        "depth": params.depth,
        "sides": place,
    }
    return Bound("this CID is a member of the batch", facts)


def _bound_path(params: DagPath, items: Sequence[bytes]) -> Bound:
    levels, content = read_path(params, items)
    numbers = check_path(levels, content)
    facts: dict[str, Fact] = {
        "root": str(Cid.decode(bytes.fromhex("01701220") + params.root)),
        "leaf": str(Cid.decode(bytes.fromhex("01551220") + levels[-1].digest)),
        "links": [str(each) for each in numbers],
        "size": None if content is None else len(content),
    }
    shown = "the leaf's bytes were published" if content is not None else "the leaf is a member"
    return Bound(f"{shown} under the root of this DAG", facts, content)


def read_path(
    params: DagPath, items: Sequence[bytes]
) -> tuple[tuple[covenant_layout.Level, ...], bytes | None]:
    """Return the blocks that T2B's items rebuild, root first, and the leaf's bytes if shown."""
    rest = iter(items[1:])
    cuts = []
    for before, after in reversed(params.levels):
        suffix = _joined(rest, after)
        cuts.append((_joined(rest, before), suffix))
    last = b"".join(rest)
    content = None if params.chunks is None else last
    digest = last if content is None else sha256(content)
    levels: list[covenant_layout.Level] = []
    for prefix, suffix in reversed(cuts):
        levels.append(covenant_layout.Level(prefix, digest, suffix))
        digest = sha256(prefix + digest + suffix)
    return tuple(reversed(levels)), content


def _joined(items: Iterator[bytes], count: int) -> bytes:
    return b"".join(islice(items, count))


def _bound_outputs(
    cov: Covenant, tx: Transaction, index: int, spent: Sequence[TxOut], items: Sequence[bytes]
) -> Bound:
    anchors = [value for each in tx.outputs if (value := anchored_value(each.script))]
    facts: dict[str, Fact] = {"anchors": [each.hex() for each in anchors]}
    if cov.kind in {Kind.T3, Kind.T4}:
        facts["outputs"] = len(tx.outputs)
        return Bound("every output was fixed when the coin was made", facts)
    facts |= {"anyone": cov.owner is None, "amount": spent[index].amount}
    whose = "anyone may write the next" if cov.owner is None else "only the owner writes the next"
    if cov.kind is Kind.T5:
        facts["root"] = anchors[0].hex()
        return Bound(f"the coin goes on to the same script beside this root; {whose}", facts)
    _, old, _, _, root = items[_STATE_ITEMS]
    facts |= {
        "root": root.hex(),
        "old_state": old.hex(),
        "state": anchors[0].hex(),
        "previous": tx.inputs[index].prevout.txid_display,
    }
    return Bound(f"the state follows from the one before it; {whose}", facts)
