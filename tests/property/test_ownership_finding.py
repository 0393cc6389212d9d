"""R29: the gate and the walk never miss what a full parser finds, in blocks made to hide it."""

from __future__ import annotations

from btclib.tx.tx import Tx
from hypothesis import example, given, settings
from hypothesis import strategies as st

from carriers import known
from lodestamp.core.bitcoin import Block, OutPoint, Transaction, TxIn, TxOut, compact_size
from lodestamp.core.ownership import (
    candidates,
    carrier_count,
    decode_payloads,
    encode_payloads,
    heart_of,
    heart_script,
    may_contain,
    parse_operation,
    read_carrier,
    walk_block,
)
from lodestamp.errors import (
    BlockMalformed,
    CarrierMalformed,
    CarrierTooLarge,
    LodestampError,
    OperationMalformed,
    SourceIncomplete,
)

HEADER = bytes(80)
OP_RETURN = 0x6A

# Scripts, payloads and fields made of the very bytes that the gate and the walk look for.

SNIPPETS = st.sampled_from(
    [
        b"\x6a", b"\x1f\x00", b"\x1f\x00\x01", b"\xe2\x99\xa5", b"\x6a\x17\xe2\x99\xa5", b"\x4c",
        b"\x4d", b"\x4e", b"\x00", b"\x03", b"\x04", b"\xfd", b"\xff", b"\x6a\x4c", b"\x6a\x4d\xff",
        b"\x6a\x4e\x6a\x6a", b"\x6a\x03", b"\x50", b"\x01\x00\x00\x00", heart_script("6a" * 20),
    ]
)  # fmt: skip
HOSTILE = st.lists(st.one_of(SNIPPETS, st.binary(max_size=8)), max_size=6).map(b"".join)
PAYLOADS = st.one_of(
    HOSTILE,
    st.builds(lambda n, rest: bytes([0x1F, 0, n]) + rest, st.integers(0, 255), HOSTILE),
    st.builds(lambda n: bytes([0x1F, 0, 1]).ljust(n, b"x"), st.sampled_from([75, 76, 255, 256])),
)


def pushed(payload: bytes, form: int, cut: int) -> bytes:
    """Return OP_RETURN and a push of the payload in a form, with bytes cut off its end."""
    size = len(payload)
    prefix = b""
    if form == 1 or 75 < size < 256:
        prefix, width = b"\x4c", 1
    if form == 2 or size > 255:
        prefix, width = b"\x4d", 2
    if form == 3:
        prefix, width = b"\x4e", 4
    if prefix == b"\x4c" and size > 255:
        prefix, width = b"\x4d", 2
    length = size.to_bytes(width, "little") if prefix else bytes([size])
    script = b"\x6a" + prefix + length + payload
    return script[: len(script) - cut] if cut else script


CARRYING = st.builds(pushed, PAYLOADS, st.integers(0, 3), st.sampled_from([0, 0, 0, 1, 2]))
HEARTS = st.builds(
    lambda second, sha1: bytes([OP_RETURN, second]) + b"\xe2\x99\xa5" + sha1,
    st.one_of(st.just(0x17), st.integers(0, 255)),
    st.one_of(st.binary(min_size=19, max_size=21), st.just(bytes(20))),
)
SCRIPTS = st.one_of(
    HOSTILE,
    CARRYING,
    HEARTS,
    st.builds(lambda script, tail: script + tail, st.one_of(CARRYING, HEARTS), HOSTILE),
    st.builds(lambda head, script: head + script, SNIPPETS, st.one_of(CARRYING, HEARTS)),
    st.sampled_from([252, 253, 300]).map(bytes),
)
AMOUNTS = st.one_of(
    st.integers(0, 2_100_000_000_000_000),
    st.sampled_from([b"\0\0\0\0\0\x6a\x4c\x03", b"\x6a\x17\xe2\x99\xa5\0\0\0"]).map(
        lambda raw: int.from_bytes(raw, "little") % 2_100_000_000_000_001
    ),
)
OUTPOINTS = st.builds(
    lambda head, vout: OutPoint(head.ljust(32, b"\x07")[:32], vout),
    HOSTILE,
    st.integers(0, 2**32 - 2),
)
INPUTS = st.builds(
    TxIn,
    OUTPOINTS,
    HOSTILE,
    st.integers(0, 2**32 - 1),
    st.one_of(st.just(()), st.lists(st.one_of(HOSTILE, SCRIPTS), max_size=3).map(tuple)),
)
TXS = st.builds(
    Transaction,
    st.sampled_from([1, 2, 0x0000_6A17, -1]),
    st.lists(INPUTS, min_size=1, max_size=3).map(tuple),
    st.lists(st.builds(TxOut, AMOUNTS, SCRIPTS), min_size=1, max_size=4).map(tuple),
    st.sampled_from([0, 0x6A, 0x03_6A_00_00, 0xA5_99_E2_17]),
)


def raw_of(txs: list[Transaction]) -> bytes:
    return HEADER + compact_size(len(txs)) + b"".join(tx.encode() for tx in txs)


def unless(refusal: type[LodestampError], call, *arguments):
    """Return what a call gives, or None for this refusal; any other error is a defect."""
    try:
        return call(*arguments)
    except refusal:
        return None


# The full parser: btclib cuts transactions apart, and the definitions are followed word by word.


def oracle_chunks(script: bytes) -> list[bytes | int] | None:
    """Cut a script byte by byte; None when a push reaches past its end."""
    chunks: list[bytes | int] = []
    rest = list(script)
    while rest:
        op = rest.pop(0)
        if op > 0x4E:
            chunks.append(op)
            continue
        size = op
        if op >= 0x4C:
            width = {0x4C: 1, 0x4D: 2, 0x4E: 4}[op]
            if len(rest) < width:
                return None
            size = sum(rest.pop(0) << 8 * n for n in range(width))
        if len(rest) < size:
            return None
        chunks.append(bytes(rest[:size]))
        rest = rest[size:]
    return chunks


def oracle_found(scripts: list[bytes]) -> tuple[bool, str | None]:
    """Return whether these outputs make a primary, and what their last heart names (C2, §3.3)."""
    parsed = [(script, oracle_chunks(script)) for script in scripts]
    returns = [(s, c) for s, c in parsed if c and s[0] == OP_RETURN]
    payloads = [c[1] if len(c) > 1 and isinstance(c[1], bytes) else b"" for _, c in returns]
    first = payloads[0] if payloads else b""
    is_primary = len(first) >= 3 and first[:2] == b"\x1f\x00" and first[2] > 0
    hearts = [s for s, _ in returns if len(s) == 25 and s[2:5] == "♥".encode()]
    return is_primary, hearts[-1][5:].hex() if hearts else None


@given(st.lists(TXS, min_size=1, max_size=5))
@example([Transaction(1, (TxIn(OutPoint(bytes(32), 1)),), (TxOut(0, b"\x6a\x03\x1f\x00\x01"),))])
def test_R29_candidates_are_those_of_a_full_parser(txs):
    raw = raw_of(txs)
    expected = []
    for index, tx in enumerate(txs):
        theirs = Tx.parse(tx.encode(), check_validity=False)
        is_primary, heart = oracle_found([bytes(out.script_pub_key.script) for out in theirs.vout])
        if is_primary or heart is not None:
            expected.append((index, tx, is_primary, heart))
    found = candidates(raw)
    assert [(c.tx_index, c.tx, c.is_primary, c.heart) for c in found] == expected
    assert all(may_contain(tx.encode()) for _, tx, _, _ in expected)
    spans = list(walk_block(raw))
    assert [raw[span.start : span.end] for span in spans] == [tx.encode() for tx in txs]
    assert [span.txid(raw) for span in spans] == [tx.txid for tx in txs]


@settings(max_examples=1_000)
@given(st.one_of(CARRYING, HEARTS))
@example(b"\x6a\x4c\x0a\x1f\x00\x0a" + bytes(7))
@example(b"\x6a\x0a\xe2\x99\xa5" + bytes(20))
def test_R29_the_gate_opens_for_each_output_by_itself(script):
    is_primary, heart = oracle_found([script])
    assert may_contain(script) or not (is_primary or heart)


@given(TXS)
def test_R29_one_transaction_says_of_itself_what_its_block_said(tx):
    found = candidates(raw_of([tx]))
    assert [(c.is_primary, c.heart) for c in found] == (
        [(carrier_count(tx) > 0, heart_of(tx))] if carrier_count(tx) or heart_of(tx) else []
    )


@given(st.lists(TXS, min_size=1, max_size=3), st.data())
def test_the_walk_accepts_exactly_the_blocks_that_the_full_parser_accepts(txs, data):
    raw = bytearray(raw_of(txs))
    for _ in range(data.draw(st.integers(0, 3))):
        raw[data.draw(st.integers(80, len(raw) - 1))] = data.draw(st.integers(0, 255))
    whole = bytes(raw[: data.draw(st.sampled_from([len(raw), len(raw) - 1, len(raw) // 2]))])
    full = unless(LodestampError, Block.decode, whole)
    spans = unless(BlockMalformed, lambda: list(walk_block(whole)))
    assert (full is None) == (spans is None)
    if full is not None:
        assert [span.txid(whole) for span in spans] == [tx.txid for tx in full.txs]
        assert [c.tx for c in candidates(whole)] == [
            tx for tx in full.txs if carrier_count(tx) or heart_of(tx) is not None
        ]


@given(st.binary(max_size=3_000))
def test_any_text_goes_through_payloads_and_back(text):
    payloads = unless(CarrierTooLarge, encode_payloads, text)
    if payloads is None:
        assert len(text) > 1_200
    else:
        assert decode_payloads(payloads) == text
        assert max(map(len, payloads)) <= 80


@given(st.lists(st.binary(max_size=100), max_size=4))
def test_any_payloads_are_a_text_or_carrier_malformed(payloads):
    text = unless(CarrierMalformed, decode_payloads, payloads)
    assert text is None or payloads[0][2] == len(payloads)


@given(TXS, st.lists(TXS, max_size=3))
def test_any_transaction_is_a_carrier_or_none_or_lacks_a_parent(tx, others):
    carrier = unless(SourceIncomplete, read_carrier, tx, known(others))
    assert carrier is None or carrier_count(tx)


JSON_WORDS = (
    '{ } [ ] " : , \\ "op" "sha1" "r" 1e9 - NaN null \\ud800 0.5 true'.split(" ")  # noqa: SIM905
)
JSON_PIECES = st.lists(
    st.sampled_from([*JSON_WORDS, "\ufeff", " ", "\x00", '{"op":"r","sha1":"x"}']), max_size=40
).map("".join)


@given(st.one_of(st.binary(max_size=60), JSON_PIECES.map(str.encode)))
def test_any_bytes_are_an_operation_or_malformed(text):
    found = unless(OperationMalformed, parse_operation, text)
    assert found is None or {type(found["op"]), type(found["sha1"])} == {str}
