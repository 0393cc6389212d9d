"""The trustless gateway over real HTTP: what it serves, and what it refuses (content spec §8)."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator

import httpx
import pytest

import lodestamp
from listeners import Served, served
from lodestamp.core.content import PROFILES, PieceStream, add_bytes, car, ipns
from lodestamp.core.encoding import Cid
from lodestamp.core.keys import SigningKey
from lodestamp.errors import GatewayRefusal
from lodestamp.faces.http import gateway as face
from lodestamp.node.blocks.gateway_request import parse_range, parse_request
from lodestamp.node.clock import now_ms
from lodestamp.node.fsck import fsck

RAW = {"accept": "application/vnd.ipld.raw"}
CAR = {"accept": "application/vnd.ipld.car"}
DATA = bytes(range(256)) * 8
ROOT, BLOCKS = add_bytes(DATA, PROFILES["covenant-8-512"])
KEY = SigningKey.from_seed("ed25519", bytes(32))
NAME = ipns.name_of(KEY.public_key)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("gateway") / "home"
    with lodestamp.open(home) as node:
        with node.blocks.writer() as writer:
            for block in BLOCKS:
                writer.put(block)
            writer.commit()
        with served(node, "ipfs") as listening:
            yield listening
    assert not fsck(home).findings


def get(gateway: Served, target: str, method: str = "GET", **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.request(method, gateway.url + target, headers=named)


def refused(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    document = answer.json()
    assert document.keys() == {"type", "title", "status", "detail", "code"}
    assert document["status"] == answer.status_code
    return answer.status_code, document["code"]


@pytest.mark.parametrize(
    ("accept", "query", "status", "code"),
    [
        ("*/*", "", 400, "gateway.format"),
        ("text/html,application/xhtml+xml", "", 400, "gateway.format"),
        ("application/vnd.ipld.raw;q=0", "", 406, "gateway.format"),
        ("application/vnd.ipld.dag-json", "", 406, "gateway.format"),
        ("*/*", "format=tar", 406, "gateway.format"),
        ("application/vnd.ipld.raw;q=x", "", 400, "gateway.accept"),
        ("application/vnd.ipld.car;version=2", "", 400, "gateway.car-version"),
        ("*/*", "format=car&car-version=2", 400, "gateway.car-version"),
        ("*/*", "format=car&car-order=bfs", 400, "gateway.car-order"),
        ("*/*", "format=car&car-dups=maybe", 400, "gateway.car-dups"),
        ("*/*", "format=car&dag-scope=some", 400, "gateway.dag-scope"),
        ("*/*", "format=car&entity-bytes=5:3", 400, "gateway.entity-bytes"),
        ("*/*", "format=car&entity-bytes=5", 400, "gateway.entity-bytes"),
        ("*/*", "format=car&entity-bytes=a:b", 400, "gateway.entity-bytes"),
        ("*/*", "format=car&entity-bytes=2048:*", 400, "gateway.entity-bytes"),
        ("*/*", "format=ipns-record", 400, "gateway.format"),
        (",".join(["application/vnd.ipld.raw"] * 17), "", 400, "gateway.header"),
        ("*/*", "&".join(f"p{at}=1" for at in range(33)), 400, "gateway.query"),
    ],
)
def test_R110_what_makes_no_sense_is_refused_by_its_name(
    gateway: Served, accept: str, query: str, status: int, code: str
) -> None:
    answer = get(gateway, f"/ipfs/{ROOT.cid}?{query}", accept=accept)
    assert refused(answer) == (status, code)


def test_R110_the_best_liked_format_is_served_and_the_query_beats_accept(gateway: Served) -> None:
    both = "application/vnd.ipld.raw;q=0.5, application/vnd.ipld.car;q=0.9"
    assert "car" in get(gateway, f"/ipfs/{ROOT.cid}", accept=both).headers["content-type"]
    assert (
        "raw" in get(gateway, f"/ipfs/{ROOT.cid}?format=raw", accept=both).headers["content-type"]
    )
    tie = "application/vnd.ipld.raw, application/vnd.ipld.car"
    assert "raw" in get(gateway, f"/ipfs/{ROOT.cid}", accept=tie).headers["content-type"]


def test_R111_a_car_says_how_it_is_served(gateway: Served) -> None:
    answer = get(gateway, f"/ipfs/{ROOT.cid}?format=car&car-order=unk")
    assert (
        answer.headers["content-type"] == "application/vnd.ipld.car; version=1; order=dfs; dups=n"
    )
    assert answer.headers["accept-ranges"] == "none"
    assert "content-location" not in answer.headers


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [("0:511", 0, 512), ("-1:*", 2047, 2048), ("0:99999", 0, 2048), ("-99999:0", 0, 1)],
)
def test_R113_bytes_of_a_file_are_proved_by_exactly_their_blocks(
    gateway: Served, wanted: str, start: int, end: int
) -> None:
    from lodestamp.core.content import slices

    answer = get(gateway, f"/ipfs/{ROOT.cid}?format=car&entity-bytes={wanted}")
    blocks = list(car.read(PieceStream([answer.content])))
    proved = slices.verify(blocks, ROOT.cid, "", start, end)
    assert proved.data == DATA[start:end]
    assert proved.unused == ()


def test_R113_no_bytes_after_clamping_is_the_block_alone(gateway: Served) -> None:
    answer = get(gateway, f"/ipfs/{ROOT.cid}?format=car&entity-bytes=5:-2045")
    assert [block.cid for block in car.read(PieceStream([answer.content]))] == [ROOT.cid]


def test_R114_what_is_absent_is_404_and_a_block_missing_later_cuts_the_connection(
    gateway: Served,
) -> None:
    absent = Cid.of(0x55, b"absent")
    assert refused(get(gateway, f"/ipfs/{absent}", **RAW)) == (404, "gateway.absent")
    assert refused(get(gateway, f"/ipfs/{ROOT.cid}/x?format=car")) == (404, "gateway.absent")
    assert refused(get(gateway, "/ipfs/nonsense?format=car")) == (400, "gateway.cid")
    assert refused(get(gateway, f"/ipfs/{ROOT.cid}/%2e%2e/x?format=car"))[0] == 400
    other, blocks = add_bytes(b"x" * 900 + b"y" * 900, PROFILES["covenant-8-512"])
    gateway.node.blocks.put(blocks[-1])
    gateway.node.blocks.put(blocks[0])
    with pytest.raises(httpx.RemoteProtocolError):
        get(gateway, f"/ipfs/{other.cid}?format=car")
    head = get(gateway, f"/ipfs/{other.cid}?format=car", method="HEAD")
    assert (head.status_code, head.content) == (200, b"")


def test_R115_a_file_name_cannot_end_its_header(gateway: Served) -> None:
    hostile = "a%22%0d%0aSet-Cookie:%20x=1%5c%00.bin"
    answer = get(gateway, f"/ipfs/{ROOT.cid}?format=raw&filename={hostile}")
    assert "set-cookie" not in answer.headers
    assert answer.headers["content-disposition"] == ('attachment; filename="aSet-Cookie: x=1.bin"')
    answer = get(gateway, f"/ipfs/{ROOT.cid}?format=raw&filename=t%D1%82.bin")
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"t_.bin\"; filename*=UTF-8''t%D1%82.bin"
    )


def test_R116_what_a_cache_holds_is_not_sent_again(gateway: Served) -> None:
    target = f"/ipfs/{ROOT.cid}"
    for kind in (RAW, CAR):
        first = get(gateway, target, **kind)
        etag = first.headers["etag"]
        for match in (etag, f"W/{etag.removeprefix('W/')}", f'"other", {etag}', "*"):
            again = get(gateway, target, **kind, if_none_match=match)
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == etag
            assert again.headers["cache-control"] == first.headers["cache-control"]
        assert get(gateway, target, **kind, if_none_match='"other"').status_code == 200
    scoped = get(gateway, f"{target}?dag-scope=block", **CAR).headers["etag"]
    assert scoped != get(gateway, target, **CAR).headers["etag"]


def test_R116_ranges_of_a_block(gateway: Served) -> None:
    target = f"/ipfs/{BLOCKS[0].cid}"
    answer = get(gateway, target, **RAW, range="bytes=2-5")
    assert (answer.status_code, answer.content) == (206, DATA[2:6])
    assert answer.headers["content-range"] == "bytes 2-5/512"
    assert get(gateway, target, **RAW, range="bytes=-3").content == DATA[509:512]
    assert get(gateway, target, **RAW, range="bytes=510-").content == DATA[510:512]
    assert get(gateway, target, **RAW, range="bytes=0-1,4-5").content == DATA[:2]
    assert get(gateway, target, **RAW, range="bytes=x-y").status_code == 200
    beyond = get(gateway, target, **RAW, range="bytes=512-")
    assert refused(beyond) == (416, "gateway.range")
    assert beyond.headers["content-range"] == "bytes */512"
    bomb = "bytes=" + ",".join(["0-0"] * 17)
    assert refused(get(gateway, target, **RAW, range=bomb)) == (400, "gateway.header")
    stale = get(gateway, target, **RAW, range="bytes=0-1", if_range='"other"')
    assert (stale.status_code, len(stale.content)) == (200, 512)


def test_R117_the_answers_of_a_cache_a_probe_and_other_methods(gateway: Served) -> None:
    absent = Cid.of(0x55, b"absent")
    only = get(gateway, f"/ipfs/{absent}", **RAW, cache_control="only-if-cached")
    assert refused(only) == (412, "gateway.absent")
    probe = get(gateway, "/ipfs/bafkqaaa", **RAW)
    assert (probe.status_code, probe.content) == (200, b"")
    empty = get(gateway, "/ipfs/bafkqaaa", **CAR)
    assert list(car.read(PieceStream([empty.content]))) == []
    posted = get(gateway, f"/ipfs/{ROOT.cid}", method="POST")
    assert refused(posted) == (405, "gateway.method")
    assert posted.headers["allow"] == "GET, HEAD, OPTIONS"


def test_R117_too_many_streams_are_told_to_come_again(
    gateway: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(face, "STREAMS_MAX", 0)
    with served(gateway.node, "ipfs") as full:
        answer = get(full, f"/ipfs/{ROOT.cid}", **CAR)
        assert refused(answer) == (429, "gateway.busy")
        assert answer.headers["retry-after"] == "5"
        assert get(full, f"/ipfs/{ROOT.cid}", **RAW).status_code == 200


def test_R118_a_page_of_another_origin_may_ask(gateway: Served) -> None:
    options = get(gateway, f"/ipfs/{ROOT.cid}", method="OPTIONS")
    assert options.status_code == 204
    for answer in (options, get(gateway, f"/ipfs/{ROOT.cid}", **RAW)):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "Range" in answer.headers["access-control-allow-headers"]
        assert "X-Ipfs-Roots" in answer.headers["access-control-expose-headers"]


def test_R103_damaged_bytes_never_leave(gateway: Served) -> None:
    pack = next((gateway.node.home / "blocks" / "packs").glob("*.car"))
    stored = bytearray(pack.read_bytes())
    at = stored.index(BLOCKS[0].data)
    stored[at] ^= 1
    pack.write_bytes(stored)
    answer = get(gateway, f"/ipfs/{BLOCKS[0].cid}", **RAW)
    assert refused(answer) == (500, "failed")
    stored[at] ^= 1
    pack.write_bytes(stored)
    gateway.node.blocks.put(BLOCKS[0])


def test_bodies_are_never_compressed(gateway: Served) -> None:
    for kind in (RAW, CAR):
        answer = get(gateway, f"/ipfs/{ROOT.cid}", **kind, accept_encoding="gzip")
        assert "content-encoding" not in answer.headers


def test_an_ipns_record_is_served_while_it_holds_and_the_newest_stands(gateway: Served) -> None:
    records = gateway.node.ipns_records
    soon = now_ms() * 10**6 + 100 * 10**9
    for sequence, value in ((2, b"/ipfs/bafkqaaa"), (1, b"/ipfs/bafkqaab")):
        records.put(NAME, ipns.create(KEY, value, sequence=sequence, validity_ns=soon))
    answer = get(gateway, f"/ipns/{NAME}?format=ipns-record")
    assert ipns.verify(NAME, answer.content, now_ms() * 10**6).value == b"/ipfs/bafkqaaa"
    age = int(answer.headers["cache-control"].partition("max-age=")[2])
    assert 90 <= age <= 100
    digest = hashlib.sha256(answer.content).hexdigest()[:16]
    assert answer.headers["etag"] == f'"{digest}.ipns-record"'
    assert refused(get(gateway, f"/ipns/{NAME}/a?format=ipns-record"))[0] == 400
    assert refused(get(gateway, f"/ipns/{NAME}?format=car")) == (400, "gateway.format")
    other = ipns.name_of(SigningKey.from_seed("ed25519", b"\1" * 32).public_key)
    assert refused(get(gateway, f"/ipns/{other}?format=ipns-record")) == (404, "gateway.absent")
    assert refused(get(gateway, "/ipns/x?format=ipns-record")) == (400, "gateway.name")


def test_many_readers_at_once_get_whole_bodies(gateway: Served) -> None:
    whole = get(gateway, f"/ipfs/{ROOT.cid}", **CAR).content
    bodies: list[bytes] = []
    threads = [
        threading.Thread(
            target=lambda: bodies.append(get(gateway, f"/ipfs/{ROOT.cid}", **CAR).content)
        )
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bodies == [whole] * 16


def test_absurd_ranges_are_bounded() -> None:
    assert parse_range("bytes=5-99999999999999999999", 10) == (5, 10)
    with pytest.raises(GatewayRefusal) as refusal:
        parse_range("bytes=99999999999999999999999-", 10)
    assert refusal.value.status == 416


@pytest.mark.parametrize("path", ["", "/", "ipfs/bafkqaaa", "/ipld/bafkqaaa", "bafkqaaa"])
def test_a_path_of_another_kind_is_refused(path: str) -> None:
    with pytest.raises(GatewayRefusal) as refusal:
        parse_request(path, "format=raw", {})
    assert (refusal.value.status, refusal.value.code) == (400, "gateway.path")


def test_the_format_that_came_by_accept_is_named_in_content_location() -> None:
    asked = parse_request("/ipfs/bafkqaaa", "filename=%22x", CAR)
    assert asked.explicit == "/ipfs/bafkqaaa?filename=%22x&format=car"
    assert parse_request("/ipfs/bafkqaaa", "format=car", {}).explicit is None
