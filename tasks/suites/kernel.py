"""What the kernel says of TCP sockets and of who holds them (Linux).

Source: pidfd_getfd(2); sock_diag(7), `struct inet_diag_msg` and `tcp_info` of linux/inet_diag.h and
linux/tcp.h; proc(5) /proc/pid/fd and /proc/pid/task/tid/children. Only the standard library: the
guard loads it.
"""

# ruff: noqa: PTH115, PTH123, PTH208
from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

_DUMP = struct.Struct("=IHHII BBBxI 48s")  # nlmsghdr and inet_diag_req_v2
_MESSAGE = struct.Struct("=BBBB 2s2s16s16s12s IIIII")  # inet_diag_msg
_SOCK_DIAG = 4  # NETLINK_SOCK_DIAG
_BY_FAMILY, _REQUEST_DUMP, _DONE, _ERROR = 20, 0x301, 3, 2
_INFO = 2  # INET_DIAG_INFO
_LISTEN = 10
_PIDFD_GETFD = 438  # pidfd_getfd(2), the same number on every architecture
_libc = ctypes.CDLL(None, use_errno=True)


class Row(NamedTuple):
    """One TCP socket of this machine; `inode` is 0 when nobody holds it any more."""

    local: tuple[str, int]
    remote: tuple[str, int]
    state: int
    inode: int
    sent: int
    received: int


def tcp_sockets() -> Iterator[Row]:
    """Every TCP socket of this network namespace, listeners left out.

    Raises:
        OSError: the kernel does not say.
    """
    for family in (socket.AF_INET, socket.AF_INET6):
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as asked:
            states = 0xFFFFFFFF & ~(1 << _LISTEN)
            head = (_DUMP.size, _BY_FAMILY, _REQUEST_DUMP, 1, 0)
            asked.send(_DUMP.pack(*head, family, socket.IPPROTO_TCP, 1 << (_INFO - 1), states, b""))
            yield from _answers(asked)


def _answers(asked: socket.socket) -> Iterator[Row]:
    while True:
        data, at = asked.recv(1 << 18), 0
        while at < len(data):
            size, kind = struct.unpack_from("=IH", data, at)
            if kind == _DONE:
                return
            if kind == _ERROR:
                number = struct.unpack_from("=i", data, at + 16)[0]
                raise OSError(-number, os.strerror(-number))
            yield _row(data[at + 16 : at + size])
            at += (size + 3) & ~3


def _row(body: bytes) -> Row:
    family, state, _, _, sport, dport, source, target, _, *_, inode = _MESSAGE.unpack_from(body)
    sent = received = 0
    at = _MESSAGE.size
    while at + 4 <= len(body):
        size, kind = struct.unpack_from("=HH", body, at)
        if kind == _INFO and size >= 4 + 136:
            acked, received = struct.unpack_from("=QQ", body, at + 4 + 120)
            sent = max(acked - 1, 0)  # the SYN counts
        at += max(4, (size + 3) & ~3)
    return Row(
        _place(family, source, sport), _place(family, target, dport), state, inode, sent, received
    )


def _place(family: int, address: bytes, port: bytes) -> tuple[str, int]:
    wide = family == socket.AF_INET6
    host = socket.inet_ntop(family, address if wide else address[:4])
    return host, int.from_bytes(port, "big")


def descendants(pid: int, but: int = 0) -> set[int]:
    """Living processes below one, and below its threads; not `but` and what is below that."""
    found: set[int] = {but}
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        for child in _children(parent):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found - {but}


def _children(pid: int) -> list[int]:
    folder, found = f"/proc/{pid}/task", []
    with suppress(OSError):
        for thread in os.listdir(folder):
            with suppress(OSError), open(f"{folder}/{thread}/children", "rb") as file:
                found += [int(word) for word in file.read().split()]
    return found


def sockets_of(pid: int) -> dict[int, int]:
    """The sockets that a process holds: inode -> its number there."""
    found = {}
    with suppress(OSError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                link = os.readlink(f"/proc/{pid}/fd/{name}")
                if link.startswith("socket:["):
                    found[int(link[8:-1])] = int(name)
    return found


def borrow(pid: int, fileno: int) -> socket.socket | None:
    """A socket of another process, None when it is gone.

    Raises:
        PermissionError: not allowed here; `tcp_sockets` tells the same, slower.
    """
    with suppress(ProcessLookupError):
        owner = os.pidfd_open(pid)
        try:
            number = _libc.syscall(_PIDFD_GETFD, owner, fileno, 0)
        finally:
            os.close(owner)
        if number >= 0:
            return socket.socket(fileno=number)
        if ctypes.get_errno() in (errno.EPERM, errno.EACCES, errno.ENOSYS):
            raise PermissionError(ctypes.get_errno(), "pidfd_getfd")
    return None


def look_at(loan: socket.socket) -> Row | None:
    """A TCP socket as it is, its remote end ("", 0) while it has none; None of another kind."""
    if loan.family not in (socket.AF_INET, socket.AF_INET6) or loan.type != socket.SOCK_STREAM:
        return None
    raw = loan.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    if raw[0] == _LISTEN:
        return None
    acked, received = struct.unpack_from("=QQ", raw, 120)
    inode, peer = os.fstat(loan.fileno()).st_ino, ("", 0)
    with suppress(OSError):
        peer = loan.getpeername()[:2]
    return Row(loan.getsockname()[:2], peer, raw[0], inode, max(acked - 1, 0), received)
