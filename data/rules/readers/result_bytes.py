"""Bytes in pieces → text that a parser takes: encodings, broken ones included."""

from __future__ import annotations

import codecs
import re

_DECLARED = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})""")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"),
         (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
# XML 1.0 has no word for these, not even as a reference; runners print them all the same.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_REFERENCE = re.compile(
    "&#(?:0*(?:[0-8]|1[124-9]|2[0-9]|3[01])|[xX]0*(?:[0-8bBcCeEfF]|1[0-9a-fA-F]));"
)
_HEAD_BYTES = 256
_REFERENCE_CHARS = 16


class Decoder:
    """Text of a file as it comes. What cannot be read becomes U+FFFD and is counted.

    Attributes:
        n_broken: bytes that are none in the file's encoding.
        encoding: as declared or marked; "" until the first bytes came.
    """

    def __init__(self, xml: bool) -> None:
        self.encoding = ""
        self.n_broken = 0
        self.unknown = ""
        self._xml = xml
        self._head = b""
        self._rest = ""
        self._decoder: codecs.IncrementalDecoder | None = None

    def feed(self, chunk: bytes, last: bool = False) -> str:
        """The text that these bytes complete."""
        if self._decoder is None:
            self._head += chunk
            if not (last or self._told_enough()):
                return ""
            chunk, self._head = self._head, b""
            self._decoder = self._begin(chunk)
        text = self._decoded(self._decoder, chunk, last)
        return self._legal(text, last) if self._xml else text

    def faults(self) -> list[str]:
        """What is wrong with the encoding, if anything."""
        found = [f"unknown encoding {self.unknown!r}, read as UTF-8"] if self.unknown else []
        if self.n_broken:
            found.append(f"{self.n_broken} characters are not {self.encoding}: broken encoding")
        return found

    def _told_enough(self) -> bool:
        """Whether the mark and the declaration are there, if there are any."""
        return len(self._head) >= _HEAD_BYTES or (b">" if self._xml else b'"') in self._head

    def _begin(self, head: bytes) -> codecs.IncrementalDecoder:
        marked = next((name for bom, name in _BOMS if head.startswith(bom)), "")
        declared = _DECLARED.match(head) if self._xml else None
        name = marked or (declared[1].decode() if declared else "utf-8")
        try:
            made = codecs.getincrementaldecoder(name)
            made().decode(b"")
        except (LookupError, UnicodeError, ValueError):
            self.unknown, name, made = name, "utf-8", codecs.getincrementaldecoder("utf-8")
        self.encoding = name.removesuffix("-sig")
        return made("replace")

    def _decoded(self, decoder: codecs.IncrementalDecoder, chunk: bytes, last: bool) -> str:
        text = decoder.decode(chunk, last)
        n = text.count("\ufffd")
        if n:  # characters that were there as such are no fault
            self.n_broken += max(0, n - chunk.count("\ufffd".encode(self.encoding, "replace")))
        return text

    def _legal(self, text: str, last: bool) -> str:
        text, self._rest = self._rest + text, ""
        cut = text.rfind("&", max(0, len(text) - _REFERENCE_CHARS))
        if cut >= 0 and not last and ";" not in text[cut:]:
            text, self._rest = text[:cut], text[cut:]
        if _ILLEGAL.search(text):
            text = _ILLEGAL.sub("\ufffd", text)
        return _REFERENCE.sub("\ufffd", text) if "&#" in text else text
