"""Which columns a rule over a whole row is about, so that a clerk is told where to look.

Belongs here: one entry per ``@dy.rule`` of the contracts, first the column that is most likely wrong.
Does not belong here: the rules themselves (each contract) and their texts (``vocabulary.RULES``).
"""

from __future__ import annotations

from typing import Final

ROW_RULES: Final[dict[str, tuple[str, ...]]] = {
    "unit_known": ("unit",),
    "not_in_future": ("biz_date", "reported_at"),
    "amount_matches": ("amount_yuan", "accepted_qty", "unit_price"),
    "accepted_within_ordered": ("accepted_qty", "rejected_qty", "ordered_qty"),
    "amount_required": ("amount_yuan",),
    "grams_positive": ("grams_per_diner",),
    "period_ordered": ("valid_to", "valid_from"),
    "price_positive": ("unit_price",),
    "pair_complete": ("item_name",),
    "price_within_range": ("unit_price", "low_price", "high_price"),
    "direction_proved": ("direction", "balance_yuan"),
    "in_yuan": ("currency",),
    "net_adds_up": ("net_yuan", "gross_yuan", "fee_yuan"),
    "settled_after_trade": ("trade_date", "biz_date"),
    "balance_named": ("balance_kind", "ingredient_id", "qty", "supplier_uscc"),
    "subsidy_matches": ("amount_yuan", "meal_days", "rate_yuan"),
    "tax_within_amount": ("tax_yuan", "amount_yuan"),
    "one_side": ("debit_yuan", "credit_yuan"),
    "uscc_checksum": ("supplier_uscc",),
    "weight_given": ("gross_kg", "net_kg"),
    "tare_given": ("tare_kg",),
    "weight_not_negative": ("net_kg", "gross_kg", "tare_kg"),
    "net_matches": ("net_kg", "gross_kg", "tare_kg"),
    "scale_clock_right": ("measured_at", "reported_at"),
    "thermometer_plausible": ("forehead_temp",),
    "check_clock_right": ("checked_at", "reported_at"),
    "measure_given": ("measure",),
    "sensor_plausible": ("measure",),
    "thresholds_ordered": ("low_threshold", "high_threshold"),
    "event_clock_right": ("event_at", "reported_at"),
    "path_inside": ("path",),
    "removed_after_put": ("removed_at", "put_at"),
    "meal_times_ordered": ("serve_from", "cook_from", "serve_to"),
}
