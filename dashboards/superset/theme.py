"""Colours, fonts and the two themes of the cockpit.

Belongs here: what the pages look like, and which of the two themes a page gets. A wall screen shows
a page with `standalone` in its address and gets the dark theme; everything else is light, which also
prints. `theme=dark` or `theme=light` in the address decides otherwise.
"""

from __future__ import annotations

from typing import Any, Final

from flask import has_request_context, request

APP_NAME: Final = "校园食堂监管驾驶舱"
FONT: Final = "'Noto Sans CJK SC','Source Han Sans SC','Microsoft YaHei','PingFang SC',sans-serif"
RED, YELLOW, GREEN, UNKNOWN = "#cf1322", "#faad14", "#389e0d", "#8c8c8c"
INK: Final = "#1f1f1f"
"""Text on yellow, where white could hardly be read."""
VERDICTS: Final = {"红": RED, "黄": YELLOW, "绿": GREEN, "未知": UNKNOWN}
LOGO: Final = "/canteen/logo.svg"

_SPINNER: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="48" height="48" viewBox="0 0 48 48">'
    '<circle cx="24" cy="24" r="18" fill="none" stroke="#1677ff" stroke-width="4" stroke-linecap="round" '
    'stroke-dasharray="70 50"><animateTransform attributeName="transform" type="rotate" from="0 24 24" '
    'to="360 24 24" dur="1s" repeatCount="indefinite"/></circle></svg>'
)

_TOKENS: Final = {
    "brandAppName": APP_NAME,
    "brandLogoAlt": APP_NAME,
    "brandLogoUrl": LOGO,
    "brandLogoHref": "/",
    "brandLogoHeight": "24px",
    "brandLogoMargin": "18px 0",
    "brandIconMaxWidth": 240,
    "brandSpinnerSvg": _SPINNER,
    "fontUrls": [],
    "fontFamily": FONT,
    "fontFamilyCode": "'Noto Sans Mono CJK SC',monospace",
    "colorError": RED,
    "colorWarning": YELLOW,
    "colorSuccess": GREEN,
    "borderRadius": 6,
    "transitionTiming": 0.3,
    "fontSizeXS": "8",
    "fontSizeXXL": "28",
    "fontWeightNormal": "400",
    "fontWeightLight": "300",
    "fontWeightStrong": "500",
    "fontWeightBold": "700",
}
# The buttons beside a legend select all or none of its series: more in the way than of use. Charts
# that grow into place cost a second of a small machine's time and say nothing.
_CHARTS: Final = {"legend": {"selector": False}, "animation": False}
# Bars count things, so that their axis has whole numbers. Ends of flows stand beside the step that they end, not at the
# far side; names need room after the last step.
_OF_KIND: Final = {
    "echarts_timeseries_bar": {"yAxis": {"minInterval": 1}},
    "sankey_v2": {
        "series": {
            "nodeAlign": "left",
            "nodeWidth": 14,
            "nodeGap": 14,
            "left": 8,
            "right": 90,
            "top": 12,
            "bottom": 12,
            "draggable": False,
            "emphasis": {"focus": "adjacency"},
            "lineStyle": {"opacity": 0.35, "curveness": 0.5},
        }
    },
}
LIGHT: Final = {
    "algorithm": "default",
    "echartsOptionsOverrides": _CHARTS,
    "echartsOptionsOverridesByChartType": _OF_KIND,
    "token": {**_TOKENS, "colorPrimary": "#1558b0", "colorLink": "#1558b0", "colorInfo": "#1558b0"},
}
DARK: Final = {
    "algorithm": "dark",
    "echartsOptionsOverrides": _CHARTS,
    "echartsOptionsOverridesByChartType": _OF_KIND,
    "token": {
        **_TOKENS,
        "colorPrimary": "#22a7f0",
        "colorLink": "#5cc3ff",
        "colorInfo": "#22a7f0",
        "colorBgBase": "#071a35",
        "colorBgLayout": "#061226",
        "colorBgContainer": "#0b2345",
        "colorBgElevated": "#0e2a52",
        "colorBorder": "#1d4c8f",
        "colorBorderSecondary": "#163a6e",
        "colorTextBase": "#dcebff",
    },
}

CATEGORICAL: Final[list[dict[str, Any]]] = [
    {
        "id": "canteen",
        "label": "校园食堂",
        "description": "",
        "isDefault": True,
        "colors": [
            "#2f7ed8",
            "#13a8a8",
            "#7cb305",
            "#d48806",
            "#d4380d",
            "#c41d7f",
            "#722ed1",
            "#2f54eb",
            "#5b8c00",
            "#8c8c8c",
        ],
    }
]
SEQUENTIAL: Final[list[dict[str, Any]]] = [
    {
        "id": "canteen_verdict",
        "label": "红黄绿",
        "description": "",
        "isDiverging": True,
        "isDefault": False,
        "colors": [GREEN, YELLOW, RED],
    },
    {
        "id": "canteen_share",
        "label": "占比",
        "description": "",
        "isDiverging": False,
        "isDefault": True,
        "colors": ["#e6f4ff", "#91caff", YELLOW, "#ff7a45", RED],
    },
]

_MONTHS: Final = [f"{month}月" for month in range(1, 13)]
DATES: Final = {
    "dateTime": "%Y年%-m月%-d日 %H:%M:%S",
    "date": "%Y-%m-%d",
    "time": "%H:%M:%S",
    "periods": ["上午", "下午"],
    "days": ["星期日", "星期一", "星期二", "星期三", "星期四", "星期五", "星期六"],
    "shortDays": ["日", "一", "二", "三", "四", "五", "六"],
    "months": _MONTHS,
    "shortMonths": _MONTHS,
}
NUMBERS: Final = {"decimal": ".", "thousands": ",", "grouping": [3], "currency": ["￥", ""]}


def chosen() -> str:
    """``dark`` or ``light``, by the address of the page that is being asked for."""
    if not has_request_context():
        return "light"
    wanted = request.args.get("theme")
    if wanted in {"dark", "light"}:
        return wanted
    return "dark" if request.args.get("standalone") else "light"


def of_request() -> dict[str, Any]:
    """The theme of the page that is being asked for."""
    return DARK if chosen() == "dark" else LIGHT
