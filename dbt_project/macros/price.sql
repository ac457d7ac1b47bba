{# Price tests: how far back they look, and what is computed the same way in several places. #}

{# Days before the month that a price is compared over; less than LOOKBACK of pipelines/gold/plan.py. #}
{% macro price_look_back() -%}
    {{ return(45) }}
{%- endmacro %}

{# A specification without blanks, width variants and capitals, '' where there is none: what prices are compared by. #}
{% macro spec_key(spec) -%}
    lower(translate(coalesce({{ spec }}, ''), '０１２３４５６７８９ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ／（）．－＊×　 ', '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz/().-**'))
{%- endmacro %}

{# The nearer the organisation to the canteen, the smaller. #}
{% macro nearness(org, line) -%}
    case {{ org }} when {{ line }}.canteen_id then 1 when {{ line }}.school_id then 2 when {{ line }}.county_id then 3 else 4 end
{%- endmacro %}

{#
  The months of the run's window: first day, last day seen, first day looked back to. Every test is made from
  one month's view, so that a night, a range and a rebuild say the same.
#}
{% macro price_months() -%}
    {%- set state = namespace(day=window_start('finding')) -%}
    (values
    {%- for n in range(1200) -%}
        {%- if state.day <= last_day_of_run() -%}
            {%- set end = py_month_end(state.day) if py_month_end(state.day) <= last_day_of_run() else last_day_of_run() %}
        {{ ', ' if n }}({{ date_literal(state.day) }}, {{ date_literal(end) }}, {{ date_literal(days_before(state.day, price_look_back())) }})
            {%- set state.day = py_month_end(state.day) + modules.datetime.timedelta(1) -%}
        {%- endif -%}
    {%- endfor %}
    )
{%- endmacro %}

{# Natural logarithm of 1 + a percentage that is a threshold. #}
{% macro log_pct(pct) -%}
    ln(1 + cast({{ pct }} as double) / 100)
{%- endmacro %}

{# A logarithm as a price. #}
{% macro as_price(log_price) -%}
    cast(round(exp({{ log_price }}), 6) as decimal(18, 6))
{%- endmacro %}

{# A price as a clerk writes it: two decimals. #}
{% macro price_text(price) -%}
    cast(cast(round({{ price }}, 2) as decimal(18, 2)) as varchar)
{%- endmacro %}

{# price > bound by more than a tolerance in percent, in decimals; null where there is no bound. #}
{% macro exceeds(price, bound, tolerance_pct) -%}
    {{ product(price, 100) }} > {{ product(bound, '(100 + ' ~ tolerance_pct ~ ')') }}
{%- endmacro %}
