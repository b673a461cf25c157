"""The deployer's side: all services of the plan, one revision name for them together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from data.errors import GoldenPathError, NotReady, PlatformRefused, UsageError
from data.records.cloud_run import DeployCloudRun
from data.records.facts import DeployResult
from data.records.words import Outcome
from data.rules.traffic import revision_name, tagged
from tasks.clock import now
from tasks.deploy.cloud_run.service import CloudRunTraffic
from tasks.deploy.deployer import DeployOrder, Moved

Done = str | BaseException


class CloudRunDeployer:
    """Deploys beside what is live; promotes and rolls back to revisions that are named."""

    def __init__(self, order: DeployOrder, config: DeployCloudRun) -> None:
        self.order, self.config = order, config
        self._known: dict[str, CloudRunTraffic] = {}

    async def prepare(self) -> None:
        """Names and credentials, before anything is asked of anybody.

        Raises:
            UsageError: no revision named, a name that cannot be, or nobody to sign in as.
        """
        if not (revision := self._revision()):
            raise UsageError("no revision to deploy: give --revision NAME, or deploy.revision")
        try:
            self._names(revision)
            await self._services()
        except PlatformRefused as error:
            raise UsageError(str(error)) from None

    async def deploy(self) -> DeployResult:
        """PASS when every revision is ready at its tag; FAIL when one will not start.

        ERROR when it could not be done, or not be known. Users stay where they were, but for
        the plan's `split`.
        """
        started = time.monotonic()
        await self.prepare()
        names, before = self._names(self._revision()), await self._tested()
        done = await self._each(lambda name, service: service.deploy(names[name]))
        known = await self._services()
        return DeployResult(
            run_id=self.order.run_id,
            deployer="cloud-run",
            outcome=_outcome(done),
            revision=self._revision(),
            revisions=names,
            previous=before,
            attempts=1 + max(service.n_again for service in known.values()),
            duration_s=time.monotonic() - started,
            message=_told(done),
            at=now(),
        )

    async def retained(self, revision: str) -> dict[str, str]:
        """Where an earlier revision answers alone; without the services where it has no address."""
        try:
            names, services = self._names(revision), await self._services()
            found = {name: await one.address(names[name]) for name, one in services.items()}
        except GoldenPathError:
            return {}
        return {name: url for name, url in found.items() if url}

    async def roll_back(self, revision: str) -> Moved:
        """All users of every service to the named revision; none, where one of them lacks it."""
        return await self._move(revision, lambda service, name: service.ready(name))

    async def promote(self, revision: str) -> Moved:
        """All users to the tested revision; none, where anything moved since the deploy."""
        return await self._move(revision, lambda service, name: service.promotable(name))

    async def _move(
        self, revision: str, check: Callable[[CloudRunTraffic, str], Awaitable[None]]
    ) -> Moved:
        """Check all services, then move one after the other; stop at the first that will not."""
        done: dict[str, Done] = {}
        urls: dict[str, str] = {}
        at = ""
        try:
            names, services = self._names(revision), await self._services()
            for at, service in services.items():
                await check(service, names[at])
            for at, service in services.items():
                urls[at] = await service.send_all(names[at])
                done[at] = f"all users get {names[at]}, read back"
        except GoldenPathError as error:
            done[at] = error
            untouched = ", ".join(name for name in self.config.services if name not in done)
            left = f"; not touched: {untouched}" if urls and untouched else ""
            return Moved(done=False, message=_told(done) + left)
        return Moved(done=True, message=_told(done), revisions=names, urls=urls)

    async def _tested(self) -> str | None:
        """What answered at the tested addresses before; None where services differ or had none."""
        found = set()
        for service in (await self._services()).values():
            try:
                at = tagged(await service.routes(), self.config.tag)
            except GoldenPathError:
                return None
            found.add(at.revision.removeprefix(f"{service.wanted.service}-") if at else None)
        return found.pop() if len(found) == 1 else None

    async def _each(self, act: Callable[[str, CloudRunTraffic], Awaitable[str]]) -> dict[str, Done]:
        services = await self._services()
        results = await asyncio.gather(
            *(act(name, service) for name, service in services.items()), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException) and not isinstance(result, GoldenPathError):
                raise result
        return dict(zip(services, results, strict=True))

    async def _services(self) -> dict[str, CloudRunTraffic]:
        """Made at first use: looking for credentials may ask a server."""
        if not self._known:
            made = {
                name: await asyncio.to_thread(CloudRunTraffic, self.config, service)
                for name, service in self.config.services.items()
            }
            self._known = made
        return self._known

    def _revision(self) -> str | None:
        return self.order.revision or self.config.revision

    def _names(self, revision: str | None) -> dict[str, str]:
        try:
            return {
                name: revision_name(service.service, revision or "")
                for name, service in self.config.services.items()
            }
        except ValueError as error:
            raise PlatformRefused(f"--revision: {error}") from None


def _outcome(done: dict[str, Done]) -> Outcome:
    if any(isinstance(one, NotReady) for one in done.values()):
        return Outcome.FAIL
    failed = any(isinstance(one, BaseException) for one in done.values())
    return Outcome.ERROR if failed else Outcome.PASS


def _told(done: dict[str, Done]) -> str:
    return "; ".join(f"{name}: {words}" if name else str(words) for name, words in done.items())
