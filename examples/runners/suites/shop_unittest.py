"""A suite of the standard library's `unittest`, as somebody wrote it before there was a gate."""

from __future__ import annotations

import json
import os
import unittest
import urllib.error
import urllib.request


def get(path: str) -> object:
    """The JSON of one address of the shop."""
    with urllib.request.urlopen(os.environ["SHOP_URL"] + path, timeout=5) as answer:
        return json.load(answer)


class Articles(unittest.TestCase):
    def test_there_are_three(self) -> None:
        self.assertEqual(get("/articles"), ["bread", "milk", "tea"])

    def test_every_article_has_a_price(self) -> None:
        for name in ("bread", "milk", "tea"):
            self.assertGreater(get(f"/articles/{name}")["price"], 0)

    def test_an_unknown_article_is_not_found(self) -> None:
        with self.assertRaises(urllib.error.HTTPError) as caught:
            get("/articles/gold")
        self.assertEqual(caught.exception.code, 404)
