"""Hidden marks: by them the gate finds its own issues and comments again."""

from __future__ import annotations

import hashlib
import json
import re

_INCIDENT = re.compile(r"<!-- goldenpath:incident (\{[^\n]{1,4000}\}) -->")
_NOTE = re.compile(r"<!-- goldenpath:note ([A-Za-z0-9_.:-]{1,200}) -->")
BEGIN, END = "<!-- goldenpath:begin -->", "<!-- goldenpath:end -->"


def incident_mark(plan: str, environment: str, signature: str) -> str:
    """One line, invisible where Markdown is shown. A signature cannot end the comment early."""
    told = json.dumps({"plan": plan, "environment": environment, "signature": signature})
    for letter in "<>-&":
        told = told.replace(letter, f"\\u{ord(letter):04x}")
    return f"<!-- goldenpath:incident {told} -->"


def signature_in(body: str, plan: str, environment: str) -> str | None:
    """The signature of an issue's body; None where it is none of this plan and environment.

    A body with two different marks is nobody's: somebody has pasted one issue into another.
    """
    found = set()
    for match in _INCIDENT.finditer(body):
        try:
            told = json.loads(match[1])
        except ValueError:
            continue
        if isinstance(told, dict):
            found.add((told.get("plan"), told.get("environment"), told.get("signature")))
    if len(found) != 1:
        return None
    [(its_plan, its_environment, signature)] = found
    is_ours = (its_plan, its_environment) == (plan, environment)
    return signature if is_ours and isinstance(signature, str) else None


def note_mark(*parts: str) -> str:
    """The first line of a comment that is written once: for the same parts the same mark."""
    readable = re.sub(r"[^A-Za-z0-9_.:-]", "_", "-".join(parts))[:120]
    return f"<!-- goldenpath:note {readable}-{_short(*parts)} -->"


def mark_of_note(text: str) -> str | None:
    """The mark with which a comment begins, None where it has none."""
    match = _NOTE.match(text)
    return match[0] if match else None


def put_in(body: str, ours: str) -> str:
    """The body with our part replaced; what people wrote around it stays."""
    part = f"{BEGIN}\n{ours}\n{END}"
    head, begin, rest = body.partition(BEGIN)
    _, end, tail = rest.partition(END)
    return f"{head}{part}{tail}" if begin and end else part


def _short(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]
