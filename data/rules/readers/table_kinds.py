"""Which kind of table a file is, by its columns: results of tests, or totals of reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from typing import NamedTuple

from data.errors import UsageError
from data.rules.readers import tabled, told_totals
from data.rules.readers.tabled import Told, told
from data.rules.readers.told_totals import ToldTotals
from data.rules.readers.told_totals import told_totals as totals_of

Row = Told | ToldTotals
FIELDS = tuple(dict.fromkeys((*tabled.FIELDS, *told_totals.FIELDS)))


class Kind(NamedTuple):
    """How the rows of one table are read.

    Attributes:
        columns: field → column, of those that the table has.
    """

    read: Callable[[Mapping[str, object], Mapping[str, str], Mapping[str, str]], Row]
    columns: dict[str, str]
    is_totals: bool


def kind_of(there: Set[str], mapped: Mapping[str, str]) -> Kind:
    """A table with columns for `test` or `outcome` has results, else one with `total` has totals.

    A table of results must have every column that is mapped to a field of results. One of totals
    may lack those of fields that results have as well: they are of the other tables beside it.

    Raises:
        UsageError: every column that is missing.
    """
    found = {name: name for name in FIELDS if name in there}
    found |= {name: column for name, column in mapped.items() if column in there}
    is_totals = "total" in found and not found.keys() & {"test", "outcome"}
    fields = told_totals.FIELDS if is_totals else tabled.FIELDS
    lacking_is_fine = set(tabled.FIELDS) - set(told_totals.REQUIRED) if is_totals else set()
    wanted = {n: c for n, c in mapped.items() if n in fields and n not in lacking_is_fine}
    missing = [f"no column {column!r}" for column in wanted.values() if column not in there]
    required = told_totals.REQUIRED if is_totals else tabled.REQUIRED
    lacking = [name for name in required if name not in found and name not in wanted]
    missing += [f"no column for {name}: --map {name}=COLUMN" for name in lacking]
    if missing:
        raise UsageError(f"{'; '.join(missing)}; its columns are {', '.join(sorted(there))}")
    columns = {name: column for name, column in found.items() if name in fields}
    return Kind(totals_of if is_totals else told, columns, is_totals)
