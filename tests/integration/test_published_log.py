"""The published log: over HTTP, as files, and followed from outside (§4, R28, R31, A15, A18)."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import contextmanager

import httpx
import pytest

import lodestamp
from homes import assert_clean, found_codes, reading
from listeners import served
from lodestamp.core.keys import SigningKey
from lodestamp.core.merkle import TileRef, decode_bundle, leaf_hashes, root_at, tiles_for
from lodestamp.core.transparency import (
    ED25519_NOTE,
    MLDSA44_COSIGNATURE,
    Cosigner,
    NoteSigner,
    open_note,
    parse_checkpoint,
    parse_vkey,
    sign_note,
)
from lodestamp.errors import LodestampError, LogCorrupt, UsageError
from lodestamp.node.anchors import Monitor, RemoteLog, WitnessAhead
from lodestamp.node.findings import AuditReport
from lodestamp.node.following import audit_remote
from lodestamp.node.fsck import fsck
from lodestamp.node.publishing import audit_mirrors

SIZE = 300


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """A home of 300 operations, not to be changed."""
    home = tmp_path_factory.mktemp("big") / "home"
    with lodestamp.open(home) as node:
        waiting = [node.record_future(**reading(number)) for number in range(SIZE)]
        for each in waiting:
            each.result()
    assert_clean(home)
    return home


@pytest.fixture(scope="module")
def listening(big):
    with lodestamp.open(big) as node, served(node, "log") as served_log:
        yield served_log


def test_r28_the_checkpoint_is_served_as_the_table_says(listening):
    answer = httpx.get(f"{listening.url}/log/checkpoint")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    opened = open_note(answer.content, [listening.node.log_key])
    assert parse_checkpoint(opened.text).size == SIZE


def test_every_tile_and_bundle_of_the_published_size_is_served_and_none_beyond(listening):
    leaves = b""
    for tile in tiles_for(SIZE):
        answer = httpx.get(f"{listening.url}/log/{tile}")
        assert answer.status_code == 200
        assert len(answer.content) == 32 * tile.width
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        if tile.level == 0:
            bundle = httpx.get(f"{listening.url}/log/{TileRef(None, tile.index, tile.width)}")
            entries = decode_bundle(bundle.content, tile.width)
            assert b"".join(leaf_hashes(entries)) == answer.content
            assert {len(entry) for entry in entries} == {36}
            leaves += answer.content
    assert len(leaves) == 32 * SIZE
    for path in (
        "tile/0/001.p/45",
        "tile/0/001",
        "tile/0/002.p/1",
        "tile/1/000.p/2",
        "tile/2/000.p/1",
        "tile/63/000.p/1",
        "tile/64/000.p/1",
        "tile/entries/001.p/45",
        "tile/entries/001",
        "tile/00/000",
        "tile/0/0",
        "tile/0/000/",
        "tile/0/000.p/256",
        "tile/0/000.p/0",
        "tile/0/%30%30%30",
        "tile/0/x000/000",
        "tile/entries",
        "tile/",
        "tile",
        "nothing",
    ):
        answer = httpx.get(f"{listening.url}/log/{path}")
        assert answer.status_code == 404, path
        assert answer.headers["cache-control"] == "no-store"


def test_a_partial_tile_stays_after_the_tile_has_filled(listening):
    full = httpx.get(f"{listening.url}/log/tile/0/000").content
    assert len(full) == 8_192
    for width in (1, 100, 255):
        part = httpx.get(f"{listening.url}/log/tile/0/000.p/{width}")
        assert part.status_code == 200
        assert part.content == full[: 32 * width]
    part = httpx.get(f"{listening.url}/log/tile/entries/000.p/7").content
    assert len(part) == 7 * 38


def test_a_monitor_reads_a_log_over_http_and_reaches_its_root(listening):
    with RemoteLog(f"{listening.url}/log") as log:
        monitor = Monitor(log, [listening.node.log_key])
        followed = monitor.follow()
        assert (followed.outcome, followed.entries) == ("grown", SIZE)
        assert root_at(log.tiles(SIZE), SIZE) == followed.checkpoint.root
        assert Monitor(log, [listening.node.log_key]).follow(290).entries == 10
        with pytest.raises(UsageError):
            monitor.follow(SIZE + 1)


# --- files ---------------------------------------------------------------------------------------


def test_r31_a_mirror_is_the_log_as_files_and_grows_with_it(tmp_path):
    home, folder = tmp_path / "home", tmp_path / "mirror"
    with lodestamp.open(home) as node:
        for size in (0, 3, 260):
            here = parse_checkpoint(open_note(node.checkpoint(), [node.log_key]).text).size
            grow(node, size - here)
            mirrored = node.public.mirror(folder)
            assert mirrored.size == size
            for tile in tiles_for(size):
                assert (folder / tile.path()).read_bytes() == node.public.published.find(str(tile))
            note = (folder / "checkpoint").read_bytes()
            assert note == node.checkpoint()
        assert node.public.mirror(folder).written == 1  # the checkpoint alone
        assert (folder / "tile/0/000.p/3").exists()  # partials remain
    report = fsck(home)
    assert report.clean, report.findings
    assert report.checked["mirrors"] == 1
    assert report.checked["mirror_files"] > 4


def spoil(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize(
    "harm", ["tile/0/000.p/3", "tile/entries/000.p/3", "checkpoint", "gone", "extra"]
)
def test_a15_a_mirror_that_differs_from_the_tables_is_found(tmp_path, harm):
    home, folder = tmp_path / "home", tmp_path / "mirror"
    with lodestamp.open(home) as node:
        for number in range(3):
            node.record(**reading(number))
        node.public.mirror(folder)
    assert_clean(home)
    if harm == "gone":
        (folder / "tile/0/000.p/3").unlink()
    elif harm == "extra":
        (folder / "tile/0/000.p/4").write_bytes(bytes(128))
    else:
        spoil(folder / harm)
    assert found_codes(home) == {"A15"}
    shutil.rmtree(folder)
    report = fsck(home)
    assert report.clean
    assert report.checked["mirrors_away"] == 1


def test_a15_a_mirror_file_cut_at_any_512_bytes_is_found(big, tmp_path):
    home, folder = tmp_path / "home", tmp_path / "mirror"
    shutil.copytree(big, home)
    with lodestamp.open(home) as node:
        node.public.mirror(folder)
        for name in ("checkpoint", "tile/0/000", "tile/entries/000", "tile/1/000.p/1"):
            path = folder / name
            whole = path.read_bytes()
            for cut in range(0, len(whole), 512):
                path.write_bytes(whole[:cut])
                report = AuditReport()
                audit_mirrors(node._database, node.log_key, report)
                assert {finding.code for finding in report.findings} == {"A15"}, (name, cut)
            path.write_bytes(whole)
    assert_clean(home)


def test_r31_a_mirror_of_another_or_a_longer_log_is_refused(tmp_path):
    folder = tmp_path / "mirror"
    with lodestamp.open(tmp_path / "home") as node:
        node.record(**reading(0))
        shutil.copytree(tmp_path / "home", tmp_path / "old")
        node.record(**reading(1))
        node.public.mirror(folder)
    (tmp_path / "old" / "checkpoint").unlink(missing_ok=True)
    with lodestamp.open(tmp_path / "old") as node:
        with pytest.raises(LogCorrupt) as refused:
            node.public.mirror(folder)
        assert refused.value.code == "log-rolled-back"
        for number in range(3):
            node.record(**reading(10 + number))
        with pytest.raises(LogCorrupt) as refused:
            node.public.mirror(folder)
        assert refused.value.code == "log-forked"
    with lodestamp.open(tmp_path / "other") as node:
        for place in (folder, tmp_path):
            with pytest.raises(UsageError) as usage:
                node.public.mirror(place)
            assert usage.value.code == "not-a-mirror"


# --- following from outside ----------------------------------------------------------------------


@contextmanager
def files_served(folder):
    """A static web server over a mirror, whose files a test may change."""
    import functools
    import http.server
    import threading

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def grow(node, count, first=0):
    for each in [node.record_future(**reading(first + number)) for number in range(count)]:
        each.result()


def codes(report):
    return [finding.code for finding in report.findings]


def test_a_log_may_drop_partial_tiles_once_they_are_full(big, tmp_path):
    home, folder = tmp_path / "home", tmp_path / "mirror"
    shutil.copytree(big, home)
    with lodestamp.open(home) as node:
        node.public.mirror(folder)
    assert not (folder / "tile/0/000.p").exists()
    with files_served(folder) as url, RemoteLog(url) as log:
        full = (folder / "tile/0/000").read_bytes()
        assert log.tiles(3).hashes(0, 0, 3) == full[:96]
        entries = log.entries(0, 3)
        assert b"".join(leaf_hashes(entries)) == full[:96]
        with pytest.raises(LodestampError):
            log.tile(0, 7, 5)


def test_a_log_is_audited_from_where_the_last_audit_ended(tmp_path):
    auditor = tmp_path / "auditor"
    with lodestamp.open(tmp_path / "home") as node:
        grow(node, 5)
        with served(node, "log") as listening:
            url, vkey = f"{listening.url}/log", node.log_key.text()
            with pytest.raises(UsageError) as usage:
                audit_remote(auditor, url)
            assert usage.value.code == "no-vkey"
            first = audit_remote(auditor, url, vkey=vkey)
            assert (first.findings, first.checked["entries"]) == ([], 5)
            grow(node, 300)
            second = audit_remote(auditor, url)
            assert (second.findings, second.checked["entries"]) == ([], 300)
            assert audit_remote(auditor, url).checked["entries"] == 0
            assert audit_remote(auditor, url, start=0).checked["entries"] == 305
            other = NoteSigner(node.origin, SigningKey.from_seed("ed25519", bytes(32)))
            with pytest.raises(UsageError) as usage:
                audit_remote(auditor, url, vkey=other.verifier_key.text())
            assert usage.value.code == "other-vkey"
    (trail,) = (auditor / "audits").iterdir()
    assert json.loads(trail.read_bytes())["vkeys"] == [vkey]


def two_histories(tmp_path):
    """Two homes with one key: the second went on from an older state of the first."""
    with lodestamp.open(tmp_path / "home") as node:
        grow(node, 3)
    shutil.copytree(tmp_path / "home", tmp_path / "fork")
    for name, count, first in (("home", 4, 100), ("fork", 6, 200)):
        with lodestamp.open(tmp_path / name) as node:
            grow(node, count, first)
            node.public.mirror(tmp_path / f"{name}-mirror")
            vkey = node.log_key.text()
    return vkey


def test_a_fork_and_a_rollback_are_found_with_their_evidence(tmp_path):
    vkey, auditor = two_histories(tmp_path), tmp_path / "auditor"
    mirror = tmp_path / "shown"
    shutil.copytree(tmp_path / "home-mirror", mirror)
    with files_served(mirror) as url:
        assert audit_remote(auditor, url, vkey=vkey).clean
        shutil.rmtree(mirror)
        shutil.copytree(tmp_path / "fork-mirror", mirror)
        report = audit_remote(auditor, url)
        assert codes(report) == ["A7"]
        assert "forked" in report.findings[0].detail
        evidence = list((auditor / "audits").glob("*.note"))
        assert [each.read_bytes() for each in evidence] == [(mirror / "checkpoint").read_bytes()]
        again = audit_remote(auditor, url)
        assert codes(again) == ["A7"]  # the trail stays where the log was still whole
    fresh = tmp_path / "fresh"
    with files_served(tmp_path / "fork-mirror") as url:
        assert audit_remote(fresh, url, vkey=vkey).clean
    with files_served(tmp_path / "home-mirror") as url:
        report = audit_remote(fresh, url)
        assert codes(report) == ["A18"]
        assert "rolled-back" in report.findings[0].detail


def test_tiles_entries_and_signatures_that_are_spoiled_are_found(tmp_path):
    vkey = two_histories(tmp_path)
    mirror = tmp_path / "home-mirror"
    for path, code in (
        ("tile/0/000.p/7", None),
        ("tile/entries/000.p/7", "A5"),
        ("checkpoint", "A7"),
    ):
        shown = tmp_path / "shown"
        shutil.copytree(mirror, shown)
        spoil(shown / path)
        with files_served(shown) as url:
            found = codes(audit_remote(tmp_path / f"auditor-{path[:6]}", url, vkey=vkey))
        assert found == ([code] if code else []), path  # a first audit needs no hash tile
        shutil.rmtree(shown)
    # with a trail, the tiles are needed, and a spoiled one convicts nobody
    auditor = tmp_path / "auditor"
    with lodestamp.open(tmp_path / "home") as node, served(node, "log") as listening:
        assert audit_remote(auditor, f"{listening.url}/log", vkey=vkey).clean
        grow(node, 2)
        node.public.mirror(mirror)
    spoil(mirror / "tile/0/000.p/9")
    with files_served(mirror) as url:
        assert codes(audit_remote(auditor, url)) == ["A5"]
    (mirror / "tile/0/000.p/9").unlink()
    with files_served(mirror) as url, pytest.raises(LodestampError):
        audit_remote(auditor, url)


def test_a18_a_witness_that_has_seen_more_or_another_tree_is_heard(tmp_path):
    """An auditor that was shown an older or another log than the witness learns of it."""
    vkey = two_histories(tmp_path)
    key = parse_vkey(vkey)
    with lodestamp.open(tmp_path / "witness") as witness:
        witness.public.witness.add_log(key.name, key)
        (own,) = witness.public.witness.vkeys
        with served(witness, "witness") as listening:
            prefix = f"{listening.url}/witness"
            line = f'[witnesses]\n"{prefix}" = ["{own.text()}"]\n'
            with (tmp_path / "home" / "config.toml").open("a") as file:
                file.write(line)
            with lodestamp.open(tmp_path / "home") as node:
                with node.public.witness_client() as client:
                    assert client.submit()[0].state == "cosigned"
                with lodestamp.open(tmp_path / "auditor"):
                    pass
                with (tmp_path / "auditor" / "config.toml").open("a") as file:
                    file.write(line)
                with files_served(tmp_path / "fork-mirror") as url:
                    report = audit_remote(tmp_path / "auditor", url, vkey=vkey)
                assert codes(report) == ["A7"]
                assert "another tree" in report.findings[0].detail
                grow(node, 5)
                with node.public.witness_client() as client:
                    assert client.submit()[0].state == "cosigned"
                with files_served(tmp_path / "home-mirror") as url:
                    report = audit_remote(tmp_path / "auditor", url, vkey=vkey)
                assert codes(report) == ["A18"]


# --- what the auditor of the home finds ----------------------------------------------------------


def cosigned_home(tmp_path):
    """A log of five operations, two sizes of it cosigned by a witness that is a home too."""
    with lodestamp.open(tmp_path / "witness") as witness, served(witness, "witness") as listening:
        with lodestamp.open(tmp_path / "home") as node:
            witness.public.witness.add_log(node.origin, node.log_key)
            (own,) = witness.public.witness.vkeys
        with (tmp_path / "home" / "config.toml").open("a") as file:
            file.write(f'[witnesses]\n"{listening.url}/witness" = ["{own.text()}"]\n')
        with lodestamp.open(tmp_path / "home") as node, node.public.witness_client() as client:
            for count in (2, 3):
                grow(node, count)
                assert client.submit()[0].state == "cosigned"
    return tmp_path / "home", tmp_path / "witness"


@pytest.mark.parametrize(
    ("which", "statement", "codes_found"),
    [
        ("home", "update log_cosignature set time = time + 1 where size = 2", {"A9", "A10"}),
        (
            "home",
            "update log_cosignature set line = replace(line, 'A', 'B') where size = 5",
            {"A9"},
        ),
        ("home", "update log_cosignature set size = 3 where size = 2", {"A9"}),
        ("home", "update log_cosignature set size = 9 where size = 5", {"A9", "A18"}),
        ("home", "update log_cosignature set name = 'w' where size = 5", {"A9"}),
        ("home", "update log_cosignature set vkey = 'w' where size = 5", {"A9"}),
        (
            "home",
            (
                "insert into anchor_submission values "
                "(9, 'https://c', zeroblob(32), '', '', 0, 0, null)"
            ),
            {"A13", "A14", "A18"},
        ),
        ("witness", "update witness_log set size = size + 1", {"A10"}),
        ("witness", "update witness_log set root = zeroblob(32)", {"A10"}),
        ("witness", "update witness_log set note = null", {"A10"}),
        ("witness", "update witness_log set vkeys = '[]'", {"A10"}),
        ("witness", "insert into witness_evidence values (1, 'o', '{}', 'two-roots', 0)", {"A10"}),
    ],
)
def test_a9_a10_a18_rows_that_do_not_hold_are_found(tmp_path, which, statement, codes_found):
    home, witness = cosigned_home(tmp_path)
    assert_clean(home)
    assert_clean(witness)
    with sqlite3.connect(tmp_path / which / "lodestamp.db") as database:
        database.execute(statement)
    database.close()
    found = found_codes(tmp_path / which)
    assert found <= codes_found
    assert found & {"A9", "A10", "A18"}


def test_tamper_11_a_rewritten_and_resigned_checkpoint_is_caught_by_its_cosignature(tmp_path):
    home, _witness = cosigned_home(tmp_path)
    with lodestamp.open(home) as node:
        signer = node._log_signer
    with sqlite3.connect(home / "lodestamp.db") as database:
        (note,) = database.execute("select note from log_checkpoint where size = 2").fetchone()
        text = open_note(note, [signer.verifier_key]).text.split("\n")
        text[2] = "A" * 43 + "="
        database.execute(
            "update log_checkpoint set note = ?, root = zeroblob(32) where size = 2",
            (sign_note("\n".join(text), [signer]),),
        )
    database.close()
    assert {"A7", "A9"} <= found_codes(home)


def test_r17_a_log_with_pq_signs_each_checkpoint_twice_from_then_on(tmp_path):
    home = tmp_path / "home"
    with lodestamp.open(home) as node:
        node.record(**reading(0))
        assert len(node.log_keys) == 1
    with (home / "config.toml").open("a") as file:
        file.write("pq = true\n")
    with lodestamp.open(home) as node:
        node.record(**reading(1))
        keys = node.log_keys
        assert [key.key_type for key in keys] == [ED25519_NOTE, MLDSA44_COSIGNATURE]
        assert {key.name for key in keys} == {node.origin}
        assert open_note(node.checkpoint(), keys).verified == keys
        assert open_note(node.checkpoint(1), keys).verified == keys[:1]
        assert open_note(node.checkpoint(), keys[:1]).verified == keys[:1]
        assert len(node.checkpoint()) - len(node.checkpoint(1)) > 3_200
    assert_clean(home)
    config = (home / "config.toml").read_text().replace("pq = true", "pq = false")
    (home / "config.toml").write_text(config)
    with lodestamp.open(home) as node:
        node.record(**reading(2))
        assert len(node.log_keys) == 1
    assert_clean(home)
    with sqlite3.connect(home / "lodestamp.db") as database:
        (note,) = database.execute("select note from log_checkpoint where size = 2").fetchone()
        lines = note.decode().rstrip("\n").split("\n")
        lines[-1] = lines[-1][:-10] + ("A" if lines[-1][-10] != "A" else "B") + lines[-1][-9:]
        spoiled = ("\n".join(lines) + "\n").encode()
        database.execute("update log_checkpoint set note = ? where size = 2", (spoiled,))
    database.close()
    assert "A7" in found_codes(home)


def test_a10_a_witness_that_saw_more_at_an_earlier_time_is_found(tmp_path):
    home = tmp_path / "home"
    own = Cosigner("witness.example/w1", SigningKey.from_seed("ed25519", b"\x07" * 32))
    vkey = own.verifier_key
    rows = []
    with lodestamp.open(home) as node:
        for size, time in ((1, 2_000), (2, 1_000)):
            node.record(**reading(size))
            text = open_note(node.checkpoint(), [node.log_key]).text
            line = own.sign(text, time).line()
            rows.append((size, vkey.name, vkey.key_id, time, line, vkey.text()))
    for number, row in enumerate(rows):
        with sqlite3.connect(home / "lodestamp.db") as database:
            database.execute("insert into log_cosignature values (?, ?, ?, ?, ?, ?)", row)
        database.close()
        assert found_codes(home) == ({"A10"} if number else set())


def test_tamper_20_a_database_that_fell_back_is_told_by_its_witness(tmp_path):
    """The home's own file `checkpoint` fell back with it, so only the witness knows."""
    home, _witness = cosigned_home(tmp_path)
    shutil.copytree(home, tmp_path / "old")
    with lodestamp.open(tmp_path / "witness") as witness, served(witness, "witness") as listening:
        (own,) = witness.public.witness.vkeys
        setting = f'[witnesses]\n"{listening.url}/witness" = ["{own.text()}"]\n'
        for place in (home, tmp_path / "old"):
            (place / "config.toml").write_text(setting)
        with lodestamp.open(home) as node, node.public.witness_client() as client:
            grow(node, 1)
            assert client.submit()[0].state == "cosigned"
        told = []
        with lodestamp.open(tmp_path / "old") as node, node.public.witness_client() as client:
            node.listen(told.append)
            assert client.submit()[0].state == "ahead"
            assert told == [WitnessAhead(f"{listening.url}/witness", 6, 5)]
            grow(node, 4, first=50)  # it goes on from there, and the witness does not follow
            assert client.submit()[0].state == "refused"
        assert fsck(tmp_path / "witness").checked["unproven_checkpoints"] == 1


def test_a_proof_bears_the_cosignatures_of_its_checkpoint(tmp_path):
    with lodestamp.open(tmp_path / "witness") as witness, served(witness, "witness") as listening:
        with lodestamp.open(tmp_path / "home") as node:
            witness.public.witness.add_log(node.origin, node.log_key)
            (own,) = witness.public.witness.vkeys
            op_id = node.record(**reading(0)).op_id
            assert node.prove(op_id).checkpoint.note.encode() == node.checkpoint()
        with (tmp_path / "home" / "config.toml").open("a") as file:
            file.write(f'[witnesses]\n"{listening.url}/witness" = ["{own.text()}"]\n')
        with lodestamp.open(tmp_path / "home") as node:
            with node.public.witness_client() as client:
                assert client.submit()[0].state == "cosigned"
            proof = node.prove(op_id)
            note = proof.checkpoint.note.encode()
            assert open_note(note, [node.log_key, own]).verified == (node.log_key, own)
            assert lodestamp.verify(proof).exit_code == 0
