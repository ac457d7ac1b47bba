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
