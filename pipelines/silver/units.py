"""Units of replacement: what a file delivered, and which file holds each unit now.

Belongs here: duplicates inside a file, the content hash of a unit, and the choice between files.
The choice depends on the set of files only, never on the order in which they were taken
(DESIGN decision 10).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import polars as pl

from warehouse.tables import CONFLICT, DELIVERY, LINEAGE, UNDATED, Feed

_SEPARATOR = "\x1f"
_NULL = "\x00"


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
    record = ["_file", "record_no" if "record_no" in rows.columns else "unit_key"]
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
    keep = sorted({*feed.unit, "reported_at"})
    as_json = rows.select(
        pl.struct(pl.col(name).cast(pl.String) for name in feed.business_columns).struct.json_encode()
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


def resolve(units: pl.DataFrame) -> pl.DataFrame:
    """Decide which file holds each unit.

    The greatest (version, arrival date, file hash) is ``current``. A losing file's unit is
    ``duplicate`` if its content equals the current one, else ``superseded``.

    Args:
        units: Delivery rows, complete for every unit that occurs in them.
    """
    unit = ["feed", "provider", "unit_key"]
    ranked = units.sort("version", "_arrival_date", "_file", descending=True)
    first = pl.int_range(pl.len()).over(unit) == 0
    same = pl.col("content_hash") == pl.col("content_hash").first().over(unit)
    unreadable = pl.col("unit_key").is_in(["", "-"])
    return ranked.with_columns(
        state=pl.when(unreadable | first)
        .then(pl.lit("current"))
        .when(same)
        .then(pl.lit("duplicate"))
        .otherwise(pl.lit("superseded"))
    )
