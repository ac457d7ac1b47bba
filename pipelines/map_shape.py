"""The customer's reviewed map: from GeoJSON to a delivery of the feed ``map_shape``.

Belongs here: what a map file must be, and how a boundary of several parts becomes one ring. No vertex
is moved or left out: a reviewed map is shown as it was reviewed. Does not belong here: how the map is
drawn, and which units there are (the registry).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import polars as pl

from warehouse import delta
from warehouse.contracts.fields import MAX_RING
from warehouse.errors import Permanent
from warehouse.manifest import write_durably
from warehouse.settings import Settings
from warehouse.tables import FEEDS

PROVIDER: Final = "supervisor"
FILE_BYTES: Final = 16 << 20
FEATURES: Final = 1_000
# Degrees that any place in China lies within; projected coordinates are far outside.
WEST, EAST, SOUTH, NORTH = 73.0, 136.0, 3.0, 54.0
_NAMED_BY: Final = ("adcode", "code", "name")

Ring = list[list[float]]


def load(
    settings: Settings, file: Path, *, review_no: str, reviewed_on: dt.date, arrival: dt.date, landing: Path
) -> dict[str, Any]:
    """Check a map and deliver it; the next night shows it.

    Args:
        settings: The data home, for its registered units.
        file: GeoJSON, one Polygon or MultiPolygon per county and management area, named by the property
            ``adcode``, ``code`` or ``name``; longitude and latitude in degrees.
        review_no: Number of the map's official review.
        reviewed_on: Day of the review.
        arrival: Day of arrival.
        landing: The landing root.

    Returns:
        ``file`` (path of the delivery), ``units``, ``vertices`` and ``review_no``.

    Raises:
        Permanent: The file or the number is not as described; nothing is written.
    """
    number = review_no.strip()
    if not number or len(number) > 64 or not number.isprintable():
        raise Permanent("审图号不能为空、不超过64个字符：请用 --review-no 写明审核机关给出的审图号")
    names = _units(settings)
    rings = _by_unit(_features(file), names)
    now = dt.datetime.now(dt.timezone(dt.timedelta(hours=8)))
    rows = [
        {"division_code": code, "ring_json": _text(rings[code], names[code]), "review_no": number}
        | {"reviewed_on": f"{reviewed_on}", "reported_at": f"{now:%Y-%m-%d %H:%M:%S}"}
        for code in sorted(rings)
    ]
    content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path = (
        landing
        / PROVIDER
        / f"{arrival}"
        / f"map_shape_{hashlib.sha256(content.encode()).hexdigest()[:12]}.jsonl"
    )
    write_durably(path, content)
    vertices = sum(len(ring) for ring in rings.values())
    return {"file": str(path), "units": len(rows), "vertices": vertices, "review_no": number}


def _units(settings: Settings) -> dict[str, str]:
    """Division code and name of every registered county and management area."""
    rows = delta.read(settings.table("silver.org"), FEEDS["org"].columns)
    units = (
        rows.filter(pl.col("org_kind").is_in(["county", "management_area"]))
        .sort("valid_from", "reported_at")
        .group_by("division_code", maintain_order=True)
        .agg(pl.col("org_name", "valid_to").last())
        .filter(pl.col("valid_to").is_null())
    )
    if units.is_empty():
        raise Permanent(f"{settings.home} 尚未登记县区：请先运行 ./canteen nightly --date 日期")
    return dict(units.select("division_code", "org_name").iter_rows())


def _features(file: Path) -> list[dict[str, Any]]:
    if not file.is_file():
        raise Permanent(f"{file} 不存在或不是文件：请给出 GeoJSON 文件")
    if file.stat().st_size > FILE_BYTES:
        raise Permanent(f"{file} 超过 {FILE_BYTES >> 20} MB：请提供适合屏幕显示的地图")
    try:
        content = json.loads(file.read_bytes(), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Permanent(f"{file} 不是正确的 JSON：请重新导出为 GeoJSON（UTF-8）") from error
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list) or content.get("type") != "FeatureCollection":
        raise Permanent(f"{file} 不是 GeoJSON 的 FeatureCollection：请重新导出")
    if len(features) > FEATURES:
        raise Permanent(f"{file} 有 {len(features)} 个要素，上限 {FEATURES}：请只保留县区")
    return features


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _by_unit(features: Iterable[Any], names: dict[str, str]) -> dict[str, Ring]:
    """Each unit's ring; refuses a unit that is missing, there twice, or not ours."""
    codes = {**{code: code for code in names}, **{name: code for code, name in names.items()}}
    found: dict[str, Ring] = {}
    for number, feature in enumerate(features, 1):
        feature = feature if isinstance(feature, dict) else {}
        given = feature.get("properties")
        words = (
            [str(given[key]).strip() for key in _NAMED_BY if key in given] if isinstance(given, dict) else []
        )
        code = next((codes[word] for word in words if word in codes), None)
        if code is None:
            raise Permanent(
                f"第 {number} 个要素（{'、'.join(words)[:60] or '无名称'}）不是已登记的县区："
                f"请用属性 {'、'.join(_NAMED_BY)} 之一写明行政区划代码或名称，并删去其他要素"
            )
        if code in found:
            raise Permanent(f"{names[code]} 出现两次：每个县区只能有一个要素")
        found[code] = one_ring(_polygons(feature.get("geometry"), names[code]))
    missing = [name for code, name in names.items() if code not in found]
    if missing:
        raise Permanent(f"缺少 {'、'.join(missing)}：地图应包含全部县区")
    return found


def _polygons(geometry: Any, name: str) -> list[list[Ring]]:
    """Polygons of a geometry, each its outer ring and its holes."""
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in ("Polygon", "MultiPolygon"):
        raise Permanent(f"{name} 的图形是 {kind}：只接受 Polygon 和 MultiPolygon")
    parts = geometry.get("coordinates")
    polygons = [parts] if kind == "Polygon" else parts
    if not _filled(polygons) or not all(_filled(polygon) for polygon in polygons):
        raise Permanent(f"{name} 没有坐标：请重新导出")
    return [[_ring(ring, name) for ring in polygon] for polygon in polygons]


def _filled(value: Any) -> bool:
    return isinstance(value, list) and bool(value)


def _ring(ring: Any, name: str) -> Ring:
    if not isinstance(ring, list) or len(ring) < 4 or ring[0] != ring[-1]:
        raise Permanent(f"{name} 有一圈边界不足 4 个点或首尾不相接：请重新导出")
    if not all(_is_place(point) for point in ring):
        raise Permanent(
            f"{name} 有坐标不是经纬度（经度 {WEST}—{EAST}，纬度 {SOUTH}—{NORTH}）：请导出为经纬度坐标"
        )
    return [[point[0], point[1]] for point in ring]


def _is_place(point: Any) -> bool:
    if not isinstance(point, list) or len(point) not in (2, 3):
        return False
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in point):
        return False
    return math.isfinite(point[0]) and WEST <= point[0] <= EAST and SOUTH <= point[1] <= NORTH


def one_ring(polygons: Sequence[Sequence[Ring]]) -> Ring:
    """All rings as one: each is entered from the first vertex and left back to it.

    The connecting lines have no width, so what is enclosed stays the same: outer rings run against the
    clock and holes with it, and the areas with their signs add up.
    """
    path: Ring = []
    for polygon in polygons:
        for place, ring in enumerate(polygon):
            is_hole = place > 0
            path += ring[::-1] if (twice_area(ring) < 0) != is_hole else ring
            if path[-1] != path[0]:
                path.append(path[0])
    return path


def twice_area(ring: Ring) -> float:
    """Twice the signed area within a closed ring, in square degrees; positive against the clock."""
    return math.fsum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))


def _text(ring: Ring, name: str) -> str:
    text = json.dumps(ring, separators=(",", ":"))
    if len(text) > MAX_RING:
        raise Permanent(
            f"{name} 的边界有 {len(ring)} 个点、{len(text)} 个字符，上限 {MAX_RING}：请提供比例尺更小的已审核地图"
        )
    return text
