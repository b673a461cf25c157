"""A disk that is full: told in words, nothing that was stored is lost, and no verdict is invented."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from gate import ROOT, Stack, run
from small_gate import asking, target, write_plan

from data.store.mend import damage_of
from data.store.warehouse import Warehouse

# The warehouse's folder becomes a disk of 64 MB with so many kB free; what is left is kept elsewhere.
SCRIPT = """
mount -t tmpfs -o size=64m none {disk} || exit 77
set -e
cp -a {before}/. {disk}/
free=$(df -k --output=avail {disk} | tail -1)
head -c $(((free - {free_kb}) * 1024)) /dev/zero > {disk}/filler
set +e
{command}
code=$?
rm {disk}/filler
cp -a {disk}/. {after}/
exit $code
"""


@pytest.mark.soak
@pytest.mark.parametrize("free_kb", [4, 60, 400, 3000, 12000])
def test_a_full_disk_loses_no_run_and_invents_no_verdict(
    new_stack: Callable[..., Stack], prefect_api: str, tmp_path: Path, free_kb: int
) -> None:
    suite = {"id": "four", "code": asking({f"t{i}": 0 for i in range(4)}), "expect": 4}
    suite["code"] += "\n\ndef test_red():\n    ask(0)\n    assert 0, 'x' * 20000\n"
    suite["expect"] = 5
    before, after, disk = (tmp_path / name for name in ("before", "after", "disk"))
    for folder in (before, after, disk):
        folder.mkdir()
    with target() as server:
        plan = write_plan(tmp_path, server.server_address[1], [{"id": "one", "priority": "P1", "suites": [suite]}])  # fmt: skip
        stack = new_stack(prefect_api)
        first = stack("run", str(plan), "--json")
        assert first.json()["verdict"] == "HOLD"
        shutil.copytree(stack.folder, before, dirs_exist_ok=True)
        asked = f"{sys.executable} -m flows.cli run {plan} --warehouse {disk}/goldenpath.duckdb"
        script = SCRIPT.format(
            disk=disk, before=before, after=after, free_kb=free_kb, command=asked
        )
        done = subprocess.run(["unshare", "-rm", "sh", "-c", script], env=os.environ | stack.env, cwd=ROOT, capture_output=True, text=True, timeout=200)  # fmt: skip
        found = re.search(r"go on with --resume (\S+)", done.stderr)
        again = found and run([sys.executable, "-m", "flows.cli", "run", str(plan), "--resume", found[1], "--warehouse", str(after / "goldenpath.duckdb")], stack.env, 120)  # fmt: skip
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip(f"no file system of our own here: {done.stderr[:200]}")
    assert "Traceback" not in done.stdout + done.stderr
    print(f"{free_kb} kB free: exit {done.returncode}: {done.stderr.strip().splitlines()[-1]}")
    kept = Warehouse(after / "goldenpath.duckdb")
    assert damage_of(kept.path) == ""
    known = {run.run_id: str(run.verdict) for run in kept.runs()}
    assert known.pop(first.json()["run_id"]) == "HOLD", "a run of before was lost"
    if done.returncode == first.exit_code:
        assert list(known.values()) == ["HOLD"]
    else:  # no room for the journal: then there is no verdict, and what was seen is gone on with
        assert done.returncode == 1 and "the deployment is not approved" in done.stderr
        assert f"the disk of {disk} is full" in done.stderr and "make room there" in done.stderr
        assert again is not None and again.exit_code == first.exit_code, again
        assert list(known.values()) == ["HOLD"]
