"""hooks.yaml to records: every fault at once, each with its line and what to write instead."""

from __future__ import annotations

import base64
import binascii
import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from data.errors import Fault, PlanError
from data.records.hooks import Answers, Hooks, Limits, Oidc, Source, Target
from data.rules.expected import expected_and_got
from data.rules.planning.document import Document, Path, dotted, read_document
from data.rules.planning.secrets import secret_faults

SIGNING_PREFIX = "whsec_"
MOST_SECRET = 4096  # longest secret or token that is compared, bytes
_MODELS: dict[str, type[BaseModel]] = {"limits": Limits, "oidc": Oidc, "answers": Answers}
_NAMED: dict[str, type[BaseModel]] = {"sources": Source, "environments": Target}


def read_hooks(source: str, file: str, environ: Mapping[str, str]) -> Hooks:
    """The configuration.

    Args:
        source: text of the file.
        file: its name as the caller gave it.
        environ: for `${NAME}` references, and for the secrets that the file names.

    Raises:
        PlanError: all faults: YAML, unknown keys, secrets in clear, environments that are not
            there, secrets that are not set or shorter than 16 characters.
    """
    document = read_document(source, file, environ)
    faults = [*document.faults, *secret_faults(document, file)]
    try:
        hooks = Hooks.model_validate(document.value)
    except ValidationError as error:
        found = [_fault(one, document, file) for one in error.errors()]
        raise PlanError([*faults, *found]) from None
    faults += [
        Fault(message, file, document.line(path), dotted(path), hint)
        for path, message, hint in _senseless(hooks, environ)
    ]
    if faults:
        raise PlanError(faults)
    return hooks


def _fault(error: ErrorDetails, document: Document, file: str) -> Fault:
    path: Path = error["loc"]
    message, hint = expected_and_got(error), ""
    if error["type"] == "extra_forbidden":
        message, hint = f"unknown key {str(path[-1])!r}", _suggestion(path)
    elif {"secrets", "read_tokens", "token_in"} & set(
        path
    ):  # what stands there may be the secret itself
        message = "expected names of environment variables, such as [HOOK_SECRET]"
    return Fault(message, file, document.line(path), dotted(path), hint)


def _suggestion(path: Path) -> str:
    model: type[BaseModel] = Hooks
    if len(path) > 1:
        model = _MODELS.get(str(path[-2])) or _NAMED.get(str(path[0]), Hooks)
    keys = sorted(model.model_fields)
    close = difflib.get_close_matches(str(path[-1]), keys, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"allowed here: {', '.join(keys)}"


def _senseless(hooks: Hooks, environ: Mapping[str, str]) -> list[tuple[Path, str, str]]:
    found: list[tuple[Path, str, str]] = []
    known = ", ".join(hooks.environments)
    for name, source in hooks.sources.items():
        for place, environment in source.environments.items():
            if environment not in hooks.environments:
                at: Path = ("sources", name, "environments", place)
                found.append((at, f"no environment {environment!r}", f"there are: {known}"))
        for index, variable in enumerate(source.secrets):
            path: Path = ("sources", name, "secrets", index)
            found += (
                _unset(path, variable, environ)
                or _torn(path, variable, environ)
                or _unfit(path, source, variable, environ)
            )
        if source.answers is not None:
            at = ("sources", name, "answers", "token_in")
            found += _unset(at, source.answers.token_in, environ)
            if not source.answers.app:  # a key in PEM ends with a line break
                found += _torn(at, source.answers.token_in, environ)
    for index, variable in enumerate(hooks.read_tokens):
        at = ("read_tokens", index)
        found += _unset(at, variable, environ) or _torn(at, variable, environ)
    return found


def _unfit(
    path: Path, source: Source, variable: str, environ: Mapping[str, str]
) -> list[tuple[Path, str, str]]:
    """A signing secret is `whsec_` and 24 to 64 bytes in base64 (Standard Webhooks 1.0)."""
    secret = environ[variable]
    signs = source.kind == "standard" or (
        source.kind == "gitlab" and secret.startswith(SIGNING_PREFIX)
    )
    if signs and signing_key(secret) is None:
        message = f"expected whsec_ and 24 to 64 bytes in base64 in {variable}"
        return [(path, message, 'make one with: echo "whsec_$(openssl rand -base64 32)"')]
    return []


def signing_key(secret: str) -> bytes | None:
    """The key of a Standard Webhooks secret, None where it is none."""
    try:
        key = base64.b64decode(secret.removeprefix(SIGNING_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return None
    fits = secret.startswith(SIGNING_PREFIX) and 24 <= len(key) <= 64
    return key if fits else None


def _unset(path: Path, variable: str, environ: Mapping[str, Any]) -> list[tuple[Path, str, str]]:
    value = environ.get(variable, "")
    if not value:
        return [(path, f"the variable {variable} is not set", "no secret, no receiver")]
    if len(value) < 16:
        hint = "make one with: openssl rand -base64 32"
        return [(path, f"the secret in {variable} is shorter than 16 characters", hint)]
    return []


def _torn(path: Path, variable: str, environ: Mapping[str, Any]) -> list[tuple[Path, str, str]]:
    """A secret that no sender can have: white space at an end, or bytes that are no UTF-8."""
    value = environ.get(variable, "")
    whole = value == value.strip() and not any(0xD800 <= ord(one) <= 0xDFFF for one in value)
    hint = "a line break at its end, from a file perhaps?"
    message = f"the secret in {variable} has white space at an end, or is no UTF-8"
    return [] if whole else [(path, message, hint)]
