"""The four questions that an extraction asks, as parameterised SQL.

Belongs here: SQL text. Names come from a checked declaration and are quoted; values are parameters.
Does not belong here: what is done with the answers (``ingest.connectors.extraction``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from ingest.connectors.declaration import Extracted
from ingest.connectors.sessions import Session
from warehouse.errors import Permanent

_SHANGHAI: Final = dt.timezone(dt.timedelta(hours=8))
_MANY: Final = 500
_NOTHING: Final = "''"
_NOISE: Final = Decimal("0.000001")


class Unit(NamedTuple):
    """A canteen-day as the database writes it; a blank day or canteen is empty text."""

    day: str
    canteen: str


class Questions:
    """Questions about one declared table in one snapshot."""

    def __init__(self, session: Session, table: Extracted) -> None:
        self._session = session
        self._table = table
        name = session.name
        joins = [
            f"LEFT JOIN {name(one.table)} ON {name(one.left)} = {name(one.right)}" for one in table.joins
        ]
        self._source = " ".join([f"FROM {name(table.table)}", *joins])
        self._day = self._text(table.day, 10)
        self._canteen = self._text(table.canteen, 64)

    def newest(self) -> str | None:
        """The greatest value of the cursor, as text; ``None`` without cursor or rows."""
        cursor = self._table.cursor
        if cursor is None:
            return None
        sql = f"SELECT MAX({self._session.name(cursor.column)}) {self._source}"
        ((value,),) = self._session.rows(sql)
        return None if value is None else as_text(value)

    def changed(self, since: str) -> set[Unit]:
        """Canteen-days with a row, in force or not, whose cursor is at a value or beyond it."""
        cursor = self._table.cursor
        if cursor is None:
            return set()
        sql = (
            f"SELECT DISTINCT {self._day}, {self._canteen} {self._source} "
            f"WHERE {self._session.name(cursor.column)} >= {self._session.mark}"
        )
        value: object = int(since) if cursor.kind == "number" else since
        return {Unit(str(day), str(canteen)) for day, canteen in self._session.rows(sql, [value])}

    def summaries(self) -> dict[Unit, tuple[int, str]]:
        """Rows in force per canteen-day: how many, and a text that differs when sums do."""
        sums = "".join(f", SUM({self._session.name(name)})" for name in self._table.compare)
        where, values = self._where()
        sql = f"SELECT {self._day}, {self._canteen}, COUNT(*){sums} {self._source}{where} GROUP BY 1, 2"
        return {
            Unit(str(day), str(canteen)): (int(count), "|".join(map(as_text, (count, *rest))))
            for day, canteen, count, *rest in self._session.rows(sql, values)
        }

    def page(self, units: Sequence[Unit]) -> Iterator[tuple[Unit, list[str]]]:
        """The rows in force of some canteen-days, in order of the unit and the key, as texts.

        Args:
            units: Canteen-days; only their rows come out.
        """
        wanted = frozenset(units)
        days = sorted({unit.day for unit in units})
        canteens = sorted({unit.canteen for unit in units})
        where, values = self._where(
            self._span(days), self._among(self._day, days), self._among(self._canteen, canteens)
        )
        columns = ", ".join(self._session.name(column) for column in self._table.columns.values())
        order = ", ".join(self._session.name(column) for column in self._table.key)
        sql = f"SELECT {self._day}, {self._canteen}, {columns} {self._source}{where} ORDER BY 1, 2, {order}"
        for day, canteen, *cells in self._session.rows(sql, values):
            unit = Unit(str(day), str(canteen))
            if unit in wanted:
                yield unit, [as_text(cell) for cell in cells]

    def _text(self, column: str | None, length: int) -> str:
        """A column as text that is never null; dates and times begin with the ISO date."""
        return _NOTHING if column is None else self._session.text(column, length)

    def _where(self, *more: tuple[str, list[object]]) -> tuple[str, list[object]]:
        parts = [
            (f"{self._session.name(column)} = {self._session.mark}", [value])
            for column, value in self._table.live.items()
        ]
        parts += [one for one in more if one[0]]  # type: ignore[misc]
        if not parts:
            return "", []
        return " WHERE " + " AND ".join(sql for sql, _ in parts), [
            value for _, given in parts for value in given
        ]

    def _span(self, days: Sequence[str]) -> tuple[str, list[object]]:
        """The plain column between two days, so that an index serves; nothing where a day is no date."""
        try:
            first, last = (dt.date.fromisoformat(day) for day in (days[0], days[-1]))
        except ValueError:
            return "", []
        if self._table.day is None or any(len(day) != 10 for day in days):
            return "", []
        column, mark = self._session.name(self._table.day), self._session.mark
        return f"{column} >= {mark} AND {column} < {mark}", [str(first), str(last + dt.timedelta(days=1))]

    def _among(self, expression: str, values: Sequence[str]) -> tuple[str, list[object]]:
        if len(values) > _MANY or expression == _NOTHING:
            return "", []
        return f"{expression} IN ({', '.join([self._session.mark] * len(values))})", list(values)


def as_text(value: Any) -> str:
    """A cell as the landing file writes it.

    A binary floating number is rounded to a millionth, which removes its noise and nothing else.

    Raises:
        Permanent: The type has no text.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        return format(Decimal(repr(value)).quantize(_NOISE).normalize(), "f")
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.datetime):
        local = value if value.tzinfo is None else value.astimezone(_SHANGHAI)
        return local.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, bytes) and len(value) == 1:
        return str(value[0])  # a BIT column
    if isinstance(value, int | str | dt.date):
        return str(value)
    raise Permanent(f"数据库中有 {type(value).__name__} 类型的列，不能导出：请从登记文件中去掉这一列")


def earlier(value: str, kind: str, overlap: int) -> str:
    """A cursor's value some way back, written as it was.

    Raises:
        Permanent: The value is no time or number.
    """
    try:
        if kind == "number":
            return str(int(value) - overlap)
        moment = dt.datetime.fromisoformat(value).replace(tzinfo=None) - dt.timedelta(seconds=overlap)
    except ValueError as error:
        raise Permanent(
            f"游标列的值 {value!r} 不是{'整数' if kind == 'number' else '时间'}：请改用另一列作游标"
        ) from error
    return moment.isoformat(sep="T" if "T" in value else " ", timespec="seconds")
