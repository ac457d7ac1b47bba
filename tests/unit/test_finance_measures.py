"""The measures of matching: counting on tiny frames, peers that agree, and pairs of made-up bank transactions."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from pathlib import Path

import money_flows
import polars as pl
import pytest

from pipelines.measures import bank_pairs, finance_match, finance_peers
from pipelines.reconcile.engine import Reconciliation
from warehouse.errors import Permanent

FLOW = {"b": "bank", "d": "business", "v": "books"}


def events(*names: str) -> pl.DataFrame:
    """Events whose first letter is their flow: b, d or v."""
    return pl.DataFrame(
        {
            "event_id": list(names),
            "flow": [FLOW[name[0]] for name in names],
            "biz_date": [dt.date(2026, 9, 1)] * len(names),
        }
    )


def truth(*rows: tuple[str, str, str | None]) -> pl.DataFrame:
    schema = {"event_id": pl.String, "transaction_id": pl.String, "twin_group": pl.String}
    return pl.DataFrame(rows, schema, orient="row")


def result(
    matches: list[tuple[str, str, bool]], differences: list[tuple[str, str, list[str]]]
) -> Reconciliation:
    matched = pl.DataFrame(
        matches, {"event_id": pl.String, "match_id": pl.String, "automatic": pl.Boolean}, orient="row"
    )
    schema = {"difference_id": pl.String, "break_type": pl.String, "event_ids": pl.List(pl.String)}
    zero = [Decimal("0.00")]
    remainders = pl.DataFrame(
        {"canteen_id": ["C"], "remainder_books_yuan": zero, "remainder_business_yuan": zero}
    )
    return Reconciliation(matched, pl.DataFrame(differences, schema, orient="row"), remainders)


def breaks(*rows: tuple[str, str, str]) -> pl.DataFrame:
    return pl.DataFrame(rows, ["break_id", "break_type", "event_id"], orient="row")


NO_BREAKS = pl.DataFrame(schema={"break_id": pl.String, "break_type": pl.String, "event_id": pl.String})
TWO = ("b1", "d1", "v1", "b2", "d2", "v2")
TRUTH = truth(*((name, f"T{name[1]}", None) for name in TWO))


def test_pairs_of_one_transaction_are_right() -> None:
    made = result([(name, f"M{name[1]}", True) for name in TWO], [])
    found = finance_match.score(made, events(*TWO), TRUTH, NO_BREAKS)
    assert (found.wrong_automatic, found.automatic_pairs, found.true_pairs, found.match_recall) == (
        0,
        6,
        6,
        1.0,
    )
    assert found.break_type_f1 is None
    assert found.remainder_zero


def test_crossed_pairs_are_wrong_unless_twins() -> None:
    crossed = result([(name, "M1" if name in ("b1", "d1", "v2") else "M2", True) for name in TWO], [])
    found = finance_match.score(crossed, events(*TWO), TRUTH, NO_BREAKS)
    assert (found.wrong_automatic, found.match_recall) == (4, 2 / 6)
    twins = TRUTH.with_columns(twin_group=pl.lit("W"))
    found = finance_match.score(crossed, events(*TWO), twins, NO_BREAKS)
    assert (found.wrong_automatic, found.match_recall) == (0, 1.0)


def test_what_a_person_confirms_is_neither_wrong_nor_found() -> None:
    made = result([(name, f"M{name[1]}", name not in ("v1", "v2")) for name in TWO], [])
    found = finance_match.score(made, events(*TWO), TRUTH, NO_BREAKS)
    assert (found.wrong_automatic, found.match_recall, found.proposed_right) == (0, 2 / 6, 1.0)
    crossed = result(
        [(name, f"M{name[1]}" if name[0] != "v" else f"M{3 - int(name[1])}", name[0] != "v") for name in TWO],
        [],
    )
    assert finance_match.score(crossed, events(*TWO), TRUTH, NO_BREAKS).wrong_automatic == 0


def test_an_event_without_truth_is_a_wrong_partner() -> None:
    made = result([("b1", "M", True), ("d1", "M", True)], [])
    found = finance_match.score(made, events("b1", "d1"), truth(("b1", "T", None)), NO_BREAKS)
    assert found.wrong_automatic == 1


def test_a_second_copy_need_not_be_matched() -> None:
    names = ("b1", "d1", "d1x", "v1")
    made = result([("b1", "M", True), ("d1x", "M", True), ("v1", "M", True)], [])
    one = truth(*((name, "T", None) for name in names))
    found = finance_match.score(made, events(*names), one, breaks(("B", "duplicate", "d1x")))
    assert (found.wrong_automatic, found.true_pairs, found.match_recall) == (0, 3, 1.0)


def test_breaks_count_by_type_and_common_events() -> None:
    planted = breaks(
        ("B1", "timing", "b1"), ("B1", "timing", "v1"), ("B2", "amount", "b2"), ("B3", "split", "d2")
    )
    named = [
        ("D1", "timing", ["v1"]),
        ("D2", "timing", ["b2"]),
        ("D3", "amount", ["b1"]),
        ("D4", "split", ["d2"]),
    ]
    found = finance_match.score(result([], named), events(*TWO), TRUTH, planted)
    assert found.types["timing"] == finance_match.TypeScore(planted=1, found=1, named=2, right=1)
    assert found.types["timing"].f1 == pytest.approx(2 / 3)
    assert found.types["amount"].f1 == 0
    assert found.break_type_f1 == pytest.approx(2 * (2 / 3) * (2 / 4) / (2 / 3 + 2 / 4))


def test_a_break_that_is_named_twice_is_found_once() -> None:
    planted = breaks(("B1", "split", "b1"), ("B1", "split", "d1"))
    named = [("D1", "split", ["b1"]), ("D2", "split", ["d1"])]
    found = finance_match.score(result([], named), events(*TWO), TRUTH, planted)
    assert found.types["split"] == finance_match.TypeScore(planted=1, found=1, named=2, right=2)


@pytest.fixture(scope="module")
def world() -> money_flows.Made:
    return money_flows.make(seed=5, canteens=3, days=20)


def test_sql_and_pandas_join_the_same(world: money_flows.Made) -> None:
    sql, pandas = finance_peers.sql_pairs(world.events), finance_peers.pandas_pairs(world.events)
    assert [one.rows() for one in sql] == [one.rows() for one in pandas]
    ends = pl.concat(sql).filter(pl.col("l").is_duplicated())
    assert ends.group_by("l").len()["len"].max() == 2  # a bank line: once in each other flow


def test_we_join_at_least_what_plain_joins_can(world: money_flows.Made) -> None:
    assert finance_peers.ours(world.events, world.accounts) >= finance_peers.sql(world.events, world.accounts)


@pytest.mark.long
def test_every_way_is_timed_in_its_own_process(world: money_flows.Made) -> None:
    said: list[str] = []
    costs = finance_match.bench_matching(world.events, world.accounts, said.append)
    assert list(costs) == ["ours", "sql", "pandas"]
    assert all(cost.cpu_s > 0 and 0 < cost.peak_gb < 2 and cost.pairs > 100 for cost in costs.values())
    assert len(said) == 3


def transactions(folder: Path, count: int) -> Path:
    """Made-up origins and destinations laid out like the given data, in the order of the truth."""
    dice = random.Random(4)
    rows: dict[str, list[tuple[int, str, dt.date, float, int]]] = {"origin": [], "destination": []}
    for number in range(count):
        name = (
            " ".join(dice.choice(("ANNA", "BO", "C", "DE WITT", "ERIK", "F", "GUSTAV")) for _ in range(3))
            + f" {number % 97}"
        )
        day = dt.date(2026, 1, 1) + dt.timedelta(dice.randint(0, 90))
        amount = round(dice.lognormvariate(5, 2) + 1, 2)
        paid = amount if dice.random() < 0.3 else round(amount * dice.gauss(1, 0.03), 2)
        later = day + dt.timedelta(dice.choice((1, 1, 2, 2, 3, 9)))
        rows["origin"].append((3 * number, name + " money BGC", day, amount, 3 * number))
        rows["destination"].append(
            (3 * number, name + dice.choice((" money", " BGC", "")), later, paid, 3 * number)
        )
    target = folder / "tabular" / "X" / "er_benchmarks" / "splink"
    target.mkdir(parents=True)
    for side, made in rows.items():
        frame = pl.DataFrame(
            made, ["ground_truth", "memo", "transaction_date", "amount", "unique_id"], orient="row"
        )
        frame.write_parquet(target / f"transactions_{side}_dev.parquet")
    return folder


def test_bank_pairs_are_found_and_counted(tmp_path: Path) -> None:
    said: list[str] = []
    found = bank_pairs.measure_pairs(transactions(tmp_path, 1_200), said.append)
    assert list(found) == ["all", "judged", "developed", "mutual_best"]
    assert found["all"].n == 1_200 == found["judged"].n + found["developed"].n
    assert found["all"].f1 > 0.98
    assert found["all"].f1 > found["mutual_best"].f1
    assert len(said) == 4


def test_bank_pairs_do_not_read_what_equals_the_truth(tmp_path: Path) -> None:
    data = transactions(tmp_path, 300)
    whole = bank_pairs.measure_pairs(data, lambda _: None)
    for file in data.rglob("*.parquet"):
        frame = pl.read_parquet(file)
        frame.drop("unique_id").sample(fraction=1, shuffle=True, seed=2).write_parquet(file)
    assert bank_pairs.measure_pairs(data, lambda _: None) == whole


def test_truth_turned_round_turns_the_count_and_not_the_pairs(tmp_path: Path) -> None:
    """The pairs rest on amount, date and memo alone: with a false truth hardly any counts as right."""
    data = transactions(tmp_path, 300)
    file = next(data.rglob("*origin*"))
    frame = pl.read_parquet(file)
    frame.with_columns(ground_truth=pl.col("ground_truth").reverse()).write_parquet(file)
    found = bank_pairs.measure_pairs(data, lambda _: None)["all"]
    assert found.f1 < 0.05


def test_bank_pairs_need_their_data(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="没有银行交易配对数据"):
        bank_pairs.measure_pairs(tmp_path, lambda _: None)
