"""Account coding of bank lines and business events: dated rules, then precedents, then a person.

Belongs here: choosing an account and saying why. Does not belong here: posting (``pipelines.books``), and how a
person decides (``./canteen decide``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from pipelines.reconcile import names, precedents
from warehouse import vocabulary
from warehouse.errors import ContractBreach, Permanent

RULES: Final = Path(__file__).with_name("account_rules.csv")
RULE_SCHEMA: Final = pl.Schema(
    {
        "account_set": pl.String,
        "priority": pl.Int64,
        "valid_from": pl.Date,
        "valid_to": pl.Date,
        "direction": pl.String,
        "field": pl.String,
        "pattern": pl.String,
        "account_code": pl.String,
        "account_name": pl.String,
        "source": pl.String,
    }
)
FIELDS: Final = {"kind": "类别", "party": "对方", "text": "摘要"}
"""What a rule may look at, and what people call it."""
KINDS: Final = {
    "settlement": "渠道结算",
    "fund_split": "资金拨付",
    "supplier_payment": "供应商付款",
    "refund": "退费",
    "wages": "工资",
    "utilities": "水电燃料",
    "bank_fee": "银行手续费",
    "interest": "银行利息",
    "other": "其他",
}
SURE: Final = 0.999
"""Least lower bound of the share of right ones at which precedents code without a person."""
_NEAR: Final = 0.2
"""Least likeness of a text that is called near."""
SETTLED: Final = 5
"""Equal decisions on one text, none to the contrary, after which the next is coded without a person."""


def read_rules(path: Path = RULES) -> pl.DataFrame:
    """The dated rules.

    Raises:
        Permanent: A rule looks at an unknown field, belongs to an unknown account set, or its pattern is none.
    """
    rules = pl.read_csv(path, schema=RULE_SCHEMA)
    for row in rules.iter_rows(named=True):
        if row["field"] not in FIELDS or row["account_set"] not in vocabulary.ACCOUNT_SETS:
            raise Permanent(
                f"{path.name}：规则的账套或字段不认识：{row['account_set']} {row['field']}；请更正后重跑"
            )
        try:
            pl.Series(["x"]).str.contains(row["pattern"])
        except pl.exceptions.ComputeError as error:
            raise Permanent(f"{path.name}：规则的式样写错：{row['pattern']}；请更正后重跑") from error
    return rules.with_row_index("rule")


def code(
    events: pl.DataFrame, account_set: str, rules: pl.DataFrame, decisions: pl.DataFrame
) -> pl.DataFrame:
    """Code events to the account that stands against the bank.

    Args:
        events: ``event_id``, ``biz_date``, ``direction``, ``party``, ``text``, ``kind``.
        account_set: Of ``vocabulary.ACCOUNT_SETS``.
        rules: From ``read_rules``.
        decisions: What stewards decided, all account sets: ``account_set``, ``direction``, ``party``, ``text``,
            ``account_code``.

    Returns:
        One row per event, ordered by ``event_id``: ``event_id``, ``account_set``, ``account_code`` (null where
        nothing is known), ``method`` (``rule``, ``precedent``, ``similar``, ``none``), ``confidence`` (share of
        such codings that proved right), ``automatic``, ``explanation``.

    Raises:
        ContractBreach: An event stands twice.
    """
    if events["event_id"].is_duplicated().any():
        raise ContractBreach("同一资金事件要求编码两次；请在取数处去重", events.height)
    spelt = _spelt(events).sort("event_id")
    ruled = _by_rule(spelt, rules.filter(pl.col("account_set") == account_set))
    rest = spelt.join(ruled, on="event_id", how="anti", maintain_order="left")
    mine = _spelt(decisions.filter(pl.col("account_set") == account_set))
    like = _by_precedent(rest, mine.select(text="document", code="account_code"))
    return pl.concat([ruled, like]).sort("event_id").select(
        "event_id", pl.lit(account_set).alias("account_set"), "account_code", "method", "confidence", "automatic", "explanation"
    )  # fmt: skip


def _spelt(events: pl.DataFrame) -> pl.DataFrame:
    """Events in normal spelling, with ``document``: what precedents compare, money in apart from money out."""
    both = events.with_columns(party=names.party("party"), text=names.text("text"))
    said = pl.concat_str(pl.col("party", "text").fill_null(""), separator=" ").str.strip_chars()
    return both.with_columns(document=pl.col("direction").str.head(1) + said)


def _by_rule(events: pl.DataFrame, rules: pl.DataFrame) -> pl.DataFrame:
    """Events that a rule codes; where rules of equal priority differ, none does."""
    hits = [
        events.filter(
            pl.col("direction") == rule["direction"] if rule["direction"] else pl.lit(True),
            pl.col("biz_date") >= rule["valid_from"],
            pl.col("biz_date") <= rule["valid_to"] if rule["valid_to"] else pl.lit(True),
            pl.col(rule["field"]).str.contains(rule["pattern"]).fill_null(False),
        ).select("event_id", rule=pl.lit(rule["rule"], pl.UInt32))
        for rule in rules.iter_rows(named=True)
    ]
    empty = pl.DataFrame(schema={"event_id": pl.String, "rule": pl.UInt32})
    field = pl.col("field").replace_strict(FIELDS, return_dtype=pl.String)
    looked_for = pl.col("pattern").str.strip_chars("^$")
    looked_for = pl.when(pl.col("field") == "kind").then(looked_for.replace(KINDS)).otherwise(looked_for)
    since = pl.col("valid_from").dt.strftime("%Y-%m-%d")
    return (
        pl.concat([empty, *hits])
        .join(rules, on="rule")
        .filter(pl.col("priority") == pl.col("priority").min().over("event_id"))
        .filter(pl.col("account_code").n_unique().over("event_id") == 1)
        .sort("event_id", "rule")
        .unique("event_id", keep="first", maintain_order=True)
        .select(
            "event_id",
            "account_code",
            method=pl.lit("rule"),
            confidence=pl.lit(1.0),
            automatic=pl.lit(True),
            explanation=pl.format(
                "按规则：{}符合“{}”，记 {} {}（{}，自 {} 起）", field, looked_for, "account_code", "account_name", "source", since
            ),
        )
    )  # fmt: skip


def _by_precedent(events: pl.DataFrame, decided: pl.DataFrame) -> pl.DataFrame:
    """Events as earlier ones were decided: the same text, else the nearest texts."""
    counts = decided.group_by("text").agg(
        codes=pl.col("code").n_unique(), code=pl.col("code").first(), times=pl.len()
    )
    same = events.select("event_id", text="document").join(counts.filter(pl.col("codes") == 1), on="text")
    settled = same.select(
        "event_id",
        account_code="code",
        method=pl.lit("precedent"),
        # Laplace: what has always been so may still be otherwise once.
        confidence=(pl.col("times") + 1) / (pl.col("times") + 2),
        automatic=pl.col("times") >= SETTLED,
        explanation=pl.format("同样的记录此前由人定过 {} 次，都记 {}", "times", "code"),
    )
    rest = events.join(settled, on="event_id", how="anti", maintain_order="left")
    near = precedents.learn(decided).nearest(rest["document"])
    known = pl.col("likeness") >= _NEAR
    proved = pl.format("这样的判断过去 {}% 是对的", (pl.col("right") * 100).round(1))
    told = pl.format(
        "与此前定过的“{}”相近（相似度 {}），最近的 {} 个先例中 {} 个记 {}；{}",
        pl.col("like").str.slice(1), pl.col("likeness").round(2), "voters", "votes", "code",
        pl.when(pl.col("right") > 0).then(proved).otherwise(pl.lit("尚无先例可以核对这样的判断")),
    )  # fmt: skip
    similar = pl.concat([rest.select("event_id"), near], how="horizontal").select(
        "event_id",
        account_code=pl.when(known).then("code"),
        method=pl.when(known).then(pl.lit("similar")).otherwise(pl.lit("none")),
        confidence=pl.when(known).then("right").otherwise(0.0),
        automatic=(known & (pl.col("surely") >= SURE)).fill_null(False),
        explanation=pl.when(known)
        .then(told)
        .otherwise(pl.lit("没有适用的规则，也没有相近的先例，请人工确定")),
    )
    return pl.concat([settled, similar])
