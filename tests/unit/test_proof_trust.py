"""The trust file: a closed schema, and what its values answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lodestamp.core.proof import LEGS, AuthorPin, BitcoinTrust, LogPin, Trust, Unpinned
from lodestamp.core.transparency import (
    ED25519_COSIGNATURE,
    VerifierKey,
    parse_policy,
    parse_vkey,
    threshold_policy,
)
from lodestamp.errors import TrustError
from proofs import AUTHOR, LOG_KEY, ORIGIN, OTHER_LOG_KEY, log_vkey

VKEY = log_vkey().text()
WITNESS = VerifierKey("witness.example/w1", ED25519_COSIGNATURE, LOG_KEY.public_key.raw).text()
TWO_NAMES = [
    VerifierKey(f"witness.example/w{n}", ED25519_COSIGNATURE, LOG_KEY.public_key.raw).text()
    for n in (1, 2)
]
DID = "did:pn:human:" + "ab" * 32
HASH = "0a" * 31 + "00"
LEDGER = {"chain_id": "c", "kind": "genesis", "height": 1, "hash": HASH, "time": 5}
FULL: dict[str, Any] = {
    "version": 1,
    "logs": [{"origin": ORIGIN, "vkeys": [VKEY]}],
    "authors": [{"id": AUTHOR.key_id, "label": "Ada"}, {"id": DID}],
    "require": ["log", "time"],
    "unpinned": "self_asserted",
    "witnesses": {"k": 1, "of": [WITNESS]},
    "ledgers": [{**LEDGER, "trusting_period_s": 129_600}],
    "bitcoin": {
        "network": "signet",
        "checkpoints": [{"height": 1, "hash": HASH}],
        "work_floor_log2": 82,
        "min_confirmations": 7,
    },
}


def parsed(**members: Any) -> Trust:
    return Trust.parse(json.dumps({"version": 1, **members}).encode())


def refusal(data: bytes) -> str:
    with pytest.raises(TrustError) as caught:
        Trust.parse(data)
    return caught.value.code


def test_every_member_is_read():
    trust = Trust.parse(json.dumps(FULL, indent=2).encode())
    assert trust.logs == (LogPin(ORIGIN, (log_vkey(),)),)
    assert trust.authors == (AuthorPin(AUTHOR.key_id, "Ada"), AuthorPin(DID))
    assert trust.require == {"log", "time"}
    assert trust.unpinned is Unpinned.SELF_ASSERTED
    assert trust.witnesses == threshold_policy(1, [parse_vkey(WITNESS)])
    assert trust.ledgers == tuple(FULL["ledgers"])
    assert trust.bitcoin == BitcoinTrust("signet", {bytes.fromhex(HASH)[::-1]: 1}, 82, 7)


def test_an_empty_trust_file_pins_nothing_and_trusts_nobody_unpinned():
    trust = parsed()
    assert trust == Trust()
    assert trust.unpinned is Unpinned.UNKNOWN
    assert trust.authors == ()


def test_pins_are_found_by_origin_and_by_key_id():
    trust = Trust.parse(json.dumps(FULL).encode())
    assert trust.log(ORIGIN) == LogPin(ORIGIN, (log_vkey(),))
    assert trust.log("log.example") is None
    assert trust.author(AUTHOR.key_id) == AuthorPin(AUTHOR.key_id, "Ada")
    assert trust.author(OTHER_LOG_KEY.key_id) is None


def test_witnesses_are_named_by_a_policy_text_too():
    text = f"log {VKEY}\nwitness W {WITNESS}\nquorum W\n"
    assert parsed(witnesses={"policy": text}).witnesses == parse_policy(text)


def test_without_a_word_on_bitcoin_it_is_main_under_six_blocks():
    """R76: network main and the floor of the release; R70: six headers."""
    assert parsed().bitcoin == parsed(bitcoin={}).bitcoin == BitcoinTrust("main", {}, 0, 6)


def test_a_block_or_a_height_is_pinned_once():
    one = {"height": 1, "hash": HASH}
    for two in ({"height": 2, "hash": HASH}, {"height": 1, "hash": "0b" * 32}, one):
        data = json.dumps({"version": 1, "bitcoin": {"checkpoints": [one, two]}}).encode()
        assert refusal(data) == "trust.repeated"


def test_every_leg_may_be_required():
    assert parsed(require=list(LEGS)).require == set(LEGS)


BYTES = {
    "too large": (b" " * (1 << 20) + b"{}", "too_large"),
    "not UTF-8": (b"\xff", "not_utf8"),
    "not JSON": (b'{"version":1', "not_json"),
    "a number of many digits": (b'{"version":' + b"9" * 5_000 + b"}", "not_json"),
    "a bomb": (b"[" * 500_000, "not_json"),
    "too deep": (b'{"version":1,"bitcoin":' + b"[" * 9 + b"]" * 9 + b"}", "limit"),
    "no object": (b"[]", "bad_type"),
    "a float": (b'{"version":1.0}', "bad_type"),
    "not a number": (b'{"version":NaN}', "bad_type"),
    "a lone surrogate": (b'{"version":1,"unpinned":"\\ud800"}', "bad_type"),
    "a member twice": (b'{"version":1,"version":1}', "repeated"),
    "no version": (b"{}", "missing_member"),
    "version true": (b'{"version":true}', "bad_type"),
    "version 2": (b'{"version":2,"moons":[]}', "unsupported"),
}


@pytest.mark.parametrize(("data", "reason"), BYTES.values(), ids=BYTES.keys())
def test_bytes_that_are_no_trust_file_are_refused_by_name(data: bytes, reason: str):
    assert refusal(data) == f"trust.{reason}"


FOREIGN = log_vkey(origin="log.example/other").text()
PQ_ONLY = VerifierKey(ORIGIN, 0x06, bytes(1_312)).text()
MEMBERS: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown member": ({"moons": []}, "unknown_member"),
    "logs as object": ({"logs": {}}, "bad_type"),
    "a log in words": ({"logs": ["x"]}, "bad_type"),
    "a log without keys": ({"logs": [{"origin": ORIGIN, "vkeys": []}]}, "limit"),
    "a log without origin": ({"logs": [{"vkeys": [VKEY]}]}, "missing_member"),
    "a log with more": ({"logs": [{"origin": ORIGIN, "vkeys": [VKEY], "x": 1}]}, "unknown_member"),
    "a log key that is none": ({"logs": [{"origin": ORIGIN, "vkeys": ["x"]}]}, "bad_type"),
    "a log key of another log": ({"logs": [{"origin": ORIGIN, "vkeys": [FOREIGN]}]}, "bad_type"),
    "a witness key for a log": ({"logs": [{"origin": ORIGIN, "vkeys": [WITNESS]}]}, "bad_type"),
    "no Ed25519 key": ({"logs": [{"origin": ORIGIN, "vkeys": [PQ_ONLY]}]}, "bad_type"),
    "a log key twice": ({"logs": [{"origin": ORIGIN, "vkeys": [VKEY, VKEY]}]}, "repeated"),
    "a log twice": ({"logs": [{"origin": ORIGIN, "vkeys": [VKEY]}] * 2}, "repeated"),
    "an author without id": ({"authors": [{"label": "x"}]}, "missing_member"),
    "an author who is none": ({"authors": [{"id": "ada"}]}, "bad_type"),
    "an author and a newline": ({"authors": [{"id": DID + "\n"}]}, "bad_type"),
    "an author twice": ({"authors": [{"id": DID}, {"id": DID}]}, "repeated"),
    "a label that is none": ({"authors": [{"id": DID, "label": 1}]}, "bad_type"),
    "a leg that is none": ({"require": ["moon"]}, "bad_type"),
    "a leg twice": ({"require": ["log", "log"]}, "repeated"),
    "unpinned in other words": ({"unpinned": "ok"}, "bad_type"),
    "an empty policy": ({"witnesses": {"policy": ""}}, "bad_type"),
    "a policy without quorum": ({"witnesses": {"policy": f"witness W {WITNESS}"}}, "bad_type"),
    "one public key as two witnesses": ({"witnesses": {"k": 2, "of": TWO_NAMES}}, "bad_type"),
    "two kinds of policy": ({"witnesses": {"policy": "x", "k": 1}}, "unknown_member"),
    "a quorum of none": ({"witnesses": {"k": 0, "of": [WITNESS]}}, "bad_type"),
    "a quorum beyond all": ({"witnesses": {"k": 2, "of": [WITNESS]}}, "bad_type"),
    "a log key for a witness": ({"witnesses": {"k": 1, "of": [VKEY]}}, "bad_type"),
    "a ledger without hash": ({"ledgers": [{"chain_id": "c"}]}, "missing_member"),
    "a ledger of no kind": ({"ledgers": [{**LEDGER, "kind": "x"}]}, "bad_type"),
    "a ledger hash in capitals": ({"ledgers": [{**LEDGER, "hash": "AB" * 32}]}, "bad_type"),
    "a ledger before its start": ({"ledgers": [{**LEDGER, "time": -1}]}, "bad_type"),
    "a network that is none": ({"bitcoin": {"network": "moon"}}, "bad_type"),
    "a floor in words": ({"bitcoin": {"work_floor_log2": "81"}}, "bad_type"),
    "a floor beyond all work": ({"bitcoin": {"work_floor_log2": 257}}, "bad_type"),
    "a block without hash": ({"bitcoin": {"checkpoints": [{"height": 1}]}}, "missing_member"),
}


@pytest.mark.parametrize(("members", "reason"), MEMBERS.values(), ids=MEMBERS.keys())
def test_members_outside_the_schema_are_refused_by_name(members: dict[str, Any], reason: str):
    assert refusal(json.dumps({"version": 1, **members}).encode()) == f"trust.{reason}"
