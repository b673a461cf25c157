"""What the hook receiver is told to do (hooks.yaml), and what it keeps of each request."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from data.records.record import AwareUtc, Record

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
Kind = Literal["github", "gitlab", "google", "argocd", "standard"]
APIS = {"github": "https://api.github.com", "gitlab": "https://gitlab.com/api/v4"}
GOOGLE_ISSUERS = ("https://accounts.google.com", "accounts.google.com")


class Oidc(Record):
    """What the token of a Pub/Sub push must say (only for kind `google`)."""

    audience: str = Field(min_length=1, description="`aud` of the push subscription, exactly.")
    email: str = Field(min_length=3, description="Service account that pushes, exactly.")
    issuers: tuple[str, ...] = Field(GOOGLE_ISSUERS, description="`iss` that is believed.")
    keys: str = Field(
        "https://www.googleapis.com/oauth2/v3/certs",
        description="JWKS that signs the tokens: an https address, or a file.",
    )


class Answers(Record):
    """How a forge hears of verdicts: statuses at commits, reviews of GitHub's protection rules."""

    token_in: EnvName = Field(
        description="Environment variable with a token that may write statuses and deployments;"
        " with `app` the App's private key, in PEM."
    )
    app: str = Field(
        "",
        pattern=r"^[A-Za-z0-9.]{0,40}$",
        description="Id of a GitHub App: only the App that made a protection rule can answer it.",
    )
    api: str = Field("", description="Root of its API; default: github.com's or gitlab.com's.")
    statuses: bool = Field(True, description="Show runs at their commits.")
    hold: Literal["rejected", "pending"] = Field(
        "rejected",
        description="What a waiting deployment hears of HOLD, and of a run without a verdict:"
        " `pending` leaves it to a person on GitHub.",
    )

    @field_validator("api")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if value and not value.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
            raise ValueError("expected an https address: the token travels there")
        return value.rstrip("/")


class Source(Record):
    """One sender. Its deliveries go to `/hooks/<name>`."""

    kind: Kind = Field(description="Who sends, which says how it signs and what it means.")
    secrets: tuple[EnvName, ...] = Field(
        (),
        description="Names of environment variables that hold its secrets; any one is enough,"
        " so that a new one can be added before the old one is taken away.",
    )
    oidc: Oidc | None = Field(None, description="For `google`: what its token must say.")
    environments: dict[str, Name] = Field(
        description="Its name of a place -> the environment below that it stands for.", min_length=1
    )
    service: Name | None = Field(
        None, description="Key of its revision in the revision set; default: what it names itself."
    )

    answers: Answers | None = Field(
        None, description="For `github` and `gitlab`: what they hear of the verdict; default: none."
    )

    @property
    def api(self) -> str:
        """Root of the forge's API."""
        return (self.answers.api if self.answers else "") or APIS.get(self.kind, "")

    @model_validator(mode="after")
    def _has_a_secret(self) -> Source:
        if self.answers is not None and self.kind not in APIS:
            raise ValueError("`answers` is for sources of kind github or gitlab")
        if self.answers is not None and self.answers.app and self.kind != "github":
            raise ValueError("`app` is for sources of kind github")
        if self.kind == "google" and self.oidc is None:
            raise ValueError("a source of kind google needs `oidc`: {audience: …, email: …}")
        if self.kind != "google" and not self.secrets:
            raise ValueError("a source needs `secrets`: [NAME_OF_AN_ENVIRONMENT_VARIABLE]")
        if self.kind != "google" and self.oidc is not None:
            raise ValueError("`oidc` is for sources of kind google")
        return self


class Target(Record):
    """What a deployment to an environment starts."""

    deployment: str = Field(
        pattern=r"^[^/]+/[^/]+$", description="Prefect deployment, such as `validate/staging`."
    )
    parameters: dict[str, Any] = Field(
        {"skip_deploy": True},
        description="Parameters of the flow; `{{revision}}`, `{{revisions.NAME}}` are filled in.",
    )
    same_within_s: float = Field(
        900.0,
        ge=0,
        description="Word of a revision set that serves already is the same deployment up to this"
        " long after the first word of it, and a new one later.",
    )


class Limits(Record):
    """What a request may cost."""

    body_bytes: int = Field(1_048_576, ge=1024, le=25_000_000, description="Longest body.")
    body_timeout_s: float = Field(5.0, gt=0, le=60, description="Until the body is there.")
    rate_per_s: float = Field(
        50.0, ge=0.001, le=1e6, description="Verified deliveries a second, by source."
    )
    burst: int = Field(500, ge=1, description="Deliveries at once, by source.")


class Hooks(Record):
    """The whole of hooks.yaml."""

    sources: dict[Name, Source] = Field(min_length=1, description="Who may say that it deployed.")
    environments: dict[Name, Target] = Field(min_length=1, description="What that starts.")
    read_tokens: tuple[EnvName, ...] = Field(
        (),
        description="Environment variables with tokens that may read `/runs/{id}`;"
        " none: nobody may.",
    )
    limits: Limits = Limits()
    link: str = Field(
        "",
        description="Where people find a run, for statuses and reviews; `{{run_id}}` and"
        " `{{flow_run_id}}` are filled in.",
    )


class Told(Record):
    """A deployment that succeeded, as one sender tells it.

    Attributes:
        places: the sender's names of where, the most exact first.
        revisions: service -> revision; `""` is the whole deployment.
        deployed_at: when it was done, by the sender's clock.
        callback: where an answer is waited for (GitHub's protection rules), "" where none is.
        asked_for: the environment that waits, as GitHub calls it.
        commit: place of a status, such as `github:owner/repo@sha`, "" where none is told.
        installation: of the GitHub App that delivered it, 0 where none did.
    """

    places: tuple[str, ...]
    revisions: dict[str, str]
    deployed_at: AwareUtc
    callback: str = ""
    asked_for: str = ""
    commit: str = ""
    installation: int = 0


class Ignored(Record):
    """A delivery that is fine and means nothing to the gate."""

    reason: str


class Placed(Record):
    """A deployment that an environment's runs are about.

    Attributes:
        key: idempotency key of its run; the run's id is `hook-<key>`.
        told_at: when the first word of it says that it was done.
        used: key without its ordinal -> how many runs it has had.
    """

    key: str
    revisions: dict[str, str]
    told_at: AwareUtc
    used: dict[str, int] = {}


class Move(StrEnum):
    """What one word of a deployment leads to."""

    START = "START"
    SAME = "SAME"
    OLDER = "OLDER"


class HookDelivery(Record):
    """One request, accepted or refused. No field ever holds a secret, a signature or a token.

    Attributes:
        row_id: made here, one a request; a later row with the same id replaces it.
        outcome: ACCEPTED (its run is being started), STARTED, SAME, OLDER, IGNORED, REFUSED,
            SUPERSEDED (a newer one came before its run was started), FAILED.
        body_sha256: of the raw body, "" where it was not read to its end.
        answered: how the forge was answered in the end, "" while it was not or nobody waits.
    """

    row_id: str
    at: AwareUtc
    source: str
    kind: str = ""
    client: str = ""
    delivery_id: str = ""
    event: str = ""
    status: int
    outcome: str
    reason: str = ""
    environment: str | None = None
    revisions: dict[str, str] = {}
    deployed_at: AwareUtc | None = None
    key: str | None = None
    run_id: str | None = None
    flow_run_id: str | None = None
    superseded: str | None = None
    callback: str = ""
    asked_for: str = ""
    commit: str = ""
    installation: int = 0
    answered: str = ""
    body_sha256: str = ""
    n_bytes: int = 0
    took_ms: float = 0.0
