{{ config(materialized='ephemeral') }}
-- Bank lines, documents and voucher lines of the last 35 days, matched ones under one number: from any payment to
-- its voucher and its line on the statement.
select
    e.event_id,
    -- Short enough to be read and searched for; equal for the events of one match.
    'M-' || substr(md5(e.match_id), 1, 8) as match_id,
    e.difference_id,
    e.canteen_id, c.canteen_name, c.school_id, c.school_name, c.county_code, c.county_name, e.biz_date,
    w.label as flow_label,
    k.label as feed_label,
    -- A day's refunds or fees are one event, named after the kind of account.
    coalesce(a.label, e.record_no) as record_no,
    e.account_no, e.party, e.text, e.ref,
    case when e.direction = 'out' then -e.amount_yuan else e.amount_yuan end as amount_yuan,
    e.rule, e.break_type, d.reason,
    cast(case when e.difference_id is not null and not coalesce(e.decided, false) then 1 else 0 end as bigint) as is_open
from {{ source('silver', 'flow_event') }} as e
inner join {{ ref('dim_canteen') }} as c
    on e.canteen_id = c.canteen_id and greatest(e.biz_date, c.first_day) between c.valid_from and c.valid_to
left join {{ source('silver', 'flow_difference') }} as d
    on e.canteen_id = d.canteen_id and e.difference_id = d.difference_id
{{ join_label('flow', 'e.flow', 'w') }}
{{ join_label('feed', 'e.source_feed', 'k') }}
{{ join_label('account_kind', 'e.record_no', 'a') }}
where {{ since(recent_oldest(35), 'e.') }} and e.biz_date <= {{ date_literal(last_day_of_run()) }}
