{# Schemas are named as they are; an analyst's go behind the analyst's own prefix. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- set name = custom_schema_name if custom_schema_name is not none else target.schema -%}
    {%- if target.name == 'analyst' -%}
        {{ env_var('CANTEEN_ANALYST') }}_{{ name }}
    {%- else -%}
        {{ name }}
    {%- endif -%}
{%- endmacro %}
