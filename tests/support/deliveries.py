"""Delivery files for tests of the door: good rows of the standard pack, and a landing folder."""

import csv
import datetime as dt
import io
import json
from pathlib import Path

import polars as pl

from ingest import receipts, runner
from warehouse import vocabulary
from warehouse.tables import FEEDS

DAY = dt.date(2026, 9, 1)
PERSON = "430602201501011234"

CONSUMPTION = {
    "record_no": "r1",
    "canteen_id": "c1",
    "biz_date": "2026-09-01",
    "meal": "lunch",
    "payer_kind": "pupil",
    "person_no": PERSON,
    "channel": "card",
    "portions": "1",
    "amount_yuan": "12.50",
    "subsidy_yuan": "0.00",
    "reported_at": "2026-09-01 18:30:00",
}
REFUND = {
    "record_no": "f1",
    "canteen_id": "c1",
    "biz_date": "2026-09-01",
    "payer_kind": "pupil",
    "person_no": PERSON,
    "refund_kind": "meal",
    "amount_yuan": "12.50",
    "reason": "停餐，家长电话13812341234",
    "reported_at": "2026-09-01 18:30:00",
}


def meals(count: int, **changes: str) -> list[dict[str, str]]:
    """Consumption rows r1, r2, ..."""
    return [{**CONSUMPTION, "record_no": f"r{i}", **changes} for i in range(1, count + 1)]


def as_csv(rows: list[dict[str, str]], *, labels: bool = False, encoding: str = "utf-8") -> bytes:
    """Rows as CSV; the header is the keys of the first row, or their Chinese labels."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = list(rows[0])
    writer.writerow([vocabulary.LABELS[name] for name in names] if labels else names)
    writer.writerows([row[name] for name in names] for row in rows)
    return text.getvalue().encode(encoding)


def as_json(rows: list[dict[str, object]]) -> bytes:
    """Rows as JSON lines."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def header(feed: str) -> list[str]:
    """Columns of a feed's file."""
    return ["person_no" if name == "person_hash" else name for name in FEEDS[feed].contract.columns()]


def deliver(
    landing: Path, name: str, content: bytes, provider: str = "yueyanglou", day: dt.date = DAY
) -> Path:
    """Put a file into the landing folder."""
    path = landing / provider / day.isoformat() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def declare(
    landing: Path, rows: dict[str, int], provider: str = "yueyanglou", biz_date: str | None = "2026-09-01"
) -> None:
    """Write the folder's control.json."""
    files = [{"name": name, "rows": count, "biz_date": biz_date} for name, count in rows.items()]
    deliver(landing, "control.json", json.dumps({"files": files}).encode(), provider)


def receive(home: Path, landing: Path, known: pl.DataFrame | None = None, **options) -> pl.DataFrame:
    """One run of the door; returns the new receipts."""
    before = receipts.frame([]) if known is None else known
    return runner.receive(home, landing, dt.date(2026, 12, 31), before, lambda _: None, **options).receipts


def by_name(found: pl.DataFrame) -> dict[str, dict]:
    """Receipts by file name."""
    return {row["path"].rsplit("/", 1)[1]: row for row in found.iter_rows(named=True)}


def frames(home: Path, found: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Parsed frames of received files, joined by feed."""
    taken: dict[str, list[pl.DataFrame]] = {}
    for one in runner.parsed(home, found.filter(pl.col("status") == "received")):
        taken.setdefault(one.feed, []).append(one.load())
    return {feed: pl.concat(parts) for feed, parts in taken.items()}
