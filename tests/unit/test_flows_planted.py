"""Planted transactions in three flows: every event has one truth, and what cannot be told apart is called a twin."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from ingest.simulator.flow_parties import VARIANTS, parties
from ingest.simulator.flows import Flows, flows

SIZE = 20_000
FLOWS = ("bank", "business", "books")
TYPES = {"timing", "missing_in_bank", "missing_in_business", "missing_in_books", "amount", "duplicate",
         "wrong_account", "split", "reversal"}  # fmt: skip
KEY = ["canteen_id", "direction", "amount_yuan"]
LOOKS = ["party", "text", "ref"]


@pytest.fixture(scope="module")
def made() -> Flows:
    return flows(5, SIZE)


@pytest.fixture(scope="module")
def events(made: Flows) -> pl.DataFrame:
    """Events with their truth."""
    return made.events.join(made.truth_events, on="event_id", validate="1:1").join(
        made.truth_breaks, on="event_id", how="left", validate="1:1"
    )


def of_type(events: pl.DataFrame, name: str) -> pl.DataFrame:
    return events.filter(pl.col("break_type") == name)


def per_flow(frame: pl.DataFrame) -> pl.DataFrame:
    """One row per transaction: days, sums and counts of each flow."""
    return frame.pivot(
        "flow",
        index=["transaction_id"],
        values=["amount_yuan", "biz_date"],
        aggregate_function="first",
    )


def test_the_same_seed_gives_the_same_frames_and_another_seed_does_not(made: Flows) -> None:
    again, other = flows(5, SIZE), flows(6, SIZE)
    for name in ("events", "accounts", "truth_events", "truth_breaks"):
        assert getattr(again, name).equals(getattr(made, name))
    assert not other.events.equals(made.events)


def test_every_event_belongs_to_one_transaction_and_to_one_difference_at_most(made: Flows) -> None:
    assert made.events["event_id"].is_unique().all()
    assert made.truth_events["event_id"].sort().equals(made.events["event_id"].sort())
    assert made.truth_breaks["event_id"].is_unique().all()
    assert made.truth_breaks["event_id"].is_in(made.events["event_id"].to_list()).all()
    assert (
        made.truth_breaks.group_by("break_id").agg(pl.col("break_type").n_unique())["break_type"].max() == 1
    )


def test_columns_are_those_that_the_three_flows_share(made: Flows) -> None:
    assert made.events.schema == pl.Schema(
        {"event_id": pl.String, "flow": pl.String, "canteen_id": pl.String, "account_no": pl.String,
         "biz_date": pl.Date, "direction": pl.String, "amount_yuan": pl.Decimal(18, 2), "party": pl.String,
         "text": pl.String, "ref": pl.String, "kind": pl.String}
    )  # fmt: skip
    assert made.events["amount_yuan"].min() > 0
    bank = made.events.filter(pl.col("flow") == "bank")
    assert bank["account_no"].null_count() == 0
    assert bank["kind"].null_count() == bank.height
    assert made.events.filter(pl.col("flow") != "bank")["kind"].null_count() == 0


def test_differences_have_realistic_rates_and_all_types(made: Flows) -> None:
    counts = dict(made.truth_breaks.unique("break_id").group_by("break_type").len().iter_rows())
    assert set(counts) == TYPES
    assert min(counts.values()) * 5 >= 300 * SIZE / 20_000  # at least 300 in 100,000
    assert 0.05 <= sum(counts.values()) / made.truth_events["transaction_id"].n_unique() <= 0.08


def test_what_is_missing_in_a_flow_is_in_the_other_two(events: pl.DataFrame) -> None:
    for flow in FLOWS:
        found = (
            of_type(events, f"missing_in_{flow}")
            .group_by("transaction_id")
            .agg("flow", pl.col("amount_yuan").n_unique())
        )
        assert found.height > 0
        assert {tuple(sorted(f)) for f in found["flow"]} == {tuple(sorted(set(FLOWS) - {flow}))}
        assert found["amount_yuan"].max() == 1
        whole = events.filter(pl.col("transaction_id").is_in(found["transaction_id"].to_list()))
        assert whole.height == 2 * found.height


def test_late_ones_are_6_to_45_days_apart_and_all_others_5_at_most(events: pl.DataFrame) -> None:
    first = events.filter(pl.col("break_type").fill_null("") != "duplicate")
    span = first.group_by("transaction_id").agg(
        (pl.col("biz_date").max() - pl.col("biz_date").min()).dt.total_days().alias("days"),
        pl.col("break_type").first(), pl.col("amount_yuan").n_unique().alias("sums"), pl.col("flow").n_unique(),
    )  # fmt: skip
    late = span.filter(pl.col("break_type") == "timing")
    assert (late["days"].min(), late["flow"].min(), late["sums"].max()) == (6, 3, 1)
    assert 30 < late["days"].max() <= 45
    assert span.filter(pl.col("break_type").fill_null("") != "timing")["days"].max() <= 5


def test_one_flow_differs_in_a_wrong_sum_and_in_no_other_transaction(events: pl.DataFrame) -> None:
    wrong = per_flow(of_type(events, "amount"))
    sums = wrong.select(pl.concat_list([f"amount_yuan_{f}" for f in FLOWS]).list.n_unique()).to_series()
    assert sums.unique().to_list() == [2]
    honest = per_flow(events.filter(pl.col("break_type").is_null() | (pl.col("break_type") == "timing")))
    three = honest.drop_nulls().select(pl.concat_list([f"amount_yuan_{f}" for f in FLOWS]).list.n_unique())
    assert three.to_series().unique().to_list() == [1]


def test_only_the_second_of_a_pair_is_a_duplicate(events: pl.DataFrame) -> None:
    again = of_type(events, "duplicate")
    first = events.filter(pl.col("break_type").is_null()).join(
        again, on=["transaction_id", "flow"], suffix="_again"
    )
    assert first.height == again.height
    for column in (*KEY, *LOOKS, "account_no"):
        assert first[column].eq_missing(first[f"{column}_again"]).all()
    assert (first["biz_date"] < first["biz_date_again"]).all()


def test_parts_add_up_to_the_cent_in_every_flow(events: pl.DataFrame) -> None:
    sums = (
        of_type(events, "split").group_by("transaction_id", "flow").agg(pl.col("amount_yuan").sum(), pl.len())
    )
    each = sums.group_by("transaction_id").agg(
        pl.col("amount_yuan").n_unique(), pl.col("len").max(), pl.len().alias("flows")
    )
    assert each["amount_yuan"].max() == 1
    assert each["len"].min() >= 2
    assert each["flows"].unique().to_list() == [3]


def test_a_reversal_takes_back_an_earlier_line_of_the_bank_alone(events: pl.DataFrame) -> None:
    pairs = of_type(events, "reversal")
    each = pairs.group_by("transaction_id").agg(
        pl.len(), pl.col("flow").n_unique(), pl.col("direction").n_unique(), pl.col("amount_yuan").n_unique()
    )
    assert set(each.drop("transaction_id").iter_rows()) == {(2, 1, 2, 1)}
    back = pairs.filter(pl.col("text").str.contains("冲正|退汇|抹账"))
    line = pairs.join(back.select("event_id"), on="event_id", how="anti")
    both = line.join(back, on="transaction_id", suffix="_back")
    assert both.height == each.height
    assert (both["biz_date"] <= both["biz_date_back"]).all()


def test_money_on_another_account_is_a_difference(made: Flows, events: pl.DataFrame) -> None:
    special = made.accounts.filter(pl.col("account_role") == "special").select(
        "canteen_id", special="account_no"
    )
    bank = events.filter(pl.col("flow") == "bank").join(special, on="canteen_id")
    elsewhere = bank.filter(pl.col("account_no") != pl.col("special"))
    assert set(elsewhere["break_type"]) == {"wrong_account"}
    assert set(elsewhere["event_id"]) == set(of_type(bank, "wrong_account")["event_id"])
    assert made.accounts.filter(pl.col("account_role") == "special")["canteen_id"].is_unique().all()


def test_fees_and_interest_have_no_document_and_no_difference(events: pl.DataFrame) -> None:
    own = events.filter(pl.col("kind").is_in(["bank_fee", "interest"]))
    whole = events.filter(pl.col("transaction_id").is_in(own["transaction_id"].to_list()))
    assert own.height > 0
    assert set(whole["flow"]) == {"bank", "books"}
    assert whole["break_type"].null_count() == whole.height


def test_twins_agree_in_everything_and_quote_no_number(events: pl.DataFrame) -> None:
    twins = events.filter(pl.col("twin_group").is_not_null())
    assert twins["twin_group"].n_unique() > 30
    assert twins["ref"].null_count() == twins.height
    assert twins["break_type"].null_count() == twins.height
    columns = [*KEY, "biz_date", "party", "text", "account_no", "kind"]
    same = twins.group_by("twin_group", "flow").agg(pl.col(columns).n_unique(), pl.len())
    assert same.select(pl.max_horizontal(pl.col(columns).max())).item() == 1
    assert same["len"].min() >= 2


def numbered_parties(events: pl.DataFrame) -> pl.DataFrame:
    """Adds who the party is, whatever the spelling, the last six digits of the number, and the batch."""
    names = parties().names
    known = pl.DataFrame({"party": names, "who": pl.int_range(names.len(), eager=True) // VARIANTS}).unique(
        "party"
    )
    return events.join(known, on="party", how="left").with_columns(
        number=pl.when(~pl.col("ref").str.contains(r"^\d{12}$")).then(
            pl.col("ref").str.extract(r"(\d{6})(?:-\d+)?$")
        ),
        batch=pl.col("text").str.extract(r"（第(\d+)批）"),
    )


def crosswise(events: pl.DataFrame) -> pl.DataFrame:
    """Pairs of transactions that could be paired crosswise in two flows, with what tells them apart."""
    known = numbered_parties(events).filter(pl.col("break_type").is_null()).select(
        *KEY, "transaction_id", "twin_group", "flow", "biz_date", "who", "number", "batch"
    )  # fmt: skip
    pairs = known.join(known, on=[*KEY, "flow"], suffix="_2").filter(
        pl.col("transaction_id") < pl.col("transaction_id_2")
    )
    two = pairs.join(pairs, on=["transaction_id", "transaction_id_2"], suffix="_g").filter(
        pl.col("flow") < pl.col("flow_g")
    )
    near = [
        (pl.col(a) - pl.col(b)).dt.total_days().abs() <= 5
        for a, b in (("biz_date", "biz_date_2_g"), ("biz_date_2", "biz_date_g"))
    ]
    differs = [
        (pl.col(name) != pl.col(f"{name}_2")) & (pl.col(f"{name}_g") != pl.col(f"{name}_2_g"))
        for name in ("who", "number", "batch")
    ]
    return two.filter(*near).with_columns(apart=pl.any_horizontal(d.fill_null(value=False) for d in differs))


def test_what_could_be_paired_crosswise_is_told_apart_or_a_twin(events: pl.DataFrame) -> None:
    pairs = crosswise(events)
    twins = (pl.col("twin_group") == pl.col("twin_group_2")).fill_null(value=False)
    assert pairs.filter(~twins, "apart").height > 100
    assert pairs.filter(~twins, ~pl.col("apart")).is_empty()


def test_nothing_else_fits_an_event_of_a_difference(events: pl.DataFrame) -> None:
    """No other transaction has an equal sum of the canteen near by, unless both name different parties."""
    known = numbered_parties(events)
    broken = known.filter(pl.col("break_type").is_not_null())
    pairs = broken.join(known, on=KEY, suffix="_2").filter(
        pl.col("transaction_id") != pl.col("transaction_id_2")
    )
    near = pairs.filter((pl.col("biz_date") - pl.col("biz_date_2")).abs() <= timedelta(45))
    hosts = (pl.col("break_type") == "reversal") | (pl.col("break_type_2") == "reversal").fill_null(
        value=False
    )
    doubtful = near.filter(~hosts & ~(pl.col("who") != pl.col("who_2")).fill_null(value=False))
    assert doubtful.is_empty()


def test_names_differ_between_flows_and_numbers_are_cut_prefixed_or_missing(events: pl.DataFrame) -> None:
    whole = events.filter(pl.col("break_type").is_null(), pl.col("kind") != "wages")
    named = events.filter(pl.col("party").is_not_null()).pivot(
        "flow", index="transaction_id", values="party", aggregate_function="first"
    )
    both = named.drop_nulls(["bank", "books"])
    assert 0.4 < (both["bank"] != both["books"]).mean() < 0.95
    assert 0.3 < whole["ref"].null_count() / whole.height < 0.7
    bank = events.filter(pl.col("flow") == "bank")["ref"].drop_nulls()
    assert bank.str.contains(r"^\d{6}$").sum() > 100
    assert bank.str.contains(r"^(单号|NO\.|凭证)").sum() > 100
