{# The last 30 open days with income, up to and including the row. #}
{% macro last_30() -%}
    over (partition by canteen_id order by meal_days rows between 29 preceding and current row)
{%- endmacro %}

{# Month ends of the form window whose form is overdue: as of later than the 15th of the next month. #}
{% macro overdue_month_ends() -%}
    {%- set ends = [] -%}
    {%- set state = namespace(day=py_month_end(window_start('form'))) -%}
    {%- for _ in range(1200) -%}
        {%- if (state.day + modules.datetime.timedelta(15)) < last_day_of_run() -%}
            {%- do ends.append(state.day) -%}
            {%- set state.day = py_month_end(state.day + modules.datetime.timedelta(1)) -%}
        {%- endif -%}
    {%- endfor -%}
    (select cast(d as date) as d from (values (null){% for day in ends %}, ({{ date_literal(day) }}){% endfor %}) as v (d)
    where d is not null)
{%- endmacro %}
