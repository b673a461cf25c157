"""The product under test: a shop of three articles, over HTTP, on the standard library alone.

Its page `/` asks `/articles` and each price from the browser, as shops do.
"""

from __future__ import annotations

import json
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ARTICLES = {"tea": 4.5, "milk": 1.2, "bread": 3.1}
PAGE = """<!doctype html><title>Shop</title><h1>Shop</h1><ul></ul><script type="module">
for (const name of await (await fetch("/articles")).json()) {
  const { price } = await (await fetch(`/articles/${name}`)).json();
  document.querySelector("ul").append(Object.assign(document.createElement("li"), { textContent: `${name} ${price}` }));
}
</script>"""
WORK_S = 0.03  # what a shop takes to look things up
REVISION = os.environ.get("SHOP_REVISION", "1.0")


class Shop(BaseHTTPRequestHandler):
    """`/`, `/health`, `/version`, `/articles` and `/articles/<name>`; 404 for all else."""

    def do_GET(self) -> None:
        time.sleep(WORK_S)
        if self.path == "/":
            self._say(200, "text/html", PAGE.encode())
            return
        body = _answer(self.path)
        raw = json.dumps(body if body is not None else {"error": "no such thing"}).encode()
        self._say(200 if body is not None else 404, "application/json", raw)

    def _say(self, status: int, kind: str, raw: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


def _answer(path: str) -> object:
    if path == "/health":
        return {"status": "healthy"}
    if path == "/version":
        return {"revision": REVISION}
    if path == "/articles":
        return sorted(ARTICLES)
    price = ARTICLES.get(path.removeprefix("/articles/"))
    if price is not None and os.environ.get("SHOP_FAULT") == "prices":
        price = 0.0
    return None if price is None else {"price": price}


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Shop).serve_forever()
