"""The content leg for folders: the same entries establish, any other tree is refuted."""

from __future__ import annotations

from hashlib import sha256

import pytest

from lodestamp.core.content import (
    DEFAULT,
    File,
    Folder,
    Rabin,
    Symlink,
    Tree,
    address_directory,
    get_profile,
)
from lodestamp.core.proof import Content, from_parts, verify
from lodestamp.errors import LodestampError
from proofs import evidence_of, sealed, statement_of

ENTRIES = [
    File((b"a",), [b"one"]),
    Folder((b"d",)),
    File((b"d", b"b"), [b"two", b"!"]),
    Symlink((b"l",), b"a"),
]


def proof_of(entries, profile=DEFAULT, **more):
    root = address_directory(entries, get_profile(profile))
    content = Content(root.cid, profile, root.size)
    subject = evidence_of(statement_of(content, **more))
    return from_parts(subject, (), content, *sealed(subject, 2, 5)).encode()


def leg(proof, content):
    return verify(proof, None, content).leg("content")


@pytest.mark.parametrize("profile", [DEFAULT, "unixfs-v0-2015", "covenant-8"])
def test_a_folder_of_the_same_entries_is_established(profile):
    found = leg(proof_of(ENTRIES, profile), Tree(iter(ENTRIES)))
    assert (str(found.status), found.basis) == ("established", "bytes given")
    assert found.facts["size"] == 7


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        ([*ENTRIES[:3], Symlink((b"l",), b"d")], "content.cid_mismatch"),
        ([File((b"A",), [b"one"]), *ENTRIES[1:]], "content.cid_mismatch"),
        ([File((b"a",), [b"ONE"]), *ENTRIES[1:]], "content.cid_mismatch"),
        ([*ENTRIES, Folder((b"z",))], "content.cid_mismatch"),
        ([*ENTRIES, File((b"z",), [b""])], "content.cid_mismatch"),
        (ENTRIES[1:], "content.size_mismatch"),
        ([*ENTRIES, File((b"z",), [b"more"])], "content.size_mismatch"),
        ([], "content.size_mismatch"),
    ],
)
def test_any_other_tree_is_refuted(entries, code):
    found = leg(proof_of(ENTRIES), Tree(entries))
    assert (str(found.status), found.code) == ("refuted", code)


def test_a_file_is_no_folder_and_a_folder_no_file():
    assert leg(proof_of(ENTRIES), b"onetwo!").code == "content.cid_mismatch"
    one = address_directory([File((b"a",), [b"x"])], get_profile(DEFAULT))
    assert leg(proof_of([File((b"a",), [b"x"])]), b"x").code == "content.cid_mismatch"
    assert one.size == 1


def test_a_folder_too_large_is_left_unread():
    def endless():
        while True:
            yield bytes(1000)

    def entries():
        yield File((b"a",), endless())
        raise AssertionError("read on")

    assert leg(proof_of(ENTRIES), Tree(entries())).code == "content.size_mismatch"


def test_a_folder_has_no_sha256_of_its_own():
    digest = sha256(b"onetwo!").hexdigest()
    found = leg(proof_of(ENTRIES, sha256=digest), Tree(ENTRIES))
    assert (found.code, found.detail) == ("content.sha256_mismatch", "a folder has no SHA-256")


def test_what_reading_a_folder_raises_passes_through():
    with pytest.raises(LodestampError):
        leg(proof_of(ENTRIES), Tree([File((b"..",), [b"x"])]))


def test_R33_a_proof_by_an_experimental_chunker_is_unknown_and_costs_nothing():
    profile = get_profile(DEFAULT).override(chunker=Rabin(16, 32, 64))
    content = Content(address_directory([], profile).cid, profile.name, 0)
    subject = evidence_of(statement_of(content))
    proof = from_parts(subject, (), content, *sealed(subject, 2, 5)).encode()
    found = leg(proof, b"")
    assert (str(found.status), found.code) == ("unknown", "content.profile_unknown")
