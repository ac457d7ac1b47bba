"""Raise, withdraw and reopen alerts: the findings of a window against what ``gold.alert`` holds.

Belongs here: the identity and the state of alerts. ``gold.alert`` in the build file is a cache of gold Delta like
any other table there; the gold step commits it. An alert is a rule and the finding that it selects, and a
finding's id is the digest of its subject, cause and period. The alert's id is minted when it is first raised and
found again by rule and finding ever after.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

import duckdb

from pipelines.alerts.rules import Rule
from warehouse import delta
from warehouse.errors import Permanent
from warehouse.settings import Settings
from warehouse.tables import ALERT

_SURE: Final = "['S', 'A', 'B', 'C', 'D', 'none']"
"""Confidences of a threshold, the surest first. From C on an alert informs and can freeze or rate nothing."""
_FINDINGS: Final = {
    **dict.fromkeys(
        ("red_line_finding", "money_finding", "video_finding"),
        "kind, cast(null as varchar) as county_code, amount_yuan, cast(null as varchar) as basis",
    ),
    "price_finding": "test as kind, county_code, excess_yuan as amount_yuan, basis",
}
_HANDED: Final = (
    *("rule_id", "version", "label", "severity", "source", "valid_from", "valid_to"),
    *("kind", "department", "confidence", "rests_on", "basis"),
)
_SHARED: Final = (
    "finding_id, canteen_id, supplier_id, ingredient_id, biz_date, biz_month, period_start, period_end, "
    "text_zh, confidence"
)


def recall(settings: Settings, connection: duckdb.DuckDBPyConnection) -> None:
    """Fill a new build file with the alerts that gold Delta holds."""
    held = delta.read(settings.table("gold.alert"), ALERT)
    connection.register("held", held.to_arrow())
    connection.execute("delete from gold.alert")
    connection.execute(f"insert into gold.alert select {', '.join(ALERT)} from held")
    connection.unregister("held")


def run(
    connection: duckdb.DuckDBPyConnection, rules: Sequence[Rule], since: dt.date, night: dt.date
) -> dt.date:
    """Bring ``gold.alert`` to what the findings from a day on say; running again changes nothing.

    Args:
        connection: Open build file, with the findings of the night.
        rules: Versions of the alert rules.
        since: First day whose findings may have changed.
        night: Last arrival date taken, the day of what changes now.

    Returns:
        First day whose alerts may have changed: before ``since`` where a finding came back under another day.

    Raises:
        Permanent: Two rules select one finding.
    """
    _hand_over(connection, rules)
    connection.execute("begin")
    connection.execute(f"create or replace temp table candidate as {_candidates()}", [since])
    _refuse_double(connection)
    connection.execute(
        f"create or replace temp table alert_now as {_states()}", {"since": since, "night": night}
    )
    moved = connection.execute(
        "select min(biz_date) from gold.alert where alert_id in (select alert_id from alert_now)"
    ).fetchall()[0][0]
    connection.execute("delete from gold.alert where alert_id in (select alert_id from alert_now)")
    connection.execute(f"insert into gold.alert select {', '.join(ALERT)} from alert_now")
    connection.execute("drop table candidate")
    connection.execute("drop table alert_now")
    connection.execute("commit")
    return since if moved is None else min(since, moved)


def _refuse_double(connection: duckdb.DuckDBPyConnection) -> None:
    double = connection.execute(
        "select kind, min(rule_id), max(rule_id) from candidate group by finding_id, kind having count(*) > 1 limit 1"
    ).fetchone()
    if double is not None:
        kind, one, other = double
        connection.execute("rollback")
        raise Permanent(
            f"rules.yaml: {one} and {other} both select a finding of kind {kind}; narrow one of them"
        )


def _hand_over(connection: duckdb.DuckDBPyConnection, rules: Sequence[Rule]) -> None:
    connection.execute(
        "create or replace temp table alert_rule (rule_id varchar, version bigint, label varchar, severity varchar, "
        "source varchar, valid_from date, valid_to date, kind varchar[], department varchar[], confidence varchar[], "
        "rests_on varchar[], basis varchar)"
    )
    rows = [[getattr(rule, name) for name in _HANDED] for rule in rules]
    if rows:
        connection.executemany(f"insert into alert_rule values ({', '.join('?' * len(_HANDED))})", rows)


def _candidates() -> str:
    """Findings of the window that a rule selects, with how sure the least sure thing is that they rest on."""
    findings = " union all ".join(
        f"select '{table}' as source, {_SHARED}, {own} from gold.{table} where biz_date >= $1"
        for table, own in _FINDINGS.items()
    )
    return f"""
        with finding as (
            select f.*, coalesce(d.label, 'both') as department
            from ({findings}) as f
            left join gold.ref_label as d
                on d.code = f.kind
                and d.list_name = case f.source when 'price_finding' then 'price_department' else 'finding_department' end
        ),
        selected as (
            select f.*, r.rule_id, r.version, r.label, r.severity, r.rests_on, r.basis as rule_basis
            from finding as f
            inner join alert_rule as r
                on f.source = r.source and f.biz_date between r.valid_from and coalesce(r.valid_to, date '9999-12-31')
                and (r.kind is null or list_contains(r.kind, f.kind))
                and (r.department is null or list_contains(r.department, f.department))
                and (r.confidence is null or list_contains(r.confidence, f.confidence))
        ),
        parameter as (
            select s.rule_id, s.version, s.biz_date, unnest(s.rests_on) as parameter
            from (select distinct rule_id, version, biz_date, rests_on from selected) as s
        ),
        worst as (
            select p.rule_id, p.version, p.biz_date,
                max(list_position({_SURE}, coalesce(t.confidence, 'none'))) as place
            from parameter as p
            left join gold.ref_threshold as t
                on p.parameter = t.parameter
                and p.biz_date between t.valid_from and coalesce(t.valid_to, date '9999-12-31')
            group by p.rule_id, p.version, p.biz_date
        )
        select s.*, nullif(greatest(
                coalesce(list_position({_SURE}, s.basis), 0), coalesce(list_position({_SURE}, s.rule_basis), 0),
                coalesce(w.place, 0)
            ), 0) as place
        from selected as s
        left join worst as w on s.rule_id = w.rule_id and s.version = w.version and s.biz_date = w.biz_date
    """


def _states() -> str:
    """What the alerts of the window are now: those with a cause, and those that have lost it."""
    return f"""
        select
            coalesce(a.alert_id, substr(md5(c.rule_id || '|' || c.finding_id), 1, 16)) as alert_id,
            c.rule_id, c.version as rule_version, c.label as rule_label, c.severity, c.source as finding_table,
            c.kind, c.finding_id, c.canteen_id, c.county_code, c.supplier_id, c.ingredient_id, c.biz_date,
            c.period_start, c.period_end, c.amount_yuan, c.text_zh, c.department, c.confidence,
            {_SURE}[c.place] as basis,
            case when c.place > list_position({_SURE}, 'B') then 'inform' else 'act' end as effect,
            'open' as alert_state,
            c.biz_month,
            coalesce(a._raised_on, $night) as _raised_on,
            case when a.alert_state = 'open' then a._state_since else $night end as _state_since
        from candidate as c
        left join gold.alert as a on c.rule_id = a.rule_id and c.finding_id = a.finding_id
        union all by name
        select a.* replace ('withdrawn' as alert_state, $night as _state_since)
        from gold.alert as a
        where a.alert_state = 'open' and a.biz_date >= $since
            and not exists (
                select 1 from candidate as c where c.rule_id = a.rule_id and c.finding_id = a.finding_id
            )
    """
