"""Invalid scripts, written from the rules R6 to R11, each with its error.

They run without a transaction; what needs one is in test_bitcoin_invalid_transactions.
"""

from __future__ import annotations

import pytest

from lodestamp.core.bitcoin import (
    CONSENSUS,
    CONSENSUS_CAT_CTV,
    OP_SUCCESSES,
    STANDARD,
    Flag,
    Op,
    SigVersion,
    execute,
    from_asm,
)

BASE, V0, TAP = SigVersion.BASE, SigVersion.WITNESS_V0, SigVersion.TAPSCRIPT
UNDERFLOW = "INVALID_STACK_OPERATION"
LONG = b"\x01\x02\x03\x04\x05"
FIVE = b"\x05"
KEY = b"\x02" * 33


def run(script, stack=(), version=BASE, flags=CONSENSUS):
    code = from_asm(script) if isinstance(script, str) else script
    return execute(code, stack, version, None, flags).error


NEEDS = {
    "VERIFY": 1, "TOALTSTACK": 1, "2DROP": 2, "2DUP": 2, "3DUP": 3, "2OVER": 4, "2ROT": 6,
    "2SWAP": 4, "IFDUP": 1, "DROP": 1, "DUP": 1, "NIP": 2, "OVER": 2, "PICK": 2, "ROLL": 2,
    "ROT": 3, "SWAP": 2, "TUCK": 2, "SIZE": 1, "EQUAL": 2, "EQUALVERIFY": 2, "1ADD": 1, "1SUB": 1,
    "NEGATE": 1, "ABS": 1, "NOT": 1, "0NOTEQUAL": 1, "ADD": 2, "SUB": 2, "BOOLAND": 2, "BOOLOR": 2,
    "NUMEQUAL": 2, "NUMEQUALVERIFY": 2, "NUMNOTEQUAL": 2, "LESSTHAN": 2, "GREATERTHAN": 2,
    "LESSTHANOREQUAL": 2, "GREATERTHANOREQUAL": 2, "MIN": 2, "MAX": 2, "WITHIN": 3, "RIPEMD160": 1,
    "SHA1": 1, "SHA256": 1, "HASH160": 1, "HASH256": 1, "CHECKSIG": 2, "CHECKSIGVERIFY": 2,
    "CHECKMULTISIG": 1, "CHECKMULTISIGVERIFY": 1, "CHECKLOCKTIMEVERIFY": 1,
    "CHECKSEQUENCEVERIFY": 1,
}  # fmt: skip
"""How many items each opcode finds, or fails."""


@pytest.mark.parametrize("name", NEEDS)
def test_an_opcode_fails_with_one_item_less_than_it_needs(name):
    assert run(name, (b"\x01",) * (NEEDS[name] - 1)) == UNDERFLOW
    if "SIG" not in name:
        assert run(name, (b"",) * NEEDS[name]) != UNDERFLOW


UNARY = ["1ADD", "1SUB", "NEGATE", "ABS", "NOT", "0NOTEQUAL"]
BINARY = [
    "ADD", "SUB", "BOOLAND", "BOOLOR", "NUMEQUAL", "NUMEQUALVERIFY", "NUMNOTEQUAL", "LESSTHAN",
    "GREATERTHAN", "LESSTHANOREQUAL", "GREATERTHANOREQUAL", "MIN", "MAX",
]  # fmt: skip
OPERANDS = [
    *((name, (LONG,)) for name in UNARY),
    *((name, stack) for name in BINARY for stack in ((LONG, FIVE), (FIVE, LONG))),
    ("WITHIN", (LONG, FIVE, FIVE)), ("WITHIN", (FIVE, LONG, FIVE)), ("WITHIN", (FIVE, FIVE, LONG)),
    ("PICK", (FIVE, LONG)), ("ROLL", (FIVE, LONG)), ("CHECKMULTISIG", (LONG,)),
    ("CHECKMULTISIG", (LONG, b"")), ("CHECKLOCKTIMEVERIFY", (LONG + b"\x06",)),
    ("CHECKSEQUENCEVERIFY", (LONG + b"\x06",)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "stack"), OPERANDS)
def test_an_operand_longer_than_its_limit_fails_r7(name, stack):
    assert run(name, stack) == "UNKNOWN_ERROR"


@pytest.mark.parametrize(("name", "stack"), OPERANDS)
def test_an_operand_that_is_not_minimal_fails_under_minimaldata_r7(name, stack):
    padded = tuple(b"\x01\x00" if len(item) > 4 else item for item in stack)
    assert run(name, padded, flags=Flag.MINIMALDATA | CONSENSUS) == "UNKNOWN_ERROR"
    assert run(name, padded) != "UNKNOWN_ERROR"


DISABLED = [0x7E, 0x7F, 0x80, 0x81, 0x83, 0x84, 0x85, 0x86, 0x8D, 0x8E, *range(0x95, 0x9A)]


@pytest.mark.parametrize("op", DISABLED, ids=lambda op: Op(op).name)
@pytest.mark.parametrize("version", [BASE, V0])
def test_a_disabled_opcode_fails_where_it_runs_and_where_it_does_not_r8(op, version):
    flags = CONSENSUS_CAT_CTV
    assert run(b"\x51\x51" + bytes((op,)), version=version, flags=flags) == "DISABLED_OPCODE"
    unexecuted = b"\x00\x63" + bytes((op,)) + b"\x68\x51"
    assert run(unexecuted, version=version, flags=flags) == "DISABLED_OPCODE"


RESERVED = [0x50, 0x62, 0x89, 0x8A, 0xBA, *range(0xBB, 0xC4), 0xFE, 0xFF]


@pytest.mark.parametrize("op", RESERVED, ids=lambda op: Op(op).name)
def test_an_undefined_opcode_fails_only_where_it_runs(op):
    assert run(bytes((op,)), (b"", b"", b"")) == "BAD_OPCODE"
    assert run(b"\x00\x63" + bytes((op,)) + b"\x68\x51") == "OK"


@pytest.mark.parametrize("name", ["VERIF", "VERNOTIF"])
@pytest.mark.parametrize("version", [BASE, V0, TAP])
def test_verif_fails_even_where_it_does_not_run(name, version):
    assert run(f"0 IF {name} ENDIF 1", version=version) == "BAD_OPCODE"


CASES = {
    "verify of false": ("0 VERIFY", (), BASE, CONSENSUS, "VERIFY"),
    "verify of negative zero": ("<80> VERIFY", (), BASE, CONSENSUS, "VERIFY"),
    "verify of a long zero": ("<000080> VERIFY", (), BASE, CONSENSUS, "VERIFY"),
    "return": ("1 RETURN", (), BASE, CONSENSUS, "OP_RETURN"),
    "return in tapscript": ("RETURN", (), TAP, CONSENSUS, "OP_RETURN"),
    "unequal": ("1 2 EQUALVERIFY", (), BASE, CONSENSUS, "EQUALVERIFY"),
    "equal numbers are not equal items": (
        "1 <0100> EQUALVERIFY",
        (),
        BASE,
        CONSENSUS,
        "EQUALVERIFY",
    ),
    "unequal numbers": ("1 2 NUMEQUALVERIFY", (), BASE, CONSENSUS, "NUMEQUALVERIFY"),
    "altstack is empty": ("FROMALTSTACK", (FIVE,), BASE, CONSENSUS, "INVALID_ALTSTACK_OPERATION"),
    "if without end": ("1 IF", (), BASE, CONSENSUS, "UNBALANCED_CONDITIONAL"),
    "notif without end": ("1 NOTIF", (), BASE, CONSENSUS, "UNBALANCED_CONDITIONAL"),
    "end without if": ("ENDIF", (), BASE, CONSENSUS, "UNBALANCED_CONDITIONAL"),
    "else without if": ("ELSE", (), BASE, CONSENSUS, "UNBALANCED_CONDITIONAL"),
    "if without condition": ("IF 1 ENDIF", (), BASE, CONSENSUS, "UNBALANCED_CONDITIONAL"),
    "second end": ("1 IF ENDIF ENDIF", (), BASE, CONSENSUS, "UNBALANCED_CONDITIONAL"),
    "else after end": ("1 IF ENDIF ELSE", (), BASE, CONSENSUS, "UNBALANCED_CONDITIONAL"),
    "inner if open": ("1 IF 1 IF ENDIF", (), BASE, CONSENSUS, "UNBALANCED_CONDITIONAL"),
    "open if in a branch not taken": (
        "0 IF IF ENDIF",
        (),
        BASE,
        CONSENSUS,
        "UNBALANCED_CONDITIONAL",
    ),
    "condition 2 in v0": ("2 IF ENDIF", (), V0, STANDARD, "MINIMALIF"),
    "condition of two bytes in v0": ("IF ENDIF", (b"\x01\x00",), V0, STANDARD, "MINIMALIF"),
    "notif 2 in v0": ("2 NOTIF ENDIF", (), V0, STANDARD, "MINIMALIF"),
    "condition 2 in tapscript": ("2 IF ENDIF", (), TAP, CONSENSUS, "TAPSCRIPT_MINIMALIF"),
    "condition 00 in tapscript": ("IF ENDIF", (b"\x00",), TAP, CONSENSUS, "TAPSCRIPT_MINIMALIF"),
    "notif 0100 in tapscript": (
        "NOTIF ENDIF",
        (b"\x01\x00",),
        TAP,
        CONSENSUS,
        "TAPSCRIPT_MINIMALIF",
    ),
    "pick below the stack": ("1 1 PICK", (), BASE, CONSENSUS, UNDERFLOW),
    "pick a negative": ("1 -1 PICK", (), BASE, CONSENSUS, UNDERFLOW),
    "roll below the stack": ("1 1 ROLL", (), BASE, CONSENSUS, UNDERFLOW),
    "roll a negative": ("1 -1 ROLL", (), BASE, CONSENSUS, UNDERFLOW),
    "negative lock time": ("-1 CHECKLOCKTIMEVERIFY", (), BASE, CONSENSUS, "NEGATIVE_LOCKTIME"),
    "negative sequence": ("-1 CHECKSEQUENCEVERIFY", (), BASE, CONSENSUS, "NEGATIVE_LOCKTIME"),
    "lock time of no transaction": (
        "1 CHECKLOCKTIMEVERIFY",
        (),
        BASE,
        CONSENSUS,
        "UNSATISFIED_LOCKTIME",
    ),
    "sequence of no transaction": (
        "1 CHECKSEQUENCEVERIFY",
        (),
        BASE,
        CONSENSUS,
        "UNSATISFIED_LOCKTIME",
    ),
    "template of no transaction": (
        f"<{'00' * 32}> CHECKTEMPLATEVERIFY",
        (),
        BASE,
        CONSENSUS_CAT_CTV,
        "TEMPLATE_MISMATCH",
    ),
    "template without hash": ("CHECKTEMPLATEVERIFY", (), TAP, CONSENSUS_CAT_CTV, UNDERFLOW),
    "template of another length": (
        "1 CHECKTEMPLATEVERIFY",
        (),
        V0,
        STANDARD,
        "DISCOURAGE_UPGRADABLE_NOPS",
    ),
    "template discouraged": (
        "1 CHECKTEMPLATEVERIFY",
        (),
        BASE,
        Flag.DISCOURAGE_CHECK_TEMPLATE_VERIFY_HASH,
        "DISCOURAGE_UPGRADABLE_NOPS",
    ),
    "minus one key": ("0 0 -1 CHECKMULTISIG", (), BASE, CONSENSUS, "PUBKEY_COUNT"),
    "21 keys": ("0 0 21 CHECKMULTISIG", (), BASE, CONSENSUS, "PUBKEY_COUNT"),
    "minus one signature": ("0 -1 0 CHECKMULTISIG", (), BASE, CONSENSUS, "SIG_COUNT"),
    "more signatures than keys": ("0 0 1 0 CHECKMULTISIG", (), BASE, CONSENSUS, "SIG_COUNT"),
    "multisig without its keys": ("0 0 2 CHECKMULTISIG", (), BASE, CONSENSUS, UNDERFLOW),
    "multisig without its signatures": ("1 0 1 CHECKMULTISIG", (), BASE, CONSENSUS, UNDERFLOW),
    "multisig without its dummy": ("0 0 CHECKMULTISIG", (), BASE, CONSENSUS, UNDERFLOW),
    "dummy that is not empty": ("1 0 0 CHECKMULTISIG", (), BASE, CONSENSUS, "SIG_NULLDUMMY"),
    "multisig that does not hold": (
        "0 0 1 1 1 CHECKMULTISIGVERIFY",
        (),
        BASE,
        Flag(0),
        "CHECKMULTISIGVERIFY",
    ),
    "multisig in tapscript": ("0 0 0 CHECKMULTISIG", (), TAP, CONSENSUS, "TAPSCRIPT_CHECKMULTISIG"),
    "multisigverify in tapscript": (
        "0 0 0 CHECKMULTISIGVERIFY",
        (),
        TAP,
        CONSENSUS,
        "TAPSCRIPT_CHECKMULTISIG",
    ),
    "checksigadd before tapscript": ("0 0 0 CHECKSIGADD", (), V0, CONSENSUS, "BAD_OPCODE"),
    "checksigadd of two": ("0 0 CHECKSIGADD", (), TAP, CONSENSUS, UNDERFLOW),
    "checksigadd to a long number": (
        "CHECKSIGADD",
        (b"", LONG, bytes(32)),
        TAP,
        CONSENSUS,
        "UNKNOWN_ERROR",
    ),
    "empty key in tapscript": ("0 0 CHECKSIG", (), TAP, CONSENSUS, "PUBKEYTYPE"),
    "unknown key in tapscript": (
        "CHECKSIG",
        (b"", KEY),
        TAP,
        STANDARD,
        "DISCOURAGE_UPGRADABLE_PUBKEYTYPE",
    ),
    "short schnorr signature": (
        "CHECKSIG",
        (bytes(63), bytes(32)),
        TAP,
        CONSENSUS,
        "SCHNORR_SIG_SIZE",
    ),
    "long schnorr signature": (
        "CHECKSIG",
        (bytes(66), bytes(32)),
        TAP,
        CONSENSUS,
        "SCHNORR_SIG_SIZE",
    ),
    "hash type 00 written out": (
        "CHECKSIG",
        (bytes(65), bytes(32)),
        TAP,
        CONSENSUS,
        "SCHNORR_SIG_HASHTYPE",
    ),
    "schnorr signature of nothing": (
        "CHECKSIG",
        (bytes(64), bytes(32)),
        TAP,
        CONSENSUS,
        "SCHNORR_SIG",
    ),
    "empty signature verified": (
        "CHECKSIGVERIFY",
        (b"", bytes(32)),
        TAP,
        CONSENSUS,
        "CHECKSIGVERIFY",
    ),
    "signature that is no DER": ("CHECKSIG", (b"\x01", KEY), BASE, CONSENSUS, "SIG_DER"),
    "key of a wrong shape": ("CHECKSIG", (b"", b"\x05" * 33), BASE, Flag.STRICTENC, "PUBKEYTYPE"),
    "hybrid key": ("CHECKSIG", (b"", b"\x06" * 65), BASE, Flag.STRICTENC, "PUBKEYTYPE"),
    "uncompressed key in v0": ("CHECKSIG", (b"", b"\x04" * 65), V0, STANDARD, "WITNESS_PUBKEYTYPE"),
    "checksigverify of nothing": ("CHECKSIGVERIFY", (b"", KEY), BASE, CONSENSUS, "CHECKSIGVERIFY"),
    "separator in a base script": ("CODESEPARATOR", (), BASE, STANDARD, "OP_CODESEPARATOR"),
    "separator not even run": ("0 IF CODESEPARATOR ENDIF", (), BASE, STANDARD, "OP_CODESEPARATOR"),
    "cat of one": ("CAT", (FIVE,), TAP, CONSENSUS_CAT_CTV, UNDERFLOW),
    "cat of nothing": ("CAT", (), TAP, CONSENSUS_CAT_CTV, UNDERFLOW),
    "cat past 520": ("CAT", (bytes(520), b"\x01"), TAP, CONSENSUS_CAT_CTV, "PUSH_SIZE"),
    "cat of two halves past 520": (
        "CAT",
        (bytes(261), bytes(260)),
        TAP,
        CONSENSUS_CAT_CTV,
        "PUSH_SIZE",
    ),
    "cat discouraged": ("CAT", (), TAP, CONSENSUS | Flag.DISCOURAGE_OP_CAT, "DISCOURAGE_OP_CAT"),
    "push of 1 as bytes": ("<01>", (), BASE, STANDARD, "MINIMALDATA"),
    "push of 16 as bytes": ("<10>", (), BASE, STANDARD, "MINIMALDATA"),
    "push of -1 as bytes": ("<81>", (), BASE, STANDARD, "MINIMALDATA"),
    "empty push by PUSHDATA1": ("PUSHDATA1<>", (), BASE, STANDARD, "MINIMALDATA"),
    "5 bytes by PUSHDATA1": ("PUSHDATA1<0102030405>", (), BASE, STANDARD, "MINIMALDATA"),
    "100 bytes by PUSHDATA2": (f"PUSHDATA2<{'07' * 100}>", (), BASE, STANDARD, "MINIMALDATA"),
    "300 bytes by PUSHDATA4": (f"PUSHDATA4<{'07' * 300}>", (), BASE, STANDARD, "MINIMALDATA"),
    "push of 521 bytes": (f"<{'07' * 521}>", (), BASE, CONSENSUS, "PUSH_SIZE"),
    "push of 521 bytes not run": (f"0 IF <{'07' * 521}> ENDIF 1", (), V0, CONSENSUS, "PUSH_SIZE"),
    "push of 521 bytes in tapscript": (f"<{'07' * 521}>", (), TAP, CONSENSUS, "PUSH_SIZE"),
    "first item of 521 bytes": ("1", (bytes(521),), TAP, CONSENSUS, "PUSH_SIZE"),
    "1,001 first items": ("1", (b"",) * 1001, TAP, CONSENSUS, "STACK_SIZE"),
    "1,001 items": ("1", (b"",) * 1000, TAP, CONSENSUS, "STACK_SIZE"),
    "1,001 items in a base script": ("1", (b"",) * 1000, BASE, CONSENSUS, "STACK_SIZE"),
    "altstack counts": ("TOALTSTACK 3DUP", (b"",) * 998, V0, CONSENSUS, "STACK_SIZE"),
    "202 counted opcodes": ("1 " + "NOP " * 202, (), BASE, CONSENSUS, "OP_COUNT"),
    "202 in v0": ("1 " + "NOP " * 202, (), V0, CONSENSUS, "OP_COUNT"),
    "202 that do not run": ("0 IF " + "NOP " * 200 + "ENDIF 1", (), BASE, CONSENSUS, "OP_COUNT"),
    "keys count as opcodes": (
        "NOP " * 199 + "0 0 1 2 CHECKMULTISIG",
        (),
        BASE,
        CONSENSUS,
        "OP_COUNT",
    ),
    "script of 10,001 bytes": (b"\x51" + b"\x00" * 10_000, (), BASE, CONSENSUS, "SCRIPT_SIZE"),
    "v0 script of 10,001 bytes": (b"\x51" + b"\x00" * 10_000, (), V0, CONSENSUS, "SCRIPT_SIZE"),
    "push cut off": (b"\x02\x01", (), BASE, CONSENSUS, "BAD_OPCODE"),
    "PUSHDATA1 without size": (b"\x4c", (), BASE, CONSENSUS, "BAD_OPCODE"),
    "PUSHDATA2 with half a size": (b"\x4d\x01", (), V0, CONSENSUS, "BAD_OPCODE"),
    "PUSHDATA4 of four gigabytes": (b"\x4e\xff\xff\xff\xff", (), BASE, CONSENSUS, "BAD_OPCODE"),
    "push cut off in a branch not taken": (b"\x00\x63\x02\x01", (), BASE, CONSENSUS, "BAD_OPCODE"),
    "push cut off in tapscript, before it runs": (
        b"\x6a\x02\x01",
        (),
        TAP,
        CONSENSUS,
        "BAD_OPCODE",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_an_invalid_script_ends_with_its_error(name):
    script, stack, version, flags, error = CASES[name]
    assert run(script, stack, version, flags) == error


@pytest.mark.parametrize("nop", [1, *range(5, 11)])
def test_an_upgradable_nop_is_discouraged(nop):
    flags = Flag.DISCOURAGE_UPGRADABLE_NOPS
    assert run(f"1 NOP{nop}", flags=flags) == "DISCOURAGE_UPGRADABLE_NOPS"
    assert run(f"1 NOP{nop}") == "OK"


@pytest.mark.parametrize("op", sorted(OP_SUCCESSES - {Op.OP_CAT}), ids=lambda op: Op(op).name)
def test_an_op_success_wins_at_once_or_is_discouraged_r9(op):
    """Before anything runs: neither RETURN nor a push of 521 bytes nor 1,001 items matter."""
    script = b"\x6a" + bytes((op,))
    assert run(script, (bytes(521),) * 1001, TAP, CONSENSUS) == "OK"
    assert run(script, (), TAP, STANDARD) == "DISCOURAGE_OP_SUCCESS"


def test_what_comes_first_in_a_leaf_decides_r9():
    cut, success, cat = b"\x02\x01", b"\x50", b"\x7e"
    assert run(b"\x03\x01" + success, (), TAP, CONSENSUS) == "BAD_OPCODE"
    assert run(success + cut, (), TAP, CONSENSUS) == "OK"
    assert run(cat + cut, (), TAP, CONSENSUS) == "OK"
    assert run(cat + cut, (), TAP, CONSENSUS_CAT_CTV) == "BAD_OPCODE"
    assert run(cat + success, (), TAP, CONSENSUS_CAT_CTV) == "OK"


def test_there_are_at_least_a_hundred_invalid_scripts():
    assert len(CASES) + len(NEEDS) + len(OPERANDS) + len(DISABLED) >= 200
    assert len(CASES) >= 90
