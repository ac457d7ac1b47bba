{# The last 30 open days with income, up to and including the row. #}
{% macro last_30() -%}
    over (partition by canteen_id order by meal_days rows between 29 preceding and current row)
{%- endmacro %}

{# Month ends of the form window whose form is overdue: as of later than the 15th of the next month. #}
{% macro overdue_month_ends() -%}
    {%- set last = last_day_of_run() -%}
    {%- set ends = [] -%}
    {%- for first in months_to_date(window_start('form')) if days_before(last, 15) > py_month_end(first) -%}
        {%- do ends.append(py_month_end(first)) -%}
    {%- endfor -%}
    (select cast(d as date) as d from (values (null){% for day in ends %}, ({{ date_literal(day) }}){% endfor %}) as v (d)
    where d is not null)
{%- endmacro %}
