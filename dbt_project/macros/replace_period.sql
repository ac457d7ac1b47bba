{#
  The one incremental strategy, of all facts: the rows of the window go, the newly computed ones come. They are
  computed before the old ones go, because a model may read its own table (`this`).
#}
{% macro replace_period_sql(target_relation, compiled_code) -%}
        create or replace temp table replacing_period as (
            {{ compiled_code }}
        );
        delete from {{ target_relation }} where {{ in_window() }};
        insert into {{ target_relation }} by name select * from replacing_period;
        drop table replacing_period;
{%- endmacro %}
