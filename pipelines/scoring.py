"""``./canteen score``: what was planted against what was found.

Belongs here: comparing a simulator's truth with receipts, quarantine, findings and verdicts. Never
read by a detector. A fault counts as planted once its file has arrived by the last night run.

A finding is false when no planted fault on the same canteen and overlapping period can cause it; what
can cause what is stated in ``CAUSES``, from how the books work and not from what was found.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any, Final

import polars as pl

from ingest.receipts import RECEIPT
from pipelines import price_scoring
from pipelines.querying import select
from warehouse import delta, manifest
from warehouse.errors import Permanent
from warehouse.settings import Settings
from warehouse.tables import DELIVERY, PRICE_JUDGEMENT, QUARANTINE

UNSCORED: Final = {
    "teacher_income_in_pupil_account": "这些记录不说明付款人是谁：需要师生账户登记（后续账户数据）才能识别",
}
MONEY_SCHEMES: Final = (
    "leave_not_refunded",
    "refund_over_charge",
    "payment_not_settled",
    "payment_to_other_account",
    "non_special_account_used",
    "invoice_over_acceptance",
    "paid_twice",
    "duty_conflict",
    "control_total_mismatch",
    "statement_gap",
    "purchase_price_inflated_ratio",
    "income_under_reported",
    "non_food_as_food",
    "subsidy_not_spent",
)
"""Schemes that only the money feeds reveal (``gold.money_finding``)."""
STOCK_SCHEMES: Final = (
    "closing_stock_understated",
    "closing_stock_overstated",
    "fictitious_purchases",
    "teacher_food_in_pupil_account",
)
"""Schemes that the stock reveals; a negative book stock or a wrong unit is a slip and no scheme."""
# Scheme -> kinds of finding that reveal it.
REVEALED_BY: Final[dict[str, tuple[str, ...]]] = {
    "closing_stock_understated": ("stocktake_below_book", "stock_below_recipe"),
    "closing_stock_overstated": ("stocktake_above_book", "stock_above_recipe"),
    "fictitious_purchases": ("purchase_never_issued", "purchase_not_accepted"),
    "teacher_food_in_pupil_account": ("teacher_item_in_pupil_account",),
    "negative_stock": ("negative_stock",),
    "unit_mixup": ("unit_suspect",),
    # Where the money shows a scheme itself, the finding has its name.
    **{kind: (kind,) for kind in MONEY_SCHEMES},
    "purchase_price_inflated_ratio": ("ratio_by_price",),
}
_USED_TOO_MUCH: Final = frozenset(
    {
        "bad_rows",
        "closing_stock_understated",
        "fictitious_purchases",
        "late_file",
        "missing_days",
        "teacher_food_in_pupil_account",
        "truncated_file",
        "unit_mixup",
    }
)
"""Faults by which more was used in the books than was cooked."""
# Kind of finding -> faults that truly make the books show it.
CAUSES: Final[dict[str, frozenset[str]]] = {
    "stocktake_below_book": _USED_TOO_MUCH,
    "stocktake_above_book": frozenset(
        {
            "closing_stock_overstated",
            "negative_stock",
            "missing_days",
            "truncated_file",
            "late_file",
            "bad_rows",
        }
    ),
    # Recipes x portions: what is missing from the portions or the goods shows as much as a false count does.
    "stock_below_recipe": _USED_TOO_MUCH,
    "stock_above_recipe": frozenset(
        {
            "closing_stock_overstated",
            "negative_stock",
            "missing_days",
            "truncated_file",
            "late_file",
            "bad_rows",
            "teacher_income_in_pupil_account",
        }
    ),
    "purchase_never_issued": frozenset({"fictitious_purchases"}),
    "purchase_not_accepted": frozenset({"fictitious_purchases"}),
    "teacher_item_in_pupil_account": frozenset({"teacher_food_in_pupil_account"}),
    "negative_stock": frozenset(
        {"negative_stock", "missing_days", "truncated_file", "late_file", "bad_rows"}
    ),
    "unit_suspect": frozenset({"unit_mixup"}),
    **{kind: frozenset({kind}) for kind in MONEY_SCHEMES},
    # Prices that one supplier raises for a canteen lift its ratio too.
    "ratio_by_price": frozenset({"purchase_price_inflated_ratio", "price_over_supplier"}),
}
_BROKEN_LIST: Final = "pair_complete"
_FILE_FAULTS: Final = (
    "duplicate_file",
    "resent_file",
    "corrected_file",
    "late_file",
    "truncated_file",
    "gbk_file",
    "bom_file",
    "shuffled_columns",
)
# Feeds that come by the week, the month or the bank's statement: no day of theirs is late.
_BY_PERIOD: Final = ("disclosure_line", "bank_line", "meal_leave", "subsidy_roster", "menu_line")
# The market writes all its files with a byte order mark, and banks in the encodings of their own systems.
_OWN_ENCODING: Final = ("commerce", "bank")
_RECEIPT_MARKS: Final[dict[str, pl.Expr]] = {
    "duplicate_file": pl.col("status") == "duplicate",
    "truncated_file": pl.col("refusal_code") == "truncated",
    "gbk_file": pl.col("encoding") == "gb18030",
    "bom_file": pl.col("has_bom"),
    "shuffled_columns": pl.col("is_shuffled"),
}


def score(settings: Settings, truth: Path) -> dict[str, Any]:
    """Score one data home against the truth of the city that it was fed with.

    Args:
        settings: The data home.
        truth: Folder with ``faults.parquet`` and ``verdicts.parquet``.

    Returns:
        ``{"faults": {kind: {planted, found, false, recall, precision}}, "unscored", "verdicts": {n, right},
        "conserved"}``.

    Raises:
        Permanent: The folder holds no truth, or nothing is published.
    """
    published = manifest.latest(settings)
    if published is None or not (truth / "faults.parquet").exists():
        raise Permanent(f"无法评分：{truth} 中应有 faults.parquet，且 {settings.home} 应已发布过快照")
    last = dt.date.fromisoformat(published.last)
    everything = pl.read_parquet(truth / "faults.parquet")
    planted = arrived(everything, last)
    receipts = delta.read(settings.table("bronze.receipt"), RECEIPT).filter(pl.col("arrival_date") <= last)
    delivery = delta.read(settings.table("silver.delivery"), DELIVERY)
    faults: dict[str, dict[str, Any]] = {}
    for kind in sorted(set(planted["kind"])):
        mine = planted.filter(pl.col("kind") == kind)
        if kind in UNSCORED:
            continue
        found, false = _found(settings, kind, mine, planted, everything, receipts, delivery)
        faults[kind] = _measure(mine.height, found, false)
    return {
        "faults": faults,
        "unscored": {kind: why for kind, why in UNSCORED.items() if kind in set(planted["kind"])},
        "verdicts": _verdicts(settings, truth, last),
        "conserved": conserved(receipts, delivery),
    }


def arrived(faults: pl.DataFrame, last: dt.date) -> pl.DataFrame:
    """The faults whose evidence has arrived by the last night run."""
    return faults.filter(pl.col("arrival_date") <= last)


def conserved(receipts: pl.DataFrame, delivery: pl.DataFrame) -> bool:
    """Rows in = accepted + quarantined + duplicate + superseded, for every received file."""
    accounted = delivery.group_by("_file").agg(
        rows=pl.sum("rows_accepted") + pl.sum("rows_quarantined") + pl.sum("rows_duplicate")
    )
    received = receipts.filter(pl.col("status") == "received").select("file_id", "rows_emitted")
    joined = received.join(accounted, left_on="file_id", right_on="_file", how="left")
    return joined.filter(pl.col("rows").fill_null(0) != pl.col("rows_emitted")).height == 0


def _measure(planted: int, found: int, false: int) -> dict[str, Any]:
    flagged = found + false
    return {
        "planted": planted,
        "found": found,
        "false": false,
        "recall": round(found / planted, 4) if planted else None,
        "precision": round(found / flagged, 4) if flagged else None,
    }


def _found(
    settings: Settings,
    kind: str,
    mine: pl.DataFrame,
    planted: pl.DataFrame,
    truth: pl.DataFrame,
    receipts: pl.DataFrame,
    delivery: pl.DataFrame,
) -> tuple[int, int]:
    if kind in price_scoring.KINDS:
        prices = price_scoring.PriceScore(settings, planted)
        false = prices.false().filter(pl.col("meant_for") == kind)
        return prices.found(kind).height, false.height
    if kind in _FILE_FAULTS:
        return _files(kind, mine, planted, receipts, delivery)
    if kind in REVEALED_BY:
        return _schemes(settings, kind, mine, planted)
    if kind in ("wrong_credit_code", "bad_rows"):
        return _rows(settings, kind, mine, planted)
    if kind == "bulletin_broken":
        return _broken_lists(settings, mine, receipts)
    if kind == "reference_decimal_shift":
        return _shifted_quotes(settings, mine)
    return _states(settings, kind, mine, truth)


def _files(
    kind: str, mine: pl.DataFrame, planted: pl.DataFrame, receipts: pl.DataFrame, delivery: pl.DataFrame
) -> tuple[int, int]:
    """File faults: what the receipt or the state of the file's units says."""
    received = receipts.filter(pl.col("status") == "received")
    if kind in ("resent_file", "corrected_file"):
        lost = "duplicate" if kind == "resent_file" else "superseded"
        unit = ["feed", "provider", "unit_key"]
        won = delivery.filter(pl.col("state") == "current").join(
            delivery.filter(pl.col("state") == lost).select(unit).unique(), on=unit, how="semi"
        )
        flagged = received.filter(pl.col("file_id").is_in(won["_file"].unique().to_list()))
    elif kind == "late_file":
        cut = planted.filter(pl.col("kind") == "truncated_file").select(
            "provider", "feed", biz_date="biz_date_from"
        )
        late = _late(delivery)
        # The complete file that follows a truncated one is late too, but is not what is counted here.
        followed = pl.col("_file").is_in(
            late.join(cut, on=["provider", "feed", "biz_date"])["_file"].to_list()
        )
        flagged = received.filter(pl.col("file_id").is_in(late.filter(~followed)["_file"].to_list()))
    else:
        flagged = receipts.filter(_RECEIPT_MARKS[kind] & ~pl.col("provider").is_in(_OWN_ENCODING))
    paths = set(flagged["path"].str.split("!/").list.first())  # the truth names the archive, not its member
    found = mine.filter(pl.col("file").is_in(list(paths))).height
    return found, len(paths - set(planted["file"].drop_nulls()))


def _late(delivery: pl.DataFrame) -> pl.DataFrame:
    """Units whose first file came after their day; a count may come the day after, some feeds by the period."""
    first = (
        delivery.filter(pl.col("biz_date").is_not_null() & ~pl.col("feed").is_in(_BY_PERIOD))
        .sort("_arrival_date")
        .group_by("feed", "provider", "unit_key", maintain_order=True)
        .first()
    )
    allowed = pl.when(pl.col("feed") == "stocktake").then(1).otherwise(0)
    return first.filter((pl.col("_arrival_date") - pl.col("biz_date")).dt.total_days() > allowed)


def _schemes(settings: Settings, kind: str, mine: pl.DataFrame, planted: pl.DataFrame) -> tuple[int, int]:
    """Money schemes: a finding of a revealing kind on the canteen, in or after the scheme's days."""
    kinds = REVEALED_BY[kind]
    listed = ", ".join(f"'{name}'" for name in kinds)
    findings = select(
        settings,
        f"select finding_id, kind, canteen_id, biz_date, period_start, period_end "
        "from (select * from gold.red_line_finding union all select * from gold.money_finding) "
        f"where kind in ({listed})",
    )
    pairs = mine.select("fault_id", "canteen_id", "biz_date_from", "biz_date_to").join(
        findings, on="canteen_id"
    )
    # A scheme shows at the next count or after the waiting time: up to 45 days later.
    hit = pairs.filter(
        (pl.col("period_end") >= pl.col("biz_date_from"))
        & (pl.col("period_start") <= pl.col("biz_date_to").dt.offset_by("45d"))
    )
    causes = planted.select("kind", "canteen_id", "biz_date_from", "biz_date_to").rename({"kind": "cause"})
    explained = findings.join(causes, on="canteen_id").filter(
        (pl.col("period_end") >= pl.col("biz_date_from"))
        & (pl.col("period_start") <= pl.col("biz_date_to").dt.offset_by("45d"))
        & pl.any_horizontal(
            (pl.col("kind") == name) & pl.col("cause").is_in(list(reasons))
            for name, reasons in CAUSES.items()
        )
    )
    return hit["fault_id"].n_unique(), findings.join(explained, on="finding_id", how="anti").height


def _rows(settings: Settings, kind: str, mine: pl.DataFrame, planted: pl.DataFrame) -> tuple[int, int]:
    """Row faults: the row is in quarantine, for whatever rule."""
    held = delta.read(settings.table("silver.quarantine"), QUARANTINE)
    checksum = pl.col("rules").str.contains("uscc_checksum")
    other = ~checksum & ~pl.col("rules").str.contains(_BROKEN_LIST)  # that kind is scored by itself
    held = held.filter(checksum if kind == "wrong_credit_code" else other)
    hit = mine.join(held.select("record_no").unique(), on="record_no", how="semi")
    known = planted.filter(pl.col("kind") == kind)["record_no"].drop_nulls().to_list()
    return hit.height, held.filter(~pl.col("record_no").is_in(known)).height


def _broken_lists(settings: Settings, mine: pl.DataFrame, receipts: pl.DataFrame) -> tuple[int, int]:
    """Bulletins whose lists do not count out: one quarantined row for each such list."""
    held = delta.read(settings.table("silver.quarantine"), QUARANTINE).filter(
        pl.col("rules").str.contains(_BROKEN_LIST)
    )
    lists = held.join(receipts.select("path", _file="file_id").unique("_file"), on="_file")
    found = mine.filter(pl.col("file").is_in(lists["path"].to_list())).height
    return found, lists.height - found


def _shifted_quotes(settings: Settings, mine: pl.DataFrame) -> tuple[int, int]:
    """Reference quotes with a shifted decimal point: left out for that reason. The truth names item and day."""
    judged = delta.read(settings.table("silver.price_judgement"), PRICE_JUDGEMENT)
    judged = judged.filter(pl.col("is_bad") & (pl.col("fault") == "decimal_shift")).unique(
        ["_provider", "valid_from", "item_name"]
    )
    hit = mine.join(
        judged, left_on=["provider", "biz_date_from"], right_on=["_provider", "valid_from"]
    ).filter(pl.col("note").str.starts_with(pl.col("item_name")))
    return hit["fault_id"].n_unique(), judged.height - hit.select("biz_date_from", "item_name").n_unique()


def _states(settings: Settings, kind: str, mine: pl.DataFrame, truth: pl.DataFrame) -> tuple[int, int]:
    """Faults that show in a canteen's days or verdicts."""
    if kind == "missing_days":
        gaps = select(
            settings,
            "select d.canteen_id, d.biz_date, c.county_code from gold.fct_canteen_day d join gold.dim_canteen c "
            "on d.canteen_id = c.canteen_id and d.biz_date between c.valid_from and c.valid_to "
            "where open_day = 1 and income_day = 0",
        )
        during = pl.col("biz_date").is_between(pl.col("biz_date_from"), pl.col("biz_date_to"))
        hit = mine.join(gaps, on="canteen_id").filter(during)
        # A day is also missing while its consumption file is late or cut, which other kinds count.
        counties = select(
            settings, "select distinct provider, county_code from silver.provider where feed = 'consumption'"
        )
        waiting = (
            truth.filter(
                (pl.col("feed") == "consumption") & pl.col("kind").is_in(["late_file", "truncated_file"])
            )
            .join(counties, on="provider")
            .select("county_code", biz_date="biz_date_from")
        )
        explained = pl.concat(
            [
                hit.select("canteen_id", "biz_date"),
                gaps.join(waiting, on=["county_code", "biz_date"]).select("canteen_id", "biz_date"),
            ]
        )
        false = gaps.join(explained, on=["canteen_id", "biz_date"], how="anti").height
        return hit["fault_id"].n_unique(), false
    if kind == "missing_stocktake":
        stale = select(
            settings,
            "select distinct canteen_id, period_end from gold.mart_red_line where unknown_reasons like '%stocktake_stale%' or unknown_reasons like '%opening_stock_missing%'",
        )
        pairs = mine.join(stale, on="canteen_id").filter(pl.col("period_end") >= pl.col("biz_date_from"))
        return pairs["fault_id"].n_unique(), stale.filter(
            ~pl.col("canteen_id").is_in(mine["canteen_id"].to_list())
        )["canteen_id"].n_unique()
    if kind == "under_feeding":
        red = select(
            settings,
            "select distinct canteen_id, period_start, period_end from gold.mart_red_line where verdict = 'red' and definition = 'consumed'",
        )
        pairs = mine.join(red, on="canteen_id").filter(
            (pl.col("period_end") >= pl.col("biz_date_from"))
            & (pl.col("period_start") <= pl.col("biz_date_to"))
        )
        return pairs["fault_id"].n_unique(), 0
    raise Permanent(f"no way to score fault {kind}: add it to pipelines/scoring.py")


def _verdicts(settings: Settings, truth: Path, last: dt.date) -> dict[str, int]:
    """Verdicts that equal the truth's, for the newest reckoning that the last night covers."""
    expected = pl.read_parquet(truth / "verdicts.parquet").filter(pl.col("as_of") <= last)
    expected = expected.filter(pl.col("as_of") == pl.col("as_of").max())
    mart = select(
        settings,
        "select canteen_id, period_kind, period_end, definition, verdict, unknown_reason, cost_yuan, income_yuan from gold.mart_red_line",
    )
    joined = expected.join(
        mart, on=["canteen_id", "period_kind", "period_end", "definition"], how="left", suffix="_mart"
    )
    right = joined.filter(pl.col("verdict") == pl.col("verdict_mart"))
    return {"n": joined.height, "right": right.height}
