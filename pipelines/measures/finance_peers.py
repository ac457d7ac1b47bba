"""The part of matching that plain joins can say, in SQL and in pandas; one of them as a process of its own.

Belongs here: exact and window joins of the flows, each event at most once. They know no sums, slips, copies,
names or doubts. Does not belong here: running them side by side (``finance_match``).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import polars as pl

from pipelines.reconcile.candidates import WINDOW
from pipelines.reconcile.engine import reconcile

_FLOW_PAIRS: Final = (("bank", "business"), ("bank", "books"))
_JOIN: Final = """
with pairs as (
    select a.event_id as l, b.event_id as r, abs(date_diff('day', a.biz_date, b.biz_date)) as days
    from events as a
    join events as b using (canteen_id, direction, amount_yuan)
    where a.flow = $one and b.flow = $other and abs(date_diff('day', a.biz_date, b.biz_date)) <= $days
),
ranked as (
    select
        l, r,
        row_number() over (partition by l order by days, r) as of_l,
        row_number() over (partition by r order by days, l) as of_r
    from pairs
)
select l, r from ranked where of_l = 1 and of_r = 1 order by l, r
"""


def ours(events: pl.DataFrame, accounts: pl.DataFrame) -> int:
    """Our matching; the number of pairs of events that it joins."""
    flows = reconcile(events, accounts).matches.group_by("match_id", "flow").len()
    each = flows.pivot(on="flow", index="match_id", values="len").fill_null(0)
    return int(sum((each[one] * each[other]).sum() for one, other in _FLOW_PAIRS))


def sql(events: pl.DataFrame, accounts: pl.DataFrame) -> int:
    """The same equal amounts within the window, joined in DuckDB; the number of pairs."""
    return sum(pairs.height for pairs in sql_pairs(events))


def sql_pairs(events: pl.DataFrame) -> list[pl.DataFrame]:
    """Pairs ``l``, ``r`` of bank and business, and of bank and books."""
    import duckdb

    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("events", events.to_arrow())
        return [
            connection.execute(_JOIN, {"one": one, "other": other, "days": WINDOW}).pl() for one, other in _FLOW_PAIRS
        ]  # fmt: skip


def pandas(events: pl.DataFrame, accounts: pl.DataFrame) -> int:
    """The same joined in pandas; the number of pairs."""
    return sum(pairs.height for pairs in pandas_pairs(events))


def pandas_pairs(events: pl.DataFrame) -> list[pl.DataFrame]:
    """As ``sql_pairs``."""
    keys = ["canteen_id", "direction", "cents"]
    frame = events.select(
        "event_id", "flow", "canteen_id", "direction", "biz_date", cents=(pl.col("amount_yuan") * 100).cast(pl.Int64)
    ).to_pandas()  # fmt: skip
    found = []
    for one, other in _FLOW_PAIRS:
        left, right = (frame[frame["flow"] == flow].drop(columns="flow") for flow in (one, other))
        pairs = left.merge(right, on=keys, suffixes=("_l", "_r"))
        pairs["days"] = (pairs["biz_date_l"] - pairs["biz_date_r"]).dt.days.abs()
        pairs = pairs[pairs["days"] <= WINDOW]
        for end, opposite in (("l", "r"), ("r", "l")):
            ordered = pairs.sort_values(["days", f"event_id_{opposite}"])
            pairs[f"of_{end}"] = ordered.groupby(f"event_id_{end}").cumcount()
        best = pairs[(pairs["of_l"] == 0) & (pairs["of_r"] == 0)]
        ends = pl.DataFrame({"l": best["event_id_l"].tolist(), "r": best["event_id_r"].tolist()})
        found.append(ends.cast(pl.String).sort("l", "r"))
    return found


WAYS: Final[dict[str, Callable[[pl.DataFrame, pl.DataFrame], int]]] = {
    "ours": ours,
    "sql": sql,
    "pandas": pandas,
}


def main(way: str, events: Path, accounts: Path) -> None:
    """Run one way and print its CPU seconds and pairs as one JSON object."""
    read = pl.read_parquet(events), pl.read_parquet(accounts)
    begun = time.process_time()
    pairs = WAYS[way](*read)
    print(json.dumps({"cpu_s": time.process_time() - begun, "pairs": pairs}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
