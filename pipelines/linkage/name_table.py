"""``./canteen link``: names of a table to registered things, or to the rows of a second table.

Belongs here: reading the tables and the rows of the answer. Does not belong here: matching
(``pipelines.linkage.ingredients``). Nothing is kept; what a steward decides goes through ``./canteen decide``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import polars as pl

from pipelines import price_file
from pipelines.linkage import ingredients
from warehouse import delta
from warehouse.errors import Permanent
from warehouse.settings import Settings
from warehouse.tables import SILVER

_ROLES: Final = ("item",)


def link_ingredients(
    settings: Settings, left: Path, right: Path | None, progress: Callable[[str], None]
) -> pl.DataFrame:
    """Match each row of a table that names ingredients.

    Args:
        settings: The data home, whose ingredient library is taken where there is no ``right``.
        left: Table with a column of names; specification and unit are used where given.
        right: Table with a column of names and, where given, their base unit (else kg).
        progress: Told what is being done.

    Returns:
        A row for each row of ``left``: ``line`` (the header is line 1), ``item``, ``spec``, ``unit``,
        ``linked_id`` (an ingredient's id, or the line of ``right``), ``linked_name``, ``factor`` (base units
        in a unit of the row), ``method``, ``score``, ``state`` (``matched``, ``doubtful``: a proposal for a
        person, ``unmatched``) and ``reason``.

    Raises:
        Permanent: There is no such file, or no ingredient to link to.
        Refused: A file is no table with names.
    """
    names = _names(left)
    library = _registered(settings) if right is None else _library(_names(right))
    if library.is_empty():
        raise Permanent("没有可对照的食材：请用第二个文件给出名单，或先运行 ./canteen nightly 收入食材库")
    progress(f"{names.height} 行对照 {library.height} 种食材")
    named = names.filter(pl.col("item").is_not_null())
    items = named.select(item_name="item", spec="spec", unit="unit", read_as="item").unique()
    found = ingredients.match(items, library).join(
        library.select("ingredient_id", linked_name="ingredient_name"), on="ingredient_id", how="left"
    )
    return (
        names.join(
            found, left_on=["item", "spec", "unit"], right_on=["item_name", "spec", "unit"], how="left"
        )
        .select(
            "line",
            "item",
            "spec",
            "unit",
            linked_id="ingredient_id",
            linked_name="linked_name",
            factor="factor",
            method="method",
            score="score",
            state=pl.col("state").fill_null("unmatched"),
            reason=pl.col("reason").fill_null("品名为空"),
        )
        .sort("line")
    )


def _names(file: Path) -> pl.DataFrame:
    """line, item, spec and unit of each row; blank as ``""``, a missing name as null."""
    with tempfile.TemporaryDirectory(prefix="canteen-link-") as folder:
        _, rows = price_file.read_table(file, Path(folder), _ROLES)
    blank = [pl.lit("").alias(name) for name in ("spec", "unit") if name not in rows.columns]
    return rows.with_columns(blank).select(
        "item", pl.col("spec", "unit").fill_null(""), line=pl.col("_row") + 1
    )


def _library(names: pl.DataFrame) -> pl.DataFrame:
    unit = pl.when(pl.col("unit") == "").then(pl.lit("kg")).otherwise(price_file.base_unit(pl.col("unit")))
    return names.filter(pl.col("item").is_not_null()).select(
        ingredient_id=pl.col("line").cast(pl.String), ingredient_name="item", base_unit=unit
    )


def _registered(settings: Settings) -> pl.DataFrame:
    return delta.read(settings.table("silver.ingredient"), SILVER["ingredient"]).select(
        "ingredient_id", "ingredient_name", "base_unit"
    )


def answer(found: pl.DataFrame, out: Path) -> dict[str, Any]:
    """The object that ``--json`` prints."""
    by_state = dict(found.group_by("state").len().iter_rows())
    return {
        "out": str(out),
        "rows": found.height,
        **{state: by_state.get(state, 0) for state in ("matched", "doubtful", "unmatched")},
    }
