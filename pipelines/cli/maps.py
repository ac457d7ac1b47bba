"""Commands about the map: load.

Belongs here: their options and answers.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from cyclopts import App, Parameter

from pipelines.cli.data import Injected
from pipelines.cli.terminal import Answer
from pipelines.lock import writer

MAP: Final = App(
    name="map",
    help="县区地图：载入已审核的边界，取代示意图。",
    default_parameter=Parameter(negative=()),
    version_flags=[],
)


@MAP.command
def load(
    file: Path,
    /,
    *,
    review_no: str,
    reviewed_on: dt.date | None = None,
    day: Annotated[dt.date | None, Parameter(name="--date")] = None,
    landing: Path | None = None,
    terminal: Injected,
) -> Answer:
    """载入已审核的县区地图（GeoJSON）：写成一次交付，由下一次夜间批次显示。

    Args:
        file: GeoJSON 文件，每个县区一个 Polygon 或 MultiPolygon，经纬度坐标。
        review_no: 审图号，没有审图号的地图不能载入。
        reviewed_on: 审图日期，默认为今天。
        day: 到达日期，默认为今天。
        landing: 交付文件夹，默认为数据目录下的 landing。
    """
    from pipelines import map_shape

    today = dt.datetime.now(ZoneInfo("Asia/Shanghai")).date()
    with writer(terminal.home):
        found = map_shape.load(
            terminal.settings,
            file,
            review_no=review_no,
            reviewed_on=reviewed_on or today,
            arrival=day or today,
            landing=(landing or terminal.landing).absolute(),
        )
    lines = [
        f"已收到 {found['units']} 个县区的边界（{found['vertices']} 个点），审图号 {found['review_no']}",
        f"文件：{found['file']}",
        f"下一步：./canteen nightly --date {day or today}",
    ]
    return Answer(found, lines)
