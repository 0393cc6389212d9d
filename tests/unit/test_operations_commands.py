from __future__ import annotations

import pytest

from lodestamp.core.operations import (
    NEEDED_COMMANDS,
    command_covers,
    command_of,
    is_command,
    scope_of,
)
from lodestamp.errors import UsageError

ALL = {command for needed in NEEDED_COMMANDS.values() for command in needed}


@pytest.mark.parametrize("command", sorted(ALL | {"/a/b/c/d", "/proof/read", "/x" + "-" * 31}))
def test_a_command_is_an_oauth_scope_and_back(command):
    assert is_command(command)
    assert command_of(scope_of(command)) == command


@pytest.mark.parametrize("scope", ["", "a/b", "a:", ":a", "a::b", "A", "a b", "a:b:c:d:e", "a\n"])
def test_no_other_word_is_a_scope(scope):
    with pytest.raises(UsageError) as refusal:
        command_of(scope)
    assert refusal.value.code == "bad-scope"


@pytest.mark.parametrize("command", ["", "a", "/", "/a/", "//a", "/1", "/a b", "/a:b", None, 1])
def test_no_other_text_is_a_command(command):
    assert not is_command(command)
    with pytest.raises(UsageError) as refusal:
        scope_of(command)
    assert refusal.value.code == "bad-command"


def test_a_command_covers_itself_and_what_is_below_it():
    assert command_covers("/claim", "/claim")
    assert command_covers("/claim", "/claim/create/now")
    assert not command_covers("/claim/create", "/claim")
    assert not command_covers("/claim", "/claims")
