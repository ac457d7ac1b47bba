{#
  Key unique and complete, columns not null, in one query: a node costs more than the check.
  An incremental table is checked in the run's window only; older rows were checked when they were made.
#}
{% test sound(model, key, not_null=[], since_closure=none, period_column='biz_date') %}
{%- set window -%}
    {%- if since_closure is not none and execute -%}
        where {{ period_column }} >= {{ date_literal(window_start(since_closure)) }}
    {%- endif -%}
{%- endset %}
select
    'duplicate key' as problem,
    count(*) as row_count
from {{ model }}
{{ window }}
group by {{ key | join(', ') }}
having count(*) > 1
union all
select
    'missing value' as problem,
    count(*) as row_count
from {{ model }}
{{ window }}
{{ 'and' if window | trim else 'where' }} (
    {%- for column in key + not_null %}
    {{ column }} is null{{ ' or' if not loop.last }}
    {%- endfor %}
)
having count(*) > 0
{% endtest %}
