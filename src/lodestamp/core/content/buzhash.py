"""The buzhash chunker: cuts where a rolling hash of 32 bytes ends in zeros (content spec R31).

A byte inserted near the start moves the cuts around it and leaves the later ones in place.
Experimental (R33), and slow: every byte passes through Python.

>>> [len(chunk) for chunk in Buzhash().cut([bytes(200_000)])]
[131072, 68928]
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from lodestamp.core.content.pieces import flat

_SIZE_LEAST: Final = 131_072
_SIZE_MOST: Final = 524_288
_WINDOW: Final = 32
_CUT_MASK: Final = (1 << 17) - 1
_WORD: Final = (1 << 32) - 1
_TABLE_HEX: Final = (
    "6236e7d510279b0b72818182dc5265142fd41e3d777ef8c883ee52852c8f36372f049c1a57df9791"
    "9207151f9b54481874eef6582028ca600271d91a27ae587eecf9fa5f236e71cdf43a8a2e0bb13380"
    "9e57912c89a26cdb9fcf3d71a86da6f19c49f376346aecc7f094a9eeea99e9cbb01713c6088acffb"
    "2960a0fb344a626c7ff22a466d7a1aa56a71491641d454ca8325b8300b65f563447feccaf9d0ea5e"
    "c1d9d3d4cb5ec57455aae90286edc0e70d3a9e33e70dc1e1e3c5f6399b43140ac6490ac55e4030fb"
    "8e976dd5a87468eaf830ef6fcc1ed5a5611f4e78ddd11905f2613904566c67b9905a5ccc7b37b3a4"
    "4b53898a6b8fd29daad81575511be4143cfac1e78029a179d40efeda07380e02dc9beffd2d049082"
    "99bc7831ff5002a821ce764601cd049b0f43994fc3c6c5a5bbda5f500ec15ec79adb19b60c1e80b9"
    "b9b52968ae1624192542b40591a42e9d6be0f6686ed7a6b9bc2777b4e162ce564266aad560fdb704"
    "66f832a59595f6cafee83ced55228d9912bf0e28668964590789afda0282baa82367a343591491b0"
    "2ff1a4b1410739b69b7055a02e0eb22924fc82523327d3dfb07826691c62e0697f503101f50593ae"
    "d9eb275de00eb6785917ccde97b9660add06202ded229e22a9c735bfd6316fe66fc72e4c0206dfa2"
    "d6b15c5a69d87b4909c9774513445d6135a975aa859aa9b965380013d1fb6391c29255fd784a3b91"
    "b9e74c2663ce4d40c07cbe9ee6e4529e0fb3632f9438d9c9682f94a8f8fd4611257ec1ed475ce3d6"
    "60ee2db12afab0022b9e487886b340de1482fdcafe41b3bfd4a412b0e09db98cc1af5d537e55e25f"
    "d3346b38b7a12cbd9c6827ba71f78bee8c3a0f52150491b0f26de912233e3a4ed309ebbaa0a9e0ff"
    "ca2b5921eeb9893c33829e889870cc2a23c4b9d0eba32ea3bdac4d223bc8c44c1e8d0397f9327735"
    "783b009f0eb837422621dc71ed017d035c760aa15a69814b96e3047fa93c9cde615c86f5b4322aa5"
    "4225534d0d2e2de3ccfccc4b0bac2a57f0a06d04bc78d737f2d1f766f5a7953cbcdfda855213b7d5"
    "bce8a328d38f5f18db094244fe571253317fa7ee4a324f433ffc39d951b3fa8e7a4bee9f78bbc682"
    "9f5c035002fe286c245ab686ed6bf7d70ac4988a3fe010fac65fe369a45749cb2b84e537de9ff363"
    "20540f9aaa8c9b345bc476b31d574bd7929100ad4721de4d27df1b0558b18546b7e76764df904e58"
    "97af57a1bd4dc433a6256dfdf63998f3f1e05833e20acf26f57fd9d690300b4d89df429068d01cbc"
    "cf893ee3cc42a046778e181b67265c76e981a4c482991da1708f7294e6e2ae62fc44187095e1b0b6"
    "0445f8255a93b47f5e9cf4be84da71e79d9582b09bf835ef591f61e2433259855d2de32e8d8fbf0f"
    "95b30f3807ad5b6e4e934edf3cd4990e9053e2595c41857d"
)
_TABLE: Final = tuple(int(_TABLE_HEX[at : at + 8], 16) for at in range(0, len(_TABLE_HEX), 8))
"""One random word per byte value, as ipfs/boxo has them (MIT or Apache-2.0)."""


@dataclass(frozen=True, slots=True)
class Buzhash:
    """Chunks of 131,072 to 524,288 bytes; only the last may be shorter."""

    size: ClassVar[int] = _SIZE_LEAST
    """The fewest bytes of any chunk but the last."""

    def cut(self, pieces: Iterable[bytes | memoryview]) -> Iterator[memoryview]:
        """Yield the chunks of the joined pieces, as copies; no bytes, no chunk."""
        held = bytearray()
        for piece in pieces:
            held += flat(piece)
            while len(held) >= _SIZE_MOST:
                end = _first_cut(held)
                yield memoryview(bytes(held[:end]))
                del held[:end]
        while held:
            end = _first_cut(held)
            yield memoryview(bytes(held[:end]))
            del held[:end]

    def __str__(self) -> str:
        return "buzhash"


def _first_cut(held: bytearray) -> int:
    """Return where the first chunk ends."""
    if len(held) < _SIZE_LEAST:
        return len(held)
    view = bytes(held[_SIZE_LEAST - _WINDOW : _SIZE_MOST])
    state = 0
    for byte in view[:_WINDOW]:
        state = (state << 1 & _WORD | state >> 31) ^ _TABLE[byte]
    # The last window that is tried ends one byte before the end of what is in view.
    for at in range(len(view) - _WINDOW):
        if not state & _CUT_MASK:
            return _SIZE_LEAST + at
        rolled = state << 1 & _WORD | state >> 31
        state = rolled ^ _TABLE[view[at]] ^ _TABLE[view[at + _WINDOW]]
    return _SIZE_LEAST + len(view) - _WINDOW
