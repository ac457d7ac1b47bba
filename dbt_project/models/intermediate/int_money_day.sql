{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'day', 'period_column': 'biz_date'}
) }}
{%- if nobody_keeps_books() %}
select * from {{ this }} where false
{%- else %}
-- Rows and yuan of each feed that carries a control total, per canteen, day, account and way of payment, of
-- canteens that keep books: what was delivered, what the door holds back, what the source itself counted.
with keeper as (
    {{ keeper_sources() }}
),

delivered as (
    {%- for feed, account_kind, way in [
        ('meal_fee', 'payer_kind', 'channel'), ('consumption', 'payer_kind', 'channel'),
        ('refund', 'payer_kind', 'refund_kind'), ('purchase', 'account_kind', 'cast(null as varchar)')] %}
    select
        k.canteen_id,
        r.biz_date,
        '{{ feed }}' as feed,
        r.{{ account_kind }}{{ ' as account_kind' if not loop.last }},
        {{ 'r.' if not loop.last }}{{ way }} as way,
        count(*) as row_count,
        sum(r.amount_yuan) as amount_yuan,
        sum({{ 'r.subsidy_yuan' if feed == 'consumption' else '0' }}) as subsidy_yuan,
        0 as quarantined_rows,
        cast(null as bigint) as control_rows,
        cast(null as decimal(18, 2)) as control_yuan
    from {{ source('silver', feed) }} as r
    {{ join_keeper() }}
    where {{ in_window() }}
    group by k.canteen_id, r.biz_date, r.{{ account_kind }}{{ ', r.' ~ way if not loop.last }}
    union all
    {%- endfor %}
    select
        k.canteen_id, r.biz_date, r.feed, null as account_kind, null as way, 0 as row_count, 0 as amount_yuan,
        0 as subsidy_yuan, count(*) as quarantined_rows, null as control_rows, null as control_yuan
    from {{ source('silver', 'quarantine') }} as r
    inner join keeper as k on r.canteen_id = k.source_key and (k.provider is null or r.provider = k.provider)
    where r.state = 'open' and r.feed in ('meal_fee', 'consumption', 'refund', 'purchase') and {{ in_window() }}
    group by k.canteen_id, r.biz_date, r.feed
    union all
    select
        k.canteen_id, r.biz_date, r.controlled_feed as feed, null as account_kind, null as way, 0 as row_count,
        0 as amount_yuan, 0 as subsidy_yuan, 0 as quarantined_rows, sum(r.row_count) as control_rows,
        sum(r.total_yuan) as control_yuan
    from {{ source('silver', 'control_total') }} as r
    {{ join_keeper() }}
    where {{ in_window() }}
    group by k.canteen_id, r.biz_date, r.controlled_feed
)

select
    canteen_id,
    biz_date,
    feed,
    account_kind,
    way,
    cast(sum(row_count) as bigint) as row_count,
    {{ sum_yuan('amount_yuan') }} as amount_yuan,
    {{ sum_yuan('subsidy_yuan') }} as subsidy_yuan,
    cast(sum(quarantined_rows) as bigint) as quarantined_rows,
    cast(sum(control_rows) as bigint) as control_rows,
    cast(sum(control_yuan) as decimal(18, 2)) as control_yuan
from delivered
group by canteen_id, biz_date, feed, account_kind, way
{%- endif %}
