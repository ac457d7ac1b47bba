-- The judgement over any relation, for the property test: --vars '{"judge_relation": "cases"}'.
{{ judge(var('judge_relation', 'cases')) }}
