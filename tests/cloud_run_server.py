"""A server that behaves like the Cloud Run Admin API v2, as far as the gate uses it.

It also serves the users: `/at/SERVICE/live/…` and `/at/SERVICE/TAG/…` answer with the revision.
Sources: Cloud Run Admin API v2, `projects.locations.services` (get, patch), `….revisions` (get),
`….operations` (get); google.rpc.Code.
"""

from __future__ import annotations

import copy
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from suites.stage import QuietServer

Json = dict[str, Any]
Answer = tuple[int, Json]
PARENT = "projects/shop-1/locations/europe-west1"
BY_NAME = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"
LATEST = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
SUCCEEDED, FAILED, BUSY = "CONDITION_SUCCEEDED", "CONDITION_FAILED", "CONDITION_RECONCILING"


def image(digit: int) -> str:
    return f"registry.test/shop/app@sha256:{str(digit) * 64}"


class CloudRun:
    """Services, revisions and operations in memory.

    Attributes:
        calls: method and path of every call, writes with their body.
        first: (method, status, headers) of answers that are given before the usual ones.
        n_lost: so many of the next writes are done and answered with 503 all the same.
        n_looks: an operation is over when it was looked at so often.
        broken: image -> why it does not start.
        before_write: called once, before the next write is looked at: somebody else's chance.
        after_write: called once, when the next operation is over.
        sick: revisions that answer 500 to users.
        deaf: traffic is taken, and users get what they got.
    """

    def __init__(self) -> None:
        self.url = ""
        self.services: dict[str, Json] = {}
        self.revisions: dict[str, Json] = {}
        self.operations: dict[str, Json] = {}
        self.calls: list[tuple[str, str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.first: list[tuple[str, int, dict[str, str]]] = []
        self.n_lost, self.n_looks = 0, 2
        self.broken: dict[str, str] = {}
        self.before_write: Callable[[], None] | None = None
        self.after_write: Callable[[], None] | None = None
        self.deaf = False
        self.sick: set[str] = set()
        self._lock = threading.RLock()

    # what somebody does at the console

    def add(self, name: str, *containers: Json) -> None:
        """A service whose traffic goes to the latest revision, NAME-v1, as `gcloud` makes it."""
        template = {
            "containers": list(containers)
            or [{"image": image(1), "ports": [{"containerPort": 8080}]}]
        }
        self.services[name] = {
            "name": f"{PARENT}/services/{name}", "generation": 1, "etag": '"1"',
            "template": {**template, "serviceAccount": "shop@test"},
            "traffic": [{"type": LATEST, "percent": 100}],
            "uri": f"{self.url}/at/{name}/live", "labels": {"team": "shop"},
        }  # fmt: skip
        self.revise(name, "v1")

    def revise(self, name: str, suffix: str, picture: str | None = None) -> str:
        """Another revision, ready."""
        service = self.services[name]
        if picture:
            service["template"]["containers"][0]["image"] = picture
        full = f"{name}-{suffix}"
        self.revisions[full] = _revision(name, full, service["template"])
        self._end(service, full)
        return full

    def send(self, name: str, **percents: int) -> None:
        """Traffic by suffix; tags are lost."""
        service = self.services[name]
        service["traffic"] = [
            {"type": BY_NAME, "revision": f"{name}-{suffix}", "percent": percent}
            for suffix, percent in percents.items()
        ]
        self._end(service, "")

    def send_again(self, name: str) -> None:
        """What was asked for, once more."""
        self._end(self.services[name], "")

    def touch(self, name: str) -> None:
        """A change that moves nobody."""
        self.services[name]["labels"]["touched"] = "yes"
        self._count(self.services[name])

    # what users and tests see

    def users(self, name: str) -> dict[str, int]:
        found: dict[str, int] = {}
        for one in self.services[name]["trafficStatuses"]:
            if one.get("percent"):
                found[one["revision"]] = found.get(one["revision"], 0) + one["percent"]
        return found

    def tag(self, name: str, tag: str = "candidate") -> str | None:
        seen = self.services[name]["trafficStatuses"]
        return next((one["revision"] for one in seen if one.get("tag") == tag), None)

    def writes(self) -> list[Json]:
        return [body for method, _, body in self.calls if method == "PATCH"]

    def answer(self, method: str, target: str, body: Any) -> tuple[int, dict[str, str], Json]:
        url = urlsplit(target)
        with self._lock:
            if match := re.fullmatch(r"/at/([a-z-]+)/([a-z-]+)(/.*)?", url.path):
                return self._serve(match[1], match[2])
            self.calls.append((method, url.path, body))
            for planned in self.first:
                if planned[0] == method:
                    self.first.remove(planned)
                    return planned[1], planned[2], _error(planned[1], f"planned {planned[1]}")
            status, told = self._route(method, url.path, parse_qs(url.query), body)
            return status, {}, told

    def _serve(self, name: str, at: str) -> tuple[int, dict[str, str], Json]:
        found = next(iter(self.users(name)), None) if at == "live" else self.tag(name, at)
        status = (500 if found in self.sick else 200) if found else 404
        return status, {}, {"revision": found}

    def _route(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Answer:
        kind, name = path.removeprefix(f"/v2/{PARENT}/").split("/", 1)
        if kind == "operations":
            return self._operation(name)
        if "/revisions/" in name:
            found = self.revisions.get(name.split("/")[-1])
            return (200, found) if found else (404, _error(404, "no such revision"))
        if name not in self.services:
            return 404, _error(404, f"service {name} not found")
        if method == "GET":
            return 200, copy.deepcopy(self.services[name])
        return self._patch(name, query["updateMask"][0].split(","), body)

    def _patch(self, name: str, fields: list[str], body: Json) -> Answer:
        if self.before_write:
            act, self.before_write = self.before_write, None
            act()
        service = self.services[name]
        made = body.get("template", {}).get("revision")
        if body.get("etag") != service["etag"]:
            return 409, _error(409, "the resource was changed in between (etag)", "ABORTED")
        if made in self.revisions:
            return 409, _error(409, f"revision {made} already exists", "ALREADY_EXISTS")
        for one in body.get("traffic", ()):
            if one["revision"] not in self.revisions:
                return 400, _error(400, f"no revision {one['revision']}", "INVALID_ARGUMENT")
        service.update({field: body[field] for field in fields})
        for one in service["traffic"]:  # the client may say enumerations as numbers
            one["type"] = {1: LATEST, 2: BY_NAME}.get(one["type"], one["type"])
        self._count(service)
        service["reconciling"] = True
        if made:
            self.revisions[made] = _revision(name, made, body["template"], BUSY)
            service["latestCreatedRevision"] = f"{PARENT}/services/{name}/revisions/{made}"
        number = str(len(self.operations) + 1)
        self.operations[number] = {"service": name, "made": made or "", "looks": 0}
        if self.n_lost:
            self.n_lost -= 1
            self._finish(self.operations[number])
            return 503, _error(503, "the answer was lost")
        return 200, {"name": f"{PARENT}/operations/{number}", "done": False}

    def _operation(self, number: str) -> Answer:
        found = self.operations[number]
        found["looks"] += 1
        told: Json = {
            "name": f"{PARENT}/operations/{number}",
            "done": found["looks"] >= self.n_looks,
        }
        if told["done"]:
            told |= self._finish(found)
        return 200, told

    def _finish(self, operation: Json) -> Json:
        if "told" not in operation:
            service = self.services[operation["service"]]
            operation["told"] = self._end(service, operation["made"])
            if self.after_write:
                act, self.after_write = self.after_write, None
                act()
        return operation["told"]  # type: ignore[no-any-return]

    def _end(self, service: Json, made: str) -> Json:
        name = service["name"].split("/")[-1]
        service.update(reconciling=False)
        self._count(service)
        service["generation"] -= 1
        service["observedGeneration"] = service["generation"]
        failed = ""
        if made:
            revision, path = self.revisions[made], f"{PARENT}/services/{name}/revisions/{made}"
            failed = self.broken.get(revision["containers"][0]["image"], "")
            state = FAILED if failed else SUCCEEDED
            revision["conditions"] = [{"type": "Ready", "state": state, "message": failed}]
            service["latestCreatedRevision"] = path
            if not failed:
                service["latestReadyRevision"] = path
        if not self.deaf or "trafficStatuses" not in service:
            service["trafficStatuses"] = [
                self._status(service, name, one) for one in service["traffic"]
            ]
        if failed:
            return {"error": {"code": 9, "message": f"Revision '{made}' is not ready: {failed}"}}
        told = {"@type": "type.googleapis.com/google.cloud.run.v2.Service", **service}
        return {"response": copy.deepcopy(told)}

    def _status(self, service: Json, name: str, route: Json) -> Json:
        latest = service["latestReadyRevision"].split("/")[-1]
        tag = {"uri": f"{self.url}/at/{name}/{route['tag']}"} if route.get("tag") else {}
        return {
            **route,
            **tag,
            "revision": latest if route["type"] == LATEST else route["revision"],
        }

    def _count(self, service: Json) -> None:
        service["generation"] += 1
        service["etag"] = f'"{int(service["etag"].strip(chr(34))) + 1}"'


def _revision(service: str, name: str, template: Json, state: str = SUCCEEDED) -> Json:
    return {
        "name": f"{PARENT}/services/{service}/revisions/{name}",
        "containers": copy.deepcopy(template["containers"]),
        "conditions": [{"type": "Ready", "state": state, "message": ""}],
    }


def _error(code: int, message: str, status: str = "") -> Json:
    return {"error": {"code": code, "message": message, "status": status}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._answer()

    def do_PATCH(self) -> None:
        self._answer()

    def _answer(self) -> None:
        run: CloudRun = self.server.run  # type: ignore[attr-defined]
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        run.headers.append({key.lower(): value for key, value in self.headers.items()})
        status, headers, told = run.answer(self.command, self.path, body)
        text = json.dumps(told).encode()
        self.send_response(status)
        for key, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: Any) -> None:
        """Silent."""


@contextmanager
def cloud_run(*services: str) -> Iterator[CloudRun]:
    """The API with these services, each with NAME-v1 live as the latest."""
    server, run = QuietServer(("127.0.0.1", 0), _Handler), CloudRun()
    server.run = run  # type: ignore[attr-defined]
    run.url = f"http://127.0.0.1:{server.server_address[1]}"
    for name in services:
        run.add(name)
    threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    ).start()
    try:
        yield run
    finally:
        server.shutdown()
        server.server_close()
