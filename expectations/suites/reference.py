"""Suites of the reference feeds: organisations, calendar, suppliers, ingredients, provider keys, accounts, map."""

from __future__ import annotations

from typing import Final

import polars as pl

from expectations.checks import GIVEN, Check, Suite, given, share
from warehouse import vocabulary

_IS_CANTEEN: Final = pl.col("org_kind") == "canteen"
_IS_SCHOOL: Final = pl.col("org_kind") == "school"
_BASE_UNITS: Final = ("kg", "千克", "公斤", "L", "升", "件", "个", "枚")

ORG: Final = Suite(
    "org",
    rows=(
        Check("matches", "division_code", "行政区划代码属于本市", pattern=f"^{vocabulary.CITY_DIVISION[:4]}"),
        Check("in_set", "canteen_mode", "食堂应填经营方式", allowed=(GIVEN,)),
        Check("in_set", "canteen_parent", "食堂应有所属学校", allowed=(GIVEN,)),
        Check("in_set", "school_stage", "学校应填学段", tolerated=0.02, allowed=(GIVEN,)),
        Check("between", "eaters", "食堂就餐学生数在5—10000人之间", tolerated=0.05, low=5, high=10_000),
    ),
    derived={
        "canteen_mode": given("operating_mode", _IS_CANTEEN),
        "canteen_parent": given("parent_id", _IS_CANTEEN),
        "school_stage": given("stage", _IS_SCHOOL),
        "eaters": pl.when(_IS_CANTEEN).then(pl.col("pupils")),
    },
)

CALENDAR: Final = Suite(
    "calendar",
    rows=(
        Check("in_set", "open_day_term", "供餐日应注明学期", tolerated=0.05, allowed=(GIVEN,)),
        Check("between", "days_from_arrival", "日期在送达日前后400天之内", low=-400, high=400),
    ),
    derived={
        "open_day_term": given("term_id", pl.col("is_open")),
        "days_from_arrival": (pl.col("biz_date") - pl.col("_arrival_date")).dt.total_days(),
    },
)

SUPPLIER: Final = Suite(
    "supplier",
    rows=(
        Check("not_null", "licence_no", "应填食品经营许可证号", tolerated=0.1),
        Check("not_null", "contact_phone", "应留联系电话", tolerated=0.2),
        Check("between", "name_length", "名称4—60个字", tolerated=0.02, low=4, high=60),
    ),
    derived={"name_length": pl.col("supplier_name").str.len_chars()},
)

INGREDIENT: Final = Suite(
    "ingredient",
    rows=(
        Check("unique", "ingredient_name", "食材名称不重复"),
        Check("in_set", "base_unit", "基本单位为千克、升或件", allowed=_BASE_UNITS),
    ),
    profile=(Check("between", "other_share", "归入“其他食品”的不超过一成", low=0, high=0.1),),
    measures={"other_share": share(pl.col("category") == "other_food")},
)

PROVIDER_KEY: Final = Suite(
    "provider_key",
    rows=(
        Check("in_set", "registered_code", "食堂和供应商应给出登记编码", tolerated=0.02, allowed=(GIVEN,)),
        Check("in_set", "named_ingredient", "食材应给出名称", allowed=(GIVEN,)),
    ),
    derived={
        "registered_code": given("target_code", pl.col("entity").is_in(["canteen", "supplier"])),
        "named_ingredient": given("name", pl.col("entity") == "ingredient"),
    },
)

ACCESS_GRANT: Final = Suite(
    "access_grant",
    rows=(),
    profile=(Check("between", "admin_share", "系统管理员不超过账号的5%", low=0, high=0.05),),
    measures={"admin_share": share(pl.col("role_kind") == "admin")},
)

MAP_SHAPE: Final = Suite(
    "map_shape",
    rows=(
        Check("matches", "division_code", "行政区划代码属于本市", pattern=f"^{vocabulary.CITY_DIVISION[:4]}"),
    ),
)

SUITES: Final = (ORG, CALENDAR, SUPPLIER, INGREDIENT, PROVIDER_KEY, ACCESS_GRANT, MAP_SHAPE)
