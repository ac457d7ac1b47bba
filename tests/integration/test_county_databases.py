"""A second and a third county: databases of three kinds, added by YAML, read incrementally, killed at will."""

import datetime as dt
import shutil
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import county
import polars as pl
import pytest
from county import ARRIVAL, County

from ingest import providers
from ingest.connectors import extraction
from ingest.receipts import RECEIPT
from pipelines import extracting, receiving
from pipelines.silver import door
from warehouse import delta, settings
from warehouse.errors import Permanent, Transient
from warehouse.settings import Settings
from warehouse.tables import DELIVERY, FEEDS

LICENCE = "91350100M000100Y43"
DAYS = [dt.date(2026, 9, day) for day in range(1, 11)]


def inbound(number: int, canteen: int, day: dt.date, qty: str = "2.500", changed: str = "08:00:00") -> tuple:
    at = f"{day} 06:00:00"
    return (number, canteen, number % 3 + 1, 1, qty, "3.20", f"D{number}", at, 0, f"{day} {changed}")


@pytest.fixture(params=county.KINDS)
def platform(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[County]:
    """A county platform with 120 rows of three canteens and ten days."""
    with county.database(request.param, tmp_path) as made:
        monkeypatch.setenv(county.VARIABLE, made.address)
        made.script(county.PLATFORM_SCHEMA)
        made.run("insert into canteens values (?, ?, ?)", *((n, f"食堂{n}", f"C{n}") for n in (1, 2, 3)))
        made.run("insert into inv_products values (?, ?, ?, ?)", *((n, f"菜{n}", "斤", 0) for n in (1, 2, 3)))
        made.run("insert into inv_suppliers values (?, ?, ?, ?)", (1, "甲公司", LICENCE, 0))
        rows = [inbound(n, n % 3 + 1, DAYS[n // 12]) for n in range(120)]
        made.run(f"insert into inv_inbound values ({', '.join('?' * 10)})", *rows)
        yield made


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return settings.load(tmp_path / "home")


def night(home: Settings) -> pl.DataFrame:
    """Extract, receive, silver; the purchases as silver has them."""
    (home.home / "landing").mkdir(exist_ok=True)
    found = extracting.every(home, home.home / "landing", ARRIVAL, lambda _: None)
    assert found["unreachable"] == 0
    receiving.run(home, home.home / "landing", ARRIVAL, lambda _: None, lambda _: None)
    door.run(home, lambda _: None, lambda _: None)
    return silver(home, "purchase")


def silver(home: Settings, feed: str) -> pl.DataFrame:
    return delta.read(home.table(f"silver.{feed}"), FEEDS[feed].columns).sort("record_no")


def held(home: Settings) -> dict[str, tuple]:
    rows = silver(home, "purchase").select("record_no", "canteen_id", "biz_date", "accepted_qty")
    return {number: (canteen, day, qty) for number, canteen, day, qty in rows.iter_rows()}


def in_force(made: County) -> dict[str, tuple]:
    """What the platform itself says now."""
    rows = made.rows(
        "select id, canteen_id, substr(cast(at as char(19)), 1, 10), qty from inv_inbound where deleted = 0"
    )
    return {
        f"in:{number}": (
            str(canteen),
            dt.date.fromisoformat(day),
            Decimal(str(qty)).quantize(Decimal("0.001")),
        )
        for number, canteen, day, qty in rows
    }


@pytest.mark.requirement("S0-137", "S0-138")
def test_a_county_is_added_by_two_yaml_files_and_silver_follows_it(platform: County, home: Settings) -> None:
    county.register(home.home, platform.kind, county.PLATFORM_PROVIDER, county.PLATFORM_SOURCE)
    found = night(home)
    assert held(home) == in_force(platform)
    first = found.row(0, named=True)
    assert (first["supplier_uscc"], first["amount_yuan"]) == (LICENCE, Decimal("8.00"))
    keys = silver_keys(home)
    assert keys == {("canteen", "1", "C1"), ("canteen", "2", "C2"), ("canteen", "3", "C3")} | {
        ("ingredient", str(n), None) for n in (1, 2, 3)
    }
    receipts = delta.read(home.table("bronze.receipt"), RECEIPT)
    assert set(receipts["status"]) == {"received"}
    assert receipts.height == 2 + 6, "two lists, and pages of about 20 rows"

    # Nothing changed: nothing is written. Then everything that can happen to a row.
    landing = home.home / "landing"
    assert extracting.one(home, "testcounty", landing, ARRIVAL, lambda _: None)["rows"] == 0
    change(platform)
    night(home)
    assert held(home) == in_force(platform)
    assert {"in:44", "in:60", "in:17"} & set(held(home)) == set()
    withdrawn = silver(home, "withdrawal").select("canteen_id", "biz_date", "withdrawn_feed").rows()
    assert withdrawn == [("1", DAYS[5], "purchase")]
    again = inbound(600, 1, DAYS[5], changed="09:00:00")
    platform.run(f"insert into inv_inbound values ({', '.join('?' * 10)})", again)
    night(home)
    assert held(home) == in_force(platform)


def change(platform: County) -> None:
    """An update, a soft delete, a new date, deletes that leave no time behind, and a late commit."""
    platform.run("update inv_inbound set qty = 9, updated_at = '2026-09-11 08:00:00' where id = 5")
    platform.run("update inv_inbound set deleted = 1, updated_at = '2026-09-11 08:00:00' where id = 17")
    platform.run(
        "update inv_inbound set at = '2026-09-09 06:00:00', updated_at = '2026-09-11 08:00:00' where id = 30"
    )
    platform.run("delete from inv_inbound where id = 44")
    platform.run("delete from inv_inbound where id in (60, 63, 66, 69)")  # all that a canteen had that day
    late = inbound(500, 2, DAYS[1], changed="01:00:00")
    platform.run(f"insert into inv_inbound values ({', '.join('?' * 10)})", late)


def silver_keys(home: Settings) -> set[tuple]:
    keys = delta.read(home.table("silver.provider_key"), FEEDS["provider_key"].columns)
    return set(keys.select("entity", "source_key", "target_code").iter_rows())


def test_a_kill_after_any_step_loses_and_doubles_nothing(
    platform: County, home: Settings, tmp_path: Path
) -> None:
    county.register(home.home, platform.kind, county.PLATFORM_PROVIDER, county.PLATFORM_SOURCE, page=60)
    undisturbed = copy(home, tmp_path / "undisturbed")
    steps, code = county.extract(undisturbed, platform.address)
    assert code == 0
    assert Counter(steps) == {"announced": 4, "landed": 4, "confirmed": 4, "cursor": 1}
    expected = written(undisturbed)
    # The order of work is the same for every kind: all points on one, a page's own on the others.
    points = range(len(steps)) if platform.kind == "sqlite" else (6, 7, 8, 12)
    for point in points:
        killed = copy(home, tmp_path / f"kill{point}")
        reached, code = county.extract(killed, platform.address, kill_after=point)
        assert (code, reached) == (-9, steps[: point + 1])
        _, code = county.extract(killed, platform.address)
        assert code == 0
        assert written(killed) == expected, f"rows differ after a kill at {steps[point]} ({point})"
    assert list((killed / "extract" / "drafts").iterdir()) == []
    night(settings.load(killed))
    assert held(settings.load(killed)) == in_force(platform)


@pytest.mark.parametrize("platform", ["sqlite"], indirect=True)
def test_a_change_between_a_kill_and_the_next_run_is_not_lost(platform: County, home: Settings) -> None:
    county.register(home.home, platform.kind, county.PLATFORM_PROVIDER, county.PLATFORM_SOURCE, page=40)
    _, code = county.extract(home.home, platform.address, kill_after=7)  # the second page has landed
    assert code == -9
    change(platform)
    night(home)
    assert held(home) == in_force(platform)


def copy(home: Settings, folder: Path) -> Path:
    shutil.copytree(home.home, folder)
    return folder


def written(home: Path) -> Counter:
    """Every row of every landing file, without the time of extraction, and how often it was written."""
    lines: Counter = Counter()
    for file in (home / "landing" / "testcounty").glob("*/*.csv"):
        lines.update(line.rpartition(",")[0] for line in file.read_text("utf8").splitlines()[1:])
    return lines


@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
def test_a_book_of_one_canteen_with_binary_money_and_text_dates(
    kind: str, home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with county.database(kind, tmp_path) as book:
        monkeypatch.setenv(county.VARIABLE, book.address)
        book.script(county.BOOK_SCHEMA)
        book.run("insert into canteen_supplies values (?, ?, ?)", (1, "大米", "斤"))
        book.run(
            "insert into canteen_purchases values (?, ?, ?, ?)",
            *((n, f"O{n}", str(DAYS[n]), LICENCE) for n in range(3)),
        )
        # 0.1 + 0.2 has a binary tail; the last item has no purchase.
        items = [
            (1, 0, 1, 0.1 + 0.2, 2.1, 0.63),
            (2, 1, 1, 10, 2.1, 21.0),
            (3, 2, 1, 5, 2.1, 10.5),
            (4, 99, 1, 1, 1, 1),
        ]
        book.run("insert into canteen_purchase_items values (?, ?, ?, ?, ?, ?)", *items)
        county.register(home.home, kind, county.BOOK_PROVIDER, county.BOOK_SOURCE)
        found = night(home)
        assert found.select(
            "record_no", "canteen_id", "biz_date", "unit", "accepted_qty", "amount_yuan"
        ).rows() == [
            ("item:1", "BOOK1", DAYS[0], "斤", Decimal("0.300"), Decimal("0.63")),
            ("item:2", "BOOK1", DAYS[1], "斤", Decimal("10.000"), Decimal("21.00")),
            ("item:3", "BOOK1", DAYS[2], "斤", Decimal("5.000"), Decimal("10.50")),
        ]
        delivery = delta.read(home.table("silver.delivery"), DELIVERY)
        assert delivery["rows_quarantined"].sum() == 1, "an item without a purchase is kept for the steward"
        # No time of change anywhere: counts and sums tell.
        book.run("update canteen_purchase_items set quantity = 6, subtotal = 12.6 where id = 3")
        book.run("delete from canteen_purchase_items where id = 2")
        night(home)
        assert held(home) == {
            "item:1": ("BOOK1", DAYS[0], Decimal("0.300")),
            "item:3": ("BOOK1", DAYS[2], Decimal("6.000")),
        }


def test_a_database_that_does_not_answer_costs_its_own_rows_and_is_named(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    county.register(home.home, "mariadb", county.PLATFORM_PROVIDER, county.PLATFORM_SOURCE)
    monkeypatch.setenv(county.VARIABLE, "mysql://root:geheim@127.0.0.1:9/none")
    landing = home.home / "landing"
    landing.mkdir()
    said: list[str] = []
    for _ in range(2):
        counts = extracting.every(home, landing, ARRIVAL, said.append)
    assert counts == {"databases": 0, "extracted": 0, "unreachable": 1}
    assert "testcounty" in said[0]
    receipts = delta.read(home.table("bronze.receipt"), RECEIPT)
    assert receipts.select("provider", "status", "refusal_code").rows() == [
        ("testcounty", "missing", "unreachable")
    ]
    with pytest.raises(Transient, match=county.VARIABLE):
        extracting.one(home, "testcounty", landing, ARRIVAL, lambda _: None)
    assert "geheim" not in "".join([*said, *receipts["message"]])


def test_a_missing_address_says_which_variable_to_set(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    county.register(home.home, "sqlite", county.PLATFORM_PROVIDER, county.PLATFORM_SOURCE)
    monkeypatch.delenv(county.VARIABLE, raising=False)
    with pytest.raises(Permanent, match=county.VARIABLE):
        extracting.one(home, "testcounty", home.home / "landing", ARRIVAL, lambda _: None)


def test_a_table_that_the_database_does_not_have_is_named(
    home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with county.database("sqlite", tmp_path) as empty:
        empty.run("create table other (id integer)")
        monkeypatch.setenv(county.VARIABLE, empty.address)
        county.register(home.home, "sqlite", county.PLATFORM_PROVIDER, county.PLATFORM_SOURCE)
        with pytest.raises(Permanent, match="canteens"):
            extraction.run(home.home, providers.get("testcounty", home.home), home.home / "landing", ARRIVAL)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("table: canteens", "table: canteens; drop table x"),
        ("columns: {id: canteens.id", "columns: {id: canteens.id) from x --.id"),
        ("canteen: inv_inbound.canteen_id", "canteen: other.canteen_id"),
        ("layout: products", "layout: nothing"),
        ("name: inv_products.name, unit: inv_products.unit", "name: inv_products.name"),
        ("[provider_key, purchase, withdrawal]", "[provider_key, purchase]"),
        ("connection: CANTEEN_DB_TEST_COUNTY", "connection: mysql://root@host/db"),
    ],
)
def test_a_wrong_declaration_is_refused_before_anything_is_asked(old: str, new: str, home: Settings) -> None:
    assert old in county.PLATFORM_PROVIDER
    county.register(home.home, "sqlite", county.PLATFORM_PROVIDER.replace(old, new), county.PLATFORM_SOURCE)
    with pytest.raises(Permanent, match=r"testcounty\.yaml"):
        providers.load_all(home.home)
