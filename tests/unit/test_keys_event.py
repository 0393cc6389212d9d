from __future__ import annotations

import pytest

from lodestamp.core.encoding import INT_MAX, address_of
from lodestamp.core.keys import (
    SUITES,
    EventKind,
    KeyEvent,
    SigningKey,
    is_did,
    next_key_digest,
)
from lodestamp.errors import KeyEventError

ONE, TWO = (SigningKey.from_seed("ed25519", bytes([n]) * 32).public_key for n in (1, 2))
NEXT = next_key_digest(TWO.key_id)
FIRST = KeyEvent.inception("human", ONE, nonce=bytes(16), next=NEXT)
SECOND = FIRST.rotation(TWO)
END = SECOND.deactivation(TWO)


def refusal_of(document):
    with pytest.raises(KeyEventError) as refusal:
        KeyEvent.parse(document)
    assert refusal.value.code == "bad-event"
    return refusal.value.at


@pytest.mark.parametrize("event", [FIRST, SECOND, END])
def test_k7_an_event_reads_back_as_it_was_made(event):
    assert KeyEvent.parse(event.document) == event
    assert is_did(event.did)
    assert event.did == FIRST.did


@pytest.mark.parametrize("suite", list(SUITES))
def test_an_event_carries_a_key_of_any_suite(suite):
    key = SigningKey.from_seed(suite, bytes(SUITES[suite].seed_size)).public_key
    event = KeyEvent.inception("org", key, nonce=bytes(16), owner=FIRST.did)
    assert KeyEvent.parse(event.document).key == key
    assert event.owner == FIRST.did


def test_k6_the_entity_is_inside_the_digest():
    others = {KeyEvent.inception(e, ONE, nonce=bytes(16)).did for e in ("human", "agent", "org")}
    assert len({did.rpartition(":")[2] for did in others}) == 3
    assert FIRST.did.endswith(FIRST.digest[7:])


def test_the_events_follow_each_other_by_digest():
    assert (FIRST.index, SECOND.index, END.index) == (0, 1, 2)
    assert (SECOND.prior, END.prior) == (FIRST.digest, SECOND.digest)
    assert (FIRST.kind, SECOND.kind, END.kind) == tuple(EventKind)


@pytest.mark.parametrize("event", [FIRST, SECOND, END])
def test_an_event_has_its_fields_and_no_other(event):
    for name in event.document:
        document = event.document
        del document[name]
        assert refusal_of(document) == f"/{name}"
    assert refusal_of(event.document | {"x": 1}) == "/x"
    assert refusal_of(event.document | {"entity": "human", "did": FIRST.did}) in ("/did", "/entity")


@pytest.mark.parametrize("document", [None, [], "x", 1, {}, {"kind": 1}, {"kind": ["inception"]}])
def test_an_event_is_an_object_of_a_kind(document):
    assert refusal_of(document) in ("", "/kind")


BAD_TEXTS = [None, 1, "", "x", [], NEXT[:-1], NEXT + "\n", NEXT.upper()]


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"index": 1}, "/index"), ({"index": False}, "/index"), ({"index": -1}, "/index"),
        ({"prior": NEXT}, "/prior"), ({"prior": 0}, "/prior"),
        ({"entity": "dog"}, "/entity"), ({"entity": None}, "/entity"), ({"entity": []}, "/entity"),
        ({"owner": "bob"}, "/owner"), ({"owner": "did:pn:human:" + "A" * 64}, "/owner"),
        ({"owner": FIRST.did + "\n"}, "/owner"),
        ({"nonce": "AA=="}, "/nonce"), ({"nonce": None}, "/nonce"), ({"nonce": "é"}, "/nonce"),
        *[({"next": bad}, "/next") for bad in BAD_TEXTS[1:]],
    ],
)  # fmt: skip
def test_an_inception_has_no_bad_field(change, at):
    assert refusal_of(FIRST.document | change) == at


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"index": 0}, "/index"), ({"index": True}, "/index"), ({"index": INT_MAX + 1}, "/index"),
        ({"did": "did:pn:dog:" + "0" * 64}, "/did"), ({"did": None}, "/did"),
        ({"did": "did:key:z6Mk"}, "/did"),
        *[({"prior": bad}, "/prior") for bad in BAD_TEXTS],
        *[({"next": bad}, "/next") for bad in BAD_TEXTS[1:]],
    ],
)  # fmt: skip
def test_a_rotation_has_no_bad_field(change, at):
    assert refusal_of(SECOND.document | change) == at


def test_nothing_follows_a_deactivation():
    assert refusal_of(END.document | {"next": address_of(b"")}) == "/next"


@pytest.mark.parametrize(
    ("key", "at"),
    [
        (None, "/key"), ({}, "/key"), ({"id": ONE.key_id}, "/key"),
        (FIRST.document["key"] | {"x": 1}, "/key"),
        (FIRST.document["key"] | {"id": TWO.key_id}, "/key/pub"),
        (FIRST.document["key"] | {"id": "mldsa65:" + "0" * 64}, "/key/pub"),
        (FIRST.document["key"] | {"id": "hybrid:" + ONE.raw.hex()}, "/key/pub"),
        (FIRST.document["key"] | {"id": ONE.key_id.upper()}, "/key/id"),
        (FIRST.document["key"] | {"pub": "AA=="}, "/key/pub"),
        (FIRST.document["key"] | {"pub": 1}, "/key/pub"),
        (FIRST.document["key"] | {"pub": "*"}, "/key/pub"),
    ],
)  # fmt: skip
def test_k7_the_public_key_must_give_its_id(key, at):
    """Another suite's prefix before the digest of a key is another id, which this key has not."""
    assert refusal_of(FIRST.document | {"key": key}) == at


def test_another_suites_prefix_on_a_hash_id_is_refused():
    hybrid = SigningKey.from_seed("hybrid", bytes(64)).public_key
    event = KeyEvent.inception("org", hybrid, nonce=bytes(16))
    swapped = event.document["key"] | {"id": "mldsa65:" + hybrid.key_id[7:]}
    assert refusal_of(event.document | {"key": swapped}) == "/key/pub"


def test_a_value_outside_the_builders_schema_is_refused():
    with pytest.raises(KeyEventError):
        KeyEvent.inception("human", ONE, nonce=bytes(15))
    with pytest.raises(KeyEventError):
        FIRST.rotation(TWO, next="x")
