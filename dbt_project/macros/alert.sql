{# The alert that stands for a finding, see pipelines/alerts: no finding has more than one that is open. #}
{% macro join_alert(finding_id) -%}
    left join {{ source('gold', 'alert') }} as al on {{ finding_id }} = al.finding_id and al.alert_state = 'open'
    {{ join_label('alert_state', 'al.alert_state', 'als') }}
    {{ join_label('alert_severity', 'al.severity', 'alv') }}
    {{ join_label('alert_effect', 'al.effect', 'ale') }}
    {{ join_label('basis', 'al.basis', 'alb') }}
{%- endmacro %}

{% macro alert_columns() -%}
    al.alert_id, al.rule_label as alert_label, al.alert_state, als.label as alert_state_label,
    alv.label as severity_label, ale.label as effect_label, alb.label as alert_basis_label,
    al._raised_on as raised_on
{%- endmacro %}
