{#
  The judgement: docs/explanation/red_line.md, "Verdict". Decimals only, nothing is divided.

  relation: rows with definition, cost_yuan, income_yuan, threshold, yellow_band, has_form, open_days,
  income_days, supplied_days, first_stocktake_date, last_stocktake_date, period_start, period_end,
  quarantined_rows, total_rows, flow_closed, unexplained_yuan and the five limits income_coverage_min_pct,
  supply_coverage_min_pct, stocktake_max_age_days, quarantine_max_pct, flow_unexplained_pct. Gives its columns, `verdict`, `unknown_reason`,
  `unknown_reasons`. Unknown is tested first; the reasons stand in their order of precedence.
#}
{% macro judge(relation) %}
select
    *,
    {{ verdict('cost_yuan', 'income_yuan', 'threshold', 'yellow_band', 'unknown_reasons') }} as verdict,
    nullif(split_part(unknown_reasons, ',', 1), '') as unknown_reason
from (
    select
        *,
        substr(
            case when coalesce(income_yuan, 0) <= 0 then ',no_income' else '' end
            || case
                when threshold is null or yellow_band is null then ',threshold_missing'
                when definition = 'consumed' and (
                    income_coverage_min_pct is null or supply_coverage_min_pct is null
                    or stocktake_max_age_days is null or quarantine_max_pct is null
                ) then ',threshold_missing'
                when flow_closed and flow_unexplained_pct is null then ',threshold_missing'
                else ''
            end
            || case when definition <> 'consumed' and not has_form then ',form_missing' else '' end
            || case when definition = 'consumed' then
                case when income_days * 100 < open_days * income_coverage_min_pct then ',income_incomplete' else '' end
                || case when supplied_days * 100 < open_days * supply_coverage_min_pct then ',inputs_missing' else '' end
                || case
                    when first_stocktake_date is null or first_stocktake_date >= period_start
                        then ',opening_stock_missing'
                    else ''
                end
                || case
                    when {{ dbt.datediff('last_stocktake_date', 'period_end', 'day') }} > stocktake_max_age_days
                        then ',stocktake_stale'
                    else ''
                end
                || case
                    when quarantined_rows * 100 > total_rows * quarantine_max_pct then ',quarantine_high' else ''
                end
            else '' end
            || case
                when
                    flow_closed
                    and {{ product('unexplained_yuan', 100) }}
                    > {{ product('greatest(coalesce(income_yuan, 0), 0)', 'flow_unexplained_pct') }}
                    then ',flows_not_reconciled'
                else ''
            end, 2
        ) as unknown_reasons
    from {{ relation }}
) as reasoned
{% endmacro %}

{% macro verdict(cost, income, threshold, band, reasons) -%}
    case
        when {{ reasons }} <> '' then 'unknown'
        when {{ product(cost, 100) }} < {{ product(income, threshold) }} then 'red'
        when {{ product(cost, 100) }} < {{ product(income, '(' ~ threshold ~ ' + ' ~ band ~ ')') }} then 'yellow'
        else 'green'
    end
{%- endmacro %}
