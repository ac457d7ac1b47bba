"""How a provider's database is declared in its YAML file.

Belongs here: the declaration and its checks. It holds no address and no password: ``connection`` names
the environment variable that does. Names of tables and columns are checked here, because SQL cannot
take them as parameters.
"""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

EXTRACTED_AT: Final = "_extracted_at"
"""Column that every extracted file ends in: when its rows were read. The layout must take it for
``reported_at``, because a row that was deleted leaves no newer time behind."""
_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]{0,63}"


def _qualified(text: str) -> str:
    if not re.fullmatch(rf"{_NAME}\.{_NAME}", text):
        raise ValueError(f"{text!r} is not table.column")
    return text


Table = Annotated[str, Field(pattern=rf"^{_NAME}$")]
Qualified = Annotated[str, AfterValidator(_qualified)]


class Join(BaseModel):
    """A table that adds columns; a row without a partner stays, with blanks.

    Attributes:
        table: The table that is joined.
        left: Column of a table named before.
        right: Column of the joined table that equals it; unique there.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: Table
    left: Qualified
    right: Qualified


class Cursor(BaseModel):
    """What tells that a row is new or changed.

    Attributes:
        column: Time of the last change, or a number that only grows.
        kind: ``time`` or ``number``.
        overlap: Seconds, or numbers, that are read again for commits that came late.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    column: Qualified
    kind: Literal["time", "number"]
    overlap: int = Field(ge=0)


class Extracted(BaseModel):
    """A table, or a join, that is written as files of one layout.

    Attributes:
        layout: Layout of the provider's source; its columns are those of ``columns`` and ``_extracted_at``.
        table: The table whose rows these are.
        joins: Tables that add columns.
        live: Columns with the value that a row in force has (soft deletes).
        columns: Column of the layout -> column of the database.
        key: Columns that name a row; they order it.
        canteen: Column that names the canteen; none where the database is that of one canteen.
        day: Column of the business date; none for a list that is always read whole.
        cursor: What tells new and changed rows; without it, counts and sums alone do.
        compare: Columns whose sums per canteen-day tell a change that the cursor does not.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    layout: str
    table: Table
    joins: list[Join] = []
    live: dict[Qualified, str] = {}
    columns: dict[str, Qualified] = Field(min_length=1)
    key: list[Qualified] = Field(min_length=1)
    canteen: Qualified | None = None
    day: Qualified | None = None
    cursor: Cursor | None = None
    compare: list[Qualified] = []

    @model_validator(mode="after")
    def _consistent(self) -> Extracted:
        tables = [self.table]
        for join in self.joins:
            if join.left.split(".")[0] not in tables or join.right.split(".")[0] != join.table:
                raise ValueError(
                    f"{self.layout}: join {join.table} from a table named before, on its own column"
                )
            tables.append(join.table)
        if len(set(tables)) != len(tables):
            raise ValueError(f"{self.layout}: a table stands twice")
        named = [*self.live, *self.columns.values(), *self.key, *self.compare]
        named += [name for name in (self.canteen, self.day) if name is not None]
        named += [self.cursor.column] if self.cursor is not None else []
        unknown = {name for name in named if name.split(".")[0] not in tables}
        if unknown:
            raise ValueError(f"{self.layout}: {sorted(unknown)} are of no table named here")
        for name in (self.canteen, self.day):
            if name is not None and name not in self.columns.values():
                raise ValueError(f"{self.layout}: {name} must be one of the columns")
        return self


class Database(BaseModel):
    """A provider's database.

    Attributes:
        kind: Which connector.
        connection: Environment variable that holds the address, e.g.
            ``mysql://user:password@host:3306/name``, ``postgresql://...`` or ``sqlite:////path``; or, with
            ``_FILE`` behind its name, the path of a file that holds it.
        page_rows: About how many rows one file holds.
        tables: What is extracted.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["mariadb", "postgresql", "sqlite"]
    connection: str = Field(pattern=r"^[A-Z][A-Z0-9_]*$")
    page_rows: int = Field(default=5_000, ge=1, le=100_000)
    tables: list[Extracted] = Field(min_length=1)
