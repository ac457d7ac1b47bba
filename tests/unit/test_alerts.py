"""Alerts over planted findings: raised once, withdrawn with their cause, reopened under the same id."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.alerts import raising, rules
from pipelines.alerts.rules import Rule
from warehouse import delta, settings, vocabulary
from warehouse.dbt_plugin import duckdb_type
from warehouse.errors import Permanent
from warehouse.settings import ROOT
from warehouse.tables import ALERT

DAY = dt.date(2026, 9, 10)
NIGHTS = [dt.date(2026, 9, n) for n in range(11, 20)]
EVER = dt.date(2000, 1, 1)
RULE = Rule(
    "diverted", 1, "餐费未进专户", "major", "money_finding", EVER, confidence=["high"], rests_on=["x_days"]
)
PRICE = Rule("price", 1, "价格", "general", "price_finding", EVER, kind=["peer"])


@pytest.fixture
def build() -> Iterator[duckdb.DuckDBPyConnection]:
    """A build file with empty tables of findings, one parameter and the department of two kinds."""
    with duckdb.connect() as connection:
        connection.execute("create schema gold")
        columns = ", ".join(f"{name} {duckdb_type(dtype)}" for name, dtype in ALERT.items())
        connection.execute(f"create table gold.alert ({columns})")
        shared = (
            "finding_id varchar, kind varchar, canteen_id varchar, supplier_id varchar, ingredient_id varchar, biz_date date, "
            "biz_month varchar, period_start date, period_end date, text_zh varchar, confidence varchar"
        )
        for name in ("red_line_finding", "money_finding", "video_finding"):
            connection.execute(f"create table gold.{name} ({shared}, amount_yuan decimal(18, 2))")
        connection.execute(
            f"create table gold.price_finding ({shared}, test varchar, county_code varchar, "
            "excess_yuan decimal(18, 2), basis varchar)"
        )
        connection.execute("create table gold.ref_label (list_name varchar, code varchar, label varchar)")
        connection.execute(
            "insert into gold.ref_label values ('finding_department', 'late', 'education'), ('price_department', 'peer', 'both')"
        )
        connection.execute(
            "create table gold.ref_threshold (parameter varchar, valid_from date, valid_to date, confidence varchar)"
        )
        connection.execute("insert into gold.ref_threshold values ('x_days', '2000-01-01', null, 'D')")
        yield connection


def find(
    build: duckdb.DuckDBPyConnection,
    finding_id: str,
    day: dt.date = DAY,
    amount: int = 100,
    confidence: str = "high",
) -> None:
    build.execute(
        "insert into gold.money_finding values (?, 'late', 'C1', null, null, ?, ?, ?, ?, '未到账', ?, ?)",
        [finding_id, day, f"{day:%Y-%m}", day, day, confidence, amount],
    )


def lose(build: duckdb.DuckDBPyConnection, finding_id: str) -> None:
    build.execute("delete from gold.money_finding where finding_id = ?", [finding_id])


def alerts(build: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    return build.execute("select * from gold.alert order by rule_id, finding_id").pl()


def test_a_finding_raises_one_alert_that_stays_the_same(build: duckdb.DuckDBPyConnection) -> None:
    find(build, "f1")
    find(build, "f2", confidence="medium")
    raising.run(build, [RULE], EVER, NIGHTS[0])
    first = alerts(build)
    (row,) = first.to_dicts()
    assert (row["finding_id"], row["severity"], row["department"]) == ("f1", "major", "education")
    assert (row["alert_state"], row["_raised_on"], row["_state_since"]) == ("open", NIGHTS[0], NIGHTS[0])
    raising.run(build, [RULE], EVER, NIGHTS[1])
    assert alerts(build).equals(first)


def test_a_cause_that_goes_withdraws_and_one_that_returns_reopens_the_same_id(
    build: duckdb.DuckDBPyConnection,
) -> None:
    find(build, "f1")
    raising.run(build, [RULE], EVER, NIGHTS[0])
    minted = alerts(build)["alert_id"].item()
    lose(build, "f1")
    raising.run(build, [RULE], EVER, NIGHTS[1])
    (gone,) = alerts(build).to_dicts()
    assert (gone["alert_id"], gone["alert_state"], gone["_state_since"]) == (minted, "withdrawn", NIGHTS[1])
    assert (gone["text_zh"], gone["_raised_on"]) == ("未到账", NIGHTS[0])
    raising.run(build, [RULE], EVER, NIGHTS[2])
    assert alerts(build).to_dicts() == [gone]
    find(build, "f1", DAY - dt.timedelta(3), amount=70)
    raising.run(build, [RULE], EVER, NIGHTS[3])
    (back,) = alerts(build).to_dicts()
    assert (back["alert_id"], back["alert_state"], back["_state_since"]) == (minted, "open", NIGHTS[3])
    assert (back["amount_yuan"], back["_raised_on"]) == (70, NIGHTS[0])


def test_an_id_is_kept_and_not_made_again(build: duckdb.DuckDBPyConnection) -> None:
    find(build, "f1")
    raising.run(build, [RULE], EVER, NIGHTS[0])
    build.execute("update gold.alert set alert_id = 'minted by an older release'")
    raising.run(build, [RULE], EVER, NIGHTS[1])
    assert alerts(build)["alert_id"].to_list() == ["minted by an older release"]


def test_only_the_window_is_looked_at_and_what_moved_into_it_is_told(
    build: duckdb.DuckDBPyConnection,
) -> None:
    old = DAY - dt.timedelta(200)
    find(build, "old", old)
    raising.run(build, [RULE], EVER, NIGHTS[0])
    lose(build, "old")
    assert raising.run(build, [RULE], DAY, NIGHTS[1]) == DAY
    assert alerts(build)["alert_state"].to_list() == ["open"], "nothing said that these days had changed"
    find(build, "old", DAY)
    assert raising.run(build, [RULE], DAY, NIGHTS[2]) == old
    assert alerts(build)["biz_date"].to_list() == [DAY]


@pytest.mark.requirement("S0-115")
def test_the_order_of_nights_leaves_the_same_open_alerts(build: duckdb.DuckDBPyConnection) -> None:
    for n, finding in enumerate(("f1", "f2", "f3")):
        find(build, finding, DAY + dt.timedelta(n))
        raising.run(build, [RULE], DAY, NIGHTS[n])
    lose(build, "f2")
    raising.run(build, [RULE], DAY, NIGHTS[4])
    # Of the day of its record, not of the night, and each once.
    assert alerts(build)["biz_date"].to_list() == [DAY + dt.timedelta(n) for n in range(3)]
    about_arrival = ["_raised_on", "_state_since"]
    bits = alerts(build).filter(pl.col("alert_state") == "open").drop(about_arrival)
    build.execute("delete from gold.alert")
    raising.run(build, [RULE], EVER, NIGHTS[5])
    assert alerts(build).drop(about_arrival).equals(bits)


@pytest.mark.parametrize(
    ("confidence", "effect"), [("A", "act"), ("B", "act"), ("C", "inform"), ("D", "inform"), (None, "inform")]
)
def test_what_rests_on_an_unsure_threshold_only_informs(
    build: duckdb.DuckDBPyConnection, confidence: str | None, effect: str
) -> None:
    build.execute("update gold.ref_threshold set confidence = ?", [confidence])
    find(build, "f1")
    raising.run(build, [RULE], EVER, NIGHTS[0])
    assert alerts(build).select("basis", "effect").row(0) == (confidence or "none", effect)


def test_the_least_sure_basis_counts_and_facts_alone_need_none(build: duckdb.DuckDBPyConnection) -> None:
    build.execute("update gold.ref_threshold set confidence = 'A'")
    build.execute(
        "insert into gold.price_finding values ('p1', 'line', null, 'S1', 'rice', ?, '2026-09', ?, ?, '偏高', 'high', "
        "'peer', '430602', 12, 'C')",
        [DAY, DAY, DAY],
    )
    find(build, "f1")
    raising.run(build, [replace(PRICE, rests_on=["x_days"]), replace(RULE, rests_on=[])], EVER, NIGHTS[0])
    assert alerts(build).select("kind", "county_code", "basis", "effect").rows() == [
        ("late", None, None, "act"),
        ("peer", "430602", "C", "inform"),
    ]


def test_a_new_version_selects_from_its_first_day_on(build: duckdb.DuckDBPyConnection) -> None:
    find(build, "f1", DAY)
    find(build, "f2", DAY + dt.timedelta(1))
    stricter = replace(RULE, version=2, severity="general", valid_from=DAY + dt.timedelta(1))
    raising.run(build, [replace(RULE, valid_to=DAY), stricter], EVER, NIGHTS[0])
    assert alerts(build).select("rule_version", "severity").rows() == [(1, "major"), (2, "general")]


def test_two_rules_for_one_finding_are_refused_and_nothing_is_raised(
    build: duckdb.DuckDBPyConnection,
) -> None:
    find(build, "f1")
    with pytest.raises(Permanent, match="diverted and other both select"):
        raising.run(build, [RULE, replace(RULE, rule_id="other")], EVER, NIGHTS[0])
    assert alerts(build).is_empty()


def test_a_new_build_file_takes_the_alerts_from_delta(
    build: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    home = settings.load(tmp_path)
    find(build, "f1")
    raising.run(build, [RULE], EVER, NIGHTS[0])
    held = alerts(build)
    delta.replace(
        home.table("gold.alert"), [held], ALERT, period=None, partition="biz_month", commit_id="night"
    )
    build.execute("delete from gold.alert")
    raising.recall(home, build)
    raising.run(build, [RULE], EVER, NIGHTS[1])
    assert alerts(build).equals(held)


def test_overlapping_versions_are_refused(tmp_path: Path) -> None:
    entry = "{rule_id: r, version: %d, label: x, severity: general, source: money_finding, valid_from: %s}\n"
    file = tmp_path / "rules.yaml"
    file.write_text("- " + entry % (1, "2026-01-01") + "- " + entry % (2, "2026-02-01"))
    with pytest.raises(Permanent, match="versions 1 and 2 of r overlap"):
        rules.load(file)


def test_the_shipped_rules_name_only_what_exists() -> None:
    shipped = rules.load()
    known = pl.read_csv(ROOT / "dbt_project" / "seeds" / "ref_threshold.csv", infer_schema=False)["parameter"]
    assert {name for rule in shipped for name in rule.rests_on} <= set(known)
    assert {rule.severity for rule in shipped} <= set(vocabulary.ALERT_SEVERITIES)
    kinds = {*vocabulary.FINDING_KINDS, *vocabulary.PRICE_TESTS}
    assert {kind for rule in shipped for kind in rule.kind or ()} <= kinds
    assert {name for rule in shipped for name in rule.confidence or ()} <= set(vocabulary.CONFIDENCES)
    assert {rule.source for rule in shipped} == set(raising._FINDINGS)
