"""PROV-JSON: provenance for tools that speak W3C PROV (operations spec §8).

Entities are evidence, claims and attestations; agents are key ids and DIDs; an activity is one run
of a deriver, or a refutation. What evidence holds is left out unless it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from lodestamp.core.encoding import Cid, JsonObject, JsonValue, canonical_json
from lodestamp.core.operations.bodies import USER
from lodestamp.core.operations.envelope import Operation
from lodestamp.core.operations.graph.graph import ProvenanceGraph
from lodestamp.core.operations.graph.status import Status
from lodestamp.core.operations.graph.view import View
from lodestamp.core.operations.reference import derived_from

PREFIXES: Final[dict[str, str]] = {
    "ls": "urn:lodestamp:",
    "prov": "http://www.w3.org/ns/prov#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
_ENTITIES: Final = frozenset({"evidence", "claim", "attestation"})
_DAY_S: Final = 86_400


def to_prov_json(
    view: View | ProvenanceGraph, op_ids: Iterable[str], *, include_content: bool = False
) -> bytes:
    """Return some operations as a PROV-JSON document, as canonical JSON.

    Operations that these rest on are named, and described only when they are among them; so are
    those of types other than the entities' and refutations. CausalError for an id that is not held.
    """
    graph = view.graph if isinstance(view, View) else view
    document = _Document(graph, include_content=include_content)
    indices = sorted({graph.index_of(op_id) for op_id in op_ids})
    ops = [op for op in map(graph.operation, indices) if op is not None]
    for op in ops:
        if op.type in _ENTITIES:
            document.add_entity(op)
        elif op.type == "refutation":
            document.add_refutation(op)
        elif op.type == "grant":
            document.add_delegation(op)
    document.add_revisions([op for op in ops if op.type == "claim"])
    return canonical_json(document.parts)


def utc(seconds: int) -> str:
    """Spell Unix seconds, 0 or more, as an xsd:dateTime in UTC.

    >>> utc(0), utc(951_782_400), utc(253_402_300_800)
    ('1970-01-01T00:00:00Z', '2000-02-29T00:00:00Z', '10000-01-01T00:00:00Z')
    """
    days, rest = divmod(seconds, _DAY_S)
    # Days since 1 March of year 0 of the Gregorian calendar: leap days come last in such a year.
    era, day_of_era = divmod(days + 719_468, 146_097)
    leaps = day_of_era // 1_460 - day_of_era // 36_524 + day_of_era // 146_096
    year_of_era = (day_of_era - leaps) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * shifted + 2) // 5 + 1
    month = shifted + 3 if shifted < 10 else shifted - 9
    year = year_of_era + 400 * era + (month <= 2)
    hour, second = divmod(rest, 3_600)
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{second // 60:02}:{second % 60:02}Z"


class _Document:
    """The parts of a PROV-JSON document, as they are gathered."""

    def __init__(self, graph: ProvenanceGraph, *, include_content: bool) -> None:
        self._graph = graph
        self._include_content = include_content
        self.parts: dict[str, Any] = {"prefix": dict(PREFIXES)}

    def add_entity(self, op: Operation) -> None:
        """Describe evidence, a claim or an attestation, who made it and from what."""
        body: Any = op.body
        facts: JsonObject = {
            "prov:type": _qualified(f"ls:{op.type}"),
            "ls:status": self._graph.status(op.op_id).word,
            "ls:cid": str(Cid.from_op_id(op.op_id)),
        }
        if op.type != "evidence":
            facts["ls:predicate"] = body["predicate"]
        elif self._include_content:
            facts["ls:content"] = canonical_json(body["content"]).decode("utf-8")
        self._describe("entity", op.op_id, facts)
        self._describe("agent", op.author, {})
        self._relate("wasAttributedTo", entity=op.op_id, agent=op.author)
        if op.type == "claim" and body["deriver"] != USER:
            run = f"run:{op.op_id}"
            self._describe("activity", run, {"ls:deriver": body["deriver"]})
            self._relate("wasGeneratedBy", entity=op.op_id, activity=run, time=op.ts)
            self._relate("wasAssociatedWith", activity=run, agent=op.author)
            for source in derived_from(op):
                self._relate("used", activity=run, entity=source)
                self._relate(
                    "wasDerivedFrom", generatedEntity=op.op_id, usedEntity=source, activity=run
                )
        if op.type == "attestation":
            source = body["claim_op"]
            self._relate("wasDerivedFrom", generatedEntity=op.op_id, usedEntity=source)

    def add_refutation(self, op: Operation) -> None:
        """Describe a refutation; it invalidates its target as long as it is effective."""
        self._describe("activity", op.op_id, {"prov:type": _qualified("ls:refutation")})
        self._describe("agent", op.author, {})
        self._relate("wasAssociatedWith", activity=op.op_id, agent=op.author)
        if self._graph.status(op.op_id) is Status.VALID:
            target = op.body["target"]
            self._relate("wasInvalidatedBy", entity=target, activity=op.op_id, time=op.ts)

    def add_delegation(self, op: Operation) -> None:
        """Describe a grant that holds: its audience may act for its issuer."""
        if self._graph.status(op.op_id) is Status.VALID:
            cap: Any = op.body["cap"]
            for agent in (cap["audience"], cap["issuer"]):
                self._describe("agent", agent, {})
            self._relate("actedOnBehalfOf", delegate=cap["audience"], responsible=cap["issuer"])

    def add_revisions(self, claims: list[Operation]) -> None:
        """Relate each claim that a person's own word supersedes to that word (S20)."""
        held = {op.op_id for op in claims}
        spoken = dict.fromkeys(
            (str(op.body["subject"]), str(op.body["predicate"])) for op in claims
        )
        for subject, predicate in spoken:
            for fact in self._graph.facts(subject, predicate):
                for old in fact.superseded if fact.op_id in held else ():
                    if old in held:
                        self._relate(
                            "wasDerivedFrom",
                            kind="prov:Revision",
                            generatedEntity=fact.op_id,
                            usedEntity=old,
                        )

    def _describe(self, part: str, name: str, facts: JsonObject) -> None:
        self.parts.setdefault(part, {}).setdefault(f"ls:{name}", facts)

    def _relate(
        self, relation: str, *, kind: str | None = None, time: int | None = None, **ends: JsonValue
    ) -> None:
        relations = self.parts.setdefault(relation, {})
        record: JsonObject = {f"prov:{role}": f"ls:{name}" for role, name in ends.items()}
        if kind is not None:
            record["prov:type"] = _qualified(kind)
        if time is not None:
            record["prov:time"] = utc(time)
        relations[f"_:{relation}{len(relations)}"] = record


def _qualified(name: str) -> JsonObject:
    return {"$": name, "type": "prov:QUALIFIED_NAME"}
