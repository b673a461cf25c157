"""Nonces: what a question holds that no earlier answer can, and whose they are.

A nonce reads like `K7Q2-9XTM`. Its last three letters check the others together with the run's
id, so that a nonce of another execution of the same run is known wherever it turns up, by every
process of a load, without a list: a text of the same shape passes as one in 1 of 32,768 cases.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from zlib import crc32

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # without 0, O, 1 and I
N_FREE = 5
_SHAPE = re.compile(f"(?<![A-Za-z0-9])([{LETTERS}]{{4}})-([{LETTERS}]{{4}})(?![A-Za-z0-9])")


def nonce(letters: str, run_id: str) -> str:
    """The nonce of `N_FREE` random letters in a run."""
    check = crc32(f"{run_id} {letters}".encode())
    signs = "".join(LETTERS[check >> shift & 31] for shift in (0, 5, 10))
    return f"{letters[:4]}-{letters[4:]}{signs}"


def nonces_in(text: str) -> list[str]:
    """Whatever has the shape of a nonce."""
    return [found[0] for found in _SHAPE.finditer(text)]


def stranger(text: str, names: Mapping[str, str]) -> str:
    """A nonce in `text` of another execution of the same run, "" without one.

    A text that holds the own nonce too is no stranger's: it may tell the user's own history.

    Args:
        names: variables; `nonce` is the execution's own, `run_id` the run's.
    """
    own, run_id = names.get("nonce", ""), names.get("run_id", "")
    if own and own in text:
        return ""
    for found in _SHAPE.finditer(text):
        if found[0] == nonce(found[1] + found[2][0], run_id):
            return found[0]
    return ""
