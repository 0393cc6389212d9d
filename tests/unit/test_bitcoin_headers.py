"""The rules of a chain of headers (R17, R18)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headers import MINI, following, grown, run_of, worked
from lodestamp.core.bitcoin import (
    MAIN,
    REGTEST,
    TESTNET4,
    ChainEntry,
    HeaderChain,
    bits_of,
    expected_bits,
    extend,
    extend_run,
    retarget,
    target_of,
)
from lodestamp.errors import BadHeader, MalformedBlock, UsageError


def refused(chain, header, **options):
    with pytest.raises(BadHeader) as error:
        extend(chain, header, **options)
    return error.value.code


def test_r17_a_header_must_name_the_tip():
    chain = grown(REGTEST, 2)
    assert refused(chain, following(chain.disconnect())) == "prev-blk-not-found"


def test_r17_bits_are_exactly_those_due():
    chain = grown(REGTEST, 1)
    assert refused(chain, following(chain, bits=0x207FFFFE)) == "bad-diffbits"


def test_r17_the_hash_must_meet_the_target():
    chain = grown(REGTEST, 1)
    header = following(chain)
    while int.from_bytes(header.hash, "little") <= target_of(header.bits):
        header = replace(header, nonce=header.nonce + 1)
    assert refused(chain, header) == "high-hash"


def test_r17_time_is_after_the_median_of_eleven():
    chain = grown(REGTEST, 20)
    median = sorted(entry.header.time for entry in list(chain.tip.ancestors())[:11])[5]
    assert chain.tip.median_time() == median
    assert refused(chain, following(chain, time=median)) == "time-too-old"
    assert extend(chain, following(chain, time=median + 1)).height == 21


def test_r17_time_is_held_against_a_clock_only_when_one_is_given():
    chain = grown(REGTEST, 1)
    header = following(chain)
    now = header.time - 7200
    assert extend(chain, header, now=now).height == 2
    assert refused(chain, header, now=now - 1) == "time-too-new"
    assert extend(chain, following(chain, time=0xFFFFFFFF)).height == 2


@pytest.mark.parametrize("version", [1, 2, 3, -5])
def test_r17_old_versions_end_with_their_soft_forks(version):
    chain = grown(REGTEST, 1)
    header = worked(replace(following(chain), version=version))
    assert refused(chain, header) == "bad-version"
    early = replace(REGTEST, bip34_height=9, bip66_height=9, bip65_height=9)
    assert extend(HeaderChain(early, chain.tip), header).height == 2


def entry_at(net, height, bits, time, *, first_time=None, first_bits=None):
    """An entry at the end of a period, of which only the ends matter."""
    header = replace(net.genesis, bits=bits, time=time)
    parent = None
    for place in range(height - 2015, height):
        inner = replace(header, time=first_time or time, bits=first_bits or bits)
        parent = ChainEntry.of(inner, bytes(32), place, 0, parent)
    return ChainEntry.of(header, bytes(32), height, 0, parent)


def test_r17_the_first_retarget_of_main_that_changed_the_target():
    """Block 32256, 30 December 2009: bits 1d00d86a after 1d00ffff."""
    last = entry_at(MAIN, 32255, 0x1D00FFFF, 1262152739, first_time=1261130161)
    assert expected_bits(last, last.header.time + 600, MAIN) == 0x1D00D86A


def test_r17_the_span_of_a_period_is_clamped_to_a_factor_of_four():
    first = replace(MAIN.genesis, bits=0x1C0FFFFF, time=1_000_000_000)
    quick = retarget(first, replace(first, time=first.time + 1), MAIN)
    slow = retarget(first, replace(first, time=first.time + 100_000_000), MAIN)
    target = target_of(0x1C0FFFFF)
    assert quick == bits_of(target // 4)
    assert slow == bits_of(target * 4)


def test_r17_a_target_never_rises_above_the_limit():
    first = MAIN.genesis
    assert retarget(first, replace(first, time=first.time + 9_999_999), MAIN) == 0x1D00FFFF


def test_r17_test_nets_allow_an_easy_block_after_twenty_minutes():
    hard = entry_at(TESTNET4, 2016 + 2015 - 5, 0x1C0FFFFF, 1_000_000)
    hard = ChainEntry.of(hard.header, bytes(32), hard.height, 0, None)
    assert expected_bits(hard, 1_000_000 + 1200, TESTNET4) == 0x1C0FFFFF
    assert expected_bits(hard, 1_000_000 + 1201, TESTNET4) == 0x1D00FFFF
    easy = replace(hard.header, bits=0x1D00FFFF)
    after = ChainEntry.of(easy, bytes(32), hard.height + 1, 0, hard)
    assert expected_bits(after, 1_000_001, TESTNET4) == 0x1C0FFFFF


def test_r17_bip94_retargets_from_the_first_block_of_the_period():
    last = entry_at(
        TESTNET4,
        4031,
        0x1D00FFFF,
        2_000_000 + 1_209_600,
        first_time=2_000_000,
        first_bits=0x1C0FFFFF,
    )
    assert expected_bits(last, last.header.time + 1, TESTNET4) == 0x1C0FFFFF


def test_r17_bip94_refuses_a_period_that_starts_before_its_predecessor():
    net = replace(REGTEST, name="mini4", has_bip94=True)
    tip = grown(net, 12).tip
    at_end = ChainEntry.of(tip.header, tip.hash, 2015, tip.work, tip.parent)
    chain = HeaderChain(net, at_end)
    early = following(chain, time=tip.header.time - 601)
    assert refused(chain, early) == "time-timewarp-attack"
    assert extend(chain, following(chain, time=tip.header.time - 600)).height == 2016


def test_r17_a_whole_period_is_retargeted_exactly():
    chain = grown(MINI, 2015)
    assert chain.tip.header.bits == 0x207FFFFF
    first = chain.tip.ancestor(0).header
    due = retarget(first, chain.tip.header, MINI)
    assert due < 0x207FFFFF
    assert refused(chain, following(chain)) == "bad-diffbits"
    assert extend(chain, following(chain, bits=due)).height == 2016


def test_r17_a_run_is_judged_as_its_headers_are_one_by_one():
    chain = grown(MINI, 2015)
    due = retarget(chain.tip.ancestor(0).header, chain.tip.header, MINI)
    chain = extend(chain, following(chain, bits=due))
    for ahead in (-500, 7_000, -3_000, 600, 600):
        header = following(chain, time=chain.tip.header.time + ahead)
        chain = extend(chain, header)
    encoded = b"".join(each.encode() for each in run_of(chain, 1))
    run = extend_run(HeaderChain.genesis(MINI), encoded)
    assert (run, run.work, run.height) == (chain, chain.work, 2021)
    places = zip(run.tip.ancestors(), chain.tip.ancestors(), strict=True)
    assert all((a.header, a.hash, a.work) == (b.header, b.hash, b.work) for a, b in places)
    half = extend_run(HeaderChain.genesis(MINI), encoded[: 80 * 2000])
    assert extend_run(half, encoded[80 * 2000 :]) == chain
    assert extend_run(half, b"") == half


def test_r17_a_run_is_refused_for_the_reason_of_its_first_bad_header():
    chain = grown(REGTEST, 20)
    median = chain.tip.median_time()
    tip = chain.tip.header
    easy = following(chain)
    while int.from_bytes(easy.hash, "little") <= target_of(easy.bits):
        easy = replace(easy, nonce=easy.nonce + 1)
    bad = {
        "prev-blk-not-found": following(chain.disconnect()),
        "bad-diffbits": following(chain, bits=0x207FFFFE),
        "high-hash": easy,
        "time-too-old": following(chain, time=median),
        "time-too-new": following(chain, time=tip.time + 7_201),
        "bad-version": worked(replace(following(chain), version=3)),
    }
    whole = b"".join(each.encode() for each in run_of(chain, 1))
    start = HeaderChain.genesis(REGTEST)
    for code, header in bad.items():
        assert refused(chain, header, now=tip.time) == code
        with pytest.raises(BadHeader) as error:
            extend_run(start, whole + header.encode() + whole, now=tip.time)
        assert error.value.code == code
    late = following(chain, time=median + 1)  # past the median, though before its parent
    assert extend_run(start, whole + late.encode()).height == 21
    with pytest.raises(MalformedBlock):
        extend_run(start, whole[:-1])


def test_r18_chains_fork_disconnect_and_are_weighed():
    base = grown(REGTEST, 4)
    one = extend(extend(base, following(base)), following(extend(base, following(base))))
    other = extend(base, following(base, merkle=b"other"))
    assert one.fork_point(other).hash == base.tip.hash
    assert other.fork_point(one).hash == base.tip.hash
    assert one.fork_point(one) is one.tip
    assert one.disconnect(2) == base
    assert one.work == base.work + 4
    assert other.heavier(one) is one
    tie = one.disconnect()
    assert tie.heavier(other) is tie
    assert other.heavier(tie) is other


def test_chains_of_two_networks_share_nothing():
    with pytest.raises(UsageError):
        HeaderChain.genesis(MAIN).fork_point(HeaderChain.genesis(REGTEST))
    with pytest.raises(UsageError):
        HeaderChain.genesis(MAIN).disconnect()
