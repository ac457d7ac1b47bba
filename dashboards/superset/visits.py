"""What Superset's log of visits keeps.

Belongs here: which actions are not worth a line. Who opened which page, chart or export is kept.
"""

from __future__ import annotations

from typing import Any, Final

from superset.utils.log import DBEventLogger

NOT_KEPT: Final = frozenset(
    {
        "ChartDataRestApi.json_dumps",
        "QueryObject.post_processing",
        "_get_data_response",
        "execute_sql",
        "load_into_dataframe",
    }
)
"""Steps of one request for a chart's data, which has a line of its own. Each line costs a commit, after
which Superset reads everything it knew about chart, dataset and rights again: half of an answer's time."""


class Visits(DBEventLogger):  # type: ignore[misc]
    """Superset's log in its own database, less the lines that say nothing new."""

    def log(self, user_id: int | None, action: str, *args: Any, **kwargs: Any) -> None:
        """Keep a line, unless it says nothing new."""
        if action not in NOT_KEPT:
            super().log(user_id, action, *args, **kwargs)
