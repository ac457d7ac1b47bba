-- Events of the three flows of the last 35 days as they are shown (int_shown_money_line). A whole table: what came of
-- comparing an event may change long after its day.
select
    event_id,
    match_id,
    difference_id,
    canteen_id,
    canteen_name,
    school_id,
    school_name,
    county_code,
    county_name,
    biz_date,
    flow_label,
    feed_label,
    record_no,
    account_no,
    party,
    text,
    ref,
    amount_yuan,
    rule,
    break_type,
    reason,
    is_open
from {{ ref('int_shown_money_line') }}
