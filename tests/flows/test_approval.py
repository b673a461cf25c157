"""A run that asks a person goes on as that person says, and is held while nobody has said anything."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from gate import Stack, wait_for

from tests.flows.test_promoting import telling, writes

pytestmark = pytest.mark.soak  # a run of the whole gate each


def plan(folder: Path, tested: str, live: str, red: str, **approval: Any) -> Path:
    """A plan whose phase of that priority fails; "" for none."""
    path = folder / "plan.yaml"
    phases = [
        {"id": f"phase-{name}", "priority": name, "probes": [
            {"id": f"ask-{name}", "kind": "http", "request": {"url": f"{tested}/"},
             "expect": {"status": 418 if name == red else 200}}]}
        for name in ("P1", "P2", "P3")
    ]  # fmt: skip
    document = {
        "plan": "small", "environment": "here", "fence_reads": 1, "phases": phases,
        "services": {"api": {"url": tested, "health": {"path": "/", "status": None},
                             "revision": {"json": "revision"}}},
        "health": {"interval": "10ms", "consecutive": 1, "deadline": "5s"},
        "deploy": {"deployer": "command", "command": writes("tested"), "promote": writes("live")},
        "promotion": {"execute": True, "live": {"api": live}},
        "approval": {"verdicts": ["PROMOTE_WITH_WATCH", "HOLD"], "wait": "60s", **approval},
    }  # fmt: skip
    path.write_text(json.dumps(document))
    return path


class Waiting:
    """A run that was begun and waits for a person, or has ended without."""

    def __init__(self, stack: Stack, path: Path, *args: str) -> None:
        self.stack = stack
        before = set(self._runs())
        self.process: subprocess.Popen[str] = stack.start("run", str(path), *args)
        resumed = args[args.index("--resume") + 1] if "--resume" in args else ""
        if resumed:
            self.run_id, n = resumed, len(stack.spool(resumed))
            self._wait(lambda: self._asks(n))
            return
        self._wait(lambda: bool(set(self._runs()) - before))
        self.run_id = (set(self._runs()) - before).pop()
        self._wait(self._asks)

    def _asks(self, n: int = 0) -> bool:
        """Whether it has recorded, after its first `n` facts, that it is held, and its verdict."""
        return {"decision", "verdict"} <= {f["kind"] for f in self.stack.spool(self.run_id)[n:]}

    def _runs(self) -> list[str]:
        return [p.stem for p in Path(f"{self.stack.warehouse}.spool").glob("**/*.jsonl")]

    def _wait(self, seen: Callable[[], bool]) -> None:
        wait_for(lambda: seen() or self.process.poll() is not None, 60, "the run to ask")

    def approve(self, word: str, by: str = "Ann", reason: str = "known and accepted") -> int:
        return self.stack(
            "approve", self.run_id, "--decision", word, "--by", by, "--reason", reason
        ).exit_code

    def fill_in(self, api: str, **form: str) -> int:
        """As Prefect's UI does."""
        found = httpx.post(f"{api}/flow_runs/filter", json={"sort": "START_TIME_DESC"}).json()
        paused = [one for one in found if one["state"]["type"] == "PAUSED"]
        wanted = [
            one for one in paused if one["labels"].get("goldenpath.run_id") == self.run_id
        ] or paused
        told = httpx.post(f"{api}/flow_runs/{wanted[0]['id']}/resume", json={"run_input": form})
        return 200 if told.json().get("status") == "ACCEPT" else 422

    def pauses(self, api: str) -> int:
        """How often it has waited so far: a form that says nothing is shown again."""
        found = httpx.post(f"{api}/flow_runs/filter", json={"sort": "START_TIME_DESC"}).json()
        [mine] = [one for one in found if one["name"] == self.run_id]
        states = httpx.get(f"{api}/flow_run_states/", params={"flow_run_id": mine["id"]}).json()
        return [one["type"] for one in states].count("PAUSED")

    def end(self) -> tuple[int, dict[str, Any]]:
        code = self.process.wait(60)
        return code, self.stack("show", self.run_id, "--json").json()


@pytest.fixture
def made(new_stack: Callable[..., Stack], prefect_api: str) -> Stack:
    return new_stack(prefect_api)


# name → (priority that fails, how it is decided, word, exit code, users then get)
DECIDED: dict[str, tuple[str, str, str, int, str]] = {
    "watched, promoted from here": ("P3", "cli", "promote", 0, "v2"),
    "watched, held from here": ("P3", "cli", "hold", 10, "v1"),
    "watched, held in Prefect": ("P3", "prefect", "hold", 10, "v1"),
    "held for P2, promoted in Prefect": ("P2", "prefect", "promote", 0, "v2"),
}


@pytest.mark.parametrize("case", DECIDED)
def test_the_run_goes_on_as_the_person_says(
    case: str, made: Stack, prefect_api: str, tmp_path: Path
) -> None:
    red, how, word, code, users = DECIDED[case]
    with telling(tmp_path / "tested") as tested, telling(tmp_path / "live") as live:
        run = Waiting(made, plan(tmp_path, tested, live, red), "--revision", "v2")
        assert made("show", run.run_id, "--json").json()["exit_code"] == 10
        if how == "prefect":
            blank = {"decision": word, "name": " ", "reason": "x"}
            wait_for(lambda: run.fill_in(prefect_api, **blank) == 200, 20, "the form to be there")
            wait_for(lambda: run.pauses(prefect_api) == 2, 20, "the form to be there again")
            wait_for(
                lambda: run.fill_in(prefect_api, decision=word, name="", reason="x") == 422
                and run.fill_in(prefect_api, decision=word, name="Ann", reason="known and accepted") == 200,
                20, "the form to be there",
            )  # fmt: skip
        else:
            assert run.approve(word) == 0
        ended, document = run.end()
    assert (ended, document["exit_code"], (tmp_path / "live").read_text()) == (code, code, users)
    decided = document["decision"]
    assert [decided[key] for key in ("decision", "by", "reason", "how")] == [
        word, "Ann", "known and accepted", how,
    ]  # fmt: skip
    assert "Ann" in made("show", run.run_id).stdout
    rows = made("sql", "SELECT decided_by, asked_verdict FROM decisions", "--json").json()
    asked = "PROMOTE_WITH_WATCH" if red == "P3" else "HOLD"
    assert rows == [{"decided_by": "Ann", "asked_verdict": asked}]
    assert document["verdict"] == asked


def test_nobody_in_time_is_hold(made: Stack, tmp_path: Path) -> None:
    with telling(tmp_path / "tested") as tested, telling(tmp_path / "live") as live:
        path = plan(tmp_path, tested, live, "P3", wait="1s")
        done = made("run", str(path), "--revision", "v2", "--json")
    assert (done.exit_code, (tmp_path / "live").read_text()) == (10, "v1"), done.stderr
    assert done.json()["decision"]["how"] == "time-out"
    assert done.json()["verdict"] == "PROMOTE_WITH_WATCH"
    late = made(
        "approve", done.json()["run_id"], "--decision", "promote", "--by", "A", "--reason", "b"
    )
    assert (late.exit_code, "waits for nobody" in late.stderr) == (2, True)


def test_an_unproven_p1_is_nobodys_to_promote(made: Stack, tmp_path: Path) -> None:
    with telling(tmp_path / "tested") as tested, telling(tmp_path / "live") as live:
        done = made("run", str(plan(tmp_path, tested, live, "P1")), "--revision", "v2", "--json")
    assert (done.exit_code, (tmp_path / "live").read_text()) == (10, "v1"), done.stderr
    acted = {one["action"]: one for one in done.json()["acted"]}
    assert acted["ask a person"]["outcome"] == "refused"
    assert "of P1 is FAIL" in acted["ask a person"]["message"]
    run_id = done.json()["run_id"]
    late = made("approve", run_id, "--decision", "promote", "--by", "A", "--reason", "b")
    assert (late.exit_code, "waits for nobody" in late.stderr) == (2, True)


def test_a_run_that_was_killed_while_it_waited_is_held_and_asks_again(
    made: Stack, tmp_path: Path
) -> None:
    with telling(tmp_path / "tested") as tested, telling(tmp_path / "live") as live:
        path = plan(tmp_path, tested, live, "P3")
        run = Waiting(made, path, "--revision", "v2")
        run.process.kill()
        run.process.wait(10)
        assert made("show", run.run_id, "--json").json()["exit_code"] == 10
        assert run.approve("promote") == 2
        again = Waiting(made, path, "--resume", run.run_id)
        assert again.approve("promote") == 0
        ended, _ = again.end()
        assert (ended, (tmp_path / "live").read_text()) == (0, "v2")


# while there is a file `slow` it waits, and whoever waited does nothing any more
_SLOW = (
    "import pathlib, sys, time\n"
    "slow = pathlib.Path('slow')\n"
    "while slow.exists():\n"
    "    pathlib.Path('promoting').touch(); time.sleep(0.05)\n"
    "    if not slow.exists(): sys.exit(1)\n"
    "pathlib.Path('live').write_text(sys.argv[1])"
)


@pytest.mark.parametrize(("word", "code", "users"), [("promote", 0, "v2"), ("hold", 10, "v1")])
def test_a_resumed_run_whose_case_is_the_same_does_not_ask_again(
    made: Stack, tmp_path: Path, word: str, code: int, users: str
) -> None:
    (tmp_path / "slow").touch()
    with telling(tmp_path / "tested") as tested, telling(tmp_path / "live") as live:
        path = plan(tmp_path, tested, live, "P3")
        document = json.loads(path.read_text())
        document["deploy"]["promote"] = [sys.executable, "-c", _SLOW, "{{revision}}"]
        path.write_text(json.dumps(document))
        run = Waiting(made, path, "--revision", "v2")
        assert run.approve(word) == 0
        if word == "promote":  # killed between the answer and what follows from it
            wait_for((tmp_path / "promoting").exists, 30, "the promotion to begin")
            run.process.kill()
        run.process.wait(30)
        (tmp_path / "slow").unlink()
        again = made("run", str(path), "--resume", run.run_id, "--json")
        assert (again.exit_code, (tmp_path / "live").read_text()) == (code, users), again.stderr
        assert (again.json()["decision"]["by"], again.json()["exit_code"]) == ("Ann", code)
        assert "nobody is asked again" in again.stderr


def test_an_answer_that_the_killed_process_had_not_read_is_not_asked_for_again(
    made: Stack, tmp_path: Path
) -> None:
    with telling(tmp_path / "tested") as tested, telling(tmp_path / "live") as live:
        path = plan(tmp_path, tested, live, "P3")
        run = Waiting(made, path, "--revision", "v2")
        run.process.send_signal(signal.SIGSTOP)
        assert run.approve("promote") == 0
        run.process.kill()
        run.process.wait(30)
        assert made("show", run.run_id, "--json").json()["exit_code"] == 10
        again = made("run", str(path), "--resume", run.run_id, "--json")
        assert (again.exit_code, (tmp_path / "live").read_text()) == (0, "v2"), again.stderr
        assert (again.json()["decision"]["by"], again.json()["decision"]["how"]) == ("Ann", "cli")


@pytest.mark.parametrize(("word", "code", "users"), [("promote", 0, "v2"), ("hold", 10, "v1")])
def test_approve_reaches_a_run_of_another_machine_through_prefect(
    made: Stack, new_stack: Callable[..., Stack], prefect_api: str, tmp_path: Path,
    word: str, code: int, users: str,
) -> None:  # fmt: skip
    elsewhere = new_stack(prefect_api)  # another folder, so another warehouse and no journal
    answer = ("--decision", word, "--by", "Ann", "--reason", "known")
    unknown = elsewhere("approve", "no-such-run", *answer)
    assert unknown.exit_code == 2 and "waits at the Prefect server" in unknown.stderr
    with telling(tmp_path / "tested") as tested, telling(tmp_path / "live") as live:
        run = Waiting(made, plan(tmp_path, tested, live, "P3"), "--revision", "v2")
        alone = elsewhere("approve", run.run_id, *answer, PREFECT_API_URL="")
        assert alone.exit_code == 2 and "set PREFECT_API_URL" in alone.stderr
        wait_for(lambda: elsewhere("approve", run.run_id, *answer).exit_code == 0, 20, "the form")
        ended, document = run.end()
    assert (ended, (tmp_path / "live").read_text()) == (code, users)
    decided = document["decision"]
    assert [decided[key] for key in ("decision", "by", "reason", "how")] == [
        word, "Ann", "known", "prefect",
    ]  # fmt: skip
    late = elsewhere("approve", run.run_id, *answer)
    assert late.exit_code == 2 and "Traceback" not in late.stderr
