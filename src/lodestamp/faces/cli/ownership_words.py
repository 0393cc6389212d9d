"""Drafts and proofs of ownership, in words and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lodestamp.faces.cli.exits import print_json
from lodestamp.faces.cli.ownership_reading import print_table
from lodestamp.faces.cli.plain import say

if TYPE_CHECKING:
    from lodestamp.core.bitcoin import NetworkParams
    from lodestamp.core.ownership import ReadBack
    from lodestamp.node.scanner import Draft


def show_draft(draft: Draft, net: NetworkParams, written: Sequence[Path], *, as_json: bool) -> None:
    """Print what is to be written: the steps, their txids, what they would do, how far it is."""
    txids = [None if each is None else each[::-1].hex() for each in draft.txids]
    if as_json:
        print_json(
            {
                "plan": draft.plan.as_json(),
                "fee_rate": draft.fee_rate,
                "txids": txids,
                "judgement": draft.judged.as_json(),
                "signed": len(draft.signed),
                "psbts": [str(each) for each in written],
                "sent": draft.is_sent,
            }
        )
        return
    rows = [
        (step.purpose, txid or "not before the step before it is signed", f"{step.vsize:,}")
        for step, txid in zip(draft.plan.steps, txids, strict=True)
    ]
    print_table(f"plan of {draft.judged.sha1}", ("step", "transaction", "vB"), rows)
    say(f"fee        {draft.plan.fee:,} satoshi, at {draft.fee_rate:,} per 1,000 vB")
    say(f"judgement  {_judged(draft.judged, net)}")
    for path in written:
        say(f"to sign    {path}")
    say(f"           {_state(draft, written)}")


def _judged(found: ReadBack, net: NetworkParams) -> str:
    from lodestamp.node.scanner import address_of  # noqa: PLC0415

    if found.reason is not None:
        return f"would have NO EFFECT: {found.reason}"
    who = address_of(found.receiver, net) if found.receiver else "nobody"
    gets = f"{found.units:,} units" if found.units else f"{found.amount:,} satoshi"
    price = f" for {found.amount:,} satoshi" if found.units and found.amount else ""
    return f"would be valid: {found.kind}, {who} gets {gets}{price}"


def _state(draft: Draft, written: Sequence[Path]) -> str:
    if draft.is_sent:
        return "sent"
    if draft.is_whole:
        return "signed, not sent: --broadcast sends it"
    if written:
        return "not signed: sign the PSBTs, then repeat with --finalize FILE for each"
    if draft.signed:
        return f"{len(draft.signed)} of {len(draft.plan.steps)} signed: --psbt writes the next"
    return "not signed, nothing was sent"
