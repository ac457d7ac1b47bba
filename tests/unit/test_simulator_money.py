"""Books of the simulated canteens: identities that hold, and money faults that are where the truth says, and only there."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import zipfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from ingest.banks import reading
from ingest.simulator import city, faults, money_plan, simulate
from ingest.simulator.money_accounts import CHANNELS
from warehouse import vocabulary
from warehouse.errors import Refused
from warehouse.tables import FEEDS

START, END = date(2026, 9, 1), date(2026, 10, 15)
MONEY = frozenset(money_plan.KINDS)
FINANCE = ("bank_account", "settlement", "control_total", "fund_split", "invoice", "supplier_payment", "expense",
           "voucher_line", "handling", "opening_balance")  # fmt: skip
LABELS = {label: name for name, label in vocabulary.LABELS.items()}
CODES = {label: code for codes in (vocabulary.ACCOUNT_KINDS, vocabulary.MEALS, vocabulary.REFUND_KINDS, vocabulary.CHANNELS,
         vocabulary.FORM_LINES, vocabulary.MOVE_KINDS) for code, label in codes.items()}  # fmt: skip
YUAN = pl.Decimal(18, 2)


def text_of(path: Path) -> str:
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    if path.suffix == ".zip":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            data = archive.read(archive.namelist()[0])
    return data.decode("utf-8-sig")


def rows_of(landing: Path, feed: str) -> pl.DataFrame:
    """Every row of a feed of the standard pack, money as Decimal and days as dates."""
    parts = []
    for path in sorted(landing.glob(f"*/*/{feed}_[0-9]*")):
        lines = io.StringIO(text_of(path))
        found = map(json.loads, lines) if ".jsonl" in path.name else csv.DictReader(lines)
        rows = pl.DataFrame(list(found), infer_schema_length=None).with_columns(pl.all().cast(pl.String))
        parts.append(rows.rename({n: LABELS.get(n, n) for n in rows.columns}))
    whole = pl.concat(parts, how="diagonal").with_columns(pl.col(pl.String).replace("", None))
    whole = whole.with_columns(pl.col(pl.String).replace(CODES))
    return whole.with_columns(
        pl.col("^.*_yuan$").cast(YUAN),
        *(pl.col(name).str.to_date() for name in ("biz_date", "trade_date") if name in whole.columns),
    )


class Run:
    """One simulated city, its feeds read once."""

    def __init__(self, out: Path, kinds: frozenset[str], canteens: int, seed: int) -> None:
        self.out, self.landing = out, out / "landing"
        self.meta = simulate(out, canteens, START, END, seed, kinds, books=1.0)
        self.faults = pl.read_parquet(out / "truth" / "faults.parquet")
        self._read: dict[str, pl.DataFrame] = {}

    def __getitem__(self, feed: str) -> pl.DataFrame:
        if feed not in self._read:
            self._read[feed] = rows_of(self.landing, feed)
        return self._read[feed]

    def of(self, kind: str) -> pl.DataFrame:
        """Planted faults of a kind, at least one."""
        found = self.faults.filter(pl.col("kind") == kind)
        assert found.height > 0, kind
        return found

    def bank(self) -> pl.DataFrame:
        """All lines of the bank's files that can be proved."""
        if "bank" not in self._read:
            parts = []
            for path in sorted((self.landing / "bank").glob("*/*")):
                try:
                    parts.append(reading.read(path).frame.with_columns(file=pl.lit(path.name)))
                except Refused:
                    continue
            whole = pl.concat(parts)
            self._read["bank"] = whole.with_columns(
                pl.col("amount_yuan").cast(YUAN), pl.col("biz_date").str.to_date()
            )
        return self._read["bank"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(tmp_path_factory.mktemp("money") / "out", MONEY, 8, 33)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run(tmp_path_factory.mktemp("clean") / "out", frozenset(), 5, 3)


def only(found: pl.DataFrame, planted: pl.DataFrame, *columns: str) -> None:
    """What stands out is exactly what was planted."""
    assert set(found.select(columns).unique().iter_rows()) == set(
        planted.select(columns).unique().iter_rows()
    )


def accounts(run: Run, role: str) -> dict[str, str]:
    mine = run["bank_account"].filter(pl.col("account_role") == role)
    return dict(mine.select("account_no", "org_id").iter_rows())


# -- the books ---------------------------------------------------------------------------------


@pytest.mark.parametrize("feed", [*FINANCE, "meal_leave", "subsidy_roster"])
def test_rows_meet_their_contract(run: Run, feed: str) -> None:
    contract = FEEDS[feed].contract
    rows = run[feed]
    if "person_no" in rows.columns:
        rows = rows.rename({"person_no": "person_hash"})
    times = [n for n in rows.columns if n.endswith("_at")]
    rows = rows.with_columns(
        *(pl.col(n).str.to_datetime(time_zone="UTC", time_unit="us") for n in times),
        *(pl.col(n).str.to_date() for n in ("valid_from", "valid_to") if n in rows.columns),
        *(pl.col(n) == "true" for n in ("is_red",) if n in rows.columns),
    )
    contract.validate(rows, cast=True)
    if "record_no" in rows.columns:
        assert rows["record_no"].is_unique().all()
    if "biz_date" in rows.columns:
        assert rows["biz_date"].is_between(START, END).all()


def test_the_opening_stock_is_what_was_counted_on_the_eve(run: Run) -> None:
    keys = ["canteen_id", "ingredient_id", "unit"]
    counted = run["stocktake"].filter(pl.col("biz_date") < START)
    both = run["opening_balance"].join(counted, on=keys, suffix="_counted")
    assert both.height > 50
    assert (both["qty"].cast(pl.Float64) == both["counted_qty"].cast(pl.Float64)).all()
    worth = both["qty"].cast(pl.Float64) * both["unit_price"].cast(pl.Float64)
    assert ((both["amount_yuan"].cast(pl.Float64) - worth).abs() < 0.006).all()


def test_every_voucher_balances_and_numbers_have_no_gaps(run: Run) -> None:
    lines = run["voucher_line"]
    each = lines.group_by("canteen_id", "voucher_no").agg(
        pl.sum("debit_yuan"), pl.sum("credit_yuan"), pl.n_unique("biz_date")
    )
    assert each.filter(pl.col("debit_yuan") != pl.col("credit_yuan")).is_empty()
    assert each["biz_date"].max() == 1
    numbered = each.with_columns(
        month=pl.col("voucher_no").str.head(6), number=pl.col("voucher_no").str.tail(4).cast(pl.Int64)
    )
    months = numbered.group_by("canteen_id", "month").agg(pl.max("number"), pl.len())
    assert (months["number"] == months["len"]).all()


def booked(run: Run, code: str, first: date, last: date) -> dict[str, Decimal]:
    """Debit less credit of an account by canteen."""
    mine = run["voucher_line"].filter(
        (pl.col("account_code") == code) & pl.col("biz_date").is_between(first, last)
    )
    return dict(mine.group_by("canteen_id").agg(pl.sum("debit_yuan") - pl.sum("credit_yuan")).iter_rows())


def test_the_public_form_equals_the_books(run: Run) -> None:
    month = (START, date(2026, 9, 30))
    form = run["disclosure_line"].filter(pl.col("biz_date") == month[1])
    lines = {
        (c, code): value
        for c, code, value in form.select("canteen_id", "line_code", "month_yuan").iter_rows()
    }
    sums = {
        code: booked(run, code, *month) for code in ("4001", "4002", "5001", "5002", "5003", "5004", "5005")
    }
    keepers = set(run["voucher_line"]["canteen_id"])
    assert len(keepers) >= 6
    for c in keepers & {c for c, _ in lines}:
        assert lines[c, "income"] == -sums["4001"][c] - sums["4002"].get(c, 0)
        food = sum(lines[c, line] for line in ("dishes", "rice_oil", "condiments", "other_materials"))
        assert food == sums["5001"][c]
        assert lines[c, "management"] == sums["5002"][c] + sums["5004"].get(c, 0)
        assert (lines[c, "utilities"], lines[c, "finance"]) == (sums["5003"][c], sums["5005"][c])
        costs = sum(
            value for (who, line), value in lines.items() if who == c and line not in ("income", "result")
        )
        assert lines[c, "result"] == lines[c, "income"] - costs


def test_honest_books_owe_suppliers_what_was_accepted_and_not_yet_paid(clean: Run) -> None:
    owed = booked(clean, "2202", START, END)
    bought = (
        clean["purchase"]
        .filter(pl.col("accepted_on").is_not_null())
        .group_by("canteen_id")
        .agg(pl.sum("amount_yuan"))
    )
    back = clean["stock_move"].filter(pl.col("move_kind") == "supplier_return")
    sent = dict(back.group_by("canteen_id").agg(pl.sum("amount_yuan")).iter_rows())
    posted = clean["voucher_line"].filter(
        (pl.col("account_code") == "2202") & (pl.col("source_feed") == "supplier_payment")
    )
    paid = dict(posted.group_by("canteen_id").agg(pl.sum("debit_yuan")).iter_rows())
    assert bought.height >= 4
    for c, amount in bought.iter_rows():
        if c in owed:
            assert -owed[c] == amount - sent.get(c, 0) - paid[c]


def test_an_invoice_is_about_what_was_accepted(run: Run) -> None:
    accepted = (
        run["purchase"]
        .filter(pl.col("accepted_on").is_not_null())
        .group_by("order_no", "ingredient_id")
        .agg(accepted=pl.sum("amount_yuan"))
    )
    mine = (
        run["invoice"]
        .filter(pl.col("is_red") == "false")
        .group_by("canteen_id", "order_no", "ingredient_id")
        .agg(pl.sum("amount_yuan"))
    )
    over = mine.join(accepted, on=["order_no", "ingredient_id"], how="left").filter(
        pl.col("amount_yuan") != pl.col("accepted")
    )
    assert mine.height > 500
    only(over, run.of("invoice_over_acceptance"), "canteen_id", "order_no", "ingredient_id")
    assert (over["amount_yuan"] > over["accepted"]).all()


# -- the bank ------------------------------------------------------------------------------------


def test_the_banks_files_are_read_and_only_planted_gaps_are_refused(run: Run) -> None:
    gaps = run.of("statement_gap")
    refused = set()
    for path in sorted((run.landing / "bank").glob("*/*")):
        try:
            assert reading.read(path).frame.filter(pl.col("proof") == "unproved").is_empty()
        except Refused:
            refused.add(f"bank/{path.parent.name}/{path.name}")
    inside = gaps.filter(~pl.col("note").str.contains("月初"))
    assert refused == set(inside["file"])
    assert len(list((run.landing / "bank").glob("*/*"))) < 30


def test_balances_run_on_from_file_to_file_and_never_fall_below_nothing(clean: Run) -> None:
    lines = (
        clean.bank()
        .with_columns(pl.col("balance_yuan").cast(YUAN))
        .sort("account_no", "biz_date", "serial_no")
    )
    special = lines.filter(pl.col("account_no").is_in(list(accounts(clean, "special"))))
    assert special["balance_yuan"].min() >= 0
    signed = pl.when(pl.col("direction") == "in").then("amount_yuan").otherwise(-pl.col("amount_yuan"))
    total = special.group_by("account_no").agg(
        signed.sum().alias("sum"), pl.col("balance_yuan"), signed.alias("moves")
    )
    for row in total.iter_rows(named=True):
        assert row["sum"] in row["balance_yuan"]
    assert set(special["account_no"]) == set(accounts(clean, "special"))


def settled(run: Run) -> pl.DataFrame:
    """Settlements of a channel with the account on which the bank has them, by the number or day that it names."""
    text = pl.col("summary")
    bank = run.bank().with_columns(
        day=pl.coalesce(text.str.extract(r"JS\w+(\d{4})[234]$"), text.str.extract(r"商户结算(\d{4})$"))
    )
    bank = bank.filter(pl.col("counterparty_account") == CHANNELS[2][1]).select(
        "amount_yuan", "day", line="account_no"
    )
    special = {canteen: number for number, canteen in accounts(run, "special").items()}
    schools = {school: number for number, school in accounts(run, "school").items()}
    mine = run["settlement"].filter(
        (pl.col("channel") == "mini_program") & (pl.col("biz_date") <= date(2026, 10, 12))
    )
    mine = mine.with_columns(day=pl.col("trade_date").dt.strftime("%m%d"))
    parts = []
    for where in (special, {c: schools[c[:-2]] for c in special if c[:-2] in schools}):
        known = mine.with_columns(line=pl.col("canteen_id").replace_strict(where, default=None))
        parts.append(
            known.join(
                bank, left_on=["line", "day", "net_yuan"], right_on=["line", "day", "amount_yuan"], how="semi"
            )
        )
    found = pl.concat(
        [parts[0].with_columns(on=pl.lit("special")), parts[1].with_columns(on=pl.lit("school"))]
    )
    return mine.join(found.select("record_no", "on"), on="record_no", how="left")


def test_settlements_reach_the_special_account_unless_planted(run: Run) -> None:
    refused = run.of("statement_gap")["canteen_id"].to_list()
    mine = settled(run).filter(~pl.col("canteen_id").is_in(refused))
    planted = {
        kind: set(run.of(kind)["record_no"].drop_nulls())
        for kind in ("payment_not_settled", "payment_to_other_account")
    }
    whole = set(mine["record_no"])
    assert len(whole) > 100
    assert set(mine.filter(pl.col("on").is_null())["record_no"]) == planted["payment_not_settled"] & whole
    assert (
        set(mine.filter(pl.col("on") == "school")["record_no"]) == planted["payment_to_other_account"] & whole
    )


def test_fees_are_settled_to_the_cent_unless_the_channel_never_paid(run: Run) -> None:
    fees = (
        run["meal_fee"]
        .filter(pl.col("biz_date") <= date(2026, 10, 9))
        .join(run["settlement"], on="canteen_id", how="semi")
        .group_by("canteen_id", "biz_date", "channel")
        .agg(pl.sum("amount_yuan"), pl.len())
    )
    paid = run["settlement"].select(
        "canteen_id", biz_date="trade_date", channel="channel", gross="gross_yuan", items="item_count"
    )
    both = fees.join(paid, on=["canteen_id", "biz_date", "channel"], how="left")
    wrong = both.filter(pl.col("gross").is_null() | (pl.col("gross") != pl.col("amount_yuan")))
    never = run.of("payment_not_settled").filter(pl.col("feed") == "meal_fee")
    only(wrong, never.rename({"biz_date_from": "biz_date"}), "canteen_id", "biz_date")


def test_other_accounts_are_used_only_where_planted(run: Run) -> None:
    schools = accounts(run, "school")
    said = run["settlement"].filter(pl.col("account_no").is_in(list(schools)))
    told = run.of("payment_to_other_account").filter(~pl.col("note").str.contains("仍写专户"))
    only(said, told, "canteen_id", "record_no")
    paid = run["supplier_payment"].filter(pl.col("account_no").is_in(list(schools)))
    only(paid, run.of("non_special_account_used"), "canteen_id", "record_no")
    lines = run.bank().filter(pl.col("account_no").is_in(list(schools)))
    assert (
        lines.height == run.of("payment_to_other_account").height + run.of("non_special_account_used").height
    )


def test_an_invoice_is_paid_once_unless_planted(run: Run) -> None:
    twice = run["supplier_payment"].filter(pl.col("invoice_no").is_duplicated())
    planted = run.of("paid_twice")
    assert set(planted["record_no"]) == set(twice["record_no"].filter(twice["record_no"].str.ends_with("B")))
    sums = (
        run["invoice"]
        .group_by("invoice_no")
        .agg(
            (
                pl.when(pl.col("is_red") == "true")
                .then(-pl.col("amount_yuan"))
                .otherwise(pl.col("amount_yuan"))
            ).sum()
        )
    )
    both = run["supplier_payment"].join(sums, on="invoice_no", how="left", suffix="_owed")
    assert (both["amount_yuan"] == both["amount_yuan_owed"]).all()


def test_payments_quote_serial_numbers_of_the_bank(clean: Run) -> None:
    quoted = clean["supplier_payment"].filter(
        pl.col("serial_no").is_not_null() & (pl.col("biz_date") < date(2026, 10, 10))
    )
    lines = clean.bank().select("serial_no", "amount_yuan")
    both = quoted.join(lines, on="serial_no", suffix="_bank")
    assert quoted.height > 20
    # Two of the layouts print no serial number at all or only its end.
    assert both.height > quoted.height // 2
    assert (both["amount_yuan"] == both["amount_yuan_bank"]).all()


# -- meals, duties, totals -------------------------------------------------------------------------


def test_who_is_on_leave_is_not_charged_or_is_paid_back_unless_planted(run: Run) -> None:
    keys = ["canteen_id", "biz_date", "person_no"]
    whole = run["meal_leave"].filter(pl.col("meal").is_null())
    part = run["meal_leave"].filter(pl.col("meal").is_not_null())
    charged = whole.join(run["consumption"], on=keys, how="semi")
    only(
        charged, run.of("leave_not_refunded").rename({"biz_date_from": "biz_date"}), "canteen_id", "biz_date"
    )
    back = part.join(run["refund"], on=keys, how="anti")
    assert back.is_empty()
    assert part.height > 5
    assert whole.height > 100


def test_no_pupil_gets_back_more_than_was_charged_unless_planted(run: Run) -> None:
    keys = ["canteen_id", "person_no"]
    meals = run["refund"].filter(pl.col("refund_kind") == "meal")
    back = meals.group_by(keys).agg(pl.sum("amount_yuan"))
    charged = run["consumption"].group_by(keys).agg(charged=pl.sum("amount_yuan"))
    both = back.join(charged, on=keys, how="left").with_columns(pl.col("charged").fill_null(0))
    over = both.filter(pl.col("amount_yuan") > pl.col("charged"))
    planted = run.of("refund_over_charge")
    strangers = planted.filter(pl.col("note").str.starts_with("向"))
    assert set(over["canteen_id"]) <= set(planted["canteen_id"])
    assert set(over.filter(pl.col("charged") == 0)["canteen_id"]) == set(strangers["canteen_id"])
    wrong = meals.filter(pl.col("amount_yuan") >= 100).join(charged, on=keys, how="semi")
    only(
        wrong,
        planted.join(strangers, on="fault_id", how="anti").rename({"biz_date_from": "biz_date"}),
        "canteen_id",
        "biz_date",
    )


def test_nobody_does_what_two_must_do_unless_planted(run: Run) -> None:
    steps = run["handling"]
    goods, money = ["order", "accept", "store"], ["collect", "pay"]
    orders = steps.filter(pl.col("duty_step").is_in(["order", "accept"])).group_by(
        "canteen_id", "biz_date", "document_no", "person_no"
    )
    both = orders.agg(pl.n_unique("duty_step")).filter(pl.col("duty_step") == 2)
    hands = steps.filter(pl.col("duty_step").is_in(money)).select("person_no").unique()
    mixed = steps.filter(pl.col("duty_step").is_in(goods)).join(hands, on="person_no", how="semi")
    found = pl.concat([both.select("canteen_id", "biz_date"), mixed.select("canteen_id", "biz_date")])
    only(found, run.of("duty_conflict").rename({"biz_date_from": "biz_date"}), "canteen_id", "biz_date")


def test_control_totals_agree_with_what_was_delivered_unless_planted(run: Run) -> None:
    parts = [
        run[feed]
        .group_by("canteen_id", "biz_date")
        .agg(rows=pl.len(), yuan=pl.sum("amount_yuan"))
        .with_columns(feed=pl.lit(feed))
        for feed in ("meal_fee", "consumption", "refund", "purchase")
    ]
    both = run["control_total"].join(
        pl.concat(parts),
        left_on=["canteen_id", "biz_date", "controlled_feed"],
        right_on=["canteen_id", "biz_date", "feed"],
        how="left",
    )
    assert both["rows"].null_count() == 0
    differs = both.filter(
        (pl.col("rows") != pl.col("row_count").cast(pl.Int64)) | (pl.col("yuan") != pl.col("total_yuan"))
    )
    told = run.of("control_total_mismatch").select(
        "canteen_id", biz_date="biz_date_from", controlled_feed="feed"
    )
    only(differs, told, "canteen_id", "biz_date", "controlled_feed")


def by_month(frame: pl.DataFrame, value: pl.Expr) -> dict[tuple[str, int], Decimal]:
    month = pl.col("biz_date").dt.month()
    return {(c, m): v for c, m, v in frame.group_by("canteen_id", month.alias("m")).agg(value).iter_rows()}


def test_income_in_the_books_is_that_of_the_meals_unless_planted(run: Run) -> None:
    meals = run["consumption"].filter(pl.col("payer_kind") == "pupil")
    own = by_month(meals, pl.sum("amount_yuan"))
    helped = by_month(meals, pl.sum("subsidy_yuan"))
    back = by_month(run["refund"].filter(pl.col("refund_kind") == "meal"), pl.sum("amount_yuan"))
    lines = run["voucher_line"]
    for code, expected, kind in (("4001", {k: v - back.get(k, 0) for k, v in own.items()}, "income_under_reported"),
                                 ("4002", {k: v for k, v in helped.items() if v}, "subsidy_not_spent")):  # fmt: skip
        credit = by_month(lines.filter(pl.col("account_code") == code), pl.sum("credit_yuan"))
        short = {key for key, cents in expected.items() if key in credit and credit[key] != cents}
        planted = {
            (c, first.month) for c, first in run.of(kind).select("canteen_id", "biz_date_from").iter_rows()
        }
        assert short == planted
        assert all(credit[key] < expected[key] * Decimal("0.95") for key in short)
        assert len(credit) > len(short)


def test_rosters_claim_what_was_eaten(run: Run) -> None:
    roster = run["subsidy_roster"].group_by("canteen_id").agg(pl.sum("amount_yuan"))
    eaten = (
        run["consumption"]
        .filter(pl.col("biz_date") <= date(2026, 9, 30))
        .group_by("canteen_id")
        .agg(pl.sum("subsidy_yuan"))
    )
    both = roster.join(eaten, on="canteen_id")
    assert both.height == roster.height > 0
    assert (both["amount_yuan"] == both["subsidy_yuan"]).all()


def test_what_is_no_food_is_booked_as_food_only_where_planted(run: Run) -> None:
    food = run["voucher_line"].filter(
        (pl.col("account_code") == "5001") & (pl.col("source_feed").is_in(["purchase", "expense"]))
    )
    planted = run.of("non_food_as_food")
    assert set(food["canteen_id"]) == set(planted["canteen_id"])


def test_prices_rise_and_quantities_do_not_where_planted(run: Run) -> None:
    (row,) = run.of("purchase_price_inflated_ratio").sort("biz_date_from").head(1).iter_rows(named=True)
    lines = (
        run["purchase"]
        .filter(pl.col("canteen_id") == row["canteen_id"], pl.col("account_kind") == "pupil")
        .with_columns(
            late=pl.col("biz_date") >= row["biz_date_from"], price=pl.col("unit_price").cast(pl.Float64)
        )
    )
    level = (
        lines.group_by("ingredient_id", "late")
        .agg(pl.col("price").mean())
        .pivot("late", index="ingredient_id", values="price")
        .drop_nulls()
    )
    assert 1.08 < (level["true"] / level["false"]).median() < 1.30
    issued = run["stock_move"].filter(
        pl.col("canteen_id") == row["canteen_id"], pl.col("move_kind") == "issue", pl.col("unit") == "kg"
    )
    days = issued.group_by(late=pl.col("biz_date") >= row["biz_date_from"]).agg(
        pl.col("biz_date").n_unique(), pl.col("qty").cast(pl.Float64).sum()
    )
    rate = dict(days.select("late", pl.col("qty") / pl.col("biz_date")).iter_rows())
    assert 0.85 < rate[True] / rate[False] < 1.15


# -- the rest of the city --------------------------------------------------------------------------


def tree(landing: Path) -> dict[str, str]:
    return {
        str(path.relative_to(landing)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(landing.rglob("*"))
        if path.is_file() and path.name != "control.json"
    }


def test_books_change_nothing_else_but_lines_of_the_form(tmp_path: Path) -> None:
    end = date(2026, 10, 12)
    for name, share in (("with", 0.5), ("without", 0.0)):
        simulate(tmp_path / name, 3, START, end, 11, frozenset(), books=share)
    trees = [tree(tmp_path / name / "landing") for name in ("with", "without")]
    added = {
        name.split("/")[-1].rsplit("_2", 1)[0]
        for name in set(trees[0]) - set(trees[1])
        if not name.startswith("bank/")
    }
    assert added <= {*FINANCE, "meal_leave", "subsidy_roster"}
    assert set(trees[1]) <= set(trees[0])
    differing = {name.split("/")[-1][:15] for name in trees[1] if trees[0][name] != trees[1][name]}
    assert differing == {"disclosure_line"}
    verdicts = [
        pl.read_parquet(tmp_path / name / "truth" / "verdicts.parquet") for name in ("with", "without")
    ]
    assert verdicts[0].equals(verdicts[1])


def test_about_half_of_the_canteens_keep_books_and_none_of_pingjiang() -> None:
    town = city.build(60, START, 1)
    kept = money_plan.keepers(town, 0.5)
    assert len(kept) == 30
    assert not {town.canteen_ids[c][:6] for c in kept} & {"430626"}
    assert money_plan.keepers(city.build(60, START, 1), 0.5) == kept
    assert set(faults.KINDS) >= MONEY
