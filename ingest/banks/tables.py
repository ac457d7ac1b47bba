"""A bank's export as a table of text cells -> one statement.

Belongs here: telling lines from totals and remarks, and reading the lines by the roles of their columns.
Does not belong here: bytes (``reading``), the header (``header``), what is declared (``facts``) and the
proof (``proof``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from ingest.banks import cells, facts, words
from ingest.banks.facts import LOST_DIGITS
from ingest.banks.header import DAY_ROLES, MONEY_ROLES, Header, find, shown
from ingest.banks.statement import LINES, Facts, Semantics, Statement
from ingest.banks.words import JOINED
from ingest.sheets import Range
from warehouse.errors import Refused

NO_HEADER: Final = "没有找到银行流水的表头（日期、金额、余额、对方户名等列名）"
BY_MEANING: Final = "by_meaning"


def read_table(rows: list[list[str]], merged: Sequence[Range] = ()) -> Statement:
    """Read a table of text cells as one bank export.

    Args:
        rows: Cells, line by line, as they stand.
        merged: Merged ranges.

    Raises:
        Refused: ``unknown_layout`` with what was seen; ``unreadable`` or ``unproved`` with the first line
            that cannot be read.
    """
    header = find(rows)
    if header is None:
        raise Refused("unknown_layout", NO_HEADER)
    label = header.layout.label if header.layout is not None else "未登记版式的银行流水"
    if header.problems:
        seen = "、".join(shown(word) for word in header.as_written if word)
        raise Refused(
            "unknown_layout",
            f"第 {header.row + 1} 行像是银行流水的表头，但{'；'.join(header.problems)}。看到的列：{seen}",
        )
    body = _Body(rows, merged, header, label)
    declared = facts.read([*rows[: header.row], *body.remarks])
    body.add_totals(declared)
    return body.statement(declared)


class _Body:
    """The rows below the header, told apart."""

    def __init__(self, rows: list[list[str]], merged: Sequence[Range], header: Header, label: str) -> None:
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
        self.frame = self._classified(self._parsed(self._filled(frame, merged, first)))
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
        money = {self.header.roles[role] for role in MONEY_ROLES if role in self.header.roles}
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

    def _parsed(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Adds each amount in cents under its role and whether it is unreadable, the day and the time."""
        money = {role: f"c{self.header.roles[role]}" for role in MONEY_ROLES if role in self.header.roles}
        days = [f"c{self.header.roles[role]}" for role in DAY_ROLES if role in self.header.roles]
        times = [f"c{self.header.roles[role]}" for role in ("time", "date") if role in self.header.roles]
        return frame.with_columns(
            *(cells.cents(column).alias(role) for role, column in money.items()),
            *(cells.is_unreadable(column).alias(f"bad_{role}") for role, column in money.items()),
            day=pl.coalesce(cells.day(name) for name in days),
            time=pl.coalesce([*(cells.time(name) for name in times), pl.lit(None, pl.String)]),
        )

    def _refuse_merged_amounts(self, merged: Sequence[Range], lines: set[int]) -> None:
        money = {self.header.roles[role] for role in MONEY_ROLES if role in self.header.roles}
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
        money = [role for role in MONEY_ROLES if role in self.header.roles]
        says = [pl.col(role).is_not_null() | pl.col(f"bad_{role}") for role in money if role != "balance"]
        text = pl.concat_str(columns, ignore_nulls=True)
        filled = pl.sum_horizontal(pl.col(name).is_not_null() for name in columns)
        has_day = pl.col("day").is_not_null()
        has_amount = pl.any_horizontal(says)
        has_money = pl.any_horizontal(pl.col(role).is_not_null() for role in money)
        written = [word.strip() or None for word in self.header.as_written]
        is_header = pl.all_horizontal(
            pl.col(name).eq_missing(pl.lit(word, pl.String))
            for name, word in zip(columns, written, strict=True)
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
            text=text,
        )
        doubtful = frame.filter(pl.col("kind") == "doubtful")
        if doubtful.height:
            what = "没有金额" if doubtful["day"][0] is not None else "没有可识别的日期"
            raise Refused(
                "unreadable", f"{self.label}：第 {doubtful['line'][0]} 行{what}，无法判断是否为一笔流水"
            )
        return frame

    def add_totals(self, declared: Facts) -> None:
        """Totals that stand under the amount columns; subtotals of pages are left out."""
        totals = {
            "total_in": "amount_in",
            "total_out": "amount_out",
            "total_credit": "credit",
            "total_debit": "debit",
        }
        if not any(role in self.header.roles for role in totals.values()):
            totals = {"total_all": "amount"}
        whole = (pl.col("kind") == "total") & ~pl.col("text").str.contains("小计|本页")
        for fact, role in totals.items():
            self._declare(declared, fact, role, whole, last=True)
        carried = pl.col("kind") == "carried"
        known = words.words()
        opens, closes = (
            pl.col("text").str.contains(one) for one in (known.opening_words, known.closing_words)
        )
        self._declare(declared, "opening", "balance", carried & opens, last=False)
        self._declare(declared, "closing", "balance", carried & closes, last=True)

    def _declare(self, declared: Facts, fact: str, role: str, where: pl.Expr, *, last: bool) -> None:
        """Take a fact from the cells of a column in some rows, where there are any."""
        if role not in self.header.roles:
            return
        found = self.frame.filter(where)[role].drop_nulls()
        if found.len():
            setattr(declared, fact, found[-1 if last else 0])

    def statement(self, declared: Facts) -> Statement:
        """The lines as columns of ``LINES``."""
        lines = self.frame.filter(pl.col("kind") == "line")
        lines = lines.with_columns(_row=pl.int_range(1, lines.height + 1, dtype=pl.Int64))
        self._refuse_unreadable(lines)
        lines, semantics = self._directed(lines, declared)
        has_balance = "balance" in self.header.roles
        is_reviewed = self.header.layout is not None
        if semantics != "explicit" and not has_balance and not is_reviewed:
            raise Refused("unknown_layout", f"{self.label}：方向以借贷表示而没有余额列，无法证明借贷的含义")
        currency = self._text(lines, "currency").fill_null(declared.currency or "CNY")
        codes = {text: words.currency(text) for text in currency.unique()}
        lines = lines.with_columns(account_no=self._account(lines, declared))
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
            facts=declared,
            semantics=semantics,
            is_reviewed=is_reviewed,
            is_edited=self.is_edited,
            has_balance=has_balance,
            notes=self.notes,
        )

    def _refuse_unreadable(self, lines: pl.DataFrame) -> None:
        """An amount that cannot be read refuses the file; a masked balance of an edited sample is told."""
        for role in (role for role in MONEY_ROLES if role in self.header.roles):
            bad = lines.filter(pl.col(f"bad_{role}"))["line"]
            if bad.len() and self.is_edited and role == "balance":
                self.notes.append(f"余额列有 {bad.len()} 行被遮盖")
            elif bad.len():
                word = shown(self.header.as_written[self.header.roles[role]])
                raise Refused("unreadable", f"{self.label}：第 {bad[0]} 行的“{word}”不是金额")

    def _directed(self, lines: pl.DataFrame, declared: Facts) -> tuple[pl.DataFrame, Semantics]:
        """Adds ``value``, ``side`` and ``balance``; tells what the direction rests on."""
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
            side = mark if mark is not None else self._party_side(lines, declared)
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
        return lines, semantics

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

    def _party_side(self, lines: pl.DataFrame, declared: Facts) -> pl.Series | None:
        """Direction from who pays whom, where the own account is known."""
        if "payer_account" not in self.header.roles or "payee_account" not in self.header.roles:
            return None
        payer, payee = (
            self._text(lines, role).str.replace_all(r"\s", "") for role in ("payer_account", "payee_account")
        )
        own = self._account(lines, declared)
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

    def _account(self, lines: pl.DataFrame, declared: Facts) -> pl.Series:
        own = self._text(lines, "own_account").str.replace_all(r"\s", "")
        whole = pl.lit(declared.account, pl.String)
        card = self._text(lines, "card").str.replace_all(r"\s", "")
        found = pl.select(pl.coalesce(own, whole, card)).to_series()
        if found.len() < lines.height:
            found = found.new_from_index(0, lines.height)
        lost = found.str.contains(LOST_DIGITS.pattern).fill_null(value=False)
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
        lost = account.str.contains(LOST_DIGITS.pattern).fill_null(value=False)
        if lost.any():
            self.notes.append(f"对方账号有 {int(lost.sum())} 行以数字格式保存，末尾数字已丢失，未采用")
            found["counterparty_account"] = pl.select(pl.when(~lost).then(account)).to_series()
        return found
