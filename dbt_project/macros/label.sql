{# Chinese label of a code: ref_label, generated from warehouse/vocabulary.py, is the only place of labels. #}
{% macro join_label(list_name, code, alias) -%}
    left join {{ ref('ref_label') }} as {{ alias }} on {{ alias }}.list_name = '{{ list_name }}' and {{ code }} = {{ alias }}.code
{%- endmacro %}

{# County or management area by its division code, as registered on a day. #}
{% macro join_county(code, day, alias) -%}
    left join {{ ref('stg_org') }} as {{ alias }}
        on {{ code }} = {{ alias }}.division_code and {{ alias }}.org_kind in ('county', 'management_area')
        and {{ day }} between {{ alias }}.valid_from and {{ alias }}.valid_to
{%- endmacro %}

{# A percentage as people write it: 75, 72.5. #}
{% macro percent_text(value) -%}
    case
        when {{ value }} = floor({{ value }}) then cast(cast({{ value }} as bigint) as varchar)
        else cast(cast({{ value }} as decimal(9, 1)) as varchar)
    end
{%- endmacro %}
