"""The leg `time`: what an anchor rests on, what it claims, and each way it can be wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from anchor_defects import REGTEST_ONLY, TIME_DEFECTS, Anchored, file_with, honest, honest_chain
from anchors import (
    CALENDAR,
    HEIGHT,
    chained,
    complete,
    digest_of,
    lone,
    pending,
    store_of,
    with_anchors,
)
from headers import MINI, following, grown, run_of
from lodestamp.core.bitcoin import MAIN, REGTEST, SIGNET, BlockHeader, Transaction
from lodestamp.core.proof import (
    Anchor,
    AnchorKind,
    BitcoinTrust,
    Trust,
    Unpinned,
    from_parts,
    verify,
)
from lodestamp.core.proof.best_chain import HeaderTrust
from lodestamp.core.proof.legs import header_run
from lodestamp.core.proof.legs.anchor_path import Fault, read_path, read_root, run_path
from lodestamp.core.proof.legs.header_run import Weighed, weigh
from lodestamp.core.timestamps import (
    BitcoinHeader,
    LitecoinHeader,
    Op,
    Pending,
    Timestamp,
    attested,
    encode_path,
    encode_timestamp,
    merge,
    parse_timestamp,
)
from lodestamp.core.verdict import Leg, Status
from lodestamp.errors import LodestampError, UsageError
from proofs import TIME, evidence_of, proof_of_content, sealed

DATA = b"hello world\n"


def leg_of(*anchors: Anchor, **options: Any) -> Leg:
    return verify(file_with(*anchors), options.pop("trust", None), DATA, **options).leg("time")


def trusting(**members: Any) -> Trust:
    return Trust(unpinned=Unpinned.SELF_ASSERTED, bitcoin=BitcoinTrust(**members))


@pytest.mark.parametrize(("reason", "make"), TIME_DEFECTS.values(), ids=TIME_DEFECTS.keys())
def test_each_defect_is_refuted_by_its_name(reason: str, make: Callable[[], Anchored]):
    """R74, R75 and the table of §9.1; R65 for the kind `chain`."""
    verdict = make().verdict(DATA)
    assert [leg.name for leg in verdict.legs if leg.status is Status.REFUTED] == ["time"]
    assert verdict.leg("time").code == f"time.{reason}"
    assert verdict.leg("time").facts == {}


def test_an_anchor_claims_that_the_checkpoint_is_not_younger_than_its_block():
    """R75: the facts, among them `not_after`, two hours behind the header's time."""
    _proof, made = honest()
    leg = leg_of(made.anchor, network="regtest")
    assert leg.status is Status.ESTABLISHED
    assert leg.facts == {
        "network": "regtest",
        "height": HEIGHT,
        "hash": made.run[0].hash_display,
        "time": TIME + 3_600,
        "not_after": TIME + 3_600 + 7_200,
        "work_log2": "3.6",
        "headers": 6,
    }
    assert "proves nothing to strangers" in leg.basis


def test_a_lone_header_of_main_is_below_the_floor_and_both_numbers_are_said():
    """R75, R76, D9: a self-mined header of difficulty 1 proves nothing."""
    leg = leg_of(lone("main").anchor)
    assert (leg.status, leg.code) == (Status.UNKNOWN, "time.work_below_floor")
    assert "2^32.0" in leg.detail
    assert "2^81.0" in leg.detail
    assert leg.facts["work_log2"] == "32.0"


def test_a_pinned_header_is_established_with_any_work():
    """R75: a header of the run has a pinned height and hash."""
    header = lone("main").run[0]
    leg = leg_of(lone("main").anchor, trust=trusting(pins={header.hash: HEIGHT}))
    assert leg.status is Status.ESTABLISHED
    assert leg.basis.startswith("pinned header")
    assert header.hash_display in leg.basis


@pytest.mark.parametrize("pinned", [0, 3, 5])
def test_a_pin_anywhere_in_the_run_names_all_before_it(pinned: int):
    _proof, made = honest()
    pins = {made.run[pinned].hash: HEIGHT + pinned}
    leg = leg_of(made.anchor, trust=trusting(network="regtest", pins=pins))
    assert leg.basis.startswith("pinned header")
    elsewhere = trusting(network="regtest", pins={made.run[pinned].hash: HEIGHT + pinned + 1})
    assert leg_of(made.anchor, trust=elsewhere).code == "time.checkpoint_conflict"


def test_a_header_store_that_has_the_block_under_enough_others_establishes_it():
    """R75: in the best chain with at least `min_confirmations`."""
    made = lone("main")
    mined = store_of(made.run + [replace(made.run[0], nonce=n) for n in range(5)], MAIN)
    leg = leg_of(made.anchor, headers=mined)
    assert leg.status is Status.ESTABLISHED
    assert leg.basis == "header store: 6 blocks from it on"
    young = replace(mined, hashes=mined.hashes[:5])
    leg = leg_of(made.anchor, headers=young)
    assert leg.code == "time.work_below_floor"
    assert "5 blocks from it on, 6 are asked" in leg.detail
    five = trusting(min_confirmations=5)
    assert leg_of(made.anchor, headers=young, trust=five).status is Status.ESTABLISHED
    short = replace(mined, start=HEIGHT - 100, hashes=mined.hashes[1:2])
    assert leg_of(made.anchor, headers=short).code == "time.work_below_floor"


def test_a_block_that_the_store_has_at_another_height_is_refuted():
    """Row 45 of the attacks: a height above the tip is no way around the best chain."""
    made = lone("main")
    elsewhere = store_of(made.run + [replace(made.run[0], nonce=n) for n in range(5)], MAIN, 7)
    assert elsewhere.hash_at(HEIGHT) is None
    leg = leg_of(made.anchor, headers=elsewhere)
    assert leg.code == "time.not_in_best_chain"
    assert "another height" in leg.detail


def test_a_store_of_another_network_says_nothing():
    made = lone("main")
    other = store_of([made.run[0]] * 9, REGTEST)
    assert leg_of(made.anchor, headers=other).code == "time.work_below_floor"


def test_other_networks_count_only_where_they_are_accepted():
    """R76: trust or `--network` accepts them; signet then needs a pin, regtest nothing."""
    regtest, signet = honest()[1].anchor, lone("signet").anchor
    for anchor in (regtest, signet):
        assert leg_of(anchor).code == "time.network_not_accepted"
        assert leg_of(anchor, network="testnet4").code == "time.network_not_accepted"
    for accepting in ({"network": "regtest"}, {"trust": trusting(network="regtest")}):
        assert leg_of(regtest, **accepting).status is Status.ESTABLISHED
        assert leg_of(signet, **accepting).code == "time.network_not_accepted"
    weak = leg_of(signet, network="signet")
    assert weak.code == "time.work_below_floor"
    assert "only a pin" in weak.detail
    pins = {lone("signet").run[0].hash: HEIGHT}
    assert leg_of(signet, trust=trusting(network="signet", pins=pins)).status is Status.ESTABLISHED
    assert leg_of(signet, trust=trusting(pins=pins), network="signet").code == weak.code


def test_a_network_that_is_none_is_a_mistake_of_the_caller():
    with pytest.raises(UsageError):
        verify(b"", network="moon")


def test_a_floor_can_be_raised_and_never_lowered():
    """R76: the trust file's floor is beside the release's."""
    anchor = honest()[1].anchor
    for log2, status in ((3, Status.ESTABLISHED), (4, Status.UNKNOWN), (256, Status.UNKNOWN)):
        leg = leg_of(anchor, trust=trusting(network="regtest", work_floor_log2=log2))
        assert leg.status is status
    assert leg_of(lone("main").anchor, trust=trusting(work_floor_log2=1)).code.endswith("floor")


def test_a_pending_anchor_says_whom_it_waits_for():
    proof = honest()[0]
    leg = leg_of(pending(proof))
    assert (leg.status, leg.code) == (Status.UNKNOWN, "time.pending")
    (waiting,) = leg.facts["waiting"]  # type: ignore[misc]
    assert waiting.startswith(f"pending at {CALENDAR}: ")
    assert CALENDAR in leg.detail


def test_a_path_to_a_block_without_its_headers_is_pending():
    """What a calendar completed and nobody brought the headers of is not refuted."""
    digest = digest_of(honest()[0])
    both = merge(attested(digest, BitcoinHeader(HEIGHT)), attested(digest, Pending(CALENDAR)))
    leg = leg_of(Anchor(AnchorKind.OTS, "main", encode_timestamp(both)))
    assert leg.code == "time.pending"
    assert len(leg.facts["waiting"]) == 2  # type: ignore[arg-type]


def test_a_pending_anchor_with_another_end_is_refuted():
    digest = digest_of(honest()[0])
    ots = encode_timestamp(attested(digest, LitecoinHeader(1)))
    assert leg_of(Anchor(AnchorKind.OTS, "main", ots)).code == "time.bad_ots"
    assert leg_of(Anchor(AnchorKind.OTS, "main", b"\xf2\x00")).code == "time.op_not_allowed"


def test_of_several_anchors_the_gravest_decides_and_all_are_listed():
    """Refuted, then pending, then established; what is too weak counts for nothing beside it."""
    proof, made = honest()
    bad = TIME_DEFECTS["header_without_work"][1]
    broken = replace(made.anchor, height=HEIGHT + 1)
    late = complete(proof, height=HEIGHT + 9, time=TIME + 9_000).anchor
    weak = lone("main").anchor
    assert leg_of(made.anchor, late, weak, network="regtest").facts["time"] == TIME + 3_600
    assert leg_of(made.anchor, late, weak, network="regtest").facts["anchors"] == [
        f"main block {HEIGHT}: unknown (work_below_floor)",
        f"regtest block {HEIGHT}: established",
        f"regtest block {HEIGHT + 9}: established",
    ]
    leg = leg_of(made.anchor, pending(proof), network="regtest")
    assert leg.code == "time.pending"
    assert leg.facts["anchors"] == [
        "main pending: unknown (pending)",
        f"regtest block {HEIGHT}: established",
    ]
    leg = leg_of(made.anchor, broken, pending(proof), network="regtest")
    assert leg.code == "time.no_path"
    assert leg.detail.startswith("anchor 3 of 3, regtest: ")
    assert bad().verdict(DATA).exit_code == 1


def test_a_time_that_is_required_must_be_established():
    _proof, made = honest()
    weak = verify(file_with(made.anchor), None, DATA, require=["time"])
    assert (weak.exit_code, weak.leg("time").code) == (2, "time.network_not_accepted")
    verdict = verify(file_with(made.anchor), None, DATA, require=["time"], network="regtest")
    assert verdict.exit_code == 0


def test_time_rests_on_the_log():
    _proof, made = honest()
    data = file_with(made.anchor)
    assert verify(data, None, DATA, network="regtest").leg("time").code == ""
    verdict = verify(data.replace(b'"index":2', b'"index":3'), None, DATA, network="regtest")
    assert verdict.leg("time").code == "time.blocked"


def test_a_chain_of_states_is_followed_from_its_genesis():
    """R65: the transaction on the path spends the covenant's coin, and so on back."""
    anchor = honest_chain().anchor
    assert anchor.chain is not None
    leg = leg_of(anchor, network="regtest")
    genesis = Transaction.decode(anchor.chain.covenant.transactions[0])
    assert leg.status is Status.ESTABLISHED
    assert leg.facts["genesis"] == genesis.txid_display
    assert f"chained to {genesis.txid_display} by a covenant" in leg.basis
    assert "as far as regtest enforces OP_CAT" in leg.basis


def test_a_chain_is_of_the_log_it_was_begun_for():
    """The genesis publishes the state of one origin; another log's proof cannot borrow it."""
    subject = evidence_of({}, source="s")
    other = from_parts(subject, (), None, *sealed(subject, origin="log.example/other"))
    made = chained(other, 2)
    leg = verify(with_anchors(other, made.anchor).encode(), network="regtest").leg("time")
    assert leg.code == "time.chain_invalid"
    assert "another origin" in leg.detail


def weighed(run: list[BlockHeader], height: int, network: str) -> Weighed | Fault:
    return weigh(tuple(run), height, network, HeaderTrust(network=network))


def test_bits_change_only_where_a_period_ends(monkeypatch: pytest.MonkeyPatch):
    """R74: at heights that are multiples of 2016, by at most four times."""
    monkeypatch.setattr(header_run, "network_named", lambda _name: MINI)
    chain = grown(MINI, 3)
    raised = [*run_of(chain, 1), following(chain, bits=0x201FFFFF)]
    found = weighed(raised, 100, "main")
    assert isinstance(found, Fault)
    assert found.reason == "bits_invalid"
    assert isinstance(weighed(raised, 2016 - 3, "main"), Weighed)
    steep = [*run_of(chain, 1), following(chain, bits=0x200FFFFF)]
    assert isinstance(weighed(steep, 2016 - 3, "main"), Fault)


def test_a_time_before_the_median_of_eleven_is_refused():
    """R74: where eleven predecessors are carried."""
    chain = grown(REGTEST, 11)
    early = following(chain, time=chain.tip.ancestor(5).time)
    found = weighed([*run_of(chain, 1), early], 1, "regtest")
    assert isinstance(found, Fault)
    assert found.reason == "pow_invalid"
    assert isinstance(weighed([*run_of(chain, 2), early], 2, "regtest"), Weighed)


def test_the_genesis_of_main_is_pinned():
    """R76: the shipped headers of main are pinned without a trust file."""
    found = weighed([MAIN.genesis], 0, "main")
    assert isinstance(found, Weighed)
    assert found.status is Status.ESTABLISHED
    assert isinstance(weighed([MAIN.genesis], 1, "main"), Fault)
    assert isinstance(weighed([SIGNET.genesis], 0, "main"), Fault)


def strictly(source: bytes, digest: bytes) -> bytes | None:
    """Return what the slow parser finds a complete path to end in."""
    anchor = Anchor(AnchorKind.OTS, "main", source, HEIGHT)
    timestamp = read_path(anchor, digest)
    root = read_root(timestamp, HEIGHT) if isinstance(timestamp, Timestamp) else timestamp
    return root if isinstance(root, bytes) else None


def test_the_quick_walk_takes_what_the_strict_parser_takes():
    """Each byte of an honest path changed, and each cut of it."""
    digest = digest_of(honest()[0])
    ots = honest()[1].anchor.ots
    assert run_path(ots, digest, HEIGHT) == strictly(ots, digest) is not None
    for at in range(len(ots)):
        for other in (0x00, 0x80, 0xF1, ots[at] ^ 1):
            changed = ots[:at] + bytes([other]) + ots[at + 1 :]
            quick = run_path(changed, digest, HEIGHT)
            assert quick is None or quick == parse_root(changed, digest)
            assert (quick is None) == (strictly(changed, digest) is None), (at, other)
        assert run_path(ots[:at] + ots[at + 1 :], digest, HEIGHT) == strictly(
            ots[:at] + ots[at + 1 :], digest
        )


def parse_root(source: bytes, digest: bytes) -> bytes | None:
    try:
        timestamp = parse_timestamp(source, digest, strict=True)
    except LodestampError:
        return None
    while timestamp.edges:
        timestamp = timestamp.edges[0][1]
    return timestamp.msg


@pytest.mark.parametrize("count", [255, 256])
def test_a_path_has_255_operations_at_most(count: int):
    ots = encode_path([Op(0x08)] * count, BitcoinHeader(HEIGHT))
    assert (run_path(ots, bytes(32), HEIGHT) is None) == (count == 256)


def test_the_trust_file_of_regtest_is_what_the_vectors_use():
    assert honest()[0] == proof_of_content()
    assert Anchored(file_with(honest()[1].anchor), REGTEST_ONLY).verdict(DATA).exit_code == 0
