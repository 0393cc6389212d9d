"""Proofs in words, section by section, with nothing judged: what `show` prints."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from types import MappingProxyType
from typing import Final

from lodestamp.core.bitcoin import BlockHeader
from lodestamp.core.proof import Anchor, AnchorKind, Proof, anchor_digest
from lodestamp.core.timestamps import parse_timestamp, walk
from lodestamp.core.transparency import (
    ED25519_COSIGNATURE,
    MLDSA44_COSIGNATURE,
    parse_checkpoint,
    parse_note,
)
from lodestamp.errors import BadNote, LodestampError
from lodestamp.faces.cli.plain import plain, say
from lodestamp.faces.cli.words import date_of


def describe(proof: Proof) -> dict[str, object]:
    """Return what a proof says, as one JSON object: its sections, and the operation's CID."""
    sections = proof.as_json()
    return {"op_id": proof.op_id, **sections}


def print_description(proof: Proof, *, raw: bool = False) -> None:
    """Print every section of a proof, without judging it: in words, or as it stands in the file."""
    lines = list(islice(_sections(proof, raw=raw), LINES_MAX + 1))
    if len(lines) > LINES_MAX:
        lines[LINES_MAX:] = ["… more than can be read; see --json"]
    say("\n".join(lines))


LINES_MAX: Final = 10_000
"""Lines that `show` prints: more than an honest proof has, and less than a hostile one could."""


def _sections(proof: Proof, *, raw: bool) -> Iterator[str]:
    for name, section in proof.as_json().items():
        title = _TITLES.get(name)
        if title is None:
            yield f"{name}: {json.dumps(section)}"
            continue
        yield from ("", f"{name} — {title}")
        if name == "anchors" and not raw:
            yield from _anchors(proof)
            continue
        yield from _lines(section, "  ")
        if name == "checkpoint" and not raw:
            yield from _cosignatures(proof)


def _cosignatures(proof: Proof) -> Iterator[str]:
    """Say who of the carried keys cosigned, and when by their own word."""
    if proof.checkpoint is None:
        return
    try:
        note = parse_note(proof.checkpoint.note.encode())
    except BadNote as error:
        yield f"  the note cannot be read: {error.message}"
        return
    keys = {(vkey.name, vkey.key_id): vkey.key_type for vkey in proof.checkpoint.vkeys}
    for line in note.signatures:
        kind = _COSIGNATURES.get(keys.get((line.name, line.key_id), 0))
        if kind is not None:
            stated = date_of(int.from_bytes(line.blob[:8], "big"))
            yield f"  cosigned by {line.name} ({kind}), dated {stated}"


def _anchors(proof: Proof) -> Iterator[str]:
    for anchor in proof.anchors:
        yield f"  - {anchor.network}: {_KINDS[anchor.kind]}"
        if anchor.height is None:
            yield "    not in a block that the proof carries"
        else:
            run = anchor.run()
            first = BlockHeader.decode(run[0])
            yield f"    block {anchor.height:,}, {first.hash_display}"
            yield f"    dated {date_of(first.time)} by its miner; {len(run):,} headers"
        yield from (f"    {line}" for line in _path(proof, anchor))
        if anchor.chain is not None:
            yield f"    genesis {anchor.chain.genesis_txid[::-1].hex()}"
            yield f"    {len(anchor.chain.covenant.transactions):,} transactions before this one"


def _path(proof: Proof, anchor: Anchor) -> Iterator[str]:
    """Say where the path of an anchor leads, from the digest of the carried checkpoint."""
    try:
        digest = _digest_of(proof)
        timestamp = parse_timestamp(anchor.ots, digest)
    except LodestampError as error:
        yield f"the path cannot be read: {error.message}"
        return
    yield f"from its digest {digest.hex()} to"
    yield from (f"  {message.hex()}: {end}" for message, end in walk(timestamp))


def _digest_of(proof: Proof) -> bytes:
    if proof.checkpoint is None:
        raise BadNote("no checkpoint is carried", code="malformed")
    stated = parse_checkpoint(parse_note(proof.checkpoint.note.encode()).text)
    return anchor_digest(stated.origin, stated.size, stated.root)


_TITLES: Final = MappingProxyType(
    {
        "subject": "what was signed, and what it derives from as far as disclosed",
        "content": "the bytes it speaks of",
        "authority": "by what right: grants from the root on, keys, the log's word for the state",
        "log": "where it stands in the log, and the path to the root",
        "checkpoint": "the log's signed word for that root, and the keys that signed",
        "ledger": "the block that ordered the checkpoint (this version does not check it)",
        "anchors": "its traces in Bitcoin",
    }
)
_KINDS: Final = MappingProxyType(
    {
        AnchorKind.OTS: "by OpenTimestamps",
        AnchorKind.CHAIN: "by a covenant's chain of states",
    }
)
_COSIGNATURES: Final = MappingProxyType(
    {ED25519_COSIGNATURE: "Ed25519", MLDSA44_COSIGNATURE: "ML-DSA-44"}
)
_TIMES: Final = frozenset({"ts:", "captured_at:"})


def _lines(value: object, indent: str) -> Iterator[str]:
    pairs: Iterable[tuple[str, object]]
    if isinstance(value, dict):
        pairs = ((f"{plain(key)}:", item) for key, item in value.items())
    else:
        pairs = (("-", item) for item in value) if isinstance(value, list) else ()
    for lead, item in pairs:
        if isinstance(item, dict | list) and item:
            yield f"{indent}{lead}"
            yield from _lines(item, indent + "  ")
        elif isinstance(item, str) and "\n" in item:
            yield f"{indent}{lead}"
            yield from (f"{indent}  {line}" for line in item.removesuffix("\n").split("\n"))
        else:
            yield f"{indent}{lead} {_scalar(lead, item)}"


def _scalar(lead: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if lead in _TIMES and type(value) is int:
        return f"{value} ({date_of(value)})"
    return json.dumps(value) if value not in ([], {}) else "none"
