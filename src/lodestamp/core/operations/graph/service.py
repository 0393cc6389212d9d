"""What a service asks of a grant before it serves: does it allow this now (operations spec S22)."""

from __future__ import annotations

from lodestamp.core.operations.attenuation import Decision, check
from lodestamp.core.operations.graph.grants import Granted
from lodestamp.core.operations.graph.state import State
from lodestamp.core.operations.graph.status import Status


def allows(state: State, cap_id: str, command: str, at: int) -> Decision:
    """Decide whether a capability allows a command at a time, by everything the log holds.

    A revocation that the log holds counts at once, whatever it is concurrent with. Refused with
    ``chain-broken`` when a link has no valid grant, ``revoked``, else as `check`.
    """
    links = state.authority.grants.chain(cap_id)
    for place, link in enumerate(reversed(links)):
        code = _fault(state, link)
        if code:
            return Decision(False, code, place, "a link of the chain does not stand")
    caps = [link.cap for link in reversed(links) if link.cap is not None]
    return check(caps, command, None, None, None, at, speaks_for=lambda _key, _who: True)


def _fault(state: State, link: Granted) -> str:
    statuses = {state.counters.statuses[grant] for grant in link.grants}
    if Status.VALID in statuses:
        return ""
    return "revoked" if Status.REVOKED in statuses else "chain-broken"
