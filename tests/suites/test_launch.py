"""Laws of the suite's environment."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from data.records.orders import Endpoint
from tasks.suites.files import WorkFiles
from tasks.suites.launch import WITNESS_DIR, suite_env
from tests.suites.stage import order_for


def _env(tmp_path: Path, env: dict[str, str], **changes: object) -> dict[str, str]:
    order = order_for(tmp_path, "", **changes).model_copy(update={"env": env})
    return suite_env(order, WorkFiles(order))


def test_what_the_suite_has_already_is_kept(tmp_path: Path) -> None:
    env = _env(tmp_path, {"PYTEST_ADDOPTS": "-k a", "PYTHONPATH": "/x", "TOKEN": "t"})
    assert env["PYTEST_ADDOPTS"] == "-k a -p goldenpath_witness"
    assert env["PYTHONPATH"] == f"{WITNESS_DIR}:/x"
    assert env["TOKEN"] == "t"


def test_nothing_but_the_order_comes_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_THE_GATE", "s")
    assert "SECRET_OF_THE_GATE" not in _env(tmp_path, {})


def test_bytecode_is_written_and_output_is_not_held_back(tmp_path: Path) -> None:
    env = _env(tmp_path, {"PYTHONDONTWRITEBYTECODE": "1"})
    assert "PYTHONDONTWRITEBYTECODE" not in env
    assert env["PYTHONUNBUFFERED"] == "1"


@pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="the gate is in no virtual environment")
def test_python_is_the_gate_s_own_unless_the_order_has_an_environment(tmp_path: Path) -> None:
    own = str(Path(sys.executable).parent)
    assert _env(tmp_path, {"PATH": "/bin"})["PATH"] == f"{own}:/bin"
    assert _env(tmp_path, {"PATH": "/bin", "VIRTUAL_ENV": "/v"})["PATH"] == "/bin"


def test_targets_are_a_list_of_host_and_port(tmp_path: Path) -> None:
    targets = (Endpoint(host="api.test", port=443), Endpoint(host="::1", port=80))
    assert _env(tmp_path, {}, targets=targets)["GOLDENPATH_TARGETS"] == "api.test:443,::1:80"
