{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'month', 'period_column': 'month_start'}
) }}
-- Whether the schools of a county have a choice: suppliers and their concentration per month, for every food
-- category of the tree (`food` is all of it). Suppliers are those that sold more than they took back; the
-- squares of their shares in percent add up to the Herfindahl-Hirschman index. It informs; it never judges.
with supplied as (
    select
        s.county_code,
        max(s.county_name) as county_name,
        s.month_start,
        c.ancestor_code as category,
        s.supplier_id,
        {{ sum_yuan('s.purchase_yuan') }} as purchase_yuan
    from {{ ref('int_supply_month') }} as s
    inner join {{ ref('dim_ingredient_category') }} as c on s.category = c.descendant_code
    where {{ in_window() }}
    group by s.county_code, s.month_start, c.ancestor_code, s.supplier_id
),

summed as (
    select
        county_code,
        max(county_name) as county_name,
        month_start,
        category,
        {{ sum_yuan('purchase_yuan') }} as purchase_yuan,
        sum(is_seller) as sellers,
        {{ sum_yuan('purchase_yuan * is_seller') }} as sold_yuan,
        sum(cast({{ product('purchase_yuan', 'purchase_yuan') }} as decimal(36, 4)) * is_seller) as sold_squared
    from (
        select
            *,
            case when purchase_yuan > 0 and supplier_id <> 'unassigned' then 1 else 0 end as is_seller
        from supplied
    ) as marked
    group by county_code, month_start, category
)

select
    county_code,
    county_name,
    {{ month_label('month_start') }} as biz_month,
    month_start,
    category,
    purchase_yuan,
    cast(sellers as bigint) as suppliers,
    case
        when purchase_yuan > 0
            then round(10000 * {{ ratio('sold_squared', 'cast(sold_yuan as double) * cast(sold_yuan as double)') }}, 6)
    end as hhi,
    purchase_yuan > 0 and sellers = 1 as is_single
from summed
