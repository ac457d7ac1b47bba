"""What a night's window reaches."""

import datetime as dt

from pipelines.gold.plan import LOOKBACK, Plan

NIGHT = dt.date(2026, 11, 17)


def plan(forms_from: dt.date | None) -> Plan:
    return Plan({}, NIGHT, NIGHT, full=False, code="", forms_from=forms_from)


def test_a_late_form_reaches_the_month_before_its_own() -> None:
    # dbt computes every form again from there on (closure `form`): it must see them all.
    assert plan(dt.date(2026, 6, 30)).reach == dt.date(2026, 5, 1)


def test_a_form_of_last_month_reaches_no_further_than_any_night() -> None:
    assert plan(dt.date(2026, 10, 31)).reach == plan(None).reach == NIGHT.replace(day=1) - LOOKBACK
