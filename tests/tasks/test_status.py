"""A verdict beside a commit: only an approval is a success, and a token is in no message."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from data.errors import UsageError
from data.records.words import VerdictWord
from data.rules.hooks.statuses import call_of, place_of, state_of
from tasks.publish.status import show_status

TOKEN = "a-token-that-nobody-sees"


class Forge:
    """Answers as GitHub's and GitLab's status APIs do: created, refused, limited, not found."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.first: list[tuple[int, dict[str, str], str]] = []
        forge = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                headers = {k.lower(): v for k, v in self.headers.items()}
                forge.got.append((self.path, headers, body))
                right = TOKEN in (
                    headers.get("private-token"),
                    headers.get("authorization", "")[7:],
                )
                usual = (201, {}, "{}") if right else (401, {}, '{"message": "Bad credentials"}')
                status, extra, text = forge.first.pop(0) if forge.first else usual
                self.send_response(status)
                for name, value in {**extra, "content-length": str(len(text))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    async def show(
        self, where: str, state: str | None, why: str = "because", token: str = TOKEN
    ) -> str:
        place = place_of(where)
        return await show_status(
            self.url, token, place, call_of(place, state, why, "golden-path/staging", "")
        )


@pytest.fixture
def forge() -> Iterator[Forge]:
    made = Forge()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.mark.parametrize("word", [*VerdictWord, "Crashed", "Completed", "Cancelled", "success", ""])
def test_only_an_approval_is_a_success(word: str) -> None:
    approves = word in ("PROMOTE", "PROMOTE_WITH_WATCH")
    assert (state_of(word) == "success") == approves
    gitlab = call_of(place_of("gitlab:g/p@abcdef1"), word, "", "n", "")
    assert (gitlab.body["state"] == "success") == approves


CALLS: dict[str, tuple[str, str | None, str, dict[str, str]]] = {
    "GitHub, commit": ("github:o/r@abcdef1", "HOLD", "/repos/o/r/statuses/abcdef1", {"state": "failure", "context": "golden-path/staging", "description": "HOLD: because"}),
    "GitHub, goes on": ("github:o/r@abcdef1", None, "/repos/o/r/statuses/abcdef1", {"state": "pending", "context": "golden-path/staging", "description": "running: because"}),
    "GitHub, deployment": ("github:o/r#7", "PROMOTE", "/repos/o/r/deployments/7/statuses", {"state": "success", "description": "PROMOTE: because"}),
    "GitHub, deployment goes on": ("github:o/r#7", None, "/repos/o/r/deployments/7/statuses", {"state": "in_progress", "description": "running: because"}),
    "GitLab": ("gitlab:g/s/p@abcdef1", "ROLL_BACK", "/projects/g%2Fs%2Fp/statuses/abcdef1", {"state": "failed", "name": "golden-path/staging", "description": "ROLL_BACK: because"}),
    "GitLab, goes on": ("gitlab:g/p@abcdef1", None, "/projects/g%2Fp/statuses/abcdef1", {"state": "running", "name": "golden-path/staging", "description": "running: because"}),
}  # fmt: skip


@pytest.mark.parametrize("where,state,path,body", CALLS.values(), ids=CALLS)
async def test_each_forge_is_told_in_its_own_form(
    forge: Forge, where: str, state: str | None, path: str, body: dict[str, str]
) -> None:
    assert await forge.show(where, state) == ""
    assert [(p, b) for p, _, b in forge.got] == [(path, body)]


async def test_what_passes_is_tried_again(forge: Forge) -> None:
    forge.first = [(429, {"retry-after": "0"}, ""), (502, {"retry-after": "0"}, "")]
    assert await forge.show("github:o/r@abcdef1", "PROMOTE") == ""
    assert len(forge.got) == 3


async def test_what_is_refused_is_said_once_and_without_the_token(forge: Forge) -> None:
    said = await forge.show("github:o/r@abcdef1", "PROMOTE", token="wrong-token")
    assert said == "github answered 401 to /repos/o/r/statuses/abcdef1"
    assert len(forge.got) == 1


async def test_a_status_that_gitlab_has_already_is_shown(forge: Forge) -> None:
    text = '{"message": "Cannot transition status via :run from :running"}'
    forge.first = [(400, {}, text)]
    assert await forge.show("gitlab:g/p@abcdef1", None) == ""


async def test_a_long_reason_is_cut_to_what_github_takes(forge: Forge) -> None:
    await forge.show("github:o/r@abcdef1", "HOLD", "ü" * 500)
    assert len(forge.got[0][2]["description"]) == 140


@pytest.mark.parametrize(
    "where",
    [
        "",
        "github:o/r",
        "gitlab:g/p#7",
        "bitbucket:o/r@abcdef1",
        "github:o/r@main",
        "github:o r@abcdef1",
        "github:o/r@abcdef1\n",
    ],
)
def test_a_place_that_is_none_is_refused(where: str) -> None:
    with pytest.raises(UsageError, match="expected github:"):
        place_of(where)
