"""All 256 opcodes have a name."""

import pytest

from lodestamp.core.bitcoin import OP_SUCCESSES, Op


def test_every_byte_is_an_opcode_with_a_name_of_its_own():
    names = [Op(n).name for n in range(256)]
    assert len(set(names)) == 256
    assert (names[0x4B], names[0x7E], names[0xB3]) == (
        "OP_PUSHBYTES_75", "OP_CAT", "OP_CHECKTEMPLATEVERIFY"
    )  # fmt: skip
    for outside in (-1, 256):
        with pytest.raises(ValueError, match="is not a valid Op"):
            Op(outside)


def test_success_opcodes_are_those_of_bip342():
    assert len(OP_SUCCESSES) == 87
    assert {80, 98, 126, 129, 131, 134, 137, 138, 141, 142, 149, 153, 187, 254} <= OP_SUCCESSES
    assert not {97, 130, 135, 139, 148, 154, 186, 255} & OP_SUCCESSES
