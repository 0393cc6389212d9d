"""The graph's bulk sweep over numpy and scipy, where the extra ``accel`` is installed.

What becomes invalid below some operations is what can be reached from them, so the walk is scipy's
breadth-first search in C, and counting the invalid sources of each operation is one pass over the
edges. It gives exactly what the plain sweep gives.
"""

from __future__ import annotations

from array import array
from importlib.util import find_spec
from typing import TYPE_CHECKING

from lodestamp.core.operations import Sweep, sweep

if TYPE_CHECKING:
    import numpy as np


def best_sweep() -> Sweep:
    """Return the quickest sweep that this installation has."""
    installed = find_spec("numpy") is not None and find_spec("scipy") is not None
    return accelerated_sweep if installed else sweep


def accelerated_sweep(
    seeds: array[int], offsets: array[int], edges: array[int], bad: array[int], fallen: bytearray
) -> None:
    """Do what `Sweep` says; importing scipy the first time costs some tenths of a second."""
    import numpy as np  # noqa: PLC0415  an extra, and slow to import

    if not edges:
        return
    counters = np.frombuffer(bad, dtype=np.uint32)
    starts, children = (np.frombuffer(each, dtype=np.int32) for each in (offsets, edges))
    roots = np.frombuffer(seeds, dtype=np.int32)
    below = _below(roots, starts, children)
    newly = below[counters[below] == 0]
    np.frombuffer(fallen, dtype=np.uint8)[newly] = 255
    pushing = np.zeros(len(starts) - 1, dtype=bool)
    pushing[roots] = True
    pushing[newly] = True
    struck = children[np.repeat(pushing, np.diff(starts))]
    counters += np.bincount(struck, minlength=len(counters)).astype(np.uint32)


def _below(roots: np.ndarray, starts: np.ndarray, children: np.ndarray) -> np.ndarray:
    """Return every operation that can be reached from the roots, the roots included."""
    import numpy as np  # noqa: PLC0415
    from scipy.sparse import csr_matrix  # noqa: PLC0415
    from scipy.sparse.csgraph import breadth_first_order  # noqa: PLC0415

    size = len(starts) - 1
    edges = np.concatenate([children, roots])  # one more operation, from which all roots hang
    bounds = np.append(starts, np.int32(len(edges)))
    matrix = csr_matrix((np.ones(len(edges)), edges, bounds), shape=(size + 1, size + 1))
    order: np.ndarray = breadth_first_order(matrix, size, return_predecessors=False)
    return order[1:]
