{{ config(
    materialized='incremental', incremental_strategy='replace_period',
    meta={'closure': 'verdict', 'period_column': 'period_end'}
) }}
-- One verdict per canteen, period and definition, with every part it rests on.
with judged as (
    {{ judge(ref('int_period')) }}
)

select
    canteen_id,
    period_kind,
    period_start,
    period_end,
    {{ month_label('period_end') }} as biz_month,
    definition,
    cost_yuan,
    income_yuan,
    threshold,
    verdict,
    unknown_reason,
    unknown_reasons,
    opening_stock_yuan,
    purchases_yuan,
    returns_yuan,
    closing_stock_yuan,
    consumption_yuan,
    subsidy_yuan,
    refund_yuan,
    case when income_yuan > 0 then {{ ratio('cost_yuan', 'income_yuan') }} end as ratio,
    threshold_id,
    threshold_confidence,
    coalesce(threshold_confidence in ('C', 'D'), false) as basis_unverified,
    source_id,
    yellow_band,
    open_days,
    income_days,
    supplied_days,
    last_stocktake_date,
    quarantined_rows,
    total_rows,
    forecast_ratio,
    forecast_low,
    forecast_high,
    case
        when not flow_delivered then 'not_delivered'
        when not flow_closed then 'open'
        when unknown_reasons like '%flows_not_reconciled%' then 'broken'
        else 'reconciled'
    end as reconciliation,
    unexplained_yuan,
    -- How sure the colour is: its threshold is verified, and the money that it rests on is reconciled.
    case
        when verdict = 'unknown' then 'none'
        when flow_closed and coalesce(threshold_confidence not in ('C', 'D'), false) then 'high'
        when flow_closed or coalesce(threshold_confidence not in ('C', 'D'), false) then 'medium'
        else 'low'
    end as light_confidence,
    income_yuan + other_income_yuan - cost_yuan - outlay_yuan as surplus_yuan,
    case
        when income_yuan > 0 then {{ ratio('income_yuan + other_income_yuan - cost_yuan - outlay_yuan', 'income_yuan') }}
    end as surplus_rate
from judged
