"""Money of meals: what channels pay over, what is paid back, what the bureau passes on.

Belongs here: settlements of fees, weekly batches of refunds, subsidies in advance, the first working capital.
Does not belong here: goods and their payment (``payables``) and other spending (``outlays``).
"""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import polars as pl

from ingest.simulator import money_accounts, transfers
from ingest.simulator.city import UNITS, City
from ingest.simulator.service import Service
from ingest.simulator.streams import IntArray, half_up, stream
from ingest.simulator.transfers import IN, OUT
from ingest.simulator.working_days import WorkingDays

_FEE_PERMILLE: Final = {2: 2}  # of a channel; the others are free of charge
# Chance of 0, 1, 2, 3 working days from the top-up to the day on which the channel pays, by channel.
_PAYS: Final = {2: (0.0, 0.7, 0.2, 0.1), 3: (0.0, 1.0), 4: (0.0, 1.0)}
_ARRIVES: Final = (0.95, 0.05)
_POSTED: Final = (0.6, 0.3, 0.1)
_QUOTES: Final = 0.7  # of the bank's lines quote the settlement; the others name the day of the fees
_CHANNEL_NAMES: Final = {2: "小程序", 3: "银行", 4: "现金"}
_CAPITAL_DAYS: Final = 8
_IN_ADVANCE: Final = 0.95  # of the pupils' open days are paid for ahead
SUBSIDY_CENTS: Final = 500


def settlements(city: City, fees: pl.DataFrame, days: WorkingDays) -> pl.DataFrame:
    """What the channels pay over of each day's fees, less their own fee."""
    if fees.is_empty():
        return transfers.made(fees)
    rng = stream(city.seed, "settlements", int(fees["day"][0]))
    trade, channel = fees["day"].to_numpy(), fees["channel"].to_numpy()
    gross = fees["amount"].to_numpy()
    permille = np.array([_FEE_PERMILLE.get(k, 0) for k in range(5)], dtype=np.int64)[channel]
    fee = half_up(gross * permille, 1000)
    paid = trade.copy()
    for k, chances in _PAYS.items():
        mine = channel == k
        paid[mine] = days.after(trade[mine], rng.choice(len(chances), int(mine.sum()), p=chances))
    bank = transfers.later(days, paid, _ARRIVES, rng)
    ids = pl.Series(city.canteen_ids).gather(fees["c"])
    quoted = rng.random(trade.size) < _QUOTES
    frame = fees.select("c", "channel", "count", pl.col("day").alias("trade_day")).with_columns(
        pl.Series("cents", gross - fee), pl.Series("fee", fee), pl.Series("doc_day", paid), pl.Series("bank_day", bank),
        pl.Series("post_day", transfers.later(days, bank, _POSTED, rng)), _stamp(city, fees["day"]).alias("on"),
        ids.alias("id"), pl.Series("quoted", quoted),
    )  # fmt: skip
    frame = frame.with_columns(
        pl.concat_str(pl.lit("JS"), "id", pl.col("on").dt.strftime("%y%m%d"), "channel").alias("record_no"),
        *(pl.col("channel").replace_strict({k: v[n] for k, v in money_accounts.CHANNELS.items()}).alias(name)
          for n, name in enumerate(("other", "other_account"))),
    )  # fmt: skip
    name = pl.col("channel").replace_strict(_CHANNEL_NAMES)
    cash = pl.col("channel") == 4
    return transfers.made(
        frame.with_columns(
            pl.when("quoted").then(pl.format("伙食费清算 {}", "record_no"))
            .when(cash).then(pl.format("现金缴存{}", pl.col("on").dt.strftime("%m%d")))
            .otherwise(pl.format("商户结算{}", pl.col("on").dt.strftime("%m%d"))).alias("note"),
            pl.format("收{}{}餐费", pl.col("on").dt.strftime("%-m月%-d日"), name).alias("summary"),
        ),
        kind="settlement", into=IN, code="2203", source_feed="settlement",
    )  # fmt: skip


def refunds(city: City, back: pl.DataFrame, days: WorkingDays) -> pl.DataFrame:
    """Balances of those who leave, paid out together on Fridays: one line of the bank for many records."""
    if back.is_empty():
        return transfers.made(back)
    day = back["day"].to_numpy()
    friday = day + (4 - city.life.weekday() - day) % 7
    batches = (
        back.with_columns(pl.Series("doc_day", days.after(friday, 0)))
        .group_by("c", "doc_day").agg(pl.sum("count"), pl.sum("amount").alias("cents")).sort("c", "doc_day")
    )  # fmt: skip
    rng = stream(city.seed, "refund-batches", int(day[0]))
    bank = batches["doc_day"].to_numpy()
    frame = batches.with_columns(
        pl.Series("bank_day", bank), pl.Series("post_day", transfers.later(days, bank, _POSTED, rng)),
        pl.format("退餐费 {}笔", "count").alias("note"), pl.format("退学生餐费余额{}笔", "count").alias("summary"),
    )  # fmt: skip
    # The single refunds come with the canteens' own systems: there is no document about the batch.
    return transfers.made(frame, kind="refund", into=OUT, code="2203", other="批量代付客户资金", other_account="8043",
                          source_feed="refund", in_docs=False)  # fmt: skip


def capital(city: City, keepers: list[int], days: WorkingDays) -> pl.DataFrame:
    """What each canteen starts with."""
    c = np.array(keepers, dtype=np.int64)
    cents = np.ceil(_CAPITAL_DAYS * city.daily_income[c] / 100_000).astype(np.int64) * 100_000
    frame = pl.DataFrame({"c": c, "cents": cents})
    return _passed_on(
        city, frame, days.after(np.zeros_like(c), 0), days, "allocation", "3101", "食堂周转金拨款"
    )


def subsidies(
    city: City, service: Service, keepers: list[int], month: tuple[date, date], days: WorkingDays
) -> pl.DataFrame:
    """The nutrition subsidy of a month in advance."""
    c = np.array([k for k in keepers if city.subsidised[k]], dtype=np.int64)
    expected = service.open_between(*month).sum(axis=0)[c]
    c, expected = c[expected > 0], expected[expected > 0]
    cents = np.rint(city.pupils[c] * expected * SUBSIDY_CENTS * _IN_ADVANCE / 100).astype(np.int64) * 100
    first = np.full(c.size, (month[0] - city.life).days, dtype=np.int64)
    frame = pl.DataFrame({"c": c, "cents": cents}, schema={"c": pl.Int64, "cents": pl.Int64})
    return _passed_on(
        city, frame, days.after(first, 3), days, "subsidy", "2241", f"{month[0].month}月营养餐补助"
    )


def _passed_on(
    city: City, frame: pl.DataFrame, day: IntArray, days: WorkingDays, kind: str, code: str, what: str
) -> pl.DataFrame:  # fmt: skip
    rng = stream(city.seed, f"fund-{kind}", int(day[0]) if day.size else 0)
    bank = transfers.later(days, day, _ARRIVES, rng)
    provider = city.provider[frame["c"].to_numpy()]
    frame = frame.with_columns(
        pl.Series("doc_day", day), pl.Series("bank_day", bank),
        pl.Series("post_day", transfers.later(days, bank, _POSTED, rng)),
        pl.Series("other", [f"岳阳市{UNITS[p][1]}教育局" for p in provider.tolist()], dtype=pl.String),
        pl.Series("other_account", [money_accounts.bureau(p) for p in provider.tolist()], dtype=pl.String),
        pl.concat_str(pl.lit("BK"), pl.Series(city.canteen_ids).gather(frame["c"]), pl.lit(f"{kind[0].upper()}"),
                      _stamp(city, pl.Series(day)).dt.strftime("%y%m%d")).alias("record_no"),
    )  # fmt: skip
    return transfers.made(frame, kind="fund_split", into=IN, code=code, note=what, summary=f"收{what}",
                          source_feed="fund_split", detail=kind)  # fmt: skip


def _stamp(city: City, day: pl.Series) -> pl.Series:
    return pl.select((pl.lit(city.life) + pl.duration(days=pl.lit(day))).alias("on")).to_series()
