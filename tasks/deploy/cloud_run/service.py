"""One service of Cloud Run: make a revision, move the traffic, look what came of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from google.cloud.run_v2 import Revision, Service

from data.errors import NotReady, PlatformAway, PlatformMoved, PlatformRefused
from data.records.cloud_run import CloudRunService, DeployCloudRun
from data.records.traffic import Route
from data.rules.traffic import (
    Allocation,
    all_to,
    allocation,
    drift,
    shared,
    tagged,
    told,
    with_tag,
)
from tasks.deploy.cloud_run.api import RunApi
from tasks.deploy.cloud_run.forms import (
    Readiness,
    asked_for,
    image_of,
    readiness,
    short,
    statuses,
    with_image,
    with_routes,
)

T = TypeVar("T")
Wish = Callable[[Sequence[Route]], tuple[Route, ...]]


class CloudRunTraffic:
    """One service, with what this run has left there.

    Attributes:
        left: who got which revision when the deploy was over; None: this run has not deployed.
        n_again: how often something was tried once more.
    """

    def __init__(self, config: DeployCloudRun, service: CloudRunService) -> None:
        self.config, self.wanted = config, service
        self.api = RunApi(config, service.service)
        self.left: Allocation | None = None
        self.n_again = 0

    async def deploy(self, name: str) -> str:
        """Make the revision, without users, and give it the tag. What was done, in a sentence.

        A revision of that name and image that is there already is not made again.

        Raises:
            NotReady: it will not start; the tag stays where it was.
            PlatformRefused, PlatformMoved, PlatformAway: it could not be done.
        """
        made = await self._made(name)
        await self.ready(name)
        if made:
            await self._is_newest(name)
        await self.steer(lambda routes: with_tag(routes, name, self.config.tag))
        if percent := round(self.config.split * 100):
            await self.steer(lambda routes: shared(routes, name, percent))
        seen = await self.routes()
        self.left, at = allocation(seen), tagged(seen, self.config.tag)
        how = "is ready" if made else "was there already and is ready"
        return f"{name} {how} at {at.url if at else '?'}; users get {told(self.left)}"

    async def routes(self) -> tuple[Route, ...]:
        """Who gets what now, as the service tells it."""
        return statuses(await self._patiently(self.api.service))

    async def address(self, name: str) -> str:
        """Where one revision alone answers: at a tag, or at the service if all users get it.

        "": nowhere.
        """
        service = await self._patiently(self.api.service)
        seen = statuses(service)
        at_tag = next((r.url for r in seen if r.revision == name and r.tag and r.url), "")
        return at_tag or (service.uri if allocation(seen) == {name: 100} else "")

    async def promotable(self, name: str) -> None:
        """Nothing has happened to the service since the deploy.

        Raises:
            PlatformMoved: the tag or the users are somewhere else by now.
            NotReady, PlatformRefused, PlatformAway: as in `ready`.
        """
        seen = await self.routes()
        at = tagged(seen, self.config.tag)
        if at is None or at.revision != name:
            now = at.revision if at else "no revision"
            raise PlatformMoved(f"the tag {self.config.tag} is on {now} by now and not on {name}")
        if self.left is not None and allocation(seen) not in (self.left, {name: 100}):
            was, is_now = told(self.left), told(allocation(seen))
            raise PlatformMoved(f"users get {is_now} by now, and got {was} after the deploy")
        await self.ready(name)

    async def send_all(self, name: str) -> str:
        """All users to one revision, read back; the address of the service. Raises as `steer`."""
        await self.steer(lambda routes: all_to(routes, name))
        return str((await self._patiently(self.api.service)).uri)

    async def steer(self, wish: Wish) -> None:
        """Write the traffic until it is as wished, and read it back.

        A conflict, a quota or a lost answer is followed by another look: what is as wished by
        then is done. It is written again only where users are still where they were.

        Raises:
            PlatformRefused: somebody else moves users at the same time, or it cannot be.
            PlatformMoved: users do not get what was asked for.
        """
        before: Allocation | None = None

        async def step() -> tuple[Route, ...]:
            nonlocal before
            service = await self.api.service()
            routes = asked_for(service)
            wanted, now = _wished(wish, routes), allocation(routes)
            if drift(wanted, routes):
                if before not in (None, now):
                    raise PlatformRefused(f"somebody else moves traffic: users get {told(now)}")
                before = now
                await self.api.update(with_routes(service, wanted), "traffic")
            return wanted

        await self._read_back(await self._patiently(step))

    async def ready(self, name: str) -> None:
        """Wait until a revision is ready.

        Raises:
            NotReady: it has failed, or is not ready in time; with the platform's words.
            PlatformRefused: there is no such revision.
        """
        end = time.monotonic() + self.config.timeout
        while True:
            found = await self._revision(name)
            if found is None:
                raise PlatformRefused(f"there is no revision {name}")
            state, words = readiness(found)
            if state is Readiness.READY:
                return
            if state is Readiness.FAILED:
                raise NotReady(f"{name} is not ready: {words}")
            if time.monotonic() > end:
                raise NotReady(f"{name} is not ready after {self.config.timeout:g} s: {words}")
            await asyncio.sleep(self.config.interval)

    async def _revision(self, name: str) -> Revision | None:
        return await self._patiently(lambda: self.api.revision(name))

    async def _made(self, name: str) -> bool:
        """Whether the revision had to be made. Users stay where they are, by name."""
        made = False

        async def step() -> None:
            nonlocal made
            if (found := await self.api.revision(name)) is not None:
                return self._is_of_the_image(found, name)
            made, service = True, await self.api.service()
            changed = with_image(service, self.wanted, name)
            try:
                await self.api.update(changed, "template", "traffic")
            except PlatformRefused:  # the operation failed: of a revision that is there, ask it why
                if await self.api.revision(name) is None:
                    raise
            return None

        await self._patiently(step)
        return made

    def _is_of_the_image(self, found: Revision, name: str) -> None:
        image = image_of(found.containers, self.wanted.container)
        if image != self.wanted.image:
            raise PlatformRefused(
                f"{name} is there already, with the image {image}: choose another --revision"
            )

    async def _is_newest(self, name: str) -> None:
        end = time.monotonic() + self.config.timeout
        while True:
            service = await self._patiently(self.api.service)
            created, is_ready = map(
                short, (service.latest_created_revision, service.latest_ready_revision)
            )
            if created != name:
                raise PlatformMoved(f"{created} was made after {name}: somebody else deploys")
            if is_ready == name:
                return
            if time.monotonic() > end:
                raise PlatformAway(f"the latest ready revision is still {is_ready}, not {name}")
            await asyncio.sleep(self.config.interval)

    async def _read_back(self, wanted: Sequence[Route]) -> None:
        service = await self._settled()
        if wrong := drift(wanted, statuses(service)):
            words = service.terminal_condition.message
            raise PlatformMoved(wrong + (f" ({words})" if words else ""))

    async def _settled(self) -> Service:
        """The service once the platform has done all that it was asked for."""
        end = time.monotonic() + self.config.timeout
        while True:
            service = await self._patiently(self.api.service)
            if not service.reconciling and service.observed_generation == service.generation:
                return service
            if time.monotonic() > end:
                raise PlatformAway(f"the traffic is not settled after {self.config.timeout:g} s")
            await asyncio.sleep(self.config.interval)

    async def _patiently(self, step: Callable[[], Awaitable[T]]) -> T:
        """Again after what may pass and after a conflict, each time from the beginning."""
        retries = self.config.retries
        for attempt in range(retries.attempts - 1):
            try:
                return await step()
            except (PlatformMoved, PlatformAway) as error:
                asked_s = error.wait_s if isinstance(error, PlatformAway) else 0.0
                self.n_again += 1
                await asyncio.sleep(max(asked_s, retries.first_wait * 2**attempt))
        return await step()


def _wished(wish: Wish, routes: Sequence[Route]) -> tuple[Route, ...]:
    try:
        return wish(routes)
    except ValueError as error:
        raise PlatformRefused(str(error)) from None
