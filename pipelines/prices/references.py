"""After the silver step: what reference prices are of, and which of them judge nobody.

Belongs here: reading ``silver.price_reference`` and writing ``silver.match_ingredient`` and
``silver.price_judgement``, each in one commit whose touched days are exactly those of the quotes that
now mean something else. Does not belong here: matching (``pipelines.linkage.ingredients``) and the
judgement of series (``pipelines.prices.series``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import polars as pl

from warehouse import delta
from warehouse.fingerprint import code_hash
from warehouse.settings import Settings
from warehouse.tables import SILVER

_INPUTS: Final = "canteen.inputs"
_READ: Final = ("price_reference", "ingredient", "provider_key")
_CODE: Final = ("pipelines/linkage", "pipelines/prices", "dbt_project/seeds")
_SERIES: Final = ("_provider", "source_code", "price_kind", "place", "item_name", "spec", "unit")
_OFF: Final = 0.4
CHANGE_SLACK_PCT: Final = 1.0
"""How far a source's own change may be from that of its two prices; both are rounded."""
_NEIGHBOUR_DAYS: Final = 10
"""A change "on the week before" is about a price at most this old."""


def run(
    settings: Settings, progress: Callable[[str], None], on_step: Callable[[str], None]
) -> dict[str, int]:
    """Match the names and judge the quotes again if any of them, the library or the code changed.

    Args:
        settings: The data home.
        progress: Told what is being done.
        on_step: Told ``silver.<table>`` after each commit.

    Returns:
        Counts: names, and quotes in doubt.
    """
    versions = [f"{name}:{delta.version(settings.table(f'silver.{name}'))}" for name in _READ]
    inputs = ",".join([*versions, code_hash(*_CODE)])
    judgement = settings.table("silver.price_judgement")
    if inputs == delta.fact(judgement, _INPUTS):  # written last
        return {"names": 0, "doubtful_quotes": 0}
    quotes = _silver(settings, "price_reference")
    if quotes.is_empty():
        return {"names": 0, "doubtful_quotes": 0}
    progress("参考价：品名对照、序列判定")
    matches = _matches(quotes, _silver(settings, "provider_key"), _silver(settings, "ingredient"))
    _write(settings, "match_ingredient", matches, quotes, ("item_name", "spec", "unit"), inputs)
    on_step("silver.match_ingredient")
    doubts = judged(quotes)
    _write(settings, "price_judgement", doubts, quotes, ("_provider", "source_code", "record_no"), inputs)
    on_step("silver.price_judgement")
    return {"names": matches.height, "doubtful_quotes": doubts.height}


def _silver(settings: Settings, name: str) -> pl.DataFrame:
    return delta.read(settings.table(f"silver.{name}"), SILVER[name])


def _matches(quotes: pl.DataFrame, keys: pl.DataFrame, library: pl.DataFrame) -> pl.DataFrame:
    from pipelines.linkage import ingredients

    own = keys.filter((pl.col("entity") == "ingredient") & pl.col("name").is_not_null()).select(
        "_provider", "name", item_name="source_key"
    )
    items = (
        quotes.join(own, on=["_provider", "item_name"], how="left")
        .select(
            "item_name",
            pl.col("spec", "unit").fill_null(""),
            read_as=pl.coalesce("name", "item_name"),
        )
        .sort("item_name", "spec", "unit", "read_as")
        .unique(["item_name", "spec", "unit"], keep="first", maintain_order=True)
    )
    return ingredients.match(items, library)


def judged(quotes: pl.DataFrame) -> pl.DataFrame:
    """Quotes in doubt, columns of ``silver.price_judgement``.

    A quote out of line with its own series is bad. A quote whose source says a change that its two
    prices do not show is only in doubt: either price, or the change, may be the wrong one.

    Args:
        quotes: Rows of ``silver.price_reference``.
    """
    daily = (
        quotes.with_columns(price=pl.col("unit_price").cast(pl.Float64))
        .group_by(*_SERIES, "valid_from")
        .agg(pl.col("price").median(), pl.col("change_pct").cast(pl.Float64).drop_nulls().first())
    )
    found = pl.concat([_out_of_line(daily), _contradicting(daily)])
    rows = quotes.join(found, on=[*_SERIES, "valid_from"], how="inner", nulls_equal=True)
    # Of several quotes of a day only those are bad that are themselves off.
    off = (pl.col("unit_price").cast(pl.Float64) / pl.col("expected_price")).log().abs()
    return (
        rows.filter(~pl.col("is_bad") | (off > _OFF))
        .sort("is_bad", descending=True)
        .unique(["_provider", "source_code", "record_no"], keep="first", maintain_order=True)
        .select(pl.col(name).cast(dtype) for name, dtype in SILVER["price_judgement"].items())
        .sort("_provider", "source_code", "valid_from", "record_no")
    )


def _out_of_line(daily: pl.DataFrame) -> pl.DataFrame:
    import numpy as np

    from pipelines.prices import series

    placed = daily.with_columns(
        row=pl.struct(_SERIES).rank("dense").cast(pl.Int64) - 1,
        day=pl.col("valid_from").rank("dense").cast(pl.Int64) - 1,
    )
    prices = np.full((int(placed["row"].max()) + 1, int(placed["day"].max()) + 1), np.nan)  # type: ignore[arg-type]
    prices[placed["row"], placed["day"]] = placed["price"]
    found = series.judge(prices)
    label = found.label[placed["row"], placed["day"]]
    names = pl.Series("fault", [series.NAMES[code] for code in label], pl.String)
    return (
        placed.with_columns(
            names,
            expected_price=pl.Series(found.level[placed["row"], placed["day"]].astype(float)).round(6),
            is_bad=pl.lit(value=True),
        )
        .filter(pl.Series(np.isin(label, series.ERRORS)))
        .select(*_SERIES, "valid_from", "fault", "expected_price", "is_bad")
    )


def _contradicting(daily: pl.DataFrame) -> pl.DataFrame:
    """Quotes whose own change is not that from the source's price before."""
    previous = daily.with_columns(
        pl.col("price", "valid_from").shift(1).over(_SERIES, order_by="valid_from").name.prefix("last_")
    )
    shown = 100 * (pl.col("price") / pl.col("last_price") - 1)
    recent = (pl.col("valid_from") - pl.col("last_valid_from")).dt.total_days() <= _NEIGHBOUR_DAYS
    return previous.filter(recent & ((shown - pl.col("change_pct")).abs() > CHANGE_SLACK_PCT)).select(
        *_SERIES,
        "valid_from",
        fault=pl.lit("change_contradicts"),
        expected_price=(pl.col("last_price") * (1 + pl.col("change_pct") / 100)).round(6),
        is_bad=pl.lit(value=False),
    )


def _write(
    settings: Settings, name: str, rows: pl.DataFrame, quotes: pl.DataFrame, key: tuple[str, ...], inputs: str
) -> None:
    """Replace a table; touched is every day from the first quote on whose row changed."""
    path, schema = settings.table(f"silver.{name}"), SILVER[name]
    held = delta.read(path, schema)
    changed = _changed(held, rows, schema).select(key).unique()
    blank = [pl.col(column).fill_null("") for column in ("spec", "unit")]
    reached = quotes.with_columns(blank).join(changed, on=list(key), how="semi")["valid_from"].min()
    delta.replace(
        path,
        [rows],
        schema,
        period=None,
        partition=None,
        commit_id=f"{name}:{inputs}:{delta.version(path)}",
        touched=[] if reached is None else [f">={reached}"],
        facts={_INPUTS: inputs},
    )


def _changed(held: pl.DataFrame, rows: pl.DataFrame, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Rows that are in one of the two only."""
    columns = list(schema)
    return pl.concat(
        [
            rows.join(held, on=columns, how="anti", nulls_equal=True),
            held.join(rows, on=columns, how="anti", nulls_equal=True),
        ]
    )
