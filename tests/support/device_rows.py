"""One good row of each device feed, as text, for tests that change a column of it."""

SCALE = {
    "record_no": "m1",
    "device_id": "d1",
    "canteen_id": "c1",
    "biz_date": "2026-09-01",
    "measured_at": "2026-09-01 06:30:00",
    "item_name": "大白菜",
    "ingredient_id": "i1",
    "gross_kg": "12.500",
    "tare_kg": "0.500",
    "net_kg": "12.000",
    "order_no": "o1",
    "reported_at": "2026-09-01 06:30:05",
}
CHECK = {
    "record_no": "m1",
    "device_id": "d2",
    "canteen_id": "c1",
    "biz_date": "2026-09-01",
    "checked_at": "2026-09-01 06:10:00",
    "person_hash": "0123456789abcdef0123456789abcdef",
    "forehead_temp": "36.4",
    "hand_codes": "",
    "symptom_codes": "",
    "is_fit": "1",
    "reported_at": "2026-09-01 06:10:02",
}
EVENT = {
    "record_no": "m1",
    "device_id": "d3",
    "channel_no": "4",
    "canteen_id": "c1",
    "biz_date": "2026-09-01",
    "event_at": "2026-09-01 10:00:00",
    "event_kind": "no_mask",
    "evidence_sha256": "a" * 64,
    "measure": "",
    "low_threshold": "",
    "high_threshold": "",
    "reported_at": "2026-09-01 10:00:03",
}
ROWS = {"scale_reading": SCALE, "morning_check": CHECK, "edge_event": EVENT}
