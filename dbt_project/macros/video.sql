{# Kitchen video: local time of instants, and a night without cameras. #}

{# An instant as the clock on the wall shows it (sessions run in Asia/Shanghai). #}
{% macro local_time(instant) -%}
    {{ return(adapter.dispatch('local_time')(instant)) }}
{%- endmacro %}

{% macro duckdb__local_time(instant) -%}
    cast({{ instant }} as timestamp)
{%- endmacro %}

{% macro spark__local_time(instant) -%}
    cast({{ instant }} as timestamp_ntz)
{%- endmacro %}

{# HH:MM of a local time. #}
{% macro clock(local) -%}
    substr(cast({{ local }} as varchar), 12, 5)
{%- endmacro %}

{#
  Whether no camera is registered. Then a night's models of cameras are empty: planning their queries would cost a city
  without video more than all that they say.
#}
{% macro no_cameras() -%}
    {%- if execute and is_incremental() -%}
        {%- set found = run_query('select 1 as one from ' ~ source('silver', 'camera') ~ ' limit 1') -%}
        {{ return(found.rows | length == 0) }}
    {%- else -%}
        {{ return(false) }}
    {%- endif -%}
{%- endmacro %}

{# Reference rows of silver in dated versions: the last report of a version holds, a later version closes it. #}
{% macro dated_versions(table, key, columns) -%}
select
    {{ key | join(', ') }}, {{ columns | join(', ') }}, _provider, valid_from,
    least(
        coalesce(valid_to, date '9999-12-31'),
        coalesce(
            lead(valid_from) over (partition by {{ key | join(', ') }} order by valid_from) - 1, date '9999-12-31'
        )
    ) as valid_to
from (
    select
        r.*,
        row_number() over (
            partition by {% for column in key %}r.{{ column }}, {% endfor %}r.valid_from
            order by r.reported_at desc, r._arrival_date desc, r._file desc, r._row desc
        ) as n
    from {{ source('silver', table) }} as r
) as ranked
where n = 1
{%- endmacro %}

{# Findings of video: no account, no goods, no money. #}
{% macro united_video_findings(kinds) -%}
    {%- for kind in kinds %}
select
    kind, canteen_id, 'pupil' as account_kind, cast(null as varchar) as ingredient_id,
    cast(null as varchar) as supplier_id, cause_key, biz_date, period_start, period_end, 'neutral' as direction,
    cast(null as decimal(18, 2)) as amount_yuan, cast(observed as decimal(18, 3)) as observed,
    cast(expected as decimal(18, 3)) as expected, text_zh, record_nos, confidence
from {{ kind }}
        {%- if not loop.last %}
union all
        {%- endif %}
    {%- endfor %}
{%- endmacro %}
