"""The simulator: a regtest chain without a node, and the `ChainSource` over it."""

from lodestamp.node.chains.simulator.session import DEPLOYMENTS, Session
from lodestamp.node.chains.simulator.simulator import MINE_MAX, Simulator
from lodestamp.node.chains.simulator.source import SimulatedChain

__all__ = ["DEPLOYMENTS", "MINE_MAX", "Session", "SimulatedChain", "Simulator"]
