"""A server that behaves like the APIs of GitHub and GitLab, as far as the gate uses them.

Sources: GitHub REST "Commit statuses", "Issues", "Timeline events", "Pulls", "Commits", "Workflow
runs"; GitLab REST "Commits", "Issues", "Notes", "Repositories".
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt

TOKEN = "a-token-that-nobody-sees"
Answer = tuple[int, Any]


class Forge:
    """Issues, comments, statuses and reviews in memory.

    Attributes:
        got: every call that was allowed in: method, path, body.
        first: answers that are given before the usual ones: (status, headers, text).
        lost: how many of the next writes are done and answered with 502 all the same.
        pulls: number -> pull or merge request; ancestors: pairs (commit, revision that has it).
    """

    def __init__(self) -> None:
        self.got: list[tuple[str, str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.first: list[tuple[int, dict[str, str], str]] = []
        self.lost = 0
        self.issues: list[dict[str, Any]] = []
        self.notes: dict[int, list[str]] = {}
        self.pulls: dict[int, dict[str, Any]] = {}
        self.ancestors: set[tuple[str, str]] = set()
        self.apps: dict[str, Any] = {}  # id of a GitHub App -> its public key
        self.before_open: Callable[[], None] = lambda: None
        self._lock = threading.Lock()

    def paths(self, method: str = "POST") -> list[str]:
        return [path for how, path, _ in self.got if how == method]

    def bodies(self, ending: str) -> list[Any]:
        return [body for _, path, body in self.got if path.endswith(ending) and body is not None]

    def answer(self, method: str, target: str, body: Any) -> Answer:
        """One allowed call."""
        url = urlsplit(target)
        query = parse_qs(url.query)
        with self._lock:
            self.got.append((method, url.path, body))
            for how, pattern, do in self._routes():
                if how == method and (match := re.fullmatch(pattern, url.path)):
                    return do(match, query, body)
        return 404, {"message": "Not Found"}

    def app_token(self, proof: str) -> tuple[int, dict[str, str], str]:
        """A token for an installation, for who proves to be the App."""
        app = str(jwt.decode(proof, options={"verify_signature": False}).get("iss"))
        try:
            claims = jwt.decode(proof, self.apps[app], algorithms=["RS256"])
        except (jwt.PyJWTError, KeyError):
            return 401, {}, '{"message": "A JSON web token could not be decoded"}'
        fits = claims["exp"] - claims["iat"] <= 660
        return (201, {}, json.dumps({"token": TOKEN})) if fits else (401, {}, "{}")

    def _routes(self) -> list[tuple[str, str, Callable[..., Answer]]]:
        hub, lab = r"/repos/([^/]+/[^/]+)", r"/projects/([^/]+)"
        return [
            ("POST", hub + r"/(?:statuses/[0-9a-f]+|deployments/\d+/statuses)", self._made),
            ("POST", lab + r"/statuses/[0-9a-f]+", self._made),
            ("POST", hub + r"/actions/runs/\d+/deployment_protection_rule", self._reviewed),
            ("GET", hub + "/issues", self._list_hub),
            ("GET", lab + "/issues", self._list_lab),
            ("POST", f"(?:{hub}|{lab})/issues", self._open),
            ("PATCH", hub + r"/issues/(\d+)", self._edit),
            ("PUT", lab + r"/issues/(\d+)", self._edit),
            ("GET", rf"(?:{hub}|{lab})/issues/(\d+)/(?:comments|notes)", self._read_notes),
            ("POST", rf"(?:{hub}|{lab})/issues/(\d+)/(?:comments|notes)", self._note),
            ("GET", hub + r"/issues/(\d+)/timeline", self._timeline),
            ("GET", lab + r"/issues/(\d+)/closed_by", self._closed_by),
            ("GET", hub + r"/pulls/(\d+)", lambda m, q, b: (200, self.pulls[int(m[2])])),
            ("GET", hub + r"/compare/(.+)\.\.\.(.+)", self._compare),
            ("GET", lab + "/repository/merge_base", self._merge_base),
        ]

    def _made(self, *_: Any) -> Answer:
        return 201, {}

    def _reviewed(self, match: Any, query: Any, body: Any) -> Answer:
        fits = body.get("state") in ("approved", "rejected") and body.get("environment_name")
        return (204, None) if fits else (422, {"message": "Validation Failed"})

    def _listed(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        size, page = int(query["per_page"][0]), int(query["page"][0])
        found = [one for one in self.issues if query["labels"][0] in one["labels"]]
        return found[size * (page - 1) : size * page]

    def _list_hub(self, match: Any, query: Any, body: Any) -> Answer:
        return 200, [self._hub(one) for one in self._listed(query)]

    def _list_lab(self, match: Any, query: Any, body: Any) -> Answer:
        return 200, [self._lab(one) for one in self._listed(query)]

    def _hub(self, one: dict[str, Any]) -> dict[str, Any]:
        base = {key: one[key] for key in ("title", "body", "state_reason")}
        pull = {"pull_request": {}} if one.get("is_pull") else {}
        url = f"https://github.test/issues/{one['n']}"
        return {**base, **pull, "number": one["n"], "html_url": url, "state": one["state"]}

    def _lab(self, one: dict[str, Any]) -> dict[str, Any]:
        state = "opened" if one["state"] == "open" else "closed"
        told = {"iid": one["n"], "web_url": f"https://gitlab.test/{one['n']}", "state": state}
        return {**told, "title": one["title"], "description": one["body"], "id": 9000 + one["n"]}

    def _open(self, match: Any, query: Any, body: Any) -> Answer:
        self.before_open()
        labels = body["labels"] if isinstance(body["labels"], list) else body["labels"].split(",")
        made = self.add(body["title"], body.get("body") or body.get("description"), labels)
        return 201, {"number": made["n"], "iid": made["n"]}

    def add(self, title: str, body: str, labels: list[str], **more: Any) -> dict[str, Any]:
        """An issue, whoever opened it."""
        made = {"n": len(self.issues) + 1, "title": title, "body": body, "labels": labels}
        self.issues.append({**made, "state": "open", "state_reason": None, **more})
        return made

    def _edit(self, match: Any, query: Any, body: Any) -> Answer:
        one = self.issues[int(match[2]) - 1]
        one["body"] = body.get("body") or body.get("description") or one["body"]
        words = {"close": "closed", "reopen": "open"}
        one["state"] = body.get("state") or words.get(body.get("state_event")) or one["state"]
        one["state_reason"] = body.get("state_reason", one["state_reason"])
        return 200, {}

    def _read_notes(self, match: Any, query: Any, body: Any) -> Answer:
        size, page = int(query["per_page"][0]), int(query["page"][0])
        found = [{"body": text} for text in self.notes.get(int(match[match.lastindex]), [])]
        return 200, found[size * (page - 1) : size * page]

    def _note(self, match: Any, query: Any, body: Any) -> Answer:
        self.notes.setdefault(int(match[match.lastindex]), []).append(body["body"])
        return 201, {}

    def _timeline(self, match: Any, query: Any, body: Any) -> Answer:
        events = [{"event": "labeled"}]
        for number, pull in self.pulls.items():
            issue = {"number": number, "title": pull["title"], "body": pull["body"]}
            issue |= {
                "pull_request": {"url": f"https://api/{number}"},
                "repository": {"full_name": match[1]},
            }
            events.append({"event": "cross-referenced", "source": {"issue": issue}})
        return 200, events

    def _closed_by(self, match: Any, query: Any, body: Any) -> Answer:
        return 200, list(self.pulls.values())

    def _compare(self, match: Any, query: Any, body: Any) -> Answer:
        has = (match[2], match[3]) in self.ancestors
        return 200, {"status": "ahead" if has else "diverged"}

    def _merge_base(self, match: Any, query: Any, body: Any) -> Answer:
        commit, revision = query["refs[]"]
        return 200, {"id": commit if (commit, revision) in self.ancestors else "0" * 40}


@contextmanager
def forge_server() -> Iterator[tuple[Forge, str]]:
    """The forge and the root of its API."""
    forge = Forge()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body are two writes

        def _serve(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            told = {k.lower(): v for k, v in self.headers.items()}
            forge.headers.append(told)
            status, headers, text = self._decided(told, body)
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(text.encode()))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        def _decided(self, told: dict[str, str], body: Any) -> tuple[int, dict[str, str], str]:
            if forge.first:
                forge.got.append((self.command, urlsplit(self.path).path, body))
                return forge.first.pop(0)
            if installation := re.fullmatch(r"/app/installations/\d+/access_tokens", self.path):
                forge.got.append((self.command, installation[0], body))
                return forge.app_token(told.get("authorization", "")[7:])
            if TOKEN not in (told.get("private-token"), told.get("authorization", "")[7:]):
                forge.got.append((self.command, urlsplit(self.path).path, body))
                return 401, {}, '{"message": "Bad credentials"}'
            status, value = forge.answer(self.command, self.path, body)
            if forge.lost and self.command != "GET":
                forge.lost -= 1
                return 502, {"retry-after": "0"}, ""
            return status, {}, "" if value is None else json.dumps(value)

        do_GET = do_POST = do_PUT = do_PATCH = _serve

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield forge, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
