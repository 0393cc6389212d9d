"""An independent judge of spends: btclib's script engine, and how its answers map to our names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from operator import or_
from unittest.mock import patch

from btclib.exceptions import ScriptError as OracleError
from btclib.exceptions import ScriptErrorCode
from btclib.script import op_codes_tapscript, taproot
from btclib.script.engine import ScriptFlag, tapscript
from btclib.script.engine import script as base_script
from btclib.script.engine import verify_input as oracle_verify_input
from btclib.tx.tx import Tx
from btclib.tx.tx_out import TxOut as OracleTxOut

from lodestamp.core.bitcoin import (
    Flag,
    Transaction,
    TxOut,
    ecdsa_verify,
    schnorr_verify,
    tweak_xonly,
)

SPELLINGS = {
    "SCRIPTNUM": "UNKNOWN_ERROR",
    "SIG_NULLFAIL": "NULLFAIL",
    "TAPSCRIPT_EMPTY_PUBKEY": "PUBKEYTYPE",
}
"""Newer names of the oracle, and those of the vectors."""

_CAT = 0x7E


def alike(ours: str, theirs: str) -> bool:
    """Whether both answers say the same.

    An IF that finds no condition is UNBALANCED_CONDITIONAL in the vectors, and an invalid stack
    operation in newer nodes, as in the oracle; to which 0x7e is any other OP_SUCCESS.
    """
    return ours == theirs or (ours, theirs) in {
        ("UNBALANCED_CONDITIONAL", "INVALID_STACK_OPERATION"),
        ("DISCOURAGE_OP_CAT", "DISCOURAGE_OP_SUCCESS"),
    }


def oracle_flags(flags: Flag) -> ScriptFlag:
    """Translate flags by name: the oracle numbers some otherwise, and lacks CAT and CTV."""
    known = [ScriptFlag[flag.name] for flag in flags if flag.name in ScriptFlag.__members__]
    return reduce(or_, known, ScriptFlag(0))


def oracle_spend(tx: Transaction, spent: Sequence[TxOut]) -> tuple[Tx, list[OracleTxOut]]:
    """Translate a spend into the oracle's values."""
    parsed = Tx.parse(tx.encode(), check_validity=False)
    return parsed, [OracleTxOut.parse(each.encode(), check_validity=False) for each in spent]


def oracle_error(tx: Transaction, index: int, spent: Sequence[TxOut], flags: Flag) -> str:
    """Return the oracle's answer by our name for it."""
    theirs, coins = oracle_spend(tx, spent)
    return judged(theirs, index, coins, oracle_flags(flags))


def judged(tx: Tx, index: int, coins: list[OracleTxOut], flags: ScriptFlag) -> str:
    """Return the oracle's answer to its own values, by our name for it."""
    try:
        oracle_verify_input(coins, tx, index, flags)
    except OracleError as error:
        return SPELLINGS.get(error.code.name, error.code.name)
    return "OK"


def _op_cat(stack: list[bytes], _altstack: list[bytes], _flags: ScriptFlag) -> None:
    if len(stack) < 2:
        raise OracleError("too few items", ScriptErrorCode.INVALID_STACK_OPERATION)
    joined = stack[-2] + stack[-1]
    if len(joined) > 520:
        raise OracleError("too long", ScriptErrorCode.PUSH_SIZE)
    stack[-2:] = [joined]


@contextmanager
def oracle_with_cat() -> Iterator[None]:
    """Teach the oracle BIP-347, by adding 0x7e to its tapscript tables."""
    names, operations = op_codes_tapscript.OP_CODE_NAMES, tapscript.OPERATIONS
    place = op_codes_tapscript.OP_SUCCESS.index(_CAT)
    op_codes_tapscript.OP_SUCCESS.remove(_CAT)
    names[_CAT], operations["OP_CAT"] = "OP_CAT", _op_cat
    try:
        yield
    finally:
        del names[_CAT], operations["OP_CAT"]
        op_codes_tapscript.OP_SUCCESS.insert(place, _CAT)


@contextmanager
def oracle_on_libsecp256k1() -> Iterator[None]:
    """Give the oracle the curve that ours has: its own bindings may not be installed.

    Only for measuring: an oracle of the curve, too, it is with its own arithmetic.
    """

    def ssa_verify(digest: bytes, key: bytes, sig: bytes) -> bool:
        return schnorr_verify(sig, digest, key)

    def dsa_verify(digest: bytes, key: bytes, sig: bytes) -> bool:
        return ecdsa_verify(sig, digest, key)

    def tweak(key: bytes, t: int) -> tuple[int, int]:
        tweaked, parity = tweak_xonly(key, t.to_bytes(32, "big"))
        return int.from_bytes(tweaked, "big"), parity

    with (
        patch.object(tapscript, "ssa_verify", ssa_verify),
        patch.object(base_script, "dsa_verify", dsa_verify),
        patch.object(taproot, "pub_key_tweak_add_var", tweak),
    ):
        yield
