"""From a configured URL to a `ChainSource` (bitcoin spec §5)."""

from __future__ import annotations

import re
import ssl
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from lodestamp.core.bitcoin import NetworkParams, network_named
from lodestamp.errors import ChainAuthError, StoreError, UsageError
from lodestamp.node.chains.bitcoind import Bitcoind
from lodestamp.node.chains.blk import BlkFolder
from lodestamp.node.chains.blk_files import XOR_KEY_SIZE
from lodestamp.node.chains.btcd import Btcd
from lodestamp.node.chains.rpc import (
    Credentials,
    RpcClient,
    cookie_credentials,
    is_readable_by_others,
)
from lodestamp.node.chains.simulator import SimulatedChain, Simulator
from lodestamp.node.chains.source import ChainSource

MINER_SCRIPT: Final = bytes.fromhex(
    "00204ae81572f06e1b88fd5ced7a1a000945432e83e1551e6f721ee9c00b8cc33260"
)
"""Where the simulator's blocks pay when nobody says: P2WSH of OP_TRUE, so anyone can spend it."""

_FORMS: Final = "sim:, sim:///FILE, bitcoind://HOST:PORT?…, btcd://HOST:PORT?…, blk:///DIR?…"
_Node = TypeVar("_Node", Bitcoind, Btcd)
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_QUERIES: Final = {
    "sim": frozenset[str](),
    "blk": frozenset({"network", "xor"}),
    "bitcoind": frozenset({"cookie", "network"}),
    "btcd": frozenset({"cert", "network", "notls"}),
}


def open_source(
    url: str,
    *,
    folder: Path | None = None,
    clock: Callable[[], int] = lambda: int(time.time()),
    miner_script: bytes = MINER_SCRIPT,
    warn: Callable[[str], None] = warnings.warn,
) -> ChainSource:
    """Open the chain that a URL names, and check that it is of the network it should be.

    `folder` holds the simulator's file for a bare ``sim:``; without one it lives in memory. `warn`
    is told of a cookie file that others may read: whoever does commands the node.
    UsageError for a URL outside the forms; WrongNetwork, ChainUnavailable and ChainAuthError as the
    node answers; the errors of `BlkFolder` for ``blk:``, whose every header is read here.
    """
    try:
        parts = urlsplit(url)
        query = parse_qs(parts.query, strict_parsing=True) if parts.query else {}
        port = parts.port
    except ValueError:  # its own words could quote a password
        raise UsageError("the chain's URL is none", hint=f"one of {_FORMS}") from None
    allowed = _QUERIES.get(parts.scheme)
    if allowed is None or parts.fragment or set(query) - allowed:
        raise UsageError("the chain's URL has no known form", hint=f"one of {_FORMS}")
    options = {name: values[-1] for name, values in query.items()}
    if parts.scheme == "sim":
        path = _simulator_file(parts, folder)
        return SimulatedChain(Simulator.open(path, clock, miner_script))
    if parts.scheme == "blk":
        return _open_blk(parts, options)
    if not parts.hostname or port is None:
        raise UsageError("a node is named by HOST:PORT", hint=f"one of {_FORMS}")
    net = network_named(options.get("network", "main"))
    cookie = options.get("cookie")
    if cookie is not None and is_readable_by_others(Path(cookie)):
        warn(f"others may read the cookie file {cookie}: chmod 600 it, and restart the node")
    open_node = _open_bitcoind if parts.scheme == "bitcoind" else _open_btcd
    return open_node(parts, options, net)


def _simulator_file(parts: SplitResult, folder: Path | None) -> Path | None:
    if parts.netloc:
        raise UsageError("a file is named with three slashes: sim:///FILE")
    path = Path(unquote(parts.path)) if parts.path else None
    if path is None and folder is not None:
        path = folder / "regtest.db"
    if path is not None:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{path.parent}: {error.strerror}", code="io") from error
    return path


def _open_blk(parts: SplitResult, options: dict[str, str]) -> BlkFolder:
    if parts.netloc or not parts.path:
        raise UsageError("a folder is named with three slashes: blk:///DIR?network=main")
    text = options.get("xor")
    if text is not None and re.fullmatch(f"[0-9a-f]{{{2 * XOR_KEY_SIZE}}}", text) is None:
        raise UsageError(f"xor= takes the {XOR_KEY_SIZE} bytes of xor.dat in lower-case hex")
    key = None if text is None else bytes.fromhex(text)
    net = network_named(options.get("network", "main"))
    return BlkFolder(Path(unquote(parts.path)), net, key)


def _open_bitcoind(parts: SplitResult, options: dict[str, str], net: NetworkParams) -> Bitcoind:
    if "cookie" in options and parts.username is not None:
        raise UsageError("either a cookie or a user, not both")
    credentials = (
        cookie_credentials(Path(options["cookie"]))
        if "cookie" in options
        else _named_credentials(parts)
    )
    rpc = RpcClient(f"http://{_place(parts)}/", credentials)
    return _checked(Bitcoind(rpc, net))


def _open_btcd(parts: SplitResult, options: dict[str, str], net: NetworkParams) -> Btcd:
    credentials = _named_credentials(parts)
    if options.get("notls") == "1":
        if parts.hostname not in _LOOPBACK:
            raise UsageError("without TLS a password goes to loopback only")
        return _checked(Btcd(RpcClient(f"http://{_place(parts)}/", credentials), net))
    if "cert" not in options:
        raise UsageError("btcd's own certificate is named by cert=PATH")
    try:
        pinned = ssl.create_default_context(cafile=options["cert"])
    except (OSError, ssl.SSLError) as error:
        raise ChainAuthError(f"{options['cert']} is no certificate") from error
    rpc = RpcClient(f"https://{_place(parts)}/", credentials, verify=pinned)
    return _checked(Btcd(rpc, net))


def _checked(node: _Node) -> _Node:
    try:
        node.require_network()
    except BaseException:
        node.close()
        raise
    return node


def _named_credentials(parts: SplitResult) -> Credentials:
    if not parts.username or parts.password is None:
        raise UsageError("a node wants a user and a password, or bitcoind a cookie=PATH")
    user, password = unquote(parts.username), unquote(parts.password)
    return lambda: (user, password)


def _place(parts: SplitResult) -> str:
    host = parts.hostname or ""
    return f"[{host}]:{parts.port}" if ":" in host else f"{host}:{parts.port}"
