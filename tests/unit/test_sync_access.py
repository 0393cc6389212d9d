"""Who may ask: fresh, new, entitled."""

from __future__ import annotations

import pytest

from lodestamp.core.encoding import address_of
from lodestamp.core.keys import SigningKey
from lodestamp.errors import AccessError
from lodestamp.node.sync import Access, Asked, parse_request, sign_request
from lodestamp.node.sync import access as module

ROOT = SigningKey.from_seed("ed25519", b"r" * 32)
OTHER = SigningKey.from_seed("ed25519", b"o" * 32)
NOW = 1_790_000_000_000


class Clock:
    now = NOW

    def __call__(self) -> int:
        return self.now


def request(key=ROOT, *, ts=NOW, nonce=0, cap=None):
    asked = Asked("GET", "h:1", "/", address_of(b""))
    return parse_request(sign_request(key, asked, ts=ts, nonce=bytes([nonce] * 16), cap=cap))


def access(clock=None, may_act=lambda *_: False):
    return Access({ROOT.key_id}.__contains__, clock=clock or Clock(), may_act=may_act)


def test_a_nonce_is_remembered_as_long_as_it_could_pass():
    clock = Clock()
    door = access(clock)
    door.admit(request(ts=NOW + 60_000))
    for later in (119_999, 120_000):
        clock.now = NOW + later
        with pytest.raises(AccessError) as caught:
            door.admit(request(ts=NOW + 60_000))
        assert caught.value.code == "replayed-request"
    clock.now = NOW + 120_001
    with pytest.raises(AccessError) as caught:
        door.admit(request(ts=NOW + 60_000))
    assert caught.value.code == "stale-request"


def test_the_memory_is_bounded_and_closed_when_full(monkeypatch):
    monkeypatch.setattr(module, "NONCES_MAX", 2)
    clock = Clock()
    door = access(clock)
    door.admit(request(nonce=1))
    door.admit(request(nonce=2))
    with pytest.raises(AccessError) as caught:
        door.admit(request(nonce=3))
    assert caught.value.code == "busy"
    clock.now += 120_001
    door.admit(request(nonce=3, ts=clock.now))


def test_a_root_may_and_a_stranger_needs_a_grant_of_the_command():
    asked = []

    def may_act(key_id, command, cap, at):
        asked.append((key_id, command, cap, at))
        return cap == address_of(b"good")

    door = access(may_act=may_act)
    door.require_owner(request())
    for cap in (None, address_of(b"bad")):
        with pytest.raises(AccessError) as caught:
            door.require_owner(request(OTHER, cap=cap))
        assert caught.value.code == "forbidden"
    door.require_owner(request(OTHER, cap=address_of(b"good")))
    assert asked[-1] == (OTHER.key_id, "/sync", address_of(b"good"), NOW // 1000)
