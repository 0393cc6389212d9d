"""A home with a simulator and a work, and people with keys who write about it."""

from __future__ import annotations

import hashlib
import json

from lodestamp.faces.cli.program import run

SONG = b"A song of a few bytes, and one more.\n" * 3
SHA1 = hashlib.sha1(SONG, usedforsecurity=False).hexdigest()


class Town:
    """A home whose verbs are run, and people who have a key file and coins each."""

    def __init__(self, folder, capsys):
        self.folder = folder
        self.capsys = capsys
        self.home = folder / "home"
        self.song = folder / "song.txt"
        self.song.write_bytes(SONG)

    def __call__(self, *arguments, code=0):
        """Run a verb; return what it printed."""
        self.capsys.readouterr()
        found = run(["--home", str(self.home), *map(str, arguments)])
        told = self.capsys.readouterr()
        self.said = told.err
        assert found == code, told.out + told.err
        return told.out

    def own(self, *arguments, code=0):
        """Run a verb of ownership; return the JSON object that it printed."""
        return json.loads(self("ownership", *arguments, "--json", code=code))

    def key(self, name):
        """The key file of somebody."""
        return self.folder / f"{name}.wif"

    def settle(self, *names):
        """Give everybody a key and coins; return their addresses."""
        addresses = []
        for name in names:
            made = json.loads(self("bitcoin", "key", "new", "--file", self.key(name), "--json"))
            self("bitcoin", "mine", 3, "--to", made["address"])
            addresses.append(made["address"])
        self("bitcoin", "mine", 100)
        self.own("scan")
        return addresses

    def mine(self):
        """Mine what waits, and scan it."""
        self("bitcoin", "mine", 1)
        return self.own("scan")

    def write(self, *arguments, by="ada"):
        """Write something, mine and scan it; return what was told of it."""
        told = self.own(*arguments, "--key-file", self.key(by), "--broadcast")
        assert told["sent"]
        self.mine()
        return told
