{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'finding', 'period_column': 'biz_date'}
) }}
{%- set side = "case when shift > 0 then '|above' else '|below' end" %}
-- Schemes that the records themselves reveal, one row per cause. Whether a finding becomes an alert is for
-- the alert rules.
with unit_suspect as (
    select
        'unit_suspect' as kind,
        canteen_id,
        account_kind,
        cast(null as varchar) as ingredient_id,
        max(supplier_id) as supplier_id,
        sender || {{ side }} as cause_key,
        min(biz_date) as biz_date,
        {{ month_start('biz_date') }} as period_start,
        max(biz_date) as period_end,
        'neutral' as direction,
        sum(amount_yuan) as amount_yuan,
        round(exp(max(shift)), 2) as observed,
        1 as expected,
        cast(count(distinct slip_no) as varchar) || ' 张送货单（首张 ' || min(slip_no) || '）的单价约为同周同类食材的 '
        || cast(round(exp(max(shift)), 2) as varchar) || ' 倍，疑似斤与公斤混用' as text_zh,
        {{ first_records('record_no', 'n') }} as record_nos,
        case when max(line_count) >= 3 then 'high' else 'medium' end as confidence
    from (
        select
            *,
            coalesce(supplier_id, slip_no) as sender,
            row_number() over (
                partition by canteen_id, account_kind, coalesce(supplier_id, slip_no), {{ month_start('biz_date') }}
                order by biz_date, record_no
            ) as n
        from {{ ref('int_unit_suspect') }}
    ) as line
    group by
        canteen_id, account_kind, sender, {{ month_start('biz_date') }},
        {{ side }}
),

stocktake as (
    select
        kind,
        canteen_id,
        'pupil' as account_kind,
        cast(null as varchar) as ingredient_id,
        cast(null as varchar) as supplier_id,
        'stocktake' as cause_key,
        biz_date,
        period_start,
        biz_date as period_end,
        case when kind = 'stocktake_above_book' then 'feigns_red' else 'hides_red' end as direction,
        amount_yuan,
        observed,
        expected,
        case kind
            when 'stocktake_above_book' then '盘点金额高于账面，净差 '
            when 'purchase_never_issued' then '购入后既未领用、盘点也不见的食材，价值 '
            else '盘点金额低于账面，净差 '
        end || cast({{ yuan('amount_yuan') }} as varchar) || ' 元' as text_zh,
        cast(null as varchar) as record_nos,
        'high' as confidence
    from {{ ref('int_finding_stocktake') }}
),

recipe as (
    select
        kind,
        canteen_id,
        'pupil' as account_kind,
        cast(null as varchar) as ingredient_id,
        cast(null as varchar) as supplier_id,
        'recipe' as cause_key,
        biz_date,
        period_start,
        biz_date as period_end,
        case when kind = 'stock_above_recipe' then 'feigns_red' else 'hides_red' end as direction,
        amount_yuan,
        observed,
        expected,
        '账上耗用比带量食谱推算' || case when kind = 'stock_above_recipe' then '少 ' else '多 ' end
        || cast({{ yuan('amount_yuan') }} as varchar) || ' 元（' || categories || '）' as text_zh,
        cast(null as varchar) as record_nos,
        'medium' as confidence
    from {{ ref('int_finding_recipe') }}
),

negative_stock as (
    select
        'negative_stock' as kind,
        canteen_id,
        'pupil' as account_kind,
        case when ingredients = 1 then first_ingredient_id end as ingredient_id,
        cast(null as varchar) as supplier_id,
        'month' as cause_key,
        biz_date,
        period_start,
        period_end,
        'neutral' as direction,
        amount_yuan,
        observed,
        0 as expected,
        cast(ingredients as varchar) || ' 种食材账面库存为负，出库多于已知的库存和进货' as text_zh,
        cast(null as varchar) as record_nos,
        'medium' as confidence
    from {{ ref('int_finding_negative') }}
),

never_issued as (
    select
        'purchase_never_issued' as kind,
        canteen_id,
        'pupil' as account_kind,
        ingredient_id,
        cast(null as varchar) as supplier_id,
        'dry' as cause_key,
        biz_date,
        bought_on as period_start,
        biz_date as period_end,
        'hides_red' as direction,
        amount_yuan,
        cast(0 as decimal(18, 3)) as observed,
        in_kg as expected,
        '购入 ' || cast(in_kg as varchar) || ' 后长期无领用' as text_zh,
        cast(null as varchar) as record_nos,
        'medium' as confidence
    from {{ ref('int_finding_purchase') }}
),

not_accepted as (
    select
        'purchase_not_accepted' as kind,
        canteen_id,
        account_kind,
        cast(null as varchar) as ingredient_id,
        max(supplier_id) as supplier_id,
        slip_no as cause_key,
        due_on as biz_date,
        biz_date as period_start,
        due_on as period_end,
        'neutral' as direction,
        sum(ordered_yuan) as amount_yuan,
        cast(0 as decimal(18, 3)) as observed,
        sum(ordered_kg) as expected,
        '订单 ' || slip_no || ' 已过验收期限仍无验收记录' as text_zh,
        {{ first_records('record_no', 'n') }} as record_nos,
        'high' as confidence
    from (
        select
            p.*,
            coalesce(p.order_no, p.supplier_id) as slip_no,
            p.biz_date + cast(t.never_accepted_days as integer) as due_on,
            row_number() over (
                partition by p.canteen_id, p.account_kind, p.biz_date, coalesce(p.order_no, p.supplier_id)
                order by p.record_no
            ) as n
        from {{ ref('stg_purchase') }} as p
        {{ join_threshold('p.canteen_id', 'p.biz_date') }}
        where
            p.accepted_on is null and p.rejected_kg < p.ordered_kg
            and {{ since(finding_from(62), 'p.') }}
    ) as line
    where due_on <= {{ date_literal(last_day_of_run()) }}
    group by canteen_id, account_kind, biz_date, due_on, slip_no
),

teacher_item as (
    select
        'teacher_item_in_pupil_account' as kind,
        l.canteen_id,
        l.account_kind,
        cast(null as varchar) as ingredient_id,
        cast(null as varchar) as supplier_id,
        'month' as cause_key,
        min(l.biz_date) as biz_date,
        {{ month_start('l.biz_date') }} as period_start,
        max(l.biz_date) as period_end,
        'hides_red' as direction,
        sum({{ product('l.teacher_kg', 'l.price_yuan') }}) as amount_yuan,
        sum(l.teacher_kg) as observed,
        cast(0 as decimal(18, 3)) as expected,
        '学生账中有 ' || cast(count(*) as varchar) || ' 笔教师餐领用' as text_zh,
        cast(null as varchar) as record_nos,
        'high' as confidence
    from {{ ref('fct_stock_ledger') }} as l
    left join {{ ref('dim_ingredient') }} as i on l.ingredient_id = i.ingredient_id
    {{ join_threshold('l.canteen_id', 'l.biz_date') }}
    where
        l.account_kind = 'pupil' and l.teacher_kg > 0 and coalesce(i.is_food, true)
        and l.biz_date >= {{ date_literal(finding_from()) }}
    group by l.canteen_id, l.account_kind, {{ month_start('l.biz_date') }}
    having sum({{ product('l.teacher_kg', 'l.price_yuan') }}) >= max(t.finding_min_yuan)
),

found as (
    {%- for kind in ['unit_suspect', 'stocktake', 'recipe', 'negative_stock', 'never_issued', 'not_accepted', 'teacher_item'] %}
    select
        kind, canteen_id, account_kind, ingredient_id, supplier_id, cause_key, biz_date, period_start, period_end,
        direction, cast(round(amount_yuan, 2) as decimal(18, 2)) as amount_yuan,
        cast(observed as decimal(18, 3)) as observed, cast(expected as decimal(18, 3)) as expected,
        text_zh, record_nos, confidence
    from {{ kind }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

{{ numbered_findings('found') }}
