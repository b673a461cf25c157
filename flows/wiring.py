"""The composition root: plan, environment and command line → records and clients.

The only reader of `os.environ`.
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from data.errors import Fault, PlanError, UsageError
from data.records.facts import RunStarted
from data.records.orders import Endpoint, ProbeOrder, SuiteOrder
from data.records.plan import DeployNone, Phase, Plan, Suite
from data.records.probe_plan import ProbePlan
from data.records.record import Record
from data.rules.journey.names import keys_of
from data.rules.planning.load import load_plan
from data.rules.planning.templates import fill, plan_variables
from data.store.address import file_of
from data.store.warehouse import Warehouse
from flows.naming import gate_version, new_run_id, plan_hash, plan_json
from tasks.clock import now
from tasks.deploy.deployer import Deployer, DeployOrder, deployer_for
from tasks.prefect_server import PrefectServer
from tasks.record import Listener, Recorder

DEFAULT_WAREHOUSE = "var/goldenpath.duckdb"
_PREFECT_DEFAULTS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",  # `database is locked` on a fresh database
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",  # progress tells what is red
    "PREFECT_LOGGING_TO_API_MAX_LOG_SIZE": "100000",
}
# What a server that lives for one run never does: a second less of boot on two cores.
_IDLE_SERVICES = (
    "SCHEDULER",
    "LATE_RUNS",
    "FOREMAN",
    "CANCELLATION_CLEANUP",
    "TRIGGERS",
    "PAUSE_EXPIRATIONS",
    "REPOSSESSOR",
    "DB_VACUUM",
    "EVENT_PERSISTER",  # its writes make others wait for SQLite's lock
)
_ONE_RUN_SERVER = {f"PREFECT_SERVER_SERVICES_{name}_ENABLED": "false" for name in _IDLE_SERVICES}


class Request(Record):
    """What the caller asked for."""

    plan: str
    revision: str | None = None
    skip_deploy: bool = False
    resume: str | None = None
    overrides: dict[str, str] = {}
    warehouse: str | None = None
    run_id: str | None = None
    variables: dict[str, str] = {}
    purpose: Literal["validation", "audit"] = "validation"
    suites: tuple[str, ...] = ()  # of an audit; () = all
    controls: tuple[str, ...] = ()


class Wired(Record):
    """A run, ready to go: the plan and how to make the orders of each task.

    Attributes:
        root: the plan's folder; env: environment for processes; variables: templates by name.
        home: folder of the warehouse, with spools, work folders and reports.
    """

    request: Request
    plan: Plan
    started: RunStarted
    root: Path
    home: Path
    env: dict[str, str]
    variables: dict[str, str]

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.started.run_id

    def deployer(self) -> Deployer:
        """The plan's deployer; `--skip-deploy` makes it the one that deploys nothing."""
        nothing = self.plan.model_copy(update={"deploy": DeployNone()})
        plan = nothing if self.request.skip_deploy else self.plan
        return deployer_for(
            DeployOrder(
                run_id=self.run_id,
                plan=plan,
                revision=self.request.revision,
                root=self.root,
                env=self.env,
                variables=self.variables,
            )
        )

    def moved(self, urls: Mapping[str, str]) -> Wired:
        """The same run with other addresses for its services, as a control serves them."""
        services = {
            name: service.model_copy(update={"url": urls.get(name, service.url)})
            for name, service in self.plan.services.items()
        }
        plan = self.plan.model_copy(update={"services": services})
        variables = plan_variables(plan, self.request.revision, self.run_id)
        return self.model_copy(update={"plan": plan, "variables": variables})

    def suite_order(
        self, phase: Phase, suite: Suite, attempt: int = 1, only: Iterable[str] = ()
    ) -> SuiteOrder:
        """The order for one attempt of one suite."""
        extra = {key: fill(text, self.variables) for key, text in suite.env.items()}
        return SuiteOrder(
            run_id=self.run_id,
            phase=phase.id,
            suite=suite,
            command=tuple(fill(part, self.variables) for part in suite.command),
            cwd=self.root / suite.cwd,
            env={**self.env, **extra},
            targets=self._targets(suite),
            attempt=attempt,
            only=tuple(only),
            work_dir=self.work_dir(phase.id, suite.id),
            timeout_s=suite.timeout,
            test_timeout_s=suite.test_timeout,
            proxied=self._by_scheme(suite, "http", "ws"),
            watched=tuple(map(_endpoint, self._by_scheme(suite, "https", "wss").values())),
        )

    def probe_order(self, phase: Phase, probe: ProbePlan, attempt: int = 1) -> ProbeOrder:
        """The order for one attempt of one probe, with the keys that it signs with."""
        keys = signing_keys(probe, self.env)
        return ProbeOrder(
            run_id=self.run_id,
            phase=phase.id,
            probe=probe,
            attempt=attempt,
            variables={**self.variables, **keys},
            root=self.root,
        )

    def work_dir(self, phase: str, suite: str) -> Path:
        """Folder of one suite's streams and logs."""
        return self.home / "runs" / self.run_id / phase / suite

    def _by_scheme(self, suite: Suite, *schemes: str) -> dict[str, str]:
        """Services to look at from outside, where the runner cannot be looked into.

        A proxy stands before plain ones; TLS has a name on its certificate, which is no proxy's.
        """
        if suite.results is None or suite.witness == "none":
            return {}
        urls = {n: self.plan.services[n].url for n in suite.targets or self.plan.services}
        return {name: url for name, url in urls.items() if urlsplit(url).scheme in schemes}

    def _targets(self, suite: Suite) -> tuple[Endpoint, ...]:
        names = suite.targets or tuple(self.plan.services)
        return tuple(_endpoint(self.plan.services[name].url) for name in names)


def _endpoint(url: str) -> Endpoint:
    parts = urlsplit(url)
    return Endpoint(host=parts.hostname or "", port=_port(parts.scheme, parts.port))


def signing_keys(probe: ProbePlan, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The keys that a probe signs with, by the variable that the probe looks for."""
    env = os.environ if environ is None else environ
    return {k.variable: env[k.env] for k in keys_of(probe) if k.env and k.env in env}


def prefect_defaults() -> None:
    """Settings that make Prefect start well; whatever the user has set stays."""
    for name, value in _PREFECT_DEFAULTS.items():
        os.environ.setdefault(name, value)


def variables_of_the_process() -> Mapping[str, str]:
    """The environment, for configuration that names secrets in it."""
    return dict(os.environ)


def has_prefect_api() -> bool:
    """Whether runs go to a server that is already there: by variable or by Prefect profile.

    Read without importing Prefect, since that alone takes over a second.
    """
    if "PREFECT_API_URL" in os.environ:
        return bool(os.environ["PREFECT_API_URL"])
    home = Path(os.environ.get("PREFECT_HOME") or Path.home() / ".prefect")
    profiles = Path(os.environ.get("PREFECT_PROFILES_PATH") or home / "profiles.toml")
    return _active_profile(profiles).get("PREFECT_API_URL", "") != ""


def _active_profile(file: Path) -> dict[str, str]:
    try:
        known = tomllib.loads(file.read_text())
    except (OSError, tomllib.TOMLDecodeError):
        return {}
    name = os.environ.get("PREFECT_PROFILE") or known.get("active", "")
    profile = known.get("profiles", {}).get(name, {})
    return {key: str(value) for key, value in profile.items()}


def prefect_server(home: Path) -> PrefectServer:
    """A server for this run alone; everything that imports Prefect from now on uses it."""
    env = {**_ONE_RUN_SERVER, **os.environ}
    server = PrefectServer(env, home / "prefect-server.log")
    os.environ["PREFECT_API_URL"] = server.api_url
    return server


def warehouse_path(given: str | None) -> Path:
    """`--warehouse`, else `GOLDENPATH_WAREHOUSE`, else `var/goldenpath.duckdb` here.

    For ``postgresql://…`` it is this machine's copy of it, in `var/` here.
    """
    named = given or os.environ.get("GOLDENPATH_WAREHOUSE") or DEFAULT_WAREHOUSE
    return file_of(named, Path(DEFAULT_WAREHOUSE).parent).absolute()


def read_plan(
    path: str,
    overrides: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
) -> Plan:
    """The plan of a file, with the environment filled in.

    Raises:
        PlanError: every fault of the file, or that it cannot be read.
    """
    file = Path(path)
    environ = {**os.environ, **(variables or {})}
    return load_plan(read_text(file), path, environ, _exists_below(file.parent), overrides)


def read_text(file: Path) -> str:
    """A file's text.

    Raises:
        PlanError: it is missing, a folder, not readable or not UTF-8.
    """
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise PlanError([Fault("there is no such file", str(file), hint=_near(file))]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError([Fault(f"cannot be read: {error}", str(file))]) from None


def wire(request: Request) -> Wired:
    """Everything that a run needs; nothing is started yet.

    Raises:
        PlanError: the plan has faults.
        UsageError: the warehouse cannot be written, or the run to resume cannot be.
    """
    plan = read_plan(request.plan, request.overrides, request.variables)
    warehouse = warehouse_path(request.warehouse)
    Warehouse(warehouse).check_writable()
    root = Path(request.plan).absolute().parent
    started = _resumed(request, plan, warehouse) if request.resume else _started(request, plan)
    request = request.model_copy(update={"revision": started.revision})
    env = _child_env(request.variables)
    variables = plan_variables(plan, started.revision, started.run_id)
    return Wired(
        request=request,
        plan=plan,
        started=started,
        root=root,
        home=warehouse.parent,
        env=env,
        variables=variables,
    )


def open_recorder(wired: Wired, listeners: Iterable[Listener] = ()) -> Recorder:
    """The run's recorder; a new run begins with its first fact."""
    spools = Warehouse(warehouse_path(wired.request.warehouse)).spools
    recorder = Recorder(spools, wired.run_id, listeners)
    if not wired.request.resume:
        recorder.record(wired.started)
    return recorder


def _started(request: Request, plan: Plan) -> RunStarted:
    at = now()
    revision = request.revision or getattr(plan.deploy, "revision", None)
    return RunStarted(
        run_id=request.run_id or new_run_id(plan.plan, at),
        plan=plan.plan,
        plan_path=request.plan,
        plan_hash=plan_hash(plan),
        plan_json=plan_json(plan),
        environment=plan.environment,
        deployment_id=f"{revision or 'live'}@{at:%Y%m%dT%H%M%SZ}",
        revision=revision,
        irreversible_migration=plan.irreversible_migration,
        gate_version=gate_version(),
        purpose=request.purpose,
        started_at=at,
    )


def _resumed(request: Request, plan: Plan, warehouse: Path) -> RunStarted:
    view = Warehouse(warehouse).view(request.resume or "")
    started = view.evidence.run
    if (started.purpose == "audit") is not (request.purpose == "audit"):
        right = "audit" if started.purpose == "audit" else "run"
        raise UsageError(f"{started.run_id} goes on with goldenpath {right} --resume")
    if started.plan_hash != plan_hash(plan):
        raise UsageError(
            f"run {started.run_id} was begun with another version of {request.plan}: its results"
            " cannot be completed under new rules; start a new run"
        )
    return started


def _child_env(extra: Mapping[str, str]) -> dict[str, str]:
    """The environment for suites and deployers; our own interpreter comes first on PATH.

    Without that, `python -m pytest` in a plan would mean another interpreter than the one of the
    gate whenever its virtual environment is used without being activated.
    """
    env = {**os.environ, **extra}
    if sys.prefix != sys.base_prefix and "VIRTUAL_ENV" not in env:
        env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', os.defpath)}"
    return env


def _exists_below(root: Path) -> Callable[[str], bool]:
    return lambda name: (root / name).exists()


def _near(file: Path) -> str:
    plans = sorted(str(p) for p in file.parent.glob("*.y*ml")) if file.parent.is_dir() else []
    return f"there are: {', '.join(plans[:5])}" if plans else ""


def _port(scheme: str, port: int | None) -> int:
    return port or (443 if scheme in ("https", "wss") else 80)
