"""Any table of prices or of goods: which of its columns says what, and its rows as text.

Belongs here: names that people give to the columns of a price table, and reading such a table in the child
process. Does not belong here: what a price is compared with (``dbt_project``), and feeds with a contract
(``layouts``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from ingest import limits, rows, sheets, texts
from ingest.layouts import normal
from warehouse.errors import Refused
from warehouse.vocabulary import UNIT_FACTORS

# What a column says -> names that it goes by, the surest first.
NAMES: Final[dict[str, tuple[str, ...]]] = {
    "date": ("biz_date", "date", "日期", "业务日期", "采购日期", "进货日期", "订货日期", "验收日期", "交易日期",
             "销售日期", "发布日期", "day"),
    "item": ("item", "item_name", "ingredient", "ingredient_name", "product", "name", "品名", "食材", "食材名称",
             "商品名称", "单品名称", "菜名", "名称", "品种", "货品", "单品编码", "ingredient_id"),
    "spec": ("spec", "specification", "规格", "规格型号"),
    "unit": ("unit", "计量单位", "单位"),
    "price": ("price", "unit_price", "单价", "采购单价", "价格", "均价", "平均价", "批发价格", "avg_price"),
    "quantity": ("quantity", "qty", "数量", "验收数量", "采购数量", "accepted_qty", "销量"),
    "amount": ("amount", "amount_yuan", "金额", "总价", "小计", "采购金额"),
    "supplier": ("supplier", "supplier_name", "supplier_id", "supplier_uscc", "供应商", "供应商名称", "供货单位"),
    "buyer": ("canteen", "buyer", "canteen_name", "canteen_id", "食堂", "食堂名称", "学校", "学校名称", "采购单位",
              "收货单位"),
    "county": ("county", "county_name", "county_code", "县区", "区县", "县（市、区）", "地区"),
    "reference": ("reference", "reference_price", "参考价", "市场价", "指导价", "市场参考价"),
    "quotation": ("quotation", "quote", "quoted_price", "报价", "供应商报价"),
    "limit": ("limit", "limit_price", "限价", "最高限价", "中标价"),
}  # fmt: skip
REQUIRED: Final = ("date", "item", "price")
_SUFFIX: Final = re.compile(r"[（(\[](?P<inside>[^）)\]]*)[）)\]]$")
_PER: Final = re.compile(r"^元\s*[/每]\s*(?P<unit>.+)$")


@dataclass(frozen=True)
class PriceTable:
    """What a price table was found to be.

    Attributes:
        columns: Role -> column of the file.
        ignored: Columns that no role was found for.
        unit: Unit that the price's header names, as in ``单价（元/斤）``.
        rows: Data rows.
    """

    columns: dict[str, str]
    ignored: list[str]
    unit: str | None
    rows: int


def read(path: Path, target: Path, required: Sequence[str] = REQUIRED) -> dict[str, Any]:
    """Read a table and write its known columns as an Arrow file, with ``_row``, the 1-based data row.

    Args:
        path: A CSV, JSON lines or xlsx content with its column names in the first row.
        target: Where the Arrow file goes.
        required: Roles without any of which the table is refused.

    Returns:
        ``PriceTable`` as a dictionary.

    Raises:
        Refused: The content is not a table, or lacks a required column.
    """
    table = sheets.open_table(path) if sheets.is_workbook(path) else rows.open_table(texts.open_text(path))
    columns = recognise(table.header, required)
    taken = set(columns.values())
    frames = [
        frame.select(**{role: pl.col(name) for role, name in columns.items()}) for frame in table.frames
    ]
    if not frames:
        raise Refused("empty", "只有表头，没有数据行")
    whole = pl.concat(frames)
    if whole.height > limits.ROWS:
        raise Refused("too_large", f"超过 {limits.ROWS} 行")
    stripped = pl.all().str.strip_chars()
    whole = whole.with_columns(pl.when(stripped != "").then(stripped).name.keep()).with_row_index("_row", 1)
    whole.with_columns(pl.col("_row").cast(pl.Int64)).write_ipc(target, compression="lz4")
    found = PriceTable(
        columns=columns,
        ignored=[name for name in table.header if name not in taken],
        unit=_unit(columns.get("price", "")),
        rows=whole.height,
    )
    return asdict(found)


def recognise(header: list[str], required: Sequence[str] = REQUIRED) -> dict[str, str]:
    """The column of each role, by the surest of its names; a bracket after the name does not count.

    Raises:
        Refused: ``unknown_layout``: a required role has no column, or a name stands twice.
    """
    if len(set(header)) != len(header):
        raise Refused("unknown_layout", "表头中有重复的列名")
    bare: dict[str, str] = {}
    for name in header:
        bare.setdefault(_SUFFIX.sub("", normal(name)).strip().lower(), name)
    found: dict[str, str] = {}
    for role, names in NAMES.items():
        given = next((bare[normal(name).lower()] for name in names if normal(name).lower() in bare), None)
        if given is not None and given not in found.values():
            found[role] = given
    if "price" in required and "price" not in found and {"amount", "quantity"} <= found.keys():
        raise Refused("unknown_layout", "有金额和数量而没有单价列：请补上单价列（列名如 单价）")
    missing = [role for role in required if role not in found]
    if missing:
        wanted = "；".join(f"{role} 可写作 {'、'.join(NAMES[role][:6])}" for role in missing)
        raise Refused("unknown_layout", f"缺少必需的列：{wanted}")
    return found


def _unit(price_header: str) -> str | None:
    """The unit in a header such as ``单价（元/斤）``."""
    bracket = _SUFFIX.search(normal(price_header))
    per = _PER.match(bracket["inside"].strip()) if bracket else None
    unit = per["unit"].strip() if per else None
    return unit if unit in UNIT_FACTORS else None
