-- Suppliers and their prices as they are shown (int_shown_price_supplier).
select
    scope_kind,
    county_code,
    county_name,
    supplier_id,
    supplier_name,
    line_count,
    canteens,
    compared_lines,
    paid_yuan,
    compared_share,
    over_others_pct,
    over_others_yuan,
    findings,
    excess_yuan,
    level_pct,
    robust_z,
    tests_label,
    confidence_label,
    basis_label,
    next_step
from {{ ref('int_shown_price_supplier') }}
