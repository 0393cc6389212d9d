"""Foreign text on a terminal: file names, statements and origins may hold anything."""

from __future__ import annotations

import re
import sys


def plain(text: object) -> str:
    r"""Return text in which nothing can steer a terminal or fail to be written.

    Control and direction characters, and bytes of a file name that are no UTF-8, become escapes.

    >>> plain("a\x1b[31m\u202eb\udcff")
    'a\\u001b[31m\\u202eb\\udcff'
    """
    return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in str(text))


def brief(text: object, length_max: int = 240) -> str:
    """Return foreign text for one line of a verdict: plain, single-spaced, and cut when long.

    Padding and length could push the real verdict off the screen and paint another.
    """
    short = re.sub(r" {2,}", " ", plain(text))
    return short if len(short) <= length_max else f"{short[:length_max]}…"


def say(text: str) -> None:
    """Print lines on standard output at once, also into a pipe; each line is made plain."""
    sys.stdout.write("".join(f"{plain(line)}\n" for line in text.split("\n")))
    sys.stdout.flush()
