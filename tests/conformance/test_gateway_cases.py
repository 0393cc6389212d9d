"""The trustless gateway's public cases, each over real HTTP on loopback (content spec §8)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import lodestamp
from conftest import load_json, vector_folder
from listeners import Served, served
from lodestamp.core.content import PieceStream, car, ipns
from lodestamp.core.encoding import Cid
from lodestamp.node.clock import now_ms

ACCEPTS = {
    "car": "application/vnd.ipld.car",
    "raw": "application/vnd.ipld.raw",
    "ipns-record": "application/vnd.ipfs.ipns-record",
}
CASES: list[dict[str, Any]] = (
    load_json(vector_folder() / "content" / "gateway_cases.json")["cases"]
    if vector_folder().is_dir()
    else []
)


@pytest.fixture(scope="module")
def gateway(vectors: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = vectors / "content" / "gateway"
    with lodestamp.open(tmp_path_factory.mktemp("gateway") / "home") as node:
        with node.blocks.writer() as writer:
            for path in sorted(folder.rglob("*.car")):
                with path.open("rb") as stream:
                    for block in car.read(stream):
                        writer.put(block)
            writer.commit()
        node.ipns_records.take_folder(folder / "ipns_records")
        with served(node, "ipfs") as listening:
            yield listening


def test_there_are_forty_cases(vectors: Path) -> None:
    assert len(load_json(vectors / "content" / "gateway_cases.json")["cases"]) == len(CASES) == 40


@pytest.mark.parametrize(
    "case", CASES, ids=[f"{at}-{case['name']}" for at, case in enumerate(CASES)]
)
def test_the_answer_is_the_one_that_the_case_names(gateway: Served, case: dict[str, Any]) -> None:
    check(case, ask(gateway, case, case["query"], case["accept"]))


@pytest.mark.parametrize("case", [case for case in CASES if case["format"] == "car"])
def test_a_car_is_the_same_when_it_is_asked_for_by_accept(
    gateway: Served, case: dict[str, Any]
) -> None:
    query = {name: value for name, value in case["query"].items() if name != "format"}
    answer = ask(
        gateway, case, query, case["accept"] if "car" in (case["accept"] or "") else ACCEPTS["car"]
    )
    check(case, answer)
    if answer.status_code == 200:
        assert "format=car" in answer.headers["content-location"]


def test_a_head_has_the_headers_of_its_get(gateway: Served) -> None:
    for case in CASES:
        got = ask(gateway, case, case["query"], case["accept"])
        head = ask(gateway, {**case, "method": "HEAD"}, case["query"], case["accept"])
        assert head.content == b""
        if got.status_code == 200:
            names = ("content-type", "etag", "x-ipfs-path", "x-ipfs-roots", "cache-control")
            assert {name: head.headers.get(name) for name in names} == {
                name: got.headers.get(name) for name in names
            }


def ask(
    gateway: Served, case: dict[str, Any], query: dict[str, str], accept: str | None
) -> httpx.Response:
    headers = dict(case.get("request_headers") or {})
    headers["accept"] = accept or "*/*"
    url = gateway.url + case["path"]
    with httpx.stream(case["method"], url, params=query, headers=headers) as answer:
        pieces = []
        try:
            pieces.extend(answer.iter_bytes())
        except httpx.RemoteProtocolError:
            assert "missing" in case["name"], "only a missing block cuts the connection"
        return httpx.Response(answer.status_code, headers=answer.headers, content=b"".join(pieces))


def check(case: dict[str, Any], answer: httpx.Response) -> None:
    assert answer.status_code in (case.get("status_or") or [case["status"]]), answer.text[:300]
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        return
    for name, value in (case.get("headers") or {}).items():
        assert answer.headers[name] == value
    for name, value in (case.get("headers_contain") or {}).items():
        for part in value if isinstance(value, list) else [value]:
            assert part in answer.headers[name]
    for name in case.get("headers_present") or ():
        assert answer.headers[name]
    for part in case.get("content_type_contains") or ():
        assert part in answer.headers["content-type"]
    if case.get("content_range") and answer.status_code == 206:
        assert answer.headers["content-range"] == case["content_range"]
    if case.get("body_sha256"):
        assert hashlib.sha256(answer.content).hexdigest() == case["body_sha256"]
    if case.get("points_to"):
        record = ipns.verify(case["path"].rpartition("/")[2], answer.content, now_ms() * 10**6)
        assert record.value.decode() == case["points_to"]
    if case.get("blocks") is not None:
        wanted = [Cid.parse(text) for text in case["blocks"]]
        found = [block.cid for block in car.read(PieceStream([answer.content]))]
        assert found == wanted if case["ordered"] else set(found) >= set(wanted)
        if case["exact"] and not case["ordered"]:
            assert sorted(map(str, found)) == sorted(map(str, wanted))
