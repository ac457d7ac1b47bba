{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'finding', 'period_column': 'biz_date'}
) }}
-- Prices that the tests object to, one row per cause: a line, an item of a supplier at a canteen (three lines and
-- more, or a falling market that is not followed), a supplier, or a unit written wrongly in one line. What each
-- test says: docs/explanation/prices.md.
{%- set tests = [
    'over_limit', 'over_quotation', 'no_quotation', 'peer', 'history', 'reference', 'not_following'] %}
with line_finding as (
    select
        kind,
        'canteen' as level,
        case
            when kind = 'unit' then 'unit_line'
            {%- for test in tests %}
            when max(case when {{ test }} then 1 else 0 end) = 1 then '{{ test }}'
            {%- endfor %}
        end as test,
        case kind when 'unit' then 'unit_line' else substr(
            {%- for test in tests %}
            {{ '|| ' if not loop.first }}case when max(case when {{ test }} then 1 else 0 end) = 1 then ',{{ test }}' else '' end
            {%- endfor %}, 2
        ) end as tests,
        month_start,
        canteen_id,
        cause_key,
        series_supplier,
        max(account_kind) as account_kind,
        max(county_code) as county_code,
        max(case when peer then case peer_area when 'county' then county_name else city_name end end) as peer_place,
        max(supplier_id) as supplier_id,
        ingredient_id,
        max(ingredient_name) as ingredient_name,
        max(base_unit) as base_unit,
        spec,
        min(biz_date) as period_start,
        max(biz_date) as period_end,
        max(case when n = 1 then price_yuan end) as price_yuan,
        max(case when n = 1 then expected_yuan end) as expected_yuan,
        {{ sum_yuan("case when kind <> 'unit' then " ~ yuan(product('qty_kg', '(price_yuan - expected_yuan)')) ~ " end") }}
            as excess_yuan,
        max(case when n = 1 then coalesce(peer_z, own_z) end) as robust_z,
        max(case when n = 1 then own_z end) as own_z,
        max(case when peer then peer_lines end) as peer_lines,
        max(case when peer then {{ as_price('peer_mid') }} end) as peer_yuan,
        max(case when history then {{ as_price('market + own_mid') }} end) as own_yuan,
        max(case when over_quotation then quote_yuan end) as quote_yuan,
        max(case when over_limit then limit_yuan end) as limit_yuan,
        max(case when reference then reference_yuan end) as reference_yuan,
        max(case when quote_kept then quote_yuan end) as kept_quote_yuan,
        max(case when n = 1 then unit_factor end) as unit_factor,
        count(*) as line_count,
        {{ first_records('record_no', 'n') }} as record_nos,
        max(case when n = 1 then basis end) as basis
    from {{ ref('int_price_objection') }}
    group by kind, month_start, canteen_id, cause_key, series_supplier, ingredient_id, spec
),

supplier_line as (
    select
        s.month_start,
        s.supplier_id,
        s.level,
        s.city_code,
        s.county_code,
        s.canteen_id,
        s.level_shift,
        s.rise_shift,
        s.level_z,
        s.rise_z,
        s.canteens,
        s.is_high,
        s.is_risen,
        l.biz_date,
        l.record_no,
        coalesce({{ exceeds('l.price_yuan', 'c.limit_yuan', 't.price_tolerance_pct') }}, false) as over_limit,
        coalesce({{ exceeds('l.price_yuan', 'c.quote_yuan', 't.price_tolerance_pct') }}, false) as over_quotation,
        {{ product(
            'l.qty_kg', '(l.price_yuan - case when s.is_high then ' ~ as_price('l.others_mid') ~ ' else '
            ~ as_price('l.log_price - s.rise_shift') ~ ' end)'
        ) }} as over_yuan
    from {{ ref('int_price_supplier') }} as s
    inner join {{ ref('int_price_peer') }} as l
        on s.month_start = l.month_start and s.supplier_id = l.supplier_id and s.city_code = l.city_code
        and (s.county_code is null or s.county_code = l.county_code)
        and (s.canteen_id is null or s.canteen_id = l.canteen_id)
        and l.biz_date between s.first_week and s.last_day
    inner join {{ ref('int_price_line') }} as c
        on l.source_provider = c.source_provider and l.canteen_id = c.canteen_id and l.biz_date = c.biz_date
        and l.record_no = c.record_no
    inner join {{ ref('int_threshold') }} as t
        on c.threshold_scope = t.threshold_scope and c.biz_date between t.since and t.until
    where s.is_found and l.is_current
),

supplier_finding as (
    select
        month_start,
        supplier_id,
        level,
        city_code,
        county_code,
        canteen_id,
        case when is_high then 'supplier' else 'supplier_rise' end as test,
        case when is_high and is_risen then 'supplier,supplier_rise' when is_high then 'supplier' else 'supplier_rise' end
        || case when sum(case when over_limit then 1 else 0 end) * 2 >= count(*) then ',over_limit' else '' end
        || case when sum(case when over_quotation then 1 else 0 end) * 2 >= count(*) then ',over_quotation' else '' end
            as tests,
        min(biz_date) as period_start,
        max(biz_date) as period_end,
        {{ sum_yuan(yuan('over_yuan')) }} as excess_yuan,
        max(case when is_high then level_shift else rise_shift end) as shift,
        max(case when is_high then level_z else rise_z end) as robust_z,
        max(canteens) as canteens,
        count(*) as line_count,
        {{ first_records('record_no', 'n') }} as record_nos
    from (
        select
            *,
            row_number() over (
                partition by month_start, supplier_id, level, city_code, county_code, canteen_id
                order by over_yuan desc nulls last, biz_date, record_no
            ) as n
        from supplier_line
    ) as line
    group by month_start, supplier_id, level, city_code, county_code, canteen_id, is_high, is_risen
),

found as (
    select
        kind,
        level,
        test,
        tests,
        month_start,
        canteen_id,
        county_code,
        account_kind,
        supplier_id,
        ingredient_id,
        spec,
        cause_key || '|' || series_supplier as cause_key,
        period_start,
        period_end,
        price_yuan,
        expected_yuan,
        excess_yuan,
        cast(round(100 * ({{ ratio('price_yuan', 'expected_yuan') }} - 1), 1) as decimal(18, 1)) as excess_pct,
        cast(round(robust_z, 2) as decimal(18, 2)) as robust_z,
        line_count,
        record_nos,
        case
            when kind = 'unit' then 'medium'
            when tests like '%over_limit%' or tests like '%over_quotation%' or tests like '%peer,history%' then 'high'
            else 'medium'
        end as confidence,
        basis,
        case kind
            when 'unit' then
                ingredient_name || '单价 ' || {{ price_text('price_yuan') }} || ' 元/' || base_unit || '，约为平常 '
                || {{ price_text('expected_yuan') }} || ' 元的'
                || case when price_yuan > expected_yuan then ' ' || cast(unit_factor as varchar) || ' 倍'
                    else '1/' || cast(unit_factor as varchar) end
                || '，数量相应变化，疑似单位写错（如斤、公斤混用），请对照送货单'
            else
                ingredient_name || case kind when 'item' then ' ' || cast(line_count as varchar) || ' 笔，最高' else '' end
                || '单价 ' || {{ price_text('price_yuan') }} || ' 元/' || base_unit || '，应在 '
                || {{ price_text('expected_yuan') }} || ' 元左右'
                || case when tests like '%over_limit%' then '；高于限价 ' || {{ price_text('limit_yuan') }} || ' 元' else '' end
                || case
                    when tests like '%over_quotation%' then '；高于有效报价 ' || {{ price_text('quote_yuan') }} || ' 元'
                    else ''
                end
                || case when tests like '%no_quotation%' then '；该供应商在此有报价，但此品目当日无有效报价' else '' end
                || case
                    when tests like '%peer%' then '；' || peer_place
                    || '同周 ' || cast(peer_lines as varchar) || ' 笔同类的中位价为 ' || {{ price_text('peer_yuan') }} || ' 元'
                    else ''
                end
                || case
                    when tests like '%history%' then '；按本食堂以往价格和行情应为 ' || {{ price_text('own_yuan') }} || ' 元'
                    else ''
                end
                || case when tests like '%reference%' then '；参考价为 ' || {{ price_text('reference_yuan') }} || ' 元' else '' end
                || case when tests like '%not_following%' then '；行情两周内下跌，此价未跟降' else '' end
                || case
                    when kept_quote_yuan is not null
                        then '（新报价仍为下跌前的 ' || {{ price_text('kept_quote_yuan') }} || ' 元）'
                    else ''
                end
                || case when excess_yuan > 0 then '；多付约 ' || cast(excess_yuan as varchar) || ' 元' else '' end
        end as text_zh
    from line_finding
    union all
    select
        'supplier' as kind,
        level,
        test,
        tests,
        month_start,
        canteen_id,
        county_code,
        cast(null as varchar) as account_kind,
        supplier_id,
        cast(null as varchar) as ingredient_id,
        cast(null as varchar) as spec,
        level || '|' || coalesce(county_code, '') || '|' || city_code as cause_key,
        period_start,
        period_end,
        cast(null as decimal(18, 6)) as price_yuan,
        cast(null as decimal(18, 6)) as expected_yuan,
        excess_yuan,
        cast(round(100 * (exp(shift) - 1), 1) as decimal(18, 1)) as excess_pct,
        cast(round(robust_z, 2) as decimal(18, 2)) as robust_z,
        line_count,
        record_nos,
        case when tests like '%,%' or robust_z >= 5 then 'high' else 'medium' end as confidence,
        'D' as basis,
        '该供应商'
        || case level
            when 'canteen' then '对本食堂' when 'county' then '在本县区 ' || cast(canteens as varchar) || ' 个食堂'
            else '在全市 ' || cast(canteens as varchar) || ' 个食堂'
        end
        || ' ' || cast(line_count as varchar) || ' 笔的价格整体'
        || case
            when test = 'supplier' then '比同周其他供应商的同类高 '
            else '在扣除行情变化后比其此前高 '
        end
        || cast(cast(round(100 * (exp(shift) - 1), 1) as decimal(18, 1)) as varchar) || '%'
        || case when excess_yuan > 0 then '；多付约 ' || cast(excess_yuan as varchar) || ' 元' else '' end as text_zh
    from supplier_finding
)

select
    md5(
        kind || '|' || cast(month_start as varchar) || '|' || coalesce(canteen_id, '') || '|'
        || coalesce(supplier_id, '') || '|' || coalesce(ingredient_id, '') || '|' || coalesce(spec, '') || '|'
        || cause_key
    ) as finding_id,
    kind,
    level,
    test,
    canteen_id,
    county_code,
    account_kind,
    supplier_id,
    ingredient_id,
    spec,
    period_start as biz_date,
    {{ month_label('period_start') }} as biz_month,
    period_start,
    period_end,
    price_yuan,
    expected_yuan,
    excess_yuan,
    excess_pct,
    robust_z,
    tests,
    line_count,
    record_nos,
    confidence,
    basis,
    text_zh
from found
where {{ in_window() }} and biz_date <= {{ date_literal(last_day_of_run()) }}
