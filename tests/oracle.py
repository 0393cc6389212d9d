"""An independent judge of spends: btclib's script engine, and how its answers map to our names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from operator import or_

from btclib.exceptions import ScriptError as OracleError
from btclib.exceptions import ScriptErrorCode
from btclib.script import op_codes_tapscript
from btclib.script.engine import ScriptFlag, tapscript
from btclib.script.engine import verify_input as oracle_verify_input
from btclib.tx.tx import Tx
from btclib.tx.tx_out import TxOut as OracleTxOut

from lodestamp.core.bitcoin import Flag, Transaction, TxOut

SPELLINGS = {
    "SCRIPTNUM": "UNKNOWN_ERROR",
    "SIG_NULLFAIL": "NULLFAIL",
    "UNBALANCED": "UNBALANCED_CONDITIONAL",
    "TAPSCRIPT_EMPTY_PUBKEY": "PUBKEYTYPE",
}
"""Newer names of the oracle, and those of the vectors."""

_CAT = 0x7E


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
