"""What this node serves over HTTP."""

from lodestamp.faces.http.simulator import SimulatorServer

__all__ = ["SimulatorServer"]
