"""The scan of a home over HTTP: routes, Etags, what is unknown, what is refused (ownership §9)."""

from __future__ import annotations

import json

import httpx
import pytest

import publishing
from homes import assert_clean, audited_node
from listeners import served
from lodestamp.core.ownership import OWNERSHIP_PROOF_SIZE_MAX, Rules, encode_payloads
from lodestamp.faces.http import ownership
from lodestamp.node.chains import MemoryChain
from lodestamp.node.scanner import SqlStore, StateEngine, View
from publishing import WORKS, Press, raw_chain
from scans import busy_blocks

RULES = Rules.strict("regtest")
BASE = "/v1/ownership"


def scan(home, raws):
    """Scan a chain into the store of a home; return the store."""
    store = SqlStore(f"sqlite:///{home}/ownership.db")
    StateEngine(MemoryChain(raws), store, RULES).scan_from()
    return store


@pytest.fixture
def site(tmp_path):
    """A served home whose scan has seen thirty busy blocks, and its store."""
    with audited_node(tmp_path / "home") as node, served(node, "ownership") as listening:
        store = scan(node.home, busy_blocks(30))
        yield listening, store
        store.close()


def ask(listening, path, **options):
    return httpx.get(f"{listening.url}{BASE}{path}", **options)


def problem(response, status):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    return response.json()["code"]


def test_every_route_answers_as_a_view_of_the_store(site):
    listening, store = site
    view = View.of(store)
    work = store.works()[0]
    holder = view.cap_table(work)["holders"][0]["address"]
    for path, expected in (
        ("/status", StateEngine(None, store, RULES).status().as_json()),
        (f"/assets/{work}", view.show(work)),
        (f"/assets/{work}/cap-table", view.cap_table(work)),
        (f"/assets/{work}/tips", view.tips(work)),
        (f"/assets/{work}/dividends", view.dividends(work)),
        (f"/assets/{work}/dividends?view=classic", view.dividends(work, "classic")),
        (f"/balances/{holder}", view.balances(holder)),
        ("/blocks/7/effects", View.of(store, at=7).effects()),
        ("/state-hash/7", View.of(store, at=7).state_hash()),
    ):
        answer = ask(listening, path)
        assert answer.status_code == 200, path
        assert answer.headers["content-type"] == "application/json"
        assert answer.json() == expected, path


def test_an_answer_is_as_of_the_block_that_is_asked_for(site):
    """R37, R38."""
    listening, store = site
    work = store.works()[0]
    table = f"/assets/{work}/cap-table"
    assert ask(listening, table).json()["height"] == 30
    assert ask(listening, f"{table}?confirmations=6").json()["height"] == 25
    assert ask(listening, f"{table}?at=20").json() == View.of(store, at=20).cap_table(work)


def test_the_etag_is_the_state_hash_and_saves_a_second_answer(site):
    listening, store = site
    path = f"/assets/{store.works()[0]}/cap-table"
    first = ask(listening, path)
    assert first.headers["etag"] == f'"{store.tip().state_hash.hex()}"'
    for asked in (first.headers["etag"], f'"x", W/{first.headers["etag"]}', "*"):
        again = ask(listening, path, headers={"If-None-Match": asked})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    older = ask(listening, f"{path}?at=9", headers={"If-None-Match": first.headers["etag"]})
    assert older.status_code == 200
    dividends = path.replace("cap-table", "dividends")
    tags = {
        ask(listening, f"{dividends}?view={view}").headers["etag"]
        for view in ("classic", "owed_e8")
    }
    assert len(tags) == 2


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"/assets/{'0' * 40}", 404, "work-unknown"),
        (f"/assets/{WORKS[0].upper()}/tips", 404, "work-unknown"),
        ("/state-hash/31", 404, "height-unknown"),
        ("/blocks/0/effects", 404, "height-unknown"),
        ("/balances/nobody", 400, None),
        ("/balances/1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", 400, None),
        ("/state-hash/07", 400, "bad-height"),
        (f"/state-hash/{'9' * 400}", 400, "bad-height"),
        ("/state-hash/-1", 400, "bad-height"),
        (f"/assets/{WORKS[0]}?at=x", 400, "bad-query"),
        (f"/assets/{WORKS[0]}?confirmations=0", 400, "usage"),
        (f"/assets/{WORKS[0]}/dividends?view=best", 400, "usage"),
        ("/nothing", 404, "not-found"),
    ],
)
def test_what_is_unknown_is_404_and_what_makes_no_sense_400(site, path, status, code):
    found = problem(ask(site[0], path), status)
    assert code is None or found == code


def test_nothing_can_be_written(site):
    listening, _ = site
    for method in ("POST", "PUT", "DELETE"):
        answer = httpx.request(method, f"{listening.url}{BASE}/assets/{WORKS[0]}")
        assert problem(answer, 405) == "bad-method"


def test_a_scan_that_was_halted_answers_409_and_its_status_says_why(site):
    """R35."""
    listening, store = site
    store.halt("the chain was rewritten 101 blocks deep")
    for path in (f"/assets/{WORKS[0]}", "/state-hash/7", "/balances/x"):
        assert problem(ask(listening, path), 409) == "halted"
    assert "101 blocks" in ask(listening, "/status").json()["halted"]
    store.halt(None)
    assert ask(listening, "/state-hash/7").status_code == 200


def test_before_anything_was_scanned_there_is_nothing(tmp_path):
    with audited_node(tmp_path / "home") as node, served(node, "ownership") as listening:
        assert problem(ask(listening, "/status"), 404) == "no-store"
        assert problem(ask(listening, f"/assets/{WORKS[0]}"), 404) == "no-store"
        assert not (node.home / "ownership.db").exists()


def test_foreign_text_arrives_as_valid_json(tmp_path, monkeypatch):
    """Half of a surrogate pair becomes U+FFFD; numbers beyond 2^53 are text, infinite ones too."""
    monkeypatch.setattr(
        publishing,
        "encode_payloads",
        lambda text: encode_payloads(text.replace(b'"huge"', b"-1e400")),
    )
    press = Press()
    more = {"title": "\ud800 ♥", "keywords": 12345678901234567890, "uri": "huge", "size": 2**53}
    with audited_node(tmp_path / "home") as node, served(node, "ownership") as listening:
        scan(node.home, raw_chain([press.register(0, 0, **more)])).close()
        answer = ask(listening, f"/assets/{WORKS[0]}")
        meta = json.loads(answer.content)["registration"]["meta"]
    assert meta["title"] == "\ufffd ♥"
    assert meta["keywords"] == "12345678901234567168"
    assert (meta["size"], meta["uri"]) == (str(2**53), "-Infinity")


class TestVerifying:
    def post(self, listening, body):
        return httpx.post(f"{listening.url}{BASE}/verify", content=body, timeout=30)

    def test_a_proof_is_judged_with_the_scan(self, site):
        """R48."""
        listening, store = site
        work = store.works()[0]
        proof = StateEngine(None, store, RULES).export_proof(work)
        found = self.post(listening, proof).json()
        assert found["verdict"] == "established"
        assert [leg["name"] for leg in found["legs"]] == [
            "inclusion", "work", "rules", "completeness",
        ]  # fmt: skip
        forged = proof.replace(b'"height":30', b'"height":29', 1)
        assert self.post(listening, forged).json().get("verdict") != "established"

    def test_what_is_no_proof_is_400_and_too_much_413(self, site):
        listening, _ = site
        assert problem(self.post(listening, b"{}"), 400) == "proof-malformed"
        long = self.post(listening, bytes(OWNERSHIP_PROOF_SIZE_MAX + 1))
        assert problem(long, 413) == "limit"

    def test_few_are_judged_at_once(self, site, monkeypatch):
        listening, _ = site
        monkeypatch.setattr(ownership, "VERIFYING_MAX", 0)
        with served(listening.node, "ownership") as other:
            answer = self.post(other, b"{}")
        assert problem(answer, 503) == "busy"
        assert answer.headers["retry-after"] == "5"


def test_a_home_with_a_scan_is_clean(site):
    listening, _ = site
    assert_clean(listening.node.home)
