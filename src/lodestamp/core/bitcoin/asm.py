"""Scripts as text: names without `OP_`, numbers in decimal, pushes as `<hex>`.

>>> from_asm("SHA256 <01551220> SWAP CAT 3 ROLL").hex()
'a804015512207c7e537a'
>>> to_asm(bytes.fromhex("a804015512207c7e537a"))
'SHA256 <01551220> SWAP CAT 3 ROLL'
"""

from __future__ import annotations

import re
from typing import Final

from lodestamp.core.bitcoin.opcodes import Op
from lodestamp.core.bitcoin.script import (
    Script,
    iter_ops,
    num_encode,
    push,
    push_bytes,
)
from lodestamp.errors import MalformedScript

_WORD: Final = re.compile(
    r"(?P<number>0|-?[1-9][0-9]{0,9})"
    r"|(?P<form>PUSHDATA[124])?<(?P<hex>(?:[0-9a-f]{2})*)>"
    r'|"(?P<text>[!#-~]+)"'
    r"|(?:OP_)?(?P<name>[0-9A-Z]+)"
)
_NUMBER_MAX: Final = (1 << 31) - 1
_NAMES: Final = {
    op.name.removeprefix("OP_"): op for op in map(Op, range(256)) if op > Op.OP_PUSHDATA4
} | {"0": Op.OP_0}
_ALIASES: Final = {
    "NOP2": Op.OP_CHECKLOCKTIMEVERIFY,
    "NOP3": Op.OP_CHECKSEQUENCEVERIFY,
    "NOP4": Op.OP_CHECKTEMPLATEVERIFY,
    "FALSE": Op.OP_0,
    "TRUE": Op.OP_1,
}


def to_asm(script: bytes) -> str:
    """Write a script as text that `from_asm` reads back to the same bytes.

    A push longer than it need be is written ``PUSHDATA2<hex>``. MalformedScript ``cut-short``
    where the last push is cut off.
    """
    return " ".join(_word(op, pushed) for op, pushed, _ in iter_ops(script))


def _word(op: int, pushed: bytes | None) -> str:
    name = Op(op).name.removeprefix("OP_")
    if pushed is None or op == Op.OP_0:
        return name
    is_plain = push_bytes(pushed)[0] == op
    return f"<{pushed.hex()}>" if is_plain else f"{name}<{pushed.hex()}>"


def from_asm(text: str) -> Script:
    """Compile text: words apart by white space, each one of these.

    A name with or without ``OP_``; a number in decimal (0..16 and -1 are opcodes, others pushes);
    ``<hex>``, a push of these very bytes behind the shortest length; ``PUSHDATA1<hex>`` for a
    longer form of it; ``"text"``, a push of ASCII without blanks. MalformedScript ``asm`` for
    anything else, `at` the number of the word.
    """
    return Script(b"".join(_compiled(word, n) for n, word in enumerate(text.split())))


def _compiled(word: str, at: int) -> bytes:
    found = _WORD.fullmatch(word)
    if not found:
        raise _unread(word, at)
    if number := found["number"]:
        if abs(int(number)) > _NUMBER_MAX:
            raise _unread(word, at)
        return push(num_encode(int(number)))
    if (digits := found["hex"]) is not None:
        return _pushed(found["form"], bytes.fromhex(digits), word, at)
    if text := found["text"]:
        return push_bytes(text.encode("ascii"))
    op = _NAMES.get(found["name"], _ALIASES.get(found["name"]))
    if op is None:
        raise _unread(word, at)
    return bytes((op,))


def _pushed(form: str | None, item: bytes, word: str, at: int) -> bytes:
    if form is None:
        return push_bytes(item)
    width = int(form[-1])
    if len(item) >= 1 << 8 * width:
        raise _unread(word, at)
    op = Op[f"OP_{form}"]
    return bytes((op,)) + len(item).to_bytes(width, "little") + item


def _unread(word: str, at: int) -> MalformedScript:
    return MalformedScript("asm", f"{word[:40]!r} is no word of a script", at=at)
