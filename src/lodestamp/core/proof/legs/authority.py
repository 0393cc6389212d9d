"""The ``authority`` leg: by what right the author acted (operations spec §5, §7, K9-K11).

An author who names a capability acts under it: the carried grants are its chain, root first, and
each is an operation by the issuer of the capability in it. The chain narrows link by link, its
last audience is the author, and it covers what was done, when it was done. An author who names none
acts in the own right. The chain's root, or that author, is who all of it rests on: pinned, or not.

Documents cannot show what happened elsewhere in the log. That nothing was revoked or refuted, and
that a key replaced since was in force when it signed, is the log's word, given by a state note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import orjson

from lodestamp.core.encoding import JsonObject
from lodestamp.core.keys import KeyId, is_did
from lodestamp.core.operations import (
    GRANT_SKEW_S,
    Cap,
    Operation,
    asked_of,
    check,
    check_chain,
    needed_commands,
    parse_cap,
    parse_op,
    verify_cap,
    verify_op,
)
from lodestamp.core.proof.key_history import KeyHistory
from lodestamp.core.proof.legs.checkpoint import CheckpointFinding
from lodestamp.core.proof.legs.operation import KEY_UNKNOWN, OperationFinding
from lodestamp.core.proof.legs.state import Vouched, check_state
from lodestamp.core.proof.legs.witnesses import SUITE_UNAVAILABLE
from lodestamp.core.proof.model import Authority, Log
from lodestamp.core.proof.trust import Trust, Unpinned
from lodestamp.core.verdict import Fact, Leg, Status
from lodestamp.errors import CapError, KeyEventError, LodestampError

NAME: Final = "authority"
_REASONS: Final = MappingProxyType(
    {
        "op-id-mismatch": "id-mismatch",
        "bad-signature": "bad-signature",
        "key-unknown": "key-unknown",
        SUITE_UNAVAILABLE: "alg-unavailable",
    }
)
_UNKNOWN: Final = frozenset({"alg-unavailable", "key-unknown", "grants-absent"})
_GRANT: Final = "grant"
_BY_STATE: Final = frozenset({"refutation"})
"""What needs a capability that covers its target, unless that is the author's own (S14)."""


@dataclass(frozen=True, slots=True)
class AuthorityFinding:
    """The leg, whether its root is pinned, and signature lines of the state note nobody checked."""

    leg: Leg
    pinned: bool = False
    ignored: tuple[str, ...] = ()


@dataclass(slots=True)
class _Chain:
    """What the documents show: the capabilities, root first, and what only the log can say."""

    history: KeyHistory
    caps: list[Cap] = field(default_factory=list)
    former: set[KeyId] = field(default_factory=set)
    unseen: str = ""

    def speaks_for(self, key_id: KeyId, principal: str) -> bool:
        return self.history.speaks_for(key_id, principal, self.former)


def read_keys(section: Authority) -> KeyHistory | Leg:
    """Fold the carried key operations, or return the leg that says why that cannot be done."""
    try:
        return KeyHistory.read(section.keys)
    except KeyEventError as error:
        return Leg.refuted(NAME, "key_event", f"{error.message}, in /authority/keys")
    except LodestampError as error:
        reason = _REASONS.get(error.code, "schema")
        status = Status.UNKNOWN if reason in _UNKNOWN else Status.REFUTED
        detail = f"{error.message}, in /authority/keys"
        return Leg(NAME, status, f"{NAME}.{reason.replace('-', '_')}", detail=detail)


def check_authority(
    section: Authority,
    history: KeyHistory,
    found: OperationFinding,
    *,
    log: Log | None,
    checkpoint: CheckpointFinding | None,
    trust: Trust | None,
) -> AuthorityFinding:
    """Check chain, then author and scope, then that all keys are needed, then the log's word.

    The operation itself was read and is not refuted.
    """
    operation = found.operation
    if operation is None:
        raise AssertionError("a leg that cannot be read blocks this one")
    if found.leg.code == KEY_UNKNOWN:
        return AuthorityFinding(Leg.unknown(NAME, "key_unknown", found.leg.detail))
    chain = _Chain(history)
    try:
        grants = _read_grants(section.grants, chain)
        _check_subject(operation, chain)
        _check_needed(chain, (operation, *found.disclosed, *grants))
    except CapError as error:
        status = Status.UNKNOWN if error.code in _UNKNOWN else Status.REFUTED
        code = f"{NAME}.{error.code.replace('-', '_')}"
        where = "" if error.link is None else f" (link {error.link} of the chain)"
        return AuthorityFinding(Leg(NAME, status, code, detail=error.reason + where))
    vouched: Vouched | Leg | None = None
    if section.state is not None:
        if log is None or checkpoint is None or checkpoint.checkpoint is None:
            detail = "the state rests on a checkpoint that does not stand"
            return AuthorityFinding(Leg.unknown(NAME, "blocked", detail, counts=False))
        vouched = check_state(section.state, operation, log, checkpoint.signers)
    if isinstance(vouched, Leg):
        return AuthorityFinding(vouched)
    log_pinned = checkpoint is None or checkpoint.leg.status is Status.ESTABLISHED
    return _weigh(operation, chain, vouched, trust, log_pinned=log_pinned)


def _read_grants(wires: Sequence[JsonObject], chain: _Chain) -> list[Operation]:
    """Read the grants and check that each link is granted by who may (S21)."""
    keys = chain.history.keys
    grants = []
    for link, wire in enumerate(wires):
        try:
            grant = parse_op(orjson.dumps(wire))
            if grant.type != _GRANT:
                raise CapError("schema", f"no grant: {grant.op_id}")
            verify_op(grant, keys)
        except LodestampError as error:
            code = _REASONS.get(error.code, "schema")
            raise CapError(code, f"{error.message}, in /authority/grants/{link}") from None
        grants.append(grant)
        _add_link(grant, chain)
    return grants


def _add_link(grant: Operation, chain: _Chain) -> None:
    """Put a grant's capability to the end of the chain, if its issuer could grant it there."""
    cap, link = parse_cap(grant.body["cap"]), len(chain.caps)
    try:
        verify_cap(cap, chain.history.keys)
    except CapError as error:
        raise CapError(error.code, error.reason, link=link) from None
    if grant.author != cap.issuer:
        raise CapError("bad-issuer", f"{grant.author} grants what {cap.issuer} issued", link=link)
    if cap.not_before > grant.ts + GRANT_SKEW_S:
        raise CapError("not-yet-valid", f"it begins at {cap.not_before}", link=link)
    above = list(chain.caps)
    check_chain([*above, cap], speaks_for=chain.speaks_for)
    chain.caps.append(cap)
    if not above or chain.speaks_for(cap.issuer, cap.subject):
        return
    if grant.cap != cap.parent:
        raise CapError("no-authority", "its grant is not made under its parent", link=link)
    _check_acting(grant, above, chain)


def _check_subject(operation: Operation, chain: _Chain) -> None:
    """Check what the operation did against the chain that it names."""
    caps = list(chain.caps)
    if operation.cap is None:
        if caps:
            raise CapError("chain-broken", "the operation names no capability, yet has grants")
    elif not caps:
        raise CapError("grants-absent", f"no grant of {operation.cap} is carried")
    elif caps[-1].cap_id != operation.cap:
        message = f"the operation names {operation.cap}, not {caps[-1].cap_id}"
        raise CapError("chain-broken", message, link=len(caps) - 1)
    elif not chain.speaks_for(operation.author, caps[-1].audience):
        message = f"{operation.author} does not speak for {caps[-1].audience}"
        raise CapError("no-authority", message, link=len(caps) - 1)
    elif operation.type in _BY_STATE or not needed_commands(operation):
        chain.unseen = f"the right to a {operation.type} does not follow from the grants alone"
    else:
        _check_acting(operation, caps, chain)
    if operation.type != _GRANT:
        return
    parent = parse_cap(operation.body["cap"]).parent
    if operation.cap is None and parent is not None:
        raise CapError("grants-absent", f"no grant of its parent {parent} is carried")
    _add_link(operation, chain)


def _check_acting(operation: Operation, caps: Sequence[Cap], chain: _Chain) -> None:
    """Check that a chain allows what an operation did, at its time (S20, S22, S23)."""
    asked = asked_of(operation)
    decisions = [
        check(caps, command, *asked, operation.ts, speaks_for=chain.speaks_for)
        for command in needed_commands(operation)
    ]
    if not any(decision.allowed for decision in decisions):
        first = decisions[0]
        raise CapError(first.code, first.detail, link=first.link)


def _check_needed(chain: _Chain, operations: Sequence[Operation]) -> None:
    """Check that every carried identity is one that somebody here speaks for or by."""
    used = {operation.author for operation in operations}
    named = {name for cap in chain.caps for name in (cap.audience, cap.subject)}
    for did, identity in chain.history.identities.items():
        if did not in named and not identity.shown & used:
            raise CapError("schema", f"nobody here speaks for {did}, whose keys are carried")


def _weigh(
    operation: Operation,
    chain: _Chain,
    vouched: Vouched | None,
    trust: Trust | None,
    *,
    log_pinned: bool,
) -> AuthorityFinding:
    """Say what the leg rests on: who is pinned, and what the log says."""
    root = chain.caps[0] if chain.caps else None
    issuer = root.issuer if root else operation.author
    principals = [issuer, *chain.history.dids_of(issuer)]
    if root and is_did(root.subject) and root.subject not in principals:
        principals.append(root.subject)
    pins = [pin for name in principals if trust and (pin := trust.author(name))]
    facts: dict[str, Fact] = {"root": root.subject if root else operation.author}
    if operation.cap is not None:
        facts |= {"cap_id": operation.cap, "links": len(chain.caps) - (operation.type == _GRANT)}
    if pins:
        facts["pinned"] = pins[0].label or pins[0].id
    if vouched:
        facts["state_size"] = vouched.size
    lack = chain.unseen
    if chain.former:
        lack = f"{min(chain.former)} was replaced, and only the log knows whether before it signed"
    unpinned = trust is not None and trust.unpinned is Unpinned.UNKNOWN
    if lack and vouched is None:
        return AuthorityFinding(_gap("state_absent", lack, facts))
    if unpinned and not pins:
        return AuthorityFinding(_gap("key_not_pinned", f"nothing pins the root {issuer}", facts))
    if vouched and not log_pinned:
        detail = "the log whose word the state is, is not pinned"
        return AuthorityFinding(_gap("key_not_pinned", detail, facts))
    basis = f"{'pinned' if pins else 'self-asserted'} {'root grant' if root else 'author'}"
    if vouched:
        basis += f"; not revoked and not refuted as of log size {vouched.size}, on the log's word"
    elif root:
        basis += "; revocations not shown"
    leg = Leg(NAME, Status.ESTABLISHED, basis=basis, facts=facts)
    return AuthorityFinding(leg, bool(pins), vouched.ignored if vouched else ())


def _gap(reason: str, detail: str, facts: dict[str, Fact]) -> Leg:
    return Leg(NAME, Status.UNKNOWN, f"{NAME}.{reason}", detail=detail, facts=facts)
