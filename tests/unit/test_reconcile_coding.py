"""Account coding: dated rules, precedents with a stated confidence, and a person for the rest."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.reconcile import coding, precedents
from warehouse.errors import ContractBreach, Permanent

EVENT = {
    "event_id": pl.String, "biz_date": pl.Date, "direction": pl.String, "party": pl.String, "text": pl.String,
    "kind": pl.String,
}  # fmt: skip
DECISION = {
    "account_set": pl.String, "direction": pl.String, "party": pl.String, "text": pl.String, "account_code": pl.String,
}  # fmt: skip
NONE = pl.DataFrame(schema=DECISION)


def event(text: str | None, **other: Any) -> dict[str, Any]:
    values = {
        "event_id": "e",
        "biz_date": dt.date(2026, 9, 1),
        "direction": "out",
        "party": None,
        "text": text,
    }
    return values | {"kind": None} | other


def coded(
    one: dict[str, Any], decisions: pl.DataFrame = NONE, account_set: str = "government"
) -> dict[str, Any]:
    return coding.code(pl.DataFrame([one], EVENT), account_set, coding.read_rules(), decisions).row(
        0, named=True
    )


def decisions(*rows: tuple[str | None, str, str], times: int = 1) -> pl.DataFrame:
    """Party, text and account, each decided so often."""
    made = [("government", "out", party, text, code) for party, text, code in rows for _ in range(times)]
    return pl.DataFrame(made, DECISION, orient="row")


@pytest.mark.parametrize(
    ("one", "account"),
    [
        (event("账户季度结息", direction="in"), "4609"),
        (event("网银手续费"), "5001"),
        (event("代发工资"), "2201"),
        (event("款项", party="国网湖南省电力有限公司岳阳供电分公司"), "5001"),
        (event("结算", party="财付通支付科技有限公司", direction="in"), "2305"),
        (event("九月食材货款"), "2302"),
        (event("退王小明伙食费"), "2305"),
        (event("随便写的", kind="supplier_payment"), "2302"),
        (event("随便写的", kind="fund_split", direction="in"), "2307"),
    ],
)
def test_rules_code_without_a_person(one: dict[str, Any], account: str) -> None:
    found = coded(one)
    assert (found["account_code"], found["method"], found["automatic"]) == (account, "rule", True)
    assert found["explanation"].startswith("按规则：")
    assert account in found["explanation"]


def test_both_account_sets_have_rules_for_the_same_things() -> None:
    rules = coding.read_rules()
    what = ["priority", "direction", "field", "pattern"]
    sets = {name: rules.filter(account_set=name).select(what).rows() for name in ("government", "canteen")}
    assert sets["government"] == sets["canteen"]


def test_a_rule_holds_from_its_day_and_to_its_day(tmp_path: Path) -> None:
    file = tmp_path / "rules.csv"
    file.write_text(
        ",".join(coding.RULE_SCHEMA.names())
        + "\ngovernment,10,2020-01-01,2020-12-31,out,text,菜款,1111,旧科目,旧办法"
        + "\ngovernment,10,2021-01-01,,out,text,菜款,2222,新科目,新办法\n",
        encoding="utf8",
    )
    rules = coding.read_rules(file)

    def on(day: dt.date) -> str | None:
        events = pl.DataFrame([event("菜款", biz_date=day)], EVENT)
        code: str | None = coding.code(events, "government", rules, NONE)["account_code"][0]
        return code

    days = (dt.date(2019, 12, 31), dt.date(2020, 12, 31), dt.date(2021, 1, 1))
    assert [on(day) for day in days] == [None, "1111", "2222"]


def test_rules_that_contradict_each_other_go_to_a_person(tmp_path: Path) -> None:
    file = tmp_path / "rules.csv"
    file.write_text(
        ",".join(coding.RULE_SCHEMA.names())
        + "\ngovernment,10,2020-01-01,,out,text,菜,1111,甲,甲\ngovernment,10,2020-01-01,,out,text,款,2222,乙,乙\n",
        encoding="utf8",
    )
    events = pl.DataFrame([event("菜款"), event("菜", event_id="f")], EVENT)
    found = coding.code(events, "government", coding.read_rules(file), NONE)
    assert found.select("method", "account_code").rows() == [("none", None), ("rule", "1111")]


@pytest.mark.parametrize("bad", ["government,1,2020-01-01,,out,colour,菜,1,甲,甲", "x,1,2020-01-01,,out,text,菜,1,甲,甲",
                                 "government,1,2020-01-01,,out,text,(菜,1,甲,甲"])  # fmt: skip
def test_a_rule_that_cannot_be_read_is_refused(tmp_path: Path, bad: str) -> None:
    file = tmp_path / "rules.csv"
    file.write_text(",".join(coding.RULE_SCHEMA.names()) + "\n" + bad + "\n", encoding="utf8")
    with pytest.raises(Permanent, match=r"rules\.csv"):
        coding.read_rules(file)


def test_the_same_text_is_coded_as_it_was_often_enough() -> None:
    one = event("厨具采购", party="岳阳厨具城")
    often = decisions(("岳阳厨具城", "厨具采购", "1601"), times=coding.SETTLED)
    assert coded(one, often)["automatic"]
    assert coded(one, often)["method"] == "precedent"
    seldom = coded(one, decisions(("岳阳厨具城", "厨具采购", "1601"), times=coding.SETTLED - 1))
    assert (seldom["account_code"], seldom["automatic"]) == ("1601", False)


def test_precedents_that_differ_never_code_without_a_person() -> None:
    differ = pl.concat(
        [decisions(("城", "厨具采购", "1601"), times=50), decisions(("城", "厨具采购", "5001"), times=1)]
    )
    found = coded(event("厨具采购", party="城"), differ)
    assert found["account_code"] == "1601"
    assert not found["automatic"]


def test_nothing_near_goes_to_a_person() -> None:
    found = coded(event("完全陌生"), decisions(("岳阳厨具城", "厨具采购", "1601")))
    assert (found["account_code"], found["method"], found["confidence"], found["automatic"]) == (
        None,
        "none",
        0,
        False,
    )
    assert "请人工确定" in found["explanation"]


def test_other_account_sets_teach_nothing() -> None:
    other = decisions(("岳阳厨具城", "厨具采购", "1601"), times=9).with_columns(account_set=pl.lit("canteen"))
    assert coded(event("厨具采购", party="岳阳厨具城"), other)["method"] == "none"


def test_an_event_is_coded_once() -> None:
    events = pl.DataFrame([event("一"), event("二")], EVENT)
    with pytest.raises(ContractBreach):
        coding.code(events, "government", coding.read_rules(), NONE)


WHAT = (
    ("灶具维修", "5001"),
    ("厨具采购", "1601"),
    ("餐具清洗", "5001"),
    ("押金退回", "2307"),
    ("报刊订阅", "5401"),
)


def noisy(count: int, seed: int, wrong: float) -> pl.DataFrame:
    """Decisions on five things in many spellings, a share of them wrong."""
    dice = random.Random(seed)
    rows = []
    for _ in range(count):
        thing, code = dice.choice(WHAT)
        text = (
            dice.choice(("付", "支付", "转账", ""))
            + thing
            + dice.choice(("费", "款", ""))
            + str(dice.randint(1, 999))
        )
        rows.append((dice.choice(("甲店", "乙店", "丙店")), text, "9999" if dice.random() < wrong else code))
    return decisions(*rows)


def test_confidence_is_the_share_that_proves_right() -> None:
    """Calibrated on some decisions, held against others."""
    model = precedents.learn(coding._spelt(noisy(1_500, 1, 0.2)).select(text="document", code="account_code"))
    fresh = coding._spelt(noisy(1_500, 2, 0.2))
    found = model.nearest(fresh["document"]).with_columns(hit=fresh["account_code"])
    judged = found.with_columns(hit=(pl.col("hit") == pl.col("code")).fill_null(False))
    assert abs(judged["hit"].mean() - judged["right"].mean()) < 0.04  # type: ignore[operator]
    halves = judged.sort("right").with_row_index("n").with_columns(upper=pl.col("n") >= judged.height // 2)
    for _, half in halves.group_by("upper"):
        assert abs(half["hit"].mean() - half["right"].mean()) < 0.06  # type: ignore[operator]


def test_unsure_similarity_goes_to_a_person_with_its_reasons() -> None:
    found = coded(event("支付灶具维修费1000", party="甲店"), noisy(400, 3, 0.1))
    assert (found["account_code"], found["method"], found["automatic"]) == ("5001", "similar", False)
    assert 0.5 < found["confidence"] < 1
    assert "灶具维修" in found["explanation"]


def test_steps_rise_and_pool_equal_scores() -> None:
    steps = precedents._steps(
        pl.Series([0.2, 0.2, 0.5, 0.5, 0.9]).to_numpy(), pl.Series([0.0, 1.0, 1.0, 0.0, 1.0]).to_numpy()
    )
    assert steps["score"].to_list() == [0.2, 0.9]
    assert steps["right"].is_sorted()
    assert steps["right"].to_list() == [pytest.approx(3 / 6), pytest.approx(2 / 3)]
    assert (steps["surely"] < steps["right"]).all()
