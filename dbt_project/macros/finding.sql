{# Findings look back a fixed number of days from the day that they are dated, never from the run's window,
   so that a night, a range and a rebuild say the same. #}
{% macro finding_from(days=0) -%}
    {{ return(days_before(window_start('finding'), days)) }}
{%- endmacro %}

{# Thresholds of a canteen on a day: joins aliases `d` and `t`. #}
{% macro join_threshold(canteen, day) -%}
    inner join {{ ref('dim_canteen') }} as d
        on {{ canteen }} = d.canteen_id and {{ day }} between d.valid_from and d.valid_to
    inner join {{ ref('int_threshold') }} as t
        on d.threshold_scope = t.threshold_scope and {{ day }} between t.since and t.until
{%- endmacro %}

{# Up to 20 record numbers out of an ordered list. #}
{% macro first_records(record_no, rank) -%}
    {{ joined('case when ' ~ rank ~ ' <= 20 then ' ~ record_no ~ ' end') }}
{%- endmacro %}

{# Findings of several CTEs, each named as its kind, in one order of columns. #}
{% macro united_findings(kinds) -%}
    {%- for kind in kinds %}
select
    kind, canteen_id, account_kind, cast(null as varchar) as ingredient_id, supplier_id, cause_key, biz_date,
    period_start, period_end, direction, cast(round(amount_yuan, 2) as decimal(18, 2)) as amount_yuan,
    cast(observed as decimal(18, 3)) as observed, cast(expected as decimal(18, 3)) as expected,
    text_zh, record_nos, confidence
from {{ kind }}
        {%- if not loop.last %}
union all
        {%- endif %}
    {%- endfor %}
{%- endmacro %}

{# Rows of a table of findings: every finding of a relation gets the number of its cause. #}
{% macro numbered_findings(relation) -%}
select
    md5(
        kind || '|' || canteen_id || '|' || account_kind || '|' || coalesce(ingredient_id, '') || '|'
        || cause_key || '|' || cast(period_start as varchar)
    ) as finding_id,
    kind,
    canteen_id,
    account_kind,
    ingredient_id,
    supplier_id,
    biz_date,
    {{ month_label('biz_date') }} as biz_month,
    period_start,
    period_end,
    direction,
    amount_yuan,
    observed,
    expected,
    text_zh,
    record_nos,
    confidence
from {{ relation }}
where {{ in_window() }} and biz_date <= {{ date_literal(last_day_of_run()) }}
{%- endmacro %}
