"""``./canteen prices FILE``: the price tests of the night over any table of prices.

Belongs here: making a file's rows the relations that the price models read, in a scratch build, and naming the
tests that its columns do not allow. Does not belong here: any test (``dbt_project``: ``int_price_peer`` and what
follows it).
"""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb
import polars as pl

from ingest import archives
from ingest.price_table import REQUIRED, PriceTable
from ingest.worker import Worker
from pipelines.gold import build
from warehouse import settings
from warehouse.errors import Permanent, Refused
from warehouse.vocabulary import CITY_DIVISION, PRICE_TESTS, REFUSALS, UNIT_FACTORS

# The models behind int_price_line, with the thresholds that they read.
_MODELS: Final = ("ref_threshold", "int_threshold", "int_price_peer", "int_price_supplier", "price_finding")
# Test -> columns without any of which it cannot say anything.
_NEEDS: Final = {
    "over_limit": ("limit",),
    "over_quotation": ("quotation",),
    "no_quotation": ("quotation",),
    "reference": ("reference",),
    "supplier": ("supplier",),
    "supplier_rise": ("supplier",),
}
_NAMES: Final = {
    "limit": "限价",
    "quotation": "报价",
    "reference": "参考价",
    "supplier": "供应商",
    "quantity": "数量",
    "buyer": "食堂",
}
_DAYS: Final = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日")
_NUMBER: Final = r"^\d{1,9}(\.\d{1,6})?0*$"
_SHOWN: Final = 20


@dataclass(frozen=True)
class Findings:
    """What was found in a table.

    Attributes:
        frame: One row per finding.
        table: The columns that were recognised, and those that were not.
        tested: Rows with a day, an item and a price above zero.
        unread: Line numbers of the other rows.
        not_run: (test, why) of each test that the table does not allow.
    """

    frame: pl.DataFrame
    table: PriceTable
    tested: int
    unread: list[int]
    not_run: list[tuple[str, str]]


def find(file: Path, progress: Callable[[str], None]) -> Findings:
    """Run every price test that a table allows.

    Args:
        file: CSV, JSON lines or xlsx (gz or zip with one file too), column names in the first row.
        progress: Told what is being done.

    Raises:
        Permanent: There is no such file, or no row has a day, an item and a price.
        Refused: It is not a table of prices.
    """
    with tempfile.TemporaryDirectory(prefix="canteen-prices-") as folder:
        root = Path(folder)
        progress(f"读取 {file.name}")
        table, rows = read_table(file, root)
        lines = _lines(rows, table)
        good = lines.filter(_readable())
        unread = lines.filter(~_readable())["line_no"].to_list()
        if good.is_empty():
            raise Permanent(
                f"{file.name}：{table.rows} 行中没有一行同时有可读的日期、品名和大于零的单价；"
                "日期写作 2026-09-01，单价只写数字"
            )
        progress(f"{good.height} 行参加检验，{len(unread)} 行无法读取")
        home = settings.load(root / "home")
        _premake(home.build, _relation(good, table))
        progress("运行价格模型")
        window = {"from_date": str(good["date"].min()), "to_date": str(good["date"].max())}
        pins = root / "pins.json"
        pins.write_text("{}", "utf8")
        build.run(
            home,
            [
                "build",
                "--select",
                *_MODELS,
                "--exclude-resource-type",
                "unit_test",
                "test",
                "--vars",
                json.dumps(window),
            ],
            build=home.build,
            pins=pins,
            target="night",
        )
        with duckdb.connect(str(home.build), read_only=True) as connection:
            found = connection.execute("select * from gold.price_finding").pl()
    progress(f"{found.height} 条线索")
    return Findings(_shown(found), table, good.height, unread, _not_run(table))


def read_table(file: Path, root: Path, required: Sequence[str] = REQUIRED) -> tuple[PriceTable, pl.DataFrame]:
    """The known columns of a file, read in the child process.

    Args:
        file: CSV, JSON lines or xlsx (gz or zip with one file too), column names in the first row.
        root: Empty folder to work in.
        required: Roles (``ingest.price_table``) without any of which the file is refused.

    Raises:
        Permanent: There is no such file.
        Refused: It is not such a table.
    """
    if not file.is_file():
        raise Permanent(f"{file} 不是文件，请核对路径")
    copy, target = root / "original", root / "table.arrow"
    shutil.copyfile(file, copy)
    # Nothing is kept, so the pseudonyms may be of any key.
    with Worker(secrets.token_bytes(32)) as worker:
        try:
            with copy.open("rb") as opened:
                container = archives.container_of(opened.read(16))
            content = copy
            if container != "plain":
                unpacked = root / "contents"
                unpacked.mkdir()
                contents = worker.unpack(copy, container, unpacked)
                if len(contents) != 1:
                    raise Refused("unknown_layout", f"压缩包内有 {len(contents)} 个文件，请每次只给一张表")
                content = Path(contents[0].path)
            table = worker.price_table(content, target, required)
        except Refused as refused:
            raise Refused(refused.code, f"{file.name}：{REFUSALS[refused.code]}：{refused}") from refused
    return table, pl.read_ipc(target)


def _lines(rows: pl.DataFrame, table: PriceTable) -> pl.DataFrame:
    """Typed rows; what cannot be read is null. ``line_no`` counts the header as line 1."""
    for role in (
        "spec",
        "unit",
        "quantity",
        "supplier",
        "buyer",
        "county",
        "reference",
        "quotation",
        "limit",
    ):
        if role not in rows.columns:
            rows = rows.with_columns(pl.lit(None, pl.String).alias(role))
    day = pl.coalesce(
        pl.col("date").str.split(" ").list.first().str.split("T").list.first().str.to_date(form, strict=False)
        for form in _DAYS
    )
    unit = pl.col("unit").fill_null(table.unit or "")
    return rows.select(
        line_no=pl.col("_row") + 1,
        date=day,
        item="item",
        spec=pl.col("spec").fill_null(""),
        unit=unit,
        factor=unit.replace_strict(UNIT_FACTORS, default=1, return_dtype=pl.Decimal(18, 6)),
        base_unit=base_unit(unit),
        **{name: _number(name) for name in ("price", "quantity", "reference", "quotation", "limit")},
        supplier="supplier",
        buyer=pl.col("buyer").fill_null(""),
        county=pl.col("county").fill_null(""),
    )


def _number(column: str) -> pl.Expr:
    """A number as people write it (``￥1,234.50``), null where it is none."""
    text = pl.col(column).str.replace_all(r"[,，￥¥\s]|元$", "")
    return pl.when(text.str.contains(_NUMBER)).then(text).cast(pl.Decimal(18, 6))


def base_unit(unit: pl.Expr) -> pl.Expr:
    """The unit that prices of an item are compared in; a unit that we do not know stands for itself."""
    litres = unit.is_in(["L", "升", "ml", "毫升"])
    counted = unit.is_in(["件", "个", "枚"]) | ~unit.is_in(list(UNIT_FACTORS))
    return pl.when(litres).then(pl.lit("L")).when(counted).then(unit).otherwise(pl.lit("kg"))


def _readable() -> pl.Expr:
    good = pl.col("date").is_not_null() & pl.col("item").is_not_null() & (pl.col("price") > 0)
    return good.fill_null(value=False)


def _relation(lines: pl.DataFrame, table: PriceTable) -> pl.DataFrame:
    """The rows as ``int_price_line``; without buyers or suppliers every row is a peer of its own."""
    peer = next((role for role in ("buyer", "supplier") if role in table.columns), "record_no")
    # Where most of a supplier's rows have a quotation, a row without one is missing it.
    quotes = pl.col("quotation").is_not_null().mean().over("supplier") >= 0.5
    return lines.with_columns(record_no=pl.col("line_no").cast(pl.String)).select(
        "record_no",
        "supplier" if "supplier" in table.columns else pl.lit(None, pl.String).alias("supplier"),
        "item",
        "spec",
        "date",
        "unit",
        "base_unit",
        "factor",
        "price",
        "quantity",
        "buyer",
        "county",
        "reference",
        "quotation",
        price_limit="limit",
        units_per_base=pl.col("unit").replace_strict(
            {unit: 1 / factor for unit, factor in UNIT_FACTORS.items()},
            default=1,
            return_dtype=pl.Decimal(18, 6),
        ),
        peer=pl.col(peer).fill_null(pl.col("record_no")),
        quotes_here=quotes,
    )


def _premake(file: Path, rows: pl.DataFrame) -> None:
    """The relations that the models behind ``int_price_line`` read."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(file)) as connection:
        connection.register("rows", rows.to_arrow())
        connection.execute("create schema intermediate; create schema gold")
        connection.execute(
            """
            create table intermediate.int_price_line as
            select
                'file' as source_provider, record_no, buyer as canteen_id, peer as peer_id,
                cast(null as varchar) as account_kind, supplier as supplier_id,
                item || case base_unit when 'kg' then '' else '|' || base_unit end as ingredient_id,
                item as ingredient_name, 'other_food' as category,
                case base_unit when '' then '单位' else base_unit end as base_unit, spec, date as biz_date,
                cast(null as varchar) as order_no, unit, price as unit_price,
                cast(price * units_per_base as decimal(18, 6)) as price_yuan,
                cast(quantity * factor as decimal(18, 3)) as qty_kg,
                county as county_code, county as county_name, 'file' as city_code, '本表' as city_name,
                'file' as threshold_scope,
                cast(quotation * units_per_base as decimal(18, 6)) as quote_yuan,
                cast(null as varchar) as quotation_no, date as quoted_from, quotes_here,
                cast(price_limit * units_per_base as decimal(18, 6)) as limit_yuan, 'limit' as limit_basis,
                'D' as limit_confidence, cast(null as decimal(18, 6)) as wholesale_yuan,
                cast(null as decimal(18, 6)) as retail_yuan,
                cast(reference * units_per_base as decimal(18, 6)) as reference_yuan, 'D' as reference_confidence,
                false as is_unit_slip
            from rows
            """
        )
        connection.execute(
            "create table gold.dim_canteen as select 'file' as threshold_scope, cast(? as varchar) as county_code, "
            "cast(null as varchar) as operating_mode, cast(null as varchar) as stage, cast(null as boolean) as subsidised",
            [CITY_DIVISION],
        )


def _shown(found: pl.DataFrame) -> pl.DataFrame:
    """Findings as a person reads them, the most money first."""
    return found.select(
        "kind",
        "test",
        "tests",
        date_from="period_start",
        date_to="period_end",
        item=pl.col("ingredient_id").str.split("|").list.first(),
        spec="spec",
        supplier="supplier_id",
        buyer=pl.when(pl.col("canteen_id") != "").then("canteen_id"),
        county=pl.when(pl.col("county_code") != "").then("county_code"),
        price="price_yuan",
        expected_price="expected_yuan",
        excess_yuan="excess_yuan",
        excess_pct="excess_pct",
        robust_z="robust_z",
        line_count="line_count",
        lines="record_nos",
        confidence="confidence",
        basis="basis",
        text_zh="text_zh",
    ).sort(
        "excess_yuan", "date_from", "item", "lines", descending=[True, False, False, False], nulls_last=True
    )


def _not_run(table: PriceTable) -> list[tuple[str, str]]:
    """Tests that the table's columns do not allow, and why."""
    out = []
    for test, columns in _NEEDS.items():
        missing = [column for column in columns if column not in table.columns]
        if missing:
            out.append(
                (test, f"{PRICE_TESTS[test]}：缺少{'、'.join(_NAMES[column] for column in missing)}列")
            )
    if "quantity" not in table.columns:
        out.append(("excess_yuan", "多付金额：缺少数量列"))
    return out


def answer(found: Findings, out: Path) -> dict[str, Any]:
    """The object that ``--json`` prints."""
    by_test = found.frame.group_by("test").len().sort("test")
    return {
        "out": str(out),
        "rows": found.table.rows,
        "tested": found.tested,
        "unread": len(found.unread),
        "unread_lines": found.unread[:_SHOWN],
        "columns": found.table.columns,
        "ignored": found.table.ignored,
        "not_run": [{"test": test, "why": why} for test, why in found.not_run],
        "findings": found.frame.height,
        "by_test": dict(by_test.iter_rows()),
    }
