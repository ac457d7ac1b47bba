"""The access file holds exactly the grants of the day, for its owner's eyes only."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dashboards.sync import access
from warehouse import serving, settings
from warehouse.errors import Permanent
from warehouse.settings import Settings

AS_OF = dt.date(2026, 10, 15)
FOREVER = dt.date(9999, 12, 31)
Grant = tuple[str, str, str | None, str | None, str | None, dt.date, dt.date]


def publish(home: Settings, *grants: Grant) -> Settings:
    """A snapshot with every dataset, two counties, and some grants."""
    folder = home.serving.parent
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "snapshot-1.duckdb").unlink(missing_ok=True)
    with duckdb.connect(str(folder / "snapshot-1.duckdb")) as connection:
        connection.execute("create schema cockpit")
        for name in access.DATASETS:
            connection.execute(
                f"create table cockpit.{name} as select county_code, 'S1' as school_id, 'both' as department, "
                f"1 as snapshot_id, date '{AS_OF}' as as_of from (values ('430626'), ('430602')) as v (county_code)"
            )
        connection.execute(
            f"create or replace table cockpit.snapshot as select 1 as snapshot_id, date '{AS_OF}' as as_of"
        )
        connection.execute(
            "create table cockpit.access_grant (username varchar, tier varchar, department varchar, "
            "county_code varchar, school_id varchar, valid_from date, valid_to date)"
        )
        if grants:
            connection.executemany("insert into cockpit.access_grant values (?, ?, ?, ?, ?, ?, ?)", grants)
    serving.swap(home, "snapshot-1.duckdb")
    return home


def users(home: Settings) -> dict[str, dict[str, Any]]:
    return {user["username"]: user for user in json.loads(access.write(home).read_text("utf8"))["users"]}


def grant(name: str, tier: str, **given: Any) -> Grant:
    return (
        name, tier, given.get("department"), given.get("county"), given.get("school"),
        given.get("since", dt.date(2026, 9, 1)), given.get("until", FOREVER),
    )  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return settings.load(tmp_path / "home")


@pytest.mark.parametrize(
    ("since", "until", "is_valid"),
    [
        (AS_OF, AS_OF, True),
        (dt.date(2026, 9, 1), FOREVER, True),
        (dt.date(2026, 9, 1), dt.date(2026, 10, 14), False),
        (dt.date(2026, 10, 16), FOREVER, False),
    ],
)
def test_a_demo_takes_the_grants_of_its_last_day_with_data(
    home: Settings, since: dt.date, until: dt.date, is_valid: bool
) -> None:
    publish(home, grant("a", "city", since=since, until=until))
    assert ("a" in users(home)) is is_valid


def test_elsewhere_the_real_day_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANTEEN_PROFILE", "prod")
    today = dt.datetime.now(dt.timezone(dt.timedelta(hours=8))).date()
    home = publish(
        settings.load(tmp_path / "home"),
        grant("today", "city", since=today, until=today),
        grant("as_of", "city", since=AS_OF, until=min(AS_OF, today - dt.timedelta(1))),
    )
    assert list(users(home)) == ["today"]


def test_scopes_are_those_of_the_grants_and_tiers_do_not_mix(home: Settings) -> None:
    publish(
        home,
        grant("county", "county", county="430626", department="market"),
        grant("county", "county", county="430602", department="market"),
        grant("both", "county", county="430602"),
        grant("both", "school", school="S1"),
        grant("departments", "county", county="430602", department="education"),
        grant("departments", "county", county="430626", department="market"),
        grant("school", "school", school="S1"),
    )
    found = users(home)
    assert found["county"]["scopes"] == [
        {"column": "county_code", "value": "430602"},
        {"column": "county_code", "value": "430626"},
    ]
    assert (found["both"]["tier"], found["both"]["scopes"]) == (
        "county",
        [{"column": "county_code", "value": "430602"}],
    )
    assert found["departments"]["department"] == "education"
    assert found["departments"]["scopes"] == [{"column": "county_code", "value": "430602"}]
    assert found["school"]["scopes"] == [{"column": "school_id", "value": "S1"}]


def test_an_analyst_of_the_city_reads_every_county_and_one_of_a_county_that_county(home: Settings) -> None:
    publish(
        home,
        grant("city", "analyst"),
        grant("county", "analyst", county="430626"),
        grant("steward", "steward"),
    )
    found = users(home)
    assert [scope["value"] for scope in found["city"]["scopes"]] == ["430602", "430626"]
    assert [scope["value"] for scope in found["county"]["scopes"]] == ["430626"]
    assert found["steward"]["scopes"] == []


def test_the_file_is_private_and_the_same_for_the_same_grants(home: Settings) -> None:
    grants = [grant(name, "county", county=code) for name in "cab" for code in ("430626", "430602")]
    first = access.write(publish(home, *grants)).read_bytes()
    path = access.write(publish(home, *grants[::-1]))
    assert path.read_bytes() == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["access.json"]


def test_every_dataset_is_described_by_columns_that_it_has(home: Settings) -> None:
    publish(home)
    with duckdb.connect(str(home.serving.resolve())) as connection:
        connection.execute("alter table cockpit.finding drop column department")
    with pytest.raises(Permanent, match=r"finding\.department"):
        access.write(home)
    assert not (home.home / "superset").exists()


def test_without_a_publication_there_is_no_access(home: Settings) -> None:
    with pytest.raises(Permanent, match="尚无已发布的快照"):
        access.write(home)
