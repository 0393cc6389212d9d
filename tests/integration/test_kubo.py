"""A real kubo on loopback, offline: what it and we say of the same blocks."""

from __future__ import annotations

import io
import random
import time
from collections.abc import Iterator

import pytest

from kubos import Kubo, running_kubo
from lodestamp.core.content import PROFILES, Block, Root, add_bytes, add_file, car, ipns
from lodestamp.core.encoding import Cid, Codec
from lodestamp.core.keys import SigningKey
from lodestamp.errors import BlockMismatch, RemoteError
from lodestamp.node.blocks import KuboClient
from lodestamp.node.blocks.gateway_client import GatewayClient

pytestmark = pytest.mark.engine

NOW_NS = time.time_ns()

ADD_OPTIONS = {
    "unixfs-v1-2025": {
        "cid_version": 1,
        "chunker": "size-1048576",
        "max_file_links": 1024,
        "raw_leaves": True,
    },
    "unixfs-v0-2015": {"cid_version": 0},
    "legacy-cidv1": {"cid_version": 1},
    "legacy-cidv1-dagpb": {"cid_version": 1, "raw_leaves": False},
    "legacy-cidv0-raw": {"cid_version": 0, "raw_leaves": True},
    "covenant-8": {
        "cid_version": 1,
        "chunker": "size-262144",
        "max_file_links": 8,
        "raw_leaves": True,
    },
    "covenant-8-480": {
        "cid_version": 1,
        "chunker": "size-480",
        "max_file_links": 8,
        "raw_leaves": True,
    },
    "covenant-8-512": {
        "cid_version": 1,
        "chunker": "size-512",
        "max_file_links": 8,
        "raw_leaves": True,
    },
}


@pytest.fixture(scope="module")
def kubo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubo]:
    with running_kubo(tmp_path_factory.mktemp("kubo")) as running:
        yield running


@pytest.fixture
def client(kubo: Kubo) -> Iterator[KuboClient]:
    with KuboClient(kubo.rpc) as opened:
        yield opened


def test_every_profile_has_its_options_of_kubo() -> None:
    assert ADD_OPTIONS.keys() == PROFILES.keys()


def test_the_client_reads_the_version(client: KuboClient) -> None:
    version = client.version()
    assert version.version.split(".")[:1] == ["0"]
    assert version.golang.startswith("go")


def test_200_random_files_have_the_cid_of_kubo_in_every_profile(client: KuboClient) -> None:
    chance = random.Random(2026)
    files = [chance.randbytes(int(10 ** chance.uniform(0, 6.4))) for _ in range(200)]
    assert len({len(data) for data in files}) > 100
    for name, options in ADD_OPTIONS.items():
        streams = {f"file-{at:03}": io.BytesIO(data) for at, data in enumerate(files)}
        added = {
            each.name: each.cid
            for each in client.add(streams, only_hash=True, pin=False, **options)
        }
        for at, data in enumerate(files):
            root, _ = add_bytes(data, PROFILES[name])
            assert added[f"file-{at:03}"] == root.cid, (name, len(data))


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_our_car_in_kubo_gives_the_same_bytes_and_comes_back_the_same(
    kubo: Kubo, client: KuboClient, profile: str
) -> None:
    data = random.Random(profile).randbytes(700_000 if "8-" not in profile else 30_000)
    parts = list(add_file([data], PROFILES[profile]))
    (root,) = [part for part in parts if isinstance(part, Root)]
    blocks = {part.cid: part.data for part in parts if isinstance(part, Block)}
    imported = client.dag_import(
        car.write_v1([root.cid], [part for part in parts if isinstance(part, Block)])
    )
    assert imported.roots == (root.cid,)
    assert imported.blocks == len(blocks)
    assert kubo.run("cat", str(root.cid)) == data
    assert client.cat(str(root.cid), 1_000, 2_000) == data[1_000:3_000]
    assert root.cid in client.pin_ls()
    with client.dag_export(root.cid) as exported:
        assert {block.cid: block.data for block in exported} == blocks
    assert client.block_size(root.cid) == len(blocks[root.cid])


def test_blocks_go_in_and_come_out_under_their_own_cid(client: KuboClient) -> None:
    for codec, data in (
        (Codec.RAW, b"raw bytes"),
        (Codec.DAG_CBOR, b"\xa1aa\x01"),
        (Codec.DAG_PB, b"\x0a\x02\x08\x01"),
    ):
        block = Block(Cid.of(codec, data), data)
        client.block_put(block)
        assert client.block_get(block.cid) == data
        assert client.block_size(block.cid) == len(data)
    cid = client.dag_put(b'{"a":1}', input_codec="dag-json", store_codec="dag-cbor")
    assert cid == Cid.of(Codec.DAG_CBOR, b"\xa1aa\x01")


def test_pins_are_set_moved_and_lifted(client: KuboClient) -> None:
    old, new = (Block(Cid.of(Codec.RAW, data), data) for data in (b"old", b"new"))
    for block in (old, new):
        client.block_put(block)
    client.pin_add(old.cid, name="first")
    assert old.cid in client.pin_ls()
    client.pin_update(old.cid, new.cid)
    assert new.cid in client.pin_ls()
    assert old.cid not in client.pin_ls()
    client.pin_rm(new.cid)
    assert new.cid not in client.pin_ls()


def test_ipns_records_hold_both_ways(kubo: Kubo, client: KuboClient) -> None:
    key = SigningKey.from_seed("ed25519", bytes(range(32)))
    name = ipns.name_of(key.public_key)
    record = ipns.create(key, b"/ipfs/bafkqaaa", sequence=7, validity_ns=NOW_NS + 86_400 * 10**9)
    client.routing_put(name, record, offline=True)
    empty = Block(Cid.of(Codec.RAW, b""), b"")
    client.block_put(empty)
    theirs = client.name_publish(f"/ipfs/{empty.cid}", offline=True)
    with GatewayClient([kubo.gateway]) as gateway:
        assert gateway.record(name, NOW_NS).encoded == record
        assert gateway.record(theirs, NOW_NS).value == f"/ipfs/{empty.cid}".encode()


def test_kubos_gateway_gives_checked_blocks_and_cars(kubo: Kubo, client: KuboClient) -> None:
    root, blocks = add_bytes(bytes(600_000), PROFILES["legacy-cidv1"])
    client.dag_import(car.write_v1([root.cid], blocks))
    with GatewayClient(["http://127.0.0.1:1", kubo.gateway]) as gateway:
        assert gateway.block(root.cid) == blocks[-1].data
        assert gateway.urls == (kubo.gateway, "http://127.0.0.1:1"), "who fails is asked last"
        with gateway.car(str(root.cid)) as received:
            assert {block.cid for block in received} == {block.cid for block in blocks}
        with gateway.car(str(root.cid), scope="block") as received:
            assert [block.cid for block in received] == [root.cid]
        with pytest.raises(RemoteError, match=r"127\.0\.0\.1"):
            gateway.block(Cid.of(Codec.RAW, b"nobody has this"))


def test_what_kubo_refuses_is_typed(client: KuboClient) -> None:
    absent = Cid.of(Codec.RAW, b"nobody has this")
    with pytest.raises(RemoteError) as refused:
        client.block_get(absent)
    assert (refused.value.code, refused.value.status) == ("remote.refused", 500)
    with pytest.raises(RemoteError) as refused, client.dag_export(absent) as exported:
        list(exported)
    assert refused.value.code == "remote.refused"
    broken = b"".join(car.write_v1([absent], [Block(absent, b"other bytes")]))
    with pytest.raises(RemoteError):
        client.dag_import([broken])
    oddity = Block(Cid.of(Codec.RAW, b"x", 0x00), b"x")
    with pytest.raises(BlockMismatch):
        client.block_put(oddity)


def test_nobody_at_home_is_unreachable() -> None:
    with KuboClient("http://127.0.0.1:1") as client, pytest.raises(RemoteError) as gone:
        client.version()
    assert gone.value.code == "remote.unreachable"
