"""The command deployer with real scripts: exit codes, JSON, time-outs, and no orphan."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest
from gate import processes_with, wait_for

from data.records.plan import Plan
from data.records.words import Outcome
from tasks.deploy.command import CommandDeployer, last_json
from tasks.deploy.deployer import DeployOrder, deployer_for

TWO = {name: {"url": f"http://{name}.invalid"} for name in ("front", "back")}


def deployer(
    folder: Path, *command: str, revision: str | None = "v2", **more: Any
) -> CommandDeployer:
    deploy = {"deployer": "command", "command": command, "retries": {"first_wait": "100ms"}, **more}
    plan = Plan.model_validate(
        {
            "plan": "site",
            "environment": "test",
            "services": TWO,
            "deploy": deploy,
            "phases": [{"id": "p", "priority": "P1"}],
        }
    )
    made = deployer_for(
        DeployOrder(run_id="r", plan=plan, revision=revision, root=folder, env={}, variables={})
    )
    assert isinstance(made, CommandDeployer)
    return made


def python(text: str) -> tuple[str, ...]:
    return (sys.executable, "-c", text)


# what the command prints → (revision of the run, revisions by service, previous)
TOLD: dict[str, tuple[str, dict[str, str], str | None]] = {
    "": ("v2", {"front": "v2", "back": "v2"}, None),
    "deployed fine": ("v2", {"front": "v2", "back": "v2"}, None),
    '{"revision": "v2-abc"}': ("v2", {"front": "v2-abc", "back": "v2-abc"}, None),
    'log line\n{"revision": "v9"}\nbye': ("v2", {"front": "v9", "back": "v9"}, None),
    '{"revisions": {"back": "b7"}, "previous": "v1"}': ("v2", {"back": "b7"}, "v1"),
    '{\n  "previous": "v1"\n}': ("v2", {"front": "v2", "back": "v2"}, "v1"),
    '["revision"]': ("v2", {"front": "v2", "back": "v2"}, None),
    '{"revision": ""}': ("v2", {"front": "v2", "back": "v2"}, None),
}


@pytest.mark.parametrize("printed", TOLD)
async def test_what_the_command_says_in_json_is_what_ought_to_serve(
    printed: str, tmp_path: Path
) -> None:
    result = await deployer(tmp_path, *python(f"print({printed!r})")).deploy()
    assert result.outcome is Outcome.PASS
    assert (result.revision, result.revisions, result.previous) == TOLD[printed]


async def test_without_a_named_revision_the_command_names_it(tmp_path: Path) -> None:
    command = python('print(\'{"revision": "v5"}\')')
    result = await deployer(tmp_path, *command, revision=None).deploy()
    assert result.revision == "v5"
    silent = await deployer(tmp_path, *python(""), revision=None).deploy()
    assert (silent.revision, silent.revisions) == (None, {})


async def test_the_revision_reaches_the_command_by_argument_and_by_variable(tmp_path: Path) -> None:
    text = "import os, sys; print(sys.argv[1], os.environ['REVISION'], os.environ['EXTRA'])"
    made = deployer(tmp_path, *python(text), "{{revision}}", env={"EXTRA": "tag-{{revision}}"})
    assert (await made.deploy()).log_tail.split() == ["v2", "v2", "tag-v2"]


async def test_a_transient_exit_code_is_tried_again_with_growing_waits(tmp_path: Path) -> None:
    text = (
        "import pathlib, sys, time; p = pathlib.Path('tries'); p.open('a').write(f'{time.time()}\\n');"
        "sys.exit(75 if len(p.read_text().split()) < 3 else 0)"
    )
    result = await deployer(tmp_path, *python(text)).deploy()
    assert (result.outcome, result.attempts) == (Outcome.PASS, 3)
    first, second, third = map(float, (tmp_path / "tries").read_text().split())
    assert second - first >= 0.1
    assert third - second >= 0.2


async def test_a_transient_exit_code_that_stays_fails_after_the_last_attempt(
    tmp_path: Path,
) -> None:
    result = await deployer(tmp_path, *python("import sys; sys.exit(75)")).deploy()
    assert (result.outcome, result.attempts) == (Outcome.FAIL, 3)
    assert result.message == "the command ended with exit code 75"


async def test_a_definite_exit_code_is_not_tried_again_and_says_its_last_line(
    tmp_path: Path,
) -> None:
    text = "import sys; print('step 1'); sys.exit('quota exceeded in region x')"
    result = await deployer(tmp_path, *python(text)).deploy()
    assert (result.outcome, result.attempts) == (Outcome.FAIL, 1)
    assert result.message == "the command ended with exit code 1: quota exceeded in region x"
    assert "step 1" in result.log_tail


async def test_a_time_out_fails_and_ends_the_whole_process_group(tmp_path: Path) -> None:
    child = f"{tmp_path}/mark"
    text = (
        "import subprocess, sys, time; print('rolling out', flush=True);"
        f"subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)', {child!r}]);"
        "time.sleep(60)"
    )
    began = time.monotonic()
    result = await deployer(tmp_path, *python(text), timeout="1s").deploy()
    assert result.outcome is Outcome.FAIL
    assert result.message == "the command did not end within 1 s and was stopped"
    assert "rolling out" in result.log_tail
    assert time.monotonic() - began < 5
    wait_for(lambda: not processes_with(child), 2, "the command's child to be gone")


@pytest.mark.parametrize("program", ["no-such-program", "/etc/hostname", "./missing.sh"])
async def test_a_command_that_cannot_be_started_is_an_error_and_no_failure_of_the_product(
    program: str, tmp_path: Path
) -> None:
    result = await deployer(tmp_path, program).deploy()
    assert result.outcome is Outcome.ERROR
    assert program in result.message


async def test_rolling_back_runs_the_plans_command_with_the_target(tmp_path: Path) -> None:
    text = "import pathlib, sys; pathlib.Path('back').write_text(sys.argv[1])"
    made = deployer(tmp_path, "true", rollback=[*python(text), "{{revision}}"])
    assert (await made.roll_back("v1")).done
    assert (tmp_path / "back").read_text() == "v1"


async def test_a_rollback_that_cannot_be_done_says_why(tmp_path: Path) -> None:
    without = await deployer(tmp_path, "true").roll_back("v1")
    assert (without.done, without.message) == (False, "the plan gives no rollback command")
    failing = deployer(tmp_path, "true", rollback=list(python("raise SystemExit('no v1 image')")))
    rolled = await failing.roll_back("v1")
    assert not rolled.done
    assert "no v1 image" in rolled.message
    assert await failing.retained("v1") == {}


def test_output_without_an_object_says_nothing() -> None:
    assert [last_json(text) for text in ("", "[]", "3", "{", '{"a": 1}\n[]')] == [
        {},
        {},
        {},
        {},
        {"a": 1},
    ]


async def test_promoting_runs_the_plans_command_once_with_the_revision(tmp_path: Path) -> None:
    text = "import sys; open('live', 'a').write(sys.argv[1] + '\\n')"
    made = deployer(tmp_path, "true", promote=[*python(text), "{{revision}}"])
    assert (await made.promote("v2")).done
    assert (tmp_path / "live").read_text() == "v2\n"


async def test_a_promotion_that_cannot_be_done_says_why_and_is_not_tried_again(
    tmp_path: Path,
) -> None:
    without = await deployer(tmp_path, "true").promote("v2")
    assert (without.done, without.message) == (False, "the plan gives no promote command")
    text = "open('tries', 'a').write('x'); print('quota'); raise SystemExit(75)"
    moved = await deployer(tmp_path, "true", promote=list(python(text))).promote("v2")
    assert (moved.done, "quota" in moved.message) == (False, True)
    assert (tmp_path / "tries").read_text() == "x"
