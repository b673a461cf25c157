"""The product under test: a shop of three articles, over HTTP, on the standard library alone."""

from __future__ import annotations

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ARTICLES = {"tea": 4.5, "milk": 1.2, "bread": 3.1}
REVISION = os.environ.get("SHOP_REVISION", "1.0")


class Shop(BaseHTTPRequestHandler):
    """`/health`, `/version`, `/articles` and `/articles/<name>`; 404 for all else."""

    def do_GET(self) -> None:
        body = _answer(self.path)
        raw = json.dumps(body if body is not None else {"error": "no such thing"}).encode()
        self.send_response(200 if body is not None else 404)
        self.send_header("Content-Type", "application/json")
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
