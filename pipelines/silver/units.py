"""Units of replacement: what a file delivered, and which file holds each unit now.

Belongs here: duplicates inside a file, the content hash of a unit, and the choice between files.
The choice depends on the set of files only, never on the order in which they were taken
(DESIGN decision 10).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import polars as pl

from warehouse.tables import CONFLICT, DELIVERY, FEEDS, LINEAGE, UNDATED, Feed

_SEPARATOR = "\x1f"
_NULL = "\x00"
_MESSAGES = [feed.name for feed in FEEDS.values() if feed.by_message]


@dataclass(frozen=True)
class Delivered:
    """Rows of a batch of files after the door.

    Attributes:
        rows: Accepted rows, one per record, with lineage and ``unit_key``.
        rejected: Rows for quarantine, with ``unit_key``.
        units: One row per (file, unit), columns of ``silver.delivery`` with ``state`` still empty.
    """

    rows: pl.DataFrame
    rejected: pl.DataFrame
    units: pl.DataFrame


def unit_key(feed: Feed) -> pl.Expr:
    """Text that names a row's unit within its provider and feed; empty if it could not be read."""
    parts = [pl.col(name).cast(pl.String) for name in feed.unit]
    return pl.concat_str(parts, separator="|").fill_null("").alias("unit_key")


def deliver(feed: Feed, accepted: pl.DataFrame, rejected: pl.DataFrame) -> Delivered:
    """Settle repeated records inside each file and describe every unit.

    Args:
        feed: The feed.
        accepted: Typed rows that kept the contract.
        rejected: Rows that broke it.
    """
    business = [name for name in feed.business_columns if name != "reported_at"]
    content = pl.concat_str(
        [pl.col(name).cast(pl.String).fill_null(_NULL) for name in business], separator=_SEPARATOR
    )
    rows = accepted.with_columns(unit_key(feed), content.alias("_content"))
    named = "record_no" in rows.columns and not feed.by_message  # a message's number may recur on another day
    record = ["_file", "record_no" if named else "unit_key"]
    repeated = rows.filter(pl.struct(record).is_duplicated()).with_columns(
        _versions=pl.col("_content").n_unique().over(record), _place=pl.int_range(pl.len()).over(record)
    )
    conflicting = repeated.filter(pl.col("_versions") > 1)
    duplicate = repeated.filter((pl.col("_versions") == 1) & (pl.col("_place") > 0))
    rows = rows.join(
        repeated.filter((pl.col("_versions") > 1) | (pl.col("_place") > 0)),
        on=["_file", "_row", "unit_key"],
        how="anti",
    )
    rejected = pl.concat(
        [rejected.with_columns(unit_key(feed)), _conflicts(feed, conflicting)], how="diagonal"
    )
    return Delivered(rows.drop("_content"), rejected, _describe(feed, rows, rejected, duplicate))


def _conflicts(feed: Feed, rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of one record number with different content, as rejected rows."""
    keep = sorted({*feed.unit, "reported_at"} - {"record_no"})
    as_json = rows.select(
        pl.struct(_written(name, dtype) for name, dtype in feed.business_columns.items()).struct.json_encode()
    ).to_series()
    return rows.select(
        *keep,
        *LINEAGE,
        "unit_key",
        rules=pl.lit(CONFLICT),
        fields=pl.lit(",".join(feed.columns_of(CONFLICT))),
        row_json=as_json,
        record_no=pl.col("record_no" if "record_no" in rows.columns else "unit_key"),
    )


def _written(name: str, dtype: pl.DataType) -> pl.Expr:
    """A column as a file writes it, times in Shanghai, so that the row may pass the door again."""
    if isinstance(dtype, pl.Datetime):
        return pl.col(name).dt.convert_time_zone("Asia/Shanghai").dt.strftime("%Y-%m-%d %H:%M:%S")
    return pl.col(name).cast(pl.String)


def _describe(
    feed: Feed, rows: pl.DataFrame, rejected: pl.DataFrame, duplicate: pl.DataFrame
) -> pl.DataFrame:
    by = ["_file", "_provider", "_arrival_date", "unit_key"]
    accepted_units = rows.group_by(by).agg(
        rows_accepted=pl.len(),
        version=pl.col("reported_at").max(),
        content=pl.col("_content").sort().str.join("\n"),
    )
    digests = [hashlib.sha256(text.encode()).hexdigest()[:32] for text in accepted_units["content"]]
    units = (
        accepted_units.with_columns(content_hash=pl.Series(digests, dtype=pl.String))
        .drop("content")
        .join(
            rejected.group_by(by).agg(
                rows_quarantined=pl.len(), rejected_version=pl.col("reported_at").max()
            ),
            on=by,
            how="full",
            coalesce=True,
        )
        .join(duplicate.group_by(by).agg(rows_duplicate=pl.len()), on=by, how="left")
    )
    if feed.by_message:
        # Told apart from a message that was rejected, so that it contests the number in other files too.
        contested = rejected.filter(pl.col("rules") == CONFLICT).select(*by[:1], "unit_key").unique()
        units = units.join(
            contested.with_columns(contested=pl.lit(CONFLICT)), on=["_file", "unit_key"], how="left"
        ).with_columns(content_hash=pl.coalesce("content_hash", "contested"))
    arrival = pl.col("_arrival_date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    keys = _unit_columns(feed, rows, rejected)
    return (
        units.join(keys, on=["_file", "unit_key"], how="left")
        .with_columns(
            feed=pl.lit(feed.name),
            provider=pl.col("_provider"),
            version=pl.coalesce(pl.max_horizontal("version", "rejected_version"), arrival),
            rows_accepted=pl.col("rows_accepted").fill_null(0),
            rows_quarantined=pl.col("rows_quarantined").fill_null(0),
            rows_duplicate=pl.col("rows_duplicate").fill_null(0),
            content_hash=pl.col("content_hash").fill_null(""),
            state=pl.lit(None, pl.String),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in DELIVERY.items())
    )


def _unit_columns(feed: Feed, rows: pl.DataFrame, rejected: pl.DataFrame) -> pl.DataFrame:
    """Canteen, day and month of each unit; reference units and unreadable ones are about no day."""
    named = [name for name in feed.unit if name in DELIVERY] if feed.dated else []
    columns = ["_file", "unit_key", *named]
    keys = pl.concat([frame.select(columns) for frame in (rows, rejected)]).unique(
        subset=["_file", "unit_key"]
    )
    readable = pl.col("unit_key") != ""
    keys = keys.with_columns(
        (pl.when(readable).then(pl.col(name)) if name in named else pl.lit(None, DELIVERY[name])).alias(name)
        for name in ("canteen_id", "biz_date")
    )
    return keys.with_columns(biz_month=pl.col("biz_date").dt.strftime("%Y-%m").fill_null(UNDATED))


def empty_file(feed: str, provider: str, file: str, arrival: pl.Expr, day: pl.Expr) -> pl.DataFrame:
    """The delivery row of a file without rows: it says that nothing happened on its declared day."""
    return pl.select(
        feed=pl.lit(feed),
        provider=pl.lit(provider),
        canteen_id=pl.lit(None, pl.String),
        biz_date=day,
        unit_key=pl.lit("-"),
        _file=pl.lit(file),
        _arrival_date=arrival,
        version=arrival.cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
        rows_accepted=pl.lit(0),
        rows_quarantined=pl.lit(0),
        rows_duplicate=pl.lit(0),
        content_hash=pl.lit(""),
        state=pl.lit(None, pl.String),
        biz_month=day.dt.strftime("%Y-%m").fill_null(UNDATED),
    ).select(pl.col(name).cast(dtype) for name, dtype in DELIVERY.items())


def withdrawn(rows: pl.DataFrame) -> pl.DataFrame:
    """The delivery rows of canteen-days that withdrawals leave empty.

    Args:
        rows: Accepted rows of the feed ``withdrawal``.
    """
    day = pl.col("biz_date")
    return (
        rows.group_by("withdrawn_feed", "_provider", "canteen_id", "biz_date", "_file", "_arrival_date")
        .agg(version=pl.col("reported_at").max())
        .with_columns(
            feed=pl.col("withdrawn_feed"),
            provider=pl.col("_provider"),
            unit_key=pl.concat_str("canteen_id", day.cast(pl.String), separator="|"),
            rows_accepted=pl.lit(0),
            rows_quarantined=pl.lit(0),
            rows_duplicate=pl.lit(0),
            content_hash=pl.lit(""),
            state=pl.lit(None, pl.String),
            biz_month=day.dt.strftime("%Y-%m"),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in DELIVERY.items())
    )


def resolve(units: pl.DataFrame, releases: frozenset[str] = frozenset()) -> pl.DataFrame:
    """Decide which file holds each unit.

    The greatest (version, arrival date, file hash) is ``current``. A losing file's unit is
    ``duplicate`` if its content equals the current one, else ``superseded``.

    Of a message the first report holds, its repeats are duplicates, and a rejected one stands for
    itself until it is released. A number with two contents is contested: all its rows count as quarantined, and none holds,
    until a steward's release does.

    Args:
        units: Delivery rows, complete for every unit that occurs in them.
        releases: Files that are stewards' releases.
    """
    is_message = pl.col("feed").is_in(_MESSAGES)
    messages = _resolve_messages(units.filter(is_message), releases)
    return pl.concat([_resolve_days(units.filter(~is_message)), messages])


_UNIT = ["feed", "provider", "unit_key"]


def _resolve_days(units: pl.DataFrame) -> pl.DataFrame:
    ranked = units.sort("version", "_arrival_date", "_file", descending=True)
    first = pl.int_range(pl.len()).over(_UNIT) == 0
    same = pl.col("content_hash") == pl.col("content_hash").first().over(_UNIT)
    unreadable = pl.col("unit_key").is_in(["", "-"])
    return ranked.with_columns(
        state=pl.when(unreadable | first)
        .then(pl.lit("current"))
        .when(same)
        .then(pl.lit("duplicate"))
        .otherwise(pl.lit("superseded"))
    )


def _resolve_messages(units: pl.DataFrame, releases: frozenset[str]) -> pl.DataFrame:
    taken = pl.col("content_hash") != ""
    released = pl.col("_file").is_in(list(releases)) & taken
    ranked = units.with_columns(_released=released).sort(
        ["_released", "version", "_arrival_date", "_file"], descending=[True, False, False, False]
    )
    contents = pl.col("content_hash").filter(taken).n_unique().over(_UNIT)
    within = (pl.col("content_hash") == CONFLICT).any().over(_UNIT)
    settled = pl.col("_released").any().over(_UNIT)
    holder = pl.col("_file").filter(taken).first().over(_UNIT)
    same = pl.col("content_hash") == pl.col("content_hash").filter(taken).first().over(_UNIT)
    ranked = ranked.with_columns(_contested=taken & ((contents > 1) | within) & ~settled)
    moved = pl.when("_contested").then(pl.col("rows_accepted")).otherwise(0)
    return ranked.with_columns(
        rows_accepted=pl.col("rows_accepted") - moved,
        rows_quarantined=pl.col("rows_quarantined") + moved,
        state=pl.when((~taken & ~settled) | pl.col("_contested") | (pl.col("_file") == holder))
        .then(pl.lit("current"))
        .when(same)
        .then(pl.lit("duplicate"))
        .otherwise(pl.lit("superseded")),
    ).drop("_released", "_contested")


def contested(delivery: pl.DataFrame) -> pl.DataFrame:
    """Units of messages whose number has two contents: ``feed``, ``provider``, ``unit_key``, ``_file``.

    Args:
        delivery: Resolved delivery rows.
    """
    return delivery.filter(
        pl.col("feed").is_in(_MESSAGES)
        & (pl.col("content_hash") != "")
        & (pl.col("state") == "current")
        & (pl.col("rows_accepted") == 0)
    ).select(*_UNIT, "_file")


def as_conflicts(feed: Feed, rows: pl.DataFrame) -> pl.DataFrame:
    """Accepted rows of contested messages, as rejected rows.

    Args:
        feed: A feed of messages.
        rows: Rows with lineage and ``unit_key``.
    """
    return _conflicts(feed, rows)
