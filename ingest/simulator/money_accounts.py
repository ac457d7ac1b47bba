"""Bank accounts of the canteens that keep books, and of those who pay them.

Belongs here: account numbers and the rows of the registered accounts. Does not belong here: what moves on them.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from ingest.simulator.bank_layouts import LAYOUTS
from ingest.simulator.city import UNITS, City
from ingest.simulator.money_plan import own_statements
from warehouse.vocabulary import CITY_DIVISION

CITY_BANK: Final = "ccb"
"""The bank whose export holds all accounts but those with statements of their own."""
_OWN_BANKS: Final = ("psbc", "abc", "bcm", "cmbc", "scrcb")
CHANNELS: Final = {
    2: ("财付通支付科技有限公司", "8343000000020011"),
    3: ("岳阳市校园餐费结算专户", "8343000000030018"),
    4: ("", ""),
}
"""Who pays over what came through a channel: name and account; cash is paid in at the counter."""


def special(c: int) -> str:
    """A canteen's special account."""
    return f"8043{c:05d}{(c * 7_919 + 17) % 10**7:07d}"


def school(school_of: int) -> str:
    """A school's other account."""
    return f"8143{school_of:05d}{(school_of * 6_007 + 31) % 10**7:07d}"


def bureau(provider: int) -> str:
    """The education bureau's account of a county."""
    return f"8243{provider:05d}{(provider * 5_003 + 13) % 10**7:07d}"


def supplier(s: int) -> str:
    """A supplier's account."""
    return f"6217{s:06d}{s * 104_729 % 10**8:08d}"


def layout_of(keepers: list[int], c: int) -> str:
    """The bank of a canteen, as the name of its layout."""
    own = own_statements(keepers)
    return _OWN_BANKS[own.index(c) % len(_OWN_BANKS)] if c in own else CITY_BANK


def registered(city: City, keepers: list[int]) -> pl.DataFrame:
    """Rows of the feed ``bank_account`` without times: what is registered from the city's first day on."""
    rows: list[tuple[str, str, str, str, str]] = []
    for c in keepers:
        bank = LAYOUTS[layout_of(keepers, c)].bank
        name = f"{city.school_names[c]}{'食堂' if city.school_of[c] == c else '第二食堂'}"
        rows.append((special(c), city.canteen_ids[c], "special", f"{name}专户", f"{bank}岳阳支行"))
    for s in sorted({int(city.school_of[c]) for c in keepers}):
        rows.append((school(s), city.school_ids[s], "school", city.school_names[s], "建设银行岳阳支行"))
    for p in sorted({int(city.provider[c]) for c in keepers}):
        rows.append((bureau(p), UNITS[p][0], "bureau", f"{UNITS[p][1]}教育局", "工商银行岳阳支行"))
    rows += [
        (number, CITY_DIVISION, "channel", name, "建设银行岳阳支行")
        for name, number in CHANNELS.values()
        if name
    ]
    columns = ["account_no", "org_id", "account_role", "account_name", "bank_name"]
    return pl.DataFrame(rows, schema=columns, orient="row")
