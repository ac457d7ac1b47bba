"""Accuracy ``prices``, the part about purchase lines and suppliers: a city with planted prices against the truth.

Belongs here: running cities and counting. The cells and sigmas of the measure are reckoned here from the prices
themselves and share nothing with the models that find.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import polars as pl

from ingest import simulator
from pipelines import price_scoring, scoring
from pipelines.measures.redline import take
from pipelines.measures.table import measure
from pipelines.price_scoring import PriceScore
from pipelines.querying import select
from warehouse import manifest
from warehouse.settings import Settings

_START: Final = dt.date(2026, 9, 1)
_END: Final = dt.date(2026, 10, 31)
_CANTEENS: Final = 60
_SIGMAS: Final = 5
_PEERS: Final = 8
"""Fewest lines of other canteens that make a cell; a county's cell with fewer is widened to the city."""
_SUPPLIER_PCT: Final = 15
_SUPPLIER_LINES: Final = 30
_MONTH_LINES: Final = 500


def run(*, seed: int, progress: Callable[[str], None]) -> list[dict[str, Any]]:
    """Measure every figure of the part.

    Args:
        seed: Seed of the cities.
        progress: Told what is being done, and figures that have no bar.
    """
    kinds = frozenset({*price_scoring.KINDS, "unit_mixup"})
    with tempfile.TemporaryDirectory(prefix="canteen-accuracy-") as folder:
        root = Path(folder)
        progress(f"模拟城市：{_CANTEENS} 个食堂，埋设价格问题")
        measures = planted_measures(
            _city(root / "planted", seed, kinds), root / "planted" / "truth", progress
        )
        progress("模拟城市：无价格问题")
        clean = _city(root / "clean", seed, frozenset())
        measures.append(_false_rate(PriceScore(clean, _faults(root / "clean" / "truth", clean)), progress))
    order = ["line_recall_5sigma", "supplier_recall", "false_per_canteen_month", "unit_confusion"]
    return sorted(measures, key=lambda one: order.index(one["name"]))


def _city(root: Path, seed: int, kinds: frozenset[str]) -> Settings:
    simulator.simulate(root, _CANTEENS, _START, _END, seed, kinds)
    return take(root, _END)


def _faults(truth: Path, home: Settings) -> pl.DataFrame:
    """The planted faults that have arrived by the last night."""
    published = manifest.latest(home)
    assert published is not None  # noqa: S101 - take() has just published
    return scoring.arrived(pl.read_parquet(truth / "faults.parquet"), dt.date.fromisoformat(published.last))


def planted_measures(home: Settings, truth: Path, progress: Callable[[str], None]) -> list[dict[str, Any]]:
    """Recall and confusion of a city with planted prices.

    Args:
        home: The data home, published.
        truth: Folder with ``faults.parquet``.
        progress: Told the figures that have no bar.
    """
    score = PriceScore(home, _faults(truth, home))
    lines = select(
        home,
        "select record_no, canteen_id, supplier_id, ingredient_id, spec, county_code, biz_date, price_yuan "
        "from gold.fct_price_line",
    )
    return [
        _line_recall(score, lines, progress),
        _supplier_recall(score, lines, progress),
        _unit_confusion(score, lines, progress),
    ]


def _line_recall(score: PriceScore, lines: pl.DataFrame, progress: Callable[[str], None]) -> dict[str, Any]:
    mine = score.planted.filter(pl.col("kind") == "price_over_line").join(
        lines.select("record_no"), on="record_no", how="semi"
    )
    found = set(score.found("price_over_line")["fault_id"])
    mine = mine.with_columns(found=pl.col("fault_id").is_in(list(found)))
    curve = (
        mine.group_by(step=(pl.col("size_pct").cast(pl.Float64) / 10).floor().cast(pl.Int64) * 10)
        .agg(n=pl.len(), share=pl.col("found").mean())
        .sort("step")
    )
    for step, n, share in curve.iter_rows():
        progress(f"单笔偏高 {step}% 至 {step + 10}%：{n} 笔，查出 {share:.1%}")
    clear = excess_in_sigmas(lines, mine["record_no"].to_list()).filter(pl.col("sigmas") >= _SIGMAS)
    judged = mine.join(clear, on="record_no", how="semi")
    share = judged["found"].mean()
    progress(f"其中达到 {_SIGMAS} 倍稳健离散度的 {judged.height} 笔")
    return measure("prices", "line_recall_5sigma", _rounded(share), judged.height)


def excess_in_sigmas(lines: pl.DataFrame, records: list[str]) -> pl.DataFrame:
    """How far lines stand above their peers, in robust sigmas of the peers.

    Peers are the lines of the same ingredient and specification that other canteens of the county bought in the
    same calendar week; of the city where the county has fewer than ``_PEERS``.

    Args:
        lines: record_no, canteen_id, ingredient_id, spec, county_code, biz_date, price_yuan.
        records: The lines to measure.

    Returns:
        record_no, sigmas; lines with fewer than ``_PEERS`` peers in the city too are left out.
    """
    prices = lines.select(
        "record_no",
        "canteen_id",
        "county_code",
        item=pl.concat_str("ingredient_id", pl.lit("|"), pl.col("spec").fill_null("")),
        week=pl.col("biz_date").dt.truncate("1w"),
        log=pl.col("price_yuan").cast(pl.Float64).log(),
    )
    wanted = prices.filter(pl.col("record_no").is_in(records))
    pairs = wanted.join(prices, on=["item", "week"], suffix="_peer").filter(
        pl.col("canteen_id") != pl.col("canteen_id_peer")
    )
    near = pairs.filter(pl.col("county_code") == pl.col("county_code_peer"))
    enough = near.group_by("record_no").len().filter(pl.col("len") >= _PEERS)["record_no"].to_list()
    cells = pl.concat(
        [near.filter(pl.col("record_no").is_in(enough)), pairs.filter(~pl.col("record_no").is_in(enough))]
    )
    middle = pl.col("log_peer").median().over("record_no")
    return (
        cells.with_columns(middle=middle, off=(pl.col("log_peer") - middle).abs())
        .group_by("record_no")
        .agg(
            peers=pl.len(),
            sigmas=(pl.col("log") - pl.col("middle")).first() / (1.4826 * pl.col("off").median()),
        )
        .filter(pl.col("peers") >= _PEERS)
        .select("record_no", "sigmas")
    )


def _supplier_recall(
    score: PriceScore, lines: pl.DataFrame, progress: Callable[[str], None]
) -> dict[str, Any]:
    faults = score.planted.filter(pl.col("kind") == "price_over_supplier")
    counted = (
        faults.select(
            "fault_id",
            "size_pct",
            "biz_date_from",
            "biz_date_to",
            supplier_id=pl.lit("SUP-") + pl.col("supplier_uscc"),
            only="canteen_id",
        )
        .join(lines, on="supplier_id")
        .filter(
            pl.col("biz_date").is_between(pl.col("biz_date_from"), pl.col("biz_date_to"))
            & (pl.col("only").is_null() | (pl.col("only") == pl.col("canteen_id")))
        )
        .group_by("fault_id", "size_pct")
        .agg(lines=pl.len())
        .with_columns(
            found=pl.col("fault_id").is_in(score.found("price_over_supplier")["fault_id"].to_list())
        )
    )
    for size, n, found in counted.sort("size_pct").select("size_pct", "lines", "found").iter_rows():
        progress(f"供应商整体偏高 {size}%，{n} 笔：{'查出' if found else '未查出'}")
    judged = counted.filter(
        (pl.col("size_pct").cast(pl.Float64) >= _SUPPLIER_PCT) & (pl.col("lines") >= _SUPPLIER_LINES)
    )
    return measure("prices", "supplier_recall", _rounded(judged["found"].mean()), judged.height)


def _unit_confusion(
    score: PriceScore, lines: pl.DataFrame, progress: Callable[[str], None]
) -> dict[str, Any]:
    """Planted unit mix-ups that are called overpricing, and overpriced lines that are called a unit mix-up."""
    planted = score.planted
    called_price = set(score.records.filter(pl.col("kind").is_in(["line", "item"]))["record_no"])
    called_unit = set(score.records.filter(pl.col("kind") == "unit")["record_no"])
    called_unit |= set(score.slips.explode("record_nos")["record_nos"].drop_nulls())
    units = set(planted.filter(pl.col("kind") == "unit_mixup_line")["record_no"].drop_nulls())
    slip_lines = set(
        select(score.settings, "select record_no, order_no from gold.fct_price_line").join(
            planted.filter(pl.col("kind") == "unit_mixup").select("order_no"), on="order_no", how="semi"
        )["record_no"]
    )
    priced = set(planted.filter(pl.col("kind") == "price_over_line")["record_no"].drop_nulls())
    priced |= set(
        planted.filter(pl.col("kind") == "price_over_supplier")
        .select(
            "biz_date_from",
            "biz_date_to",
            only="canteen_id",
            supplier_id=pl.lit("SUP-") + pl.col("supplier_uscc"),
        )
        .join(lines, on="supplier_id")
        .filter(
            pl.col("biz_date").is_between(pl.col("biz_date_from"), pl.col("biz_date_to"))
            & (pl.col("only").is_null() | (pl.col("only") == pl.col("canteen_id")))
        )["record_no"]
    )
    priced -= units | slip_lines
    cases = len(units | slip_lines) + len(priced)
    wrong = len((units | slip_lines) & called_price) + len(priced & called_unit)
    progress(
        f"单位混用 {len(units | slip_lines)} 笔，误作价格偏高 {len((units | slip_lines) & called_price)} 笔；"
        f"价格偏高 {len(priced)} 笔，误作单位混用 {len(priced & called_unit)} 笔"
    )
    return measure("prices", "unit_confusion", round(wrong / cases, 6) if cases else None, cases)


def _false_rate(score: PriceScore, progress: Callable[[str], None]) -> dict[str, Any]:
    """Mean of false findings per canteen and month, on an honest city.

    A month with fewer than 500 lines counts as if it had 500: its findings are scaled up. A finding about a
    supplier at several canteens is shared among them.
    """
    lines = select(
        score.settings,
        "select canteen_id, supplier_id, county_code, biz_month, count(*) as lines from gold.fct_price_line group by all",
    )
    months = lines.group_by("canteen_id", "biz_month").agg(pl.sum("lines"))
    false = score.false()
    own = false.filter(pl.col("canteen_id").is_not_null()).select(
        "canteen_id", "biz_month", share=pl.lit(1.0)
    )
    spread = (
        false.filter(pl.col("canteen_id").is_null())
        .select("finding_id", "supplier_id", "biz_month", only="county_code")
        .join(
            lines.select("canteen_id", "supplier_id", "county_code", "biz_month").unique(),
            on=["supplier_id", "biz_month"],
        )
        .filter(pl.col("only").is_null() | (pl.col("only") == pl.col("county_code")))
        .with_columns(share=1.0 / pl.len().over("finding_id"))
        .select("canteen_id", "biz_month", "share")
    )
    rates = (
        months.join(
            pl.concat([own, spread]).group_by("canteen_id", "biz_month").agg(false=pl.sum("share")),
            on=["canteen_id", "biz_month"],
            how="left",
        )
        .with_columns(false=pl.col("false").fill_null(0.0))
        .with_columns(rate=pl.col("false") * _MONTH_LINES / pl.min_horizontal("lines", pl.lit(_MONTH_LINES)))
    )
    for test, n in false.group_by("test").len().sort("test").iter_rows():
        progress(f"误报 {test}：{n} 条")
    progress(
        f"{rates.height} 个食堂月，其中 {rates.filter(pl.col('lines') >= _MONTH_LINES).height} 个不少于 {_MONTH_LINES} 笔；"
        f"单个食堂月误报最多 {rates['false'].max():.1f} 条"
    )
    return measure("prices", "false_per_canteen_month", _rounded(rates["rate"].mean()), rates.height)


def _rounded(value: Any) -> float | None:
    return round(float(value), 4) if value is not None else None
