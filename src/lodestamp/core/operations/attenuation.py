"""Chains of capabilities: each link at most as wide as the one before it (operations spec §5).

A chain stands from the root, which has no parent, to the capability that is used; at most five
links. `check` answers whether the last of them allows something at a time; what a log alone knows,
such as revocations and who speaks for a DID, is handed in.

Everything compares the sets that the fields stand for. A predicate covers itself, and in version 2
``prefers.*`` covers every longer name below ``prefers``, though not ``prefers``. A resource covers
itself, or by one final ``*`` everything that begins as it does; no resources at all means any.

>>> predicate_covers("prefers.*", "prefers.tea"), predicate_covers("prefers.*", "prefers")
(True, False)
>>> resource_covers("mail/*", "mail/2025/1"), resource_covers("mail/", "mail/2025")
(True, False)
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from lodestamp.core.keys import KeyId
from lodestamp.core.operations.bodies import USER
from lodestamp.core.operations.caps import Cap, Rate
from lodestamp.core.operations.commands import NEEDED_COMMANDS, USER_CLAIM, command_covers
from lodestamp.core.operations.envelope import Operation
from lodestamp.core.operations.limits import CHAIN_MAX
from lodestamp.errors import CapError

SpeaksFor = Callable[[KeyId, str], bool]
"""Whether a key speaks for a principal: it is that key id, or in force for that DID."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether something is allowed; if not, the code of `CapError`, the link at fault, and why."""

    allowed: bool
    code: str = ""
    link: int | None = None
    detail: str = ""


def is_same_key(key_id: KeyId, principal: str) -> bool:
    """Tell whether a principal is this very key id; a DID needs a key log, so it never is."""
    return key_id == principal


def predicate_covers(held: str, asked: str, *, version: int = 2) -> bool:
    """Tell whether one predicate covers another, which may itself end in ``.*``.

    In version 1 only a predicate itself is covered, whatever it ends in.
    """
    if asked == held:
        return True
    below = held[:-1]  # "prefers." of "prefers.*"
    wild = version >= 2 and held.endswith(".*")
    return wild and len(asked) > len(below) and asked.startswith(below)


def resource_covers(held: str, asked: str) -> bool:
    """Tell whether a resource covers this one name, in which ``*`` means nothing."""
    return asked == held or (held.endswith("*") and asked.startswith(held[:-1]))


def resource_narrows(child: str, parent: str) -> bool:
    """Tell whether every name that one resource covers is covered by another."""
    if child == parent or not child.endswith("*"):
        return resource_covers(parent, child)
    return parent.endswith("*") and child[:-1].startswith(parent[:-1])


def rate_within(child: Rate | None, parent: Rate | None) -> bool:
    """Tell whether one rate admits no more per second than another; None admits everything."""
    if parent is None:
        return True
    return child is not None and child.count * parent.per_s <= parent.count * child.per_s


def attenuates(child: Cap, parent: Cap, *, speaks_for: SpeaksFor = is_same_key) -> None:
    """Check that a capability passes on no more than its issuer was given.

    CapError ``chain-broken`` when it names another parent, ``bad-issuer`` when its issuer does not
    speak for the parent's audience, ``not-attenuated`` for the first thing in which it is wider:
    subject, depth, commands, predicates, confidence, resources, rate, window.
    """
    if child.parent != parent.cap_id:
        raise CapError("chain-broken", f"its parent is {child.parent}, not {parent.cap_id}")
    if not speaks_for(child.issuer, parent.audience):
        raise CapError("bad-issuer", f"{child.issuer} does not speak for {parent.audience}")
    narrower = {
        "the subject is another": child.subject == parent.subject,
        "no link may follow at this depth": child.depth_left < parent.depth_left,
        "a command is not covered": _each_covered(
            child.commands, parent.commands, lambda asked, held: command_covers(held, asked)
        ),
        "a predicate is not covered": _each_covered(
            child.predicates,
            parent.predicates,
            lambda asked, held: predicate_covers(held, asked, version=parent.v),
        ),
        "less confidence is asked": child.min_confidence_bp >= parent.min_confidence_bp,
        "a resource is not covered": not parent.resources
        or (
            bool(child.resources)
            and _each_covered(child.resources, parent.resources, resource_narrows)
        ),
        "the rate is higher": rate_within(child.rate, parent.rate),
        "the window is longer": parent.not_before <= child.not_before
        and child.expires_at <= parent.expires_at,
    }
    for wider, holds in narrower.items():
        if not holds:
            raise CapError("not-attenuated", wider)


def check(  # noqa: PLR0917  what is asked, in the order of the rule S23
    cap_chain: Sequence[Cap],
    command: str,
    predicate: str | None,
    confidence_bp: int | None,
    resource: str | None,
    at: int,
    *,
    revoked: Collection[str] = (),
    speaks_for: SpeaksFor = is_same_key,
) -> Decision:
    """Decide whether a chain, root first, allows `command` at `at` (Unix seconds).

    `predicate`, `confidence_bp` and `resource` are None for what the command does not concern;
    `revoked` holds the cap_ids whose revocation counts. A refusal bears the first code that
    applies: ``chain-broken`` ``chain-too-long`` ``bad-issuer`` ``not-attenuated`` of the links,
    then ``revoked`` ``not-yet-valid`` ``expired`` from the root on, then ``out-of-scope``.
    Signatures are for `verify_cap`.
    """
    try:
        check_chain(cap_chain, speaks_for=speaks_for)
        for link, cap in enumerate(cap_chain):
            _check_usable(cap, link, at, revoked)
        _check_scope(cap_chain, command, predicate, confidence_bp, resource)
    except CapError as error:
        return Decision(allowed=False, code=error.code, link=error.link, detail=error.reason)
    return Decision(allowed=True)


def check_chain(cap_chain: Sequence[Cap], *, speaks_for: SpeaksFor = is_same_key) -> None:
    """Check that capabilities form a chain, root first, in which none widens the one before.

    CapError with the link at fault: ``chain-broken`` for an empty chain, or a first link that has a
    parent; ``chain-too-long`` for more than five; ``bad-issuer`` when the first is not issued by
    its subject; else as `attenuates`.
    """
    if not cap_chain:
        raise CapError("chain-broken", "there is no capability")
    if len(cap_chain) > CHAIN_MAX:
        raise CapError("chain-too-long", f"{len(cap_chain)} links, more than {CHAIN_MAX}")
    root = cap_chain[0]
    if root.parent is not None:
        raise CapError("chain-broken", f"its parent {root.parent} is not there", link=0)
    if not speaks_for(root.issuer, root.subject):
        raise CapError("bad-issuer", f"{root.issuer} does not speak for {root.subject}", link=0)
    for link, (parent, child) in enumerate(pairwise(cap_chain), start=1):
        try:
            attenuates(child, parent, speaks_for=speaks_for)
        except CapError as error:
            raise CapError(error.code, error.reason, link=link) from None


def asked_of(op: Operation) -> tuple[str | None, int | None, str | None]:
    """Return what an operation concerns: predicate, confidence in basis points, resource (S23).

    None for what its own body does not say; a refutation concerns what its target does (S14).
    """
    body: Any = op.body
    if op.type == "evidence":
        return None, None, body["source"]
    if op.type in {"claim", "attestation"}:
        return body["predicate"], body["confidence_bp"], body["subject"]
    return None, None, None


def needed_commands(op: Operation) -> tuple[str, ...]:
    """Return the commands of which an author acting under a capability needs any one.

    None for types that are never authored under one. A user claim needs its own (S20).
    """
    if op.type == "claim" and op.body["deriver"] == USER:
        return (USER_CLAIM,)
    return NEEDED_COMMANDS.get(op.type, ())


def _each_covered(
    asked: Iterable[str], held: Sequence[str], covers: Callable[[str, str], bool]
) -> bool:
    return all(any(covers(each, other) for other in held) for each in asked)


def _check_usable(cap: Cap, link: int, at: int, revoked: Collection[str]) -> None:
    if cap.cap_id in revoked:
        raise CapError("revoked", f"{cap.cap_id} was revoked", link=link)
    if at < cap.not_before:
        raise CapError("not-yet-valid", f"it begins at {cap.not_before}", link=link)
    if at >= cap.expires_at:
        raise CapError("expired", f"it expired at {cap.expires_at}", link=link)


def _check_scope(
    cap_chain: Sequence[Cap],
    command: str,
    predicate: str | None,
    confidence_bp: int | None,
    resource: str | None,
) -> None:
    """Check the last link only: it covers nothing that the links before it do not."""
    cap, link = cap_chain[-1], len(cap_chain) - 1
    if not any(command_covers(held, command) for held in cap.commands):
        raise CapError("out-of-scope", f"{command!r:.80} is not among its commands", link=link)
    if predicate is not None and not any(
        predicate_covers(held, predicate, version=cap.v) for held in cap.predicates
    ):
        raise CapError("out-of-scope", f"{predicate!r:.80} is not among its predicates", link=link)
    if confidence_bp is not None and confidence_bp < cap.min_confidence_bp:
        raise CapError("out-of-scope", f"a confidence below {cap.min_confidence_bp}", link=link)
    if (
        resource is not None
        and cap.resources
        and not any(resource_covers(held, resource) for held in cap.resources)
    ):
        raise CapError("out-of-scope", f"{resource!r:.80} is not among its resources", link=link)
