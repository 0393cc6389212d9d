"""The HTTP face: one application out of named mounts, one listener for all of them.

A mount is a name and the routes it gives to a node. A new one is a line in `MOUNTS`.

>>> from lodestamp.faces.http import MOUNTS
>>> 'ops' in MOUNTS
True
"""

from lodestamp.faces.http.application import Mount, make_application
from lodestamp.faces.http.calendar import calendar_application, serve_calendar
from lodestamp.faces.http.listening import Address, Listener, parse_address
from lodestamp.faces.http.mounts import MOUNTS, choose_mounts
from lodestamp.faces.http.rpc import RpcServer
from lodestamp.faces.http.simulator import SimulatorServer

__all__ = [
    "MOUNTS",
    "Address",
    "Listener",
    "Mount",
    "RpcServer",
    "SimulatorServer",
    "calendar_application",
    "choose_mounts",
    "make_application",
    "parse_address",
    "serve_calendar",
]
