-- The dated thresholds in force, per registered kind of canteen and per interval of days, side by side.
-- The most specific row wins: a city counts 2, a province, mode, stage or subsidy flag 1 each.
{%- set parameters = [
    'red_line_pct', 'yellow_band_pp', 'income_coverage_min_pct', 'supply_coverage_min_pct',
    'stocktake_max_age_days', 'quarantine_max_pct', 'stocktake_variance_pct', 'stocktake_item_pct',
    'finding_min_kg', 'finding_min_yuan', 'recipe_loss_pct', 'recipe_tolerance_pct',
    'recipe_gap_min_pct', 'recipe_coverage_min_pct', 'recipe_min_days', 'oil_kg_per_litre', 'never_accepted_days', 'never_issued_days', 'unit_min_peers',
    'price_tolerance_pct', 'price_level_low_pct', 'price_level_mid_pct', 'price_level_high_pct', 'price_z_agree',
    'price_z_support', 'price_z_alone', 'price_min_lines', 'price_min_peers', 'price_noise_floor_pct',
    'price_history_lines',
    'price_supplier_lines', 'price_supplier_pct', 'price_supplier_z', 'price_fall_pct', 'settle_meal_days',
    'refund_due_days', 'refund_min_persons', 'invoice_tolerance_pct', 'statement_due_days',
    'statement_min_documents', 'ratio_price_pct', 'ratio_price_items', 'income_gap_pct', 'subsidy_gap_pct',
    'flow_close_days', 'flow_unexplained_pct', 'camera_gap_minutes', 'camera_offline_hours', 'camera_uplink_mbps',
    'video_cooking_minutes', 'video_empty_minutes'] %}
with boundary as (
    select valid_from as since from {{ ref('ref_threshold') }}
    union
    select valid_to + 1 as since from {{ ref('ref_threshold') }} where valid_to is not null
),

interval_of_days as (
    select
        since,
        coalesce(lead(since) over (order by since) - 1, date '9999-12-31') as until
    from boundary
),

kind_of_canteen as (
    select distinct
        threshold_scope,
        substr(county_code, 1, 2) || '0000' as province,
        substr(county_code, 1, 4) || '00' as city,
        operating_mode,
        stage,
        subsidised
    from {{ ref('dim_canteen') }}
),

ranked as (
    select
        k.threshold_scope,
        d.since,
        d.until,
        t.parameter,
        t.threshold_id,
        t.value,
        t.confidence,
        t.source_id,
        row_number() over (
            partition by k.threshold_scope, d.since, t.parameter
            order by
                case when t.city is not null then 2 when t.province is not null then 1 else 0 end
                + case when t.operating_mode is not null then 1 else 0 end
                + case when t.stage is not null then 1 else 0 end
                + case when t.subsidised is not null then 1 else 0 end desc nulls last,
                t.threshold_id asc nulls last
        ) as n
    from kind_of_canteen as k
    cross join interval_of_days as d
    inner join {{ ref('ref_threshold') }} as t
        on d.since >= t.valid_from
        and (t.valid_to is null or d.since <= t.valid_to)
        and (t.province is null or t.province = k.province)
        and (t.city is null or t.city = k.city)
        and (t.operating_mode is null or t.operating_mode = k.operating_mode)
        and (t.stage is null or t.stage = k.stage)
        and (t.subsidised is null or t.subsidised = k.subsidised)
)

select
    threshold_scope,
    since,
    until,
    max(case when parameter = 'red_line_pct' then threshold_id end) as threshold_id,
    max(case when parameter = 'red_line_pct' then confidence end) as threshold_confidence,
    max(case when parameter = 'red_line_pct' then source_id end) as source_id,
    {%- for parameter in parameters %}
    max(case when parameter = '{{ parameter }}' then value end) as {{ parameter }}{{ ',' if not loop.last }}
    {%- endfor %}
from ranked
where n = 1
group by threshold_scope, since, until
