"""A small silver lake and dbt in process, for tests of the models.

Belongs here: building silver rows with sensible defaults, writing them as Parquet with the pins that
``warehouse.dbt_plugin`` reads, and running dbt over them. Does not belong here: any reckoning.
"""

from __future__ import annotations

import datetime as dt
import functools
import gc
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.gold.brisk import as_parsed, brisk
from warehouse import tables

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
REPORTED = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
DEFAULTS: dict[str, dict[str, Any]] = {
    "org": {"subsidised": False, "valid_from": dt.date(2020, 1, 1)},
    "calendar": {"is_open": True, "term_id": "2026A"},
    "purchase": {"account_kind": "pupil", "supplier_uscc": "91430600MA4L0000X0", "unit": "kg"},
    "stock_move": {"account_kind": "pupil", "move_kind": "issue", "unit": "kg", "purpose": "pupil_meal"},
    "stocktake": {"account_kind": "pupil", "unit": "kg"},
    "consumption": {
        "payer_kind": "pupil",
        "meal": "lunch",
        "person_hash": "p",
        "channel": "card",
        "portions": 1,
        "subsidy_yuan": 0,
    },
    "refund": {"payer_kind": "pupil", "person_hash": "p", "refund_kind": "meal"},
    "disclosure_line": {"operating_mode": "self", "ytd_yuan": 0},
    "price_reference": {
        "source_code": "bulletin",
        "price_kind": "wholesale",
        "place": "岳阳",
        "unit": "kg",
        "confidence": "A",
    },
    "delivery": {"state": "current", "rows_accepted": 1, "rows_quarantined": 0, "rows_duplicate": 0},
    "quarantine": {"state": "open"},
    "provider": {"label": "县平台", "is_duty": True},
    "expectation_result": {"success": True},
}


class Lake:
    """Silver rows in memory.

    Attributes:
        rows: Table name to its rows; change it freely between two ``pins`` calls.
    """

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {name: [] for name in tables.SILVER}
        self._count = 0

    def add(self, table: str, **values: Any) -> dict[str, Any]:
        """Add one row; columns not given take a default or null."""
        self._count += 1
        row = {
            "record_no": f"R{self._count:06d}",
            "reported_at": REPORTED,
            "_provider": values.get("provider", "county"),
            "_file": "f",
            "_row": self._count,
            "_arrival_date": values.get("biz_date", REPORTED.date()),
            **DEFAULTS.get(table, {}),
            **values,
        }
        columns = tables.SILVER[table]
        if unknown := set(values) - set(columns):
            raise KeyError(f"{table} has no columns {sorted(unknown)}")
        if "biz_month" in columns:
            row["biz_month"] = f"{row['biz_date']:%Y-%m}" if row.get("biz_date") else tables.UNDATED
        self.rows[table].append({name: row.get(name) for name in columns})
        return row

    def canteen(
        self,
        canteen_id: str = "C1",
        *,
        mode: str | None = "self",
        valid_from: dt.date = dt.date(2026, 1, 1),
        county: str = "430602",
        **values: Any,
    ) -> None:
        """Register a canteen with a school of its own, its county and the city."""
        if not any(row["org_id"] == "CITY" for row in self.rows["org"]):
            self.add("org", org_id="CITY", org_kind="city", org_name="岳阳市", division_code="430600")
        if not any(row["org_id"] == county for row in self.rows["org"]):
            self.add(
                "org",
                org_id=county,
                parent_id="CITY",
                org_kind="county",
                org_name=county,
                division_code=county,
            )
        school = f"S-{canteen_id}"
        self.add(
            "org",
            org_id=school,
            parent_id=county,
            org_kind="school",
            org_name=f"学校{canteen_id}",
            division_code=county,
            stage="primary",
        )
        self.add(
            "org",
            org_id=canteen_id,
            parent_id=school,
            org_kind="canteen",
            org_name=f"食堂{canteen_id}",
            division_code=county,
            operating_mode=mode,
            valid_from=valid_from,
            **values,
        )

    def ingredient(self, ingredient_id: str, category: str = "vegetables", base_unit: str = "kg") -> None:
        """Add an ingredient of the city's library."""
        self.add(
            "ingredient",
            ingredient_id=ingredient_id,
            ingredient_name=ingredient_id,
            category=category,
            base_unit=base_unit,
        )

    def buy(
        self, canteen_id: str, day: dt.date, ingredient_id: str, qty: Any, price: Any, **values: Any
    ) -> None:
        """Add an accepted purchase line; amount = qty x price to the cent."""
        amount = (Decimal(str(qty)) * Decimal(str(price))).quantize(Decimal("0.01"), "ROUND_HALF_UP")
        self.add(
            "purchase",
            **{
                "canteen_id": canteen_id,
                "biz_date": day,
                "order_no": f"{canteen_id}-{day}",
                "ingredient_id": ingredient_id,
                "ordered_qty": qty,
                "accepted_qty": qty,
                "rejected_qty": 0,
                "unit_price": price,
                "amount_yuan": amount,
                "accepted_on": day,
                **values,
            },
        )

    def move(self, canteen_id: str, day: dt.date, ingredient_id: str, qty: Any, **values: Any) -> None:
        """Add a stock move, an issue unless said otherwise."""
        self.add(
            "stock_move", canteen_id=canteen_id, biz_date=day, ingredient_id=ingredient_id, qty=qty, **values
        )

    def count(self, canteen_id: str, day: dt.date, ingredient_id: str, qty: Any, price: Any = None) -> None:
        """Add a counted item."""
        self.add(
            "stocktake",
            canteen_id=canteen_id,
            biz_date=day,
            ingredient_id=ingredient_id,
            counted_qty=qty,
            unit_price=price,
        )

    def eat(self, canteen_id: str, day: dt.date, amount: Any, **values: Any) -> None:
        """Add one pupil's meals of a day."""
        self.add(
            "consumption", **{"canteen_id": canteen_id, "biz_date": day, "amount_yuan": amount, **values}
        )

    def open_days(
        self, days: Sequence[dt.date], *, closed: Sequence[dt.date] = (), org_id: str = "CITY"
    ) -> None:
        """Add calendar rows."""
        for day in days:
            self.add("calendar", org_id=org_id, biz_date=day, is_open=day not in closed)

    def pins(self, folder: Path) -> Path:
        """Write the rows as Parquet and the pins file; a table without rows gets no file."""
        folder.mkdir(parents=True, exist_ok=True)
        pins: dict[str, Any] = {}
        for name, columns in tables.SILVER.items():
            frame = pl.DataFrame(
                {
                    column: [_exact(row[column], dtype) for row in self.rows[name]]
                    for column, dtype in columns.items()
                },
                schema=columns,
            )
            files = []
            if not frame.is_empty():
                files = [str(folder / f"{name}.parquet")]
                frame.write_parquet(files[0])
            pins[name] = {"files": files, "partition": None}
        path = folder / "pins.json"
        path.write_text(json.dumps(pins), encoding="utf-8")
        return path


def _exact(value: Any, dtype: pl.DataType) -> Any:
    if isinstance(dtype, pl.Decimal) and value is not None:
        return Decimal(str(value))
    return value


@functools.cache
def manifest(target: str) -> Any:
    """dbt's parsed project, made once in a process."""
    from dbt.cli.main import dbtRunner

    with _environment(Path("build.duckdb"), no_pins()):
        result = dbtRunner().invoke(["parse", "--target", target, *_folders()])
    if not result.success:
        raise AssertionError(f"dbt parse failed: {result.exception}")
    gc.freeze()  # it lives as long as the process: the collector need not walk it in every run
    return result.result


@functools.cache
def _scratch() -> Path:
    import tempfile

    return Path(tempfile.mkdtemp(prefix="canteen-dbt-"))


def no_pins() -> Path:
    """Pins of an empty lake."""
    path = _scratch() / "no_pins.json"
    path.write_text("{}", encoding="utf-8")
    return path


def _folders() -> list[str]:
    target = _scratch()
    return [
        *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)),
        *("--target-path", str(target / "target"), "--log-path", str(target / "logs")),
        *("--log-level", "none", "--log-level-file", "none", "--no-print", "--no-write-json"),
    ]


@contextmanager
def _environment(build: Path, pins: Path) -> Iterator[None]:
    wanted = {"CANTEEN_BUILD": str(build), "CANTEEN_PINS": str(pins), "DO_NOT_TRACK": "1"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name)
            else:
                os.environ[name] = value


def run_dbt(
    folder: Path,
    pins: Path,
    command: Sequence[str],
    *,
    target: str = "night",
    shortened: bool = True,
    **variables: Any,
) -> Any:
    """Run one dbt command in process; the connection is closed afterwards.

    Args:
        folder: Holds ``build.duckdb``; kept between runs, it is the cache that nights build on.
        pins: File written by ``Lake.pins``.
        command: For example ``["build", "--exclude-resource-type", "unit_test"]``.
        target: dbt target; schemas are named when the project is parsed for it.
        shortened: Whether dbt is shortened as in a night.
        variables: dbt vars; dates as ISO text.

    Raises:
        AssertionError: A node failed; the message names it.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    project = as_parsed(manifest(target))
    folder.mkdir(parents=True, exist_ok=True)
    with _environment(folder / "build.duckdb", pins), brisk() if shortened else nullcontext():
        try:
            result = dbtRunner(manifest=project).invoke(
                [*command, "--target", target, "--vars", json.dumps(variables, default=str), *_folders()]
            )
        finally:
            DuckDBConnectionManager.close_all_connections()
    if not result.success:
        bad = [
            f"{node.node.name}: {node.message}"
            for node in (result.result or [])
            if str(node.status) in ("error", "fail", "runtime error")
        ]
        raise AssertionError("\n".join(bad) or str(result.exception))
    return result.result


def build(
    folder: Path,
    lake: Lake,
    first: dt.date,
    last: dt.date,
    models: Sequence[str] = (),
    *,
    checked: bool = False,
    **variables: Any,
) -> list[Any]:
    """One night or range over the lake as it stands.

    Args:
        folder: As in ``run_dbt``. Seeds are loaded by the first build in it, as in the product.
        lake: Rows in silver.
        first: First day to compute.
        last: Last day to compute.
        models: Tables to build with all that they are made of, named with or without their schema; a data
            test may stand among them. If none is named, every model is built and every data test run.
        checked: Run the data tests of the chosen tables too.
        variables: As in ``run_dbt``.

    Returns:
        Result of each node.

    Raises:
        AssertionError: A node failed; the message names it.
    """
    left_out = ["--exclude", "config.materialized:ephemeral", "--exclude-resource-type", "unit_test"]
    if (folder / "build.duckdb").exists():
        left_out += ["--exclude-resource-type", "seed"]
    chosen: list[str] = []
    if models:
        chosen = ["--select", *(f"+{name.split('.')[-1]}" for name in models)]
        chosen += ["--indirect-selection", "cautious" if checked else "empty"]
    return list(
        run_dbt(
            folder,
            lake.pins(folder / "silver"),
            ["build", *chosen, *left_out],
            from_date=first.isoformat(),
            to_date=last.isoformat(),
            **variables,
        )
    )


def project_nodes() -> list[Any]:
    """Models and seeds of the parsed project."""
    return [node for node in manifest("night").nodes.values() if node.resource_type in ("model", "seed")]


def project_sources() -> list[Any]:
    """Tables of the parsed project that dbt does not make."""
    return list(manifest("night").sources.values())


def query(folder: Path, sql: str) -> pl.DataFrame:
    """Read the build file."""
    with duckdb.connect(str(folder / "build.duckdb"), read_only=True) as connection:
        return connection.sql(sql).pl()


def content(folder: Path, tables_: Sequence[str]) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the given tables, order-free."""
    return {name: sorted(query(folder, f"select * from {name}").rows(), key=repr) for name in tables_}


def judge_sql(folder: Path, relation: str) -> str:
    """The models' judgement over any relation, compiled by dbt: columns as in ``macros/judge.sql``."""
    result = run_dbt(
        folder,
        no_pins(),
        ["compile", "--select", "judge_cases"],
        from_date="2026-01-01",
        to_date="2026-01-01",
        judge_relation=relation,
    )
    return str(result[0].node.compiled_code)
