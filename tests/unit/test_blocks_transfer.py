"""CARs in and out of the store (content spec R85, R86)."""

from __future__ import annotations

import io
import os

import pytest

from lodestamp.core.content import (
    Block,
    ContentPath,
    File,
    Root,
    Scope,
    add_bytes,
    add_directory,
    car,
    dag_cbor,
    get_profile,
    slices,
)
from lodestamp.core.encoding import Cid
from lodestamp.errors import BlockMismatch, CarError
from lodestamp.node.blocks import Pin, export_blocks, import_car
from stores import Clock, audited_store, opened_store, put, raw, raws

PROFILE = get_profile("unixfs-v0-2015")


def _dag():
    content = os.urandom(800_000)
    entries = [File((b"a",), [b"hello"]), File((b"d", b"big"), [content])]
    blocks, root = [], None
    for item in add_directory(entries, PROFILE):
        if isinstance(item, Root):
            root = item.cid
        else:
            blocks.append(item)
    return root, blocks, content


def _car(roots, blocks):
    return io.BytesIO(b"".join(car.write_v1(roots, blocks)))


def test_r86_an_export_imports_into_the_same_dag_and_exports_the_same_bytes(tmp_path):
    root, blocks, _ = _dag()
    (tmp_path / "x").mkdir()
    with audited_store(tmp_path / "x") as store:
        put(store, blocks)
        first = b"".join(car.write_v1([root], export_blocks(store, ContentPath(root))))
    assert next(iter(car.read(io.BytesIO(first)))).cid == root
    (tmp_path / "y").mkdir()
    with audited_store(tmp_path / "y") as store:
        done = import_car(store, io.BytesIO(first))
        assert (done.roots, done.incomplete, done.extra) == ((root,), (), 0)
        assert done.blocks == done.new_blocks == len({block.cid for block in blocks})
        assert store.pins() == [Pin(root)]
        again = b"".join(car.write_v1([root], export_blocks(store, ContentPath(root))))
        assert again == first
        assert import_car(store, io.BytesIO(first)).new_blocks == 0


def test_r85_a_root_with_a_gap_is_kept_unpinned_until_it_is_filled(tmp_path):
    root, blocks, _ = _dag()
    with audited_store(tmp_path) as store:
        done = import_car(store, _car([root], blocks[1:]))
        assert done.incomplete == (root,)
        assert store.pins() == []
        assert store.get(root) is not None
        filled = import_car(store, _car([root], blocks[:1]))  # the store has the rest
        assert filled.incomplete == ()
        assert store.pins() == [Pin(root)]


def test_r85_sections_outside_the_roots_are_extra(tmp_path):
    root, blocks, _ = _dag()
    extra = raws(5)
    with audited_store(tmp_path) as store:
        put(store, extra[:1])  # was here before: stays
        done = import_car(store, _car([root], [*extra, *blocks]))
        assert done.extra == 5
        assert [store.has(block.cid) for block in extra] == [True, *[False] * 4]
        done = import_car(store, _car([root], [*extra, *blocks]), all_blocks=True)
        assert (done.extra, done.new_blocks) == (5, 4)
        assert all(store.has(block.cid) for block in extra)


def test_r85_roots_that_are_nowhere_are_claims(tmp_path):
    absent = Cid.of(0x71, b"nowhere")
    with audited_store(tmp_path) as store:
        done = import_car(store, _car([absent], raws(2)), pin_roots=False)
        assert (done.incomplete, done.extra) == ((absent,), 2)


def test_a_car_that_lies_pins_nothing(tmp_path):
    root, blocks, _ = _dag()
    good = _car([root], blocks).getvalue()
    for data, kind in (
        (good[:-1] + bytes([good[-1] ^ 1]), BlockMismatch),
        (good[:-1], CarError),
    ):
        with audited_store(tmp_path) as store:
            with pytest.raises(kind):
                import_car(store, io.BytesIO(data))
            assert store.pins() == []


def test_r86_each_cid_comes_once_or_every_time_it_is_met(tmp_path):
    leaf = raw(1)
    node = dag_cbor.encode([leaf.cid, leaf.cid])
    top = Block(Cid.of(0x71, node), node)
    with audited_store(tmp_path) as store:
        put(store, [leaf, top])
        path = ContentPath(top.cid)
        assert list(export_blocks(store, path)) == [top, leaf]
        assert list(export_blocks(store, path, repeated=True)) == [top, leaf, leaf]
        assert list(export_blocks(store, path, scope=Scope.BLOCK)) == [top]


def test_r90_an_export_of_a_range_proves_it(tmp_path):
    root, blocks, content = _dag()
    with audited_store(tmp_path) as store:
        put(store, blocks)
        path = ContentPath(root, (b"d", b"big"))
        chosen = list(export_blocks(store, path, span=(300_000, 300_010)))
        proved = slices.verify(chosen, root, (b"d", b"big"), 300_000, 300_010)
        assert proved.data == content[300_000:300_010]
        assert len(chosen) < len(blocks)
        whole = list(export_blocks(store, path, span=(700_000, None)))
        assert slices.verify(whole, root, "d/big", 700_000, 800_000).data == content[700_000:]


def test_extra_blocks_stay_while_somebody_may_rely_on_them(tmp_path):
    root, blocks, _ = _dag()
    with opened_store(tmp_path, Clock()) as store, store.writer():
        import_car(store, _car([root], [raw(1), *blocks]))
        assert store.has(raw(1).cid)  # garbage collection will see to it


@pytest.mark.parametrize("how", ["added", "pinned"])
def test_extra_blocks_stay_when_somebody_pinned_them_while_they_came_in(tmp_path, how):
    """Whoever relied on them may be done already, so that nothing but its pin shows it."""
    root, blocks, _ = _dag()
    with audited_store(tmp_path, Clock()) as store:
        theirs, extra = add_bytes(os.urandom(600_000), PROFILE)

        def meanwhile(_done, _total):
            if how == "pinned":
                if store.first_absent([block.cid for block in extra]) is None:
                    store.pin(Pin.of_root(theirs))
            elif not store.pins():
                with store.writer() as writer:
                    for block in extra:
                        writer.put(block)
                    writer.commit([Pin.of_root(theirs)])

        first = [*extra, *raws(5_000), *blocks]  # more than a batch: what came first is to be seen
        import_car(store, _car([root], first), progress=meanwhile)
        assert theirs.cid in {pin.cid for pin in store.pins()}
        assert all(store.has(block.cid) for block in extra)


def test_extra_blocks_stay_while_somebody_keeps_blocks(tmp_path):
    root, blocks, _ = _dag()
    with opened_store(tmp_path, Clock()) as store, store.keeping_blocks():
        import_car(store, _car([root], [raw(1), *blocks]))
        assert store.has(raw(1).cid)
