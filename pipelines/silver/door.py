"""The silver step: received files through the contract into silver tables.

Belongs here: the order of work and the commits. One commit per table and run; ``silver.delivery`` is
committed last and keeps the number of the last receipt batch that silver holds, so a kill at any
point is repaired by running again.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from ingest import providers, runner
from ingest.receipts import RECEIPT
from pipelines.silver import refusals, typing, units
from warehouse import delta
from warehouse.errors import ContractBreach
from warehouse.settings import Settings
from warehouse.tables import ARRIVED, DELIVERY, FEEDS, LINEAGE, PROVIDER, QUARANTINE, UNDATED, Feed

_BATCH_ROWS: Final = 250_000
_APPLIED: Final = "canteen.applied_batch"
_FROM_A_DAY: Final = frozenset(
    {"org", "price_reference", "quotation", "price_agreement", "camera", "camera_zone", "meal_time"}
)
"""Reference feeds whose rows change nothing before the day from which they hold."""


@dataclass
class _Inbox:
    """What the new files hold, on disk and in units."""

    folder: Path
    parts: dict[str, list[Path]] = field(default_factory=dict)
    units: list[pl.DataFrame] = field(default_factory=list)
    rejected: list[pl.DataFrame] = field(default_factory=list)


def run(
    settings: Settings, progress: Callable[[str], None], on_step: Callable[[str], None]
) -> dict[str, int]:
    """Take every receipt batch that silver does not hold yet.

    Args:
        settings: The data home.
        progress: Told what is being done.
        on_step: Told ``silver.<table>`` after each commit.

    Returns:
        Counts: files, rows accepted, quarantined, duplicate and superseded by this run's files.

    Raises:
        ContractBreach: Rows were lost or made on the way (conservation).
    """
    write_providers(settings)
    receipts = pl.DataFrame(delta.read(settings.table("bronze.receipt"), RECEIPT))
    applied = int(delta.fact(settings.table("silver.delivery"), _APPLIED) or 0)
    pending = receipts.filter((pl.col("batch") > applied) & (pl.col("status") == "received"))
    last = max(receipts["batch"].max() or 0, applied)  # type: ignore[type-var]
    if last == applied:
        return {"files": 0, "accepted": 0, "quarantined": 0, "duplicate": 0, "superseded": 0}
    refusals.write(settings, receipts)
    inbox = _Inbox(settings.scratch / "door")
    shutil.rmtree(inbox.folder, ignore_errors=True)
    inbox.folder.mkdir(parents=True)
    _read_files(settings, pending, inbox, progress)
    new = pl.concat([pl.DataFrame(schema=DELIVERY), *inbox.units])
    days = frozenset(new["biz_date"].drop_nulls())
    undated = new["biz_date"].null_count() > 0
    held = delta.read(settings.table("silver.delivery"), DELIVERY, days=days, undated=undated)
    # After a kill between two commits the delivery rows of these files are not there yet.
    releases = frozenset(receipts.filter(pl.col("releases").is_not_null())["file_id"])
    delivery = units.resolve(pl.concat([held, new]), releases)
    _reject_contested(settings, receipts, delivery, held, inbox)
    changed = delivery.filter(
        (pl.col("state") == "current") & pl.col("_file").is_in(new["_file"].unique().to_list())
    )
    commit_id = f"{applied}->{last}"
    for feed in FEEDS.values():
        mine = changed.filter((pl.col("feed") == feed.name) & ~pl.col("unit_key").is_in(["", "-"]))
        if feed.by_message:
            mine = mine.filter(pl.col("content_hash") != "")  # a rejected message takes nobody's place
        if mine.height:
            progress(f"写入 {feed.label}")
            _write_feed(settings, feed, mine, inbox, commit_id)
            on_step(feed.table)
    period = delta.Period("biz_date", days, undated)
    _write_quarantine(settings, inbox, delivery, period, commit_id)
    delta.replace(
        settings.table("silver.delivery"),
        [delivery.sort("biz_month", "biz_date", "feed", "provider", "unit_key", "_file")],
        DELIVERY,
        period=period,
        partition="biz_month",
        commit_id=commit_id,
        touched=_judged_days(new),
        facts={_APPLIED: str(last), ARRIVED: str(pending["arrival_date"].min())},
    )
    on_step("silver.delivery")
    shutil.rmtree(inbox.folder)
    runner.clear_parsed(settings.home)
    return _counts(delivery, pending)


def _read_files(
    settings: Settings, pending: pl.DataFrame, inbox: _Inbox, progress: Callable[[str], None]
) -> None:
    """Parse, type and check every pending file, a bounded number of rows at a time."""
    waiting: dict[str, list[pl.DataFrame]] = {}
    rows: dict[str, int] = {}
    done: set[str] = set()
    for parsed in runner.parsed(settings.home, pending):
        if parsed.receipt["file_id"] not in done:
            done.add(parsed.receipt["file_id"])
            if len(done) % 250 == 0:
                progress(f"检查文件 {len(done)}/{pending.height}")
        feed = FEEDS[parsed.feed]
        text = parsed.load()
        if text.height == 0:
            inbox.units.append(_empty(feed, parsed.receipt))
            continue
        waiting.setdefault(feed.name, []).append(_with_lineage(text, parsed.receipt))
        rows[feed.name] = rows.get(feed.name, 0) + text.height
        if rows[feed.name] >= _BATCH_ROWS:
            _flush(feed, waiting.pop(feed.name), inbox)
            rows[feed.name] = 0
    for name, frames in waiting.items():
        _flush(FEEDS[name], frames, inbox)


def _with_lineage(text: pl.DataFrame, receipt: dict[str, object]) -> pl.DataFrame:
    lineage = {
        "_provider": receipt["provider"],
        "_file": receipt["file_id"],
        "_arrival_date": receipt["arrival_date"],
    }
    return text.with_columns(pl.lit(value).alias(name) for name, value in lineage.items()).with_columns(
        pl.col("_row").cast(pl.Int64)
    )


def _reject_contested(
    settings: Settings, receipts: pl.DataFrame, delivery: pl.DataFrame, held: pl.DataFrame, inbox: _Inbox
) -> None:
    """Add to the rejected rows every message whose number the new files contest.

    Rows of older files are read again from their originals, so that a kill between two commits is
    repaired by running again.
    """
    new_files = {file for frame in inbox.units for file in frame["_file"]}
    contested = units.contested(delivery)
    touched = contested.filter(pl.col("_file").is_in(list(new_files))).drop("_file").unique()
    if touched.height == 0:
        return
    accepted = held.filter(pl.col("rows_accepted") > 0).join(
        touched, on=["feed", "provider", "unit_key"], how="semi"
    )
    older = receipts.filter(
        (pl.col("status") == "received") & pl.col("file_id").is_in(accepted["_file"].unique().to_list())
    )
    for feed in (feed for feed in FEEDS.values() if feed.by_message):
        mine = touched.filter(pl.col("feed") == feed.name).select("unit_key", _provider="provider")
        if mine.height == 0:
            continue
        rows = [pl.scan_parquet(part).collect() for part in inbox.parts[feed.name]]
        for parsed in runner.parsed(settings.home, older):
            if parsed.feed == feed.name:
                checked = typing.check(feed, _of_feed(feed, _with_lineage(parsed.load(), parsed.receipt)))
                rows.append(units.deliver(feed, checked.accepted, checked.rejected).rows)
        for frame in rows:
            found = frame.join(mine, on=["unit_key", "_provider"], how="semi")
            if found.height:
                inbox.rejected.append(units.as_conflicts(feed, found).with_columns(feed=pl.lit(feed.name)))


def _of_feed(feed: Feed, text: pl.DataFrame) -> pl.DataFrame:
    return text.select(*feed.contract.columns(), *LINEAGE)


def _flush(feed: Feed, frames: list[pl.DataFrame], inbox: _Inbox) -> None:
    text = pl.concat([_of_feed(feed, frame) for frame in frames])
    checked = typing.check(feed, text)
    delivered = units.deliver(feed, checked.accepted, checked.rejected)
    total = (
        delivered.units.select(pl.sum("rows_accepted", "rows_quarantined", "rows_duplicate"))
        .sum_horizontal()
        .sum()
    )
    if total != text.height:
        raise ContractBreach(
            f"{feed.name}: {text.height} rows came in but {total} are accounted for", abs(text.height - total)
        )
    parts = inbox.parts.setdefault(feed.name, [])
    part = inbox.folder / f"{feed.name}-{len(parts)}.parquet"
    delivered.rows.write_parquet(part, compression="lz4")
    parts.append(part)
    inbox.units.append(delivered.units)
    if feed.name == "withdrawal":
        inbox.units.append(units.withdrawn(delivered.rows))
    inbox.rejected.append(delivered.rejected.with_columns(feed=pl.lit(feed.name)))


def _empty(feed: Feed, receipt: dict[str, object]) -> pl.DataFrame:
    return units.empty_file(
        feed.name,
        str(receipt["provider"]),
        str(receipt["file_id"]),
        pl.lit(receipt["arrival_date"], pl.Date),
        pl.lit(receipt["biz_date_declared"], pl.Date),
    )


def _write_feed(settings: Settings, feed: Feed, changed: pl.DataFrame, inbox: _Inbox, commit_id: str) -> None:
    """Replace the units whose current file is among the new ones."""
    # What no row holds (all rejected, or a contested message) has no winner: its held rows go.
    winner = pl.when(pl.col("rows_accepted") > 0).then(pl.col("_file"))
    owner = changed.select("provider", "unit_key", winner=winner).unique()
    parts = [pl.scan_parquet(part) for part in inbox.parts.get(feed.name, [])]
    nothing = pl.LazyFrame(schema={**feed.business_columns, **LINEAGE, "unit_key": pl.String()})
    new = (pl.concat(parts) if parts else nothing).join(
        owner.lazy(),
        left_on=["_provider", "unit_key", "_file"],
        right_on=["provider", "unit_key", "winner"],
        how="semi",
    )
    path = settings.table(feed.table)
    if not feed.dated:
        held = delta.read(path, feed.columns).with_columns(units.unit_key(feed))
        kept = held.join(
            owner, left_on=["_provider", "unit_key"], right_on=["provider", "unit_key"], how="anti"
        )
        rows = new.collect()
        frame = pl.concat([kept.select(*feed.columns), rows.select(*feed.columns)]).sort(
            *feed.unit, *feed.record
        )
        delta.replace(
            path,
            [frame],
            feed.columns,
            period=None,
            partition=None,
            commit_id=commit_id,
            touched=_reach(feed, rows),
        )
        return
    days = frozenset(changed["biz_date"])
    held = delta.files(path)  # listed now: no table can be opened inside the stream
    delta.replace(
        path,
        _by_day(feed, sorted(days), held, new, owner),
        feed.columns,
        period=delta.Period("biz_date", days),
        partition=feed.partition,
        commit_id=commit_id,
        touched=[] if feed.name == "withdrawal" else [str(day) for day in days],
    )


def _by_day(
    feed: Feed, days: list[dt.date], held: list[delta.DataFile], new: pl.LazyFrame, owner: pl.DataFrame
) -> Iterator[pl.DataFrame]:
    """The new content of each day, a bounded number of days at a time (consumption: one)."""
    step = 1 if feed.partition == "biz_date" else 31
    for start in range(0, len(days), step):
        chunk = days[start : start + step]
        fresh = new.filter(pl.col("biz_date").is_in(chunk)).collect()
        kept = (
            delta.read_files(held, feed.columns, days=chunk)
            .with_columns(units.unit_key(feed))
            .join(owner, left_on=["_provider", "unit_key"], right_on=["provider", "unit_key"], how="anti")
        )
        frame = pl.concat([_stored(feed, kept), _stored(feed, fresh)])
        yield frame.sort("biz_date", *(name for name in feed.unit if name != "biz_date"), "record_no")


def _stored(feed: Feed, frame: pl.DataFrame) -> pl.DataFrame:
    if feed.partition == "biz_month":
        frame = frame.with_columns(biz_month=pl.col("biz_date").dt.strftime("%Y-%m"))
    return frame.select(*feed.columns)


def _reach(feed: Feed, rows: pl.DataFrame) -> list[str]:
    """Days that a changed reference row reaches back to."""
    if feed.name == "calendar":
        # Open days are counted ahead within the month (forecast).
        return [str(day) for day in rows["biz_date"].dt.truncate("1mo").unique()]
    if feed.name in ("supplier", "access_grant", "map_shape"):
        return []
    if feed.name == "event_verdict":
        return [str(day) for day in rows["event_date"].unique()]
    if feed.name in _FROM_A_DAY:
        return [f">={rows['valid_from'].min()}"]
    return [delta.EVERYTHING]


def _write_quarantine(
    settings: Settings, inbox: _Inbox, delivery: pl.DataFrame, period: delta.Period, commit_id: str
) -> None:
    """Add the rejected rows; rows of a file that no longer holds their unit become obsolete."""
    path = settings.table("silver.quarantine")
    held = delta.read(path, QUARANTINE, days=period.days, undated=period.undated)
    fresh = [
        frame.with_columns(
            provider=pl.col("_provider"),
            canteen_id=pl.col("canteen_id") if "canteen_id" in frame.columns else pl.lit(None, pl.String),
            biz_date=pl.when(pl.col("unit_key") == "").then(None).otherwise(pl.col("biz_date"))
            if FEEDS[frame["feed"][0]].dated
            else pl.lit(None, pl.Date),
            state=pl.lit("open"),
        )
        .with_columns(biz_month=pl.col("biz_date").dt.strftime("%Y-%m").fill_null(UNDATED))
        .select(pl.col(name).cast(dtype) for name, dtype in QUARANTINE.items())
        for frame in inbox.rejected
        if frame.height
    ]
    rows = pl.concat([held, *fresh]).unique(subset=["_file", "feed", "_row"], keep="first")
    if rows.height == 0:
        return
    owner = (
        delivery.filter(pl.col("state") == "current")
        .select("feed", "provider", "unit_key", holder="_file")
        .unique()
    )
    gone = rows.join(
        owner,
        left_on=["feed", "provider", "unit_key", "_file"],
        right_on=["feed", "provider", "unit_key", "holder"],
        how="anti",
    )
    rows = rows.join(
        gone.select("_file", "feed", "_row", gone=pl.lit(value=True)),
        on=["_file", "feed", "_row"],
        how="left",
    )
    rows = rows.with_columns(
        state=pl.when(pl.col("gone") & (pl.col("state") == "open"))
        .then(pl.lit("obsolete"))
        .otherwise(pl.col("state"))
    )
    delta.replace(
        path,
        [rows.select(*QUARANTINE).sort("biz_month", "biz_date", "_file", "_row")],
        QUARANTINE,
        period=period,
        partition="biz_month",
        commit_id=commit_id,
        touched=_judged_days(pl.concat(inbox.units)),
    )


def _judged_days(delivered: pl.DataFrame) -> list[str]:
    """Days whose completeness may have changed; forms, advance payments, bank files and messages are not part of it."""
    messages = [feed.name for feed in FEEDS.values() if feed.by_message]
    judged = delivered.filter(~pl.col("feed").is_in(["disclosure_line", "meal_fee", "bank_line", *messages]))
    return [str(day) for day in judged["biz_date"].drop_nulls().unique()]


def write_providers(settings: Settings) -> None:
    """Keep ``silver.provider`` equal to the provider files."""
    path = settings.table("silver.provider")
    rows = [
        {
            "provider": p.provider,
            "label": p.label,
            "county_code": county,
            "feed": feed,
            "is_duty": feed in p.duties,
        }
        for p in providers.load_all(settings.home).values()
        for county in (p.counties or [""])
        for feed in p.feeds
    ]
    wanted = pl.DataFrame(rows, schema=PROVIDER).sort(list(PROVIDER))
    version = delta.version(path)
    if version is not None and delta.read(path, PROVIDER).sort(list(PROVIDER)).equals(wanted):
        return
    delta.replace(
        path,
        [wanted],
        PROVIDER,
        period=None,
        partition=None,
        commit_id=f"after {version}",
        touched=[delta.EVERYTHING],
    )


def _counts(delivery: pl.DataFrame, pending: pl.DataFrame) -> dict[str, int]:
    mine = delivery.filter(pl.col("_file").is_in(pending["file_id"].to_list()))
    by_state = {
        state: int(mine.filter(pl.col("state") == state)["rows_accepted"].sum())
        for state in ("current", "duplicate", "superseded")
    }
    return {
        "files": pending.height,
        "accepted": by_state["current"],
        "quarantined": int(mine["rows_quarantined"].sum()),
        "duplicate": by_state["duplicate"] + int(mine["rows_duplicate"].sum()),
        "superseded": by_state["superseded"],
    }
