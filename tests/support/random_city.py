"""Small random histories for the tests of the models: every kind of row, odd units, corner cases."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal

from lake import Lake

DUTIES = [("county", "purchase"), ("county", "stock_move")]
NON_FOOD = frozenset({"soap"})


def random_city(seed: int, first: dt.date, days: int, canteens: int = 3) -> Lake:
    """A lake with `canteens` canteens over `days` days; nothing in it is sensible, everything is legal."""
    dice = random.Random(seed)
    lake = Lake()
    for feed in ("purchase", "stock_move"):
        lake.add("provider", provider="county", county_code="430602", feed=feed)
    ingredients = ["rice", "pork", "leek", "soap"]
    for ingredient in ingredients:
        lake.ingredient(ingredient, "non_food" if ingredient in NON_FOOD else "grain")
    calendar = [first + dt.timedelta(n) for n in range(days)]
    lake.open_days(calendar, closed=[day for day in calendar if day.weekday() > 4])
    for n in range(canteens):
        canteen = f"C{n}"
        lake.canteen(
            canteen,
            mode=dice.choice(["self", "contracted"]),
            valid_from=first + dt.timedelta(dice.choice([0, 0, 5, 33])),
        )
        for ingredient in ingredients:
            if dice.random() < 0.7:
                lake.count(
                    canteen,
                    first + dt.timedelta(dice.randrange(4)),
                    ingredient,
                    20,
                    dice.choice([None, "3.337"]),
                )
        for day in calendar:
            _day(lake, dice, canteen, day, ingredients)
    for day in calendar:
        for provider, feed in DUTIES:
            if dice.random() < 0.99:
                lake.add("delivery", provider=provider, feed=feed, canteen_id="C0", biz_date=day)
    return lake


def _day(lake: Lake, dice: random.Random, canteen: str, day: dt.date, ingredients: list[str]) -> None:
    for ingredient in ingredients:
        if dice.random() < 0.4:
            price = Decimal(dice.randrange(100, 90_000)) / 10_000
            unit = dice.choice(["kg", "kg", "斤", "克"])
            qty = Decimal(dice.randrange(1, 9000)) / 1000
            accepted = None if dice.random() < 0.1 else day
            lake.buy(
                canteen,
                day,
                ingredient,
                qty,
                price,
                unit=unit,
                accepted_on=accepted,
                account_kind=dice.choice(["pupil", "pupil", "pupil", "teacher"]),
            )
        if dice.random() < 0.4:
            kind = dice.choice(["issue", "issue", "issue", "loss", "issue_return", "supplier_return"])
            lake.move(
                canteen,
                day,
                ingredient,
                Decimal(dice.randrange(1, 9000)) / 1000,
                move_kind=kind,
                unit=dice.choice(["kg", "斤"]),
                amount_yuan=Decimal(dice.randrange(1, 3000)) / 100 if kind == "supplier_return" else None,
            )
        if dice.random() < 0.03:
            lake.count(canteen, day, ingredient, Decimal(dice.randrange(0, 20_000)) / 1000)
    if day.weekday() < 5 and dice.random() < 0.985:
        lake.eat(canteen, day, Decimal(dice.randrange(0, 5000)) / 100, subsidy_yuan=dice.choice([0, 5]))
        lake.eat(canteen, day, 3, payer_kind="teacher")
    if dice.random() < 0.1:
        lake.add(
            "refund",
            canteen_id=canteen,
            biz_date=day,
            amount_yuan=Decimal(dice.randrange(1, 500)) / 100,
            refund_kind=dice.choice(["meal", "balance"]),
            payer_kind=dice.choice(["pupil", "teacher"]),
        )
    if dice.random() < 0.02:
        lake.add("quarantine", provider="county", feed="purchase", canteen_id=canteen, biz_date=day)
