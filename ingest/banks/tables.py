"""A bank's export as a table of text cells -> one statement.

Belongs here: finding the header row by its words, telling lines from totals and remarks, and reading
what stands before and after the table. Does not belong here: bytes (``ingest.banks.reading``), the
dictionary (``words``) and the proof (``proof``).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

import polars as pl

from ingest.banks import cells, words
from ingest.banks.statement import LINES, Facts, Semantics, Statement
from ingest.banks.words import JOINED, OTHER, UNKNOWN_MONEY, Layout
from ingest.sheets import Range
from warehouse.errors import Refused

NO_HEADER: Final = "没有找到银行流水的表头（日期、金额、余额、对方户名等列名）"
BY_MEANING: Final = "by_meaning"
_HEADER_ROWS: Final = 200
"""How far down the header is looked for."""
_MONEY_ROLES: Final = ("amount_in", "credit", "amount_out", "debit", "amount", "balance")
_DAY_ROLES: Final = ("date", "time", "value_date")
_FACT_AMOUNT: Final = re.compile(r"^[¥]?([+-]?[\d,]+(?:\.\d{1,2}0*)?)元?$")
_FACT_COUNT: Final = re.compile(r"^(\d+)笔?(?:记录)?$")
_FACT_BOTH: Final = re.compile(r"^(\d+)笔[,，\s]*([\d,]+(?:\.\d{1,2})?)元?$")
_FACT_ACCOUNT: Final = re.compile(r"[\dA-Za-z][\d*A-Za-z@._-]{3,}\d|\S+@\S+")
_LOST_DIGITS: Final = re.compile(r"^\d(\.\d+)?E\+\d+$")
_COUNT_ALL: Final = re.compile(r"共\s*(\d+)\s*[笔条]")
_KEY: Final = re.compile(r"(?:^|\s)((?:[^\s:：\d\[\]]\s*){2,20})[:：]")


@dataclass
class _Header:
    """A header row, or two, as roles of columns.

    Attributes:
        row: Its first row, 0-based.
        rows: How many rows it takes.
        words: Header words as read, normalised.
        shown: Header words as they stand.
        roles: Role -> column.
        joined: Role -> columns whose texts are joined.
        layout: The reviewed layout.
        problems: Why it cannot be read: what is missing or ambiguous.
    """

    row: int
    rows: int
    words: list[str]
    shown: list[str]
    layout: Layout | None
    roles: dict[str, int] = field(default_factory=dict)
    joined: dict[str, list[int]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def column(self, *roles: str) -> int | None:
        """The column of the first role that the header has."""
        return next((self.roles[role] for role in roles if role in self.roles), None)

    @property
    def says_in_and_out(self) -> bool:
        """Whether its two amount columns are called in and out, not 借 and 贷."""
        return "amount_in" in self.roles and "amount_out" in self.roles


def find_header(rows: Sequence[Sequence[str]]) -> _Header | None:
    """The header of a table, complete or as near to one as there is; ``None`` where nothing resembles one."""
    best: _Header | None = None
    for place in range(min(len(rows), _HEADER_ROWS)):
        if sum(bool(cell.strip()) for cell in rows[place]) < 3:
            continue
        found = [_header(rows, place, 1)]
        if place + 1 < len(rows) and _continues(rows[place + 1]):
            found.insert(0, _header(rows, place, 2))
        complete = next((one for one in found if not one.problems), None)
        if complete is not None:
            return complete
        for one in found:
            if len(one.roles) >= 3 and (best is None or len(one.roles) > len(best.roles)):
                best = one
    return best


def _continues(row: Sequence[str]) -> bool:
    """Whether a row may be the second row of a header: words about money and no digit at all."""
    filled = [words.normal(cell) for cell in row if words.normal(cell)]
    if not filled or any(character.isdigit() for cell in filled for character in cell):
        return False
    roles = [words.role_of(cell) for cell in filled]
    return any(role is not None and role[0] in _MONEY_ROLES for role in roles)


def _header(rows: Sequence[Sequence[str]], place: int, height: int) -> _Header:
    upper = [cell.strip() for cell in rows[place]]
    shown = upper
    if height == 2:
        lower = [cell.strip() for cell in rows[place + 1]]
        lower += [""] * (len(upper) - len(lower))
        parent, shown = "", []
        for above, below in zip(upper, lower, strict=False):
            parent = above or (parent if below else "")
            whole = f"{parent}{below}"
            shown.append(below if below and words.role_of(words.normal(whole)) is None else whole)
    normal = [words.normal(word) for word in shown]
    found = _Header(place, height, normal, shown, words.layout_of(normal))
    _assign(found)
    _complete(found)
    return found


def _assign(header: _Header) -> None:
    """Give each role its column."""
    given = {} if header.layout is None else {words.normal(k): v for k, v in header.layout.roles.items()}
    ranks: dict[str, int] = {}
    clashing: dict[str, list[int]] = {}
    for place, word in enumerate(header.words):
        role, rank = (given[word], -1) if word in given else (words.role_of(word) or (OTHER, 0))
        if role == OTHER:
            continue
        if role == UNKNOWN_MONEY:
            header.problems.append(f"金额列“{_shown(header.shown[place])}”含义不明")
        elif role in JOINED:
            header.joined.setdefault(role, []).append(place)
        elif role not in ranks or rank < ranks[role]:
            header.roles[role], ranks[role] = place, rank
            clashing.pop(role, None)
        elif rank == ranks[role]:
            clashing.setdefault(role, [header.roles[role]]).append(place)
    header.problems += [
        f"“{'”“'.join(_shown(header.shown[place]) for place in places)}”含义相同，无法确定用哪一列"
        for places in clashing.values()
    ]


def _complete(header: _Header) -> None:
    """Note what is missing."""
    if header.column(*_DAY_ROLES) is None:
        header.problems.append("缺少交易日期列")
    incoming = [role for role in ("amount_in", "credit") if role in header.roles]
    outgoing = [role for role in ("amount_out", "debit") if role in header.roles]
    if len(incoming) > 1 or len(outgoing) > 1:
        header.problems.append("收入（贷方）或支出（借方）金额各有两列，无法确定用哪一列")
    if incoming and outgoing:
        return
    if incoming or outgoing:
        header.problems.append("只有一个方向的金额列")
        return
    if "amount" not in header.roles:
        header.problems.append("缺少金额列（收入和支出，或发生额）")
        return
    parties = "payer_account" in header.roles and "payee_account" in header.roles
    has_sign = "balance" in header.roles or (header.layout is not None and header.layout.positive is not None)
    if "mark" not in header.roles and not parties and not has_sign:
        header.problems.append("只有一列金额，没有收支（借贷）标志，也没有余额可以证明方向")


def read_table(rows: list[list[str]], merged: Sequence[Range] = ()) -> Statement:
    """Read a table of text cells as one bank export.

    Args:
        rows: Cells, line by line, as they stand.
        merged: Merged ranges.

    Raises:
        Refused: ``unknown_layout`` with what was seen; ``unreadable`` or ``unproved`` with the first line
            that cannot be read.
    """
    header = find_header(rows)
    if header is None:
        raise Refused("unknown_layout", NO_HEADER)
    label = header.layout.label if header.layout is not None else "未登记版式的银行流水"
    if header.problems:
        seen = "、".join(_shown(word) for word in header.shown if word)
        raise Refused(
            "unknown_layout",
            f"第 {header.row + 1} 行像是银行流水的表头，但{'；'.join(header.problems)}。看到的列：{seen}",
        )
    body = _Body(rows, merged, header, label)
    facts = _facts([*rows[: header.row], *body.remarks])
    body.add_totals(facts)
    return body.statement(facts)


class _Body:
    """The rows below the header, told apart."""

    def __init__(self, rows: list[list[str]], merged: Sequence[Range], header: _Header, label: str) -> None:
        self.header = header
        self.label = label
        self.is_edited = header.layout is not None and header.layout.edited
        self.notes: list[str] = []
        first = header.row + header.rows
        width = len(header.words)
        raw = [[*row[:width], *[""] * (width - len(row))] for row in rows[first:]]
        self._beyond(rows, first, width)
        frame = pl.DataFrame(
            {f"c{n}": pl.Series([row[n] for row in raw], dtype=pl.String) for n in range(width)}
        )
        frame = frame.select(cells.clean(name).alias(name) for name in frame.columns)
        frame = frame.with_columns(line=pl.int_range(first + 1, first + 1 + len(raw), dtype=pl.Int64))
        self.frame = self._classified(self._filled(frame, merged, first))
        lines = self.frame.filter(pl.col("kind") == "line")["line"]
        self._refuse_merged_amounts(merged, set(lines))
        self.remarks = [
            rows[line - 1]
            for line in self.frame.filter(pl.col("kind").is_in(["remark", "total", "carried"]))["line"]
        ]

    def _beyond(self, rows: list[list[str]], first: int, width: int) -> None:
        for place, row in enumerate(rows[first:], first + 1):
            if any(cell.strip() for cell in row[width:]):
                raise Refused("unreadable", f"{self.label}：第 {place} 行的单元格多于表头的 {width} 列")

    def _filled(self, frame: pl.DataFrame, merged: Sequence[Range], first: int) -> pl.DataFrame:
        """Cells merged downwards hold for each of their rows; amounts must not be merged."""
        money = {self.header.roles[role] for role in _MONEY_ROLES if role in self.header.roles}
        for top, left, bottom, right in merged:
            if bottom < first or top == bottom:
                continue
            if any(left <= column <= right for column in money):
                raise Refused(
                    "unreadable", f"{self.label}：第 {top + 1} 行起的金额单元格跨行合并，无法分到各行"
                )
            if left == right and left < len(self.header.words) and top >= first:
                name, value = f"c{left}", frame[f"c{left}"][top - first]
                inside = pl.col("line").is_between(top + 1, bottom + 1)
                frame = frame.with_columns(
                    pl.when(inside).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)
                )
        return frame

    def _refuse_merged_amounts(self, merged: Sequence[Range], lines: set[int]) -> None:
        money = {self.header.roles[role] for role in _MONEY_ROLES if role in self.header.roles}
        for top, left, bottom, right in merged:
            covers = [column for column in money if left <= column <= right]
            if right > left and covers and any(line in lines for line in range(top + 1, bottom + 2)):
                raise Refused(
                    "unreadable", f"{self.label}：第 {top + 1} 行的金额单元格与相邻列合并，无法确定属于哪一列"
                )

    def _classified(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Adds ``kind``: line, total, carried, remark, blank or repeated header; refuses doubtful rows."""
        known = words.words()
        columns = [f"c{n}" for n in range(len(self.header.words))]
        days = [f"c{self.header.roles[role]}" for role in _DAY_ROLES if role in self.header.roles]
        money = [f"c{self.header.roles[role]}" for role in _MONEY_ROLES if role in self.header.roles]
        amounts = [f"c{self.header.roles[role]}" for role in _MONEY_ROLES[:-1] if role in self.header.roles]
        text = pl.concat_str(columns, ignore_nulls=True)
        filled = pl.sum_horizontal(pl.col(name).is_not_null() for name in columns)
        has_day = pl.coalesce(cells.day(name) for name in days).is_not_null()
        says = [cells.cents(name).is_not_null() | cells.is_unreadable(name) for name in amounts]
        has_amount = pl.any_horizontal(says)
        has_money = pl.any_horizontal(cells.cents(name).is_not_null() for name in money)
        shown = [word.strip() or None for word in self.header.shown]
        is_header = pl.all_horizontal(
            pl.col(name).eq_missing(pl.lit(word, pl.String))
            for name, word in zip(columns, shown, strict=True)
        )
        carried = text.str.contains(f"{known.opening_words}|{known.closing_words}")
        frame = frame.with_columns(
            kind=pl.when(filled == 0)
            .then(pl.lit("blank"))
            .when(is_header)
            .then(pl.lit("header"))
            .when(has_day & has_amount)
            .then(pl.lit("line"))
            .when(carried & ~has_amount)
            .then(pl.lit("carried"))
            .when(text.str.to_lowercase().str.contains(known.total_words))
            .then(pl.lit("total"))
            .when(has_money | (has_day & (filled > 1)))
            .then(pl.lit("doubtful"))
            .otherwise(pl.lit("remark")),
            has_day=has_day,
        )
        doubtful = frame.filter(pl.col("kind") == "doubtful")
        if doubtful.height:
            what = "没有金额" if doubtful["has_day"][0] else "没有可识别的日期"
            raise Refused(
                "unreadable", f"{self.label}：第 {doubtful['line'][0]} 行{what}，无法判断是否为一笔流水"
            )
        return frame

    def add_totals(self, facts: Facts) -> None:
        """Totals that stand under the amount columns; subtotals of pages are left out."""
        columns = {
            "total_in": self.header.roles.get("amount_in"),
            "total_out": self.header.roles.get("amount_out"),
            "total_credit": self.header.roles.get("credit"),
            "total_debit": self.header.roles.get("debit"),
        }
        if not any(place is not None for place in columns.values()):
            columns = {"total_all": self.header.roles.get("amount")}
        text = pl.concat_str([f"c{n}" for n in range(len(self.header.words))], ignore_nulls=True)
        totals = self.frame.filter((pl.col("kind") == "total") & ~text.str.contains("小计|本页"))
        for fact, place in columns.items():
            if place is None:
                continue
            found = totals.select(cells.cents(f"c{place}")).to_series().drop_nulls()
            if found.len():
                setattr(facts, fact, found[-1])
        balance = self.header.roles.get("balance")
        if balance is None:
            return
        for fact, pattern in (
            ("opening", words.words().opening_words),
            ("closing", words.words().closing_words),
        ):
            carried = self.frame.filter((pl.col("kind") == "carried") & text.str.contains(pattern))
            found = carried.select(cells.cents(f"c{balance}")).to_series().drop_nulls()
            if found.len():
                setattr(facts, fact, found[0 if fact == "opening" else -1])

    def statement(self, facts: Facts) -> Statement:
        """The lines as columns of ``LINES``."""
        lines = self.frame.filter(pl.col("kind") == "line")
        lines = lines.with_columns(_row=pl.int_range(1, lines.height + 1, dtype=pl.Int64))
        lines = lines.with_columns(**self._money(lines))
        lines = lines.with_columns(**self._when())
        lines, semantics = self._directed(lines, facts)
        has_balance = "balance" in self.header.roles
        is_reviewed = self.header.layout is not None
        if semantics != "explicit" and not has_balance and not is_reviewed:
            raise Refused("unknown_layout", f"{self.label}：方向以借贷表示而没有余额列，无法证明借贷的含义")
        currency = self._text(lines, "currency").fill_null(facts.currency or "CNY")
        codes = {text: words.currency(text) for text in currency.unique()}
        lines = lines.with_columns(account_no=self._account(lines, facts))
        lines = lines.with_columns(
            currency=currency.replace_strict(codes, return_dtype=pl.String),
            is_flagged=self._flagged(lines),
            serial_no=self._text(lines, "serial_no"),
            **self._counterparty(lines),
            **{
                target: self._joined(lines, role)
                for role, target in (("summary", "summary"), ("purpose", "purpose_text"))
            },
        )
        name = self.header.layout.name if self.header.layout is not None else BY_MEANING
        return Statement(
            layout=name,
            label=self.label,
            lines=lines.select(pl.col(column).cast(dtype) for column, dtype in LINES.items()),
            facts=facts,
            semantics=semantics,
            is_reviewed=is_reviewed,
            is_edited=self.is_edited,
            has_balance=has_balance,
            notes=self.notes,
        )

    def _money(self, lines: pl.DataFrame) -> dict[str, pl.Series]:
        """Amounts of the columns in cents; an unreadable one refuses the file."""
        found: dict[str, pl.Series] = {}
        for role in _MONEY_ROLES:
            place = self.header.roles.get(role)
            if place is None:
                continue
            bad = lines.filter(cells.is_unreadable(f"c{place}"))
            if bad.height and self.is_edited and role == "balance":
                self.notes.append(f"余额列有 {bad.height} 行被遮盖")
            elif bad.height:
                raise Refused(
                    "unreadable",
                    f"{self.label}：第 {bad['line'][0]} 行的“{_shown(self.header.shown[place])}”不是金额",
                )
            found[role] = lines.select(cells.cents(f"c{place}")).to_series()
        return found

    def _when(self) -> dict[str, pl.Expr]:
        days = [f"c{self.header.roles[role]}" for role in _DAY_ROLES if role in self.header.roles]
        times = [f"c{self.header.roles[role]}" for role in ("time", "date") if role in self.header.roles]
        return {
            "day": pl.coalesce(cells.day(name) for name in days),
            "clock": pl.coalesce([*(cells.time(name) for name in times), pl.lit(None, pl.String)]),
        }

    def _directed(self, lines: pl.DataFrame, facts: Facts) -> tuple[pl.DataFrame, Semantics]:
        """Adds ``value``, ``side``, ``balance`` and ``time``; tells what the direction rests on."""
        mark, is_ledger = self._marks(lines)
        semantics: Semantics = "ledger" if is_ledger else "explicit"
        incoming, outgoing = (
            self.header.column("amount_in", "credit"),
            self.header.column("amount_out", "debit"),
        )
        if incoming is not None and outgoing is not None:
            lines = self._two_columns(lines, mark)
            semantics = "explicit" if self.header.says_in_and_out else "ledger"
        else:
            side = mark if mark is not None else self._party_side(lines, facts)
            if side is None:
                positive = self.header.layout.positive if self.header.layout is not None else None
                turn = -1 if positive == "out" else 1
                sign = lines["amount"].sign() * turn
                lines = lines.with_columns(value=lines["amount"].abs(), side=sign.replace(0, None))
                semantics = "ledger" if (lines["amount"] < 0).any() else "bare"
            else:
                lines = lines.with_columns(value=lines["amount"], side=side)
        if "balance" not in lines.columns:
            lines = lines.with_columns(balance=pl.lit(None, pl.Int64))
        return lines.with_columns(time=pl.col("clock")), semantics

    def _marks(self, lines: pl.DataFrame) -> tuple[pl.Series | None, bool]:
        place = self.header.roles.get("mark")
        if place is None:
            return None, False
        side, is_ledger = cells.sides(lines[f"c{place}"])
        status = self.header.roles.get("status")
        if status is not None:
            void = lines[f"c{status}"].str.contains(words.words().void_words).fill_null(value=False)
            side = lines.select(pl.when(~void).then(side)).to_series()
        return side, is_ledger

    def _two_columns(self, lines: pl.DataFrame, mark: pl.Series | None) -> pl.DataFrame:
        """Value and side of money in one of two columns; both filled is no direction at all."""
        come = "amount_in" if "amount_in" in self.header.roles else "credit"
        go = "amount_out" if "amount_out" in self.header.roles else "debit"
        lines = lines.with_columns(come=pl.col(come), go=pl.col(go))
        comes, goes = pl.col("come").fill_null(0) != 0, pl.col("go").fill_null(0) != 0
        both = lines.filter(comes & goes)
        if both.height:
            raise Refused(
                "unproved", f"{self.label}：第 {both['line'][0]} 行收入和支出都有金额，无法确定方向"
            )
        is_in = comes | (~goes & pl.col("come").is_not_null() & pl.col("go").is_null())
        is_out = goes | (~comes & pl.col("go").is_not_null() & pl.col("come").is_null())
        lines = lines.with_columns(
            value=pl.when(goes).then(pl.col("go")).otherwise(pl.col("come").fill_null(0)),
            side=pl.when(is_in).then(1).when(is_out).then(-1).otherwise(None).cast(pl.Int64),
        )
        wrong = []
        if mark is not None:
            wrong.append(("收支（借贷）标志", (mark != lines["side"]) & (lines["value"] > 0)))
        if "amount" in lines.columns:
            wrong.append(("发生额", lines["amount"].abs() != lines["value"].abs()))
        for what, clash in wrong:
            at = lines.filter(clash.fill_null(value=False))["line"]
            if at.len():
                raise Refused("unproved", f"{self.label}：第 {at[0]} 行的{what}与收入、支出列矛盾")
        return lines

    def _party_side(self, lines: pl.DataFrame, facts: Facts) -> pl.Series | None:
        """Direction from who pays whom, where the own account is known."""
        if "payer_account" not in self.header.roles or "payee_account" not in self.header.roles:
            return None
        payer, payee = (
            self._text(lines, role).str.replace_all(r"\s", "") for role in ("payer_account", "payee_account")
        )
        own = self._account(lines, facts)
        if own.null_count() == lines.height:
            return None
        pays, receives = (payer == own).fill_null(value=False), (payee == own).fill_null(value=False)
        return pl.select(
            pl.when(pays & ~receives).then(-1).when(receives & ~pays).then(1).otherwise(None).cast(pl.Int64)
        ).to_series()

    def _text(self, lines: pl.DataFrame, role: str) -> pl.Series:
        place = self.header.roles.get(role)
        return pl.Series([None] * lines.height, dtype=pl.String) if place is None else lines[f"c{place}"]

    def _joined(self, lines: pl.DataFrame, role: str) -> pl.Series:
        columns = [pl.col(f"c{place}") for place in self.header.joined.get(role, [])]
        if not columns:
            return pl.Series([None] * lines.height, dtype=pl.String)
        joined = pl.concat_list(columns).list.drop_nulls().list.unique(maintain_order=True).list.join("；")
        return lines.select(pl.when(joined != "").then(joined)).to_series()

    def _account(self, lines: pl.DataFrame, facts: Facts) -> pl.Series:
        own = self._text(lines, "own_account").str.replace_all(r"\s", "")
        whole = pl.lit(facts.account, pl.String)
        card = self._text(lines, "card").str.replace_all(r"\s", "")
        found = pl.select(pl.coalesce(own, whole, card)).to_series()
        if found.len() < lines.height:
            found = found.new_from_index(0, lines.height)
        lost = found.str.contains(_LOST_DIGITS.pattern).fill_null(value=False)
        if lost.any():
            raise Refused(
                "unreadable", f"{self.label}：账号以数字格式保存，末尾数字已丢失，请以文本格式重新导出"
            )
        return found

    def _flagged(self, lines: pl.DataFrame) -> pl.Series:
        """Whether a line is called a reversal by its mark or its texts."""
        known = words.words()
        columns = [f"c{place}" for role in JOINED for place in self.header.joined.get(role, [])]
        said = [pl.col(name).str.contains(known.reversal_words) for name in columns]
        place = self.header.roles.get("reversal")
        if place is not None:
            said.append(pl.col(f"c{place}").str.to_lowercase().is_in(known.reversal_marks))
        flags = [flag.fill_null(value=False) for flag in said]
        return lines.select(pl.any_horizontal(*flags, pl.col("line") < 0)).to_series()

    def _counterparty(self, lines: pl.DataFrame) -> dict[str, pl.Series]:
        """Name, account and bank of the other side; of payer and payee the one that is not the account."""
        own = lines["account_no"]
        payer_account, payee_account = (
            self._text(lines, role).str.replace_all(r"\s", "") for role in ("payer_account", "payee_account")
        )
        pays = pl.select(
            pl.when(payer_account == own)
            .then(pl.lit(value=True))
            .when(payee_account == own)
            .then(pl.lit(value=False))
            .otherwise(lines["side"] * lines["value"] < 0)
        ).to_series()
        found = {}
        for part in ("name", "account", "bank"):
            said = self._text(lines, f"counterparty_{part}")
            payer, payee = self._text(lines, f"payer_{part}"), self._text(lines, f"payee_{part}")
            other = pl.select(pl.when(pays).then(payee).otherwise(payer)).to_series()
            found[f"counterparty_{part}"] = said.fill_null(other)
        account = found["counterparty_account"]
        lost = account.str.contains(_LOST_DIGITS.pattern).fill_null(value=False)
        if lost.any():
            self.notes.append(f"对方账号有 {int(lost.sum())} 行以数字格式保存，末尾数字已丢失，未采用")
            found["counterparty_account"] = pl.select(pl.when(~lost).then(account)).to_series()
        return found


def _facts(rows: Sequence[Sequence[str]]) -> Facts:
    """What the rows outside the table declare."""
    facts = Facts()
    for row in rows:
        filled = [cell.strip() for cell in row if cell.strip()]
        for place, cell in enumerate(filled):
            following = filled[place + 1] if place + 1 < len(filled) else ""
            for key, value in _pairs(cell, following):
                _note(
                    facts,
                    words.fact_of(words.normal(key)),
                    unicodedata.normalize("NFKC", value).strip("[] '\t"),
                )
            counted = _COUNT_ALL.search(cell)
            if counted is not None:
                facts.count_all = int(counted[1])
    return facts


def _pairs(cell: str, following: str) -> list[tuple[str, str]]:
    """Keys and values of a cell; a key alone has the next cell as its value."""
    pairs: list[tuple[str, str]] = []
    for line in cell.splitlines():
        keys = list(_KEY.finditer(line))
        ends = [*(key.start() for key in keys[1:]), len(line)]
        found = [(key[1], line[key.end() : end].strip()) for key, end in zip(keys, ends, strict=False)]
        pairs += found or [(line, "")]
    last = len(pairs) - 1
    return [(key, value or (following if place == last else "")) for place, (key, value) in enumerate(pairs)]


def _note(facts: Facts, fact: str | None, value: str) -> None:
    """Keep a declared fact that can be read."""
    if fact is None or not value:
        return
    both = _FACT_BOTH.match(value)
    amount, count = _FACT_AMOUNT.match(value), _FACT_COUNT.match(value)
    if fact == "unit":
        if "万" in value:
            raise Refused("unreadable", f"金额单位为{value[:10]}，请以元为单位重新导出")
    elif fact == "account":
        if _LOST_DIGITS.match(value):
            raise Refused("unreadable", "账号以数字格式保存，末尾数字已丢失，请以文本格式重新导出")
        found = _FACT_ACCOUNT.search(value.replace(" ", ""))
        account = found[0] if found else None
        if account is not None and facts.account not in (None, account):
            raise Refused("unreadable", "文件中有不止一个本方账号，请按账号分别导出")
        facts.account = facts.account or account
    elif fact == "currency":
        facts.currency = value
    elif fact == "exported_at":
        facts.exported_at = _instant(value)
    elif fact.startswith("count_"):
        if count is not None:
            setattr(facts, fact, int(count[1]))
    elif both is not None:
        setattr(facts, fact, _cents(both[2]))
        setattr(facts, fact.replace("total_", "count_"), int(both[1]))
    elif amount is not None:
        setattr(facts, fact, _cents(amount[1]))


def _instant(value: str) -> str | None:
    frame = pl.DataFrame({"v": [value]}).select(day=cells.day("v"), time=cells.time("v"))
    day, time = frame.row(0)
    return None if day is None else f"{day} {time or '23:59:59'}"


def _cents(text: str) -> int:
    return int(Decimal(text.replace(",", "")) * 100)


def _shown(word: str) -> str:
    """A header word for a message: short and without digits, because it may be data."""
    return re.sub(r"\d", "#", re.sub(r"\s", "", word)[:20])
