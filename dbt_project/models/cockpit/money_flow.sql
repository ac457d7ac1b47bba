-- Edges of the flow picture of a canteen's month as they are shown (int_shown_money_flow).
select
    canteen_id,
    canteen_name,
    school_id,
    school_name,
    county_code,
    county_name,
    month_start,
    biz_month,
    period_rank,
    period_label,
    edge_no,
    from_label,
    to_label,
    amount_yuan
from {{ ref('int_shown_money_flow') }}
