"""`judge` and `compare`: the pure rules on their own."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from flows.cli import print_json


@click.command("judge")
@click.argument("file")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def judge_command(file: str, as_json: bool) -> None:
    """Evidence in, verdict out: the judge on its own, with the exit codes of run.

    FILE holds {"plan": …, "evidence": …, "history": …, "now": …}; see `goldenpath schema --judge`.

    \b
    Example:
      goldenpath judge examples/worklog/evidence.json
    """
    from data.records.evidence import RunView
    from data.rules.dossier import read_dossier
    from flows.at_rest import judge_at_rest
    from flows.commands.run import show_run
    from flows.wiring import read_text
    from tasks.clock import now

    dossier = read_dossier(read_text(Path(file)), file)
    verdict = judge_at_rest(dossier.plan, dossier.evidence, dossier.history, dossier.now or now())
    show_run(RunView(evidence=dossier.evidence, verdict=verdict, history=dossier.history), as_json)
    sys.exit(verdict.verdict.exit_code)


@click.command("compare")
@click.argument("baseline")
@click.argument("candidate")
@click.option(
    "--worse",
    type=click.Choice(["up", "down"]),
    default="up",
    show_default=True,
    help="The direction that is bad.",
)
@click.option("--min-shift", default="5%", show_default=True, help="Smallest shift that matters.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
def compare_command(
    baseline: str, candidate: str, worse: str, min_shift: str, as_json: bool
) -> None:
    """Compare two files of numbers (a JSON list or CSV): SAME, WORSE, BETTER or not enough.

    \b
    Example:
      goldenpath compare yesterday.json today.csv --worse up --min-shift 10%
    """
    from data.records.units import parse_share
    from data.rules.compare import asides, compare
    from data.rules.numbers import read_numbers
    from data.rules.statistics.power import MIN_POWER
    from flows.wiring import read_text

    try:
        share = parse_share(min_shift)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--min-shift") from None
    sides = [read_numbers(read_text(Path(name)), name) for name in (baseline, candidate)]
    answer = compare(sides[0], sides[1], "down" if worse == "down" else "up", share, MIN_POWER)
    if as_json:
        print_json(
            {
                "word": answer.word,
                "n": [answer.n_baseline, answer.n_candidate],
                "shift": answer.shift,
                "interval": answer.interval,
                "p": answer.p,
                "sentence": answer.sentence,
            }
        )
    else:
        click.echo(f"{answer.word}: {answer.sentence}")
        for line in asides(*sides):
            click.echo(f"  {line}")
