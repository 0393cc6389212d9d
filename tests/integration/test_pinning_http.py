"""The remote pinning API over real HTTP, asked by our own client (content spec R122)."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

import lodestamp
from homes import assert_clean
from listeners import Served, served
from lodestamp.core.content import PROFILES, add_bytes
from lodestamp.core.encoding import Cid
from lodestamp.errors import PinError, RemoteError
from lodestamp.faces.http.pinning import PIN_SIZE_MAX
from lodestamp.node.blocks import PinningClient, PinQuery, PinRequest, PinStatus
from lodestamp.node.blocks import pinning as service

TOKENS = {"ann": "ann-s3cret", "ben": "ben-s3cret"}
ROOT, BLOCKS = add_bytes(bytes(range(256)) * 20, PROFILES["covenant-8-512"])
LOST = Cid.of(0x55, b"nobody has this")
OPEN = PinQuery(progress=("queued", "pinning", "pinned", "failed"), limit=1000)


def write_settings(home: Path, gateway: str) -> None:
    tenants = [
        f'{name} = "sha256:{hashlib.sha256(token.encode()).hexdigest()}"'
        for name, token in TOKENS.items()
    ]
    (home / "config.toml").write_text(
        "\n".join([f'gateways = ["{gateway}"]', "[tenants]", *tenants])
    )


@contextmanager
def serving(home: Path) -> Iterator[Served]:
    with lodestamp.open(home) as node, served(node, "pinning") as listening:
        yield listening
    assert_clean(home)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Another node that has the content, and serves it."""
    with lodestamp.open(tmp_path_factory.mktemp("source") / "home") as node:
        with node.blocks.writer() as writer:
            for block in BLOCKS:
                writer.put(block)
            writer.commit()
        with served(node, "ipfs") as listening:
            yield listening


@pytest.fixture
def home(tmp_path: Path, gateway: Served) -> Path:
    with lodestamp.open(tmp_path / "home"):
        pass
    write_settings(tmp_path / "home", gateway.url)
    return tmp_path / "home"


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory, gateway: Served) -> Iterator[Served]:
    """A node for requests that are all refused, so that none of them is left."""
    home = tmp_path_factory.mktemp("refusing") / "home"
    with lodestamp.open(home):
        pass
    write_settings(home, gateway.url)
    with serving(home) as listening:
        yield listening
        with PinningClient(f"{listening.url}/pinning", TOKENS["ann"]) as client:
            assert client.find(OPEN) == (0, [])


@pytest.fixture
def node(home: Path) -> Iterator[Served]:
    with serving(home) as listening:
        yield listening


@pytest.fixture
def ann(node: Served) -> Iterator[PinningClient]:
    with PinningClient(f"{node.url}/pinning", TOKENS["ann"]) as client:
        yield client


def settled(client: PinningClient, status: PinStatus) -> PinStatus:
    """Wait until a request came to its end."""
    deadline = time.monotonic() + 20
    while status.progress not in {"pinned", "failed"}:
        assert time.monotonic() < deadline
        time.sleep(0.02)
        status = client.get(status.id)
    return status


def ask(node: Served, method: str, path: str, tenant: str | None = "ann", **request: object):
    headers = {} if tenant is None else {"authorization": f"Bearer {TOKENS.get(tenant, tenant)}"}
    return httpx.request(method, f"{node.url}/pinning{path}", headers=headers, **request)


def failure(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    document = answer.json()
    assert document.keys() == {"error"}
    assert document["error"].keys() == {"reason", "details"}
    return answer.status_code, document["error"]["reason"]


def test_R122_a_dag_is_fetched_from_the_gateways_of_the_settings_and_pinned(
    node: Served, ann: PinningClient
) -> None:
    asked = PinRequest(ROOT.cid, "report", ("/ip4/203.0.113.7/tcp/4001",), {"a": "b"})
    status = ann.add(asked)
    assert (status.request, status.progress) == (asked, "queued")
    assert status.delegates == (f"/ip4/127.0.0.1/tcp/{node.address.port}/http",)
    status = settled(ann, status)
    assert (status.progress, status.request, dict(status.report)) == ("pinned", asked, {})
    assert [(pin.cid, pin.name) for pin in node.node.blocks.pins()] == [(ROOT.cid, "report")]
    assert ann.find(PinQuery()) == (1, [status])
    ann.remove(status.id)
    assert ann.find(OPEN) == (0, [])
    assert node.node.blocks.pins() == []


def test_R122_what_no_gateway_has_ends_failed_with_the_reason(ann: PinningClient) -> None:
    status = settled(ann, ann.add(PinRequest(LOST)))
    assert status.progress == "failed"
    assert "404" in status.report["reason"]
    assert ann.find(PinQuery()) == (0, [])


def test_R122_a_request_takes_the_place_of_another(node: Served, ann: PinningClient) -> None:
    first = settled(ann, ann.add(PinRequest(ROOT.cid, "old")))
    second = ann.replace(first.id, PinRequest(ROOT.cid, "new"))
    assert second.id != first.id
    assert settled(ann, second).progress == "pinned"
    with pytest.raises(RemoteError) as caught:
        ann.get(first.id)
    assert (caught.value.code, caught.value.status) == ("remote.refused", 404)
    assert [pin.cid for pin in node.node.blocks.pins()] == [ROOT.cid]


def test_R122_statuses_are_those_of_the_standard(node: Served) -> None:
    added = ask(node, "POST", "/pins", json={"cid": str(ROOT.cid)})
    assert added.status_code == 202
    document = added.json()
    assert document.keys() == {"requestid", "status", "created", "pin", "delegates"}
    assert document["pin"] == {"cid": str(ROOT.cid)}
    one = f"/pins/{document['requestid']}"
    assert ask(node, "GET", one).status_code == 200
    assert ask(node, "POST", one, json={"cid": str(ROOT.cid)}).status_code == 202
    found = ask(node, "GET", "/pins?status=queued,pinning,pinned")
    assert (found.status_code, found.json()["count"]) == (200, 1)
    assert found.json().keys() == {"count", "results"}
    removed = ask(node, "DELETE", f"/pins/{found.json()['results'][0]['requestid']}")
    assert (removed.status_code, removed.content) == (202, b"")


def test_R122_who_is_no_tenant_is_401_before_anything_is_read(refusing: Served) -> None:
    for method, path in (
        ("GET", "/pins"), ("POST", "/pins"), ("GET", "/pins/x"), ("POST", "/pins/x"),
        ("DELETE", "/pins/x"),
    ):  # fmt: skip
        for tenant in (None, "wrong"):
            answer = ask(refusing, method, path, tenant)
            assert failure(answer) == (401, "UNAUTHORIZED")
            assert answer.headers["www-authenticate"] == "Bearer"
    basic = httpx.get(f"{refusing.url}/pinning/pins", headers={"authorization": "Basic YW5uOng="})
    assert basic.status_code == 401
    lower = {"authorization": f"bearer {TOKENS['ann']}"}
    assert httpx.get(f"{refusing.url}/pinning/pins", headers=lower).status_code == 200


def test_R122_tenants_do_not_see_each_other(node: Served, ann: PinningClient) -> None:
    hers = settled(ann, ann.add(PinRequest(ROOT.cid)))
    for method in ("GET", "DELETE"):
        assert failure(ask(node, method, f"/pins/{hers.id}", "ben")) == (404, "NOT_FOUND")
    taken = ask(node, "POST", f"/pins/{hers.id}", "ben", json={"cid": str(LOST)})
    assert failure(taken) == (404, "NOT_FOUND")
    with PinningClient(f"{node.url}/pinning", TOKENS["ben"]) as ben:
        assert ben.find(OPEN) == (0, [])
    assert ann.get(hers.id) == hers


@pytest.mark.parametrize(
    "document",
    [
        "", "{", "[]", "{}", '{"cid":5}', '{"cid":"Qm"}', '{"cid":"bafkqaaa","size":1}',
        '{"cid":"bafkqaaa","origins":"/ip4/1.2.3.4"}', '{"cid":"bafkqaaa","meta":{"a":1}}',
        json.dumps({"cid": "bafkqaaa", "name": "x" * 256}),
        json.dumps({"cid": "bafkqaaa", "origins": ["a"] * 21}),
    ],
)  # fmt: skip
def test_R122_what_is_no_pin_is_400(refusing: Served, document: str) -> None:
    assert failure(ask(refusing, "POST", "/pins", content=document)) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=1001", "limit=ten", "limit=-1", "status=done", "status=", "match=fuzzy",
        "before=yesterday", "after=2026-01-01", "meta={", 'meta={"a":1}', "cid=Qm",
        "cid=" + ",".join(["bafkqaaa"] * 11),
    ],
)  # fmt: skip
def test_R122_what_is_no_search_is_400(refusing: Served, query: str) -> None:
    assert failure(ask(refusing, "GET", f"/pins?{query}")) == (400, "BAD_REQUEST")


@pytest.mark.parametrize("size", [PIN_SIZE_MAX + 1, 3 << 20])
def test_R122_a_body_too_large_is_413_and_nothing_is_kept(refusing: Served, size: int) -> None:
    body = b'{"cid":"bafkqaaa"}'.ljust(size)
    assert failure(ask(refusing, "POST", "/pins", content=body)) == (413, "BAD_REQUEST")


def test_R122_a_tenant_with_too_many_requests_is_409(
    node: Served, ann: PinningClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "REQUESTS_MAX", 1)
    ann.add(PinRequest(ROOT.cid))
    full = ask(node, "POST", "/pins", json={"cid": str(LOST)})
    assert failure(full) == (409, "INSUFFICIENT_FUNDS")
    assert ask(node, "POST", "/pins", "ben", json={"cid": str(LOST)}).status_code == 202


def test_R122_a_search_matches_cid_name_meta_and_time(ann: PinningClient) -> None:
    names = ("Report", "report", "reports", "other", None)
    for number, name in enumerate(names):
        ann.add(PinRequest(ROOT.cid, name, meta={"n": str(number), "of": "five"}))
        time.sleep(0.003)  # times are told in milliseconds
    lost = settled(ann, ann.add(PinRequest(LOST, "report")))
    everything = list(ann.all(OPEN))
    assert [each.request.name for each in everything] == ["report", *reversed(names)]

    def found(**conditions: object) -> list[str | None]:
        count, page = ann.find(PinQuery(**{"progress": OPEN.progress, "limit": 1000, **conditions}))
        assert count == len(page)
        return [each.request.name for each in page]

    assert found(name="report") == ["report", "report"]
    assert found(name="REPORT", match="iexact") == ["report", "report", "Report"]
    assert found(name="report", match="partial") == ["report", "reports", "report"]
    assert found(name="REPORTS", match="ipartial") == ["reports"]
    assert found(cids=(LOST,)) == ["report"]
    assert found(cids=(LOST, ROOT.cid)) == ["report", *reversed(names)]
    assert found(meta={"n": "3"}) == ["other"]
    assert found(meta={"n": "3", "of": "six"}) == []
    assert found(progress=("failed",)) == ["report"]
    assert found(before_ms=everything[3].created_ms) == ["report", "Report"]
    assert found(after_ms=everything[1].created_ms) == ["report"]
    assert lost.created_ms == everything[0].created_ms


def test_R122_pages_follow_each_other_from_the_newest(ann: PinningClient) -> None:
    for number in range(12):
        ann.add(PinRequest(ROOT.cid, str(number)))
        time.sleep(0.003)
    count, page = ann.find(PinQuery(progress=OPEN.progress))
    assert (count, [each.request.name for each in page]) == (12, [str(n) for n in range(11, 1, -1)])
    older = PinQuery(progress=OPEN.progress, before_ms=page[-1].created_ms)
    count, page = ann.find(older)
    assert (count, [each.request.name for each in page]) == (2, ["1", "0"])


def test_R122_what_was_queued_is_taken_up_after_a_restart(home: Path) -> None:
    with lodestamp.open(home) as node:
        queued = node.pinning.add("ann", PinRequest(ROOT.cid))
    with ExitStack() as stack:
        listening = stack.enter_context(serving(home))
        client = stack.enter_context(PinningClient(f"{listening.url}/pinning", TOKENS["ann"]))
        assert settled(client, client.get(queued.id)).progress == "pinned"


def test_R122_origins_are_kept_and_never_dialled(ann: PinningClient, gateway: Served) -> None:
    """A request cannot make the server connect to where it likes."""
    origin = f"/ip4/127.0.0.1/tcp/{gateway.address.port}/http"
    status = settled(ann, ann.add(PinRequest(LOST, origins=(origin,))))
    assert (status.progress, status.request.origins) == ("failed", (origin,))


@pytest.mark.parametrize("request_id", ["", "../pins", "a/b", "a?b", "a b"])
def test_an_id_that_leads_elsewhere_is_not_asked_for(ann: PinningClient, request_id: str) -> None:
    with pytest.raises(PinError) as caught:
        ann.get(request_id)
    assert caught.value.code == "pin.request"


def test_errors_of_a_service_are_typed(node: Served) -> None:
    with (
        PinningClient(f"{node.url}/pinning", "wrong") as stranger,
        pytest.raises(RemoteError, match="UNAUTHORIZED") as caught,
    ):
        stranger.find(PinQuery())
    assert (caught.value.code, caught.value.status) == ("remote.refused", 401)
    assert "wrong" not in str(caught.value)
    with (
        PinningClient("http://127.0.0.1:9/pinning", "t") as alone,
        pytest.raises(RemoteError) as caught,
    ):
        alone.find(PinQuery())
    assert (caught.value.code, caught.value.status) == ("remote.unreachable", None)
