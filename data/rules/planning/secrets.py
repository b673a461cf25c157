"""Secrets written in clear: a plan is read by many people and kept in git."""

from __future__ import annotations

import re

from data.errors import Fault
from data.rules.planning.document import Document, Path, dotted, scalars

_NAMES = re.compile(
    r"(^|[_-])(password|passwd|secret|secret_?key|api_?key|access_?key|private_?key|auth_?token|"
    r"(access|api|refresh)_?token|bearer|credentials?)$|^token$",
    re.IGNORECASE,
)
_SHAPES = re.compile(
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.|-----BEGIN [A-Z ]*PRIVATE KEY|\bAKIA[0-9A-Z]{16}\b|"
    r"\bgh[pousr]_[A-Za-z0-9]{30,}|://[^/\s:@{}$]+:[^/\s:@{}$]+@|^(?:Bearer|Basic) [^{$\s]{12,}$"
)
# In these places a key such as `access_token` names where to look, not what it is.
_REFERENCES = {"capture", "expect", "fields", "every", "same", "first", "status", "json_path"}
_DEFAULT = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*:-([^}]*)\}")
_HINT = "refer to an environment variable instead: ${NAME}"


def secret_faults(document: Document, file: str) -> list[Fault]:
    """A fault for each scalar that is a secret by its name or by its shape."""
    empty = {path for path, value in scalars(document.value) if value is None or value is False}
    return [
        Fault("a secret is written in clear", file, document.line(path), dotted(path), _HINT)
        for path, text in document.raw.items()
        if path not in empty and _is_secret(path, text)
    ]


def _is_secret(path: Path, text: str) -> bool:
    if _SHAPES.search(text) or _SHAPES.search(_DEFAULT.sub(r"\1", text)):
        return True
    names = [part for part in path if isinstance(part, str)]
    refers = bool(_REFERENCES & set(names)) and "env" not in names
    if not names or refers or not _NAMES.search(names[-1]):
        return False
    return bool(_literal(text))


def _literal(text: str) -> str:
    """What is left of the text without `${VAR}` and `{{template}}`; a default is literal."""
    without = re.sub(r"\$\{[A-Za-z_][A-Za-z0-9_]*(?::-)?\}|\{\{[^}]*\}\}", "", text)
    return without.strip()
