"""The example of production: valid to its tools' schemas, without a secret, and of one piece."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner
from gate import ROOT

from flows.cli import main

FOLDER = ROOT / "examples" / "production"
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|AUTH_STRING")
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text())
OBJECTS = [
    one
    for path in sorted((FOLDER / "kubernetes").glob("*.yaml"))
    for one in yaml.safe_load_all(path.read_text())
]


def test_the_compose_file_fits_the_compose_specification() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    folder = files(pytest.importorskip("check_jsonschema")) / "builtin_schemas" / "vendor"
    schema = json.loads((folder / "compose-spec.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(COMPOSE)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate({"services": {"x": {"imagee": "y"}}})


@pytest.mark.parametrize("one", OBJECTS, ids=lambda o: f"{o['kind']}-{o['metadata']['name']}")
def test_each_manifest_fits_the_schema_of_kubernetes(one: dict[str, Any]) -> None:
    checker = pytest.importorskip("kubernetes_validate")
    checker.validate(one, "1.37", strict=True)
    with pytest.raises(checker.ValidationError):
        checker.validate({**one, "spek": {}}, "1.37", strict=True)


def pods() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    for one in OBJECTS:
        if one["kind"] in ("Deployment", "StatefulSet", "Job"):
            yield one["metadata"]["name"], one, one["spec"]["template"]["spec"]


def containers() -> Iterator[dict[str, Any]]:
    for _, _, pod in pods():
        yield from pod["containers"]


def test_secrets_are_references_and_missing_ones_stop_the_start() -> None:
    for service in COMPOSE["services"].values():
        for name, value in service.get("environment", {}).items():
            assert not SECRET.search(name) or ":?" in value, name
            assert "://" not in value or "@" not in value or "${" in value, name
    for container in containers():
        for variable in container["env"]:
            told = "value" in variable
            assert not (SECRET.search(variable["name"]) and told), variable["name"]
            assert not told or "@" not in variable["value"] or "$(" in variable["value"]


def test_the_api_is_behind_its_password_everywhere() -> None:
    server = COMPOSE["services"]["server"]["environment"]
    assert server["PREFECT_SERVER_API_AUTH_STRING"].startswith("${PREFECT_AUTH:?")
    asking = [s["environment"] for n, s in COMPOSE["services"].items() if n in ("worker", "hooks", "register")]  # fmt: skip
    assert len(asking) == 3 and all("PREFECT_API_AUTH_STRING" in env for env in asking)
    names = {c["name"]: {v["name"] for v in c["env"]} for c in containers()}
    assert "PREFECT_SERVER_API_AUTH_STRING" in names["prefect"]
    assert all("PREFECT_API_AUTH_STRING" in names[n] for n in ("worker", "hooks", "register"))


def test_nothing_runs_as_root_or_is_published_to_the_world() -> None:
    for name, _, pod in pods():
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"], name
        for container in pod["containers"]:
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert not container["securityContext"]["allowPrivilegeEscalation"]
    ports = [port for s in COMPOSE["services"].values() for port in s.get("ports", ())]
    assert ports and all(port.startswith("127.0.0.1:") for port in ports)
    lines = (FOLDER / "Dockerfile").read_text().splitlines()
    assert [line for line in lines if line.startswith("USER")] == ["USER 10001"]


def test_images_are_pinned() -> None:
    images = [s["image"] for s in COMPOSE["services"].values()]
    images += [c["image"] for c in containers()]
    images += re.findall(r"^FROM (\S+)", (FOLDER / "Dockerfile").read_text(), re.M)
    assert all(re.search(r":[\w.-]*\d", image) and ":latest" not in image for image in images)


def test_what_is_referred_to_is_there() -> None:
    """Selectors have pods, ports have names, volumes are mounted from what there is."""
    labels = [o["spec"]["template"]["metadata"]["labels"] for _, o, _ in pods()]
    for one in OBJECTS:
        wanted = one["spec"].get("selector") or {}
        wanted = wanted.get("matchLabels", wanted)
        assert not wanted or wanted in labels, one["metadata"]["name"]
    for name, one, pod in pods():
        made = {v["name"] for v in pod.get("volumes", ())}
        made |= {c["metadata"]["name"] for c in one["spec"].get("volumeClaimTemplates", ())}
        mounted = {m["name"] for c in pod["containers"] for m in c["volumeMounts"]}
        assert mounted == made, name
    keys = {v["valueFrom"]["secretKeyRef"]["key"] for c in containers() for v in c["env"] if "valueFrom" in v}  # fmt: skip
    created = set(re.findall(r"--from-literal=(\w+)=", (FOLDER / "README.md").read_text()))
    assert keys == created
    volumes = {v.split(":")[0] for s in COMPOSE["services"].values() for v in s.get("volumes", ())}
    assert {v for v in volumes if not v.startswith(".")} == set(COMPOSE["volumes"])


def commands() -> list[list[str]]:
    found = [s["command"] for s in COMPOSE["services"].values() if "command" in s]
    return found + [c["command"] for c in containers() if "command" in c]


@pytest.mark.parametrize("argv", [c for c in commands() if c[0] == "goldenpath"], ids=" ".join)
def test_commands_of_the_gate_exist_with_their_options(argv: list[str]) -> None:
    command: click.Command = main
    rest = argv[1:]
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), rest.pop(0))
        assert found is not None
        command = found
    known = {option for parameter in command.params for option in parameter.opts}
    assert {part for part in rest if part.startswith("--")} <= known
    assert CliRunner().invoke(command, ["--help"]).exit_code == 0


def test_the_image_has_what_the_wheel_needs() -> None:
    text = (FOLDER / "Dockerfile").read_text()
    copied = set(re.findall(r"^COPY (\w+) \1$", text, re.M))
    assert copied == {"flows", "tasks", "blocks", "data"}
    assert all(
        (ROOT / name).exists() for name in ("requirements.lock", "pyproject.toml", "LICENSE")
    )
    assert Path(ROOT / "README.md").exists()
