"""`check` and `schema`."""

from __future__ import annotations

import click

from flows.cli import print_json


def parse_set(values: tuple[str, ...]) -> dict[str, str]:
    """`--set KEY=VALUE` pairs by key."""
    for value in values:
        if "=" not in value:
            raise click.BadParameter(f"expected KEY=VALUE, got {value!r}", param_hint="--set")
    return dict(value.split("=", 1) for value in values)


@click.command("check")
@click.argument("plan")
@click.option("--set", "sets", multiple=True, metavar="KEY=VALUE", help="Override a plan value.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def check_command(plan: str, sets: tuple[str, ...], as_json: bool) -> None:
    """List every fault of a plan at once, with line numbers. Exit 2 on any.

    \b
    Example:
      goldenpath check examples/staging/plan.yaml
    """
    from data.errors import PlanError
    from flows.wiring import read_plan

    try:
        found = read_plan(plan, parse_set(sets))
    except PlanError as error:
        if as_json:
            print_json({"ok": False, "faults": [vars_of(f) for f in error.faults]})
            raise SystemExit(2) from None
        raise
    n_suites = sum(len(p.suites) for p in found.phases)
    n_probes = sum(len(p.probes) for p in found.phases)
    if as_json:
        print_json({"ok": True, "faults": []})
        return
    click.echo(
        f"{plan}: no faults ({len(found.phases)} phases, {n_suites} suites, {n_probes} probes,"
        f" {len(found.criteria)} declared criteria)"
    )


def vars_of(fault: object) -> dict[str, object]:
    """A fault as JSON."""
    from dataclasses import asdict

    return asdict(fault)  # type: ignore[call-overload,no-any-return]


@click.command("schema")
@click.option("--plan", "which", flag_value="plan", help="Schema of plan.yaml (the default).")
@click.option("--judge", "which", flag_value="judge", help="Schema of what `judge` reads.")
def schema_command(which: str | None) -> None:
    """Print a JSON Schema; editors complete plans from it.

    \b
    Example:
      goldenpath schema --plan > plan.schema.json
    and in plan.yaml, first line:
      # yaml-language-server: $schema=plan.schema.json
    """
    if which == "judge":
        from data.rules.dossier import Dossier

        print_json(Dossier.model_json_schema(by_alias=True))
        return
    from data.rules.planning.schema import plan_schema

    print_json(plan_schema())
