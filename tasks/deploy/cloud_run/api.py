"""Google's own client for one service of Cloud Run, with errors in three words.

Sources: Cloud Run Admin API v2, `projects.locations.services`, `….revisions` and `….operations`;
google.api_core.exceptions.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

import google.auth.exceptions as signing
import requests
from google.api_core import exceptions as api
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud.run_v2 import (
    Revision,
    RevisionsClient,
    Service,
    ServicesClient,
    UpdateServiceRequest,
)

from data.errors import GoldenPathError, PlatformAway, PlatformMoved, PlatformRefused
from data.records.cloud_run import DeployCloudRun, is_loopback

T = TypeVar("T")
_CALL_S = 30.0
_MOST_WAIT_S = 60.0


class RunApi:
    """One service, read and written; each call blocks a thread of its own.

    Every method raises PlatformAway (may pass), PlatformMoved (409, 412) or PlatformRefused.
    """

    def __init__(self, config: DeployCloudRun, service: str) -> None:
        """Looks for credentials where Google's client does, unless the endpoint is here."""
        here = is_loopback(config.endpoint)
        signer = AnonymousCredentials() if here else None  # type: ignore[no-untyped-call]
        options = ClientOptions(api_endpoint=config.endpoint)
        try:
            self._services = ServicesClient(
                credentials=signer, transport="rest", client_options=options
            )
            self._revisions = RevisionsClient(
                credentials=signer, transport="rest", client_options=options
            )
        except signing.GoogleAuthError as error:
            raise _in_words(error, "signing in") from None
        self.name = self._services.service_path(config.project, config.region, service)
        self._interval_s, self._timeout_s = config.interval, config.timeout

    async def service(self) -> Service:
        """The service as it is now."""
        return await _asked(
            f"reading {self.name}",
            lambda: self._services.get_service(name=self.name, retry=None, timeout=_CALL_S),
        )

    async def revision(self, name: str) -> Revision | None:
        """A revision by its name; None: there is none."""

        def read() -> Revision | None:
            try:
                path = f"{self.name}/revisions/{name}"
                return self._revisions.get_revision(name=path, retry=None, timeout=_CALL_S)
            except api.NotFound:
                return None

        return await _asked(f"reading {name}", read)

    async def update(self, service: Service, *fields: str) -> None:
        """Write some fields, if nobody has written since the service was read; wait for the end.

        The etag in `service` is the fence: a write that was overtaken, or that came twice, is
        PlatformMoved and does nothing.
        """
        what = f"changing {self.name}"
        request = UpdateServiceRequest(service=service, update_mask={"paths": list(fields)})
        operation = await _asked(
            what,
            lambda: self._services.update_service(request, retry=None, timeout=_CALL_S),
        )
        end = time.monotonic() + self._timeout_s
        while not await _asked(what, operation.done):
            if time.monotonic() > end:
                raise PlatformAway(f"{what}: not over after {self._timeout_s:g} s")
            await asyncio.sleep(self._interval_s)
        if error := await asyncio.to_thread(operation.exception):
            raise _in_words(error, what)


async def _asked(what: str, call: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(call)
    except Exception as error:  # an answer of another form is any exception in Google's client
        raise _in_words(error, what) from None


def _in_words(error: BaseException, what: str) -> GoldenPathError:
    """What an error means for who asked. Nothing but what is known to pass is tried again."""
    said = f"{what}: {getattr(error, 'message', '') or error or type(error).__name__}"
    match error:
        case api.Conflict() | api.PreconditionFailed():
            return PlatformMoved(said)
        case api.TooManyRequests():
            return PlatformAway(said, _retry_after(error))
        case api.ServerError() | api.RetryError() | requests.RequestException():
            return PlatformAway(said)
        case signing.TransportError():
            return PlatformAway(said)
    return PlatformRefused(said)


def _retry_after(error: api.GoogleAPICallError) -> float:
    """Seconds that a refusal for quota asks us to wait; a date, or nothing, is 0."""
    headers = getattr(error.response, "headers", None) or {}
    told = str(headers.get("retry-after", ""))
    return min(float(told), _MOST_WAIT_S) if told.isdecimal() else 0.0
