"""The simulator's verdicts against plain Decimal code that reads the very files it wrote.

The code below follows docs/explanation/red_line.md line by line, for one canteen of the standard pack and
one of Pingjiang's dialect, row by row.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingest.simulator import simulate
from warehouse import vocabulary

START, END = date(2026, 9, 1), date(2026, 10, 16)
UNCOUNTED = ("meal_fee", "meal_leave", "subsidy_roster", "menu_line")
COUNTED = ("purchase", "stock_move", "stocktake", "consumption", "refund")
LABELS = {label: name for name, label in vocabulary.LABELS.items()}
CENT, MILLI, MICRO = Decimal("0.01"), Decimal("0.001"), Decimal("0.000001")
Rows = dict[str, list[dict[str, str]]]


def half_up(value: Decimal, step: Decimal) -> Decimal:
    return value.quantize(step, ROUND_HALF_UP)


def text_of(path: Path) -> str:
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    if path.suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            data = archive.read(archive.namelist()[0])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030")


def day_of(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def is_sound(feed: str, row: dict[str, str]) -> bool:
    if day_of(row["biz_date"]) is None or (row.get("unit") or "kg") not in vocabulary.UNIT_FACTORS:
        return False
    numbers = {
        n: Decimal(v)
        for n, v in row.items()
        if v and n.endswith(("_qty", "_yuan", "_price", "qty", "portions"))
    }
    if feed != "disclosure_line" and any(value < 0 for value in numbers.values()):
        return False
    if feed == "purchase":
        return abs(numbers["accepted_qty"] * numbers["unit_price"] - numbers["amount_yuan"]) <= CENT
    return True


def delivered(landing: Path, provider: str, as_of: date) -> Iterator[tuple[date, str, list[dict[str, str]]]]:
    """(arrival, file name, rows) of every whole file of a provider that had arrived."""
    for control in sorted(landing.glob(f"{provider}/*/control.json")):
        arrival = date.fromisoformat(control.parent.name)
        for entry in json.loads(control.read_text(encoding="utf-8"))["files"]:
            rows = list(csv.DictReader(io.StringIO(text_of(control.parent / entry["name"]))))
            if arrival <= as_of and len(rows) == entry["rows"] and not entry["name"].startswith(UNCOUNTED):
                named = [{LABELS.get(name, name): value for name, value in row.items()} for row in rows]
                yield arrival, entry["name"], named


def standard_rows(
    landing: Path, provider: str, as_of: date
) -> Iterator[tuple[date, str, str, dict[str, str]]]:
    """(arrival, file name, feed, row) of the standard pack."""
    for arrival, name, rows in delivered(landing, provider, as_of):
        feed = next(f for f in (*COUNTED, "disclosure_line") if name.startswith(f))
        yield from ((arrival, name, feed, row) for row in rows)


def dialect_rows(landing: Path, as_of: date) -> Iterator[tuple[date, str, str, dict[str, str]]]:
    """The same of Pingjiang's goods: its tables said in the standard pack's words."""
    canteens: dict[str, str] = {}
    products: dict[str, tuple[str, str]] = {}
    library = Oracle.reference(landing / "city" / f"{START}" / f"ingredient_{START:%Y%m%d}.csv")
    ids = {row["ingredient_name"]: row["ingredient_id"] for row in library}
    files = list(delivered(landing, "pingjiang", as_of))
    for _, name, rows in files:
        if name.startswith("canteens"):
            canteens |= {row["id"]: row["code"] for row in rows} | {
                row["school_id"]: row["code"] for row in rows
            }
        if name.startswith("inv_products"):
            products = {row["id"]: (ids[row["name"]], row["unit"]) for row in rows}
    for arrival, name, rows in files:
        for row in rows if name.startswith(("inv_inbound", "inv_outbound", "inv_stocktakes")) else []:
            ingredient, unit = products[row["product_id"]]
            new = {"canteen_id": canteens[row.get("canteen_id", row["school_id"])], "biz_date": row["at"][:10],
                   "reported_at": row["at"], "account_kind": "pupil", "ingredient_id": ingredient, "unit": unit}  # fmt: skip
            if name.startswith("inv_stocktakes"):
                yield arrival, name, "stocktake", {**new, "counted_qty": row["actual_qty"], "unit_price": ""}
            elif name.startswith("inv_outbound"):
                kind = "loss" if "报损" in row["purpose"] else "issue"
                yield (
                    arrival,
                    name,
                    "stock_move",
                    {**new, "qty": row["qty"], "move_kind": kind, "amount_yuan": ""},
                )
            elif row["source"] == "期初":
                yield (
                    arrival,
                    name,
                    "stocktake",
                    {**new, "counted_qty": row["qty"], "unit_price": row["unit_price"]},
                )
            else:
                amount = f"{half_up(Decimal(row['qty']) * Decimal(row['unit_price']), CENT)}"
                bought = {"accepted_qty": row["qty"], "unit_price": row["unit_price"], "amount_yuan": amount}
                yield arrival, name, "purchase", {**new, **bought, "accepted_on": row["at"][:10]}


def read(landing: Path, canteen: str, as_of: date) -> tuple[Rows, list[date]]:
    """(current rows by feed, days of quarantined rows of the feeds that count), by the unit-replacement rule."""
    if canteen.startswith("430626"):
        arrived = [*dialect_rows(landing, as_of), *standard_rows(landing, "pingjiang_card", as_of)]
    else:
        arrived = list(standard_rows(landing, "yueyanglou", as_of))
    units: dict[tuple[str, str], dict[tuple[date, str], list[dict[str, str]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    refused: list[date] = []
    for arrival, name, feed, row in arrived:
        if row["canteen_id"] != canteen:
            continue
        if is_sound(feed, row):
            units[feed, row["biz_date"]][arrival, name].append(row)
        elif feed in COUNTED and (day := day_of(row["biz_date"])) is not None:
            refused.append(day)
    out: Rows = defaultdict(list)
    for (feed, _), files in units.items():
        newest = max(files, key=lambda file: (max(row["reported_at"] for row in files[file]), *file))
        out[feed] += files[newest]
    return out, refused


class Oracle:
    """One canteen of one provider, reckoned day by day."""

    def __init__(self, out: Path, canteen: str, as_of: date) -> None:
        landing = out / "landing"
        self.rows, self.refused = read(landing, canteen, as_of)
        city = landing / "city" / f"{START}"
        stem = f"{START:%Y%m%d}"
        org = self.reference(city / f"org_{stem}.csv")
        self.threshold = next(
            75 if r["operating_mode"] == "self" else 70 for r in org if r["org_id"] == canteen
        )
        school = next(r["parent_id"] for r in org if r["org_id"] == canteen)
        self.is_open, self.term = {}, {}
        rows = self.reference(city / f"calendar_{stem}.csv")
        for who in ("430600", school):
            for row in (r for r in rows if r["org_id"] == who):
                self.is_open[row["biz_date"]] = row["is_open"] == "true"
                self.term[row["biz_date"]] = row["term_id"]
        food = self.reference(city / f"ingredient_{stem}.csv")
        self.food = {r["ingredient_id"] for r in food if r["category"] != "non_food"}
        self.last = max(date.fromisoformat(r["biz_date"]) for r in self.rows["consumption"])
        self._reckon_stock()

    @staticmethod
    def reference(path: Path) -> list[dict[str, str]]:
        return [
            {LABELS.get(n, n): v for n, v in row.items()}
            for row in csv.DictReader(io.StringIO(text_of(path)))
        ]

    def _kept(self, feed: str, day: date) -> list[dict[str, str]]:
        return [
            r
            for r in self.rows[feed]
            if r["biz_date"] == f"{day}" and r["account_kind"] == "pupil" and r["ingredient_id"] in self.food
        ]

    @staticmethod
    def _base(row: dict[str, str], column: str) -> Decimal:
        return half_up(Decimal(row[column]) * vocabulary.UNIT_FACTORS[row["unit"]], MILLI)

    def _reckon_stock(self) -> None:
        zero = Decimal(0)
        self.stock: dict[date, Decimal] = {}
        self.bought: dict[date, Decimal] = {}
        state: dict[str, dict[str, Any]] = {}
        day = START - timedelta(1)
        while day <= self.last:
            if day.day == 1:
                for key in state.values():
                    key["q"], key["v"] = max(zero, key["closing"]), key["value"]
            today: dict[str, dict[str, Any]] = defaultdict(
                lambda: {"q": zero, "v": zero, "out": zero, "count": None}
            )
            for row in self._kept("purchase", day):
                entry = today[row["ingredient_id"]]
                if row["accepted_on"]:
                    entry["q"] += self._base(row, "accepted_qty")
                    entry["v"] += Decimal(row["amount_yuan"])
            for row in self._kept("stock_move", day):
                entry, quantity = today[row["ingredient_id"]], self._base(row, "qty")
                if row["move_kind"] == "supplier_return":
                    entry["q"] -= quantity
                    entry["v"] -= Decimal(row["amount_yuan"])
                else:
                    entry["out"] += -quantity if row["move_kind"] == "issue_return" else quantity
            for row in self._kept("stocktake", day):
                price = Decimal(row["unit_price"] or 0) / vocabulary.UNIT_FACTORS[row["unit"]]
                today[row["ingredient_id"]]["count"] = (self._base(row, "counted_qty"), half_up(price, MICRO))
            for ingredient, entry in today.items():
                is_first = ingredient not in state
                key = state.setdefault(
                    ingredient, dict.fromkeys(("closing", "price", "value", "q", "v"), zero)
                )
                book = key["closing"] + entry["q"] - entry["out"]
                key["closing"] = book if entry["count"] is None else entry["count"][0]
                if is_first and entry["count"] is not None:
                    key["q"], key["price"] = entry["count"]
                    key["v"] = half_up(key["q"] * key["price"], CENT)
                else:
                    key["q"] += entry["q"]
                    key["v"] += entry["v"]
                    if key["q"] > 0 and key["v"] > 0:
                        key["price"] = half_up(key["v"] / key["q"], MICRO)
                key["value"] = half_up(max(zero, key["closing"]) * key["price"], CENT)
            self.stock[day] = sum((key["value"] for key in state.values()), zero)
            self.bought[day] = sum((entry["v"] for entry in today.values()), zero)
            day += timedelta(1)

    def consumed(self, start: date, end: date) -> tuple[Decimal, Decimal, str | None]:
        """(cost, income, reason of an unknown verdict)."""
        span = [start + timedelta(n) for n in range((end - start).days + 1)]
        text = {f"{day}" for day in span}
        meals = [r for r in self.rows["consumption"] if r["biz_date"] in text and r["payer_kind"] == "pupil"]
        back = [r for r in self.rows["refund"] if r["biz_date"] in text and r["payer_kind"] == "pupil"]
        income = sum((Decimal(r["amount_yuan"]) + Decimal(r["subsidy_yuan"]) for r in meals), Decimal(0))
        income -= sum((Decimal(r["amount_yuan"]) for r in back if r["refund_kind"] == "meal"), Decimal(0))
        before = self.stock.get(start - timedelta(1), Decimal(0))
        cost = before + sum((self.bought[day] for day in span), Decimal(0)) - self.stock[end]
        open_days = [day for day in sorted(text) if self.is_open[day]]
        eaten = {r["biz_date"] for r in meals}
        bought, moved = ({r["biz_date"] for r in self.rows[f]} for f in ("purchase", "stock_move"))
        counts = sorted(r["biz_date"] for r in self.rows["stocktake"])
        current = sum(r["biz_date"] in text for feed in COUNTED for r in self.rows[feed])
        refused = sum(day in span for day in self.refused)
        reasons = {
            "no_income": income <= 0,
            "income_incomplete": 100 * len([d for d in open_days if d in eaten]) < 98 * len(open_days),
            "inputs_missing": 100 * len([d for d in open_days if d in bought & moved]) < 98 * len(open_days),
            "opening_stock_missing": not any(d < f"{start}" for d in counts),
            "stocktake_stale": not any(f"{end - timedelta(35)}" <= d <= f"{end}" for d in counts),
            "quarantine_high": 100 * refused > 2 * (refused + current),
        }
        return cost, income, next((name for name, holds in reasons.items() if holds), None)

    def formed(self, kind: str, end: date, with_other: bool) -> tuple[Decimal, Decimal, str | None]:
        column = "month_yuan" if kind == "month" else "ytd_yuan"
        lines = {
            r["line_code"]: Decimal(r[column])
            for r in self.rows["disclosure_line"]
            if r["biz_date"] == f"{end}"
        }
        cost = lines["dishes"] + lines["rice_oil"] + lines["condiments"]
        return cost + (lines["other_materials"] if with_other else 0), lines["income"], None

    def verdict(self, cost: Decimal, income: Decimal, reason: str | None) -> str:
        if reason is not None:
            return "unknown"
        if cost * 100 < income * self.threshold:
            return "red"
        return "yellow" if cost * 100 < income * (self.threshold + 2) else "green"


CASES = {
    "clean": frozenset[str](),
    "files": frozenset(
        {"corrected_file", "late_file", "truncated_file", "duplicate_file", "resent_file", "bad_rows"}
    ),
    "negative": frozenset({"negative_stock", "missing_days", "shuffled_columns", "bom_file"}),
    "slips": frozenset({"unit_mixup", "bad_rows"}),
    "written off": frozenset({"closing_stock_understated"}),
    "teachers": frozenset({"teacher_income_in_pupil_account"}),
    "no count": frozenset({"missing_stocktake"}),
}


@pytest.mark.parametrize("case", CASES)
def test_verdicts_are_those_of_plain_decimal_code_over_the_written_files(case: str, tmp_path: Path) -> None:
    simulate(
        tmp_path, 2, START, END, 40 + len(case), CASES[case]
    )  # one canteen of the pack, one of the dialect
    truth = pl.read_parquet(tmp_path / "truth" / "verdicts.parquet")
    assert set(truth["period_kind"]) == set(vocabulary.PERIOD_KINDS)
    for (as_of, canteen), rows in truth.group_by("as_of", "canteen_id"):
        oracle = Oracle(tmp_path, canteen, as_of)
        for row in rows.iter_rows(named=True):
            if row["definition"] == "consumed":
                found = oracle.consumed(row["period_start"], row["period_end"])
            else:
                found = oracle.formed(
                    row["period_kind"], row["period_end"], row["definition"] == "form_with_other"
                )
            cost, income, reason = found
            assert (row["reported_cost_yuan"], row["reported_income_yuan"]) == (cost, income), row
            assert (row["verdict"], row["unknown_reason"]) == (oracle.verdict(*found), reason), row
            assert row["reported_ratio"] == half_up(cost / income, MICRO)


def test_periods_begin_where_the_definition_says(tmp_path: Path) -> None:
    simulate(tmp_path, 1, START, END, 3, frozenset())
    truth = pl.read_parquet(tmp_path / "truth" / "verdicts.parquet").filter(
        pl.col("definition") == "consumed"
    )
    starts = {
        (kind, f"{end}"): start
        for kind, start, end in truth.select("period_kind", "period_start", "period_end").iter_rows()
    }
    assert starts == {
        ("month", "2026-09-30"): START, ("month_to_date", "2026-09-30"): START, ("term", "2026-09-30"): START,
        ("ytd", "2026-09-30"): START, ("rolling_30d", "2026-09-30"): START,
        ("month_to_date", "2026-10-16"): date(2026, 10, 1), ("term", "2026-10-16"): START,
        ("ytd", "2026-10-16"): START, ("rolling_30d", "2026-10-16"): date(2026, 9, 17),
    }  # fmt: skip


def test_reported_times_are_not_before_the_day_they_speak_about(tmp_path: Path) -> None:
    simulate(tmp_path, 1, START, date(2026, 9, 10), 3)
    for path in (tmp_path / "landing" / "yueyanglou").rglob("consumption_*.csv"):
        for row in csv.DictReader(io.StringIO(text_of(path))):
            row = {LABELS.get(name, name): value for name, value in row.items()}
            day = day_of(row["biz_date"])
            assert day is None or day <= datetime.fromisoformat(row["reported_at"]).date()
