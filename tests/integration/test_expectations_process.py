"""``python -m expectations`` on a small data home."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from ingest.receipts import RECEIPT
from warehouse import delta, settings
from warehouse.settings import ROOT
from warehouse.tables import DELIVERY, EXPECTATION_RESULT, FEEDS, PROVIDER

FIRST, LAST = dt.date(2026, 9, 8), dt.date(2026, 9, 9)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    opened = settings.load(folder)
    for feed in ("refund", "consumption"):
        columns = FEEDS[feed].columns
        rows = [
            {
                "record_no": f"{arrival}-{i}",
                "canteen_id": "C1",
                "biz_date": arrival,
                "reason": "请假",
                "_provider": "yunxi",
            }
            | {
                "amount_yuan": 8,
                "subsidy_yuan": 0,
                "portions": 1,
                "channel": "card",
                "meal": "lunch",
                "payer_kind": "pupil",
            }
            | {"_arrival_date": arrival, "biz_month": "2026-09"}
            for arrival in (FIRST, LAST)
            for i in range(40)
        ]
        frame = pl.DataFrame([{name: row.get(name) for name in columns} for row in rows]).cast(dict(columns))
        delta.replace(
            opened.table(f"silver.{feed}"),
            [frame],
            columns,
            period=None,
            partition=FEEDS[feed].partition,
            commit_id=feed,
        )
    unit = {
        "feed": "refund",
        "provider": "yunxi",
        "_file": "f",
        "_arrival_date": LAST,
        "state": "current",
        "rows_accepted": 40,
    }
    counts = {"rows_quarantined": 0, "rows_duplicate": 0}
    delta.append(
        opened.table("silver.delivery"),
        pl.DataFrame([dict.fromkeys(DELIVERY) | unit | counts], schema=DELIVERY),
        DELIVERY,
        commit_id="d",
    )
    receipt = {
        "provider": "yunxi",
        "arrival_date": LAST,
        "path": "yunxi/采购.csv",
        "status": "refused",
        "refusal_code": "truncated",
    }
    delta.append(
        opened.table("bronze.receipt"),
        pl.DataFrame([dict.fromkeys(RECEIPT) | receipt], schema=RECEIPT),
        RECEIPT,
        commit_id="r",
    )
    provider = {
        "provider": "yunxi",
        "label": "云溪区",
        "county_code": "430603",
        "feed": "purchase",
        "is_duty": True,
    }
    delta.append(
        opened.table("silver.provider"), pl.DataFrame([provider], schema=PROVIDER), PROVIDER, commit_id="p"
    )
    return folder


def run(
    home: Path, first: dt.date = FIRST, last: dt.date = LAST, cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "expectations", "--home", str(home), "--arrivals", str(first), str(last)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def counts(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    assert done.returncode == 0, done.stderr
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return found


def stored(home: Path) -> pl.DataFrame:
    return delta.read(settings.load(home).table("silver.expectation_result"), EXPECTATION_RESULT).sort(
        pl.all()
    )


@pytest.mark.requirement("S0-136")
def test_a_night_is_scored_once_shown_offline_and_leaves_nothing_behind(home: Path, tmp_path: Path) -> None:
    began = time.monotonic()
    first = counts(run(home, cwd=tmp_path))
    assert time.monotonic() - began < 60  # about 8 s on a quiet machine, most of it the library's import
    assert first["results"] > 0
    assert first["written"] == 1
    before, version = stored(home), delta.version(home / "silver" / "expectation_result")

    assert counts(run(home, cwd=tmp_path))["written"] == 0
    assert stored(home).equals(before)
    assert delta.version(home / "silver" / "expectation_result") == version

    assert counts(run(home, LAST, LAST, cwd=tmp_path))["written"] == 0  # a night alone scores as in the range

    assert list(tmp_path.iterdir()) == []
    quality = home / "docs" / "quality"
    assert {path.name for path in quality.iterdir()} == {"index.html", "datadocs"}
    page = (quality / "index.html").read_text("utf8")
    assert all(text in page for text in ("云溪区", "yunxi/采购.csv", "文件不完整"))
    docs = [path.read_text("utf8") for path in (quality / "datadocs").rglob("*.html")]
    assert any("应写明退费事由" in text for text in docs)
    assert not any(f'{attribute}="http' in text for text in docs for attribute in ("src", "href"))
    assert any(str(LAST) in path.name for path in (quality / "datadocs").rglob("*.html"))
    assert not any(str(FIRST) in path.name for path in (quality / "datadocs").rglob("*.html"))


@pytest.mark.parametrize(
    ("first", "last", "made", "says"),
    [(LAST, FIRST, True, "--arrivals FROM TO"), (FIRST, LAST, False, "holds no silver tables")],
)
def test_a_failure_is_one_line_and_exit_1(
    home: Path, tmp_path: Path, first: dt.date, last: dt.date, made: bool, says: str
) -> None:
    done = run(home if made else tmp_path, first, last)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert says in done.stderr


def test_a_damaged_table_is_one_line_and_exit_1(home: Path, tmp_path: Path) -> None:
    opened = settings.load(tmp_path)
    table = opened.table("silver.delivery")
    delta.append(
        table,
        pl.DataFrame([dict.fromkeys(DELIVERY) | {"_arrival_date": LAST}], schema=DELIVERY),
        DELIVERY,
        commit_id="d",
    )
    for file in table.glob("*.parquet"):
        file.write_bytes(b"not parquet")
    done = run(tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
