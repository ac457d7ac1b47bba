"""The city's own feeds: organisations, calendar, suppliers, ingredients, as contract columns.

Belongs here: reference rows. Does not belong here: how they become files (``delivery``).
"""

from __future__ import annotations

import numpy as np
import polars as pl

from ingest.simulator import catalogue
from ingest.simulator.city import MODES, STAGES, UNITS, City
from ingest.simulator.service import Service
from warehouse.vocabulary import CITY_DIVISION

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
