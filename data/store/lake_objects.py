"""A lake on an object store: S3 and what speaks it, Google Cloud Storage, Azure."""

from __future__ import annotations

import json
import os
import socket
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from data.errors import UsageError, WarehouseBusy, WarehouseError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

SCHEMES = ("s3", "gs", "az")
LOCK = ".lock"
# Before a file a writer says again that it goes on, if it did not do so for a while; one that was
# silent for the whole lease is gone.
LEASE, _SAY_AGAIN_S = timedelta(minutes=15), 60.0
_RETRY: Any = {"max_retries": 5, "retry_timeout": timedelta(seconds=30)}
_EXPECTED = (
    "the lake: expected a folder, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX"
)


def is_objects(lake: str) -> bool:
    """Whether the name of a lake has a scheme, so that it is no folder."""
    return "://" in lake


class Objects:
    """A prefix of a bucket. An object is replaced as a whole, so readers find whole files.

    The store must know conditional writes (`If-None-Match`, `If-Match`), as S3, Google and Azure
    do: two writers of one lake would undo each other.
    """

    def __init__(self, url: str) -> None:
        self.name, self._store = url, _opened(url)
        self._me = f"{socket.gethostname()} {os.getpid()} {uuid.uuid4().hex}"
        self._mark: dict[str, Any] = {}
        self._said_at = monotonic()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lease `.lock`; a lease that ran out is taken over by exactly one.

        Raises:
            WarehouseBusy: somebody has it.
            WarehouseError: the store cannot be used.
        """
        from obstore.exceptions import BaseError

        with _told(self.name):
            self._take()
            try:
                yield
            except BaseException:
                with suppress(
                    BaseError, OSError, WarehouseBusy
                ):  # the first error is the one to tell
                    self._give_back()
                raise
            self._give_back()

    def _give_back(self) -> None:
        self._hold()  # refused where it is another one's by now
        self.remove(LOCK)

    def _take(self) -> None:
        from obstore.exceptions import AlreadyExistsError

        try:
            self._mark = _mark(self._store.put(LOCK, self._lease(), mode="create"))
        except AlreadyExistsError:
            try:
                found = self._store.get(LOCK)
            except FileNotFoundError:
                raise WarehouseBusy(f"another process just wrote {self.name}: try again") from None
            holder, until = _holder(bytes(found.bytes()))
            if until > datetime.now(UTC):
                raise WarehouseBusy(
                    f"{holder} writes the lake {self.name}: try again after {until:%H:%M} UTC"
                ) from None
            self._mark = _mark(found.meta)
            self._hold()

    def _go_on(self) -> None:
        if monotonic() - self._said_at > _SAY_AGAIN_S:
            self._hold()

    def _hold(self) -> None:
        from obstore.exceptions import PreconditionError

        try:
            self._said_at = monotonic()
            self._mark = _mark(self._store.put(LOCK, self._lease(), mode=self._mark))  # type: ignore[arg-type]
        except (PreconditionError, FileNotFoundError):
            raise WarehouseBusy(
                f"another process took over the lake {self.name}, since this one was silent for "
                f"{LEASE.seconds // 60} minutes: the next upkeep goes on"
            ) from None

    def _lease(self) -> bytes:
        until = datetime.now(UTC) + LEASE
        return json.dumps({"by": self._me, "until": until.isoformat()}).encode()

    def sizes(self, views: tuple[str, ...]) -> dict[str, int]:
        """By name, as the store lists them."""
        found: dict[str, int] = {}
        for view in views:
            for listed in self._store.list(f"{view}/"):
                found |= {one["path"]: one["size"] for one in listed}
        return {name: size for name, size in found.items() if name.endswith(".parquet")}

    def read(self, name: str) -> str | None:
        """A text; None where there is none."""
        try:
            return bytes(self._store.get(name).bytes()).decode("utf-8", "replace")
        except FileNotFoundError:
            return None

    def write(self, name: str, text: str) -> None:
        """As one object, while the lease holds."""
        self._go_on()
        self._store.put(name, text.encode())

    @contextmanager
    def placing(self, name: str) -> Iterator[Path]:
        """A file in the system's folder for temporary ones, sent when the block ends well."""
        with tempfile.TemporaryDirectory(prefix="goldenpath-lake-") as folder:
            fresh = Path(folder) / "part.parquet"
            yield fresh
            self._go_on()
            self._store.put(name, fresh)

    def remove(self, name: str) -> None:
        """Away with it, while the lease holds; twice is as once."""
        self._go_on()
        try:
            self._store.delete(name)
        except FileNotFoundError:
            return


def _opened(url: str) -> ObjectStore:
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise UsageError(f"{_EXPECTED}, got {parts.scheme}://{parts.hostname or ''}")
    if parts.username is not None or parts.password is not None or parts.query:
        raise UsageError(
            f"{_EXPECTED}; keys and settings come from the environment "
            "(AWS_…, GOOGLE_…, AZURE_…), and never stand in the address"
        )
    try:
        from obstore.store import from_url
    except ImportError:
        raise UsageError(
            f"a lake at {parts.scheme}:// needs: pip install 'golden-path[lake]'"
        ) from None
    with _told(url):
        return from_url(url, retry_config=_RETRY)


@contextmanager
def _told(url: str) -> Iterator[None]:
    from obstore.exceptions import BaseError

    try:
        yield
    except (BaseError, FileNotFoundError) as error:
        first = str(error).strip().splitlines()[0]
        raise WarehouseError(
            f"the object store of {url} cannot be used: {first[:400]}; keys, region and endpoint "
            "come from the environment, see docs/beyond_one_machine.md; what is there stays whole"
        ) from error


def _mark(meta: Any) -> dict[str, Any]:
    """What a conditional write compares: this very version of an object."""
    return {name: meta[name] for name in ("e_tag", "version") if meta.get(name)}


def _holder(lease: bytes) -> tuple[str, datetime]:
    """Who, and until when; a lease that cannot be read has run out."""
    try:
        said = json.loads(lease)
        return str(said["by"]).rsplit(" ", 1)[0], datetime.fromisoformat(said["until"])
    except (ValueError, KeyError, TypeError):
        return "somebody", datetime.min.replace(tzinfo=UTC)
