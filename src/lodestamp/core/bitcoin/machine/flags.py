"""Which rules a script is judged by, in Bitcoin Core's bit numbers (bitcoin spec §2)."""

from __future__ import annotations

from enum import IntFlag
from typing import Final

from lodestamp.errors import UsageError


class Flag(IntFlag):
    """A rule that can be on or off; bits 24 and 25 (ANYPREVOUT) are not supported."""

    P2SH = 1 << 0
    STRICTENC = 1 << 1
    DERSIG = 1 << 2
    LOW_S = 1 << 3
    NULLDUMMY = 1 << 4
    SIGPUSHONLY = 1 << 5
    MINIMALDATA = 1 << 6
    DISCOURAGE_UPGRADABLE_NOPS = 1 << 7
    CLEANSTACK = 1 << 8
    CHECKLOCKTIMEVERIFY = 1 << 9
    CHECKSEQUENCEVERIFY = 1 << 10
    WITNESS = 1 << 11
    DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM = 1 << 12
    MINIMALIF = 1 << 13
    NULLFAIL = 1 << 14
    WITNESS_PUBKEYTYPE = 1 << 15
    CONST_SCRIPTCODE = 1 << 16
    TAPROOT = 1 << 17
    DISCOURAGE_UPGRADABLE_TAPROOT_VERSION = 1 << 18
    DISCOURAGE_OP_SUCCESS = 1 << 19
    DISCOURAGE_UPGRADABLE_PUBKEYTYPE = 1 << 20
    DEFAULT_CHECK_TEMPLATE_VERIFY_HASH = 1 << 21
    DISCOURAGE_UPGRADABLE_CHECK_TEMPLATE_VERIFY_HASH = 1 << 22
    DISCOURAGE_CHECK_TEMPLATE_VERIFY_HASH = 1 << 23
    OP_CAT = 1 << 26
    DISCOURAGE_OP_CAT = 1 << 27


NONE: Final = Flag(0)
CONSENSUS: Final = (
    Flag.P2SH
    | Flag.DERSIG
    | Flag.NULLDUMMY
    | Flag.CHECKLOCKTIMEVERIFY
    | Flag.CHECKSEQUENCEVERIFY
    | Flag.WITNESS
    | Flag.TAPROOT
)
"""What every block since taproot obeys."""
CONSENSUS_CAT_CTV: Final = CONSENSUS | Flag.DEFAULT_CHECK_TEMPLATE_VERIFY_HASH | Flag.OP_CAT
"""The same on a chain where BIP-119 and BIP-347 are active."""
_ALL: Final = (1 << 28) - 1 & ~(1 << 24) & ~(1 << 25)
STANDARD: Final = Flag(
    _ALL & ~Flag.DISCOURAGE_CHECK_TEMPLATE_VERIFY_HASH.value & ~Flag.DISCOURAGE_OP_CAT.value
)
"""What a node relays where both deployments are active."""


def standard_flags(*, opcat: bool, checktemplateverify: bool) -> Flag:
    """Return what a node relays, given which deployments its chain has active.

    Where one is not, its opcode is discouraged instead of enforced.
    """
    flags = STANDARD
    if not opcat:
        flags = (flags & ~Flag.OP_CAT) | Flag.DISCOURAGE_OP_CAT
    if not checktemplateverify:
        flags &= ~Flag.DEFAULT_CHECK_TEMPLATE_VERIFY_HASH
        flags |= Flag.DISCOURAGE_CHECK_TEMPLATE_VERIFY_HASH
    return flags


def checked_bits(flags: Flag | int) -> int:
    """Return flags as plain bits; UsageError for one that is unknown, or useless alone.

    WITNESS without P2SH, and CLEANSTACK without both, are combinations no node has.
    """
    bits = int(flags)
    if bits & ~_ALL:
        raise UsageError(f"script flags {bits & ~_ALL:#x} are not supported")
    if bits & Flag.WITNESS.value and not bits & Flag.P2SH.value:
        raise UsageError("the flag WITNESS needs P2SH")
    if bits & Flag.CLEANSTACK.value and not bits & Flag.WITNESS.value:
        raise UsageError("the flag CLEANSTACK needs P2SH and WITNESS")
    return bits
