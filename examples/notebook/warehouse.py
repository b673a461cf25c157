"""A marimo notebook on the warehouse, a plain Python file.

pip install marimo duckdb pytz
marimo edit examples/notebook/warehouse.py   # to look around
GOLDENPATH_COPY=w.analyst.duckdb python examples/notebook/warehouse.py   # as a script
"""

import marimo

app = marimo.App(width="medium")


@app.cell
def _():
    import os

    import duckdb
    import marimo as mo

    # The analysts' copy, for reading only: nothing here holds up or changes what runs store.
    warehouse = duckdb.connect(
        os.environ.get("GOLDENPATH_COPY", "var/goldenpath.analyst.duckdb"), read_only=True
    )
    warehouse.execute("SET TimeZone = 'UTC'")

    def ask(sql):
        """The answer as a list of rows by name."""
        answer = warehouse.execute(sql)
        names = [column[0] for column in answer.description]
        return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]

    return ask, mo


@app.cell
def _(ask, mo):
    newest = ask("""
        SELECT started_at, environment, deployment_id, round(pass_share, 3) AS pass_share, n_tests
        FROM pass_rate_by_deployment ORDER BY started_at DESC LIMIT 50""")
    mo.vstack([mo.md("## Pass rate of the newest deployments"), mo.ui.table(newest)])
    return (newest,)


@app.cell
def _(ask, mo):
    journeys = ask("""
        SELECT deployment_id, probe, metric, round(p95) AS p95_ms, round(avg(p95) OVER usual) AS usual_ms
        FROM metric_by_deployment WHERE unit = 'ms'
        WINDOW usual AS (PARTITION BY environment, plan, phase, probe, metric ORDER BY started_at
                         ROWS BETWEEN 20 PRECEDING AND 1 PRECEDING)
        ORDER BY started_at DESC, probe LIMIT 50""")
    mo.vstack(
        [mo.md("## p95 of each journey beside the 20 deployments before"), mo.ui.table(journeys)]
    )
    return (journeys,)


@app.cell
def _(ask, mo):
    accuracy = ask("""
        SELECT environment, verdict, n_runs, n_labelled, n_false_promote, n_false_hold
        FROM gate_accuracy ORDER BY n_runs DESC""")
    mo.vstack([mo.md("## Was the gate right"), mo.ui.table(accuracy)])
    return (accuracy,)


@app.cell
def _(accuracy, journeys, newest):
    print(
        f"{len(newest)} deployments, {len(journeys)} numbers of journeys, {len(accuracy)} verdicts"
    )


if __name__ == "__main__":
    app.run()
