"""Stating and taking back: evidence, claims, refutations (operations spec §7, S10 to S20)."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from lodestamp.core.encoding import JsonObject, JsonValue
from lodestamp.core.operations import Change, Status, claim, evidence, refutation
from lodestamp.node.clock import now_s
from lodestamp.node.recorder import LOCAL_PEER, Answer, Recorded
from lodestamp.node.writing import Writing, widened


@dataclass(frozen=True, slots=True)
class Claimed(Recorded):
    """A recorded claim, and the ids of those that it stands in front of (S20)."""

    superseded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refuted(Recorded):
    """A recorded refutation and what it changed, as the log stood before it.

    Nothing is `affected` when it has no effect: `status` and `why` say for what reason.
    """

    affected: tuple[Change, ...] = ()


class Statements(Writing):
    """Verbs of what is the case."""

    def record(
        self,
        *,
        source: str,
        kind: str,
        content: JsonObject,
        captured_at: int | None = None,
        external_id: str | None = None,
    ) -> Recorded:
        """Record evidence: what was found where, in Unix seconds `captured_at` (default: now)."""
        return self.record_future(
            source=source,
            kind=kind,
            content=content,
            captured_at=captured_at,
            external_id=external_id,
        ).result()

    def record_future(
        self,
        *,
        source: str,
        kind: str,
        content: JsonObject,
        captured_at: int | None = None,
        external_id: str | None = None,
    ) -> Future[Recorded]:
        """Hand in evidence as `record` does and return at once; the future resolves on disk."""
        body = evidence(
            source=source,
            kind=kind,
            content=content,
            captured_at=now_s() if captured_at is None else captured_at,
            external_id=external_id,
        )
        return self._author("evidence", body)

    def claim(
        self,
        *,
        subject: str,
        predicate: str,
        object: JsonValue,  # noqa: A002  the field's name in the format
        rationale: str,
        derived_from: Sequence[str] = (),
        deriver: str = "user",
        confidence_bp: int = 10_000,
    ) -> Claimed:
        """Record a claim drawn from recorded operations, or by the user from none.

        A user's own word tells which valid claims it supersedes in the default view. OpError when
        `deriver` is ``user`` and there are sources, or the other way round; CausalError when the
        log does not hold a source.
        """
        recorded = self.claim_future(
            subject=subject,
            predicate=predicate,
            object=object,
            rationale=rationale,
            derived_from=derived_from,
            deriver=deriver,
            confidence_bp=confidence_bp,
        ).result()
        behind: tuple[str, ...] = ()
        if not derived_from:
            shown = self.facts(subject, predicate)
            behind = next((f.superseded for f in shown if f.op_id == recorded.op_id), ())
        return widened(Claimed, recorded, superseded=behind)

    def claim_future(
        self,
        *,
        subject: str,
        predicate: str,
        object: JsonValue,  # noqa: A002  the field's name in the format
        rationale: str,
        derived_from: Sequence[str] = (),
        deriver: str = "user",
        confidence_bp: int = 10_000,
    ) -> Future[Recorded]:
        """Hand in a claim as `claim` does and return at once; the future resolves on disk."""
        body = claim(
            subject=subject,
            predicate=predicate,
            object=object,
            confidence_bp=confidence_bp,
            derived_from=derived_from,
            deriver=deriver,
            rationale=rationale,
        )
        return self._author("claim", body)

    def refute(self, op_id: str, *, reason: str) -> Refuted:
        """Record that evidence, a claim or a refutation does not hold, and tell what fell with it.

        Whoever may not refute it (S14) still has it recorded, without effect. UsageError
        ``not-refutable`` for other types (S15), UnknownOperation when the log does not hold it.
        """
        would = tuple(self.affected(op_id))
        recorded = self.refute_future(op_id, reason=reason).result()
        effective = self.status(recorded.op_id) is Status.VALID
        return widened(Refuted, recorded, affected=would if effective else ())

    def refute_future(self, op_id: str, *, reason: str) -> Future[Recorded]:
        """Hand in a refutation and return at once; RecordError ``not-refutable`` in the future."""
        return self._author("refutation", refutation(target=op_id, reason=reason))

    def append(self, wires: Sequence[bytes], *, peer: str = LOCAL_PEER) -> list[Answer]:
        """Record operations that others signed; each answer stands at its operation's place.

        `peer` is who gave them to us; what has to wait for its parents waits in that peer's share.
        """
        return self.append_future(wires, peer=peer).result()

    def append_future(
        self, wires: Sequence[bytes], *, peer: str = LOCAL_PEER
    ) -> Future[list[Answer]]:
        """Hand in operations as `append` does and return at once."""
        return self._recorder.submit(wires, peer=peer)
