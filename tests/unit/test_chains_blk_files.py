"""XOR by the absolute offset, whichever way it is computed (ownership R40)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blk_writer import obfuscated
from lodestamp.node.chains import blk_files


@pytest.mark.parametrize("has_numpy", [True, False])
@given(
    data=st.binary(max_size=60),
    offset=st.integers(0, 1 << 27),
    key=st.binary(min_size=8, max_size=8),
)
def test_r40_bytes_are_unmasked_by_their_offset_in_the_file(has_numpy, data, offset, key):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blk_files, "_HAS_NUMPY", has_numpy)
        assert blk_files.unmasked(data, offset, key) == obfuscated(data, key, offset)
        assert blk_files.unmasked(data, offset, b"") == data
