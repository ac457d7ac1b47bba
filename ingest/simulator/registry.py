"""The city's own feeds: organisations, calendar, suppliers, ingredients, accounts, as contract columns.

Belongs here: reference rows. Does not belong here: how they become files (``delivery``).
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from ingest.simulator import catalogue
from ingest.simulator.city import MODES, STAGES, UNITS, City
from ingest.simulator.service import Service
from warehouse.vocabulary import CITY_DIVISION, ROLE_KINDS

_SURNAMES = "王李张刘陈杨黄周吴"


def _reported(city: City) -> pl.Expr:
    """Eight in the morning of the city's first day, local time."""
    return (pl.lit(city.life).cast(pl.Datetime("us")) + pl.duration(hours=8)).alias("reported_at")


def organisations(city: City) -> pl.DataFrame:
    """City, reporting units, schools, canteens."""
    rows: list[tuple[object, ...]] = [
        (CITY_DIVISION, None, "city", "岳阳市", CITY_DIVISION, None, None, False, None)
    ]
    rows += [
        (code, CITY_DIVISION, kind, name, code, None, None, False, None) for code, name, kind, _, _ in UNITS
    ]
    for c, (canteen_id, school_id) in enumerate(zip(city.canteen_ids, city.school_ids, strict=True)):
        division, stage = UNITS[int(city.provider[c])][0], STAGES[int(city.stage[c])]
        subsidised, pupils = bool(city.subsidised[c]), int(city.pupils[c])
        first = city.school_of[c] == c
        if first:
            rows.append(
                (school_id, division, "school", city.school_names[c], division, stage, None, subsidised, None)
            )
        name = f"{city.school_names[c]}{'食堂' if first else '第二食堂'}"
        mode = MODES[int(city.mode[c])]
        rows.append((canteen_id, school_id, "canteen", name, division, stage, mode, subsidised, pupils))
    columns = ["org_id", "parent_id", "org_kind", "org_name", "division_code", "stage", "operating_mode", "subsidised",
               "pupils"]  # fmt: skip
    return pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None).with_columns(
        pl.lit(city.life).alias("valid_from"),
        pl.lit(None, dtype=pl.Date).alias("valid_to"),
        _reported(city),
    )


def calendar(city: City, service: Service) -> pl.DataFrame:
    """The city's calendar, and the days on which single schools differ from it."""
    rows: list[tuple[object, ...]] = [
        (CITY_DIVISION, day, *row) for day, row in zip(service.days, service.city_days, strict=True)
    ]
    rows += [(city.school_ids[s], day, *row) for (s, day), row in sorted(service.exceptions.items())]
    columns = ["org_id", "biz_date", "is_open", "term_id", "reason"]
    return pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None).with_columns(
        _reported(city)
    )


def suppliers(city: City) -> pl.DataFrame:
    """Suppliers that any canteen uses, in the order of their positions (column ``s``)."""
    used = np.unique(city.suppliers)
    return pl.DataFrame(
        {
            "s": used,
            "supplier_uscc": [city.supplier_codes[s] for s in used],
            "supplier_name": [city.supplier_names[s] for s in used],
            "contact_name": [f"{_SURNAMES[s % 9]}经理" for s in used],
            "contact_phone": [f"139{s * 7919 % 100_000_000:08d}" for s in used],
            "licence_no": [f"JY1430{s * 104729 % 10_000_000_000:010d}" for s in used],
            "valid_from": [city.life] * used.size,
        }
    ).with_columns(pl.lit(None, dtype=pl.Date).alias("valid_to"), _reported(city))


def ingredients(city: City) -> pl.DataFrame:
    """The ingredient library."""
    return pl.DataFrame(
        {
            "ingredient_id": catalogue.IDS,
            "ingredient_name": catalogue.NAMES,
            "category": [catalogue.CATEGORIES[k].code for k in catalogue.CATEGORY],
            "base_unit": catalogue.BASE_UNITS,
        }
    ).with_columns(_reported(city))


def access_grants(city: City) -> pl.DataFrame:
    """Who may see what: two accounts of the city, of each reporting unit and of each school, and one of each
    other kind; one whose access has ended and one for two counties. Nothing about them is drawn."""
    rows: list[tuple[str, str, str, str | None, str, date | None]] = []
    for code, place, name in (
        (CITY_DIVISION, "city", "岳阳市"),
        *((unit[0], unit[3], unit[1]) for unit in UNITS),
    ):
        rows.append((f"{place}_education", f"{name}教育监管", code, "education", "supervisor", None))
        rows.append((f"{place}_market", f"{name}市场监管", code, "market", "supervisor", None))
    for school_id, name in dict(zip(city.school_ids, city.school_names, strict=True)).items():
        for n, post in enumerate(("食堂主管", "财务"), 1):
            rows.append((f"{school_id}_{n}", f"{name}{post}", school_id, None, "supervisor", None))
    for kind in ("steward", "analyst", "scheduler", "admin"):
        rows.append((kind, ROLE_KINDS[kind], CITY_DIVISION, None, kind, None))
    ended = city.life + timedelta(1)
    rows.append(("former_market", "已离任市场监管", UNITS[2][0], "market", "supervisor", ended))
    rows += [
        ("two_counties_education", "跨县区教育督查", unit[0], "education", "supervisor", None)
        for unit in UNITS[:2]
    ]
    columns = ["username", "display_name", "org_id", "department", "role_kind", "valid_to"]
    return (
        pl.DataFrame(rows, schema=columns, orient="row", infer_schema_length=None)
        .with_columns(
            pl.lit(city.life).alias("valid_from"), pl.col("valid_to").cast(pl.Date), _reported(city)
        )
        .select(*columns[:-1], "valid_from", "valid_to", "reported_at")
    )
