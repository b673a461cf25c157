"""Ids of tests from files of results: stable from run to run, and each of them once."""

from __future__ import annotations

import re

_SCRIPT = re.compile(r"^(?:/|[A-Za-z]:[\\/]).*\.[cm]?[jt]sx?$")
_OF_A_RUN = re.compile(r"-20\d{12}$")


class Ids:
    """Ids that were given out, over all files that are read together.

    The first owner keeps the bare id; every later one gets `#2`, `#3` in order of reading.
    """

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}
        self._names: dict[str, str] = {}  # of ids that are not the bare name
        self._times: dict[str, int] = {}  # of names that were claimed twice

    def claim(self, name: str, owner: str) -> tuple[str, str]:
        """A unique id for a name, and the finding if the name was taken.

        Args:
            owner: the file that has it.
        """
        if name not in self._owners:
            self._owners[name] = owner
            if name in self._times:
                self._times[name] += 1
            return name, ""
        n = self._times[name] = self._times.get(name, 1) + 1
        finding = f"duplicated id: {n} tests are named {name!r}"
        while (given := f"{name}#{n}") in self._owners:
            n += 1
        self._owners[given], self._names[given] = owner, name
        return given, finding

    def release(self, owner: str) -> None:
        """Forget what a file owns: it was replaced and is read anew."""
        for given in [given for given, other in self._owners.items() if other == owner]:
            del self._owners[given]
            name = self._names.pop(given, given)
            if name in self._times:
                self._times[name] -= 1

    def all(self) -> tuple[str, ...]:
        """Every id that was given out, in order of reading."""
        return tuple(self._owners)


def stable(name: str) -> str:
    """A suite's name without the time of the run, which xmlrunner puts behind it."""
    return _OF_A_RUN.sub("", name) if name[-14:].isdecimal() else name


def is_script(name: str) -> bool:
    """Whether a test has a file's name, as node calls one without tests or that did not load."""
    return _SCRIPT.match(name) is not None


def junit_name(suite: str, project: str, classname: str, name: str, file: str = "") -> str:
    """`<class>::<name>`; the suite stands in for a class that says nothing.

    Jest and Mocha repeat the name in the class; node writes `test` for every class, and the path
    on this machine for a file; jest-junit
    calls the suite of a file without `describe` "undefined"; Playwright has the same test once a
    project (a browser).

    Args:
        suite: names of the suites around it, from the outermost in, joined by ` > `.
        project: Playwright's, "" for none and for every other runner.
        file: where the case names one.
    """
    if project and suite == classname:
        return f"{project}/{classname}::{name}"
    place = classname
    if classname in ("", name, "test") or name.endswith(f" {classname}"):
        place = file if suite == "undefined" and file else suite
        if classname == "test" and is_script(name):
            name = re.split(r"[\\/]", name)[-1]
    place, name = stable(place).strip(), name.strip()
    return f"{place}::{name}" if place and name else place or name or "(no name)"


def ctrf_name(suite: object, file: object, browser: object, name: object) -> str:
    """`<suite or file>::<name>`, behind the browser's name without its version."""
    parts = suite if isinstance(suite, list) else [suite or file or ""]
    place = " > ".join(str(part) for part in parts if part)
    head = re.split(r"[\s/\d]", str(browser or ""), maxsplit=1)[0]
    own = str(name or "").strip()
    if place and own.startswith(f"{place}::"):  # pytest's ids begin with their file
        place = ""
    whole = "::".join(part for part in (place, own) if part)
    return (f"{head}/{whole}" if head else whole) or "(no name)"
