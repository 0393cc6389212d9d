"""Lending authority and taking it back: grants, revocations, attestations, receipts (§5, §6).

What is recorded here may be without effect, where its author had no right to it: the log keeps it,
and `status` says so. Refused is only what could never be of use to anybody.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any

from lodestamp.core.encoding import JsonObject, base64_encode
from lodestamp.core.operations import (
    READ_CLAIMS,
    SALT_SIZE,
    Cap,
    Rate,
    attestation,
    build_cap,
    build_cap_1,
    check_chain,
    commit,
    derived_from,
    grant,
    notice,
    purged_root_of,
    receipt,
    revocation,
)
from lodestamp.errors import RecordError, UsageError
from lodestamp.node import recorder
from lodestamp.node.clock import now_ms, now_s
from lodestamp.node.identities import Identities
from lodestamp.node.recorder import Private, Recorded, RecordStatus
from lodestamp.node.roots import read_roots
from lodestamp.node.sync import Peers, author_receipt
from lodestamp.node.writing import Writing, then, widened

_NONCE_SIZE = 16


@dataclass(frozen=True, slots=True)
class Granted(Recorded):
    """A recorded grant: its capability, and the ids of the chain it ends, the root's first."""

    cap_id: str = ""
    chain: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Revoked(Recorded):
    """A recorded revocation, and the ids of the capabilities below, which fall too (S24)."""

    children: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attested(Recorded):
    """A recorded attestation: its commitment, and what opens that. The opening is private."""

    commitment: str = ""
    opening: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Receipted(Recorded):
    """A recorded receipt: how many attestations it says are gone, and the root over their ids."""

    purged: int = 0
    purged_root: str = ""


class Authority(Writing):
    """Verbs of authority. Ids of keys and identities may be given as names, too."""

    identities: Identities
    peers: Peers

    def grant(self, audience: str, **terms: Any) -> Granted:
        """Record a grant to a key or an identity; `terms` and errors as `grant_future`."""
        return self.grant_future(audience, **terms).result()

    def grant_future(
        self,
        audience: str,
        *,
        predicates: Sequence[str],
        expires_at: int,
        commands: Sequence[str] = (READ_CLAIMS,),
        min_confidence_bp: int = 0,
        not_before: int | None = None,
        resources: Sequence[str] = (),
        rate: Rate | None = None,
        parent: str | None = None,
        depth: int = 0,
        fp1: bool = False,
    ) -> Future[Granted]:
        """Hand in a grant and return at once; the future resolves on disk.

        Times are Unix seconds, `not_before` is now by default. `depth` is how many links may follow
        (0 to 4). With `parent`, the id of a capability we hold, a narrower one is cut from it, and
        its grant acts under it. With `fp1` the capability is one of version 1, which has no
        commands, resources, rate or parent.

        CapError ``chain-broken`` when the log does not grant the parent, ``not-attenuated`` when
        the new one were wider, ``bad-issuer`` when the parent is not ours; OpError for terms
        outside the schema. UsageError for terms that version 1 has not.
        """
        by = self._recorder.authorship
        said: dict[str, Any] = {
            "audience": self.identities.meant(audience),
            "predicates": sorted(set(predicates)),
            "expires_at": expires_at,
            "min_confidence_bp": min_confidence_bp,
        }
        begins = now_s() if not_before is None else not_before
        above: tuple[Cap, ...] = ()
        if fp1:
            if resources or rate or parent or depth or tuple(commands) != (READ_CLAIMS,):
                raise UsageError("a grant of version 1 has no commands, resources, rate or chain")
            cap = build_cap_1(by.signer, issued_at=begins, **said)
            by = replace(by, version=1, cap=None)
        else:
            above = self._chain_of(parent) if parent is not None else ()
            cap = build_cap(
                by.signer,
                not_before=begins,
                commands=sorted(set(commands)),
                resources=sorted(set(resources)),
                rate=rate,
                nonce=secrets.token_bytes(_NONCE_SIZE),
                subject=above[-1].subject if above else None,
                parent=parent,
                depth_left=depth,
                **said,
            )
            if above:
                self._check_chain((*above, cap))
                by = replace(by, cap=parent)
        chain = (*(each.cap_id for each in above), cap.cap_id)
        recorded = self._author("grant", grant(cap), by=by)
        return then(recorded, lambda each: widened(Granted, each, cap_id=cap.cap_id, chain=chain))

    def revoke(self, cap_id: str, *, reason: str, deadline: int | None = None) -> Revoked:
        """Record that a grant ends, for good; what was cut from it ends too.

        `deadline`, Unix seconds, is by when a receipt is due (default: a day later). It may name a
        capability that the log does not know yet (S24).
        """
        recorded = self.revoke_future(cap_id, reason=reason, deadline=deadline).result()
        with self._state() as graph:
            return widened(Revoked, recorded, children=tuple(graph.caps_below(cap_id)))

    def revoke_future(
        self, cap_id: str, *, reason: str, deadline: int | None = None
    ) -> Future[Recorded]:
        """Hand in a revocation and return at once; the future resolves on disk."""
        body = revocation(cap_id=cap_id, reason=reason)
        return self._author("revocation", body, private=Private(deadline=deadline))

    def attest(self, cap_id: str, claim_op: str, *, confidence_bp: int | None = None) -> Attested:
        """Show a claim to the audience of a grant, with a commitment to what it rests on.

        `confidence_bp` may lower the claim's. The master salt stays in this home; `opening` is what
        opens the commitment. UnknownOperation, RecordError ``wrong-reference-type`` for what is no
        claim, CausalError when the log does not grant the capability.
        """
        return self.attest_future(cap_id, claim_op, confidence_bp=confidence_bp).result()

    def attest_future(
        self, cap_id: str, claim_op: str, *, confidence_bp: int | None = None
    ) -> Future[Attested]:
        """Hand in an attestation and return at once; the future resolves on disk."""
        op = self.op(claim_op)
        if op.type != "claim":
            raise RecordError(f"{claim_op} is of type {op.type}", code="wrong-reference-type")
        said: Any = op.body
        by, salt = self._recorder.authorship, secrets.token_bytes(SALT_SIZE)
        with self._state() as graph:
            cap = graph.cap(cap_id)
        if by.cap is None and cap is not None:
            by = replace(by, cap=cap.parent)  # who passes on what it was given acts under that
        sources = sorted(derived_from(op))
        commitment = commit(claim_op, sources, salt=salt, version=by.version)
        body = attestation(
            cap_id=cap_id,
            claim_op=claim_op,
            subject=said["subject"],
            predicate=said["predicate"],
            object=said["object"],
            confidence_bp=said["confidence_bp"] if confidence_bp is None else confidence_bp,
            provenance_commitment=commitment,
            attested_at=now_s(),
        )
        opening: JsonObject = {
            "claim_op": claim_op,
            "derived_from": list(sources),
            "salt": base64_encode(salt),
        }
        recorded = self._author("attestation", body, by=by, private=Private(master_salt=salt))
        return then(
            recorded, lambda each: widened(Attested, each, commitment=commitment, opening=opening)
        )

    def notify(self, cap_id: str) -> list[Recorded]:
        """Tell the audience of a grant which attestations of ours went stale, or stand again (S26).

        One signed notice for each change since the last; the grant's next session carries them. Of
        grants that others issued there is nothing to say.
        """
        by = self._recorder.authorship
        with self._state() as graph:
            cap = graph.cap(cap_id)
            if cap is None or cap.issuer != by.signer.key_id:
                return []
            changes = graph.unnoticed(cap_id)
        if by.cap is None:
            by = replace(by, cap=cap.parent)
        bodies = [
            notice(attestation_op=op_id, state=state, audience=cap.audience)
            for op_id, state in changes
        ]
        return [each.result() for each in [self._author("notice", body, by=by) for body in bodies]]

    def receipt(self, cap_id: str, *, revocation_op: str, statement: str = "purged") -> Receipted:
        """Erase what was shown to us under a revoked grant (S28), then sign that it is gone.

        What an owner sent is erased in `peers.shallow`, and the receipt goes to the owner with the
        next ``sync`` of the grant; a grant of this very log is receipted in it. RecordError
        ``not-audience`` unless we are the grant's, ``not-revoked`` unless `revocation_op` revokes
        it: nothing is erased then. StoreError ``log-busy`` as `purge`.
        """
        shallow = self.peers.shallow
        if shallow.count(cap_id):
            made = author_receipt(
                shallow, cap_id, revocation_op, self._recorder.authorship, statement, now_s()
            )
            return Receipted(
                made.op.op_id,
                None,
                0,
                RecordStatus.NEW,
                purged=made.purged,
                purged_root=made.purged_root,
            )
        return self._receipt_here(cap_id, revocation_op, statement)

    def _receipt_here(self, cap_id: str, revocation_op: str, statement: str) -> Receipted:
        by = self._recorder.authorship
        report = self.revocation_report(cap_id)
        with self._state() as graph:
            cap = graph.cap(cap_id)
        with self._database.reading("looking at a grant") as connection:
            ours = cap is not None and recorder.speaks_for(
                connection, by.signer.key_id, cap.audience
            )
        if not ours:
            raise RecordError("only a grant's audience gives a receipt", code="not-audience")
        if revocation_op not in report.revocations:
            raise RecordError(f"{revocation_op} does not revoke {cap_id}", code="not-revoked")
        with self._state() as graph:
            found = graph.found_in(report.attestations)
        recorder.purge(self._database, report.attestations, now_ms(), found)
        purged_root = purged_root_of(report.attestations)
        body = receipt(
            cap_id=cap_id,
            revocation_op=revocation_op,
            purged_attestations=len(report.attestations),
            statement=statement,
            purged_root=purged_root if by.version == 2 else None,
        )
        recorded = self._author("receipt", body).result()
        return widened(
            Receipted, recorded, purged=len(report.attestations), purged_root=purged_root
        )

    def _chain_of(self, cap_id: str) -> tuple[Cap, ...]:
        with self._database.reading("reading a grant") as connection:
            return recorder.read_chain(connection, cap_id, read_roots(connection)).caps

    def _check_chain(self, caps: Sequence[Cap]) -> None:
        with self._database.reading("reading a grant") as connection:
            check_chain(caps, speaks_for=lambda key, who: recorder.speaks_for(connection, key, who))
