"""A proof's way into time as a `.ots` file (transparency spec R42, R43)."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

import ots_files
from lodestamp.core.merkle import leaf_hash
from lodestamp.core.operations import evidence
from lodestamp.core.proof import (
    CONTENT_KIND,
    Anchor,
    AnchorKind,
    Log,
    Proof,
    anchor_digest,
    from_parts,
    to_ots,
)
from lodestamp.core.timestamps import (
    SHA256,
    BitcoinHeader,
    Op,
    Pending,
    attested,
    encode_detached,
    encode_timestamp,
    lead_to,
    parse_detached,
    replay,
    walk,
)
from lodestamp.errors import BadNote, BadTimestamp, BadTreeProof, NotExpressible
from proofs import (
    ORIGIN,
    TIME,
    content_of,
    entry_leaves,
    evidence_of,
    operation,
    sealed,
    signed_note,
    statement_of,
    tree_root,
)

CONTENT = b"the report\n"
HEXED = sha256(CONTENT).hexdigest()
SUBJECT = evidence_of(statement_of(content_of(CONTENT), sha256=HEXED))
PENDING = Pending("https://a.example")
INDEX, SIZE = 4, 11


def digest_of(subject=SUBJECT):
    root = tree_root(entry_leaves(subject.entry, INDEX, SIZE))
    return anchor_digest(ORIGIN, SIZE, root)


def anchor(*ops, end=PENDING, network="main", subject=SUBJECT):
    message = digest_of(subject)
    for op in ops:
        message = op(message)
    timestamp = lead_to(digest_of(subject), ops, attested(message, end))
    return Anchor(AnchorKind.OTS, network, encode_timestamp(timestamp))


def proof(*anchors, subject=SUBJECT):
    made = from_parts(subject, (), content_of(CONTENT), *sealed(subject, INDEX, SIZE))
    return replace(made, anchors=anchors)


def test_the_file_leads_from_the_operation_block_to_every_anchor():
    nonce = Op.append(bytes(16))
    anchors = anchor(), anchor(nonce, SHA256, end=BitcoinHeader(7))
    detached = to_ots(proof(*anchors))
    assert (detached.file_op, detached.digest) == (SHA256, sha256(SUBJECT.block).digest())
    digest = digest_of()
    complete = sha256(digest + bytes(16)).digest()
    assert set(walk(detached.timestamp)) == {(digest, PENDING), (complete, BitcoinHeader(7))}
    encoded = encode_detached(detached)
    assert parse_detached(encoded, strict=True) == detached
    assert ots_files.stock_encode(ots_files.stock_parse(encoded)) == encoded


def test_the_file_leads_from_the_content_where_its_digest_is_stated():
    detached = to_ots(proof(anchor()), from_content=True)
    assert detached.digest == sha256(CONTENT).digest()
    assert list(walk(detached.timestamp)) == [(digest_of(), PENDING)]
    assert replay(encode_detached(detached))[0][0] == digest_of()


def refused(made, **options):
    with pytest.raises(NotExpressible) as error:
        to_ots(made, **options)
    return error.value.code


def test_content_whose_digest_is_not_stated_has_no_way():
    silent = evidence_of(statement_of(content_of(CONTENT)))
    assert refused(proof(anchor(subject=silent), subject=silent), from_content=True) == (
        "no_hex_digest"
    )
    spelled = evidence_of(statement_of(content_of(CONTENT), sha256=HEXED.upper()))
    assert refused(proof(anchor(subject=spelled), subject=spelled), from_content=True) == (
        "no_hex_digest"
    )


def test_an_operation_over_4096_bytes_is_exported_but_its_content_is_not():
    body = evidence(
        source="x" * 5_000,
        kind=CONTENT_KIND,
        content=statement_of(content_of(CONTENT), sha256=HEXED),
        captured_at=TIME,
    )
    large = operation("evidence", body)
    made = proof(anchor(subject=large), subject=large)
    assert to_ots(made).digest == sha256(large.block).digest()
    assert refused(made, from_content=True) == "no_hex_digest"


def test_a_proof_without_log_or_anchor_of_the_network_has_no_way():
    assert refused(from_parts(SUBJECT)) == "no_log"
    assert refused(proof()) == "no_anchor"
    assert refused(proof(anchor(network="regtest"))) == "no_anchor"
    both = proof(anchor(), anchor(end=BitcoinHeader(9), network="regtest"))
    assert list(walk(to_ots(both).timestamp)) == [(digest_of(), PENDING)]
    (found,) = walk(to_ots(both, network="regtest").timestamp)
    assert found == (digest_of(), BitcoinHeader(9))


def test_a_way_of_more_than_255_operations_is_not_expressible():
    """R42: two for the entry, two for the anchor, three or two a level."""
    left = 255 - to_ots(proof(anchor())).timestamp.depth
    assert to_ots(proof(anchor(*[SHA256] * left))).timestamp.depth == 255
    assert refused(proof(anchor(*[SHA256] * (left + 1)))) == "depth"


def test_a_proof_that_does_not_hold_together_is_not_exported():
    """Attack 44: the anchor of another checkpoint."""
    good = proof(anchor())
    other = Proof(**{**_parts(good), "log": Log(ORIGIN, INDEX - 1, SIZE, good.log.path)})
    with pytest.raises(BadTreeProof):
        to_ots(other)
    note = replace(good.checkpoint, note="no note")
    with pytest.raises(BadNote):
        to_ots(replace(good, checkpoint=note))
    foreign = replace(good.checkpoint, note=signed_note(ORIGIN, SIZE, leaf_hash(b"another")))
    with pytest.raises(BadTreeProof):
        to_ots(replace(good, checkpoint=foreign))
    with pytest.raises(BadTimestamp):
        to_ots(replace(good, anchors=(Anchor(AnchorKind.OTS, "main", b"\x00"),)))


def _parts(made):
    return {name: getattr(made, name) for name in made.__dataclass_fields__}


def test_a_file_from_a_log_of_a_million_is_small():
    """R42: header and path 0.82 to 0.84 KB, pending about 1.0 KB, complete under 1.6 KB."""
    from lodestamp.core.merkle import InclusionProof
    from lodestamp.core.timestamps import (
        ENTRY_OPS,
        anchor_ops,
        apply_ops,
        encode_path,
        path_ops,
        transaction_ops,
    )

    sizes = []
    for index in (0, (1 << 20) - 1):
        path = InclusionProof(index, 1 << 20, tuple(bytes(32) for _ in range(20)))
        ops = (*ENTRY_OPS, *path_ops(path), *anchor_ops(ORIGIN, 1 << 20))
        head = 65 + len(encode_path(ops, PENDING)) - len(encode_path((), PENDING))
        sizes.append(head)
        block = transaction_ops(bytes(101), bytes(4), [bytes(32)] * 12, 0)
        lead_to(bytes(32), (*ops, *block), attested(apply_ops((*ops, *block), bytes(32)), PENDING))
        assert head + len(encode_path(block, BitcoinHeader(900_000))) < 1_600
    assert sizes == [65 + 8 + 20 * 38 + 63, 65 + 8 + 20 * 36 + 63]
