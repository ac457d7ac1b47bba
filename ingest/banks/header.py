"""The header of a bank's table: finding it by its words and giving each column its role.

Belongs here: one or two header rows, what is missing and what is ambiguous. Does not belong here: the
dictionary (``words``) and the rows below (``tables``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from ingest.banks import words
from ingest.banks.words import JOINED, OTHER, UNKNOWN_MONEY, Layout

MONEY_ROLES: Final = ("amount_in", "credit", "amount_out", "debit", "amount", "balance")
DAY_ROLES: Final = ("date", "time", "value_date")
_ROWS: Final = 200
"""How far down the header is looked for."""


@dataclass
class Header:
    """A header row, or two, as roles of columns.

    Attributes:
        row: Its first row, 0-based.
        rows: How many rows it takes.
        words: Header words as read, normalised.
        as_written: Header words as they stand.
        roles: Role -> column.
        joined: Role -> columns whose texts are joined.
        layout: The reviewed layout.
        problems: Why it cannot be read: what is missing or ambiguous.
    """

    row: int
    rows: int
    words: list[str]
    as_written: list[str]
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


def find(rows: Sequence[Sequence[str]]) -> Header | None:
    """The header of a table, complete or as near to one as there is; ``None`` where nothing resembles one."""
    best: Header | None = None
    for place in range(min(len(rows), _ROWS)):
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
    return any(role is not None and role[0] in MONEY_ROLES for role in roles)


def _header(rows: Sequence[Sequence[str]], place: int, height: int) -> Header:
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
    found = Header(place, height, normal, shown, words.layout_of(normal))
    _assign(found)
    _complete(found)
    return found


def _assign(header: Header) -> None:
    """Give each role its column."""
    given = {} if header.layout is None else {words.normal(k): v for k, v in header.layout.roles.items()}
    ranks: dict[str, int] = {}
    clashing: dict[str, list[int]] = {}
    for place, word in enumerate(header.words):
        role, rank = (given[word], -1) if word in given else (words.role_of(word) or (OTHER, 0))
        if role == OTHER:
            continue
        if role == UNKNOWN_MONEY:
            header.problems.append(f"金额列“{shown(header.as_written[place])}”含义不明")
        elif role in JOINED:
            header.joined.setdefault(role, []).append(place)
        elif role not in ranks or rank < ranks[role]:
            header.roles[role], ranks[role] = place, rank
            clashing.pop(role, None)
        elif rank == ranks[role]:
            clashing.setdefault(role, [header.roles[role]]).append(place)
    header.problems += [
        f"“{'”“'.join(shown(header.as_written[place]) for place in places)}”含义相同，无法确定用哪一列"
        for places in clashing.values()
    ]


def _complete(header: Header) -> None:
    """Note what is missing."""
    if header.column(*DAY_ROLES) is None:
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


def shown(word: str) -> str:
    """A header word for a message: short and without digits, because it may be data."""
    return re.sub(r"\d", "#", re.sub(r"\s", "", word)[:20])
