{#
  The periods that the cockpit shows as of the last day, in the order of its filter: the month to date, the
  last six whole months, 30 days, the term, the year; forms for whole months and for the year up to the
  last whole month. `previous` is what a period is compared with: the month before for months, 30 days
  earlier for 30 days, and the same sum at the last month's end for term and year.
#}
{% macro shown_periods() -%}
    {%- set today = last_day_of_run() -%}
    {%- set before = days_before(py_month_start(today), 1) -%}
    {%- set whole = today if py_month_end(today) == today else before -%}
    {%- set rows = [
        [0, 'month_to_date', today, (today | string)[:7] ~ '（本月至今）', 'month', before, false],
        [7, 'rolling_30d', today, '近30天', 'rolling_30d', days_before(today, 30), false],
        [8, 'term', today, '本学期', 'term', before, false],
        [9, 'ytd', today, '本年', 'ytd', before, false],
        [9, 'ytd', whole, '本年', 'ytd', days_before(py_month_start(whole), 1), true]
    ] -%}
    {%- set state = namespace(end=whole) -%}
    {%- for rank in range(1, 7) -%}
        {%- set earlier = days_before(py_month_start(state.end), 1) -%}
        {%- for is_form in (false, true) -%}
            {%- do rows.append([rank, 'month', state.end, (state.end | string)[:7], 'month', earlier, is_form]) -%}
        {%- endfor -%}
        {%- set state.end = earlier -%}
    {%- endfor -%}
    {{ return(rows) }}
{%- endmacro %}

{# The same as a table, and the days on which they and their predecessors end. #}
{% macro shown_period_table() -%}
    (values
    {%- for rank, kind, end, label, previous_kind, previous_end, is_form in shown_periods() %}
        (
            {{ rank }}, '{{ kind }}', {{ date_literal(end) }}, '{{ label }}', '{{ previous_kind }}',
            {{ date_literal(previous_end) }}, {{ is_form | lower }}
        ){{ ',' if not loop.last }}
    {%- endfor %}
    )
{%- endmacro %}

{% macro shown_period_ends() -%}
    {%- set days = [] -%}
    {%- for row in shown_periods() -%}
        {%- do days.append(row[2]) -%}
        {%- do days.append(row[5]) -%}
    {%- endfor -%}
    ({% for day in days | unique %}{{ date_literal(day) }}{{ ', ' if not loop.last }}{% endfor %})
{%- endmacro %}
