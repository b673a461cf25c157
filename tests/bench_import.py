"""`python -m tests.bench_import`: reading JUnit XML of 100,000 cases, beside junitparser.

Each contender has a process of its own, in turn, so that peak memory is its own (`ru_maxrss`, with
the interpreter and its imports) and a slow minute falls on all. Read are outcome, time and message
of every case. The last row is `goldenpath import` as a whole, into an empty warehouse.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

N_CASES = 100_000
ROUNDS = 3
_OURS = """
from pathlib import Path
from data.rules.readers.results import reader_for
from tasks.suites.results import read_file
reader = reader_for("junit", "report")
n = red = 0
for case in read_file(Path(sys.argv[1]), reader):
    n += 1; red += case.outcome == "FAIL"; case.duration_ms; case.message
assert reader.faults == []
"""
_THEIRS = """
from junitparser import JUnitXml, Failure
n = red = 0
for suite in JUnitXml.fromfile(sys.argv[1]):
    for case in suite:
        n += 1; case.time; case.name
        failures = [r for r in case.result if isinstance(r, Failure)]
        red += bool(failures); [f.message for f in failures]
"""
_FRAME = """
import resource, sys, time
began = time.perf_counter()
{body}
took = time.perf_counter() - began
print(n, red, took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def write_report(path: Path, n_cases: int = N_CASES) -> None:
    """A report as pytest writes it: one case in twenty is red, with a trace."""
    trace = "\n".join(f"    frame {n} of a trace, as long as usual" for n in range(20))
    with path.open("w") as file:
        file.write(f'<testsuites><testsuite name="s" tests="{n_cases}" failures="{n_cases // 20}">')
        for n in range(n_cases):
            head = f'<testcase classname="tests.test_{n % 100}" name="test_{n}" time="0.012"'
            red = f'><failure message="AssertionError: {n}">{trace}</failure></testcase>\n'
            file.write(head + (red if n % 20 == 0 else "/>\n"))
        file.write("</testsuite></testsuites>")


def main() -> None:
    """Measure and print a table."""
    with tempfile.TemporaryDirectory() as name:
        report = Path(name) / "report.xml"
        write_report(report)
        print(f"{N_CASES} cases, {report.stat().st_size / 1024**2:.0f} MB, {ROUNDS} rounds in turn")
        found: dict[str, list[tuple[float, float]]] = {}
        for _ in range(ROUNDS):
            for label, body in (("golden path reader", _OURS), ("junitparser", _THEIRS)):
                found.setdefault(label, []).append(_read(body, report))
            found.setdefault("goldenpath import, whole", []).append(_import(report, Path(name)))
    print(f"{'':28}{'median s':>10}{'max s':>10}{'peak MB':>10}")
    for label, rows in found.items():
        took, peak = [row[0] for row in rows], max(row[1] for row in rows)
        print(f"{label:28}{statistics.median(took):10.2f}{max(took):10.2f}{peak:10.0f}")
    print(json.dumps({k: statistics.median(r[0] for r in rows) for k, rows in found.items()}))


def _read(body: str, report: Path) -> tuple[float, float]:
    command = [sys.executable, "-c", _FRAME.format(body=body), str(report)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    n, red, took_s, peak_mb = done.stdout.split()
    assert (int(n), int(red)) == (N_CASES, N_CASES // 20)
    return float(took_s), float(peak_mb)


def _import(report: Path, folder: Path) -> tuple[float, float]:
    store = folder / f"w{time.monotonic_ns()}.duckdb"
    command = [sys.executable, "-m", "flows.cli", "import", "junit", str(report)]
    began = time.perf_counter()
    child = subprocess.Popen([*command, "--warehouse", str(store)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return time.perf_counter() - began, usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
