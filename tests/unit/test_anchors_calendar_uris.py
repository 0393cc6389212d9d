"""Which calendars may be asked (transparency spec R51, R54; tamper 56)."""

from __future__ import annotations

import pytest

from lodestamp.errors import UsageError
from lodestamp.node.anchors.calendar import Whitelist, parse_own_uri, parse_uri

PUBLIC = "https://alice.btc.calendar.opentimestamps.org"


@pytest.mark.parametrize(
    "uri",
    [
        PUBLIC,
        "https://finney.calendar.eternitywall.com",
        "https://btc.calendar.catallaxy.com",
    ],
)
def test_r54_public_calendars_may_be_asked(uri):
    assert Whitelist().refusal(uri) is None
    assert Whitelist().refusal(uri + "/") is None


INTERNAL = [
    "http://127.0.0.1:8332",
    "http://localhost/",
    "http://[::1]:80",
    "https://10.0.0.7",
    "https://192.168.1.1",
    "https://169.254.169.254",
    "https://[fd00::1]",
    "https://[fe80::1]",
    "https://0.0.0.0",
    "https://2130706433",
    "https://0x7f000001",
    "https://127.1",
    "https://intranet",
    "https://box.local",
    "https://router.home.arpa",
    "https://db.internal",
    "https://a.localhost.",
]


@pytest.mark.parametrize("uri", INTERNAL)
def test_tamper_56_an_internal_host_is_refused_even_where_a_pattern_allows_all(uri):
    assert Whitelist().refusal(uri) is not None
    assert Whitelist(["http://*", "https://*", "http://*:*"]).refusal(uri) is not None


@pytest.mark.parametrize(
    "uri",
    [
        "http://alice.btc.calendar.opentimestamps.org",  # another scheme
        "https://alice.btc.calendar.opentimestamps.org/path",
        "https://alice.btc.calendar.opentimestamps.org:8443",
        "https://calendar.opentimestamps.org",
        "https://evil.example/.calendar.opentimestamps.org",
        "https://evil.example:x.calendar.opentimestamps.org",
        "https://evil.example:80:a.calendar.opentimestamps.org",
        "https://user@a.calendar.opentimestamps.org",
        "https://evil.example\\.calendar.opentimestamps.org",
        "https://evil.example?.calendar.opentimestamps.org",
        "https://evil.example#.calendar.opentimestamps.org",
        "https://evil.example;a.calendar.opentimestamps.org",
        "https://a.calendar.opentimestamps.org?x=1",
        "https://a.calendar.opentimestamps.org#x",
        "https://a.calendar.opentimestamps.org:99999",
        "https://a.calendar.opentimestamps.org\n",
        "https://A.calendar.opentimestamps.org",
        "ftp://a.calendar.opentimestamps.org",
        "file:///etc/passwd",
        "//a.calendar.opentimestamps.org",
        "",
        "https://" + "a" * 1_000 + ".calendar.opentimestamps.org",
    ],
)
def test_r54_everything_else_is_refused_with_a_reason(uri):
    assert Whitelist().refusal(uri)


def test_r54_what_was_added_by_hand_may_be_asked_on_this_machine_too():
    allowed = Whitelist(["http://127.0.0.1:14788/", "https://cal.example/ots"])
    assert allowed.refusal("http://127.0.0.1:14788") is None
    assert allowed.refusal("https://cal.example/ots") is None
    assert allowed.refusal("http://127.0.0.1:14789") is not None
    assert allowed.refusal("https://cal.example") is not None
    assert allowed.refusal("http://cal.example/ots") is not None


def test_r54_a_pattern_added_by_hand_matches_host_and_port():
    allowed = Whitelist(["https://*.cal.example:8443"])
    assert allowed.refusal("https://a.cal.example:8443") is None
    assert allowed.refusal("https://a.cal.example") is not None


@pytest.mark.parametrize(
    "named", ["calendar", "https://", "https://*@x", "gopher://*", "https://*/é"]
)
def test_what_names_no_calendar_cannot_be_added(named):
    with pytest.raises(UsageError) as refused:
        Whitelist([named])
    assert refused.value.code == "bad-calendar"


def test_a_uri_is_read_and_written():
    uri = parse_uri("https://[2001:db8::1]:8443/a/b/")
    assert (uri.host, uri.port, uri.path) == ("[2001:db8::1]", 8443, "/a/b")
    assert str(uri) == "https://[2001:db8::1]:8443/a/b"


@pytest.mark.parametrize(
    "uri", ["https://cal.example/", "https://cal.example/a", "cal.example", "https://Cal.example"]
)
def test_r51_our_own_uri_has_no_path_and_no_slash(uri):
    with pytest.raises(UsageError):
        parse_own_uri(uri)
    assert parse_own_uri("https://cal.example") == "https://cal.example"
