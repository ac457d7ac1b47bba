"""From movements, entries and steps to records of the money feeds: contract columns, typed.

Belongs here: numbers, codes and times of the rows, for one feed each. ``person_no`` stands where the contract has
``person_hash``; ``reported_at`` is local time without zone. Does not belong here: which file they are in
(``treasury``).
"""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl

from ingest.simulator import catalogue, money_accounts, payables
from ingest.simulator.city import MEALS, City
from ingest.simulator.money_raw import CONTROLLED
from ingest.simulator.receipts import SUBSIDY_CENTS
from ingest.simulator.records import FEE_CHANNELS, decimal
from ingest.simulator.streams import running_number
from ingest.simulator.transfers import IN, SCHOOL
from ingest.simulator.working_days import dates

_HOUR: Final = 20  # of the evening on which the day is reported


class MoneyRecords:
    """Rows of the money feeds of one city."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._ids = pl.Series(city.canteen_ids)
        canteens = range(city.canteens)
        self._accounts = pl.Series(
            [money_accounts.special(c) for c in canteens]
            + [money_accounts.school(int(city.school_of[c])) for c in canteens]
        )
        self._bureaus = pl.Series([money_accounts.bureau(int(p)) for p in city.provider])

    def _date(self, day: pl.Series) -> pl.Series:
        return pl.Series(dates(self._city.life, day.to_numpy())).cast(pl.Date)

    def _head(self, frame: pl.DataFrame, day: str) -> list[pl.Series]:
        return [self._ids.gather(frame["c"]).alias("canteen_id"), self._date(frame[day]).alias("biz_date")]

    def _reported(self, frame: pl.DataFrame, day: str) -> pl.Series:
        """In the evening of the row's own day."""
        return self._date(frame[day]).cast(pl.Datetime("us")).dt.offset_by(f"{_HOUR}h").alias("reported_at")

    def _account(self, frame: pl.DataFrame) -> pl.Series:
        return self._accounts.gather(
            frame["c"] + (frame["doc_account"] == SCHOOL).cast(pl.Int64) * self._city.canteens
        )

    def _suppliers(self, frame: pl.DataFrame) -> pl.Series:
        return pl.Series(self._city.supplier_codes).gather(frame["supplier"])

    def settlement(self, moved: pl.DataFrame) -> pl.DataFrame:
        """Movements of that kind."""
        gross = pl.Series("gross", moved["cents"] + moved["fee"])
        return moved.with_columns(gross).select(
            "record_no", *self._head(moved, "doc_day"), self._date(moved["trade_day"]).alias("trade_date"),
            pl.Series(FEE_CHANNELS).gather(moved["channel"]).alias("channel"), self._account(moved).alias("account_no"),
            pl.col("count").alias("item_count"), decimal("gross", 2).alias("gross_yuan"),
            decimal("fee", 2).alias("fee_yuan"), decimal("cents", 2).alias("net_yuan"), self._reported(moved, "doc_day"),
        )  # fmt: skip

    def fund_split(self, moved: pl.DataFrame) -> pl.DataFrame:
        """Movements of that kind."""
        return moved.select(
            "record_no", *self._head(moved, "doc_day"), pl.col("detail").alias("fund_kind"),
            self._bureaus.gather(moved["c"]).alias("from_account_no"), self._account(moved).alias("to_account_no"),
            decimal("cents", 2).alias("amount_yuan"), self._reported(moved, "doc_day"),
        )  # fmt: skip

    def supplier_payment(self, moved: pl.DataFrame) -> pl.DataFrame:
        """Movements of that kind, with the bank's serial number where it was noted."""
        return moved.select(
            "record_no", *self._head(moved, "doc_day"), self._suppliers(moved).alias("supplier_uscc"), "invoice_no",
            self._account(moved).alias("account_no"), pl.lit("bank").alias("payment_method"),
            decimal("cents", 2).alias("amount_yuan"), pl.when("noted").then("serial").alias("serial_no"),
            pl.format("{} {}", "summary", "invoice_no").alias("purpose_text"), self._reported(moved, "doc_day"),
        )  # fmt: skip

    def expense(self, moved: pl.DataFrame) -> pl.DataFrame:
        """Movements of that kind."""
        return moved.select(
            "record_no", *self._head(moved, "doc_day"), pl.col("detail").alias("expense_kind"),
            pl.when(pl.col("into") == IN).then(pl.lit("in")).otherwise(pl.lit("out")).alias("money_direction"),
            self._account(moved).alias("account_no"), pl.when(pl.col("other") != "").then("other").alias("counterparty_name"),
            pl.lit("bank").alias("payment_method"), decimal("cents", 2).alias("amount_yuan"),
            pl.col("summary").alias("purpose_text"), self._reported(moved, "doc_day"),
        )  # fmt: skip

    def invoice(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Lines of invoices."""
        lines = lines.with_columns(
            payables.tax(lines["amount"]), pl.int_range(1, pl.len() + 1).over("invoice_no").alias("number")
        )
        return lines.select(
            pl.concat_str("invoice_no", pl.lit("-"), pl.col("number").cast(pl.String).str.zfill(3)).alias("record_no"),
            *self._head(lines, "invoice_day"), "invoice_no", self._suppliers(lines).alias("supplier_uscc"), "order_no",
            pl.Series(catalogue.IDS).gather(lines["i"]).alias("ingredient_id"), pl.Series(catalogue.UNITS).gather(lines["unit"]).alias("unit"),
            decimal("qty", 3), decimal("price", 6).alias("unit_price"), decimal("amount", 2).alias("amount_yuan"),
            decimal("tax", 2).alias("tax_yuan"), "is_red", self._reported(lines, "invoice_day"),
        )  # fmt: skip

    def voucher_line(self, lines: pl.DataFrame) -> pl.DataFrame:
        """Numbered entries."""
        ids = self._ids.gather(lines["c"])
        return lines.select(
            pl.concat_str(pl.lit("V"), ids, pl.lit("-"), "voucher_no", pl.lit("-"), pl.col("line_no").cast(pl.String).str.zfill(3)).alias("record_no"),
            *self._head(lines, "post_day"), "voucher_no", "line_no", pl.lit("canteen").alias("account_set"),
            pl.col("code").alias("account_code"), decimal("debit", 2).alias("debit_yuan"),
            decimal("credit", 2).alias("credit_yuan"), "summary", "source_feed", "source_record_no", self._reported(lines, "post_day"),
        )  # fmt: skip

    def handling(self, steps: pl.DataFrame) -> pl.DataFrame:
        """Steps of duties."""
        ids = self._ids.gather(steps["c"]).alias("id")
        on = self._date(steps["day"])
        number = pl.int_range(1, pl.len() + 1).over("c", "day").cast(pl.String).str.zfill(4)
        return steps.with_columns(ids).select(
            pl.concat_str(pl.lit("H"), "id", on.dt.strftime("%y%m%d"), number).alias("record_no"),
            *self._head(steps, "day"), "document_no", "duty_step",
            pl.concat_str("id", pl.lit("E"), pl.col("staff").cast(pl.String).str.zfill(2)).alias("person_no"), self._reported(steps, "day"),
        )  # fmt: skip

    def control_total(self, totals: pl.DataFrame) -> pl.DataFrame:
        """Counts and sums of the sources."""
        ids, on = self._ids.gather(totals["c"]), self._date(totals["day"])
        return totals.select(
            pl.concat_str(pl.lit("KZ"), ids, on.dt.strftime("%y%m%d"), pl.col("feed")).alias("record_no"),
            *self._head(totals, "day"), pl.Series(CONTROLLED).gather(totals["feed"]).alias("controlled_feed"),
            pl.col("rows").alias("row_count"), decimal("amount", 2).alias("total_yuan"), self._reported(totals, "day"),
        )  # fmt: skip

    def meal_leave(self, away: pl.DataFrame) -> pl.DataFrame:
        """Leave, asked for on the evening before; sorted by canteen and day."""
        away = away.sort("c", "day", "person", "meal", nulls_last=True, maintain_order=True)
        number = pl.int_range(1, pl.len() + 1).over("c", "day").cast(pl.String).str.zfill(4)
        ids, on = self._ids.gather(away["c"]), self._date(away["day"])
        return away.select(
            pl.concat_str(pl.lit("QJ"), ids, on.dt.strftime("%y%m%d"), number).alias("record_no"),
            *self._head(away, "day"), pl.Series(MEALS).gather(away["meal"]).alias("meal"), pl.lit("pupil").alias("payer_kind"),
            pl.Series(self._city.person_nos).gather(away["person"]).alias("person_no"),
            (on.cast(pl.Datetime("us")).dt.offset_by("-4h")).alias("requested_at"), self._reported(away, "day"),
        )  # fmt: skip

    def subsidy_roster(self, taken: pl.DataFrame, month_end: date) -> pl.DataFrame:
        """Days on which each pupil took a subsidised meal in a month. ``taken``: c, person, one row per meal."""
        each = taken.group_by("c", "person").agg(pl.len().cast(pl.Int64).alias("days")).sort("c", "person")
        each = each.with_columns(
            pl.Series("seq", running_number(each["c"].to_numpy())), pl.lit(month_end).alias("biz_date"),
            pl.lit(SUBSIDY_CENTS, dtype=pl.Int64).alias("rate"), (pl.col("days") * SUBSIDY_CENTS).alias("amount"),
        )  # fmt: skip
        ids = self._ids.gather(each["c"])
        return each.select(
            pl.concat_str(pl.lit("YY"), ids, pl.lit(f"{month_end:%y%m}"), pl.col("seq").cast(pl.String).str.zfill(5)).alias("record_no"),
            ids.alias("canteen_id"), "biz_date", pl.Series(self._city.person_nos).gather(each["person"]).alias("person_no"),
            pl.col("days").alias("meal_days"), decimal("rate", 2).alias("rate_yuan"),
            decimal("amount", 2).alias("amount_yuan"),
            (pl.col("biz_date").cast(pl.Datetime("us")) + pl.duration(hours=_HOUR)).alias("reported_at"),
        )  # fmt: skip

    @staticmethod
    def opening_balance(counted: pl.DataFrame) -> pl.DataFrame:
        """Records of an opening stock-take as balances of stock, each worth quantity times price."""
        value = pl.col("counted_qty").cast(pl.Decimal(38, 3)) * pl.col("unit_price").cast(pl.Decimal(38, 6))
        return counted.select(
            pl.concat_str(pl.lit("QC"), "record_no").alias("record_no"), "canteen_id", "biz_date",
            pl.lit("stock").alias("balance_kind"), "account_kind", pl.lit(None, dtype=pl.String).alias("account_no"),
            pl.lit(None, dtype=pl.String).alias("supplier_uscc"), "ingredient_id", "unit",
            pl.col("counted_qty").alias("qty"), value.round(2).cast(pl.Decimal(18, 2)).alias("amount_yuan"), "reported_at",
        )  # fmt: skip

    def bank_account(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Registered accounts, valid from the city's first day on."""
        return rows.with_columns(
            pl.lit(self._city.life).alias("valid_from"), pl.lit(None, dtype=pl.Date).alias("valid_to"),
            (pl.lit(self._city.life).cast(pl.Datetime("us")) + pl.duration(hours=8)).alias("reported_at"),
        )  # fmt: skip
