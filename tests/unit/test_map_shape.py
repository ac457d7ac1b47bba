"""A map is taken whole and unchanged, or refused with what to do about it."""

from __future__ import annotations

import copy
import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines import map_shape
from warehouse import delta, settings
from warehouse.errors import Permanent
from warehouse.settings import Settings
from warehouse.tables import FEEDS

UNITS = {"430602": "岳阳楼区", "430626": "平江县"}
DAY = dt.date(2026, 9, 1)


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    """A data home whose registry knows two counties."""
    opened = settings.load(tmp_path / "home")
    rows = [
        {"org_id": code, "org_kind": "county", "org_name": name, "division_code": code, "valid_from": DAY}
        for code, name in UNITS.items()
    ]
    columns = FEEDS["org"].columns
    frame = pl.DataFrame({name: [row.get(name) for row in rows] for name in columns}, schema=columns)
    delta.replace(
        opened.table("silver.org"), [frame], columns, period=None, partition=None, commit_id="1", touched=[]
    )
    return opened


def square(west: float, south: float, size: float = 0.5) -> list[list[float]]:
    east, north = west + size, south + size
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def good() -> dict[str, Any]:
    return {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": {"name": "平江县"}, "geometry": {"type": "Polygon", "coordinates": [square(113, 28)]}},
            {"type": "Feature", "properties": {"adcode": 430602}, "geometry": {"type": "Polygon", "coordinates": [square(113, 29)]}},
        ],
    }  # fmt: skip


def load(home: Settings, content: Any, review_no: str = "湘S（2026）001号") -> dict[str, Any]:
    file = home.home / "map.geojson"
    file.write_text(content if isinstance(content, str) else json.dumps(content), "utf8")
    landing = home.home / "landing"
    return map_shape.load(home, file, review_no=review_no, reviewed_on=DAY, arrival=DAY, landing=landing)


def test_a_map_becomes_a_delivery_with_its_review_number(home: Settings) -> None:
    found = load(home, good())
    path = Path(found["file"])
    assert path.parent == home.home / "landing" / "supervisor" / "2026-09-01"
    rows = [json.loads(line) for line in path.read_text("utf8").splitlines()]
    assert [(row["division_code"], row["review_no"], row["reviewed_on"]) for row in rows] == [
        ("430602", "湘S（2026）001号", "2026-09-01"),
        ("430626", "湘S（2026）001号", "2026-09-01"),
    ]
    assert json.loads(rows[0]["ring_json"]) == square(113, 29)
    assert set(rows[0]) == set(FEEDS["map_shape"].contract.columns())


def change(path: str, value: Any) -> Callable[[dict[str, Any]], Any]:
    """Sets one place of the good map."""

    def apply(content: dict[str, Any]) -> Any:
        *steps, last = [int(step) if step.isdigit() else step for step in path.split(".")]
        place: Any = content
        for step in steps:
            place = place[step]
        place[last] = value
        return content

    return apply


SHAPE = "features.0.geometry"
WRONG = {
    "no json": (lambda content: "{", "JSON"),
    "not a number": (lambda content: json.dumps(content).replace("113.5", "NaN"), "JSON"),
    "deep": (lambda content: "[" * 100_000, "JSON"),
    "one feature": (lambda content: content["features"][0], "FeatureCollection"),
    "many": (change("features", [{}] * 1_001), "上限"),
    "missing": (lambda content: {**content, "features": content["features"][:1]}, "缺少 岳阳楼区"),
    "twice": (lambda content: {**content, "features": content["features"] * 2}, "平江县 出现两次"),
    "stranger": (change("features.0.properties", {"name": "长沙县"}), "长沙县.*不是已登记的县区"),
    "nameless": (change("features.0.properties", None), "无名称"),
    "line": (change(SHAPE, {"type": "LineString", "coordinates": square(113, 28)}), "LineString"),
    "empty": (change(f"{SHAPE}.coordinates", []), "没有坐标"),
    "open ring": (change(f"{SHAPE}.coordinates.0", square(113, 28)[:4]), "首尾不相接"),
    "metres": (change(f"{SHAPE}.coordinates.0", square(12_560_000, 3_400_000)), "经纬度"),
    "swapped": (change(f"{SHAPE}.coordinates.0", [[y, x] for x, y in square(113, 28)]), "经纬度"),
    "texts": (change(f"{SHAPE}.coordinates.0.1", ["113", "28"]), "经纬度"),
    "booleans": (change(f"{SHAPE}.coordinates.0.1", [True, 28]), "经纬度"),
    "too fine": (change(f"{SHAPE}.coordinates.0", [square(113, 28)[n % 5] for n in range(10_000)]), "上限 65536"),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "said"), WRONG.values(), ids=WRONG)
def test_a_map_that_is_not_right_is_refused_and_nothing_is_delivered(
    home: Settings, spoil: Callable[[dict[str, Any]], Any], said: str
) -> None:
    with pytest.raises(Permanent, match=said):
        load(home, spoil(copy.deepcopy(good())))
    assert not (home.home / "landing").exists()


@pytest.mark.parametrize("number", ["", "  ", "x" * 65, "a\nb"])
def test_a_map_without_a_review_number_is_refused(home: Settings, number: str) -> None:
    with pytest.raises(Permanent, match="--review-no"):
        load(home, good(), number)


def test_a_file_that_is_too_large_is_not_read(home: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(map_shape, "FILE_BYTES", 10)
    with pytest.raises(Permanent, match="超过"):
        load(home, good())


def test_parts_and_holes_become_one_ring_of_the_same_area_and_all_vertices() -> None:
    outer, island, hole = square(113, 28), square(114, 28, 0.25)[::-1], square(113.1, 28.1, 0.125)
    ring = map_shape.one_ring([[outer, hole], [island]])
    assert map_shape.twice_area(ring) / 2 == pytest.approx(0.25 - 0.015625 + 0.0625)
    assert ring[0] == ring[-1]
    assert all(point in ring for point in (*outer, *island, *hole))


def test_one_polygon_stays_as_it_is() -> None:
    assert map_shape.one_ring([[square(113, 28)]]) == square(113, 28)
