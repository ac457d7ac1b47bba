{{ config(materialized='ephemeral') }}
-- Purchase lines and counted items of the last days as their source wrote them, under registered keys.
select
    'purchase' as record_kind,
    record_no, canteen_id, account_kind, ingredient_id, supplier_id, biz_date,
    accepted_qty as qty, unit, unit_price, amount_yuan,
    source_provider, source_file, source_row
from {{ ref('stg_purchase') }}
where {{ since(recent_start(35)) }} and biz_date <= {{ date_literal(last_day_of_run()) }}
union all
select
    'stocktake' as record_kind,
    record_no, canteen_id, account_kind, ingredient_id, null as supplier_id, biz_date,
    counted_qty as qty, unit, unit_price, {{ yuan(product('counted_qty', 'unit_price')) }} as amount_yuan,
    source_provider, source_file, source_row
from {{ ref('stg_stocktake') }}
where {{ since(recent_start(35)) }} and biz_date <= {{ date_literal(last_day_of_run()) }}
