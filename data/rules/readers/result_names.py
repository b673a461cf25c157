"""Ids of tests from files of results: stable from run to run, and each of them once."""

from __future__ import annotations

import re
from collections import Counter

_SPEC_FILE = re.compile(r"\.(?:spec|test)\.[cm]?[jt]sx?$")


class Ids:
    """Ids that were given out, over all files that are read together.

    The first owner keeps the bare id; every later one gets `#2`, `#3` in order of reading.
    """

    def __init__(self) -> None:
        self._owners: dict[str, str] = {}
        self._times: Counter[str] = Counter()

    def claim(self, name: str, owner: str) -> tuple[str, str]:
        """A unique id for a name, and the finding if the name was taken.

        Args:
            owner: the file that has it.
        """
        self._times[name] += 1
        given, n = name, self._times[name]
        while given in self._owners:
            n = max(n, 2)
            given, n = f"{name}#{n}", n + 1
        self._owners[given] = owner
        if given == name:
            return name, ""
        return given, f"duplicated id: {self._times[name]} tests are named {name!r}"

    def release(self, owner: str) -> None:
        """Forget what a file owns: it was replaced and is read anew."""
        mine = [name for name, other in self._owners.items() if other == owner]
        for name in mine:
            del self._owners[name]
            self._times[name] -= 1

    def all(self) -> tuple[str, ...]:
        """Every id that was given out, in order of reading."""
        return tuple(self._owners)


def junit_name(suite: str, hostname: str, classname: str, name: str) -> str:
    """`<class>::<name>`; the suite stands in for a class that says nothing.

    Jest repeats the name in the class; node writes `test` for every class; Playwright has its
    project (the browser) in the host's name, and one test is there once a project.

    Args:
        suite: names of the suites around it, from the outermost in, joined by ` > `.
    """
    if _SPEC_FILE.search(classname) and suite == classname and hostname:
        return f"{hostname}/{classname}::{name}"
    place = suite if classname in ("", name, "test") else classname
    return "::".join(part for part in (place.strip(), name.strip()) if part) or "(no name)"


def ctrf_name(suite: object, file: object, browser: object, name: object) -> str:
    """`<suite or file>::<name>`, behind the browser's name without its version."""
    parts = suite if isinstance(suite, list) else [suite or file or ""]
    place = " > ".join(str(part) for part in parts if part)
    head = re.split(r"[\s/\d]", str(browser or ""), maxsplit=1)[0]
    whole = "::".join(part for part in (place, str(name or "").strip()) if part)
    return (f"{head}/{whole}" if head else whole) or "(no name)"
