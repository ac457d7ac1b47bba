-- One row per canteen, shown period and definition: the verdict, what it was before and what to do next.
-- A canteen is what it was registered as on the period's last day; one that had ended by then has no row.
-- The ratio of an unknown verdict is not shown: it would be of incomplete data.
{%- set today = date_literal(last_day_of_run()) %}
with judged as (
    select *
    from {{ ref('mart_red_line') }}
    where period_end in {{ shown_period_ends() }}
),

latest_row as (
    select
        canteen_id,
        max(biz_date) as data_until
    from {{ ref('fct_canteen_day') }}
    where total_rows > quarantined_rows
    group by canteen_id
),

shown as (
    select
        r.*,
        p.period_rank,
        p.period_label,
        c.canteen_name, c.school_id, c.school_name, c.county_code, c.county_name, c.stage, c.operating_mode,
        c.subsidised, c.pupils,
        case when r.verdict <> 'unknown' then r.ratio end as known_ratio,
        b.verdict as previous_verdict,
        case when b.verdict <> 'unknown' then b.ratio end as previous_ratio
    from judged as r
    inner join {{ shown_period_table() }} as p (
        period_rank, period_kind, period_end, period_label, previous_kind, previous_end, is_form
    )
        on r.period_kind = p.period_kind and r.period_end = p.period_end and (r.definition <> 'consumed') = p.is_form
    inner join {{ ref('dim_canteen') }} as c
        on r.canteen_id = c.canteen_id and r.period_end between c.valid_from and c.valid_to
    left join judged as b
        on r.canteen_id = b.canteen_id and r.definition = b.definition
        and p.previous_kind = b.period_kind and p.previous_end = b.period_end
),

finding as (
    select canteen_id, biz_date from {{ ref('red_line_finding') }}
    union all
    select canteen_id, biz_date from {{ ref('money_finding') }}
    union all
    select canteen_id, biz_date from {{ ref('video_finding') }}
),

found as (
    select
        s.canteen_id,
        s.period_rank,
        s.definition,
        count(*) as findings
    from shown as s
    inner join finding as f
        on s.canteen_id = f.canteen_id and f.biz_date between s.period_start and s.period_end
    group by s.canteen_id, s.period_rank, s.definition
),

compared as (
    select
        s.*,
        coalesce(f.findings, 0) as findings,
        l.data_until,
        case
            when s.previous_verdict is null then 'new'
            when s.previous_verdict = s.verdict then 'same'
            when s.verdict = 'yellow' and s.previous_verdict = 'green' then 'yellow_worse'
            when s.verdict = 'yellow' and s.previous_verdict = 'red' then 'yellow_better'
            else s.verdict
        end as verdict_change,
        u.label as unknown_label,
        u.owner as unknown_owner,
        u.remedy as unknown_remedy,
        v.sort_no as verdict_rank,
        split_part(m.label, '（', 1) as mode_word
    from shown as s
    left join found as f
        on s.canteen_id = f.canteen_id and s.period_rank = f.period_rank and s.definition = f.definition
    left join latest_row as l on s.canteen_id = l.canteen_id
    left join {{ ref('ref_unknown_reason') }} as u on s.unknown_reason = u.code
    {{ join_label('verdict', 's.verdict', 'v') }}
    {{ join_label('operating_mode', 's.operating_mode', 'm') }}
)

select
    canteen_id, canteen_name, school_id, school_name, county_code, county_name, stage, operating_mode, subsidised,
    cast(pupils as bigint) as pupils,
    period_kind, period_label,
    cast(period_rank as bigint) as period_rank,
    period_start, period_end, definition, verdict,
    cast(verdict_rank as bigint) as verdict_rank,
    cast(case when verdict = 'red' then 1 else 0 end as bigint) as is_red,
    cast(case when verdict = 'yellow' then 1 else 0 end as bigint) as is_yellow,
    cast(case when verdict = 'green' then 1 else 0 end as bigint) as is_green,
    cast(case when verdict = 'unknown' then 1 else 0 end as bigint) as is_unknown,
    known_ratio as ratio,
    threshold,
    round(100 * known_ratio - cast(threshold as double), 4) as gap_pp,
    mode_word || ' ≥' || {{ percent_text('threshold') }} || '%' as rule_label,
    cost_yuan, income_yuan, opening_stock_yuan, purchases_yuan, returns_yuan, closing_stock_yuan,
    consumption_yuan, subsidy_yuan, refund_yuan,
    forecast_ratio, forecast_low, forecast_high,
    unknown_label, unknown_owner, unknown_remedy,
    coalesce(threshold_confidence, 'none') as basis,
    source_id,
    previous_verdict,
    previous_ratio,
    verdict_change,
    cast(case when verdict_change in ('red', 'unknown', 'yellow_worse') then 1 else 0 end as bigint) as is_worse,
    cast(case when verdict_change in ('green', 'yellow_better') then 1 else 0 end as bigint) as is_better,
    cast(findings as bigint) as findings,
    case
        when verdict = 'unknown' then unknown_owner || '：' || unknown_remedy
        when verdict = 'red' and findings > 0
            then '核查' || cast(findings as varchar) || '条线索和对应单据，属实的下达整改'
        when verdict = 'red' then '核查采购验收、盘点和退费单据，查明成本偏低的原因并下达整改'
        when findings > 0 then '核对' || cast(findings as varchar) || '条线索，排除后再认定'
        when verdict = 'yellow' and 100 * forecast_ratio < cast(threshold as double)
            then '约谈学校：按目前进度月末将低于红线，及时调整食材支出'
        when verdict = 'yellow' then '提醒学校：已接近红线，关注月末结果'
        else '无需处理，按月关注'
    end as next_step,
    data_until,
    cast({{ dbt.datediff('data_until', today, 'day') }} as bigint) as data_age_days
from compared
