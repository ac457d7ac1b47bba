"""Hand-written deliveries of the standard pack: rows with sensible defaults, written as landing files.

Belongs here: a landing folder in memory and how its files are written. Does not belong here: a city
(``pack_city``), nor any reckoning.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import itertools
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from ingest import layouts
from warehouse import vocabulary
from warehouse.tables import FEEDS

CENT = Decimal("0.01")
DEFAULTS: dict[str, dict[str, Any]] = {
    "org": {"subsidised": 0, "valid_from": "2020-01-01"},
    "calendar": {"is_open": 1, "term_id": "2026-2027-1"},
    "supplier": {"contact_name": "王小明", "contact_phone": "13812341234", "valid_from": "2020-01-01"},
    "ingredient": {"base_unit": "kg"},
    "purchase": {
        "account_kind": "pupil",
        "supplier_uscc": "91350100M000100Y43",
        "unit": "kg",
        "rejected_qty": 0,
        "acceptor_count": 2,
    },
    "stock_move": {"account_kind": "pupil", "move_kind": "issue", "unit": "kg", "purpose": "pupil_meal"},
    "stocktake": {"account_kind": "pupil", "unit": "kg"},
    "consumption": {
        "meal": "lunch",
        "payer_kind": "pupil",
        "person_no": "430602201501011234",
        "channel": "card",
        "portions": 1,
        "subsidy_yuan": "0.00",
    },
    "refund": {"payer_kind": "pupil", "person_no": "430602201501011234", "refund_kind": "meal"},
    "meal_fee": {"payer_kind": "pupil", "person_no": "430602201501011234", "channel": "bank"},
    "settlement": {"channel": "card"},
    "meal_leave": {"payer_kind": "pupil", "person_no": "430602201501011234"},
    "subsidy_roster": {"person_no": "430602201501011234"},
    "invoice": {"supplier_uscc": "91350100M000100Y43"},
    "supplier_payment": {"supplier_uscc": "91350100M000100Y43"},
    "handling": {"person_no": "88"},
}
SUPERVISOR = {table.name: table.columns for table in layouts.load_all()["supervisor"].tables}


def columns(feed: str) -> list[str]:
    """Columns of a feed's file."""
    return ["person_no" if name == "person_hash" else name for name in FEEDS[feed].contract.columns()]


class Landing:
    """Rows by provider, arrival day and feed.

    Attributes:
        root: The landing folder.
        arrival: Day on which what is added next arrives.
    """

    def __init__(self, root: Path, arrival: dt.date) -> None:
        self.root = root
        self.arrival = arrival
        self._rows: dict[tuple[str, dt.date, str], list[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)

    def add(self, provider: str, feed: str, **values: Any) -> dict[str, Any]:
        """Add one row; columns that are not given take a default or stay empty."""
        row = {
            "record_no": f"R{next(self._numbers):05d}",
            "reported_at": f"{self.arrival} 08:00:00",
            **DEFAULTS.get(feed, {}),
            **values,
        }
        if unknown := set(values) - set(columns(feed)):
            raise KeyError(f"{feed} has no columns {sorted(unknown)}")
        row = {name: row.get(name) for name in columns(feed)}
        self._rows.setdefault((provider, self.arrival, feed), []).append(row)
        return row

    def buy(
        self, provider: str, canteen: str, day: dt.date, item: str, qty: str, price: str, **values: Any
    ) -> dict[str, Any]:
        """Add an accepted purchase; the amount is quantity x price to the cent."""
        accepted = Decimal(str(values.get("accepted_qty", qty)))
        return self.add(
            provider,
            "purchase",
            **{
                "canteen_id": canteen,
                "biz_date": day,
                "order_no": f"{canteen}-{day}",
                "ingredient_id": item,
                "ordered_qty": qty,
                "accepted_qty": qty,
                "unit_price": price,
                "amount_yuan": (accepted * Decimal(price)).quantize(CENT, "ROUND_HALF_UP"),
                "accepted_on": day,
                **values,
            },
        )

    def use(self, provider: str, canteen: str, day: dt.date, item: str, qty: str, **values: Any) -> None:
        """Add a stock move, an issue to the kitchen unless said otherwise."""
        self.add(
            provider,
            "stock_move",
            canteen_id=canteen,
            biz_date=day,
            ingredient_id=item,
            qty=qty,
            **values,
        )

    def count(self, provider: str, canteen: str, day: dt.date, item: str, qty: str, **values: Any) -> None:
        """Add a counted item."""
        self.add(
            provider,
            "stocktake",
            canteen_id=canteen,
            biz_date=day,
            ingredient_id=item,
            counted_qty=qty,
            **values,
        )

    def eat(self, provider: str, canteen: str, day: dt.date, yuan: str, **values: Any) -> dict[str, Any]:
        """Add one meal."""
        return self.add(provider, "consumption", canteen_id=canteen, biz_date=day, amount_yuan=yuan, **values)

    def write(self, *, labelled: Sequence[str] = (), as_json: Sequence[str] = ()) -> None:
        """Write every row added so far, one file per provider, arrival day and feed.

        Args:
            labelled: Providers whose files are GB18030 with Chinese headers in reverse order.
            as_json: Providers whose files are gzipped JSON lines.
        """
        for (provider, arrival, feed), rows in self._rows.items():
            if provider in as_json:
                lines = "".join(json.dumps(_text(row), ensure_ascii=False) + "\n" for row in rows)
                self.put(provider, f"{feed}.jsonl.gz", gzip.compress(lines.encode(), mtime=0), arrival)
            elif provider in labelled:
                names = list(reversed(rows[0]))
                header = [vocabulary.LABELS[name] for name in names]
                self.put(provider, f"{feed}.csv", _csv(header, names, rows).encode("gb18030"), arrival)
            else:
                self.put(provider, f"{feed}.csv", _csv(list(rows[0]), list(rows[0]), rows).encode(), arrival)
        self._rows.clear()

    def dump(self, provider: str, table: str, rows: Sequence[dict[str, Any]]) -> None:
        """Write one table of the dialect ``supervisor``."""
        names = SUPERVISOR[table]
        full = [{name: row.get(name) for name in names} for row in rows]
        self.put(provider, f"{table}.csv", _csv(names, names, full).encode(), self.arrival)

    def put(self, provider: str, name: str, content: bytes, arrival: dt.date | None = None) -> Path:
        """Deliver a file as it is."""
        path = self.root / provider / str(arrival or self.arrival) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def declare(self, provider: str, files: dict[str, int], day: dt.date) -> None:
        """Write the folder's control file: names and declared rows."""
        listed = [{"name": name, "rows": rows, "biz_date": str(day)} for name, rows in files.items()]
        self.put(provider, "control.json", json.dumps({"files": listed}).encode())


def _csv(header: list[str], names: list[str], rows: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_text(row)[name] for name in names] for row in rows)
    return text.getvalue()


def _text(row: dict[str, Any]) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in row.items()}
