"""Goods on credit: acceptance, invoices every ten days, payment a week later.

Belongs here: what is owed to suppliers and how it is paid. Does not belong here: what is bought (``goods``).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from ingest.simulator import goods, money_accounts, transfers
from ingest.simulator.catalogue import NON_FOOD
from ingest.simulator.city import City
from ingest.simulator.streams import half_up, stream
from ingest.simulator.transfers import OUT
from ingest.simulator.vouchers import ENTRY
from ingest.simulator.working_days import WorkingDays, dates

_TAX_PERCENT: Final = 9
_WAITS: Final = (3, 7)  # working days from the invoice to its payment
_BANK: Final = (0.75, 0.25)
_POSTED: Final = (0.5, 0.35, 0.15)
_NOTED: Final = 0.6  # of the payments name the bank's serial number
_SHORT: Final = 0.15  # of the bank's lines name the supplier without its county
_NOTES: Final = ("支付食材款", "货款", "网银转账")
FOOD, TEACHERS, OTHER = range(3)


def use(purchase: pl.DataFrame) -> pl.DataFrame:
    """Adds whom a line is for (``use``): the pupils' food, the teachers', or no food at all."""
    not_food = NON_FOOD[purchase["i"].to_numpy()]
    teachers = (purchase["account"] == goods.TEACHER).to_numpy()
    return purchase.with_columns(
        pl.Series("use", np.where(not_food, OTHER, np.where(teachers, TEACHERS, FOOD)))
    )


def acceptances(city: City, purchase: pl.DataFrame, back: pl.DataFrame, misbooked: list[int]) -> pl.DataFrame:
    """Entries of the days' acceptances, and red ones of what went back.

    Args:
        city: The registry.
        purchase: Lines with ``use``.
        back: What went back to suppliers.
        misbooked: Canteens that book what is no food as food.
    """
    came = purchase.filter((pl.col("is_accepted") == 1) & (pl.col("amount") > 0))
    false = (pl.col("use") == OTHER) & pl.col("c").is_in(misbooked)
    code = (
        pl.when(pl.col("use") == FOOD)
        .then(pl.lit("1302"))
        .when(pl.col("use") == TEACHERS)
        .then(pl.lit("2203"))
    )
    came = came.with_columns(code.when(false).then(pl.lit("5001")).otherwise(pl.lit("5004")).alias("code"))
    said = {"1302": "食材验收入库", "2203": "教师餐食材", "5001": "其他材料直接领用", "5004": "低值易耗品"}
    debit = came.group_by("c", "day", "code").agg(pl.sum("amount").alias("debit")).with_columns(
        pl.lit(0).alias("credit"), pl.col("code").replace_strict(said).alias("summary"),
        pl.lit("purchase").alias("source_feed"), pl.lit(None, dtype=pl.String).alias("source_record_no"), pl.lit(0).alias("rank"),
    )  # fmt: skip
    credit = came.group_by("c", "day", "slip", "supplier").agg(pl.sum("amount").alias("credit"))
    credit = credit.with_columns(
        pl.lit("2202").alias("code"), pl.lit(0).alias("debit"), pl.lit("purchase").alias("source_feed"),
        order_numbers(city, credit).alias("source_record_no"), pl.lit(1).alias("rank"),
        pl.concat_str(pl.lit("应付"), pl.Series(city.supplier_names).gather(credit["supplier"])).alias("summary"),
    )  # fmt: skip
    numbers = order_numbers(city, back)
    red = [
        back.select(
            "c", "day", pl.lit(code).alias("code"), pl.when(pl.lit(code == "1302")).then(-pl.col("amount")).otherwise(0).alias("debit"),
            pl.when(pl.lit(code == "2202")).then(-pl.col("amount")).otherwise(0).alias("credit"), pl.lit("退货冲减").alias("summary"),
            pl.lit("stock_move").alias("source_feed"), numbers.alias("source_record_no"), pl.lit(2).alias("rank"),
        )
        for code in ("1302", "2202")
    ]  # fmt: skip
    columns = ("c", "day", "code", "debit", "credit", "summary", "source_feed", "source_record_no", "rank")
    whole = pl.concat([part.select(columns) for part in (debit, credit, *red)], how="vertical_relaxed")
    return whole.sort("c", "day", "rank", "code", "source_record_no", maintain_order=True).select(
        "c", pl.col("day").alias("post_day"), pl.lit("acceptance").alias("kind"),
        *(pl.col(n).cast(ENTRY[n]) for n in ("code", "debit", "credit", "summary", "source_feed", "source_record_no")),
    )  # fmt: skip


def order_numbers(city: City, lines: pl.DataFrame) -> pl.Series:
    """Order numbers of lines, as the purchase feed writes them."""
    ids = pl.Series(city.canteen_ids).gather(lines["c"])
    on = pl.Series(dates(city.life, lines["day"].to_numpy())).cast(pl.Date)
    return pl.DataFrame({"id": ids, "on": on, "slip": lines["slip"]}).select(
        pl.concat_str(pl.lit("D"), "id", pl.col("on").dt.strftime("%y%m%d"), pl.col("slip").cast(pl.String).str.zfill(2))
    ).to_series()  # fmt: skip


def invoices(city: City, purchase: pl.DataFrame, back: pl.DataFrame, days: WorkingDays) -> pl.DataFrame:
    """Lines of the invoices about ten days' deliveries each; what went back is red.

    Returns:
        c, supplier, invoice_no, invoice_day, cut, day, slip, i, use, unit, qty, price, amount, is_red, order_no.
    """
    shared = ("c", "day", "slip", "supplier", "i", "unit", "price", "amount")
    came = purchase.filter((pl.col("is_accepted") == 1) & (pl.col("amount") > 0))
    lines = pl.concat(
        [
            came.select(*shared, "use", pl.col("accepted").alias("qty"), pl.lit(False).alias("is_red")),
            back.select(*shared, pl.lit(FOOD).alias("use"), "qty", pl.lit(True).alias("is_red")),
        ],
        how="vertical_relaxed",
    )
    on = pl.Series("on", dates(city.life, lines["day"].to_numpy())).cast(pl.Date)
    end = pl.when(pl.col("on").dt.day() <= 10).then(pl.col("on").dt.month_start().dt.offset_by("9d"))
    cut = end.when(pl.col("on").dt.day() <= 20).then(pl.col("on").dt.month_start().dt.offset_by("19d"))
    lines = lines.with_columns(on).with_columns(cut.otherwise(pl.col("on").dt.month_end()).alias("cut"))
    cut_day = lines.select((pl.col("cut") - city.life).dt.total_days()).to_series().to_numpy()
    return lines.with_columns(
        pl.Series("invoice_day", days.after(cut_day, 1)),
        pl.concat_str(pl.lit("FP"), pl.col("c").cast(pl.String).str.zfill(4), pl.lit("-"), pl.col("cut").dt.strftime("%y%m%d"),
                      pl.lit("-"), pl.col("supplier").cast(pl.String).str.zfill(4)).alias("invoice_no"),
        order_numbers(city, lines).alias("order_no"),
    ).sort("c", "cut", "supplier", "day", "slip", "i", "is_red", maintain_order=True)  # fmt: skip


def tax(amount: pl.Series) -> pl.Series:
    """The tax that is part of an amount."""
    return pl.Series("tax", half_up(amount.to_numpy() * _TAX_PERCENT, 100 + _TAX_PERCENT))


def payments(city: City, lines: pl.DataFrame, days: WorkingDays) -> pl.DataFrame:
    """One payment for each invoice."""
    signed = pl.when("is_red").then(-pl.col("amount")).otherwise(pl.col("amount"))
    owed = lines.group_by("c", "supplier", "invoice_no", "invoice_day", "cut").agg(
        signed.sum().alias("cents")
    )
    owed = owed.filter(pl.col("cents") > 0).sort("c", "invoice_day", "supplier")
    if owed.is_empty():
        return transfers.made(owed)
    rng = stream(city.seed, "payments", int(owed["invoice_day"][0]))
    day = days.after(owed["invoice_day"].to_numpy(), rng.integers(_WAITS[0], _WAITS[1] + 1, owed.height))
    bank = transfers.later(days, day, _BANK, rng)
    names = pl.Series(city.supplier_names).gather(owed["supplier"])
    short = pl.Series(rng.random(owed.height) < _SHORT)
    frame = owed.with_columns(
        pl.Series("doc_day", day), pl.Series("bank_day", bank),
        pl.Series("post_day", transfers.later(days, bank, _POSTED, rng)),
        pl.select(pl.when(short).then(names.str.replace(r"^.*?[县区市](.*)$", "$1")).otherwise(names)).to_series().alias("other"),
        pl.Series("other_account", [money_accounts.supplier(s) for s in owed["supplier"].to_list()]),
        pl.Series("note", [_NOTES[k] for k in rng.integers(len(_NOTES), size=owed.height).tolist()]),
        pl.col("invoice_no").str.replace("FP", "FK", literal=True).alias("record_no"),
        pl.concat_str(pl.lit("付"), names, pl.lit("货款")).alias("summary"),
        pl.Series("noted", rng.random(owed.height) < _NOTED),
    )  # fmt: skip
    return transfers.made(
        frame, kind="supplier_payment", into=OUT, code="2202", source_feed="supplier_payment"
    )
