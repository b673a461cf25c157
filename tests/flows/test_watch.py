"""What was promoted with watch is looked at where users are, until it is good, gone or bad."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gate import Stack
from prefect.client.schemas.objects import State
from prefect.settings import PREFECT_API_URL, temporary_settings

from data.store.warehouse import Warehouse
from flows.watch import watch
from tests.flows.test_promoting import telling, writes

pytestmark = pytest.mark.soak  # a run of the whole gate each, and some looks


@pytest.fixture
def on_server(prefect_api: str) -> Iterator[None]:
    with temporary_settings({PREFECT_API_URL: prefect_api}):
        yield


def plan(folder: Path, tested: str, live: str) -> Path:
    path = folder / "plan.yaml"
    phases = [
        {"id": f"phase-{name}", "priority": name, "probes": [
            {"id": f"ask-{name}", "kind": "http", "request": {"url": "{{services.api.url}}/"},
             "expect": {"status": 418 if name == "P3" else 200}}]}
        for name in ("P1", "P3")
    ]  # fmt: skip
    document = {
        "plan": "small", "environment": "here", "fence_reads": 1, "phases": phases,
        "services": {"api": {"url": tested, "health": {"path": "/", "status": None},
                             "revision": {"json": "revision"}}},
        "health": {"interval": "10ms", "consecutive": 1, "deadline": "1s"},
        "deploy": {"deployer": "command", "command": writes("tested"), "promote": writes("live")},
        "promotion": {"execute": True, "with_watch": True, "live": {"api": live}},
        "watch": {"looks": 2},
        "notify": [{"to": "NOBODY_KNOWS_THIS"}],
    }  # fmt: skip
    path.write_text(json.dumps(document))
    return path


async def look(path: Path, stack: Stack) -> State[Any]:
    state: State[Any] = await watch(str(path), warehouse=str(stack.warehouse), return_state=True)
    return state


def noted(stack: Stack) -> list[tuple[str, str, str]]:
    store = Warehouse(stack.warehouse)
    acted = store.view(store.runs(1)[0].run_id).acted
    return [(a.action, a.outcome, a.message) for a in acted if "watch" in a.action]


@pytest.mark.usefixtures("on_server")
async def test_a_watch_closes_by_itself_after_good_looks_and_says_so(
    new_stack: Callable[..., Stack], prefect_api: str, tmp_path: Path
) -> None:
    stack = new_stack(prefect_api)
    with telling(tmp_path / "tested") as tested, telling(tmp_path / "live") as live:
        path = plan(tmp_path, tested, live)
        assert (await look(path, stack)).name == "nothing to watch"
        done = stack("run", str(path), "--revision", "v2", "--json")
        assert (done.exit_code, done.json()["verdict"]) == (0, "PROMOTE_WITH_WATCH"), done.stderr
        states = [await look(path, stack) for _ in range(3)]
    assert [state.name for state in states] == ["good", "watch closed", "nothing to watch"]
    assert [(action, outcome) for action, outcome, _ in noted(stack)] == [
        ("watch: look 1", "good"), ("watch: look 2", "good"), ("watch", "done"),
    ]  # fmt: skip
    assert noted(stack)[-1][2] == "closed: 2 good looks in a row, 2 in all"
    run_id = done.json()["run_id"]
    assert "closed: 2 good looks in a row" in stack("show", run_id).stdout
    assert len(stack("runs", "--json").json()) == 1


@pytest.mark.usefixtures("on_server")
async def test_a_bad_look_is_told_and_ends_the_watch(
    new_stack: Callable[..., Stack], prefect_api: str, tmp_path: Path
) -> None:
    stack = new_stack(prefect_api)
    with telling(tmp_path / "tested") as tested:
        with telling(tmp_path / "live") as live:
            path = plan(tmp_path, tested, live)
            assert stack("run", str(path), "--revision", "v2").exit_code == 0
        state = await look(path, stack)  # nobody serves users any more
        assert (state.name, state.is_failed()) == ("HOLD", True)
        assert (await look(path, stack)).name == "nothing to watch"
    actions = [(action, outcome) for action, outcome, _ in noted(stack)]
    assert actions == [
        ("watch: look 1", "bad"), ("watch", "failed"), ("tell NOBODY_KNOWS_THIS of the watch", "failed"),
    ]  # fmt: skip


@pytest.mark.usefixtures("on_server")
async def test_where_users_get_something_else_there_is_nothing_to_watch(
    new_stack: Callable[..., Stack], prefect_api: str, tmp_path: Path
) -> None:
    stack = new_stack(prefect_api)
    with telling(tmp_path / "tested") as tested, telling(tmp_path / "live") as live:
        path = plan(tmp_path, tested, live)
        assert stack("run", str(path), "--revision", "v2").exit_code == 0
        (tmp_path / "live").write_text("v1")
        state = await look(path, stack)
    assert (state.name, state.is_completed()) == ("watch closed", True)
    assert "api serves v1 and not v2" in noted(stack)[-1][2]
