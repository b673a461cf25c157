"""`python -m tests.load.peers.floor PORT SECONDS [judged]`: the least that a client in Python costs.

50 at a time on plain sockets and one epoll(7): no event loop, no tasks, no time-outs, no errors
that are understood, and only ordinary frames. With `judged`, our machine judges each journey. What
it takes by itself is the kernel's and the interpreter's; what an engine adds is its own.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from collections import deque
from typing import Any

from data.records.probe_plan import JourneyProbe
from data.rules.journey.machine import Machine
from data.rules.journey.moves import Connect, Done, Event, HangUp, Message, Opened, Sent, Transmit
from data.rules.load.histogram import Histogram
from tasks.probes.everyday import Everyday
from tasks.probes.journey import Walker
from tasks.probes.opening import opening
from tasks.probes.wire import WireClient
from tests.probes.doubles import read
from tests.probes.test_load import talking

AT_ONCE = 50
TOKEN = {"Authorization": "Bearer " + "x" * 200}
QUIET = socket.SOCK_STREAM | socket.SOCK_NONBLOCK


class User:
    """Journey after journey, until the time is over."""

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self.inbox: deque[Message] = deque()

    def begin(self) -> None:
        """Connect and ask. The handshake goes at once: on loopback the listener has answered."""
        self.n = 0
        self.began_s = time.perf_counter()
        self.side = Everyday(opening(self.floor.spec))
        self.machine = self.floor.machine()
        self.plug = socket.socket(socket.AF_INET, QUIET)
        self.plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.plug.connect_ex(self.floor.address)
        self.plug.send(self.side.opening.request)
        self.floor.add(self.plug.fileno(), self)

    def arrived(self) -> None:
        """Take what came and go on."""
        now_s, was_open = time.perf_counter(), self.side.is_open
        rest = self.side.feed(self.plug.recv(65_536), now_s, self.inbox)
        assert rest is None, rest
        if self.machine:
            self.judge(self.machine, now_s, was_open)
        else:
            self.talk(was_open)
        if self.side.closed:
            self.floor.ended(self.plug.fileno())
            self.plug.close()
            if time.perf_counter() < self.floor.until_s:
                self.begin()

    def talk(self, was_open: bool) -> None:
        """Say what the others say, and close after five messages."""
        if not was_open:
            self.plug.send(self.side.message('{"text": "say K7Q2-9XTM"}'))
        self.n += len(self.inbox)
        self.inbox.clear()
        if self.n == 5 and self.side.close_sent is None:
            self.plug.send(self.side.close(1000))

    def judge(self, machine: Machine, now_s: float, was_open: bool) -> None:
        """Do what the machine says."""
        events: list[Event] = [] if was_open else [Opened(None, self.began_s, now_s)]
        events += [*self.inbox, *([self.side.closed] if self.side.closed else [])]
        self.inbox.clear()
        for event in events:
            decision = machine.feed(event)
            if isinstance(decision, Transmit):
                self.plug.send(self.side.message(decision.text))
                machine.feed(Sent(time.perf_counter()))
            elif isinstance(decision, HangUp) and self.side.close_sent is None:
                self.plug.send(self.side.close(decision.code))
        if machine.is_over:
            assert isinstance(machine.decision, Done), machine.decision
            for metric, value_ms in machine.measurements:
                self.floor.histograms.setdefault(metric, Histogram()).add(value_ms)


class Floor:
    """All users of one process."""

    def __init__(self, port: int, seconds: float, judged: bool) -> None:
        self.address = ("127.0.0.1", port)
        self.spec = Connect(f"ws://127.0.0.1:{port}/", TOKEN, (), 0.0)
        self.until_s = time.perf_counter() + seconds
        self.histograms: dict[str, Histogram] = {}
        self.n = 0
        self._epoll = select.epoll()
        self._users: dict[int, User] = {}
        self._probe, self._walker = _judging(port) if judged else (None, None)

    def machine(self) -> Machine | None:
        """A fresh one that wants its socket opened."""
        if self._probe is None or self._walker is None:
            return None
        names = {"run_id": "r1", **self._walker.fresh_names(self.n)}
        return Machine(self._probe.steps, names, time.perf_counter(), self._probe.total_metric, 0.0)

    def add(self, fd: int, user: User) -> None:
        """Look at a socket."""
        self._users[fd] = user
        self._epoll.register(fd, select.EPOLLIN)

    def ended(self, fd: int) -> None:
        """A journey is over."""
        self.n += 1
        del self._users[fd]

    def run(self) -> None:
        """All of it."""
        for _ in range(AT_ONCE):
            User(self).begin()
        while self._users:
            for fd, _ in self._epoll.poll(1.0):
                self._users[fd].arrived()


def _judging(port: int) -> tuple[JourneyProbe, Walker]:
    plan: dict[str, Any] = talking(port, [])
    del plan["load"]
    probe = read({"id": "p", **plan})
    assert isinstance(probe, JourneyProbe)
    return probe, Walker(probe, {"run_id": "r1"}, WireClient())


def main() -> None:
    """Run and print."""
    floor = Floor(int(sys.argv[1]), float(sys.argv[2]), "judged" in sys.argv)
    began_s, cpu_s = time.perf_counter(), time.process_time()
    floor.run()
    took = {"wall_s": time.perf_counter() - began_s, "cpu_s": time.process_time() - cpu_s}
    print(json.dumps({"n": floor.n, **took}))


if __name__ == "__main__":
    main()
