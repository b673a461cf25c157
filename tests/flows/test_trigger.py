"""`trigger`: what it says and with which code it ends, without a server and with a real one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from gate import ROOT, clean_env
from test_hooks_in_prefect import Api, _worker

from data.records.words import VerdictWord
from data.rules.ending import exit_code_of
from flows.cli import main

FLOW = """
from prefect import flow
from prefect.states import Completed, Failed


@flow
async def wait(revision: str, skip_deploy: bool = False):
    if revision == "broken":
        raise ValueError("broken")
    return (Completed if revision.startswith("PROMOTE") else Failed)(name=revision, message="P1 FAIL x")
"""


@pytest.mark.parametrize(
    "state", ["Completed", "Crashed", "Cancelled", "Failed", "TimedOut", "", "promote"]
)
def test_what_is_no_verdict_approves_nothing(state: str) -> None:
    assert exit_code_of(state) == 1


def test_a_verdict_has_the_code_of_run() -> None:
    assert {word: exit_code_of(word) for word in VerdictWord} == {
        "PROMOTE": 0, "PROMOTE_WITH_WATCH": 0, "HOLD": 10, "ROLL_BACK": 11, "SUPERSEDED": 12,
    }  # fmt: skip


WRONG: dict[str, tuple[list[str], dict[str, str], str]] = {
    "no server": (["a/b"], {"PREFECT_API_URL": ""}, "PREFECT_API_URL"),
    "no place": (
        ["a/b", "--status", "here"],
        {"PREFECT_API_URL": "http://127.0.0.1:9/api"},
        "expected github:",
    ),
    "no target": ([], {}, "PLAN|DEPLOYMENT"),
}


@pytest.mark.parametrize("args,env,said", WRONG.values(), ids=WRONG)
def test_wrong_use_is_said_with_exit_code_2(
    args: list[str], env: dict[str, str], said: str
) -> None:
    done = CliRunner().invoke(main, ["trigger", *args], env=env)
    assert (done.exit_code, said in done.output) == (2, True), done.output


@pytest.mark.soak
async def test_it_waits_for_the_verdict_of_a_real_server(prefect_api: str, tmp_path: Path) -> None:
    api = Api(prefect_api, tmp_path)
    (tmp_path / "waiting.py").write_text(FLOW)
    api.deployment("judged")
    worker = _worker(api)
    try:
        found = {r: _trigger(api, "wait/judged", r) for r in ("PROMOTE", "HOLD", "broken")}
        again = _trigger(api, "wait/judged", "PROMOTE")
        missing = _trigger(api, "wait/nothing", "PROMOTE")
    finally:
        worker.terminate()
        worker.wait(60)
    assert {r: code for r, (code, _) in found.items()} == {"PROMOTE": 0, "HOLD": 10, "broken": 1}
    ids = [json.loads(out)["flow_run_id"] for _, out in (found["PROMOTE"], again)]
    assert ids[0] == ids[1], "the same key is the same run"
    assert missing[0] == 2


def _trigger(api: Api, target: str, revision: str) -> tuple[int, str]:
    env = clean_env(
        PREFECT_API_URL=api.url, PREFECT_HOME=str(api.folder / "prefect"), PYTHONPATH=str(ROOT)
    )
    argv = [sys.executable, "-m", "flows.cli", "trigger", target, "--revision", revision]
    done = subprocess.run(
        [*argv, "--key", revision, "--json", "--timeout", "90"],
        env=env,
        cwd=api.folder,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout
