"""Who is on the other side of a canteen's account, and how each flow writes the name.

Belongs here: counterparties with their spellings. Does not belong here: what they are paid (``flow_moves``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import polars as pl

from ingest.simulator.city import UNITS
from ingest.simulator.streams import IntArray

FULL, SHORT, BRACKETS, CUT, SPACED = range(5)
VARIANTS: Final = 5
NOBODY: Final = -1
COUNTIES: Final = tuple(unit[1] for unit in UNITS)
_BRANDS: Final = (
    "惠民",
    "兴旺",
    "诚信",
    "绿源",
    "康达",
    "洞庭",
    "君益",
    "鑫农",
    "湘北",
    "三江",
    "福泰",
    "民安",
)
_GOODS: Final = ("粮油", "蔬菜配送", "肉食品", "水产", "豆制品", "乳业", "调味品", "农产品")
_VENDORS: Final = (
    "后勤服务",
    "厨房设备",
    "有害生物防治",
    "办公用品",
    "印务",
    "物业管理",
    "燃气设备安装",
    "检测技术",
)
_SURNAMES: Final = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余"
_CHANNELS: Final = (
    ("财付通支付科技有限公司", "微信支付", "财付通（微信支付）", "财付通支付科技", "财付通 微信支付"),
    ("支付宝（中国）网络技术有限公司", "支付宝", "支付宝（中国）", "支付宝（中国）网络技术", "支付宝 客户备付金"),
    ("岳阳市校园餐费结算专户", "餐费结算专户", "校园餐费（结算专户）", "岳阳市校园餐费结算", "岳阳市 校园餐费结算专户"),
    ("湖南校园一卡通科技有限公司", "校园一卡通", "校园一卡通（湖南）科技有限公司", "湖南校园一卡通科技", "湖南 校园一卡通 科技有限公司"),
)  # fmt: skip


@dataclass(frozen=True)
class Parties:
    """All counterparties; each has ``VARIANTS`` spellings in a row.

    Attributes:
        names: Spelling ``v`` of party ``p`` at ``p * VARIANTS + v``.
        suppliers: (county, S) numbers of the suppliers of a county.
        vendors: (county, V) numbers of those that are paid for other things.
        utilities: (county, 3) power, water, gas.
        bureaus: (county,) education bureaus.
        channels: Payment channels, the same everywhere.
        persons: Masked persons: one number stands for everybody of a surname.
    """

    names: pl.Series
    suppliers: IntArray
    vendors: IntArray
    utilities: IntArray
    bureaus: IntArray
    channels: IntArray
    persons: IntArray

    def spelled(self, party: IntArray, variant: IntArray) -> pl.Series:
        """Names; null where there is nobody."""
        place = pl.Series(np.where(party == NOBODY, 0, party * VARIANTS + variant))
        named = self.names.gather(place)
        return pl.select(pl.when(pl.Series(party != NOBODY)).then(named)).to_series()


def _company(county: str, core: str) -> tuple[str, ...]:
    full = f"岳阳市{county}{core}有限公司"
    return full, core, f"{core}（{county}）有限公司", full[:-3], f"岳阳市 {county} {core} 有限公司"


def _bureau(county: str) -> tuple[str, ...]:
    full = f"岳阳市{county}教育局"
    return full, f"{county}教育局", f"{full}（国库集中支付）", full[:-1], f"岳阳市 {county}教育局"


def _utility(county: str) -> list[tuple[str, ...]]:
    power = f"国网湖南省电力有限公司{county}供电分公司"
    return [
        (power, f"国网{county}供电", f"国网湖南电力（{county}）", power[:-3], f"国网湖南省电力 {county}供电分公司"),
        _company(county, "自来水"),
        _company(county, "城市燃气"),
    ]  # fmt: skip


@cache
def parties() -> Parties:
    """The counterparties of all canteens."""
    rows: list[tuple[str, ...]] = list(_CHANNELS)
    blocks: dict[str, list[list[int]]] = {"suppliers": [], "vendors": [], "utilities": [], "bureaus": []}

    def add(block: str, made: list[tuple[str, ...]]) -> None:
        blocks[block].append(list(range(len(rows), len(rows) + len(made))))
        rows.extend(made)

    for county in COUNTIES:
        add("suppliers", [_company(county, brand + goods) for brand in _BRANDS for goods in _GOODS])
        add(
            "vendors",
            [_company(county, brand + kind) for brand, kind in zip(_BRANDS, _VENDORS, strict=False)],
        )
        add("utilities", _utility(county))
        add("bureaus", [_bureau(county)])
    first = len(rows)
    rows += [(f"{surname}*",) * VARIANTS for surname in _SURNAMES]
    arrays = {name: np.array(block, dtype=np.int64) for name, block in blocks.items()}
    return Parties(
        names=pl.Series([name for row in rows for name in row]),
        suppliers=arrays["suppliers"],
        vendors=arrays["vendors"],
        utilities=arrays["utilities"],
        bureaus=arrays["bureaus"][:, 0],
        channels=np.arange(len(_CHANNELS)),
        persons=np.arange(first, first + len(_SURNAMES)),
    )
