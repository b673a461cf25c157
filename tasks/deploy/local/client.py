"""The deployer's side: start the supervisor where none runs, and ask it."""

from __future__ import annotations

import asyncio
import fcntl
import json
import secrets
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from data.errors import GoldenPathError, UsageError
from data.records.facts import DeployResult
from data.records.plan import DeployLocal, LocalProcess
from data.records.words import Outcome
from data.rules.planning.templates import fill
from tasks.clock import now
from tasks.deploy.deployer import DeployOrder, Moved

_BOOT_S = 10.0
_TRIES = 3
_ANSWER_S = 30.0  # beyond the start of processes: stopping old ones takes some seconds
_TRANSIENT = "address already in use"  # a port taken between choosing it and using it


class LocalDeployer:
    """Deploys the plan's processes through the supervisor of `deploy.state`."""

    def __init__(self, order: DeployOrder, config: DeployLocal) -> None:
        self.order, self.config = order, config
        self.state = (order.root / config.state).resolve()

    async def prepare(self) -> None:
        """Start the supervisor and open the public ports.

        Raises:
            UsageError: no revision named, a port in use, a service without a port.
        """
        if self._revision() is None:
            raise UsageError("no revision to deploy: give --revision NAME, or deploy.revision")
        reply = await self._ask(do="listen", ports=self._ports())
        if not reply["ok"]:
            raise UsageError(
                f"{reply['message']}; stop what uses it, or change services.*.url in the plan"
            )

    async def deploy(self) -> DeployResult:
        """PASS when every process listens and is routed to; FAIL when one ended at start."""
        started, attempt = time.monotonic(), 1
        await self.prepare()
        reply = await self._deploy_once()
        while self._transient(reply) and attempt < self.config.retries.attempts:
            await asyncio.sleep(self.config.retries.first_wait * 2 ** (attempt - 1))
            attempt += 1
            reply = await self._deploy_once()
        return self._result(reply, attempt, time.monotonic() - started)

    async def retained(self, revision: str) -> dict[str, str]:
        """Direct addresses of an earlier revision, started again if need be."""
        reply = await self._ask(do="retain", revision=revision, timeout_s=self._timeout)
        return dict(reply.get("urls") or {})

    async def roll_back(self, revision: str) -> Moved:
        """Route to an earlier revision."""
        reply = await self._ask(do="roll_back", revision=revision, timeout_s=self._timeout)
        return Moved(done=bool(reply["ok"]), message=reply.get("message") or f"{revision} serves")

    async def promote(self, revision: str) -> Moved:
        """Cannot: there is no stage before."""
        return Moved(done=False, message="what the deployer 'local' deploys serves at once")

    async def stop(self) -> None:
        """Stop the supervisor and everything that it runs; nothing happens when none runs."""
        if _read_json(self.state / "supervisor.json"):
            await self._ask(do="stop")

    @property
    def _timeout(self) -> float:
        return self.config.start_timeout

    def _revision(self) -> str | None:
        return self.order.revision or self.config.revision

    async def _deploy_once(self) -> dict[str, Any]:
        specs = {name: self._spec(process) for name, process in self.config.processes.items()}
        return await self._ask(
            do="deploy", revision=self._revision(), specs=specs, timeout_s=self._timeout
        )

    def _transient(self, reply: dict[str, Any]) -> bool:
        return not reply["ok"] and _TRANSIENT in str(reply.get("log_tail", "")).lower()

    def _result(self, reply: dict[str, Any], attempts: int, duration_s: float) -> DeployResult:
        revision = self._revision() or ""
        return DeployResult(
            run_id=self.order.run_id,
            deployer="local",
            outcome=Outcome.PASS if reply["ok"] else Outcome.FAIL,
            revision=revision,
            revisions=dict.fromkeys(self.config.processes, revision),
            previous=reply.get("previous"),
            attempts=attempts,
            duration_s=duration_s,
            message=reply.get("message") or f"{revision} listens and is routed to",
            log_tail=str(reply.get("log_tail", "")),
            at=now(),
        )

    def _ports(self) -> dict[str, int]:
        services = self.order.plan.services
        found = {name: urlsplit(services[name].url) for name in self.config.processes}
        return {
            name: url.port or (443 if url.scheme == "https" else 80) for name, url in found.items()
        }

    def _spec(self, process: LocalProcess) -> dict[str, Any]:
        variables = {**self.order.variables, "data_dir": str(self.state / "data")}
        given = {
            **self.order.env,
            **self._secrets(),
            "REVISION": self._revision() or "",
            "DATA_DIR": str(self.state / "data"),
        }
        named = {**self.config.env, **process.env}
        env = {**given, **{key: fill(text, variables) for key, text in named.items()}}
        command = [fill(part, variables) for part in process.command]
        program = shutil.which(command[0], path=env.get("PATH")) or command[0]
        return {
            "argv": [program, *command[1:]],
            "env": env,
            "cwd": str(self.order.root / process.cwd),
        }

    def _secrets(self) -> dict[str, str]:
        """Generated once for a state folder, so that a new deployment accepts old sessions."""
        path = self.state / "secrets.json"
        known = _read_json(path)
        missing = {n: secrets.token_urlsafe(48) for n in self.config.generate if n not in known}
        if missing:
            path.touch(mode=0o600)
            path.write_text(json.dumps({**known, **missing}))
        return {name: {**known, **missing}[name] for name in self.config.generate}

    async def _ask(self, **request: Any) -> dict[str, Any]:
        answer = await self._answer(request)
        if not answer and request["do"] == "listen":  # it was dying when it was found; safe twice
            answer = await self._answer(request)
        if not answer:
            raise GoldenPathError("the local supervisor ended without an answer")
        reply: dict[str, Any] = json.loads(answer)
        return reply

    async def _answer(self, request: dict[str, Any]) -> bytes:
        """One line; empty where the supervisor was gone before it said any."""
        reader, writer, token = await self._reach()
        try:
            writer.write(json.dumps({"token": token, **request}).encode() + b"\n")
            return await asyncio.wait_for(reader.readline(), self._timeout + _ANSWER_S)
        except ConnectionError:
            return b""
        except TimeoutError:
            raise GoldenPathError(
                f"the local supervisor did not answer: see {self.state / 'supervisor.log'}"
            ) from None
        finally:
            writer.close()

    async def _reach(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, str]:
        """A connection to the supervisor; one that is gone since it was found is replaced."""
        for left in reversed(range(_TRIES)):
            address = await asyncio.to_thread(self._supervisor)
            try:
                pair = await asyncio.open_connection("127.0.0.1", address["port"], limit=4_000_000)
                return *pair, str(address["token"])
            except OSError as error:
                if not left:
                    text = f"the local supervisor cannot be reached: {error}"
                    raise GoldenPathError(text) from None
        raise AssertionError("the last try returns or raises")

    def _supervisor(self) -> dict[str, Any]:
        """Address of the running supervisor; one is started, once, where none runs."""
        try:
            (self.state / "data").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"deploy.state: cannot create {self.state}: {error}") from None
        with (self.state / "start.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = _read_json(self.state / "supervisor.json")
            if known and _answers(known["port"]):
                return known
            (self.state / "supervisor.json").unlink(missing_ok=True)
            self._boot()
            return self._await_boot()

    def _boot(self) -> None:
        root = str(Path(__file__).parents[3])
        env = {**self.order.env, "PYTHONPATH": root}
        argv = [sys.executable, "-m", "tasks.deploy.local.supervisor", str(self.state)]
        with (self.state / "supervisor.log").open("ab") as log:
            subprocess.Popen(
                [*argv, str(self.config.ttl)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=env,
                cwd=self.state,
                close_fds=True,
            )

    def _await_boot(self) -> dict[str, Any]:
        end = time.monotonic() + _BOOT_S
        while time.monotonic() < end:
            if known := _read_json(self.state / "supervisor.json"):
                return known
            time.sleep(0.02)
        log = self.state / "supervisor.log"
        raise GoldenPathError(f"the local supervisor did not start within {_BOOT_S:g} s: see {log}")


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1.0):
            return True
    except OSError:
        return False


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value: dict[str, Any] = json.loads(path.read_text())
        return value
    except (OSError, ValueError):
        return {}
