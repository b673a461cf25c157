"""Google Cloud Run as a plan names it: services by id, images by digest."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from data.records.record import Record
from data.records.retries import Retries
from data.records.units import Seconds, Share, seconds

_DIGEST = re.compile(r"[^\s@]+@sha256:[0-9a-f]{64}")
_LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")
_ID = r"^[a-z]([a-z0-9-]{0,47}[a-z0-9])?$"
_TAG = r"^[a-z]([a-z0-9-]{0,44}[a-z0-9])?$"
_REVISION = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
OFFICIAL = "https://run.googleapis.com"


def is_loopback(address: str) -> bool:
    """Whether an address is of this machine: nobody needs to sign in there."""
    return bool(_LOOPBACK.fullmatch(urlsplit(address).hostname or ""))


class CloudRunService(Record):
    """A service that is there already: only its image is changed, everything else stays."""

    service: str = Field(pattern=_ID, description="its id on Cloud Run")
    image: str = Field(description="by digest, `…@sha256:` and 64 hexadecimal digits; no tag")
    container: str = Field(
        "", description="which container gets the image; absent: the only one, or that with ports"
    )

    @field_validator("image")
    @classmethod
    def _by_digest(cls, image: str) -> str:
        if not _DIGEST.fullmatch(image):
            raise ValueError(
                f"expected an image by digest, such as NAME@sha256:…, got {image!r}: what a tag"
                " means can change between the test and the promotion"
            )
        return image


class DeployCloudRun(Record):
    """New revisions on Google Cloud Run, without users until they are promoted.

    The deploy makes the revision `SERVICE-REVISION`, gives it the tag, and leaves all traffic
    where it is. The address of the tag is what the plan tests. Signs in by the client's own
    default credentials; nobody signs in at an endpoint on this machine.
    """

    deployer: Literal["cloud-run"]
    project: str = Field(pattern=r"^[a-z0-9][a-z0-9.:-]*$", description="id of the project")
    region: str = Field(pattern=r"^[a-z0-9-]+$", description="such as `europe-west1`")
    services: dict[str, CloudRunService] = Field(
        min_length=1, description="one for each service that is deployed"
    )
    revision: str | None = Field(
        None, pattern=_REVISION, description="deployed when the caller names none"
    )
    tag: str = Field(
        "candidate", pattern=_TAG, description="of the address at which a new revision is tested"
    )
    split: Share = Field(
        0.0, description="share of the users that get the new revision while it is tested"
    )
    endpoint: str = Field(OFFICIAL, description="of the API; plain http only on this machine")
    timeout: Seconds = Field(seconds("10m"), description="until a revision is ready or has failed")
    interval: Seconds = Field(seconds("2s"), description="between two looks at what is under way")
    retries: Retries = Field(Retries(attempts=5), description="for quotas, conflicts, lost answers")

    @field_validator("split")
    @classmethod
    def _in_whole_percents(cls, split: float) -> float:
        if split >= 1 or abs(split * 100 - round(split * 100)) > 1e-9:
            raise ValueError(f"expected whole percents below 100 %, got {split:.4%}")
        return split

    @field_validator("endpoint")
    @classmethod
    def _safe(cls, endpoint: str) -> str:
        parts = urlsplit(endpoint)
        if not parts.hostname or parts.path.strip("/") or parts.scheme not in ("http", "https"):
            raise ValueError(f"expected an address without a path, got {endpoint!r}")
        if parts.scheme == "http" and not is_loopback(endpoint):
            raise ValueError(f"expected https: the credentials travel to {endpoint!r}")
        return endpoint.rstrip("/")
