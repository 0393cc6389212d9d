"""`lodestamp flow` on the simulator, as a person types it."""

from __future__ import annotations

import json

from homes import assert_clean
from lodestamp.faces.cli.program import run


def told(capsys, *arguments):
    code = run([*arguments, "--json"])
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_file_flows_to_a_block_and_is_listed_shown_and_audited(tmp_path, capsys):
    home, path = str(tmp_path / "home"), tmp_path / "file"
    path.write_bytes(b"content of a file")
    base = ("--home", home, "flow")
    code, (result,) = told(
        capsys, *base, "run", "content_addressing_with_covenant", str(path), "--meta", "who=me"
    )
    assert code == 0, result
    assert set(result) == {
        "success", "workflow_id", "packet_id", "pattern_name", "result", "error"
    }  # fmt: skip
    packet_id = result["packet_id"]
    code, (listed,) = told(capsys, *base, "list", "--state", "completed")
    assert (code, listed["packet_id"], listed["finished"]) == (0, packet_id, True)
    code, (shown,) = told(capsys, *base, "show", packet_id, "--events")
    assert shown["packet"]["metadata"]["who"] == "me"
    assert shown["events"][-1]["detail"]["what"] == "concluded"
    assert told(capsys, *base, "resume", "--all") == (0, [])
    code, (again,) = told(capsys, *base, "resume", packet_id)
    assert (code, again["success"]) == (0, True)
    assert_clean(tmp_path / "home")


def test_refusals_have_their_types(tmp_path, capsys):
    home, path = str(tmp_path / "home"), tmp_path / "file"
    path.write_bytes(b"x")
    code, (refused,) = told(capsys, "--home", home, "flow", "run", "nothing", str(path))
    assert (code, refused["error"]["type"]) == (1, "PatternNotFound")
    code, (refused,) = told(capsys, "--home", home, "flow", "show", "0" * 32)
    assert (code, refused["error"]["type"]) == (1, "PacketNotFound")
    code, (refused,) = told(capsys, "--home", home, "flow", "resume")
    assert (code, refused["error"]["type"]) == (64, "UsageError")
