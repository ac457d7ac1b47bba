"""Random transactions in three flows with planted breaks, for tests of the matching.

Belongs here: events made from the definitions of the flows, and their truth. Shares nothing with the matching
and nothing with the simulated city.
"""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import polars as pl

START = dt.date(2026, 9, 1)
FLOWS = ("bank", "business", "books")
SUPPLIERS = (
    ("岳阳市君山区惠民粮油有限公司", "惠民粮油"),
    ("岳阳市君山区利民粮油有限公司", "利民粮油"),
    ("湖南洞庭生鲜配送有限公司", "洞庭生鲜"),
    ("岳阳楼区老张肉食批发部", "老张肉食"),
    ("汨罗市湘江水产专业合作社", "湘江水产"),
    ("岳阳绿源蔬菜种植农民专业合作社", "绿源蔬菜"),
    ("湖南金健乳业股份有限公司", "金健乳业"),
)
CHANNELS = (
    ("财付通支付科技有限公司", "微信支付"),
    ("支付宝（中国）网络技术有限公司", "支付宝"),
    ("中国银联股份有限公司湖南分公司", "银联"),
)
SURNAMES, GIVEN = "王李张刘陈杨黄赵周吴徐孙", "伟芳娜敏静强磊军洋勇艳杰涛明霞"
BREAKS = (
    "timing",
    "missing_in_bank",
    "missing_in_business",
    "missing_in_books",
    "amount",
    "duplicate",
    "wrong_account",
    "split",
)


@dataclass
class Made:
    """Frames of one world."""

    events: pl.DataFrame
    accounts: pl.DataFrame
    truth_events: pl.DataFrame
    truth_breaks: pl.DataFrame


@dataclass
class _Maker:
    dice: random.Random
    rows: list[dict[str, Any]] = field(default_factory=list)
    truth: list[dict[str, Any]] = field(default_factory=list)
    breaks: list[dict[str, Any]] = field(default_factory=list)
    serial: int = 0
    transactions: int = 0

    def number(self) -> int:
        self.serial += 1
        return self.serial

    def add(self, transaction: int, flow: str, row: dict[str, Any]) -> str:
        event_id = f"{self.dice.getrandbits(48):012x}-{len(self.rows)}"
        self.rows.append({"event_id": event_id, "flow": flow, **row})
        self.truth.append({"event_id": event_id, "transaction_id": f"T{transaction}"})
        return event_id

    def broken(self, kind: str, events: list[str]) -> None:
        name = f"B{len(self.breaks)}"
        self.breaks.extend({"break_id": name, "break_type": kind, "event_id": one} for one in events)


def make(
    seed: int,
    canteens: int = 5,
    days: int = 60,
    per_day: float = 3.0,
    break_share: float = 0.06,
    refs: float = 0.7,
    every: tuple[int, int] = (7, 30),
    top_ups: int = 4,
) -> Made:
    """A world.

    Args:
        seed: Of everything.
        canteens: Number of canteens.
        days: Number of days.
        per_day: Transactions per canteen and day.
        break_share: Share of transactions with a break.
        refs: Share of documents and vouchers that quote a number.
        top_ups: Weight of top-ups of a few fixed amounts, which the books do not tell apart.
        every: Least and most days between the payments of a standing amount.
    """
    dice = random.Random(seed)
    maker = _Maker(dice)
    accounts = []
    for canteen in range(canteens):
        name = f"C{canteen:04d}"
        special, other = f"6222{dice.getrandbits(40):013d}", f"6217{dice.getrandbits(40):013d}"
        accounts += [(name, special, "special"), (name, other, "school")]
        standing = [
            (dice.choice(SUPPLIERS), dice.choice((500, 800, 1200, 2000, 3500)), dice.randint(*every))
            for _ in range(2)
        ]
        for day in range(days):
            count = int(per_day) + (dice.random() < per_day % 1)
            for _ in range(count):
                _transaction(maker, name, special, other, day, break_share, refs, top_ups)
            for supplier, yuan, pause in standing:
                if day % pause == 0:
                    _supplier(maker, name, special, other, day, break_share, refs, supplier, yuan * 100)
    events = pl.DataFrame(
        maker.rows,
        schema={
            "event_id": pl.String, "flow": pl.String, "canteen_id": pl.String, "account_no": pl.String, "biz_date": pl.Date,
            "direction": pl.String, "amount_yuan": pl.Decimal(18, 2), "party": pl.String, "text": pl.String,
            "ref": pl.String, "kind": pl.String,
        },
    )  # fmt: skip
    truth = pl.DataFrame(maker.truth, schema={"event_id": pl.String, "transaction_id": pl.String})
    return Made(
        events,
        pl.DataFrame(accounts, schema=["canteen_id", "account_no", "account_role"], orient="row"),
        truth.join(_twins(events, truth), on="event_id", how="left"),
        pl.DataFrame(
            maker.breaks, schema={"break_id": pl.String, "break_type": pl.String, "event_id": pl.String}
        ),
    )


def _twins(events: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """Transactions that agree in everything in every flow and carry no number."""
    told = [
        "flow",
        "canteen_id",
        "account_no",
        "biz_date",
        "direction",
        "amount_yuan",
        "party",
        "text",
        "ref",
        "kind",
    ]
    shapes = (
        events.join(truth, on="event_id")
        .with_columns(
            shape=pl.concat_str([pl.col(c).cast(pl.String).fill_null("-") for c in told], separator="|")
        )
        .group_by("transaction_id")
        .agg("event_id", shape=pl.col("shape").sort().str.join("\n"), refs=pl.col("ref").is_not_null().any())
        .filter(~pl.col("refs"))
    )
    return (
        shapes.filter(pl.len().over("shape") > 1)
        .with_columns(twin_group=pl.format("W{}", pl.col("shape").rank("dense")))
        .explode("event_id")
        .select("event_id", "twin_group")
    )


def _transaction(
    maker: _Maker, name: str, special: str, other: str, day: int, share: float, refs: float, top_ups: int
) -> None:
    dice = maker.dice
    kind = dice.choices(
        (
            "settlement",
            "supplier_payment",
            "refund",
            "top_up",
            "utilities",
            "wages",
            "fund_split",
            "bank_fee",
            "interest",
        ),
        (30, 25, 15, top_ups, 4, 3, 3, 7, 3),
    )[0]
    if kind == "supplier_payment":
        _supplier(maker, name, special, other, day, share, refs, dice.choice(SUPPLIERS), None)
        return
    person = dice.choice(SURNAMES) + "".join(dice.sample(GIVEN, dice.randint(1, 2)))
    masked = person[0] + "*" * (len(person) - 1)
    cents = {
        "settlement": lambda: dice.randint(50_000, 3_000_000),
        "refund": lambda: dice.randint(1, 30) * dice.choice((850, 1_000, 1_250)),
        "top_up": lambda: dice.choice((10_000, 20_000, 30_000, 50_000)),
        "utilities": lambda: dice.randint(20_000, 500_000),
        "wages": lambda: dice.randint(10, 40) * 50_000,
        "fund_split": lambda: dice.randint(1, 40) * 100_000,
        "bank_fee": lambda: dice.choice((500, 1_000, 1_550, dice.randint(100, 3_000))),
        "interest": lambda: dice.randint(100, 50_000),
    }[kind]()
    channel = dice.choice(CHANNELS)
    shown = {
        "settlement": (channel[0], channel[1], None if dice.random() < 0.5 else channel[1], "交易结算款", f"{channel[1]}结算", f"收{channel[1]}餐费结算"),
        "refund": (masked, person if dice.random() < 0.5 else masked, None, "退款", "退伙食费", "退学生伙食费"),
        "top_up": (masked, masked, None, "转账", "充值", "收学生充值"),
        "utilities": ("国网湖南省电力有限公司岳阳供电分公司", "国网岳阳供电", "国网岳阳供电", "电费", "电费", "付电费"),
        "wages": (None, None, None, "代发工资", "食堂人员工资", "发放食堂人员工资"),
        "fund_split": ("岳阳市君山区教育体育局", "区教体局", "教育局", "拨款", "营养餐补助", "收营养餐补助"),
        "bank_fee": (None, None, None, "手续费", None, "银行手续费"),
        "interest": (None, None, None, "结息", None, "银行利息"),
    }[kind]  # fmt: skip
    incoming = kind in ("settlement", "top_up", "fund_split", "interest")
    flows = ("bank", "books") if kind in ("bank_fee", "interest") else FLOWS
    times = 2 if kind in ("refund", "top_up") and dice.random() < 0.03 else 1
    if kind == "refund" and dice.random() < 0.05:
        _near_twin(maker, name, special, other, day, share, refs, cents)
    numbers = 0.0 if times == 2 else refs
    days = _days(dice, day)
    for _ in range(times):
        _emit(
            maker,
            name,
            special,
            other,
            days,
            kind,
            cents,
            incoming,
            shown,
            flows,
            share if times == 1 else 0.0,
            numbers,
        )


def _near_twin(
    maker: _Maker, name: str, special: str, other: str, day: int, share: float, refs: float, cents: int
) -> None:  # fmt: skip
    """Another refund of the same amount and days to somebody else."""
    person = maker.dice.choice(SURNAMES) + maker.dice.choice(GIVEN)
    shown = (person[0] + "*", person, None, "退款", "退伙食费", f"退{person}伙食费")
    _emit(
        maker,
        name,
        special,
        other,
        _days(maker.dice, day),
        "refund",
        cents,
        False,
        shown,
        FLOWS,
        share * 4,
        refs,
    )


def _supplier(
    maker: _Maker, name: str, special: str, other: str, day: int, share: float, refs: float,
    supplier: tuple[str, str], cents: int | None,
) -> None:  # fmt: skip
    dice = maker.dice
    full, short = supplier
    if cents is None:
        cents = dice.randint(1, 80) * 10_000 if dice.random() < 0.2 else dice.randint(10_000, 2_000_000)
    shown = (
        full,
        dice.choice((full, short)),
        dice.choice((short, None)),
        "货款",
        "食材货款",
        f"付{short}货款",
    )
    _emit(
        maker,
        name,
        special,
        other,
        _days(dice, day),
        "supplier_payment",
        cents,
        False,
        shown,
        FLOWS,
        share,
        refs,
    )


def _days(dice: random.Random, day: int) -> tuple[int, int, int]:
    lag = lambda: dice.choices(range(6), (50, 25, 12, 7, 4, 2))[0]  # noqa: E731
    document = day
    bank = day + lag()
    books = min(day + 5, max(day, bank - 1) + lag())
    return bank, document, books


def _emit(
    maker: _Maker, name: str, special: str, other: str, days: tuple[int, int, int], kind: str, cents: int,
    incoming: bool, shown: tuple[Any, ...], flows: tuple[str, ...], share: float, refs: float,
) -> None:  # fmt: skip
    dice = maker.dice
    serial, document = (
        f"{20260900000000 + maker.number() * 7}",
        f"{kind[:2].upper()}-2026-{maker.number():06d}",
    )
    number = {
        "bank": serial if refs else None,
        "business": dice.choice((document, serial, serial[-8:])) if dice.random() < refs else None,
        "books": dice.choice((document, f"记{document}", document[-6:], serial))
        if dice.random() < refs
        else None,
    }
    broken = dice.choice(BREAKS) if dice.random() < share else None
    if broken == "missing_in_business" and len(flows) == 2:
        broken = None
    if (
        broken
        in ("amount", "split", "missing_in_bank", "missing_in_books", "duplicate", "wrong_account", "timing")
        and len(flows) == 2
    ):
        broken = None
    maker.transactions += 1
    this = maker.transactions
    rows: dict[str, dict[str, Any]] = {}
    for place, flow in enumerate(FLOWS):
        if flow in flows:
            rows[flow] = {
                "canteen_id": name,
                "account_no": special
                if flow == "bank" or (flow == "business" and kind != "refund")
                else None,
                "biz_date": START + dt.timedelta(days[place]),
                "direction": "in" if incoming else "out",
                "amount_yuan": _yuan(cents),
                "party": shown[place],
                "text": shown[place + 3],
                "ref": number[flow],
                "kind": None if flow == "bank" else {"top_up": "other"}.get(kind, kind),
            }
    if broken and broken.startswith("missing"):
        del rows[broken.removeprefix("missing_in_")]
    if broken == "timing":
        last = max(days)
        late = dice.choice(("books", "bank", "business"))
        rows[late]["biz_date"] = START + dt.timedelta(
            min(days) + dice.randint(max(6, last - min(days) + 1), 40)
        )
    if broken == "amount":
        odd = dice.choice(FLOWS)
        slipped = _slip(dice, cents)
        rows[odd]["amount_yuan"] = _yuan(slipped)
    if broken == "wrong_account":
        rows["bank"]["account_no"] = other
    if broken == "split":
        _split(maker, this, rows, cents)
        return
    ids = [maker.add(this, flow, row) for flow, row in rows.items()]
    if broken == "duplicate":
        ids = [maker.add(this, *_again(dice, rows))]
    if broken:
        maker.broken(broken, ids)
    elif not incoming and dice.random() < share / 8 and "business" in rows:
        _reversal(maker, rows["bank"])


def _again(dice: random.Random, rows: dict[str, dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    """The same event a second time: the same day or later, under its own number, another one or none."""
    flow = dice.choice(FLOWS)
    row = rows[flow]
    number = dice.choice(
        (row["ref"], row["ref"], None if row["ref"] is None else f"{row['ref'][:-3]}{dice.randint(100, 999)}")
    )
    return flow, dict(row, biz_date=row["biz_date"] + dt.timedelta(dice.choice((0, 0, 1, 2, 4))), ref=number)


def _reversal(maker: _Maker, paid: dict[str, Any]) -> None:
    """A payment that fails and is reversed: on its own, or the first try of a payment that then succeeds."""
    dice = maker.dice
    maker.transactions += 1
    retried = dice.random() < 0.4
    cents = int(paid["amount_yuan"] * 100) if retried else dice.randint(10_000, 900_000)
    day = paid["biz_date"] - dt.timedelta(dice.randint(0, 2)) if retried else paid["biz_date"]
    number = None if paid["ref"] is None else f"{paid['ref'][:-2]}99"
    failed = dict(paid, amount_yuan=_yuan(cents), ref=number, biz_date=day)
    end = paid["biz_date"] if retried else day + dt.timedelta(dice.randint(0, 2))
    back = dict(
        failed,
        direction="in",
        text=dice.choice(("冲正", "冲正", "退汇", f"冲正 {paid['text']}")),
        biz_date=end,
        ref=dice.choice((number, None if number is None else f"{number[:-2]}98")),
        party=dice.choice((paid["party"], None)),
    )
    ids = [maker.add(maker.transactions, "bank", one) for one in (failed, back)]
    maker.broken("reversal", ids)


def _split(maker: _Maker, this: int, rows: dict[str, dict[str, Any]], cents: int) -> None:
    dice = maker.dice
    count = dice.randint(2, 4)
    step = 1 if cents % 10_000 or cents <= count * 10_000 else 10_000
    cuts = sorted(step * cut for cut in dice.sample(range(1, cents // step), count - 1))
    parts = [high - low for low, high in zip([0, *cuts], [*cuts, cents], strict=True)]
    whole = dice.choice((("bank",), ("business",), ("books",), ("bank", "books"), ("bank", "business")))
    low = min(row["biz_date"] for row in rows.values())
    ids = []
    for flow, row in rows.items():
        if flow in whole:
            ids.append(maker.add(this, flow, row))
        else:
            for nth, part in enumerate(parts):
                ref = None if row["ref"] is None else f"{row['ref']}{nth}"
                day = min(low + dt.timedelta(5), row["biz_date"] + dt.timedelta(dice.randint(0, 1)))
                ids.append(maker.add(this, flow, dict(row, amount_yuan=_yuan(part), ref=ref, biz_date=day)))
    maker.broken("split", ids)


def _slip(dice: random.Random, cents: int) -> int:
    while True:
        way = dice.choice(("swap", "lose", "fee", "cents"))
        digits = list(str(cents))
        place = dice.randrange(len(digits) - 1)
        if way == "swap":
            digits[place], digits[place + 1] = digits[place + 1], digits[place]
        elif way == "lose":
            del digits[place]
        changed = int("".join(digits))
        if way == "fee":
            changed = cents - dice.choice((max(1, cents * 6 // 1000), 200, 500, 1_550))
        if way == "cents":
            changed = cents + dice.randint(-99, 99)
        if changed > 0 and changed != cents and len(str(changed)) >= len(digits) - 1:
            return changed


def _yuan(cents: int) -> Decimal:
    return Decimal(cents) / 100
