"""`${VAR}`, `${VAR:-default}` and `$${` (a literal `${`) in a plan's scalars."""

from __future__ import annotations

import re
from collections.abc import Mapping

_VARIABLE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


def expand(text: str, environ: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """The text with its variables filled in, and the names that are neither set nor defaulted.

    An empty variable counts as unset where a default is given, as in a shell.
    """
    unset: list[str] = []

    def fill(match: re.Match[str]) -> str:
        if match[1] is None:
            return "${"
        value = environ.get(match[1])
        if match[2] is not None:
            return value or match[2]
        if value is None:
            unset.append(match[1])
        return value or ""

    return _VARIABLE.sub(fill, text), tuple(unset)
