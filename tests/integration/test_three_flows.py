"""Books and three flows as steps of the night, over one small city that keeps books, with every planted fault.

Only the steps that take files in and fill silver run: what gold makes of it is tested elsewhere.
"""

import datetime as dt
import random
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import city
import polars as pl
import pytest

from pipelines import deciding, night
from pipelines.books import step as books_step
from pipelines.books.events import CARRYING
from pipelines.flows import decisions
from pipelines.flows import step as flows_step
from pipelines.night import Night
from pipelines.prices import references
from pipelines.silver import door
from warehouse import delta, settings
from warehouse.errors import Permanent
from warehouse.settings import Settings
from warehouse.tables import BOOK_STOCK, FLOW_DIFFERENCE, FLOW_EVENT, POSTED_VOUCHER

pytestmark = pytest.mark.long
TABLES = {"flow_event": FLOW_EVENT, "flow_difference": FLOW_DIFFERENCE, "book_stock": BOOK_STOCK}


class KilledError(Exception):
    """Stands for the end of the process."""


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return city.simulate(tmp_path_factory.mktemp("city"), books=1.0)


@pytest.fixture(scope="module")
def whole(landing: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Everything in one range run."""
    return run(tmp_path_factory.mktemp("range") / "home", landing, city.END)


@pytest.fixture(scope="module")
def expected(whole: Settings) -> dict[str, list[Any]]:
    return content(whole)


def run(home: Path, landing: Path, last: dt.date) -> Settings:
    return city.run(home, landing, last, steps=city.SILVER_STEPS)


def table(opened: Settings, name: str) -> pl.DataFrame:
    return delta.read(opened.table(f"silver.{name}"), TABLES[name])


def content(opened: Settings) -> dict[str, list[Any]]:
    """Content of the tables, and sums of the ledger by the day of what happened."""
    found = {
        name: sorted(table(opened, name).select(sorted(columns)).rows(), key=str)
        for name, columns in TABLES.items()
    }
    posted = delta.read(opened.table("silver.posted_voucher"), POSTED_VOUCHER)
    sums = (
        posted.filter(~pl.col("event_kind").is_in(list(CARRYING)))
        .group_by("canteen_id", "event_date", "account_set", "account_code")
        .agg(pl.col("debit_yuan").sum() - pl.col("credit_yuan").sum())
        .filter(pl.col("debit_yuan") != 0)
    )
    return found | {"posted": sorted(sums.rows(), key=str)}


def test_several_nights_equal_the_range(
    landing: Path, expected: dict[str, list[Any]], tmp_path: Path
) -> None:
    for day in (*city.arrivals(landing)[::3], city.END):
        home = run(tmp_path / "home", landing, day)
    assert content(home) == expected


def test_arrivals_in_another_order_give_the_same_content(
    landing: Path, expected: dict[str, list[Any]], tmp_path: Path
) -> None:
    files = sorted(path for path in landing.rglob("*") if path.is_file() and path.name != "control.json")
    dice = random.Random(0)
    dice.shuffle(files)
    cut, part = dice.randrange(1, len(files)), tmp_path / "landing"
    city.copy(landing.rglob("control.json"), landing, part)
    for chunk in (files[:cut], files[cut:]):
        city.copy(chunk, landing, part)
        home = run(tmp_path / "home", part, city.END)
    assert content(home) == expected


def test_a_run_that_ends_after_any_commit_is_made_good_by_the_next(
    landing: Path, expected: dict[str, list[Any]], tmp_path: Path
) -> None:
    part = tmp_path / "landing"
    city.copy((path for path in landing.rglob("*") if path.is_file()), landing, part)
    opened = run(tmp_path / "home", part, city.END - dt.timedelta(days=5))
    tonight = Night(opened, part, city.END, city.END)
    night.receive(tonight, lambda _: None)
    door.run(opened, lambda _: None, lambda _: None)
    references.run(opened, lambda _: None, lambda _: None)
    for step, commits in ((books, 5), (flows, 2)):
        killed = []
        for survived in range(1, commits + 1):
            steps: list[str] = []

            def on_step(name: str, steps: list[str] = steps, survived: int = survived) -> None:
                steps.append(name)
                if len(steps) == survived:
                    raise KilledError

            try:
                step(opened, on_step)
            except KilledError:
                killed.append(steps[-1])
        assert killed, "no run was killed"
        step(opened, lambda _: None)
    assert content(opened) == expected


def test_a_first_run_that_is_killed_begins_again(
    whole: Settings, expected: dict[str, list[Any]], tmp_path: Path
) -> None:
    shutil.copytree(whole.home, tmp_path / "home")
    opened = settings.load(tmp_path / "home")
    steps: list[str] = []

    def on_step(name: str) -> None:
        steps.append(name)
        if len(steps) == 2:  # in the midst of history
            raise KilledError

    for name in ("flow_event", "flow_difference"):
        shutil.rmtree(opened.table(f"silver.{name}"))
    with pytest.raises(KilledError):
        flows(opened, on_step)
    flows(opened, lambda _: None)
    assert content(opened) == expected


def books(opened: Settings, on_step: Any) -> None:
    books_step.run(opened, city.END, lambda _: None, on_step)


def flows(opened: Settings, on_step: Any) -> None:
    flows_step.run(opened, lambda _: None, on_step)


def test_a_night_without_news_writes_nothing(whole: Settings) -> None:
    before = {name: delta.version(whole.table(f"silver.{name}")) for name in TABLES}
    assert set(books_step.run(whole, city.END, lambda _: None, lambda _: None).values()) == {0}
    assert set(flows_step.run(whole, lambda _: None, lambda _: None).values()) == {0}
    assert {name: delta.version(whole.table(f"silver.{name}")) for name in TABLES} == before


def test_a_home_without_books_gets_no_tables(tmp_path: Path) -> None:
    opened = settings.load(tmp_path / "home")
    assert set(books_step.run(opened, city.END, lambda _: None, lambda _: None).values()) == {0}
    assert set(flows_step.run(opened, lambda _: None, lambda _: None).values()) == {0}
    assert not any(opened.table(f"silver.{name}").exists() for name in TABLES)


def test_a_canteen_that_keeps_no_books_has_no_events(whole: Settings) -> None:
    registered = delta.read(whole.table("silver.org"), {"org_id": pl.String(), "org_kind": pl.String()})
    canteens = set(registered.filter(pl.col("org_kind") == "canteen")["org_id"])
    assert set(table(whole, "flow_event")["canteen_id"]) < canteens


def test_each_flow_is_explained_to_zero(whole: Settings) -> None:
    """What no difference names is equal in every flow; what the bank has elsewhere and nobody tells of is nobody's."""
    signed = pl.when(pl.col("direction") == "in").then("amount_yuan").otherwise(-pl.col("amount_yuan"))
    events = table(whole, "flow_event").filter(
        pl.col("match_id").is_not_null() | pl.col("difference_id").is_not_null()
    )
    agreed = events.filter(pl.col("difference_id").is_null()).with_columns(signed=signed)
    by_flow = (
        agreed.group_by("canteen_id", "flow").agg(pl.col("signed").sum()).pivot("flow", index="canteen_id")
    )
    natural = (
        agreed.filter((pl.col("flow") != "business").all().over("match_id"), pl.col("flow") == "bank")
        .group_by("canteen_id")
        .agg(natural=pl.col("signed").sum())
    )
    sums = by_flow.join(natural, on="canteen_id", how="left").fill_null(Decimal(0))
    assert sums["bank"].to_list() == sums["books"].to_list()
    assert (sums["bank"] - sums["natural"]).to_list() == sums["business"].to_list()
    named = events.filter(pl.col("difference_id").is_not_null()).with_columns(signed=signed)
    told = table(whole, "flow_difference").sort("difference_id")
    for flow in ("bank", "business", "books"):
        mine = named.group_by("difference_id").agg(pl.col("signed").filter(pl.col("flow") == flow).sum())
        assert mine.sort("difference_id")["signed"].to_list() == told[f"{flow}_yuan"].to_list()


def test_money_that_went_through_another_account_is_found(landing: Path, whole: Settings) -> None:
    planted = pl.read_parquet(landing.parent / "truth" / "faults.parquet")
    kinds = ["payment_to_other_account", "non_special_account_used"]
    wrong = table(whole, "flow_difference").filter(pl.col("break_type") == "wrong_account")
    expected = planted.filter(pl.col("kind").is_in(kinds))
    assert expected.height > 0
    assert set(expected["canteen_id"]) == set(wrong["canteen_id"])
    assert wrong.height == expected.height


def decision(file: Path, *lines: str) -> Path:
    file.write_text("\n".join(["差异或事件编号,裁定,事由,裁定角色,科目编码", *lines]), "gb18030")
    return file


def test_a_decision_settles_its_difference_and_outlives_a_recomputation(
    landing: Path, whole: Settings, tmp_path: Path
) -> None:
    half = run(tmp_path / "home", landing, city.END - dt.timedelta(days=2))
    wrong = (
        table(half, "flow_difference").filter(pl.col("break_type") == "wrong_account").sort("difference_id")
    )
    name = wrong["difference_id"][0]
    line = table(half, "flow_event").filter(pl.col("difference_id") == name, pl.col("flow") == "bank")
    file = decision(
        tmp_path / "decided.csv", f"{line['event_id'][0]},已查明原因,误付后已退回,数据管理员,2101"
    )
    assert deciding.decide(half, file, city.END)["status"] == "received"
    assert deciding.decide(half, file, city.END)["status"] == "duplicate"
    opened = run(tmp_path / "home", landing, city.END)
    found = table(opened, "flow_difference").filter("decided")
    assert found.select("difference_id", "decided_reason").rows() == [(name, "已查明原因：误付后已退回")]
    events = table(opened, "flow_event")
    assert set(events.filter("decided")["difference_id"]) == {name}
    undecided = events.drop("decided").sort("event_id").rows()
    assert undecided == table(whole, "flow_event").drop("decided").sort("event_id").rows()
    coded = decisions.coded(opened, line)
    assert coded.select("account_code", "method").rows() == [("2101", "precedent")]


def test_a_decision_about_what_does_not_exist_is_refused_with_its_lines(
    whole: Settings, tmp_path: Path
) -> None:
    event = table(whole, "flow_event")["event_id"][0]
    file = decision(
        tmp_path / "wrong.csv", "D-nothing,已查明原因,说明,数据管理员,", f"{event},同意,,数据管理员,9x"
    )
    with pytest.raises(Permanent) as refused:
        deciding.decide(whole, file, city.END)
    for told in (
        "第 2 行：没有这个差异或事件编号",
        "第 3 行：裁定须为",
        "第 3 行：事由为空",
        "第 3 行：会计科目表",
    ):
        assert told in str(refused.value)
