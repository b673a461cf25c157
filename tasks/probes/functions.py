"""The functions of `python` steps, from files of the plan's folder."""

from __future__ import annotations

import importlib.util
import inspect
from pathlib import Path
from types import ModuleType

from data.errors import UsageError
from data.records.probe_plan import HttpProbe, JourneyProbe, steps_of
from data.rules.journey.book import Function


def load_functions(probe: HttpProbe | JourneyProbe, root: Path) -> dict[str, Function]:
    """Each function that a probe names, by what the plan calls it.

    Raises:
        UsageError: a file or a function is not there, or is none; all faults at once.
    """
    found: dict[str, Function] = {}
    faults: list[str] = []
    for name in dict.fromkeys(step.python.function for step in steps_of(probe) if step.python):
        try:
            found[name] = _function(name, root)
        except UsageError as error:
            faults.append(str(error))
    if faults:
        raise UsageError("; ".join(faults))
    return found


def _function(name: str, root: Path) -> Function:
    file, _, attribute = name.partition(":")
    function: Function | None = getattr(_module(root / file), attribute, None)
    if function is None:
        raise UsageError(f"{file} has no function {attribute!r}")
    if not inspect.isgeneratorfunction(function):
        raise UsageError(f"{name} is no generator function: it has to `yield` its moves")
    return function


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"goldenpath_step_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise UsageError(f"there is no Python file {path}")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UsageError(f"{path} cannot be loaded: {type(error).__name__}: {error}") from error
    return module
