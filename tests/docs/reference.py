"""docs/plan.md, generated from the records: `python -m tests.docs.reference > docs/plan.md`."""

from __future__ import annotations

import inspect
import sys
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from data.records import field_rule, money, plan, probe_plan

HEAD = """\
# The plan

A plan is one YAML file. `goldenpath check PLAN` lists every fault at once; `goldenpath schema
--plan` prints the JSON Schema for editors. This page is generated from the records
(`python -m tests.docs.reference > docs/plan.md`).

```yaml plan
plan: shop
environment: staging
services:
  shop:
    url: ${SHOP_URL:-http://127.0.0.1:8080}
    health: {path: /health, status: status}
    revision: {path: /version, json: revision}
phases:
  - id: critical
    priority: P1
    probes:
      - id: catalogue
        kind: http
        repeat: 20
        metric: catalogue
        request: {url: "{{services.shop.url}}/catalogue"}
        expect: {status: 200, json: {items: {not_empty: true}}}
criteria:
  - {id: catalogue-p95, priority: P1, rule: p95(catalogue) < 500 ms}
```

## Values

- **`${NAME}`, `${NAME:-default}`**: variables of the environment, filled in when the file is read.
  One that is neither set nor defaulted is a fault. `$${` is a literal `${`.
- **`{{name}}`**: templates, filled in when a run starts: `revision`, `environment`, `run_id`,
  `services.<name>.url`, `.ws` (the same address as ws:// or wss://), `.host`, `.port`. Probes also
  know what earlier steps captured, and `nonce`, `uuid`, `ordinal` and `random_password`, made anew
  for each execution. An unknown name is a fault.
- **Durations** carry a unit: `500ms`, `30s`, `5m`, `1h`, `1d`. **Shares** carry a percent sign.
  **Money** is a number or `120K`, `1.5M`, with `currency` and `per`.
- **Secrets** are never written in clear; refer to them as `${NAME}`.
- Paths are relative to the plan's folder; a suite's arguments to its `cwd`.

## Criteria

Every suite and every probe carries a criterion of its own, with the priority of its phase: all
expected tests there, passed, and seen to touch the target. `criteria` adds rules of the form
`function(subject) operator value`:

| function | subject | value |
|---|---|---|
| `p50`, `p95`, `p99`, any `pNN`, `median`, `mean`, `min`, `max` | a metric of a probe | `ms` or `s` |
| `count` | a metric | a plain number |
| `shift` | a metric: how much worse than the promoted runs | `%` |
| `failed`, `passed`, `not_run`, `flaky`, `vacuous` | a phase, suite or probe | a plain number |
| `pass_share` | a phase, suite or probe | `%` |

Operators: `<`, `<=`, `==`, `>=`, `>`. A percentile needs samples above it (p95: 20, p99: 100, never
fewer than 5); with fewer it is *not evaluated*, which is not a pass. A count is judged by what is
seen and by what the unseen could still change: where that is open, the criterion is NOT_RUN.

## Keys

"""


def render() -> str:
    """The whole page."""
    return HEAD + "\n".join(_section(model) for model in _models())


def _models() -> list[type[BaseModel]]:
    seen: dict[str, type[BaseModel]] = {}
    for module in (plan, money, probe_plan, field_rule):
        for value in vars(module).values():
            if (
                isinstance(value, type)
                and issubclass(value, BaseModel)
                and value.__module__ == module.__name__
            ):
                seen.setdefault(value.__name__, value)
    first = seen.pop("Plan")
    return [first, *seen.values()]


def _section(model: type[BaseModel]) -> str:
    about = (model.__doc__ or "").strip().split("\n\n")[0].replace("\n    ", " ")
    rows = [_row(model, name, info) for name, info in model.model_fields.items()]
    table = "\n".join(["| key | type | default | meaning |", "|---|---|---|---|", *rows])
    return f"### {model.__name__}\n\n{about}\n\n{table}\n"


def _row(model: type[BaseModel], name: str, info: FieldInfo) -> str:
    cells = (f"`{info.alias or name}`", _type(model, name), _default(info), info.description or "")
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _type(model: type[BaseModel], field: str) -> str:
    """The annotation as it is written in the record."""
    own = next(c for c in model.__mro__ if field in inspect.get_annotations(c))
    return f"`{' '.join(str(own.__annotations__[field]).split())}`"


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "**required**"
    value: Any = info.get_default(call_default_factory=True, validated_data={})
    text = type(value).__name__ if isinstance(value, BaseModel) else repr(value)
    return f"`{text}`"


if __name__ == "__main__":
    sys.stdout.write(render())
