"""Contact with the targets: which sockets of this process moved bytes (see goldenpath_witness).

Source: tcp(7) TCP_INFO; linux/tcp.h `struct tcp_info`; PEP 578 (audit hooks).
"""

# ruff: noqa: PTH116, PTH208

from __future__ import annotations

import functools
import importlib.util
import ipaddress
import os
import socket
import struct
import sys
import threading
import warnings
from typing import Any, Callable, Iterable  # noqa: UP035

LINUX = sys.platform.startswith("linux")
LOOPBACK = "loopback"
HERE = ("127.0.0.1", "::1")
plain_socket: Any = socket.socket.__mro__[1]  # _socket.socket: no close() of ours on the way


@functools.lru_cache(maxsize=1024)
def plain_host(host: object) -> str:
    """One spelling for one address.

    `localhost`, 127.0.0.1, ::1 and "any address" are one place. The rest of 127.0.0.0/8 is not: a
    mock may listen there on the target's port.
    """
    text = str(host).strip("[]").split("%")[0].lower().rstrip(".")
    try:
        address: Any = ipaddress.ip_address(text)
    except ValueError:
        return LOOPBACK if text == "localhost" or text.endswith(".localhost") else text
    address = getattr(address, "ipv4_mapped", None) or address
    return LOOPBACK if str(address) in HERE or address.is_unspecified else str(address)


class Targets:
    """The addresses that count as contact: names as written, and all that they resolve to."""

    def __init__(self, text: str, getaddrinfo: Callable[..., Any] = socket.getaddrinfo) -> None:
        pairs = [part.rpartition(":") for part in text.split(",") if part]
        self.names = {(plain_host(host), int(port)) for host, _, port in pairs}
        self.addresses = set(self.names)
        for host, port in self.names:
            if host != LOOPBACK:
                self._resolve(host, port, getaddrinfo)

    def _resolve(self, host: str, port: int, getaddrinfo: Callable[..., Any]) -> None:
        try:
            answers = getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError:
            return  # it may resolve later; see `heard`
        self.addresses.update((plain_host(answer[4][0]), port) for answer in answers)

    def heard(self, host: object, answers: Iterable[Any]) -> None:
        """The process looked a name up: a target whose addresses rotate stays known."""
        name = plain_host(host) if isinstance(host, str) else ""
        for target, port in self.names:
            if target == name:
                self.addresses.update((plain_host(answer[4][0]), port) for answer in answers)

    def has(self, address: Any) -> bool:
        """Whether a socket address (host, port, …) is a target's."""
        if not isinstance(address, tuple) or len(address) < 2:
            return False
        return (plain_host(address[0]), address[1]) in self.addresses


class Counter:
    """Bytes of one socket so far: sent, received, and whether it was ever established."""

    __slots__ = ("established", "received", "sent")

    def __init__(self, sent: int = 0, received: int = 0, established: bool = False) -> None:
        self.sent, self.received, self.established = sent, received, established


_RECEIVED_FIN = (8, 9, 11)  # CLOSE_WAIT, LAST_ACK, CLOSING: a FIN counts as one byte


def tcp_counter(sock: Any) -> Counter:
    """Read the kernel's counters of one socket.

    `bytes_acked` counts the SYN, so 0 means that the connection was never established.
    """
    raw = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    acked, received = struct.unpack_from("=QQ", raw, 120)
    sent = max(acked - 1, 0)
    if len(raw) >= 216:  # since Linux 4.19
        total, again = struct.unpack_from("=QQ", raw, 200)
        sent = total - again
    return Counter(sent, received - (raw[0] in _RECEIVED_FIN and received > 0), acked > 0)


class Ledger:
    """Every socket to a target that this process has or had, by inode.

    Attributes:
        counters: as last seen.
        pending: called connect() in this test and were not looked at yet.
        n_connects: connect() calls to targets so far.
        strangers: fd -> inode of sockets whose peer is no target.
        known: fd -> inode of sockets to a target, as of the last scan.
        n_open: descriptors that were open then.
    """

    def __init__(self, targets: Targets) -> None:
        self.targets = targets
        self.counters: dict[int, Counter] = {}
        self.pending: set[int] = set()
        self.n_connects = 0
        self.strangers: dict[int, int] = {}
        self.known: dict[int, int] = {}
        self.n_open = 0
        self.lock = threading.RLock()  # a garbage collection inside may close sockets

    def connecting(self, sock: Any, address: Any) -> None:
        """A socket is about to connect. Datagrams are no contact: nobody need have answered."""
        if sock.type == socket.SOCK_STREAM and self.targets.has(address):
            self.n_connects += 1
            self.pending.add(os.fstat(sock.fileno()).st_ino)

    def closing(self, sock: Any) -> None:
        """A socket is about to be closed: the last chance to read it."""
        fd = sock.fileno()
        if fd >= 0 and LINUX:
            inode = os.fstat(fd).st_ino
            if self.strangers.get(fd) != inode:
                with self.lock:
                    self._look(fd, inode)

    def scan(self) -> None:
        """Look at all sockets of the process (Linux; elsewhere there is nothing to read)."""
        if LINUX:
            with self.lock:
                seen, self.known = self.known, {}
                sockets, n_open = open_sockets()
                for fd, inode in sockets:
                    if self.strangers.get(fd) != inode and (
                        self._read(fd, inode) if seen.get(fd) == inode else self._look(fd, inode)
                    ):
                        self.known[fd] = inode
                self.n_open = n_open

    def contact(self, then: tuple[dict[int, Counter], int]) -> tuple[int, int, int]:
        """`since`, of what is open now.

        Bytes on a socket that was open before are contact enough where no descriptor came or went:
        the whole process is looked at only where they do not settle it.
        """
        if not self.pending and self.known and n_descriptors() == self.n_open:
            with self.lock:
                if all(self._still(fd, inode) for fd, inode in self.known.items()):
                    found = self.since(then)
                    if any(found):
                        return found
        self.scan()
        return self.since(then)

    def _still(self, fd: int, inode: int) -> bool:
        """Whether the descriptor is what it was; if so, it is read."""
        try:
            return os.fstat(fd).st_ino == inode and self._read(fd, inode)
        except OSError:
            return False

    def _look(self, fd: int, inode: int) -> bool:
        """Read a socket if it is one to a target; say whether it is."""
        try:
            sock = plain_socket(fileno=fd)
        except OSError:  # closed meanwhile by another thread
            return False
        try:
            return self._is_ours(sock, fd, inode) and self._read(fd, inode)
        finally:
            sock.detach()

    def _read(self, fd: int, inode: int) -> bool:
        """Read the counters of a socket to a target."""
        # What kind it is would be three questions to the kernel more, each of a cold cache
        sock = plain_socket(socket.AF_INET, socket.SOCK_STREAM, 0, fd)
        try:
            self.counters[inode] = tcp_counter(sock)
            self.pending.discard(inode)
        except OSError:
            return False  # not TCP, or closed meanwhile
        finally:
            sock.detach()
        return True

    def _is_ours(self, sock: Any, fd: int, inode: int) -> bool:
        """Without a peer (refused, connecting, reset): ours if it was before, or tried to be."""
        try:
            ours = self.targets.has(sock.getpeername())
        except OSError:
            return inode in self.pending or inode in self.counters
        if not ours:
            self.strangers[fd] = inode
        return ours

    def snapshot(self) -> tuple[dict[int, Counter], int]:
        """What is known now, to be given to `since`."""
        self._forget()
        self.pending.clear()
        return dict(self.counters), self.n_connects

    def since(self, then: tuple[dict[int, Counter], int]) -> tuple[int, int, int]:
        """(new connections, bytes sent, bytes received) since a snapshot."""
        counters, n_connects = then
        if not LINUX:
            return self.n_connects - n_connects, 0, 0
        n, sent, received, zero = len(self.pending), 0, 0, Counter()
        for inode, counter in list(self.counters.items()):
            old = counters.get(inode, zero)
            n += inode not in counters and counter.established
            sent += max(counter.sent - old.sent, 0)
            received += max(counter.received - old.received, 0)
        return n, sent, received

    def _forget(self) -> None:
        """Drop sockets that are gone, so that a long session stays small."""
        if len(self.counters) > 256:
            inodes = {inode for _, inode in open_sockets()[0]}
            self.counters = {k: v for k, v in self.counters.items() if k in inodes}


def n_descriptors() -> int:
    """How many this process has open; 0 before Linux 6.2, which does not say."""
    return os.stat("/proc/self/fd").st_size


def open_sockets() -> tuple[list[tuple[int, int]], int]:
    """(fd, inode) of every socket of this process, and how many descriptors are open (Linux)."""
    names, found, fstat = os.listdir("/proc/self/fd"), [], os.fstat
    for name in names:
        try:
            status = fstat(int(name))
        except OSError:
            continue
        if status.st_mode & 0o170000 == 0o140000:  # S_IFMT, S_IFSOCK
            found.append((int(name), status.st_ino))
    return found, len(names) - 1  # without the one that the listing needs


# ---- wrappers: a listener beside a function, which itself stays as it was ------------------------


def before(fn: Callable[..., Any], listen: Callable[..., Any]) -> Callable[..., Any]:
    """`fn`, with `listen` called first with the same positional arguments."""

    @functools.wraps(fn)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        listen(*args)
        return fn(*args, **kwargs)

    return wrapped


def after(fn: Callable[..., Any], listen: Callable[[], Any]) -> Callable[..., Any]:
    """`fn`, with `listen` called when it has returned."""

    @functools.wraps(fn)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        found = fn(*args, **kwargs)
        listen()
        return found

    return wrapped


class Importing:
    """Calls `loaded` when something first imports a module, be it inside a test."""

    def __init__(self, name: str, loaded: Callable[[], Any]) -> None:
        self.name, self.loaded = name, loaded

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The real spec of the module, once; none of any other."""
        if name != self.name or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            loader.exec_module = after(loader.exec_module, self.loaded)
        return spec


def lookups(getaddrinfo: Callable[..., Any], heard: Callable[..., Any]) -> Callable[..., Any]:
    """`getaddrinfo`, with its answers told to `heard(host, answers)`."""

    @functools.wraps(getaddrinfo)
    def wrapped(host: Any, *args: Any, **kwargs: Any) -> Any:
        answers = getaddrinfo(host, *args, **kwargs)
        heard(host, answers)
        return answers

    return wrapped


def connections(connect: Callable[..., Any], heard: Callable[..., Any]) -> Callable[..., Any]:
    """A loop's `create_connection`, with its transports told to `heard(transport)`."""

    @functools.wraps(connect)
    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        pair = await connect(*args, **kwargs)
        heard(pair[0])
        return pair

    return wrapped


def same_place(warner: Any) -> Any:
    """The interpreter's own function, warning at the same line in spite of our frames."""

    def warn(message: Any, category: Any = None, stacklevel: int = 1, source: Any = None) -> None:
        warnings.warn(message, category, stacklevel + 2, source)

    return type(warner)(warner.__code__, dict(warner.__globals__, warn=warn))
