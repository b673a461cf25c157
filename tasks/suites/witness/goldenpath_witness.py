"""The witness: a pytest plugin that says, per test, whether the target was touched.

The gate puts this folder on `PYTHONPATH` and names this module in `PYTEST_ADDOPTS`. It needs
pytest >= 7 and Python >= 3.8 and nothing else, streams one JSON line an event to the file that
`GOLDENPATH_STREAM` names, and never breaks a suite: what fails in here becomes a `note` line.

Contact (Linux) is bytes that moved on a TCP socket whose peer is a target, or a new established
connection to one. Sockets of this process are found in /proc/self/fd as a test begins and before
its tear-down, and just before Python closes them; those of its children by the guard
(goldenpath_children). Elsewhere: `socket.connect` audit events alone.
"""

# ruff: noqa: SIM105
from __future__ import annotations

import functools
import os
import socket
import sys
import warnings
from typing import Any, Callable, Iterator, TypeVar, cast  # noqa: UP035

import pytest
from goldenpath_contact import (  # type: ignore[import-not-found]
    Importing,
    before,
    connections,
    lookups,
    plain_socket,
    same_place,
)
from goldenpath_inside import Inside  # type: ignore[import-not-found]
from goldenpath_session import Session, places  # type: ignore[import-not-found]
from goldenpath_told import (  # type: ignore[import-not-found]
    DETAIL_CHARS,
    MESSAGE_CHARS,
    Test,
    first_line,
    last_error_line,
    text_of,
    told,
)

PROCESS_EVENTS = ("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system")
HEARD: Any = {}
F = TypeVar("F", bound=Callable[..., Any])
SESSION: Any = None


def quietly(fn: F) -> F:
    """Nothing that fails in here reaches the suite; nothing happens when not active."""

    @functools.wraps(fn)
    def safe(*args: Any, **kwargs: Any) -> Any:
        if SESSION is None or SESSION.config is None:
            return None
        try:
            return fn(*args, **kwargs)
        except Exception as error:
            try:
                SESSION.note(error)
            except Exception:
                pass
            return None

    return cast(F, safe)


# ---- hooks: the session --------------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: Any) -> None:
    """Take this session, unless it is a pytest that one of the suite's own tests started."""
    if SESSION is not None and SESSION.config is not None:
        config.pluginmanager.unregister(sys.modules[__name__])  # inside a test, in this process
    elif SESSION is not None and SESSION.takes(config):
        config.pluginmanager.register(Inside(SESSION))


def pytest_unconfigure(config: Any) -> None:
    """Another session may begin in this process."""
    if SESSION is not None and SESSION.config is config:
        SESSION.config = None


@quietly
def pytest_deselected(items: Any) -> None:
    """The suite's own choice (-k, -m); ours is not announced."""
    SESSION.deselected += [item.nodeid for item in items]


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: Any) -> Iterator[None]:
    """After everybody else."""
    yield
    choose(items)


@quietly
def choose(items: Any) -> None:
    """Write the manifest; then leave only the tests that the gate asked for."""
    ids, selected = [item.nodeid for item in items], None
    more = {"deselected": SESSION.deselected, **places(items)}
    if SESSION.only is not None:
        items[:] = [item for item in items if item.nodeid in SESSION.only]
        selected = [item.nodeid for item in items]
    elif SESSION.others is not None:
        items[:] = [item for item in items if item.nodeid not in SESSION.others]
        selected = [item.nodeid for item in items]
    SESSION.stream.write("collected", ids=ids, selected=selected, **more)


@quietly
def pytest_collectreport(report: Any) -> None:
    """A module that cannot be imported, a syntax error, a broken fixture definition."""
    if report.failed:
        detail = text_of(report.longrepr)
        SESSION.stream.write(
            "collect_error",
            id=report.nodeid or "(collection)",
            message=last_error_line(detail),
            detail=detail[-DETAIL_CHARS:],
        )


@pytest.hookimpl(trylast=True)
@quietly
def pytest_sessionfinish(session: Any, exitstatus: Any) -> None:
    """The session ended in order, or stopped early and says why."""
    if not SESSION.is_worker:
        stopped = session.shouldfail or session.shouldstop or ""
        SESSION.stream.write("finish", exit=int(exitstatus), stopped=str(stopped))


# ---- hooks: one test -----------------------------------------------------------------------------


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: Any) -> Iterator[None]:
    """Set-up, call and tear-down of one test."""
    begin(item)
    yield
    end()


@quietly
def begin(item: Any) -> None:
    """What is open before the test is not its doing."""
    SESSION.stream.write("start", id=item.nodeid)
    watch_uvloop()
    SESSION.ledger.scan()
    SESSION.test = Test(item.nodeid, SESSION.ledger.snapshot())
    SESSION.children.goes_on(SESSION.test)


@quietly
def end() -> None:
    """On disk before the next test begins."""
    test, SESSION.test = SESSION.test, None
    if test is not None:
        SESSION.stream.write("test", **told(test))


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_setup(item: Any) -> Iterator[None]:
    """Under the clock."""
    arm(True)
    try:
        yield
    finally:
        disarm(pause=True)


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_call(item: Any) -> Iterator[None]:
    """Under the same clock."""
    arm(False)
    try:
        yield
    finally:
        disarm()


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: Any) -> Iterator[None]:
    """Under a clock of its own."""
    between()
    arm(True)
    try:
        yield
    finally:
        disarm()


@quietly
def between() -> None:
    """Contact in a tear-down proves nothing: a module's fixtures are closed in its last test's."""
    SESSION.test.contact = SESSION.ledger.contact(SESSION.test.then)
    SESSION.test.children = SESSION.children.end(SESSION.test)
    SESSION.still_alive()


@quietly
def arm(fresh: bool) -> None:
    """Start the test's clock, or go on."""
    SESSION.alarm.arm(SESSION.test, fresh)


@quietly
def disarm(pause: bool = False) -> None:
    """Stop it."""
    SESSION.alarm.pause() if pause else SESSION.alarm.disarm()


@pytest.hookimpl(hookwrapper=True, trylast=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Iterator[None]:
    """The exception as it was raised, before pytest words it."""
    yield
    keep_error(call)


@quietly
def keep_error(call: Any) -> None:
    """Its line, by phase."""
    if SESSION.test is not None:
        SESSION.test.ended(call)


@quietly
def pytest_runtest_logreport(report: Any) -> None:
    """Reports as they are final; a rerun by another plugin begins anew."""
    if report.when == "???":  # pytest-xdist: the worker died under this test
        message = first_line(text_of(report.longrepr))[:MESSAGE_CHARS]
        SESSION.stream.write("test", id=report.nodeid, outcome="ERROR", message=message)
    elif SESSION.test is not None and report.outcome == "rerun":
        SESSION.test.n_reruns += 1
        SESSION.test.reports = []
    elif SESSION.test is not None:
        SESSION.test.reports.append(report)


@quietly
def pytest_warning_recorded(warning_message: Any, when: str, nodeid: str) -> None:
    """What makes a pass worth nothing, as far as it comes as a warning."""
    if SESSION.test is not None:
        SESSION.test.warned(warning_message.category.__name__, str(warning_message.message))


# ---- what is listened to -------------------------------------------------------------------------


def audit(event: str, args: Any) -> None:
    """Cheap for every other event: one look-up."""
    if event in HEARD:
        HEARD[event](*args)


@quietly
def started_process(*_: Any) -> None:
    """A process is about to start, or one of the session's may be at work in this test."""
    SESSION.children.begin(SESSION.test)


@quietly
def heard_connect(sock: Any, address: Any) -> None:
    """Before a connect()."""
    SESSION.ledger.connecting(sock, address)


@quietly
def heard_close(sock: Any) -> None:
    """Before a close(); in a fork of this process it is for the guard to look."""
    if os.getpid() == SESSION.stream.pid:
        SESSION.ledger.closing(sock)
    else:
        SESSION.children.look(sock)


@quietly
def heard_names(host: Any, answers: Any) -> None:
    """After a name was looked up."""
    SESSION.ledger.targets.heard(host, answers)


@quietly
def heard_unawaited(coroutine: Any) -> None:
    """A coroutine was dropped without ever being awaited."""
    if SESSION.test is not None:
        name = getattr(coroutine, "__qualname__", "?")
        SESSION.test.warned("", f"coroutine '{name}' was never awaited")


@quietly
def heard_transport(transport: Any) -> None:
    """uvloop's connects raise no audit event: count what it hands out."""
    sock, address = (transport.get_extra_info(name) for name in ("socket", "peername"))
    if sock is not None and address is not None:
        SESSION.ledger.connecting(sock, address)


@quietly
def watch_uvloop() -> None:
    """Once the suite has imported it."""
    loop = getattr(sys.modules.get("uvloop"), "Loop", None)
    if loop is not None and not hasattr(loop, "_goldenpath"):
        loop._goldenpath = True
        loop.create_connection = connections(loop.create_connection, heard_transport)


def listen() -> None:
    """For the rest of this process."""
    HEARD.update(dict.fromkeys(PROCESS_EVENTS, started_process))
    HEARD["socket.connect"] = heard_connect
    sys.addaudithook(audit)
    if hasattr(os, "register_at_fork"):  # uvloop and others that fork in C tell it
        os.register_at_fork(before=started_process)
    sys.meta_path.insert(0, cast(Any, Importing("uvloop", watch_uvloop)))
    sockets: Any = socket.socket
    sockets._real_close = before(sockets._real_close, heard_close)
    sockets.__del__ = before(plain_socket.__del__, heard_close)  # dropped without close()
    socket.getaddrinfo = lookups(socket.getaddrinfo, heard_names)
    spawning: Any = sys.modules.get("_posixsubprocess")  # multiprocessing's, without an event
    if spawning is not None:
        spawning.fork_exec = before(spawning.fork_exec, started_process)
    # Called by the interpreter for each one, whatever the warning filters say.
    cast(Any, warnings)._warn_unawaited_coroutine = before(
        same_place(cast(Any, warnings)._warn_unawaited_coroutine), heard_unawaited
    )


def load() -> None:
    """At import: take the stream and say so, or stay out of the way."""
    global SESSION
    if not os.environ.get("GOLDENPATH_STREAM"):
        return
    try:
        SESSION = Session(os.environ)
        if not os.environ.get("GOLDENPATH_OWNER"):
            SESSION.stream.write("loaded", pytest=pytest.__version__, pid=os.getpid())
        listen()
    except Exception as error:
        sys.stderr.write(f"goldenpath_witness: {type(error).__name__}: {error}\n")


load()
