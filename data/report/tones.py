"""From words to the five tones that a page may use; a tone always stands beside its word."""

from __future__ import annotations

from enum import StrEnum


class Tone(StrEnum):
    """A class name in the style sheet."""

    GOOD = "good"
    WATCH = "watch"
    WARN = "warn"
    BAD = "bad"
    MUTE = "mute"


_TONES = {
    Tone.GOOD: "PROMOTE PASS PROVEN WITNESSED healthy proven",
    Tone.WATCH: "PROMOTE_WITH_WATCH FLAKY",
    Tone.WARN: "HOLD NOT_RUN VACUOUS INSENSITIVE NOT_EVALUATED degraded",
    Tone.BAD: "ROLL_BACK FAIL ERROR down",
}
_BY_WORD = {word: tone for tone, words in _TONES.items() for word in words.split()}
_SYMBOLS = {Tone.GOOD: "✓", Tone.WATCH: "◐", Tone.WARN: "!", Tone.BAD: "✕", Tone.MUTE: "–"}

# The one palette of the charts, mid-tones that hold on white and on near-black.
COLOURS = {
    Tone.GOOD: "#2f9e6e",
    Tone.WATCH: "#3b82c4",
    Tone.WARN: "#d0912b",
    Tone.BAD: "#d64b45",
    Tone.MUTE: "#98a2b0",
}
GRADES = {
    "PROVEN": "#1f7a55",
    "WITNESSED": "#6cc3a0",
    "INSENSITIVE": "#e0b05c",
    "VACUOUS": "#d0712b",
    "UNKNOWN": "#98a2b0",
}
INK, GRID = "#5b6673", "#d5dbe2"  # the style sheet gives these two another value in the dark


def tone_of(word: str) -> Tone:
    """The tone of an outcome, grade, state or verdict; muted for any other word."""
    return _BY_WORD.get(word, Tone.MUTE)


def symbol_of(word: str) -> str:
    """A sign that tells tones apart without colour."""
    return _SYMBOLS[tone_of(word)]
