"""Asking an owner for what it granted us (Y5, S26)."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from lodestamp.core.encoding import is_content_address
from lodestamp.core.keys import KeyId
from lodestamp.core.operations import Operation
from lodestamp.errors import InputError, PeerError, UsageError
from lodestamp.node.recorder import RecordStatus
from lodestamp.node.sync.limits import PEER_ERRORS_MAX
from lodestamp.node.sync.messages import End, in_peers_words, is_end, parse_members
from lodestamp.node.sync.peer import Peer
from lodestamp.node.sync.report import SyncReport
from lodestamp.node.sync.shallow import DELEGATED_LINES_MAX, ShallowStore
from lodestamp.node.sync.transfer import BASE

_RESTORED: Final = b'"state":"restored"'


def receive_delegated(
    shallow: ShallowStore, peer: Peer, cap_id: str, audience: KeyId
) -> SyncReport:
    """Receive what came since the last time under a grant to `audience`, and keep what checks.

    PeerError ``not-found`` when the owner knows no such grant to this key. UsageError when the id
    is none.
    """
    if not is_content_address(cap_id):
        raise UsageError(f"{cap_id[:80]!r} is no grant's id", code="bad-cap-id")
    receipts = _receipts(shallow, cap_id, audience)
    # our receipts stand among what was received, and may not be in the owner's count yet
    after = 0 if receipts else shallow.count(cap_id)
    target = f"{BASE}/delegated?cap={quote(cap_id, safe=':')}&after={after}"
    wires, end = _read(peer, target)
    if any(_RESTORED in wire for wire in wires):  # its attestation came before `after`
        wires, end = _read(peer, target.replace(f"after={after}", "after=0"))
    received, refused = shallow.receive(cap_id, wires, audience)
    held = set(wires)
    sent = _send(peer, [op.wire for op in receipts if op.wire not in held])
    return SyncReport(
        peer=peer.url,
        relation="behind" if wires else "equal",
        rounds=peer.requests,
        bytes_sent=peer.bytes_sent,
        bytes_received=peer.bytes_received,
        received=received,
        sent=sent,
        pending=0,
        rejected=tuple(refused),
        equivocations=0,
        withheld=(),
        complete=end.count == len(wires) and len(refused) < PEER_ERRORS_MAX,
    )


def _receipts(shallow: ShallowStore, cap_id: str, audience: KeyId) -> list[Operation]:
    kept = shallow.operations(cap_id)
    return [op for op in kept if op.type == "receipt" and op.author == audience]


def _send(peer: Peer, receipts: list[bytes]) -> int:
    """Bring the owner our receipts; PeerError with the code of one that it refuses."""
    if not receipts:
        return 0
    sent = 0
    for line in peer.lines("POST", f"{BASE}/push", b"".join(each + b"\n" for each in receipts)):
        answer = parse_members(line, {"op_id", "status"}, optional={"code", "missing"})
        if answer["status"] == RecordStatus.REJECTED:
            raise PeerError(str(answer.get("code", "bad-answer"))[:64], "it refused a receipt")
        sent += answer["status"] == RecordStatus.NEW
    return sent


def _read(peer: Peer, target: str) -> tuple[list[bytes], End]:
    wires: list[bytes] = []
    end: End | None = None
    for line in peer.lines("GET", target):
        if end is not None or len(wires) == DELEGATED_LINES_MAX:
            raise PeerError("bad-answer", "its stream does not end where it should")
        if is_end(line):
            try:
                end = End.parse(line)
            except InputError as error:
                raise in_peers_words(error) from error
        else:
            wires.append(line)
    if end is None:
        raise PeerError("cut-short", "its answer has no end")
    return wires, end
