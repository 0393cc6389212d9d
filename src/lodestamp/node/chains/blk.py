"""A chain read from the block files of a node, without the node (ownership R40)."""

from __future__ import annotations

from array import array
from pathlib import Path
from threading import RLock
from typing import Final

from lodestamp.core.bitcoin import NetworkParams
from lodestamp.errors import BadHeader, ChainNotFound
from lodestamp.node.chains.blk_files import BlkFiles, Record, inconsistent
from lodestamp.node.chains.header_tree import GENESIS_PLACE
from lodestamp.node.chains.stored import StoredChain

_FILES_LEFT_OPEN: Final = 2
"""The last files, in which more may come to lie: Core may have two in hand."""


class BlkFolder(StoredChain):
    """The blocks of a ``blocks`` folder, in which they lie in any order, stale ones among them.

    Opening it reads every header (the first pass); blocks are then read as they are asked for. It
    holds some 320 bytes a block in memory, and no block. Blocks that a running node appends are
    seen when the tip is asked for. `key` stands for ``xor.dat``.

    ChainNotFound for a folder without such files or one that was pruned, WrongNetwork for another
    network's, ChainRpcError where the files contradict their format or a header lacks its work.
    """

    backend = "a folder of blk*.dat files"

    def __init__(self, folder: Path, net: NetworkParams, key: bytes | None = None) -> None:
        super().__init__(net, {})
        self._files = BlkFiles(folder, net.magic, key)
        self._reading = RLock()
        self._ends: dict[int, int] = {}
        self._spots = (array("q", (-1,)), array("q", (-1,)), array("q", (-1,)))
        try:
            self._look_again()
            self._require_a_beginning()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the files."""
        with self._reading:
            self._files.close()

    def _look_again(self) -> None:
        with self._reading:
            numbers = self._files.numbers()
            known = sorted(self._ends)[-_FILES_LEFT_OPEN:]
            for file in numbers:
                if file in known or file not in self._ends:
                    self._take_in(file)

    def _take_in(self, file: int) -> None:
        self._ends.setdefault(file, 0)
        for record in self._files.records(file, self._ends[file]):
            self._place_record(record)
            self._ends[file] = record.offset + record.size

    def _place_record(self, record: Record) -> None:
        if record.header == self._net.genesis:
            return
        spots = (record.file, record.offset, record.size)
        is_new = self._tree.place_of(record.header.hash) is None
        try:
            self._tree.add(record.header)
        except BadHeader as error:
            path = self._files.folder / f"blk{record.file:05}.dat"
            raise inconsistent(path, record.offset, error.message) from error
        if is_new:
            for column, spot in zip(self._spots, spots, strict=True):
                column.append(spot)

    def _require_a_beginning(self) -> None:
        if not self._ends:
            raise ChainNotFound(f"{self._files.folder} holds no blk*.dat file")
        if len(self._tree) > 1 and self._tree.tip()[0] == GENESIS_PLACE:
            message = f"no block in {self._files.folder} follows the genesis block"
            raise ChainNotFound(message, hint="a pruned node has thrown the first blocks away")

    def _read(self, place: int) -> bytes:
        file, offset, size = (column[place] for column in self._spots)
        with self._reading:
            return self._files.read(file, offset, size)
