"""PROV-JSON of some operations."""

from __future__ import annotations

import json

import pytest

from lodestamp.core.encoding import Cid, canonical_json
from lodestamp.core.operations import View, to_prov_json
from lodestamp.errors import CausalError
from stories import AGENT, ROOT, Story
from worlds import NOW


def related(document, relation):
    return [
        {name: end for name, end in record.items() if name.startswith("prov:")}
        for record in document.get(relation, {}).values()
    ]


@pytest.fixture
def story():
    return Story()


def exported(story, *ops, **how):
    text = to_prov_json(story.graph, [op.op_id for op in ops], **how)
    document = json.loads(text)
    assert canonical_json(document) == text
    return document


def test_a_derived_claim_is_an_entity_of_a_run_over_its_sources(story):
    source = story.seen(ts=0)
    claim = story.said(source, ts=NOW)
    document = exported(story, source, claim)
    assert document["prefix"]["ls"] == "urn:lodestamp:"
    entity = document["entity"][f"ls:{claim.op_id}"]
    assert entity == {
        "ls:cid": str(Cid.from_op_id(claim.op_id)),
        "ls:predicate": "prefers.tea",
        "ls:status": "valid",
        "prov:type": {"$": "ls:claim", "type": "prov:QUALIFIED_NAME"},
    }
    run = f"ls:run:{claim.op_id}"
    assert document["activity"][run] == {"ls:deriver": "reader"}
    assert related(document, "wasDerivedFrom") == [
        {
            "prov:generatedEntity": f"ls:{claim.op_id}",
            "prov:usedEntity": f"ls:{source.op_id}",
            "prov:activity": run,
        }
    ]
    assert related(document, "used") == [
        {"prov:activity": run, "prov:entity": f"ls:{source.op_id}"}
    ]
    assert related(document, "wasGeneratedBy") == [
        {
            "prov:entity": f"ls:{claim.op_id}",
            "prov:activity": run,
            "prov:time": "2025-06-15T15:06:40Z",
        }
    ]
    assert related(document, "wasAssociatedWith") == [
        {"prov:activity": run, "prov:agent": f"ls:{ROOT}"}
    ]
    assert len(related(document, "wasAttributedTo")) == 2


def test_evidence_shows_its_content_only_when_asked(story):
    source = story.seen()
    content = '{"n":0}'
    assert content not in json.dumps(exported(story, source))
    shown = exported(story, source, include_content=True)
    assert shown["entity"][f"ls:{source.op_id}"]["ls:content"] == content


def test_an_effective_refutation_invalidates_and_another_does_not(story):
    claim = story.said()
    first = story.refuted(claim)
    assert related(exported(story, claim, first), "wasInvalidatedBy")[0]["prov:entity"] == (
        f"ls:{claim.op_id}"
    )
    story.refuted(first)
    document = exported(story, claim, first)
    assert "wasInvalidatedBy" not in document
    assert f"ls:{first.op_id}" in document["activity"]


def test_a_grant_that_holds_lets_the_audience_act_for_the_issuer(story):
    cap = story.cap()
    granted = story.granted(cap)
    assert related(exported(story, granted), "actedOnBehalfOf") == [
        {"prov:delegate": f"ls:{AGENT}", "prov:responsible": f"ls:{ROOT}"}
    ]
    story.revoked(cap)
    assert "actedOnBehalfOf" not in exported(story, granted)


def test_a_word_that_supersedes_is_a_revision(story):
    derived, own = story.said(story.seen()), story.said()
    records = related(exported(story, derived, own), "wasDerivedFrom")
    revision = {
        "prov:generatedEntity": f"ls:{own.op_id}",
        "prov:usedEntity": f"ls:{derived.op_id}",
        "prov:type": {"$": "prov:Revision", "type": "prov:QUALIFIED_NAME"},
    }
    assert revision in records


def test_an_attestation_is_derived_from_its_claim(story):
    cap = story.cap(commands=["/claim/read"])
    story.granted(cap)
    claim = story.said()
    shown = story.shown(claim, cap)
    view = View(story.ops, {}, story.roots)
    document = json.loads(to_prov_json(view, [shown.op_id]))
    assert list(document["entity"]) == [f"ls:{shown.op_id}"]
    assert related(document, "wasDerivedFrom")[0]["prov:usedEntity"] == f"ls:{claim.op_id}"


def test_an_unknown_id_is_refused(story):
    with pytest.raises(CausalError):
        to_prov_json(story.graph, ["sha256:" + "0" * 64])
