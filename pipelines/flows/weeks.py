"""The chain of weeks: each week's events are compared once, with those that still wait for a flow.

Belongs here: which events a week compares, when an event is settled, and where a recomputation may stop. Everything
is a function of its arguments. Does not belong here: matching (``pipelines.reconcile``), reading and writing
(``pipelines.flows.step``).

A week of a canteen compares its own events, those of earlier weeks that nothing has settled, and as candidates only
those of the week after it; what was settled lately is a rival to them. What agrees, or differs in another way than by a
missing flow, is settled in the week of its last event; what waits for a flow is carried on for ``CARRIED``, then given
up as it is. A week in which a canteen has no event is skipped. So a week's result depends on the content of the weeks
up to it alone, and never on the order of arrival.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final

import polars as pl

from pipelines.flows.sources import EVENT
from pipelines.reconcile.candidates import REACH
from pipelines.reconcile.clusters import PROPOSED
from pipelines.reconcile.engine import Reconciliation, reconcile
from pipelines.reconcile.events import ACCOUNTS, SCHEMA, SETTLED
from warehouse.tables import FLOW_DIFFERENCE, FLOW_EVENT

WEEK: Final = dt.timedelta(days=7)
AHEAD: Final = dt.timedelta(days=7)
"""Days after a week's end whose events are candidates in it: what lies further off is no longer normal, and a rival
that is not seen cannot keep a match from being certain."""
CARRIED: Final = dt.timedelta(days=28)
"""How old an event may be at the start of a week for it still to wait after that week; 35 days as a candidate."""
REMEMBERED: Final = CARRIED + dt.timedelta(days=REACH)
"""How old an event may be at the start of a week for it to be a rival after that week, once it is settled: as far as
the oldest that waits could reach."""
LONGEST_PAUSE: Final = dt.timedelta(days=140)
"""Longest time without events over which waiting events are carried: a summer and more."""
STATE: Final = ["match_id", "rule", "confidence", "automatic", "difference_id", "break_type", "settled_week"]
_WAITS: Final = ("missing_in_bank", "missing_in_business", "missing_in_books", "duplicate")
"""Differences that a later event may explain: what seems a second copy may be the first of another payment."""
_BLOCK: Final = ["canteen_id", "direction", "amount_yuan"]
_MONEY: Final = pl.Decimal(18, 2)


@dataclass(frozen=True)
class Held:
    """What the table holds of the canteens that are compared again.

    Attributes:
        events: Columns of ``FLOW_EVENT``: unchanged events from the first week on, and earlier ones that waited then.
        gone: The same of events that changed or vanished, as they were.
        previous: canteen_id, previous: Monday of the last week with events before the first one.
        settled: Columns of ``FLOW_EVENT``: events settled before the first week that are at most ``REMEMBERED`` older
            than ``previous``; at least the ``rivals`` of the other events.
    """

    events: pl.DataFrame
    gone: pl.DataFrame
    previous: pl.DataFrame
    settled: pl.DataFrame


@dataclass(frozen=True)
class Compared:
    """What came of it.

    Attributes:
        events: ``EVENT`` and ``STATE`` of every event that was compared to the end; the others stand as held.
        differences: Columns of ``FLOW_DIFFERENCE`` but for decisions and month, of these events.
    """

    events: pl.DataFrame
    differences: pl.DataFrame


def monday(day: pl.Expr) -> pl.Expr:
    """First day of the ISO week of a day."""
    return day.dt.truncate("1w")


def first_week(day: pl.Expr) -> pl.Expr:
    """Monday of the first week that looks at the events of a day."""
    return monday(day - AHEAD)


def rivals(settled: pl.DataFrame, events: pl.DataFrame) -> pl.DataFrame:
    """Settled events of the canteen, direction and amount of some events.

    A second copy and a cancelled bank line compete for nothing.

    Args:
        settled: ``EVENT`` and ``STATE``.
        events: ``EVENT``.
    """
    idle = pl.col("match_id").is_null() & pl.col("break_type").is_in(["duplicate", "reversal"])
    return settled.filter(~idle.fill_null(value=False)).join(events, on=_BLOCK, how="semi")


def compare(held: Held, fresh: pl.DataFrame) -> Compared:
    """Compare the weeks that new events reach, until what waits is the same as before.

    Args:
        held: What is known of the canteens.
        fresh: ``EVENT`` of events that are new or changed.
    """
    chain = _Chain(held, fresh)
    for week in chain.weeks["week"].unique().sort():
        chain.advance(week)
    return chain.result()


class _Chain:
    """The state between two weeks.

    ``waiting`` holds what no week has settled; ``past`` what was settled lately, ``past_before`` the same as the table
    has it; ``coming`` the events of weeks not yet reached, by Monday.
    """

    def __init__(self, held: Held, fresh: pl.DataFrame) -> None:
        changed = pl.concat(
            [held.gone.select("canteen_id", "biz_date"), fresh.select("canteen_id", "biz_date")]
        )
        span = changed.group_by("canteen_id").agg(
            first=first_week(pl.col("biz_date").min()), last=monday(pl.col("biz_date").max())
        )
        self.last = span.select("canteen_id", "last")
        known = held.events.select(*EVENT, *STATE).join(span.select("canteen_id", "first"), on="canteen_id")
        again = pl.col("settled_week").is_null() | (pl.col("settled_week") >= pl.col("first"))
        events = pl.concat(
            [
                known.filter(again).select(*EVENT, "first", is_fresh=pl.lit(value=False)),
                fresh.select(EVENT)
                .join(span.select("canteen_id", "first"), on="canteen_id")
                .with_columns(is_fresh=pl.lit(value=True)),
            ]
        ).with_columns(week=monday(pl.col("biz_date")))
        self.weeks = _weeks(known, events, held.previous)
        old = pl.col("week") < pl.col("first")
        self.waiting = events.filter(old).drop("first")
        ahead = events.filter(~old).drop("first").sort("week", "event_id")
        self.coming = {key[0]: part for key, part in ahead.partition_by("week", as_dict=True).items()}
        self.before = pl.concat(
            [
                known.select(
                    "canteen_id", "event_id", "biz_date", "settled_week", is_gone=pl.lit(value=False)
                ),
                held.gone.select(
                    "canteen_id", "event_id", "biz_date", "settled_week", is_gone=pl.lit(value=True)
                ),
            ]
        )
        self.past = held.settled.select(*EVENT, *STATE)
        self.past_before = pl.concat(
            [self.past, *(frame.select(*EVENT, *STATE) for frame in (known, held.gone))]
        ).filter(pl.col("settled_week").is_not_null())
        self.empty = events.clear().drop("first")
        self.open = _undecided(self.empty)
        self.told = _no_differences()
        self.settled: list[pl.DataFrame] = []
        self.differences: list[pl.DataFrame] = []
        self.stopped: set[str] = set()

    def advance(self, week: dt.date) -> None:
        """Compare one week of all canteens that have it."""
        having = self.weeks.filter(pl.col("week") == week, ~pl.col("canteen_id").is_in(list(self.stopped)))
        active = having["canteen_id"]
        if active.is_empty():
            return
        mine = pl.col("canteen_id").is_in(active.implode())
        paused = having.filter(pl.col("previous") < week - LONGEST_PAUSE)["canteen_id"]
        lasting = ~pl.col("canteen_id").is_in(paused.implode())
        self.waiting, self.past = self.waiting.filter(lasting), self.past.filter(lasting)
        own = self.coming.pop(week, self.empty)
        following = self.coming.get(week + WEEK, self.empty)
        soon = following.filter(mine, pl.col("biz_date") < week + WEEK + AHEAD)
        pool = pl.concat([self.waiting.filter(mine), own.filter(mine), soon])
        judged, told = _judged(pool, rivals(self.past.filter(mine), pool), week)
        finished = judged.filter(pl.col("settled_week").is_not_null())
        self.settled.append(finished)
        self.past = pl.concat([self.past, finished]).filter(~mine | (pl.col("biz_date") >= week - REMEMBERED))
        self.waiting = pl.concat(
            [self.waiting.filter(~mine), pool.filter(pl.col("biz_date") < week + WEEK)]
        ).join(finished, on="event_id", how="anti")
        self.coming[week + WEEK] = following.join(finished, on="event_id", how="anti")
        done = told["difference_id"].is_in(finished["difference_id"].implode())
        self.differences.append(told.filter(done))
        self.told = pl.concat([self.told.filter(~mine), told.filter(~done)])
        still = judged.filter(pl.col("settled_week").is_null(), pl.col("biz_date") < week + WEEK)
        self.open = pl.concat([self.open.filter(~mine), still])
        self._stop(week, active)

    def _stop(self, week: dt.date, active: pl.Series) -> None:
        """Leave the canteens whose later weeks would find exactly what they found before."""
        done = self.last.filter(pl.col("canteen_id").is_in(active.implode()), pl.col("last") < week)[
            "canteen_id"
        ]
        if done.is_empty():
            return
        mine, reached = pl.col("canteen_id").is_in(done.implode()), pl.col("biz_date") < week + WEEK + AHEAD
        waits = pl.concat([self.waiting, self.coming[week + WEEK]]).filter(mine, reached)
        waited = self.before.filter(
            mine, reached, pl.col("settled_week").is_null() | (pl.col("settled_week") > week)
        )
        differing = pl.concat(
            [
                waits.filter("is_fresh")["canteen_id"],
                waits.join(waited, on="event_id", how="anti")["canteen_id"],
                waited.filter("is_gone")["canteen_id"],
                waited.join(waits, on="event_id", how="anti")["canteen_id"],
                self._other_rivals(week, done)["canteen_id"],
            ]
        )
        same = done.filter(~done.is_in(differing.implode()))
        self.stopped |= set(same)
        stopped = pl.col("canteen_id").is_in(same.implode())
        self.open, self.told = self.open.filter(~stopped), self.told.filter(~stopped)
        self.waiting, self.past = self.waiting.filter(~stopped), self.past.filter(~stopped)

    def _other_rivals(self, week: dt.date, canteens: pl.Series) -> pl.DataFrame:
        """Events still to be compared, of some canteens, whose settled rivals are not what they were before."""
        mine = pl.col("canteen_id").is_in(canteens.implode())
        recent = (pl.col("biz_date") >= week - REMEMBERED) & (pl.col("settled_week") <= week)
        now, before = (frame.filter(mine, recent) for frame in (self.past, self.past_before))
        state = [*EVENT, "match_id", "rule", "automatic", "break_type"]
        changed = pl.concat(
            [
                one.join(other, on=state, how="anti", nulls_equal=True)
                for one, other in ((now, before), (before, now))
            ]
        )
        left = pl.concat([self.waiting.select(EVENT), *(part.select(EVENT) for part in self.coming.values())])
        return left.filter(mine).join(changed, on=_BLOCK, how="semi")

    def result(self) -> Compared:
        """What was compared to the end."""
        return Compared(
            pl.concat([_undecided(self.empty), *self.settled, self.open]),
            pl.concat([_no_differences(), *self.differences, self.told]),
        )


def _weeks(known: pl.DataFrame, events: pl.DataFrame, previous: pl.DataFrame) -> pl.DataFrame:
    """canteen_id, week, previous: the weeks with events from each canteen's first on, and the one before each."""
    every = pl.concat(
        [
            known.select("canteen_id", "first", week=monday(pl.col("biz_date"))),
            events.select("canteen_id", "first", "week"),
        ]
    )
    return (
        every.filter(pl.col("week") >= pl.col("first"))
        .select("canteen_id", "week")
        .unique()
        .join(previous, on="canteen_id", how="left")
        .with_columns(
            previous=pl.coalesce(pl.col("week").shift(1).over("canteen_id", order_by="week"), "previous")
        )
    )


def _judged(pool: pl.DataFrame, settled: pl.DataFrame, week: dt.date) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The events of a week with ``STATE``, and its differences.

    What holds only events after the week's end is left to the next one; of it no state is told.
    """
    accounts = pool.filter(pl.col("account_role").is_not_null()).select(ACCOUNTS.names()).unique()
    found = reconcile(pool.select(SCHEMA.names()), accounts, settled.select(SETTLED.names()))
    placed = _placed(pool, found)
    ahead = pl.col("biz_date") >= week + WEEK
    lone = pl.col("match_id").is_null() & pl.col("difference_id").is_null()
    waits = pl.col("break_type").is_in(list(_WAITS)).fill_null(value=False) | lone
    units = placed.group_by("unit").agg(
        mine=(~ahead).any(),
        finished=(~waits & ~ahead).all() | (pl.col("biz_date").min() < week - CARRIED),
    )
    known = placed.join(units, on="unit", how="left", nulls_equal=True).filter(
        pl.col("mine"), ~ahead | pl.col("finished")
    )
    finished = pl.when("finished").then(pl.lit(week))
    judged = known.with_columns(settled_week=finished).select(*EVENT, *STATE)
    return judged, _described(judged, found.differences)


def _placed(pool: pl.DataFrame, found: Reconciliation) -> pl.DataFrame:
    """Events with what came of them; ``unit`` names the events that are settled together."""
    differing = (
        found.differences.select("difference_id", "break_type", event_id="event_ids")
        .explode("event_id")
        .with_columns(alone=pl.len().over("difference_id") == 1)
    )
    matched = found.matches.select("event_id", "match_id", "rule", "confidence", "automatic")
    # What passes through a school's other account is this canteen's only if another flow says so.
    elsewhere = pl.col("alone") & (pl.col("account_role") != "special").fill_null(value=False)
    return (
        pool.join(matched, on="event_id", how="left", maintain_order="left")
        .join(differing, on="event_id", how="left", maintain_order="left")
        .with_columns(
            unit=pl.coalesce("difference_id", "match_id", "event_id"),
            elsewhere=elsewhere.fill_null(value=False),
        )
        .with_columns(
            pl.when(~pl.col("elsewhere")).then(name).alias(name) for name in ("difference_id", "break_type")
        )
        # Without a number a late event may belong to a payment that only a later week will show.
        .with_columns(
            automatic=(pl.col("automatic") & (pl.col("rule") != "timing")).fill_null(value=False),
            confidence=pl.when(pl.col("rule") == "timing").then(PROPOSED).otherwise("confidence"),
        )
    )


def _described(events: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Differences of events, with each flow's money in less money out."""
    signed = (
        pl.when(pl.col("direction") == "in").then(pl.col("amount_yuan")).otherwise(-pl.col("amount_yuan"))
    )
    sums = [
        signed.filter(pl.col("flow") == flow).sum().cast(_MONEY).alias(f"{flow}_yuan")
        for flow in ("bank", "business", "books")
    ]
    known = (
        events.filter(pl.col("difference_id").is_not_null())
        .group_by("difference_id")
        .agg(*sums, biz_date=pl.col("biz_date").min())
    )
    told = found.select("difference_id", "canteen_id", "break_type", "amount_yuan", "reason")
    return known.join(told, on="difference_id").select(_no_differences().columns)


def _undecided(events: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(schema={name: FLOW_EVENT[name] for name in [*EVENT, *STATE]})


def _no_differences() -> pl.DataFrame:
    decided = ("decided", "decided_reason", "biz_month")
    return pl.DataFrame(
        schema={name: dtype for name, dtype in FLOW_DIFFERENCE.items() if name not in decided}
    )
