"""One good row of the purchase feed, as text, for tests that change a column of it."""

GOOD = {
    "record_no": "r1",
    "canteen_id": "c1",
    "account_kind": "pupil",
    "biz_date": "2026-09-01",
    "order_no": "o1",
    "supplier_uscc": "91350100M000100Y43",
    "ingredient_id": "i1",
    "spec": "",
    "unit": "kg",
    "ordered_qty": "10",
    "accepted_qty": "10",
    "rejected_qty": "0",
    "unit_price": "2.5",
    "amount_yuan": "25.00",
    "accepted_on": "2026-09-01",
    "acceptor_count": "2",
    "reported_at": "2026-09-01 18:00:00",
}
