"""The leaves, letter for letter: one template per kind, written and read back (covenants spec §4).

Whatever a template pins, it pins against a theft that was shown to work: see `docs/spec`. Nothing
here writes a leaf without its pins, so no caller can fund one.

>>> from lodestamp.core.bitcoin import NUMS, to_asm
>>> to_asm(write_leaf(CidLock(bytes.fromhex("01551220") + bytes(32), 1, NUMS)))[:33]
'SHA256 <01551220> SWAP CAT <01551'
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from lodestamp.core.bitcoin import Script, from_asm, to_asm
from lodestamp.core.covenants.kinds import (
    ANCHOR_TAG,
    Anchor,
    BatchMember,
    ChainedAnchor,
    CidLock,
    DagPath,
    FixedOutputs,
    Params,
    Template,
)
from lodestamp.errors import InputError

LEAF_SIZE_MAX: Final = 600
"""Bytes of a leaf that is compared with the templates: the longest, of 40 levels, has 433."""

GENERATOR: Final = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
"""The x of secp256k1's base point, which is key and nonce of the signature that is a hash."""

_CHK: Final = (
    f"<{b'TapSighash'.hex()}> SHA256 DUP CAT SWAP CAT SHA256 "
    f"<{b'BIP0340/challenge'.hex()}> SHA256 DUP CAT "
    f"<{GENERATOR}> DUP CAT CAT SWAP CAT SHA256 OVER 1 CAT EQUALVERIFY 2 CAT "
    f"<{GENERATOR}> SWAP CAT <{GENERATOR}> CHECKSIG"
)
"""With the SigMsg on top and the first 31 bytes of its challenge e below: P = R = G makes s = e + 1
the signature, so a valid one shows that the bytes on the stack are the transaction's."""
_FOLD: Final = "ROT IF SWAP ENDIF CAT 1 SWAP CAT SHA256"
_FORCED_HEAD: Final = f"<{bytes(8).hex()}266a24{ANCHOR_TAG.hex()}>"
"""Amount 0, 38 bytes of script, OP_RETURN, a push of 36 bytes: the tag and 32 that follow."""
_HEAD: Final = "SWAP SIZE <20> EQUALVERIFY <0200000000> SWAP CAT CAT <00ffffffff> CAT "
"""The leaf hash of exactly 32 bytes between 02 ‖ input 0 and 00 ‖ no OP_CODESEPARATOR."""
_OWN_OUTPUT: Final = (
    f"SIZE <23> EQUALVERIFY OVER SIZE 8 EQUALVERIFY DROP 2DUP CAT {_FORCED_HEAD} CAT "
)
_T4: Final = (
    "SIZE <20> EQUALVERIFY <0200000000> SWAP CAT <00ffffffff> CAT TOALTSTACK "
    f"<{{}}> CAT CAT CAT FROMALTSTACK CAT {_CHK}"
)
_T5: Final = (
    f"{_OWN_OUTPUT}3 ROLL SIZE <20> EQUALVERIFY CAT 3 ROLL CAT SHA256 TOALTSTACK 3 ROLL CAT SHA256 "
    "SWAP 3 ROLL CAT SHA256 SWAP CAT SWAP SIZE <20> EQUALVERIFY CAT CAT FROMALTSTACK CAT "
    f"{_HEAD}{_CHK}"
)
_T6: Final = (
    f"{_OWN_OUTPUT}DUP 7 PICK SIZE <20> EQUALVERIFY 5 ROLL SIZE <20> EQUALVERIFY CAT SHA256 CAT "
    "8 ROLL CAT SHA256 TOALTSTACK 5 ROLL CAT 5 ROLL CAT 3 ROLL 4 ROLL CAT SIZE <58> EQUALVERIFY "
    "SWAP CAT HASH256 <00000000> CAT 6 ROLL SIZE <24> EQUALVERIFY CAT SHA256 TOALTSTACK "
    "3 ROLL SIZE <20> EQUALVERIFY <225120> SWAP CAT CAT SHA256 SWAP 3 ROLL SIZE 8 EQUALVERIFY "
    "CAT SHA256 SWAP CAT FROMALTSTACK SWAP CAT SWAP SIZE <20> EQUALVERIFY CAT CAT FROMALTSTACK CAT "
    f"{_HEAD}{_CHK}"
)


def write_leaf(params: Params) -> Script:
    """Return the leaf that says what the parameters say, and nothing else."""
    return from_asm(write_asm(params))


def write_asm(params: Params) -> str:
    """Return the leaf as text."""
    match params:
        case CidLock():
            joined = "CAT " * (params.chunks - 1)
            shown = f"{joined}SHA256 <01551220> SWAP CAT <{params.cid.hex()}>"
            return _owned(shown, params.owner)
        case BatchMember():
            folds = f"{_FOLD} " * params.depth
            return _owned(f"<00> SWAP CAT SHA256 {folds}<{params.root.hex()}>", params.owner)
        case DagPath():
            first = "SIZE <20> EQUALVERIFY"
            if params.chunks is not None:
                first = "CAT " * (params.chunks - 1) + "SHA256"
            levels = "".join(f"{_level(*items)} " for items in params.levels)
            return _owned(f"{first} {levels}<{params.root.hex()}>", params.owner)
        case Template():
            return f"<{params.template_hash.hex()}> CHECKTEMPLATEVERIFY"
        case FixedOutputs():
            return _T4.format(params.outputs_hash.hex())
        case Anchor():
            return _signed_first(params.owner) + _T5
        case ChainedAnchor():
            return _signed_first(params.owner) + _T6


def read_leaf(leaf: bytes) -> Params | None:
    """Return what a leaf says if it is, byte for byte, one that `write_leaf` writes; else None."""
    if len(leaf) > LEAF_SIZE_MAX:
        return None
    try:
        text = to_asm(leaf)
        for form, read in _READERS:
            if found := form.fullmatch(text):
                params = read(found)
                return params if write_leaf(params) == leaf else None
    except InputError:
        pass
    return None


def _owned(shown: str, owner: bytes) -> str:
    return f"{shown} EQUALVERIFY <{owner.hex()}> CHECKSIG"


def _signed_first(owner: bytes | None) -> str:
    return "" if owner is None else f"<{owner.hex()}> CHECKSIGVERIFY "


def _level(prefix: int, suffix: int) -> str:
    before, after = "CAT " * (prefix - 1), "CAT " * (suffix - 1)
    return f"TOALTSTACK {before}FROMALTSTACK CAT TOALTSTACK {after}FROMALTSTACK SWAP CAT SHA256"


_HASH: Final = "([0-9a-f]{64})"
_END: Final = f"<{_HASH}> EQUALVERIFY <{_HASH}> CHECKSIG"
_LEVEL: Final = (
    "TOALTSTACK ((?:CAT )*)FROMALTSTACK CAT TOALTSTACK ((?:CAT )*)FROMALTSTACK SWAP CAT "
)
_PATH: Final = (
    rf"(SIZE <20> EQUALVERIFY |(?:CAT )*SHA256 )((?:{_LEVEL.replace('((', '(?:(')}SHA256 )+)"
)


def _read_path(found: re.Match[str]) -> Params:
    first, levels, root, owner = found.groups()
    items = tuple(
        (1 + before.count("CAT"), 1 + after.count("CAT"))
        for before, after in re.findall(_LEVEL, levels)
    )
    chunks = None if first.startswith("SIZE") else 1 + first.count("CAT")
    return DagPath(bytes.fromhex(root), items, chunks, bytes.fromhex(owner))


def _key(text: str | None) -> bytes | None:
    return None if text is None else bytes.fromhex(text)


def _anchor_form(rest: str) -> re.Pattern[str]:
    return re.compile(f"(?:<{_HASH}> CHECKSIGVERIFY )?" + re.escape(rest))


_READERS: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Params]], ...]] = (
    (
        re.compile(
            "((?:CAT )*)SHA256 <01551220> SWAP CAT <([0-9a-f]{72})> "
            f"EQUALVERIFY <{_HASH}> CHECKSIG"
        ),
        lambda found: CidLock(
            bytes.fromhex(found[2]), 1 + found[1].count("CAT"), bytes.fromhex(found[3])
        ),
    ),
    (
        re.compile(f"<00> SWAP CAT SHA256 ((?:{_FOLD} )*){_END}"),
        lambda found: BatchMember(
            bytes.fromhex(found[2]), found[1].count("ROT"), bytes.fromhex(found[3])
        ),
    ),
    (re.compile(_PATH + _END), _read_path),
    (
        re.compile(f"<{_HASH}> CHECKTEMPLATEVERIFY"),
        lambda found: Template(bytes.fromhex(found[1])),
    ),
    (
        re.compile(_HASH.join(map(re.escape, _T4.split("{}")))),
        lambda found: FixedOutputs(bytes.fromhex(found[1])),
    ),
    (_anchor_form(_T5), lambda found: Anchor(_key(found[1]))),
    (_anchor_form(_T6), lambda found: ChainedAnchor(_key(found[1]))),
)
