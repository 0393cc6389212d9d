"""What `config.toml` and the keyring hold of witnesses: closed, checked, and never shown."""

from __future__ import annotations

import json

import pytest

from lodestamp.core.keys import Mldsa44Key, SigningKey
from lodestamp.core.transparency import Cosigner, NoteSigner
from lodestamp.errors import HomeError
from lodestamp.node.configuration import WITNESS_KEYS_MAX, parse_configuration
from lodestamp.node.keyring import Keyring, load_note_key, make_key, make_note_key

VKEYS = [
    Cosigner(f"w{i}", SigningKey.from_seed("ed25519", bytes([i]) * 32)).verifier_key
    for i in range(WITNESS_KEYS_MAX + 1)
]
LOG_KEY = NoteSigner("log", SigningKey.from_seed("ed25519", bytes(32))).verifier_key


def table(*keys, url="https://w.example/witness"):
    return f'[witnesses]\n"{url}" = [{", ".join(json.dumps(str(key)) for key in keys)}]\n'


def test_the_settings_of_witnesses_are_read():
    said = parse_configuration(
        "config.toml",
        (
            'pq = true\nwitness = "witness.example/w1"\nwitness_timeout_s = 3\n' + table(*VKEYS[:2])
        ).encode(),
    )
    assert (said.pq, said.witness, said.witness_timeout_s) == (True, "witness.example/w1", 3)
    assert said.witnesses == {"https://w.example/witness": tuple(VKEYS[:2])}
    silent = parse_configuration("config.toml", b"")
    assert (silent.pq, silent.witness, silent.witness_timeout_s) == (False, None, 1)
    assert silent.witnesses == {}


@pytest.mark.parametrize(
    "text",
    [
        "pq = 1",
        'pq = "true"',
        'witness = "two words"',
        'witness = "a+b"',
        "witness = 1",
        "witness_timeout_s = 0",
        "witness_timeout_s = 61",
        "witness_timeout_s = 1.5",
        "witness_timeout_s = true",
        "witnesses = []",
        table(),
        table("w"),
        table(1),
        table(LOG_KEY),
        table(VKEYS[0], VKEYS[0]),
        table(VKEYS[0], url="ftp://w.example"),
        table(*VKEYS),
        '[witnesses]\n"https://w.example" = "' + str(VKEYS[0]) + '"',
    ],
)
def test_settings_of_another_kind_are_refused(text):
    with pytest.raises(HomeError) as refused:
        parse_configuration("config.toml", text.encode())
    assert refused.value.code == "config"


def test_a_key_of_notes_is_kept_whole_and_is_no_author(tmp_path):
    key = make_note_key(tmp_path, "log-pq")
    assert make_note_key(tmp_path, "log-pq").public == key.public
    assert load_note_key(tmp_path, "log-pq").key_id == key.key_id
    path = tmp_path / "log-pq.key"
    assert path.stat().st_mode & 0o777 == 0o600
    make_key(tmp_path, "witness")
    author = make_key(tmp_path, "author")
    assert Keyring(tmp_path).key_ids() == [author.key_id]
    document = json.loads(path.read_text())
    for change in (
        {"suite": "ed25519"},
        {"seed": "AAAA"},
        {"seed": 5},
        {"key_id": Mldsa44Key.from_seed(bytes(32)).key_id},
        {"key_id": "mldsa44:x"},
        {"key_id": 5},
    ):
        path.write_text(json.dumps(document | change))
        with pytest.raises(HomeError) as refused:
            load_note_key(tmp_path, "log-pq")
        assert refused.value.code == "key-damaged", change
    path.chmod(0o644)
    with pytest.raises(HomeError) as refused:
        load_note_key(tmp_path, "log-pq")
    assert refused.value.code == "key-permissions"
