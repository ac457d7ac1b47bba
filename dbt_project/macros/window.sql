{#
  What a run recomputes. The only place that knows about windows.

  Vars (ISO dates): `from_date` earliest touched business date, never later than the day after the
  previous run's `to_date` (days without data are rows too); `to_date` the last day with data (as of). Optional, each narrows what is read and never what is right:
    `touched_dates`   list of exactly the touched business dates (closure `day`);
    `form_from_date`  earliest touched month end of a disclosure form (default `from_date`);
    `arrival_from`    earliest touched arrival date (default `from_date`).
    `names_changed`   true when supplier names changed: they are no reason to judge again, but recent
                      records are shown with them.

  A model names its closure in `meta`; its SQL and the strategy `replace_period` both take the
  predicate from `in_window()`, so what is deleted is what is computed again.
#}

{% macro iso_var(name, default=none) -%}
    {%- set value = var(name, default) -%}
    {%- if value is none and execute -%}
        {{ exceptions.raise_compiler_error(
            "var '" ~ name ~ "' is missing: run dbt through ./canteen, or give --vars with from_date and to_date") }}
    {%- endif -%}
    {{ return((value if value is not none else '2000-01-01') | string) }}
{%- endmacro %}

{% macro py_date(text) -%}
    {{ return(modules.datetime.date.fromisoformat(text)) }}
{%- endmacro %}

{% macro date_literal(day) -%}
    date '{{ day }}'
{%- endmacro %}

{# First day to recompute, as a Python date: never after the as-of day. #}
{% macro first_day() -%}
    {%- set start = py_date(iso_var('from_date')) -%}
    {%- set end = py_date(iso_var('to_date')) -%}
    {{ return(start if start < end else end) }}
{%- endmacro %}

{% macro last_day_of_run() -%}
    {{ return(py_date(iso_var('to_date'))) }}
{%- endmacro %}

{% macro days_before(day, n) -%}
    {{ return(day - modules.datetime.timedelta(n)) }}
{%- endmacro %}

{% macro py_month_start(day) -%}
    {{ return(day.replace(day=1)) }}
{%- endmacro %}

{% macro py_month_end(day) -%}
    {{ return(days_before((day.replace(day=28) + modules.datetime.timedelta(4)).replace(day=1), 1)) }}
{%- endmacro %}

{#
  First day that a closure recomputes, as a Python date.
    day, forward  the first touched day
    month_end     the month that holds the day before it: its end may only now be complete
    form          the month before the earliest touched one: its form may only now be overdue
    finding       the first of the month, because some findings speak about a month or a week of peers
    month         the first of the month: the rows are about whole months
    arrival       the earliest touched arrival date
    recent        the first touched day, within the last `meta.days` days; older rows are dropped
    recent_month  the same from the first of the month, because peers of a month move together
#}
{% macro window_start(closure) -%}
    {%- set start = first_day() -%}
    {%- if closure in ('day', 'forward', 'verdict') -%}
        {{ return(start) }}
    {%- elif closure == 'month_end' -%}
        {{ return(days_before(start, 1)) }}
    {%- elif closure == 'form' -%}
        {%- set touched = py_date(iso_var('form_from_date', iso_var('from_date'))) -%}
        {%- set earliest = touched if touched < start else start -%}
        {{ return(py_month_start(days_before(py_month_start(earliest), 1))) }}
    {%- elif closure in ('finding', 'month') -%}
        {{ return(py_month_start(start)) }}
    {%- elif closure == 'arrival' -%}
        {{ return(py_date(iso_var('arrival_from', iso_var('from_date')))) }}
    {%- else -%}
        {{ exceptions.raise_compiler_error("unknown closure '" ~ closure ~ "'") }}
    {%- endif -%}
{%- endmacro %}

{# Oldest of the last `days` days, and the first of them that this run computes again. #}
{% macro recent_oldest(days) -%}
    {{ return(days_before(last_day_of_run(), days - 1)) }}
{%- endmacro %}

{% macro recent_start(days) -%}
    {%- set oldest = recent_oldest(days) -%}
    {{ return(oldest if var('names_changed', false) or first_day() < oldest else first_day()) }}
{%- endmacro %}

{# The same from the first of the month. #}
{% macro recent_month_start(days) -%}
    {%- set oldest = recent_oldest(days) -%}
    {%- set first = py_month_start(first_day()) -%}
    {{ return(oldest if var('names_changed', false) or first < oldest else first) }}
{%- endmacro %}

{# The predicate that both the model and `replace_period` use. #}
{% macro in_window() -%}
    {%- if not execute -%}true{%- else -%}
    {%- set closure = model.config.meta['closure'] -%}
    {%- set column = model.config.meta['period_column'] -%}
    {%- set touched = var('touched_dates', none) -%}
    {%- if closure == 'day' and touched is not none -%}
        {{ column }} in (
            {%- for day in touched %}{{ date_literal(day) }}{{ ', ' if not loop.last }}{% else %}null{% endfor -%}
        )
    {%- elif closure in ('recent', 'recent_month') -%}
        {%- set days = model.config.meta['days'] -%}
        {%- set start = recent_start(days) if closure == 'recent' else recent_month_start(days) -%}
        ({{ column }} >= {{ date_literal(start) }} or {{ column }} < {{ date_literal(recent_oldest(days)) }})
    {%- elif closure == 'verdict' -%}
        ((definition = 'consumed' and (
            {{ column }} >= {{ date_literal(window_start('forward')) }}
            or {{ column }} = {{ date_literal(days_before(window_start('month'), 1)) }} and period_kind = 'month'
        ))
        or (definition <> 'consumed' and {{ column }} >= {{ date_literal(window_start('form')) }}))
    {%- else -%}
        {{ column }} >= {{ date_literal(window_start(closure)) }}
    {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# First days of the months from a day's own to that of the last day of the run. #}
{% macro months_to_date(day) -%}
    {%- set last = last_day_of_run() -%}
    {%- set months = [] -%}
    {%- for n in range(day.year * 12 + day.month - 1, last.year * 12 + last.month) -%}
        {%- do months.append(day.replace(year=n // 12, month=n % 12 + 1, day=1)) -%}
    {%- endfor -%}
    {{ return(months) }}
{%- endmacro %}

{# Months (first day, last day) of `month_end` balances that this run can complete. #}
{% macro complete_months() -%}
    {%- set last = last_day_of_run() -%}
    {%- set months = [] -%}
    {%- for first in months_to_date(window_start('month_end')) if py_month_end(first) <= last -%}
        {%- do months.append({'first': first, 'last': py_month_end(first)}) -%}
    {%- endfor -%}
    {{ return(months) }}
{%- endmacro %}

{# Days without data are rows too: a window that starts later than the day after the last one leaves a hole. #}
{% macro refuse_gap(relation) -%}
    {%- if execute -%}
        {%- set last = run_query('select max(biz_date) as biz_date from ' ~ relation).columns[0].values()[0] -%}
        {%- if last is not none and days_before(first_day(), 1) > py_date((last | string)[:10]) -%}
            {{ exceptions.raise_compiler_error(
                relation ~ ' ends on ' ~ last ~ ': from_date ' ~ first_day() ~ ' would leave a hole; give a from_date'
                ~ ' no later than the day after') }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
