"""From a day's arrays to records of the feed pack: contract columns, typed.

Belongs here: numbers, codes and times of every fact feed's rows, for emitters and history alike. Each
function takes the frame that ``goods``, ``stocktaking``, ``meals`` or ``forms`` made. ``person_no``
stands where the contract has ``person_hash``; ``reported_at`` is local time without zone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import polars as pl

from ingest.simulator import catalogue, meals
from ingest.simulator.city import MEALS, City
from ingest.simulator.menus import DISHES
from warehouse import vocabulary

ACCOUNTS: Final = ("pupil", "teacher")
MOVE_KINDS: Final = ("issue", "issue_return", "supplier_return", "loss")
PURPOSES: Final = ("pupil_meal", "teacher_meal", "other")
CHANNELS: Final = ("card", "face", "mini_program", "batch", "bank", "cash")
FEE_CHANNELS: Final = ("card", "face", "mini_program", "bank", "cash")
REFUND_KINDS: Final = ("meal", "balance")
FORM_LINES: Final = tuple(vocabulary.FORM_LINES)
_FULL_WIDTH: Final = str.maketrans({"/": "／", "-": "－", " ": "　"})
_SPELLED: Final = [
    *catalogue.GOODS_SPEC,
    *(None if text is None else text.upper().translate(_FULL_WIDTH) for text in catalogue.GOODS_SPEC),
]
_LETTERS: Final = {
    "purchase": "P", "stock_move": "M", "stocktake": "K", "meal_fee": "F", "consumption": "C", "refund": "R",
    "disclosure_line": "G", "menu_line": "U",
}  # fmt: skip


def record_no(feed: str, canteen_id: str, day: date, seq: int) -> str:
    """Number of a record: the feed's letter, the canteen, the day and a running number."""
    return f"{_LETTERS[feed]}{canteen_id}{day:%y%m%d}{seq:05d}"


def order_no(canteen_id: str, day: date, slip: int) -> str:
    """Number of a delivery slip."""
    return f"D{canteen_id}{day:%y%m%d}{slip:02d}"


def decimal(column: str, scale: int) -> pl.Expr:
    """Whole numbers of 10^-scale as Decimal(18, scale)."""
    step = pl.lit(f"{10**-scale:.{scale}f}").cast(pl.Decimal(18, scale))
    return (pl.col(column).cast(pl.Decimal(18, 0)) * step).cast(pl.Decimal(18, scale))


class Records:
    """Turns a day's frames into records of the feed pack."""

    def __init__(self, city: City, persons: Sequence[str] | None = None) -> None:
        """Args:
        city: The registry.
        persons: What stands for each person, by default the person's number.
        """
        self._canteens = pl.Series(city.canteen_ids)
        self._persons = pl.Series(persons or city.person_nos)
        self._suppliers = pl.Series(city.supplier_codes)
        self._goods, self._spelling = city.goods, city.spelling
        self._modes = pl.Series([("self", "contracted", "offsite")[m] for m in city.mode])

    def feed(self, feed: str, frame: pl.DataFrame, day: date) -> pl.DataFrame:
        """Records of a feed about a day; one row per row of ``frame``."""
        makers = {
            "purchase": self._purchase, "stock_move": self._stock_move, "stocktake": self._stocktake,
            "meal_fee": self._meal_fee, "consumption": self._consumption, "refund": self._refund,
            "disclosure_line": self._disclosure_line, "menu_line": self._menu_line,
        }  # fmt: skip
        return frame.select(makers[feed](frame, day))

    def _gather(self, values: pl.Series, frame: pl.DataFrame, column: str, name: str) -> pl.Series:
        return values.gather(frame[column]).alias(name)

    def _spec(self, frame: pl.DataFrame) -> pl.Series:
        """Specifications in the canteen's spelling: as listed, or as a full-width keyboard writes them."""
        c = frame["c"].to_numpy()
        at = self._goods[c, frame["i"].to_numpy()] + self._spelling[c] * len(catalogue.GOODS_SPEC)
        return pl.Series(_SPELLED, dtype=pl.String).gather(at).alias("spec")

    def _codes(self, values: Sequence[str], frame: pl.DataFrame, column: str, name: str) -> pl.Series:
        return pl.Series(name, values, dtype=pl.Enum(list(values))).gather(frame[column]).alias(name)

    def _head(self, feed: str, frame: pl.DataFrame, day: date) -> list[pl.Series | pl.Expr]:
        ids = self._gather(self._canteens, frame, "c", "canteen_id")
        number = frame.select(
            pl.concat_str(
                pl.lit(_LETTERS[feed]),
                ids,
                pl.lit(f"{day:%y%m%d}"),
                pl.col("seq").cast(pl.String).str.zfill(5),
            )
        ).to_series()
        return [number.alias("record_no"), ids]

    def _tail(self, day: date) -> pl.Expr:
        return (pl.lit(day).cast(pl.Datetime("us")) + pl.duration(minutes="minute")).alias("reported_at")

    def _purchase(self, frame: pl.DataFrame, day: date) -> list[pl.Series | pl.Expr]:
        order = pl.concat_str(
            pl.lit("D"), self._gather(self._canteens, frame, "c", "id"), pl.lit(f"{day:%y%m%d}"),
            pl.col("slip").cast(pl.String).str.zfill(2),
        )  # fmt: skip
        accepted = pl.col("is_accepted") == 1
        return [
            *self._head("purchase", frame, day),
            self._codes(ACCOUNTS, frame, "account", "account_kind"),
            pl.lit(day).alias("biz_date"),
            order.alias("order_no"),
            self._gather(self._suppliers, frame, "supplier", "supplier_uscc"),
            self._gather(pl.Series(catalogue.IDS), frame, "i", "ingredient_id"),
            self._spec(frame),
            self._gather(pl.Series(catalogue.UNITS), frame, "unit", "unit"),
            decimal("ordered", 3).alias("ordered_qty"),
            decimal("accepted", 3).alias("accepted_qty"),
            decimal("rejected", 3).alias("rejected_qty"),
            decimal("price", 6).alias("unit_price"),
            decimal("amount", 2).alias("amount_yuan"),
            pl.when(accepted).then(pl.lit(day)).alias("accepted_on"),
            pl.when(accepted).then(pl.col("acceptors")).alias("acceptor_count"),
            self._tail(day),
        ]

    def _stock_move(self, frame: pl.DataFrame, day: date) -> list[pl.Series | pl.Expr]:
        return [
            *self._head("stock_move", frame, day),
            self._codes(ACCOUNTS, frame, "account", "account_kind"),
            pl.lit(day).alias("biz_date"),
            self._gather(pl.Series(catalogue.IDS), frame, "i", "ingredient_id"),
            self._codes(MOVE_KINDS, frame, "kind", "move_kind"),
            decimal("qty", 3),
            self._gather(pl.Series(catalogue.UNITS), frame, "unit", "unit"),
            decimal("amount", 2).alias("amount_yuan"),
            self._codes(PURPOSES, frame, "purpose", "purpose"),
            self._tail(day),
        ]

    def _stocktake(self, frame: pl.DataFrame, day: date) -> list[pl.Series | pl.Expr]:
        return [
            *self._head("stocktake", frame, day),
            self._codes(ACCOUNTS, frame, "account", "account_kind"),
            pl.lit(day).alias("biz_date"),
            self._gather(pl.Series(catalogue.IDS), frame, "i", "ingredient_id"),
            decimal("qty", 3).alias("counted_qty"),
            self._gather(pl.Series(catalogue.UNITS), frame, "unit", "unit"),
            decimal("price", 6).alias("unit_price"),
            self._tail(day),
        ]

    def _meal_fee(self, frame: pl.DataFrame, day: date) -> list[pl.Series | pl.Expr]:
        return [
            *self._head("meal_fee", frame, day),
            pl.lit(day).alias("biz_date"),
            self._codes(ACCOUNTS, frame, "payer", "payer_kind"),
            self._gather(self._persons, frame, "person", "person_no"),
            decimal("amount", 2).alias("amount_yuan"),
            self._codes(FEE_CHANNELS, frame, "channel", "channel"),
            self._tail(day),
        ]

    def _consumption(self, frame: pl.DataFrame, day: date) -> list[pl.Series | pl.Expr]:
        return [
            *self._head("consumption", frame, day),
            pl.lit(day).alias("biz_date"),
            self._codes(MEALS, frame, "meal", "meal"),
            self._codes(ACCOUNTS, frame, "payer", "payer_kind"),
            self._gather(self._persons, frame, "person", "person_no"),
            self._codes(CHANNELS, frame, "channel", "channel"),
            pl.lit(1, dtype=pl.Int64).alias("portions"),
            decimal("amount", 2).alias("amount_yuan"),
            decimal("subsidy", 2).alias("subsidy_yuan"),
            self._tail(day),
        ]

    def _refund(self, frame: pl.DataFrame, day: date) -> list[pl.Series | pl.Expr]:
        return [
            *self._head("refund", frame, day),
            pl.lit(day).alias("biz_date"),
            self._codes(ACCOUNTS, frame, "payer", "payer_kind"),
            self._gather(self._persons, frame, "person", "person_no"),
            self._codes(REFUND_KINDS, frame, "kind", "refund_kind"),
            decimal("amount", 2).alias("amount_yuan"),
            self._gather(pl.Series(meals.REASONS), frame, "reason", "reason"),
            self._tail(day),
        ]

    def _menu_line(self, frame: pl.DataFrame, day: date) -> list[pl.Series | pl.Expr]:
        return [
            *self._head("menu_line", frame, day),
            pl.lit(day).alias("biz_date"),
            self._codes(MEALS, frame, "meal", "meal"),
            self._gather(pl.Series(DISHES), frame, "i", "dish_name"),
            self._gather(pl.Series(catalogue.IDS), frame, "i", "ingredient_id"),
            decimal("grams", 3).alias("grams_per_diner"),
            pl.col("edible").alias("edible_pct"),
            self._tail(day),
        ]

    def _disclosure_line(self, frame: pl.DataFrame, day: date) -> list[pl.Series | pl.Expr]:
        """``day`` is the last day of the month that the form speaks about."""
        return [
            *self._head("disclosure_line", frame, day),
            pl.lit(day).alias("biz_date"),
            self._gather(self._modes, frame, "c", "operating_mode"),
            self._codes(FORM_LINES, frame, "line", "line_code"),
            decimal("month", 2).alias("month_yuan"),
            decimal("ytd", 2).alias("ytd_yuan"),
            self._tail(day),
        ]
