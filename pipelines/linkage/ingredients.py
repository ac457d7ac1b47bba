"""Item names to ingredients of the city's library: good enough to price, never a different food.

Belongs here: the steps of matching (name, alias, qualifiers, similarity) and what forbids a match.
Does not belong here: units (``pipelines.linkage.units``), aliases (seed ``ref_ingredient_alias``) and
where names come from (``pipelines.prices.references``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from pipelines.linkage import units
from warehouse.settings import ROOT
from warehouse.tables import SILVER

ALIASES: Final = ROOT / "dbt_project" / "seeds" / "ref_ingredient_alias.csv"
MATCHED: Final = 0.93
"""Least similarity of characters that is a match by itself."""
DOUBTFUL: Final = 0.6
"""Least similarity worth a steward's look."""
_MARGIN: Final = 0.05

_UNIT_TAIL: Final = r"[/(](?:个|只|盘|份|袋|盒|包|条|把|朵|箱|瓶|桶|枚)\)?$"
_NUMBERED: Final = r"\(\d+\)"
_PACKED: Final = r"\d+(?:\.\d+)?(?:kg|千克|公斤|g|克|斤|两|l|升|ml|毫升)(?:[*×x]\d+)?(?:/\S)?$"
_BRACKETS: Final = r"\(([^()]*)\)?"
_PLACES: Final = "本地|外地|国产|进口|云南|湖南|湖北|山东|河北|河南|四川|广东|广西|海南|新疆|内蒙古?|东北|江西|江苏|浙江|福建|北京|岳阳"
_GRADES: Final = (
    "特级|特等|一级|二级|三级|优质|精品|精选|精装|普通|上等|有机|绿色|新鲜|鲜活|冰鲜|散装|袋装|盒装|箱装|瓶装|桶装|"
    "大棚|露地|高山|红皮|黄皮|紫皮|白皮|精|鲜|净|新|活|散"
)
_QUALIFIERS: Final = rf"^(?:{_PLACES}|{_GRADES})+"
_FROZEN: Final = r"冷冻|速冻|冻"
_ANIMALS: Final = "猪牛羊鸡鸭鹅鱼虾蟹兔鸽驴狗鹌"
_STATES: Final = "干腊咸酸熟泡卤粉油酱汁苗叶籽糕饼丸肠肝肚皮骨蛋奶"
"""Letters that make another product of a name: dry, cured, pickled, a part of the animal, what it is made into."""
_VAGUE: Final = {
    "白菜": "大白菜",
    "萝卜": "白萝卜",
    "猪肉": "猪前腿肉",
    "排骨": "猪排骨",
    "豆腐": "老豆腐",
    "油菜": "上海青",
}
"""Names that stand for several things: a steward decides, the likeliest is proposed."""


def match(items: pl.DataFrame, library: pl.DataFrame, aliases: Path = ALIASES) -> pl.DataFrame:
    """Match distinct items with the library.

    Args:
        items: ``item_name``, ``spec``, ``unit`` (never null, blank as ``""``) and ``read_as``: the name
            that a provider's own number stands for, else the item name.
        library: ``ingredient_id``, ``ingredient_name``, ``base_unit``.
        aliases: CSV of ``alias``, ``ingredient_name``.

    Returns:
        Columns of ``silver.match_ingredient``. ``state`` is ``matched`` (id and factor certain),
        ``doubtful`` (a proposal for a steward) or ``unmatched``.
    """
    schema = SILVER["match_ingredient"]
    if items.is_empty() or library.is_empty():
        return items.with_columns(
            ingredient_id=None, factor=None, method=pl.lit("none"), score=0.0, state=pl.lit("unmatched"),
            reason=pl.lit("食材库为空"),
        ).select(pl.col(name).cast(dtype) for name, dtype in schema.items())  # fmt: skip
    known = library.group_by("ingredient_name").agg(
        pl.col("ingredient_id", "base_unit").sort_by("ingredient_id").first()
    )
    known = known.with_columns(clean=_clean("ingredient_name")).sort("ingredient_name")
    named = items.select("read_as").unique().with_columns(clean=_clean("read_as"))
    found = _by_name(named, known, pl.read_csv(aliases))
    rest = named.join(found, on="read_as", how="anti")
    chosen = pl.concat([found, _by_similarity(rest, known)])
    return (
        _with_factors(items.join(chosen, on="read_as", how="left"), known)
        .select(pl.col(name).cast(dtype) for name, dtype in schema.items())
        .sort("item_name", "spec", "unit")
    )


def _clean(column: str) -> pl.Expr:
    """A name in half-width signs without blanks, unit, running number and pack size at its end."""
    text = pl.col(column).str.normalize("NFKC").str.replace_all(r"[\s\ufeff]+", "")
    for noise in (_NUMBERED, _UNIT_TAIL, _PACKED):
        text = text.str.replace_all(noise, "")
    return text


def _bare(clean: pl.Expr) -> pl.Expr:
    """Without brackets and qualifiers; a name that is nothing but qualifiers stays."""
    unbracketed = clean.str.replace_all(_BRACKETS, "").str.replace_all(_FROZEN, "")
    bare = unbracketed.str.replace(_QUALIFIERS, "")
    return pl.when(bare.str.len_chars() > 0).then(bare).otherwise(clean)


def _by_name(named: pl.DataFrame, known: pl.DataFrame, aliases: pl.DataFrame) -> pl.DataFrame:
    """Equal names, aliases, and both again without qualifiers; the first step that hits decides."""
    targets = known.select("ingredient_name", key="clean")
    also = aliases.join(known, on="ingredient_name").select("ingredient_name", key="alias")
    vague = pl.DataFrame({"key": list(_VAGUE), "ingredient_name": list(_VAGUE.values())}).join(
        known.select("ingredient_name"), on="ingredient_name"
    )
    bare = named.with_columns(clean=_bare(pl.col("clean")))
    steps = (
        (named, targets, "name", 1.0),
        (named, also, "alias", 0.98),
        (bare, targets, "qualifier", 0.95),
        (bare, also, "qualifier", 0.94),
        (bare, vague.select("ingredient_name", "key"), "vague", 0.7),
    )
    hits = [
        names.join(keys.unique("key", keep="first"), left_on="clean", right_on="key").select(
            "read_as", "ingredient_name", method=pl.lit(method), score=pl.lit(score), order=pl.lit(order)
        )
        for order, (names, keys, method, score) in enumerate(steps)
    ]
    first = pl.concat(hits).sort("order").unique("read_as", keep="first", maintain_order=True)
    return first.select("read_as", "ingredient_name", "method", "score")


def _by_similarity(named: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """The most similar name by characters, if no other is as near and nothing forbids it."""
    from rapidfuzz import fuzz, process

    schema = {"read_as": pl.String, "ingredient_name": pl.String, "method": pl.String, "score": pl.Float64}
    if named.is_empty():
        return pl.DataFrame(schema=schema)
    bare = named.with_columns(clean=_bare(pl.col("clean")))
    ratios = process.cdist(bare["clean"].to_list(), known["clean"].to_list(), scorer=fuzz.ratio) / 100
    ratios = np.where(_forbidden(bare["clean"], known["clean"]), 0, ratios)
    order = np.argsort(-ratios, axis=1, kind="stable")[:, :2]
    rows = np.arange(len(ratios))
    best = ratios[rows, order[:, 0]]
    second = ratios[rows, order[:, -1]] if ratios.shape[1] > 1 else np.zeros(len(ratios))
    clear = best - second >= _MARGIN
    return bare.select("read_as").with_columns(
        ingredient_name=pl.Series(known["ingredient_name"].to_numpy()[order[:, 0]]),
        method=pl.lit("similar"),
        score=pl.Series(np.where(clear, best, np.minimum(best, MATCHED - 0.01)).round(4)),
    ).with_columns(
        pl.when(pl.col("score") >= DOUBTFUL).then("ingredient_name").alias("ingredient_name"),
        method=pl.when(pl.col("score") >= DOUBTFUL).then("method").otherwise(pl.lit("none")),
    ).cast(schema)  # fmt: skip


def _forbidden(left: pl.Series, right: pl.Series) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Pairs of names that differ in the animal or in what was made of it."""
    forbidden = np.zeros((left.len(), right.len()), np.bool_)
    for letter in _ANIMALS + _STATES:
        has = (side.str.contains(letter, literal=True).to_numpy() for side in (left, right))
        one, other = has
        forbidden |= one[:, None] != other[None, :]
    return forbidden


def _with_factors(chosen: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Id, factor and state of each item; a factor that is not certain makes the match doubtful."""
    rows = chosen.join(known.drop("clean"), on="ingredient_name", how="left", maintain_order="left")
    distinct = (
        rows.filter(pl.col("ingredient_id").is_not_null())
        .select("unit", "spec", "item_name", "base_unit")
        .unique()
    )
    told = [units.factor(*row) for row in distinct.iter_rows()]  # a few hundred distinct specifications
    factors = distinct.with_columns(
        factor=pl.Series([one.value for one in told], dtype=pl.Decimal(18, 6)),
        unit_why=pl.Series([one.why for one in told], dtype=pl.String),
    )
    rows = rows.join(
        factors, on=["unit", "spec", "item_name", "base_unit"], how="left", maintain_order="left"
    )
    frozen = pl.col("read_as").str.contains(_FROZEN) != pl.col("ingredient_name").str.contains(_FROZEN)
    why = (
        pl.when(pl.col("ingredient_id").is_null())
        .then(pl.lit("食材库中没有相近的名称"))
        .when(pl.col("method") == "vague")
        .then(pl.lit("名称可指多种食材"))
        .when(frozen)
        .then(pl.lit("冻品与鲜品价格不同"))
        .when((pl.col("method") == "similar") & (pl.col("score") < MATCHED))
        .then(pl.lit("名称只是相近"))
        .otherwise(pl.col("unit_why"))
    )
    return rows.with_columns(reason=why).with_columns(
        state=pl.when(pl.col("ingredient_id").is_null())
        .then(pl.lit("unmatched"))
        .when((pl.col("reason") == "") & pl.col("factor").is_not_null())
        .then(pl.lit("matched"))
        .otherwise(pl.lit("doubtful"))
    )
