"""A small city that keeps books, in silver rows, and one scheme of each kind planted in it.

Belongs here: honest rows of the money feeds and the changes that make a scheme. Does not belong here: any reckoning.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import lake

FIRST, LAST = dt.date(2026, 9, 1), dt.date(2026, 10, 31)
DAYS = [FIRST + dt.timedelta(n) for n in range((LAST - FIRST).days + 1)]
OPEN = [day for day in DAYS if day.weekday() < 5]
GOODS = {"rice": 5, "oil": 12, "pork": 26, "egg": 10, "leek": 6, "tofu": 4, "carp": 18, "salt": 3, "soap": 9}
CANTEENS = [f"C{n}" for n in range(8)]
SUPPLIER, OTHER = "91430600MA4L0000X0", "91430600MA4L0000X1"
PUPILS = 4
PAID = Decimal(200)
HELD, OWED = Decimal(7000), Decimal(90)
MEAL, SUBSIDY, FEE = Decimal(300), Decimal(100), Decimal(500)


def honest_city() -> lake.Lake:
    """Eight canteens; each collects, settles, buys, is invoiced, pays and books every week the same way."""
    city = lake.Lake()
    city.open_days(DAYS, closed=[day for day in DAYS if day.weekday() > 4])
    for name in GOODS:
        city.ingredient(name, "non_food" if name == "soap" else "vegetables")
    for canteen in CANTEENS:
        city.canteen(canteen, valid_from=FIRST, subsidised=True)
        for role, org in (("special", canteen), ("school", f"S-{canteen}")):
            city.add(
                "bank_account",
                account_no=f"{role}-{canteen}",
                org_id=org,
                account_role=role,
                account_name=role,
                bank_name="银行",
                valid_from=FIRST,
            )
        for n, day in enumerate(OPEN):
            _meals(city, canteen, day)
            _fees(city, canteen, day, OPEN[n + 1] if n + 1 < len(OPEN) else None)
            if day.weekday() == 0:
                _supply(city, canteen, day)
    _late_but_named(city)
    _leave_given_back(city)
    _owed_before(city)
    city.canteen("BARE", valid_from=FIRST)
    for day in OPEN:
        city.eat("BARE", day, MEAL)
    return city


def _leave_given_back(city: lake.Lake) -> None:
    """C1's pupil on leave at noon, at night (not charged) and on a Saturday (not charged) gets one meal back."""
    day = OPEN[12]
    for away, meal in ((day, "lunch"), (OPEN[13], "dinner"), (DAYS[4], None)):
        city.add(
            "meal_leave", canteen_id="C1", biz_date=away, meal=meal, payer_kind="pupil", person_hash="C1-2"
        )
    give_back(city, "C1", OPEN[14], "C1-2", MEAL)
    # The first days' refunds may answer meals of before; C3's pupil is given back all that it was ever charged.
    give_back(city, "C1", OPEN[2], "C1-gone", MEAL * 2)
    give_back(city, "C3", OPEN[-1], "C3-1", MEAL * len(OPEN))


def _owed_before(city: lake.Lake) -> None:
    """What C1 held for its pupils and owed its supplier before the first day."""
    for kind, yuan, supplier in (("prepaid", HELD, None), ("payable", OWED, SUPPLIER)):
        city.add(
            "opening_balance",
            canteen_id="C1",
            biz_date=FIRST,
            balance_kind=kind,
            account_kind="pupil",
            supplier_uscc=supplier,
            amount_yuan=yuan,
        )


def give_back(city: lake.Lake, canteen: str, day: dt.date, person: str, amount: Decimal) -> None:
    """Add a refund of meals."""
    city.add("refund", canteen_id=canteen, biz_date=day, person_hash=person, amount_yuan=amount)


def _late_but_named(city: lake.Lake) -> None:
    """The bank of C0 takes three days more for two weeks of equal credits, and says which settlement each is of."""
    late = {f"B-C0-{OPEN[n]}": (OPEN[n], OPEN[n + 4]) for n in range(5, 15)}
    for line in city.rows["bank_line"]:
        if line["record_no"] in late:
            traded, line["biz_date"] = late[line["record_no"]]
            line["biz_month"] = f"{line['biz_date']:%Y-%m}"
            line["purpose_text"] = f"结算单JS-C0-{traded}"


def _meals(city: lake.Lake, canteen: str, day: dt.date) -> None:
    for n in range(PUPILS):
        city.eat(canteen, day, MEAL, person_hash=f"{canteen}-{n}", subsidy_yuan=SUBSIDY)
    city.add(
        "control_total",
        canteen_id=canteen,
        biz_date=day,
        controlled_feed="consumption",
        row_count=PUPILS,
        total_yuan=MEAL * PUPILS,
    )
    book(city, canteen, day, "4001", MEAL * PUPILS, "consumption")
    book(city, canteen, day, "4002", SUBSIDY * PUPILS, "consumption")


def _fees(city: lake.Lake, canteen: str, day: dt.date, settled_on: dt.date | None) -> None:
    city.add(
        "meal_fee",
        canteen_id=canteen,
        biz_date=day,
        payer_kind="pupil",
        person_hash=f"{canteen}-0",
        amount_yuan=FEE,
        channel="bank",
    )
    if settled_on is not None:
        city.add(
            "settlement",
            record_no=f"JS-{canteen}-{day}",
            canteen_id=canteen,
            biz_date=settled_on,
            trade_date=day,
            channel="bank",
            account_no=f"special-{canteen}",
            item_count=1,
            gross_yuan=FEE,
            fee_yuan=0,
            net_yuan=FEE,
        )
        bank(city, f"special-{canteen}", settled_on, FEE, f"B-{canteen}-{day}")


def bank(city: lake.Lake, account: str, day: dt.date, amount: Decimal, number: str) -> None:
    """Add a credit of a statement without running balance."""
    city.add(
        "bank_line",
        record_no=number,
        account_no=account,
        biz_date=day,
        direction="in",
        amount_yuan=amount,
        currency="CNY",
        is_reversal=False,
        proof="explicit",
    )


def book(
    city: lake.Lake,
    canteen: str,
    day: dt.date,
    code: str,
    amount: Decimal,
    source: str,
    *,
    debit: bool = False,
) -> None:
    """Add one line of an upstream voucher; the other side is of no interest here."""
    city.add(
        "voucher_line",
        canteen_id=canteen,
        biz_date=day,
        voucher_no=f"V-{day}",
        line_no=1,
        account_set="canteen",
        account_code=code,
        debit_yuan=amount if debit else 0,
        credit_yuan=0 if debit else amount,
        source_feed=source,
    )


def _supply(city: lake.Lake, canteen: str, day: dt.date) -> None:
    order = f"{canteen}-{day}"
    total = Decimal(0)
    for name, price in GOODS.items():
        city.buy(canteen, day, name, 50, Decimal(price), order_no=order)
        city.move(canteen, day, name, 50)
        total += 50 * price
        _invoice(city, canteen, day + dt.timedelta(2), order, name, 50, price)
    city.add(
        "supplier_payment",
        record_no=f"FK-{order}",
        canteen_id=canteen,
        biz_date=day + dt.timedelta(3),
        supplier_uscc=SUPPLIER,
        invoice_no=f"FP-{order}",
        account_no=f"special-{canteen}",
        payment_method="bank",
        amount_yuan=total,
    )
    for step, person in (("order", "buyer"), ("accept", "cook"), ("store", "keeper"), ("pay", "cashier")):
        handle(city, canteen, day, order, step, person)


def _invoice(
    city: lake.Lake,
    canteen: str,
    day: dt.date,
    order: str,
    name: str,
    qty: int,
    price: int,
    supplier: str = SUPPLIER,
) -> None:
    city.add(
        "invoice",
        record_no=f"FP-{order}-{name}",
        canteen_id=canteen,
        biz_date=day,
        invoice_no=f"FP-{order}",
        supplier_uscc=supplier,
        order_no=order,
        ingredient_id=name,
        unit="kg",
        qty=qty,
        unit_price=price,
        amount_yuan=qty * price,
        tax_yuan=0,
        is_red=False,
    )


def settle(city: lake.Lake) -> None:
    """Four orders of C6 with another supplier: delivered in part, some sent back, dearer, invoiced in part."""
    day = OPEN[3]
    for order, name, ordered, accepted, rejected, invoiced, price in (
        ("part", "rice", 100, 60, 0, 60, 5),
        ("back", "pork", 50, 40, 10, 40, 26),
        ("dearer", "oil", 50, 50, 0, 50, 13),
        ("later", "egg", 50, 50, 0, 20, 10),
    ):
        city.buy(
            "C6",
            day,
            name,
            accepted,
            GOODS[name],
            order_no=order,
            ordered_qty=ordered,
            rejected_qty=rejected,
            supplier_uscc=OTHER,
        )
        city.move("C6", day, name, accepted)
        _invoice(city, "C6", day + dt.timedelta(1), order, name, invoiced, price, OTHER)
    city.add(
        "supplier_payment",
        record_no="FK-other",
        canteen_id="C6",
        biz_date=day + dt.timedelta(2),
        supplier_uscc=OTHER,
        invoice_no="FP-part",
        account_no="special-C6",
        payment_method="bank",
        amount_yuan=300,
    )


def handle(city: lake.Lake, canteen: str, day: dt.date, document: str, step: str, person: str) -> None:
    """Add who did a step of a document."""
    city.add(
        "handling",
        canteen_id=canteen,
        biz_date=day,
        document_no=document,
        duty_step=step,
        person_hash=f"{canteen}-{person}",
    )


def plant(city: lake.Lake) -> set[tuple[str, str]]:
    """Put one scheme of each kind into the city.

    Returns:
        Kind of finding and canteen of each.
    """
    order, day, after = OPEN[9:12]  # a Monday and the two days after it
    rows = city.rows
    for n in range(3):
        city.add("meal_leave", canteen_id="C0", biz_date=day, payer_kind="pupil", person_hash=f"C0-{n}")
    give_back(city, "C2", OPEN[30], "C2-stranger", MEAL)
    give_back(city, "C4", OPEN[25], "C4-3", MEAL * len(OPEN) * 2)
    rows["settlement"] = [r for r in rows["settlement"] if r["record_no"] != f"JS-C1-{day}"]
    rows["bank_line"] = [
        r
        for r in rows["bank_line"]
        if r["record_no"] not in (f"B-C1-{day}", f"B-C2-{day}", f"B-C3-{OPEN[20]}")
    ]
    bank(city, "school-C2", after, FEE, "B-elsewhere")
    for r in list(rows["supplier_payment"]):
        if r["record_no"] == f"FK-C3-{order}":
            r["account_no"] = "school-C3"
        if r["record_no"] == f"FK-C5-{order}":
            city.add(
                "supplier_payment", **(r | {"record_no": "FK-again", "biz_date": order + dt.timedelta(8)})
            )
    for r in rows["invoice"]:
        if r["record_no"] == f"FP-C4-{order}-pork":
            r["qty"], r["amount_yuan"] = 60, 60 * 26
            for p in rows["supplier_payment"]:
                if p["record_no"] == f"FK-C4-{order}":
                    p["amount_yuan"] += 10 * 26
    handle(city, "C6", order, f"C6-{order}", "accept", "buyer")
    handle(city, "C7", order, f"C7-{order}", "store", "cashier")
    rows["control_total"][0]["row_count"] += 1
    weeks = [day for day in DAYS if dt.date(2026, 9, 21) <= day <= dt.date(2026, 9, 27)]
    rows["bank_line"] = [
        r for r in rows["bank_line"] if not (r["account_no"] == "special-C4" and r["biz_date"] in weeks)
    ]
    for r in rows["purchase"]:
        if r["canteen_id"] == "C7" and r["biz_date"].month == 10:
            r["unit_price"] *= Decimal("1.12")
            r["amount_yuan"] = Decimal(50) * r["unit_price"]
    for r in rows["voucher_line"]:
        if r["canteen_id"] == "C5" and r["account_code"] == "4001" and r["biz_date"].month == 9:
            r["credit_yuan"] = MEAL * PUPILS * Decimal("0.95")
        if r["canteen_id"] == "C6" and r["account_code"] == "4002" and r["biz_date"].month == 10:
            r["credit_yuan"] = SUBSIDY * PUPILS * Decimal("0.8")
    book(city, "C0", OPEN[30], "5001", Decimal(4000), "expense", debit=True)
    return {
        ("leave_not_refunded", "C0"),
        ("refund_over_charge", "C2"),
        ("refund_over_charge", "C4"),
        ("payment_not_settled", "C1"),
        ("payment_to_other_account", "C2"),
        ("payment_not_settled", "C3"),
        ("non_special_account_used", "C3"),
        ("invoice_over_acceptance", "C4"),
        ("statement_gap", "C4"),
        ("paid_twice", "C5"),
        ("income_under_reported", "C5"),
        ("duty_conflict", "C6"),
        ("subsidy_not_spent", "C6"),
        ("duty_conflict", "C7"),
        ("ratio_by_price", "C7"),
        ("control_total_mismatch", "C0"),
        ("non_food_as_food", "C0"),
    }


def flows(city: lake.Lake) -> None:
    """Let the three flows of September speak.

    C0 differs by 5 %, C1 by 1 % and by much that adds up, C2's 5 % are decided, C3 has no books. Every one of them pays
    a supplier; bank and books know of it, of C0 only the books, of C3 only the bank.
    """
    income = sum(day.month == 9 for day in OPEN) * PUPILS * (MEAL + SUBSIDY)
    for canteen, percent, decided in (("C0", 5, False), ("C1", 1, False), ("C2", 5, True), ("C3", 5, False)):
        for flow in ("bank", "business", "books"):
            if (canteen, flow) != ("C3", "books"):
                city.add(
                    "flow_event",
                    canteen_id=canteen,
                    biz_date=OPEN[3],
                    event_id=f"{canteen}-{flow}",
                    flow=flow,
                )
                city.add(
                    "flow_event",
                    canteen_id=canteen,
                    biz_date=OPEN[3],
                    event_id=f"{canteen}-{flow}-paid",
                    flow=flow,
                    source_feed="supplier_payment",
                    direction="out",
                    amount_yuan=PAID,
                    match_id=None if (canteen, flow) == ("C0", "bank") else f"{canteen}-paid",
                )
        differing = {"canteen_id": canteen, "biz_date": OPEN[3], "amount_yuan": income * percent / 100}
        city.add("flow_difference", difference_id=canteen, break_type="amount", decided=decided, **differing)
    for kind in ("timing", "reversal", "split"):
        city.add(
            "flow_difference",
            canteen_id="C1",
            biz_date=OPEN[4],
            difference_id=f"C1-{kind}",
            break_type=kind,
            amount_yuan=income / 2,
            decided=False,
        )
