"""Answers to saved questions, many at once.

Superset needs about 25 ms to turn a saved question into SQL and to run it, whatever DuckDB then needs. The SQL
depends on the question, its dataset and the user's row rules only, so what Superset made once is kept under
exactly these and run again on whichever snapshot the page reads. Belongs here: keeping that SQL and running
it on all cores. Does not belong here: which questions a page asks, and whether the user may open the page.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import cache
from typing import Any, Final

from dashboards.superset import snapshot

Rows = list[dict[str, Any]]
Question = tuple[Any, Mapping[str, Any]]
"""A dataset and a query context over it."""
_MOST_KEPT: Final = 5_000
_KEPT: OrderedDict[Any, str] = OrderedDict()


def ask(questions: Sequence[Question]) -> Callable[[], list[Rows]]:
    """Begin to answer questions as the present user may see them; DuckDB works while the caller does something else.

    Returns:
        Waits for the rows of each question, in the order asked.

    Raises:
        SupersetSecurityException: The user may not ask a question.
    """
    from superset import security_manager

    security_manager.prefetch_rls_filters([dataset.id for dataset, _ in questions])
    keys = [
        (
            dataset.id,
            dataset.changed_on,
            tuple(tuple(rule) for rule in security_manager.get_rls_filters(dataset)),
            json.dumps(context, sort_keys=True),
        )
        for dataset, context in questions
    ]
    answers = {
        key: _by_superset(key, context)
        for key, (_, context) in zip(keys, questions, strict=True)
        if key not in _KEPT
    }
    number = snapshot.of_request()
    runs = {
        key: _pool().submit(_run, number, _KEPT[key]) for key in dict.fromkeys(keys) if key not in answers
    }
    return lambda: [answers[key] if key in answers else runs[key].result() for key in keys]


def _by_superset(key: Any, context: Mapping[str, Any]) -> Rows:
    """Ask through Superset's own command, which checks rights, and keep the SQL that it ran."""
    from superset.charts.schemas import ChartDataQueryContextSchema
    from superset.commands.chart.data.get_data_command import ChartDataCommand

    command = ChartDataCommand(ChartDataQueryContextSchema().load(context))
    command.validate()
    [result] = command.run()["queries"]
    _KEPT[key] = result["query"]
    while len(_KEPT) > _MOST_KEPT:
        _KEPT.popitem(last=False)
    return _plain(result["data"])


def _run(number: int | None, sql: str) -> Rows:
    with snapshot.cursor(number) as cursor:
        names = [part[0] for part in cursor.execute(sql).description]
        return _plain([dict(zip(names, row, strict=True)) for row in cursor.fetchall()])


def _plain(rows: Rows) -> Rows:
    return [
        {name: float(value) if isinstance(value, Decimal) else value for name, value in row.items()}
        for row in rows
    ]


@cache
def _pool() -> ThreadPoolExecutor:
    """Threads of this server process; DuckDB computes without Python's lock."""
    return ThreadPoolExecutor(2, "canteen-questions")
