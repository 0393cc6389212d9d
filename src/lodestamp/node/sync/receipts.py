"""A delegate's receipt: what was shown to it is gone, and it signs that (S28, S29).

The receipt stands on the revocation, whose own past is hidden from the delegate, so it is no leaf
of the delegate's log. It goes to the owner, in whose log everything it names is.
"""

from __future__ import annotations

from dataclasses import dataclass

from lodestamp.core.encoding import address_of_digest, content_address
from lodestamp.core.keys import KeyId, PublicKey
from lodestamp.core.operations import (
    Operation,
    build_op,
    parse_cap,
    parse_op,
    purged_root_of,
    receipt,
)
from lodestamp.errors import AccessError, LodestampError, RecordError
from lodestamp.node.recorder import Authorship
from lodestamp.node.sync.delegation import RECEIPTS_MAX
from lodestamp.node.sync.messages import split_lines
from lodestamp.node.sync.shallow import ShallowStore


@dataclass(frozen=True, slots=True)
class MadeReceipt:
    """A receipt, how many attestations it says were purged, and the root over their ids."""

    op: Operation
    purged: int
    purged_root: str


def author_receipt(  # noqa: PLR0917  what a receipt says, in its order
    shallow: ShallowStore,
    cap_id: str,
    revocation_op: str,
    by: Authorship,
    statement: str,
    ts: int,
) -> MadeReceipt:
    """Erase what is kept under a grant, then sign a receipt and keep that with it.

    RecordError, with nothing erased: ``not-audience`` when the grant is another's, ``not-revoked``
    when `revocation_op` does not revoke it, ``key-unknown`` when our key id does not carry the key,
    for then the owner could not check it. StoreError ``log-busy`` as `ShallowStore.purge`.
    """
    kept = shallow.operations(cap_id)
    own = by.signer.key_id
    _require_audience(kept, cap_id, own)
    named = [op for op in kept if op.op_id == revocation_op and op.type == "revocation"]
    if not named or named[0].body["cap_id"] != cap_id:
        raise RecordError(f"{revocation_op} does not revoke {cap_id}", code="not-revoked")
    gone = [address_of_digest(digest) for digest in shallow.purge(cap_id)]
    purged_root = purged_root_of(gone)
    body = receipt(
        cap_id=cap_id,
        revocation_op=revocation_op,
        purged_attestations=len(gone),
        statement=statement,
        purged_root=purged_root,
    )
    # a chain of its own for each grant: in the delegate's log these operations have no place
    label = f"receipt/{content_address([by.node, cap_id]).removeprefix('sha256:')}"
    before = [op.op_id for op in kept if op.type == "receipt" and op.node == label]
    prev = sorted({revocation_op, *before[-1:]})
    op = build_op(by.signer, label, "receipt", body, prev, ts, version=2, seq=len(before))
    _, refused = shallow.receive(cap_id, [op.wire], own)
    if refused:
        raise RecordError("the receipt does not fit its grant", code=refused[0][1])
    return MadeReceipt(op, len(gone), purged_root)


def check_receipts(body: bytes, key_id: KeyId, cap_id: str | None) -> None:
    """Check that a delegate pushes nothing but its own receipts of its grant.

    AccessError ``forbidden`` for anything else.
    """
    for line in split_lines(body, RECEIPTS_MAX):
        try:
            op = parse_op(line)
        except LodestampError:
            continue  # the recorder answers for what is no operation
        if op.type != "receipt" or op.author != key_id or op.body["cap_id"] != cap_id:
            raise AccessError("a delegate sends its own receipts only", code="forbidden")


def _require_audience(kept: list[Operation], cap_id: str, own: KeyId) -> None:
    caps = [parse_cap(op.body["cap"]) for op in kept if op.type == "grant"]
    if not any(cap.cap_id == cap_id and cap.audience == own for cap in caps):
        raise RecordError("only a grant's audience gives a receipt", code="not-audience")
    if PublicKey.parse_key_id(own) is None:
        raise RecordError("the owner could not know this key", code="key-unknown")
