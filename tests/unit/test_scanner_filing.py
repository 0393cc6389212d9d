"""What a registration says of a file (R46, R50, R51)."""

from __future__ import annotations

import hashlib

import pytest

from lodestamp.core.content import DEFAULT, PROFILES, add_bytes
from lodestamp.errors import SourceError, UsageError
from lodestamp.node.scanner import read_digests, registration_of


@pytest.mark.parametrize("size", [0, 1, 300_000, 2_500_000])
def test_one_reading_gives_all_digests(tmp_path, size):
    data = bytes(range(251)) * (size // 251 + 1)
    path = tmp_path / "work.mp3"
    path.write_bytes(data[:size])
    found = read_digests(path)
    assert found.sha1 == hashlib.sha1(data[:size], usedforsecurity=False).hexdigest()
    assert found.sha256 == hashlib.sha256(data[:size]).digest()
    assert (found.size, found.root) == (size, add_bytes(data[:size], PROFILES[DEFAULT])[0].cid)


def test_a_text_has_the_files_own_name_and_type(tmp_path):
    path = tmp_path / "a song.mp3"
    path.write_bytes(b"x")
    digests = read_digests(path)
    text = registration_of(path, digests)
    assert (text.name, text.type, text.size, text.uri) == ("a song.mp3", "audio/mpeg", 1, None)
    given = registration_of(path, digests, name="n", kind="k/k", title="t", keywords="w", link=True)
    assert (given.name, given.type, given.title, given.keywords) == ("n", "k/k", "t", "w")
    assert given.uri == f"ipfs://{digests.root}"
    assert registration_of(path, digests, name="no ending").type == "application/octet-stream"


def test_what_cannot_be_read_or_written_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(SourceError):
            read_digests(path)
    path = tmp_path / "x"
    path.write_bytes(b"x")
    with pytest.raises(UsageError):
        registration_of(path, read_digests(path), title="\ud800")
