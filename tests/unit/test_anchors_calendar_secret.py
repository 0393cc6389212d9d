"""The calendar's secret: 32 bytes, mode 0600 (transparency spec R48)."""

import pytest

from lodestamp.errors import HomeError
from lodestamp.node.anchors import load_secret


def test_r48_it_is_made_once_and_kept_to_its_owner(tmp_path):
    secret = load_secret(tmp_path)
    path = tmp_path / "hmac-key"
    assert path.read_bytes() == secret
    assert len(secret) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_secret(tmp_path) == secret


@pytest.mark.parametrize("size", [0, 31, 33])
def test_another_length_is_refused(tmp_path, size):
    path = tmp_path / "hmac-key"
    path.write_bytes(bytes(size))
    path.chmod(0o600)
    with pytest.raises(HomeError) as refused:
        load_secret(tmp_path)
    assert refused.value.code == "key-damaged"


def test_one_that_others_may_read_is_refused(tmp_path):
    load_secret(tmp_path)
    (tmp_path / "hmac-key").chmod(0o640)
    with pytest.raises(HomeError) as refused:
        load_secret(tmp_path)
    assert refused.value.code == "key-open"


def test_a_folder_that_is_absent_is_named(tmp_path):
    with pytest.raises(HomeError) as refused:
        load_secret(tmp_path / "absent")
    assert refused.value.code == "no-rights"
