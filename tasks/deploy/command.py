"""`command`: any argv without a shell; the revision from its JSON output."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from data.records.facts import DeployResult
from data.records.plan import DeployCommand
from data.records.words import Outcome
from data.rules.planning.templates import fill
from tasks.clock import now
from tasks.deploy.deployer import DeployOrder, Moved
from tasks.process import Ended, run_process


class CommandDeployer:
    """Runs the plan's command; exit codes in `transient` are tried again with back-off."""

    def __init__(self, order: DeployOrder, config: DeployCommand) -> None:
        self.order, self.config = order, config

    async def prepare(self) -> None:
        """Nothing to prepare."""

    async def deploy(self) -> DeployResult:
        """PASS on exit 0; FAIL on a definite exit code; ERROR when it could not be run."""
        started, attempt = time.monotonic(), 1
        ended = await self._run(self.config.command, self.order.revision)
        while ended.exit_code in self.config.transient and attempt < self.config.retries.attempts:
            await asyncio.sleep(self.config.retries.first_wait * 2 ** (attempt - 1))
            attempt += 1
            ended = await self._run(self.config.command, self.order.revision)
        return self._result(ended, attempt, time.monotonic() - started)

    async def retained(self, revision: str) -> dict[str, str]:
        """A command keeps nothing that we could look at."""
        return {}

    async def roll_back(self, revision: str) -> Moved:
        """Run the plan's rollback command with `{{revision}}` as the target."""
        return await self._move("rollback", self.config.rollback, revision)

    async def promote(self, revision: str) -> Moved:
        """Run the plan's promote command, once; another try is a person's to decide."""
        return await self._move("promote", self.config.promote, revision)

    async def _move(self, what: str, command: tuple[str, ...] | None, revision: str) -> Moved:
        if command is None:
            return Moved(done=False, message=f"the plan gives no {what} command")
        ended = await self._run(command, revision)
        return Moved(done=ended.exit_code == 0, message=_say(ended, self.config.timeout))

    async def _run(self, command: tuple[str, ...], revision: str | None) -> Ended:
        variables = {**self.order.variables, "revision": revision or ""}
        argv = tuple(fill(part, variables) for part in command)
        extra = {key: fill(value, variables) for key, value in self.config.env.items()}
        env = {**self.order.env, "REVISION": revision or "", **extra}
        return await run_process(argv, self.order.root / self.config.cwd, env, self.config.timeout)

    def _result(self, ended: Ended, attempts: int, duration_s: float) -> DeployResult:
        told = last_json(ended.stdout)
        revision = self.order.revision or _text(told.get("revision"))
        return DeployResult(
            run_id=self.order.run_id,
            deployer="command",
            outcome=_outcome(ended),
            revision=revision,
            revisions=self._revisions(told, revision),
            previous=_text(told.get("previous")),
            attempts=attempts,
            duration_s=duration_s,
            message=_say(ended, self.config.timeout),
            log_tail=(ended.stdout + ended.stderr)[-4000:],
            at=now(),
        )

    def _revisions(self, told: dict[str, Any], revision: str | None) -> dict[str, str]:
        named = told.get("revisions")
        if isinstance(named, dict):
            return {str(k): str(v) for k, v in named.items() if v}
        told_one = _text(told.get("revision")) or revision
        return dict.fromkeys(self.order.plan.services, told_one) if told_one else {}


def last_json(text: str) -> dict[str, Any]:
    """The last line that is a JSON object, else the whole text as one, else nothing."""
    for candidate in (*reversed(text.splitlines()), text):
        try:
            value = json.loads(candidate)
        except ValueError:
            continue
        if isinstance(value, dict):
            return value
    return {}


def _outcome(ended: Ended) -> Outcome:
    if ended.exit_code is None and not ended.timed_out:
        return Outcome.ERROR
    return Outcome.PASS if ended.exit_code == 0 else Outcome.FAIL


def _say(ended: Ended, timeout_s: float) -> str:
    if ended.timed_out:
        return f"the command did not end within {timeout_s:g} s and was stopped"
    if ended.exit_code is None:
        return f"the command could not be started: {ended.stderr}"
    tail = (ended.stderr.strip() or ended.stdout.strip()).splitlines()[-1:]
    return f"the command ended with exit code {ended.exit_code}" + (f": {tail[0]}" if tail else "")


def _text(value: Any) -> str | None:
    return str(value) if value else None
