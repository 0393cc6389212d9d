"""What nodes relay by default, beyond what blocks may hold (bitcoin spec R13)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, StrEnum, auto
from typing import Final

from lodestamp.core.bitcoin.machine import NONE, SigVersion, execute
from lodestamp.core.bitcoin.opcodes import Op
from lodestamp.core.bitcoin.script import (
    is_p2sh,
    is_push_only,
    read_steps,
    witness_program,
)
from lodestamp.core.bitcoin.sigops import count_sigops
from lodestamp.core.bitcoin.taproot import ANNEX_TAG, LEAF_TAPSCRIPT
from lodestamp.core.bitcoin.tx import Transaction, TxIn, TxOut
from lodestamp.errors import UsageError

WEIGHT_STANDARD_MAX: Final = 400_000
"""Weight of a transaction that is relayed: a tenth of a block."""
SCRIPT_SIG_STANDARD_MAX: Final = 1_650
"""Bytes of a scriptSig: 15 signatures and compressed keys in P2SH fit."""
OP_RETURN_STANDARD_MAX: Final = 83
"""Bytes of an OP_RETURN script: 80 of payload and their framing."""
WITNESS_ITEM_STANDARD_MAX: Final = 80
"""Bytes of a witness item beside script and control block, in P2WSH and tapscript."""
P2WSH_ITEMS_STANDARD_MAX: Final = 100
"""Witness items beside the script in P2WSH."""
P2WSH_SCRIPT_STANDARD_MAX: Final = 3_600
"""Bytes of a P2WSH script."""
P2SH_SIGOPS_STANDARD_MAX: Final = 15
"""Signature operations of a P2SH script."""
MULTISIG_KEYS_STANDARD_MAX: Final = 3
"""Keys of a bare multisig output."""
STRIPPED_SIZE_STANDARD_MIN: Final = 65
"""Bytes without witness: 64 could be taken for an inner node of a block's tree (CVE-2017-12842)."""
VERSION_STANDARD_MIN: Final = 1
VERSION_STANDARD_MAX: Final = 3
"""Versions above have no meaning yet."""
DUST_RATE: Final = 3
"""Satoshis per virtual byte, 3,000 per thousand: below what spending costs, an output is dust."""
SPEND_SIZE: Final = 148
WITNESS_SPEND_SIZE: Final = 67
"""Virtual bytes that spending an output takes, without and with a witness."""


class PolicyFault(StrEnum):
    """Why a node would not relay a transaction, in Bitcoin Core's words."""

    VERSION = "version"
    TX_SIZE = "tx-size"
    TX_SIZE_SMALL = "tx-size-small"
    SCRIPTSIG_SIZE = "scriptsig-size"
    SCRIPTSIG_NOT_PUSHONLY = "scriptsig-not-pushonly"
    SCRIPTPUBKEY = "scriptpubkey"
    DUST = "dust"
    MULTI_OP_RETURN = "multi-op-return"
    NONSTANDARD_INPUTS = "bad-txns-nonstandard-inputs"
    NONSTANDARD_WITNESS = "bad-witness-nonstandard"


class OutputKind(Enum):
    """What a scriptPubKey is, as far as relay is concerned."""

    NONSTANDARD = auto()
    PUBKEY = auto()
    PUBKEY_HASH = auto()
    SCRIPT_HASH = auto()
    MULTISIG = auto()
    OP_RETURN = auto()
    WITNESS_V0 = auto()
    TAPROOT = auto()
    ANCHOR = auto()
    WITNESS_UNKNOWN = auto()


def check_standard(tx: Transaction, spent: Sequence[TxOut]) -> PolicyFault | None:
    """Return why a node with default policy would not relay a valid transaction, or None.

    `spent` are the outputs it spends, in input order; UsageError when they are not as many.
    """
    if len(spent) != len(tx.inputs):
        raise UsageError(f"{len(tx.inputs)} inputs spend {len(spent)} outputs")
    fault = _check_shape(tx) or _check_outputs(tx.outputs)
    if fault:
        return fault
    if len(tx.encode(witness=False)) < STRIPPED_SIZE_STANDARD_MIN:
        return PolicyFault.TX_SIZE_SMALL
    pairs = list(zip(tx.inputs, spent, strict=True))
    if not all(_is_input_standard(each, coin.script) for each, coin in pairs):
        return PolicyFault.NONSTANDARD_INPUTS
    if not all(_is_witness_standard(each, coin.script) for each, coin in pairs if each.witness):
        return PolicyFault.NONSTANDARD_WITNESS
    return None


def _check_shape(tx: Transaction) -> PolicyFault | None:
    if not VERSION_STANDARD_MIN <= tx.version <= VERSION_STANDARD_MAX:
        return PolicyFault.VERSION
    if tx.weight > WEIGHT_STANDARD_MAX:
        return PolicyFault.TX_SIZE
    for each in tx.inputs:
        if len(each.script_sig) > SCRIPT_SIG_STANDARD_MAX:
            return PolicyFault.SCRIPTSIG_SIZE
        if not is_push_only(each.script_sig):
            return PolicyFault.SCRIPTSIG_NOT_PUSHONLY
    return None


def _check_outputs(outputs: Sequence[TxOut]) -> PolicyFault | None:
    op_returns = 0
    for each in outputs:
        kind = output_kind(each.script)
        if kind is OutputKind.NONSTANDARD:
            return PolicyFault.SCRIPTPUBKEY
        if kind is OutputKind.OP_RETURN:
            if len(each.script) > OP_RETURN_STANDARD_MAX:
                return PolicyFault.SCRIPTPUBKEY
            op_returns += 1
        elif each.amount < dust_limit(each.script):
            return PolicyFault.DUST
    return PolicyFault.MULTI_OP_RETURN if op_returns > 1 else None


def dust_limit(script: bytes) -> int:
    """Return the least satoshis an output of this script must hold to be relayed."""
    if script[:1] == bytes((Op.OP_RETURN,)):
        return 0
    spending = WITNESS_SPEND_SIZE if witness_program(script) else SPEND_SIZE
    return DUST_RATE * (len(TxOut(0, script).encode()) + spending)


def output_kind(script: bytes) -> OutputKind:
    """Return what a scriptPubKey is; NONSTANDARD if nodes do not relay outputs of it."""
    if is_p2sh(script):
        return OutputKind.SCRIPT_HASH
    if program := witness_program(script):
        return _witness_kind(*program)
    if script[:1] == bytes((Op.OP_RETURN,)) and is_push_only(script[1:]):
        return OutputKind.OP_RETURN
    if len(script) in {35, 67} and script[0] == len(script) - 2 and script[-1] == Op.OP_CHECKSIG:
        return OutputKind.PUBKEY if _is_key_shaped(script[1:-1]) else OutputKind.NONSTANDARD
    if len(script) == 25 and script[:3] == b"\x76\xa9\x14" and script[23:] == b"\x88\xac":
        return OutputKind.PUBKEY_HASH
    return OutputKind.MULTISIG if _is_small_multisig(script) else OutputKind.NONSTANDARD


def _witness_kind(version: int, program: bytes) -> OutputKind:
    if version == 0:
        is_known = len(program) in {20, 32}
        return OutputKind.WITNESS_V0 if is_known else OutputKind.NONSTANDARD
    if version == 1 and len(program) == 32:
        return OutputKind.TAPROOT
    if version == 1 and program == b"\x4e\x73":
        return OutputKind.ANCHOR
    return OutputKind.WITNESS_UNKNOWN


def _is_key_shaped(key: bytes) -> bool:
    return {2: 33, 3: 33, 4: 65, 6: 65, 7: 65}.get(key[0]) == len(key) if key else False


def _is_small_multisig(script: bytes) -> bool:
    """Whether the script is m keys… n CHECKMULTISIG with at most three keys."""
    steps, is_whole = read_steps(script)
    if not is_whole or len(steps) < 4 or steps[-1][0] != Op.OP_CHECKMULTISIG:
        return False
    needed, given = steps[0][0] - Op.OP_1 + 1, steps[-2][0] - Op.OP_1 + 1
    keys = [pushed for _, pushed, _ in steps[1:-2]]
    if given != len(keys) or not 1 <= needed <= given <= MULTISIG_KEYS_STANDARD_MAX:
        return False
    return all(key is not None and _is_key_shaped(key) for key in keys)


def _is_input_standard(spending: TxIn, script: bytes) -> bool:
    kind = output_kind(script)
    if kind in {OutputKind.NONSTANDARD, OutputKind.WITNESS_UNKNOWN}:
        return False
    if kind is not OutputKind.SCRIPT_HASH:
        return True
    inner = _redeem_script(spending)
    return inner is not None and count_sigops(inner, accurate=True) <= P2SH_SIGOPS_STANDARD_MAX


def _redeem_script(spending: TxIn) -> bytes | None:
    """Return the script that a P2SH input hands over, if its scriptSig leaves one."""
    run = execute(spending.script_sig, (), SigVersion.BASE, None, NONE)
    return run.stack[-1] if run.ok and run.stack else None


def _is_witness_standard(spending: TxIn, script: bytes) -> bool:
    nested = is_p2sh(script)
    if nested:
        inner = _redeem_script(spending)
        if inner is None:
            return False
        script = inner
    program = witness_program(script)
    if program is None or output_kind(script) is OutputKind.ANCHOR:
        return False
    version, digest = program
    if version == 0 and len(digest) == 32:
        return _is_p2wsh_standard(spending.witness)
    if version == 1 and len(digest) == 32 and not nested:
        return _is_taproot_standard(spending.witness)
    return True


def _is_p2wsh_standard(witness: Sequence[bytes]) -> bool:
    *items, script = witness
    if len(script) > P2WSH_SCRIPT_STANDARD_MAX or len(items) > P2WSH_ITEMS_STANDARD_MAX:
        return False
    return all(len(item) <= WITNESS_ITEM_STANDARD_MAX for item in items)


def _is_taproot_standard(witness: Sequence[bytes]) -> bool:
    if len(witness) == 1:
        return True
    *items, _, control = witness
    if control[:1] in {b"", bytes((ANNEX_TAG,))}:
        return False
    if control[0] & 0xFE != LEAF_TAPSCRIPT:
        return True
    return all(len(item) <= WITNESS_ITEM_STANDARD_MAX for item in items)
