"""A clean city's past as contract-typed frames, for benchmarks that write straight into silver.

Belongs here: the same city as ``simulate`` without files. ``simulate(..., start=end + 1 day,
origin=start)`` goes on where ``frames(..., start, end)`` stops: same registry, persons and stock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Final

import polars as pl

from ingest.simulator import city, plan, registry, school_calendar, supervisor
from ingest.simulator.city import PINGJIANG, PROVIDERS, City
from ingest.simulator.delivery import FEEDS
from ingest.simulator.forms import month_end
from ingest.simulator.procurement import Platform
from ingest.simulator.records import Records
from ingest.simulator.references import PROCURE
from ingest.simulator.service import Service
from ingest.simulator.simulate import Play
from warehouse import contracts

_CONTRACTS: Final = {
    "org": contracts.Org, "calendar": contracts.Calendar, "supplier": contracts.Supplier,
    "ingredient": contracts.Ingredient, "provider_key": contracts.ProviderKey,
    "access_grant": contracts.AccessGrant, "purchase": contracts.Purchase,
    "stock_move": contracts.StockMove, "stocktake": contracts.Stocktake, "meal_fee": contracts.MealFee,
    "consumption": contracts.Consumption, "refund": contracts.Refund, "disclosure_line": contracts.DisclosureLine,
    "menu_line": contracts.MenuLine,
    "price_reference": contracts.PriceReference, "quotation": contracts.Quotation,
    "price_agreement": contracts.PriceAgreement,
}  # fmt: skip
_CHUNK: Final = 2_000_000  # rows of consumption in one frame, whole days


def frames(
    canteens: int,
    start: date,
    end: date,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[tuple[str, pl.DataFrame]]:
    """A clean city's reference feeds, then its facts month by month.

    Args:
        canteens: Number of canteens.
        start: First day of the city's life.
        end: Last day that is played.
        seed: As in ``simulate``.
        progress: Called with (days done, days in all).

    Yields:
        (feed, rows): columns and types of the feed's contract plus ``_provider``. Pseudonyms and
        masked contacts are stand-ins. Price feeds are what the procurement platform sends, each once. A
        frame of ``consumption`` holds whole days, about two million rows at most unless one day has more;
        every other fact feed comes once a month.
    """
    town = city.build(canteens, start, seed)
    service = Service(town, end)
    play = Play(town, service, plan.Plan(end + timedelta(1), end + timedelta(1)))
    yield from _references(town, service, play)
    yield from _prices(play, start, end)
    typed = _Typed(town)
    kept: dict[str, list[pl.DataFrame]] = defaultdict(list)
    kept["stocktake"] = typed.opening(play.opening, start - timedelta(1))
    total = (end - start).days + 1
    for n, played in enumerate(play.days(end), start=1):
        for feed in FEEDS if played.frames else ():
            kept[feed] += typed.rows(feed, played.frames[feed], played.day)
        if played.menu is not None:
            kept["menu_line"] += typed.rows("menu_line", played.menu, played.day)
        if played.form is not None and played.form_month is not None:
            kept["disclosure_line"] += typed.rows("disclosure_line", played.form, played.form_month)
        last = played.day == month_end(played.day) or played.day == end
        if last or sum(frame.height for frame in kept["consumption"]) >= _CHUNK:
            yield from _flush(kept, None if last else "consumption")
        if progress is not None:
            progress(n, total)


def _flush(kept: dict[str, list[pl.DataFrame]], only: str | None) -> Iterator[tuple[str, pl.DataFrame]]:
    for feed in [only] if only else list(kept):
        if parts := kept.pop(feed, []):
            yield feed, pl.concat(parts)


def _conform(feed: str, frame: pl.DataFrame, provider: pl.Expr) -> pl.DataFrame:
    """Contract columns and types, and ``_provider``; local times without zone are Asia/Shanghai."""
    local = pl.col("reported_at").dt.replace_time_zone("Asia/Shanghai").dt.convert_time_zone("UTC")
    columns = _CONTRACTS[feed].columns()
    return frame.with_columns(local).select(
        *(pl.col(name).cast(column.dtype) for name, column in columns.items()), provider.alias("_provider")
    )


def _references(town: City, service: Service, play: Play) -> Iterator[tuple[str, pl.DataFrame]]:
    masked = registry.suppliers(town).with_columns(
        pl.lit("某*").alias("contact_name"), pl.lit("139****0000").alias("contact_phone")
    )
    for feed, frame in {
        "org": registry.organisations(town),
        "calendar": registry.calendar(town, service),
        "supplier": masked,
        "ingredient": registry.ingredients(town),
    }.items():
        yield feed, _conform(feed, frame, pl.lit("city"))
    yield "access_grant", _conform("access_grant", registry.access_grants(town), pl.lit("supervisor"))
    dialect = supervisor.Dialect(town)
    if dialect.first == dialect.last:
        return
    grid = dialect.grid()
    own = pl.Series(play.world.unit(town.life)[grid["c"].to_numpy(), grid["i"].to_numpy()])
    tables = dialect.references(own)
    text = pl.String
    keys = [
        _keys("canteen", tables["canteens"], pl.col("id").cast(text), pl.col("code")),
        _keys("canteen", tables["canteens"], pl.concat_str(pl.lit("school:"), "school_id"), pl.col("code")),
        _keys("supplier", tables["inv_suppliers"], pl.col("id").cast(text), pl.col("license")),
        _keys(
            "ingredient",
            tables["inv_products"],
            pl.col("id").cast(text),
            pl.lit(None, dtype=text),
            pl.col("unit"),
        ),
    ]
    provider = pl.lit(PROVIDERS[PINGJIANG])
    yield "provider_key", pl.concat([_conform("provider_key", frame, provider) for frame in keys])


def _prices(play: Play, start: date, end: date) -> Iterator[tuple[str, pl.DataFrame]]:
    """What the procurement platform sent on all days."""
    platform = Platform(play.city, play.plan.prices, play.world.pricing)
    kept: dict[str, list[pl.DataFrame]] = defaultdict(list)
    for day in school_calendar.days(start, end):
        for feed, frame in platform.day(day, day == start).items():
            kept[feed].append(_conform(feed, frame, pl.lit(PROCURE)))
    for feed, frames in kept.items():
        yield feed, pl.concat(frames)


def _keys(
    entity: str, table: pl.DataFrame, key: pl.Expr, target: pl.Expr, unit: pl.Expr | None = None
) -> pl.DataFrame:
    return table.select(
        pl.lit(entity).alias("entity"), key.alias("source_key"), target.alias("target_code"), pl.col("name"),
        (pl.lit(None, dtype=pl.String) if unit is None else unit).alias("unit"),
        pl.datetime(1970, 1, 1).alias("reported_at"),
    )  # fmt: skip


class _Typed:
    """Facts as contract-typed rows; Pingjiang's goods keep the keys of their dialect."""

    def __init__(self, town: City) -> None:
        self._records = Records(town, [f"{n:032x}" for n in range(len(town.person_nos))])
        self._dialect = supervisor.Dialect(town)
        self._provider = pl.Series([PROVIDERS[p] for p in town.provider])

    def rows(self, feed: str, frame: pl.DataFrame, day: date) -> list[pl.DataFrame]:
        """A day's rows of a feed."""
        theirs = pl.col("c").is_between(self._dialect.first, self._dialect.last - 1)
        if feed in supervisor.TABLES:
            return [
                self._standard(feed, frame.filter(~theirs), day),
                self._supervised(
                    feed, frame.filter(theirs), day, self._dialect.canteen_key().cast(pl.String)
                ),
            ]
        return [self._standard(feed, frame, day)]

    def opening(self, frame: pl.DataFrame, eve: date) -> list[pl.DataFrame]:
        """The opening stock-take."""
        return self.rows("stocktake", frame, eve)

    def _standard(self, feed: str, frame: pl.DataFrame, day: date) -> pl.DataFrame:
        rows = self._records.feed(feed, frame, day)
        if "person_no" in rows.columns:
            rows = rows.rename({"person_no": "person_hash"})
        provider = self._provider.gather(frame["c"])
        if feed not in supervisor.TABLES:
            provider = provider.replace(PROVIDERS[PINGJIANG], "pingjiang_card")
        return _conform(feed, rows.with_columns(provider.alias("p")), pl.col("p"))

    def _supervised(self, feed: str, frame: pl.DataFrame, day: date, canteen: pl.Expr) -> pl.DataFrame:
        rows = self._records.feed(feed, frame, day)
        text = pl.String
        is_count = feed == "stocktake" and frame["price"].null_count() == frame.height
        table = "inbound" if feed == "purchase" or (feed == "stocktake" and not is_count) else ""
        prefix = f"{table or ('outbound' if feed == 'stock_move' else 'stocktake')}:"
        keys = frame.select(
            pl.concat_str(pl.lit(prefix), self._dialect.row_key(day)).alias("record_no"),
            (pl.concat_str(pl.lit("school:"), self._dialect.school_key()) if is_count else canteen).alias("canteen_id"),
            self._dialect.product_key().cast(text).alias("ingredient_id"),
            pl.lit(None, dtype=text).alias("unit"),
            *(
                (self._dialect.supplier_key().cast(text).alias("supplier_uscc"), pl.lit(None, dtype=text).alias("spec"),
                 pl.lit(None, dtype=pl.Int64).alias("acceptor_count"))
                if feed == "purchase"
                else ()
            ),
        )  # fmt: skip
        return _conform(feed, rows.with_columns(keys.get_columns()), pl.lit(PROVIDERS[PINGJIANG]))
