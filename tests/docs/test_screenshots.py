"""The pictures of the documentation can be taken again, and show something."""

from __future__ import annotations

import importlib.util
import itertools
import struct
import zlib
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest
from gate import ROOT

from data.records.evidence import RunView
from data.report.html import run_html
from data.rules.dossier import read_dossier
from data.rules.judge import judge

EVIDENCE = ROOT / "examples" / "worklog" / "evidence.json"
IMAGES = ROOT / "docs" / "images"


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("screenshots", ROOT / "docs" / "screenshots.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


screenshots = load()
needs_browser = pytest.mark.skipif(screenshots.chromium() is None, reason="no Chromium here")


def pixels(png: bytes) -> list[bytes]:
    """The pixels of an 8-bit RGB or RGBA picture, row after row (PNG, sections 9.2 and 9.3)."""
    width, height, depth, kind = struct.unpack(">IIBB", png[16:26])
    assert depth == 8
    assert kind in (2, 6)
    n = 3 if kind == 2 else 4
    raw, above, found = zlib.decompress(_data(png)), bytearray(width * n), []
    for y in range(height):
        start = y * (width * n + 1)
        row = bytearray(raw[start + 1 : start + 1 + width * n])
        for x in range(len(row)):
            left, corner = (row[x - n], above[x - n]) if x >= n else (0, 0)
            row[x] = (row[x] + _guess(raw[start], left, above[x], corner)) & 255
        found += [bytes(row[x : x + 3]) for x in range(0, len(row), n)]
        above = row
    return found


def _data(png: bytes) -> bytes:
    at, parts = 8, b""
    while at < len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        if png[at + 4 : at + 8] == b"IDAT":
            parts += png[at + 8 : at + 8 + size]
        at += size + 12
    return parts


def _guess(kind: int, left: int, up: int, corner: int) -> int:
    p = left + up - corner
    paeth = min((left, up, corner), key=lambda v: abs(p - v))
    return (0, left, up, (left + up) // 2, paeth)[kind]


@needs_browser
def test_the_report_is_photographed_light_and_dark_and_neither_is_blank(tmp_path: Path) -> None:
    dossier = read_dossier(EVIDENCE.read_text(), str(EVIDENCE))
    assert dossier.now is not None
    verdict = judge(dossier.plan, dossier.evidence, dossier.history, dossier.now)
    view = RunView(evidence=dossier.evidence, verdict=verdict, history=dossier.history)
    page = tmp_path / "report.html"
    page.write_text(run_html(view))
    backgrounds = []
    for dark in (False, True):
        picture = screenshots.shoot(page.as_uri(), tmp_path / f"{dark}.png", (500, 400), dark=dark)
        seen = Counter(pixels(picture.read_bytes()))
        assert len(seen) > 50, "text and tones have many shades; a blank page has one"
        assert seen.most_common(1)[0][1] < 0.95 * seen.total()
        backgrounds.append(sum(seen.most_common(1)[0][0]))
    assert backgrounds[0] > 600 > 200 > backgrounds[1], "light is light, dark is dark"


@pytest.mark.parametrize(
    "name", ["flow-run", "report-light", "report-dark", "trends-light", "trends-dark"]
)
def test_a_picture_in_the_documentation_is_small_and_not_blank(name: str) -> None:
    png = (IMAGES / f"{name}.png").read_bytes()
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert 50_000 < len(png) < 300_000  # a blank one of this size has some 8 kB


def test_pictures_are_told_from_blank_ones() -> None:
    """The reader of pixels itself: one row of each filter over a known gradient."""
    rows = [[(10 * x + y, x, y) for x in range(4)] for y in range(5)]
    flat = [[value for pixel in row for value in pixel] for row in rows]
    raw = b""
    for kind, (row, above) in enumerate(zip(flat, [[0] * 12, *flat], strict=False)):
        guesses = [
            _guess(kind, row[x - 3] if x >= 3 else 0, above[x], above[x - 3] if x >= 3 else 0)
            for x in range(12)
        ]
        raw += bytes([kind, *((v - g) & 255 for v, g in zip(row, guesses, strict=True))])
    body = zlib.compress(raw)
    head = struct.pack(">IIBBBBB", 4, 5, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part)) + name + part + b"crc!"
        for name, part in ((b"IHDR", head), (b"IDAT", body), (b"IEND", b""))
    )
    assert pixels(png) == [bytes(pixel) for pixel in itertools.chain(*rows)]
