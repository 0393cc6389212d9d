"""Short histories for tests of state: who wrote what, on which replica, in a line each."""

from __future__ import annotations

from lodestamp.core.operations import (
    View,
    attestation,
    build_cap,
    build_cap_1,
    claim,
    evidence,
    grant,
    receipt,
    refutation,
    revocation,
)
from worlds import NOW, World, signer

ROOT = signer("root").key_id
AGENT = signer("agent").key_id
SUB = signer("sub").key_id


class Story(World):
    """A history that is told step by step. Everybody writes on replica 0 unless told otherwise."""

    def __init__(self, replicas=1, nodes=None, roots=None):
        super().__init__(0, replicas=replicas, nodes=nodes)
        if roots is not None:
            self.roots = roots

    @property
    def graph(self):
        return View(self.ops, self.positions, self.roots).graph

    def status(self, op):
        return self.graph.status(op.op_id).name

    def lack(self, op):
        graph = self.graph
        return graph.authority.judge(graph.index_of(op.op_id))[1]

    def seen(self, who="root", at=0, source="mail/1", **how):
        number = len(self.ops)
        body = evidence(source=source, kind="k", content={"n": number}, captured_at=number)
        return self.write(at, who, "evidence", body, **how)

    def said(self, *sources, who="root", at=0, predicate="prefers.tea", subject="user", **how):
        bp, value = how.pop("bp", 9_000), how.pop("value", len(self.ops))
        body = claim(
            subject=subject, predicate=predicate, object=value, confidence_bp=bp,
            derived_from=[op.op_id for op in sources],
            deriver=how.pop("deriver", "reader" if sources else "user"), rationale="r",
        )  # fmt: skip
        return self.write(at, who, "claim", body, **how)

    def refuted(self, target, who="root", at=0, **how):
        body = refutation(target=target.op_id, reason=str(len(self.ops)))
        return self.write(at, who, "refutation", body, **how)

    def cap(self, who="root", audience=AGENT, **terms):
        number = len(self.ops)
        terms = {
            "predicates": ["prefers.*"], "commands": ["/attest", "/claim", "/evidence", "/refute"],
            "not_before": NOW, "expires_at": NOW + 1_000, "depth_left": 0, **terms,
        }  # fmt: skip
        return build_cap(signer(who), audience=audience, nonce=number.to_bytes(16, "big"), **terms)

    def granted(self, cap, who="root", at=0, acting=None, **how):
        return self.write(at, who, "grant", grant(cap), version=cap.v, cap=acting, **how)

    def shown(self, told, cap, who="root", at=0, **changes):
        acting = changes.pop("acting", None)
        how = {"version": 1 if acting is None else 2, "cap": acting and acting.cap_id}
        body = attestation(**{
            "cap_id": cap.cap_id, "claim_op": told.op_id, "subject": told.body["subject"],
            "predicate": told.body["predicate"], "object": told.body["object"],
            "confidence_bp": told.body["confidence_bp"], "provenance_commitment": cap.cap_id,
            "attested_at": NOW + 5, **changes,
        })  # fmt: skip
        return self.write(at, who, "attestation", body, **how)

    def revoked(self, cap, who="root", at=0, **how):
        body = revocation(cap_id=cap.cap_id, reason=str(len(self.ops)))
        return self.write(at, who, "revocation", body, **how)

    def received(self, cap, revoked, purged, who="agent", *, version=2, **how):
        body = receipt(
            cap_id=cap.cap_id, revocation_op=revoked.op_id, purged_attestations=purged,
            statement="gone", **how,
        )  # fmt: skip
        return self.write(0, who, "receipt", body, version=version)

    def cap_1(self, audience=AGENT):
        return build_cap_1(
            signer("root"), audience=audience, predicates=["prefers.tea"], issued_at=NOW,
            expires_at=NOW + 1_000,
        )  # fmt: skip
