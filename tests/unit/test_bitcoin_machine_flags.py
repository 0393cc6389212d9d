"""The flags' numbers, their sets, and the combinations that are refused."""

from __future__ import annotations

import pytest

from lodestamp.core.bitcoin import (
    CONSENSUS,
    CONSENSUS_CAT_CTV,
    STANDARD,
    Flag,
    SigVersion,
    execute,
    standard_flags,
)
from lodestamp.errors import UsageError


def test_the_bits_are_those_of_nodes():
    bits = {flag.name: flag.value.bit_length() - 1 for flag in Flag}
    assert (bits["P2SH"], bits["WITNESS"], bits["TAPROOT"], bits["OP_CAT"]) == (0, 11, 17, 26)
    assert sorted(bits.values()) == [*range(24), 26, 27]


def test_the_sets_are_what_the_spec_says():
    assert CONSENSUS == 1 | 4 | 16 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 17
    assert CONSENSUS_CAT_CTV == CONSENSUS | 1 << 21 | 1 << 26
    assert (1 << 28) - 1 - STANDARD == 1 << 23 | 1 << 24 | 1 << 25 | 1 << 27


@pytest.mark.parametrize("opcat", [True, False])
@pytest.mark.parametrize("template", [True, False])
def test_what_is_not_active_is_discouraged_instead(opcat, template):
    flags = standard_flags(opcat=opcat, checktemplateverify=template)
    assert bool(flags & Flag.OP_CAT) is opcat
    assert bool(flags & Flag.DISCOURAGE_OP_CAT) is not opcat
    assert bool(flags & Flag.DEFAULT_CHECK_TEMPLATE_VERIFY_HASH) is template
    assert bool(flags & Flag.DISCOURAGE_CHECK_TEMPLATE_VERIFY_HASH) is not template


@pytest.mark.parametrize(
    "flags", [1 << 24, 1 << 25, 1 << 28, -1, Flag.WITNESS, Flag.CLEANSTACK | Flag.P2SH]
)
def test_unsupported_and_useless_flags_are_refused(flags):
    with pytest.raises(UsageError):
        execute(b"", (), SigVersion.BASE, None, flags)
