"""How each flow writes an event: the party's name, a text, a number.

Belongs here: spellings, words, numbers cut or prefixed or left out. Does not belong here: which events there are
(``flow_breaks``). Twins draw the same looks in each flow and quote no number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl

from ingest.simulator.flow_breaks import TYPES, Entries
from ingest.simulator.flow_moves import (
    BANK,
    BANK_FEE,
    BOOKS,
    BUSINESS,
    INTEREST,
    KINDS,
    REFUND,
    TOP_UP,
    WAGES,
    Moves,
)
from ingest.simulator.flow_parties import BRACKETS, CUT, FULL, NOBODY, SHORT, SPACED, parties
from ingest.simulator.records import decimal
from ingest.simulator.streams import BoolArray, FloatArray, IntArray
from ingest.simulator.working_days import dates

FLOWS: Final = ("bank", "business", "books")
_SPECIAL, _SCHOOL = "8201", "8202"
# Chance of each spelling (full, short, brackets, cut, spaced) and of no name, by flow.
_SPELLING: Final = {
    BANK: (0.52, 0.05, 0.14, 0.14, 0.05, 0.10), BUSINESS: (0.60, 0.25, 0.08, 0.0, 0.04, 0.03),
    BOOKS: (0.08, 0.47, 0.05, 0.0, 0.0, 0.40),
}  # fmt: skip
_WHOLE, _CUT, _PREFIXED, _OWN, _NONE = range(5)
# Chance that the number is whole, cut, prefixed, another number of the flow's own, or missing.
_NUMBER: Final = {
    BANK: (0.28, 0.10, 0.08, 0.22, 0.32), BUSINESS: (0.82, 0.0, 0.0, 0.0, 0.18), BOOKS: (0.30, 0.12, 0.06, 0.0, 0.52),
}  # fmt: skip
_PERSONAL: Final = (REFUND, WAGES, TOP_UP)
_UNNUMBERED: Final = 0.7  # of what persons pay and get
_PREFIXES: Final = ("单号", "NO.", "凭证")
_LETTERS: Final = dict(zip(KINDS, ("JS", "BK", "FK", "TF", "GZ", "SD", "YH", "LX", "QT", "CZ"), strict=True))
# Kind -> words of bank, business, books; {d} the day, {m} the month, {p} the party's short name.
_WORDS: Final = {
    "settlement": (("伙食费清算", "商户结算{d}", "资金清算"), ("{d}餐费结算", "{d}{p}对账单", "缴费结算{d}"), ("收{d}餐费（{p}）", "{d}{p}餐费到账", "收餐费")),
    "fund_split": (("财政授权支付", "拨款", "营养餐补助"), ("{m}营养改善计划补助", "{m}食堂补助拨付", "资金拨付单"), ("收{m}补助资金", "收教育局拨款", "拨款")),
    "supplier_payment": (("货款", "支付食材款", "网银转账"), ("支付{p}{m}货款", "{m}食材款", "食材采购付款"), ("付{p}货款", "付{m}食材款", "付货款")),
    "refund": (("退餐费", "退款", "代付"), ("退餐费", "{m}请假退费", "转学退余额"), ("退学生餐费", "退餐费", "退{m}餐费")),
    "wages": (("代发工资", "工资", "代付"), ("{m}食堂人员工资", "{m}工资", "食堂工资发放"), ("发放{m}工资", "付食堂人员工资", "工资")),
    "utilities": (("电费", "代扣水电费", "缴费"), ("{m}水电燃料费", "{m}能源费", "缴{p}费用"), ("付{m}水电费", "付{p}", "水电燃料")),
    "bank_fee": (("账户管理费", "手续费", "短信服务费"), ("", "", ""), ("银行手续费", "付银行手续费", "手续费")),
    "interest": (("结息", "存款利息", "利息入账"), ("", "", ""), ("收存款利息", "银行存款利息", "利息收入")),
    "other": (("维修款", "服务费", "转账"), ("{m}服务费", "{p}费用报销", "维修保养"), ("付{p}费用", "付服务费", "其他支出")),
    "top_up": (("餐费", "充值", "转账"), ("家长转账充值", "餐费充值", "{d}转账充值"), ("收餐费", "收家长餐费", "收充值款")),
}  # fmt: skip
_REVERSALS: Final = ("冲正 户名账号不符", "冲正", "退汇 账号有误", "抹账")
_BLANK: Final = {BANK: 0.08, BUSINESS: 0.05, BOOKS: 0.03}


def written(
    moves: Moves, events: Entries, rng: np.random.Generator
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """(events as the flows write them, truth of transactions, truth of differences)."""
    looks = _Looks(moves, events, rng)
    canteen = pl.Series([f"C{c + 1:04d}" for c in range(moves.canteens)])
    frame = pl.DataFrame(
        {
            "flow": pl.Series(FLOWS).gather(events["flow"]), "canteen_id": canteen.gather(looks.c),
            "account_no": looks.account(), "biz_date": dates(moves.start, events["day"]),
            "direction": pl.Series(("in", "out")).gather(events["into"]), "cents": events["cents"],
            "party": looks.party(), "text": looks.text(), "ref": looks.number(),
            "kind": looks.kind_name(), "transaction": events["t"], "leader": looks.leader, "fault": events["fault"],
            "mixed": rng.random(events["t"].size),
        }
    )  # fmt: skip
    # Nothing of an event's number tells to which transaction it belongs.
    frame = frame.sort("flow", "canteen_id", "biz_date", "mixed").with_row_index("n", offset=1)
    frame = frame.with_columns(
        pl.concat_str(pl.lit("E"), pl.col("n").cast(pl.String).str.zfill(7)).alias("event_id")
    )
    frame = frame.with_columns(decimal("cents", 2).alias("amount_yuan"))
    return _shown(frame), _transactions(frame), _breaks(frame)


def accounts(moves: Moves) -> pl.DataFrame:
    """Registered accounts: each canteen's special one, and for four in five the school's other one."""
    c = np.arange(moves.canteens)
    other = c[c % 5 != 4]
    both = np.concatenate([c, other])
    role = ["special"] * c.size + ["school"] * other.size
    prefix = [_SPECIAL] * c.size + [_SCHOOL] * other.size
    return pl.DataFrame(
        {
            "canteen_id": [f"C{k + 1:04d}" for k in both.tolist()],
            "account_no": [_account_no(p, k) for p, k in zip(prefix, both.tolist(), strict=True)],
            "account_role": role,
        }
    ).sort("canteen_id", "account_role")


def _account_no(prefix: str, canteen: int) -> str:
    return f"{prefix}{canteen * 7_919 % 100_000:05d}{canteen:06d}"


def _shown(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.select("event_id", "flow", "canteen_id", "account_no", "biz_date", "direction", "amount_yuan", "party", "text", "ref", "kind")  # fmt: skip


def _transactions(frame: pl.DataFrame) -> pl.DataFrame:
    twins = pl.col("transaction").n_unique().over("leader") > 1
    return frame.select(
        "event_id",
        pl.concat_str(pl.lit("T"), pl.col("transaction").cast(pl.String).str.zfill(7)).alias("transaction_id"),
        pl.when(twins).then(pl.concat_str(pl.lit("W"), pl.col("leader").cast(pl.String).str.zfill(7))).alias("twin_group"),
    )  # fmt: skip


def _breaks(frame: pl.DataFrame) -> pl.DataFrame:
    faulty = frame.filter(pl.col("fault") >= 0)
    return faulty.select(
        pl.concat_str(pl.lit("B"), pl.col("transaction").cast(pl.String).str.zfill(7)).alias("break_id"),
        pl.Series(TYPES).gather(faulty["fault"]).alias("break_type"),
        "event_id",
    ).sort("break_id", "event_id")


class _Looks:
    """The draws of a run: one set for each flow and transaction, so that twins look alike."""

    def __init__(self, moves: Moves, events: Entries, rng: np.random.Generator) -> None:
        self._moves, self._events = moves, events
        self._flow = events["flow"]
        t, mark = events["t"], events["mark"]
        base = np.where(mark != 0, np.abs(mark) - 1, t)  # a reversal is of its host's kind and canteen
        self.c, self.kind = moves.c[base], moves.kind[base]
        self._base = base
        self.leader = np.where(mark != 0, t, moves.leader[base])
        size = int(t.max()) + 1
        self._draws: FloatArray = rng.random((6, 3, size))
        self._numbers: IntArray = rng.permutation(1_000_000 if size < 1_000_000 else 10 * size)[:size]
        self._own: IntArray = rng.integers(10**11, 10**12, (3, size))
        twins = np.bincount(moves.leader, minlength=moves.size) > 1
        self._in_twins: BoolArray = (mark == 0) & twins[moves.leader[base]]

    def _draw(self, n: int) -> FloatArray:
        return np.asarray(self._draws[n, self._flow, self.leader])

    def _by_flow(self, chances: Mapping[int, tuple[float, ...]], n: int) -> IntArray:
        """One of several by the chances of its flow."""
        edges = np.cumsum(np.array([chances[f] for f in range(3)]), axis=1)[self._flow]
        return np.asarray((self._draw(n)[:, None] >= edges[:, :-1]).sum(axis=1), dtype=np.int64)

    def account(self) -> pl.Series:
        """The account: always said by the bank, usually by documents, rarely by the books."""
        other = self._events["account"] == 1
        said = (self._flow == BANK) | other | (self._draw(0) < np.array([1.0, 0.8, 0.35])[self._flow])
        both = pl.Series(
            [_account_no(p, k) for p in (_SPECIAL, _SCHOOL) for k in range(self._moves.canteens)]
        )
        number = both.gather(self.c + np.where(other, self._moves.canteens, 0))
        return pl.select(pl.when(pl.Series(said)).then(number)).to_series()

    def party(self) -> pl.Series:
        """The party as the flow spells it."""
        choice = self._by_flow(_SPELLING, 1)
        named = self._moves.named[self._base]
        order = np.array([FULL, SHORT, BRACKETS, CUT, SPACED, FULL])
        hidden = (choice == 5) & ~named
        party = np.where(hidden, NOBODY, self._events["party"])
        return parties().spelled(party, order[choice])

    def text(self) -> pl.Series:
        """What the flow says it was for."""
        choice = np.floor(self._draw(2) * 3).astype(np.int64)
        flat = pl.Series([words for kind in KINDS for flow in _WORDS[kind] for words in flow])
        words = flat.gather(self.kind * 9 + self._flow * 3 + choice)
        batch = self._moves.batch[self._base]
        blank = (self._draw(3) < np.array([_BLANK[f] for f in range(3)])[self._flow]) & (batch == 0)
        day = self._moves.day[BUSINESS, np.where(self._events["mark"] == 0, self.leader, self._base)]
        short = parties().spelled(self._events["party"], np.full_like(day, SHORT)).fill_null("")
        when = dates(self._moves.start, day)
        made = pl.DataFrame({"w": words, "p": short, "d": when, "b": batch, "blank": blank}).select(
            pl.when(~pl.col("blank")).then(
                pl.concat_str(
                    pl.col("w").str.replace("{d}", pl.col("d").dt.strftime("%-m月%-d日"), literal=True)
                    .str.replace("{m}", pl.col("d").dt.strftime("%-m月"), literal=True)
                    .str.replace("{p}", pl.col("p"), literal=True),
                    pl.when(pl.col("b") > 0).then(pl.format("（第{}批）", "b")).otherwise(pl.lit("")),
                )
            )
        ).to_series()  # fmt: skip
        back = self._events["mark"] < 0
        said = pl.Series(_REVERSALS).gather(np.floor(self._draw(4) * len(_REVERSALS)).astype(np.int64))
        return pl.select(pl.when(pl.Series(back)).then(said).otherwise(made)).to_series()

    def number(self) -> pl.Series:
        """The number that the flow quotes; a part has its own in the flow that knows parts."""
        t = self._events["t"]
        form = self._by_flow(_NUMBER, 5)
        silent = np.isin(self.kind, _PERSONAL) & (self._draws[4, BANK, self.leader] < _UNNUMBERED)
        silent |= np.isin(self.kind, (BANK_FEE, INTEREST))
        form = np.where(silent, _NONE, form)
        sure = self._moves.has_number[self._base] & (self._events["mark"] == 0)
        form = np.where(sure, np.where(form == _PREFIXED, _PREFIXED, _WHOLE), form)
        form = np.where(self._in_twins, _NONE, form)
        letters = pl.Series([_LETTERS[k] for k in KINDS]).gather(self.kind)
        head = f"{self._moves.start:%y}"
        serial = pl.Series(self._numbers[t]).cast(pl.String).str.zfill(6)
        part = pl.Series(self._events["part"])
        frame = pl.DataFrame(
            {"form": form, "letters": letters, "serial": serial, "part": part,
             "own": pl.Series(self._own[self._flow, t]), "prefix": pl.Series(_PREFIXES).gather(t % len(_PREFIXES))}
        )  # fmt: skip
        tail = pl.when(pl.col("part") > 0).then(pl.format("-{}", "part")).otherwise(pl.lit(""))
        whole = pl.concat_str("letters", pl.lit(head), "serial", tail)
        return frame.select(
            pl.when(pl.col("form") == _WHOLE).then(whole)
            .when(pl.col("form") == _CUT).then(pl.concat_str("serial", tail))
            .when(pl.col("form") == _PREFIXED).then(pl.concat_str("prefix", whole))
            .when(pl.col("form") == _OWN).then(pl.col("own").cast(pl.String))
        ).to_series()  # fmt: skip

    def kind_name(self) -> pl.Series:
        """The kind, which the bank does not know."""
        names = pl.Series([name if name != "top_up" else "other" for name in KINDS]).gather(self.kind)
        return pl.select(pl.when(pl.Series(self._flow != BANK)).then(names)).to_series()
