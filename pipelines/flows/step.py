"""The night's step of the three flows: events of touched days, the weeks they reach, two tables.

Belongs here: which days must be looked at again, reading what the chain of weeks needs, and the commits. Does not
belong here: the comparison itself (``pipelines.flows.weeks``).

``silver.flow_difference`` is written first and ``silver.flow_event`` last, with the versions of the inputs that it
holds, so that a run that is killed is made good by running it again.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import polars as pl

from pipelines.flows import decisions, sources, weeks
from pipelines.flows.sources import EVENT, FEEDS, REFERENCES, Days
from pipelines.flows.weeks import Compared, Held
from warehouse import delta
from warehouse.fingerprint import code_hash
from warehouse.settings import Settings
from warehouse.tables import FLOW_DIFFERENCE, FLOW_EVENT

_SEEN: Final = "canteen.flows_seen"
_CODE: Final = ("pipelines/flows", "pipelines/reconcile", "pipelines/books/reference")
_DAY: Final = dt.timedelta(days=1)
_SPAN: Final = dt.timedelta(days=14)
"""Days of history that a first run, and reading the table, take at a time."""
_SCHEMAS: Final = {"flow_event": FLOW_EVENT, "flow_difference": FLOW_DIFFERENCE}
_KEYS: Final = {"flow_event": "event_id", "flow_difference": "difference_id"}
_TOLD: Final = {
    "flow_event": [*EVENT, "match_id", "difference_id", "break_type"],
    "flow_difference": list(FLOW_DIFFERENCE),
}
"""Columns on which models that keep past periods rest; when and how surely an event was matched shows in recent lines
alone, and they are always made anew."""
_NOTHING: Final = {"flow_events": 0, "flow_changes": 0, "flow_differences": 0}


def run(
    settings: Settings, progress: Callable[[str], None], on_step: Callable[[str], None]
) -> dict[str, int]:
    """Compare what changed since the last night.

    Args:
        settings: The data home.
        progress: Told what is being done.
        on_step: Told ``silver.<table>`` after each commit.

    Returns:
        Counts: new and changed events, events and differences written.
    """
    inputs = (*FEEDS, *REFERENCES, decisions.TABLE)
    versions = {name: delta.version(settings.table(f"silver.{name}")) for name in inputs}
    if versions["bank_line"] is None and versions["voucher_line"] is None:
        return dict(_NOTHING)  # nobody delivers statements or vouchers
    now: dict[str, Any] = {**versions, "code": code_hash(*_CODE)}
    seen = json.loads(delta.fact(settings.table("silver.flow_event"), _SEEN) or "{}")
    if now == seen:
        return dict(_NOTHING)
    if now["code"] != seen.get("code"):
        seen = {}
    decided, facts = decisions.read(settings), json.dumps(now, sort_keys=True)
    if not seen:
        return _first_run(settings, decided, facts, progress, on_step)
    fresh, gone = _changes(settings, seen, versions)
    progress(f"三流比对：新增或有变的资金事件 {fresh.height} 笔")
    again = versions[decisions.TABLE] != seen.get(decisions.TABLE)
    return _compared(settings, fresh, gone, decided, {_SEEN: facts}, on_step, again=again)


def _first_run(
    settings: Settings,
    decided: pl.DataFrame,
    facts: str,
    progress: Callable[[str], None],
    on_step: Callable[[str], None],
) -> dict[str, int]:
    """Compare all of history as nights would have, some weeks at a time, so that memory stays what a night needs.

    Only the last commit says which inputs the tables hold: a run that is killed before it begins again.
    """
    for name, schema in _SCHEMAS.items():
        path = settings.table(f"silver.{name}")
        if delta.files(path):
            delta.replace(
                path, [], schema, period=None, partition="biz_month", touched=[delta.EVERYTHING],
                commit_id=f"{name}:{delta.version(path)}:empty", facts={_SEEN: "{}"},
            )  # fmt: skip
    ranges = [delta.day_range(settings.table(f"silver.{feed}")) for feed in FEEDS]
    known = [one for one in ranges if one is not None]
    day, last = min(first for first, _ in known), max(last for _, last in known)
    counts = dict(_NOTHING)
    while day <= last:
        days = frozenset(day + _DAY * n for n in range(_SPAN.days))
        day += _SPAN
        fresh = sources.read(settings, dict.fromkeys(FEEDS, days))
        progress(f"三流比对：{max(days)} 及以前，资金事件 {fresh.height} 笔")
        done = {_SEEN: facts} if day > last else {}
        found = _compared(settings, fresh, _held_rows(settings, "flow_event", ()), decided, done, on_step)
        counts = {name: counts[name] + found[name] for name in counts}
    return counts


def _compared(
    settings: Settings,
    fresh: pl.DataFrame,
    gone: pl.DataFrame,
    decided: pl.DataFrame,
    facts: Mapping[str, str],
    on_step: Callable[[str], None],
    *,
    again: bool = False,
) -> dict[str, int]:
    """Compare what new and gone events reach, and keep what came of it; ``again``: decisions changed."""
    held = _held(settings, fresh, gone)
    compared = weeks.compare(held, fresh)
    if _write_differences(settings, held, compared, decided, again=again):
        on_step("silver.flow_difference")
    count = _write_events(settings, held, compared, decided, facts, again=again)
    on_step("silver.flow_event")
    return {
        "flow_events": fresh.height,
        "flow_changes": count,
        "flow_differences": compared.differences.height,
    }


def _changes(
    settings: Settings, seen: Mapping[str, Any], versions: Mapping[str, int | None]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """New and changed events (``EVENT``), and changed and vanished ones as they were (``FLOW_EVENT``)."""
    days = _with_newcomers(settings, _touched(settings, seen, versions))
    every = (
        None if None in days.values() else frozenset[dt.date]().union(*(one or () for one in days.values()))
    )
    in_scope = pl.any_horizontal(
        (pl.col("source_feed") == feed)
        & (pl.lit(value=True) if one is None else pl.col("biz_date").is_in(list(one)))
        for feed, one in days.items()
    )
    stored = _held_rows(settings, "flow_event", every).filter(in_scope)
    made = sources.read(settings, days)
    return (
        made.join(stored, on=EVENT, how="anti", nulls_equal=True),
        stored.join(made, on=EVENT, how="anti", nulls_equal=True),
    )


def _touched(
    settings: Settings, seen: Mapping[str, Any], versions: Mapping[str, int | None]
) -> dict[str, Days | None]:
    """Days of each feed whose events may have changed; ``None`` means every day."""
    days: dict[str, Days | None] = {}
    for feed in FEEDS:
        marks = delta.touched_since(settings.table(f"silver.{feed}"), seen.get(feed))
        whole = marks is None or delta.EVERYTHING in marks
        days[feed] = None if whole else frozenset(dt.date.fromisoformat(mark) for mark in marks or ())
    for name, feeds in REFERENCES.items():
        if versions[name] != seen.get(name):
            days |= dict.fromkeys(feeds)
    settled, paid = days["settlement"], days["meal_fee"]
    if settled is None or paid is None:
        return days | {"meal_fee": None}
    return days | {"meal_fee": paid | sources.reach(settled, sources.SETTLED_WITHIN)}


def _with_newcomers(settings: Settings, days: dict[str, Days | None]) -> dict[str, Days | None]:
    """The days, and whole months of which a canteen has now, or no longer, a statement or a voucher."""
    months = None
    if None not in days.values():
        months = {f"{day:%Y-%m}" for one in days.values() for day in one or ()}
    now = sources.present(settings, months)
    path, month = settings.table("silver.flow_event"), pl.col("biz_month")
    files = [file for file in delta.files(path) if months is None or sources.in_months(file, months)]
    before = delta.read_files(files, FLOW_EVENT, columns=["canteen_id", "biz_month"]).unique()
    if months is not None:
        before = before.filter(month.is_in(sorted(months)))
    keys = ["canteen_id", "biz_month"]
    changed = pl.concat([now.join(before, on=keys, how="anti"), before.join(now, on=keys, how="anti")])
    firsts = [dt.date.fromisoformat(f"{one}-01") for one in changed["biz_month"].unique()]
    more = frozenset(
        begin + _DAY * n for begin in firsts for n in range(31) if (begin + _DAY * n).month == begin.month
    )
    return {feed: None if one is None else one | more for feed, one in days.items()}


def _held_rows(settings: Settings, name: str, days: Iterable[dt.date] | None = None) -> pl.DataFrame:
    return delta.read(settings.table(f"silver.{name}"), _SCHEMAS[name], days=days)


def _no_previous() -> pl.DataFrame:
    return pl.DataFrame(schema={"canteen_id": pl.String, "previous": pl.Date})


def _held(settings: Settings, fresh: pl.DataFrame, gone: pl.DataFrame) -> Held:
    """What the chain of weeks needs of the table: the canteens with changes, from their first week on."""
    changed = pl.concat([frame.select("canteen_id", "biz_date") for frame in (fresh, gone)])
    starts = changed.group_by("canteen_id").agg(first=weeks.first_week(pl.col("biz_date").min()))
    files = delta.files(settings.table("silver.flow_event"))
    if starts.is_empty() or not files:
        return Held(gone.clear(), gone, _no_previous(), gone.clear())
    previous = _previous(files, starts)
    since = starts.join(previous, on="canteen_id", how="left").with_columns(
        since=pl.coalesce(pl.col("previous") - weeks.CARRIED, "first")
    )
    begin: dt.date = min(since["since"].to_list())
    waited = pl.col("settled_week").is_null() | (pl.col("settled_week") >= pl.col("first"))
    parts = [
        rows.join(since, on="canteen_id")
        .filter((pl.col("biz_date") >= pl.col("first")) | ((pl.col("biz_date") >= pl.col("since")) & waited))
        .select(list(FLOW_EVENT))
        for rows in _read_from(files, begin)
    ]
    rows = pl.concat([gone.clear(), *parts]).join(gone, on="event_id", how="anti")
    compared = pl.concat([frame.select(EVENT) for frame in (rows, fresh)])
    return Held(rows, gone, previous, _settled(files, since, compared))


def _settled(files: list[delta.DataFile], since: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """What was settled before each canteen's first week and is still a rival to some events."""
    known = since.select("canteen_id", "first", oldest=pl.col("previous") - weeks.REMEMBERED).drop_nulls()
    parts = [
        weeks.rivals(rows, events)
        .join(known, on="canteen_id")
        .filter(pl.col("settled_week") < pl.col("first"), pl.col("biz_date") >= pl.col("oldest"))
        .select(list(FLOW_EVENT))
        for rows in _read_from(files, min(known["oldest"].to_list(), default=dt.date.max))
    ]
    return pl.concat([pl.DataFrame(schema=FLOW_EVENT), *parts])


def _read_from(files: list[delta.DataFile], begin: dt.date) -> Iterator[pl.DataFrame]:
    """Rows of a day and after it, some days at a time, to bound the memory."""
    held = [file for file in files if file.last is not None and file.last >= begin]
    end = max((file.last for file in held if file.last is not None), default=dt.date.min)
    day = max(begin, min((file.first for file in held if file.first is not None), default=begin))
    while held and day <= end:
        yield delta.read_files(held, FLOW_EVENT, days=[day + _DAY * n for n in range(_SPAN.days)])
        day += _SPAN


def _previous(files: list[delta.DataFile], starts: pl.DataFrame) -> pl.DataFrame:
    """canteen_id, previous: Monday of the last week with events before each canteen's first, within the longest pause."""
    lacking, found = starts, [_no_previous()]
    months = sorted({f"{file.last:%Y-%m}" for file in files}, reverse=True)
    earliest = min(starts["first"].to_list()) - weeks.LONGEST_PAUSE
    for month in months:
        held = [file for file in files if f"{file.last:%Y-%m}" == month]
        if lacking.is_empty() or all(file.last is None or file.last < earliest for file in held):
            break
        last = (
            delta.read_files(held, FLOW_EVENT, columns=["canteen_id", "biz_date"])
            .join(lacking, on="canteen_id")
            .filter(
                pl.col("biz_date") < pl.col("first"),
                pl.col("biz_date") >= pl.col("first") - weeks.LONGEST_PAUSE,
            )
            .group_by("canteen_id")
            .agg(previous=weeks.monday(pl.col("biz_date").max()))
        )
        found.append(last)
        lacking = lacking.join(last, on="canteen_id", how="anti")
    return pl.concat(found)


def _write_differences(
    settings: Settings, held: Held, compared: Compared, decided: pl.DataFrame, *, again: bool
) -> bool:
    """Replace the days whose differences changed."""
    old = _old_states(held, compared).filter(pl.col("difference_id").is_not_null())
    old = old.group_by("difference_id").agg(pl.col("biz_date").min())
    days = frozenset([*old["biz_date"], *compared.differences["biz_date"]])
    stored = _held_rows(settings, "flow_difference", None if again else days)
    kept = stored.join(old, on="difference_id", how="anti").join(
        compared.differences, on="difference_id", how="anti"
    )
    made = pl.concat([kept.select(compared.differences.columns), compared.differences])
    rows = decisions.marked_differences(made, decided).with_columns(
        biz_month=pl.col("biz_date").dt.strftime("%Y-%m")
    )
    return _replace(settings, "flow_difference", stored, rows, {})


def _old_states(held: Held, compared: Compared) -> pl.DataFrame:
    """What the table holds of the events that were compared to the end or are gone."""
    mine = held.events.join(compared.events, on="event_id", how="semi")
    return pl.concat([mine, held.gone])


def _write_events(
    settings: Settings,
    held: Held,
    compared: Compared,
    decided: pl.DataFrame,
    facts: Mapping[str, str],
    *,
    again: bool,
) -> int:
    """Replace the days whose events changed; the commit keeps the facts, also where nothing changed."""
    made = decisions.marked_events(compared.events, decided).with_columns(
        biz_month=pl.col("biz_date").dt.strftime("%Y-%m")
    )
    old = _old_states(held, compared)
    columns = list(FLOW_EVENT)
    changed = pl.concat(
        [
            made.select(columns).join(old, on=columns, how="anti", nulls_equal=True)["biz_date"],
            old.join(made, on=columns, how="anti", nulls_equal=True)["biz_date"],
        ]
    )
    days = set(changed)
    if again:
        marks = ["biz_date", "event_id", "difference_id", "decided"]
        every = delta.read(settings.table("silver.flow_event"), FLOW_EVENT, columns=marks)
        days |= set(
            decisions.marked_events(every.rename({"decided": "before"}), decided).filter(
                pl.col("decided") != pl.col("before")
            )["biz_date"]
        )
    stored = _held_rows(settings, "flow_event", days)
    kept = stored.join(old, on="event_id", how="anti").join(made, on="event_id", how="anti")
    rows = pl.concat(
        [
            decisions.marked_events(kept.drop("decided"), decided).select(columns),
            made.filter(pl.col("biz_date").is_in(list(days))).select(columns),
        ]
    )
    _replace(settings, "flow_event", stored, rows, facts)
    return changed.len()


def _replace(
    settings: Settings, name: str, stored: pl.DataFrame, rows: pl.DataFrame, facts: Mapping[str, str]
) -> bool:
    """Commit the days on which rows differ from what is stored; with facts also where none does."""
    path, schema, columns = settings.table(f"silver.{name}"), _SCHEMAS[name], list(_SCHEMAS[name])
    typed = rows.select(pl.col(column).cast(dtype) for column, dtype in schema.items())
    days = _differing(typed, stored, columns)
    if not days and not facts:
        return False
    if not days:
        delta.note(path, schema, facts, "biz_month")
        return False
    return delta.replace(
        path,
        [typed.filter(pl.col("biz_date").is_in(list(days))).sort("biz_date", "canteen_id", _KEYS[name])],
        schema,
        period=delta.Period("biz_date", days),
        partition="biz_month",
        commit_id=f"{name}:{delta.version(path)}:{facts}",
        touched=[str(day) for day in _differing(typed, stored, _TOLD[name])],
        facts=facts,
    )


def _differing(one: pl.DataFrame, other: pl.DataFrame, columns: list[str]) -> frozenset[dt.date]:
    """Days on which two frames have other rows."""
    return frozenset(
        day
        for left, right in ((one, other), (other, one))
        for day in left.join(right, on=columns, how="anti", nulls_equal=True)["biz_date"]
    )
