"""`{{name}}` templates: filled in when a run starts, known names only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit, urlunsplit

from data.records.plan import DeployCommand, DeployLocal, Plan
from data.rules.journey.names import undefined_names
from data.rules.planning.document import Path

_TEMPLATE = re.compile(r"\{\{\s*([A-Za-z0-9_.-]+)\s*\}\}")


def plan_variables(plan: Plan, revision: str | None, run_id: str) -> dict[str, str]:
    """Every name that a template may use in suites and probes, with its value.

    `services.<name>.url`, `.ws` (the same address as ws:// or wss://), `.host`, `.port`;
    `revision` (empty when none was named), `environment`, `run_id`.
    """
    found = {"revision": revision or "", "environment": plan.environment, "run_id": run_id}
    for name, service in plan.services.items():
        url = urlsplit(service.url)
        port = url.port or (443 if url.scheme == "https" else 80)
        found[f"services.{name}.url"] = service.url
        found[f"services.{name}.ws"] = urlunsplit(url._replace(scheme=_ws(url.scheme)))
        found[f"services.{name}.host"] = url.hostname or ""
        found[f"services.{name}.port"] = str(port)
    return found


def fill(text: str, variables: Mapping[str, str]) -> str:
    """The text with its templates filled in; an unknown name is left as it is."""
    return _TEMPLATE.sub(lambda m: variables.get(m[1], m[0]), text)


def names_in(text: str) -> tuple[str, ...]:
    """Names of the templates in a text, in order."""
    return tuple(_TEMPLATE.findall(text))


def plan_template_faults(plan: Plan) -> Iterator[tuple[Path, str, str]]:
    """(path, message, hint) for each template whose name nothing defines."""
    known = set(plan_variables(plan, None, ""))
    for path, text in _texts(plan):
        here = known | _of_process(path)
        for name in names_in(text):
            if name not in here:
                yield path, _unknown(name), f"known: {', '.join(sorted(here))}"
    for p, phase in enumerate(plan.phases):
        for i, probe in enumerate(phase.probes):
            for place, name in undefined_names(probe, known):
                hint = "capture it in an earlier step, or use a plan variable"
                yield ("phases", p, "probes", i), f"{place}: {_unknown(name)}", hint


def _of_process(path: Path) -> set[str]:
    """What the local deployer adds: its folder, and the port that a command may name."""
    if path[:2] != ("deploy", "processes"):
        return set()
    return {"data_dir", "port"} if "command" in path[3:] else {"data_dir"}


def _unknown(name: str) -> str:
    return f"nothing defines the template {{{{{name}}}}}"


def _texts(plan: Plan) -> Iterator[tuple[Path, str]]:
    for p, phase in enumerate(plan.phases):
        for s, suite in enumerate(phase.suites):
            place: Path = ("phases", p, "suites", s)
            yield from (((*place, "env", key), text) for key, text in suite.env.items())
            yield from (((*place, "command", i), t) for i, t in enumerate(suite.command))
    if isinstance(plan.deploy, DeployCommand):
        for key in ("command", "rollback", "promote"):
            parts = getattr(plan.deploy, key) or ()
            yield from ((("deploy", key, i), text) for i, text in enumerate(parts))
    if isinstance(plan.deploy, DeployCommand | DeployLocal):
        yield from ((("deploy", "env", key), text) for key, text in plan.deploy.env.items())
    if isinstance(plan.deploy, DeployLocal):
        for name, process in plan.deploy.processes.items():
            home: Path = ("deploy", "processes", name)
            yield from (((*home, "env", key), text) for key, text in process.env.items())
            yield from (((*home, "command", i), text) for i, text in enumerate(process.command))


def _ws(scheme: str) -> str:
    return "wss" if scheme == "https" else "ws"
