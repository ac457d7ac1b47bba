"""What a night's window reaches."""

import datetime as dt
import json
from pathlib import Path

import polars as pl

from pipelines.gold.plan import LOOKBACK, Plan, write_pins
from warehouse import delta, settings
from warehouse.tables import DELIVERY, SILVER

NIGHT = dt.date(2026, 11, 17)


def plan(forms_from: dt.date | None) -> Plan:
    return Plan({}, NIGHT, NIGHT, full=False, code="", forms_from=forms_from)


def test_a_late_form_reaches_the_month_before_its_own() -> None:
    # dbt computes every form again from there on (closure `form`): it must see them all.
    assert plan(dt.date(2026, 6, 30)).reach == dt.date(2026, 5, 1)


def test_a_form_of_last_month_reaches_no_further_than_any_night() -> None:
    assert plan(dt.date(2026, 10, 31)).reach == plan(None).reach == NIGHT.replace(day=1) - LOOKBACK


def test_what_arrived_lately_is_counted_whatever_day_it_is_about(tmp_path: Path) -> None:
    home = settings.load(tmp_path)
    months = {"2026-03": NIGHT, "2026-04": NIGHT - LOOKBACK, "2026-11": NIGHT}
    rows = [
        {"biz_month": month, "biz_date": dt.date.fromisoformat(f"{month}-05"), "_arrival_date": arrived}
        for month, arrived in months.items()
    ]
    frame = pl.DataFrame([dict.fromkeys(DELIVERY) | row for row in rows], schema=DELIVERY)
    delta.replace(
        home.table("silver.delivery"),
        iter([frame]),
        DELIVERY,
        period=None,
        partition="biz_month",
        commit_id="1",
    )
    versions = dict.fromkeys(SILVER) | {"delivery": 0}
    night = Plan(versions, NIGHT, NIGHT, full=False, code="", arrived_from=NIGHT)
    write_pins(home, night, tmp_path / "pins.json")
    files = json.loads((tmp_path / "pins.json").read_text("utf8"))["delivery"]["files"]
    assert {Path(file).parent.name for file in files} == {"biz_month=2026-03", "biz_month=2026-11"}
