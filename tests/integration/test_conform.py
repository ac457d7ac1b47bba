"""A vendor's delivery against the feed pack; what a clerk is told; and that persons stay outside the lake."""

import csv
import datetime as dt
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pack_city
import polars as pl
import pytest
from deliveries import CONSUMPTION, REFUND, as_csv, deliver
from rows import GOOD

from expectations import page, scorecard
from ingest import simulator
from ingest.receipts import RECEIPT
from pipelines import conform
from pipelines.cli.app import main
from warehouse import delta, settings
from warehouse.tables import DELIVERY, EXPECTATION_RESULT, PROVIDER, QUARANTINE

DAY = dt.date(2026, 9, 1)
PURCHASE = "yueyanglou/2026-09-01/purchase_20260901.csv"
MOVES = "yueyanglou/2026-09-01/stock_move_20260901.csv"
MEALS = "yueyanglou/2026-09-01/consumption_20260901.csv"
SUPPLIERS = "city/2026-09-01/supplier_20260901.csv"
CONTROL = "yueyanglou/2026-09-01/control.json"


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Landing folders of the city and one county, without a fault."""
    out = tmp_path_factory.mktemp("clean")
    simulator.simulate(out / "all", 4, DAY, DAY, 5, frozenset())
    for provider in ("city", "yueyanglou"):
        shutil.copytree(out / "all" / "landing" / provider, out / "landing" / provider)
    return out / "landing"


@pytest.fixture
def landing(clean: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    shutil.copytree(clean, tmp_path / "landing")
    return tmp_path / "landing"


def write(column: str, value: str, file: str = PURCHASE, row: int = 2) -> Callable[[Path], None]:
    """Put a value into a row of a file; -1 is the last row."""

    def change(landing: Path) -> None:
        lines = list(csv.reader(io.StringIO((landing / file).read_text("utf8"))))
        lines[row][lines[0].index(column)] = value
        save(landing / file, lines)

    return change


def save(path: Path, lines: list[list[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(lines)
    path.write_text(text.getvalue(), "utf8")


def rename_a_column(landing: Path) -> None:
    path = landing / PURCHASE
    path.write_text(path.read_text("utf8").replace("accepted_qty", "accepted_weight", 1), "utf8")


def cut_the_last_line(landing: Path) -> None:
    path = landing / PURCHASE
    path.write_bytes(path.read_bytes()[:-20])


def break_the_encoding(landing: Path) -> None:
    path = landing / PURCHASE
    path.write_bytes(path.read_bytes().replace(b"pupil", b"pup\xff\xffil", 1))


def mistype_a_credit_code(landing: Path) -> None:
    """Of the last supplier, from whom this county does not buy."""
    lines = list(csv.reader(io.StringIO((landing / SUPPLIERS).read_text("utf8"))))
    code = lines[-1][0]
    write(lines[0][0], code[:-1] + ("1" if code[-1] != "1" else "2"), SUPPLIERS, -1)(landing)


def repeat_a_number(landing: Path) -> None:
    first = (landing / PURCHASE).read_text("utf8").splitlines()[1].split(",")[0]
    write("record_no", first)(landing)


def declare(change: Callable[[list[dict]], list[dict]]) -> Callable[[Path], None]:
    def edit(landing: Path) -> None:
        path = landing / CONTROL
        files = json.loads(path.read_text("utf8"))["files"]
        path.write_text(json.dumps({"files": change(files)}), "utf8")

    return edit


def one_row_more(files: list[dict]) -> list[dict]:
    return [{**file, "rows": file["rows"] + file["name"].startswith("purchase")} for file in files]


def leave_out_a_file(landing: Path) -> None:
    (landing / MOVES).unlink()


def owe_the_moves(landing: Path) -> None:
    leave_out_a_file(landing)
    declare(lambda files: [file for file in files if not file["name"].startswith("stock_move")])(landing)


def cut_a_day_in_two(landing: Path) -> None:
    lines = list(csv.reader(io.StringIO((landing / PURCHASE).read_text("utf8"))))
    save((landing / PURCHASE).with_name("a_purchase.csv"), lines[:2])


SEEDED = {
    "unknown header": (rename_a_column, [(PURCHASE, None, None, "unknown_layout")]),
    "truncated file": (cut_the_last_line, [(PURCHASE, None, None, "truncated")]),
    "wrong bytes": (break_the_encoding, [(PURCHASE, None, None, "unreadable")]),
    "required value missing": (
        write("ingredient_id", ""),
        [(PURCHASE, 2, "ingredient_id", "nullability")],
    ),
    "a day that is none": (write("biz_date", "2026-09-31"), [(PURCHASE, 2, "biz_date", "dtype")]),
    "negative quantity": (write("qty", "-3", MOVES), [(MOVES, 2, "qty", "min")]),
    "amount is not quantity x price": (
        write("amount_yuan", "99999.99"),
        [(PURCHASE, 2, "amount_yuan,accepted_qty,unit_price", "amount_matches")],
    ),
    "unknown unit": (write("unit", "箩"), [(PURCHASE, 2, "unit", "unit_known")]),
    "wrong credit code": (mistype_a_credit_code, [(SUPPLIERS, 32, "supplier_uscc", "uscc_checksum")]),
    "one number, two contents": (
        repeat_a_number,
        [(PURCHASE, 1, "record_no", "conflict"), (PURCHASE, 2, "record_no", "conflict")],
    ),
    "count differs from control.json": (declare(one_row_more), [(PURCHASE, None, None, "truncated")]),
    "code outside its list": (write("account_kind", "狗"), [(PURCHASE, 2, "account_kind", "enum")]),
    "announced and not there": (leave_out_a_file, [(MOVES, None, None, "missing")]),
    "a duty not delivered": (owe_the_moves, [("yueyanglou", None, None, "required_feed")]),
    "unregistered key": (
        write("ingredient_id", "ZZ9999"),
        [(PURCHASE, 2, "ingredient_id", "key_registered")],
    ),
    "accepted far beyond the order": (
        write("ordered_qty", "0.1"),
        [(PURCHASE, 2, "accepted_qty,rejected_qty,ordered_qty", "accepted_within_ordered")],
    ),
    "a day in two files": (
        cut_a_day_in_two,
        [("yueyanglou/2026-09-01/a_purchase.csv", None, "canteen_id,biz_date", "unit_split")],
    ),
    "person left out": (write("person_no", "", MEALS), [(MEALS, 2, "person_no", "nullability")]),
}


@pytest.mark.requirement("S4-68")
def test_a_clean_delivery_passes_and_nothing_is_loaded(
    clean: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    for folder in (clean, clean / "yueyanglou", clean / "yueyanglou" / "2026-09-01"):
        assert main(["conform", str(folder), "--json", "--home", str(home)]) == 0
        found = json.loads(capsys.readouterr().out.splitlines()[-1])
        assert (found["conforms"], found["violations"]) == (True, [])
        names = {path.name for path in folder.rglob("*") if path.is_file()} - {"control.json"}
        assert {Path(one["file"]).name for one in found["files"]} == names
    assert not home.exists()


@pytest.mark.requirement("S4-68")
@pytest.mark.parametrize("seed", SEEDED)
def test_each_seeded_violation_is_rejected_with_file_row_and_field(
    seed: str, landing: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, expected = SEEDED[seed]
    spoil(landing)
    assert main(["conform", str(landing), "--json"]) == 1
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["conforms"] is False
    said = [(one["file"], one["row"], one["field"], one["rule"]) for one in found["violations"]]
    assert said == expected
    assert all(one["text"] and one["remedy"] for one in found["violations"])
    failed = {one["file"] for one in found["files"] if not one["conforms"]}
    assert failed == {file for file, *_ in expected} - {"yueyanglou"}


def test_the_table_says_in_chinese_what_and_where(landing: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rename_a_column(landing)
    write("qty", "-3", MOVES)(landing)
    assert main(["conform", str(landing)]) == 1
    shown = capsys.readouterr().out
    assert "accepted_qty" in next(line for line in shown.splitlines() if "表头无法识别" in line)
    (wrong,) = [line for line in shown.splitlines() if "数值小于允许的下限" in line]
    assert [word in wrong for word in (MOVES, "2", "数量", "核对")] == [True] * 4
    assert "结论：不通过，12 个文件中 2 个有问题" in shown


def test_files_of_a_vendor_without_registration_are_held_against_the_standard_pack(tmp_path: Path) -> None:
    (tmp_path / "purchase.csv").write_bytes(as_csv([GOOD, {**GOOD, "record_no": "r2", "unit": "箩"}]))
    (tmp_path / "supplier.csv").write_bytes(b"a,b\n1,2\n")
    found = conform.check(tmp_path, lambda _: None)
    said = [(one["file"], one["row"], one["rule"]) for one in found["violations"]]
    assert said == [("purchase.csv", 2, "unit_known"), ("supplier.csv", None, "unknown_layout")]


def test_no_value_of_a_file_is_repeated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    person, phone = CONSUMPTION["person_no"], "13812341234"
    wrong = {**CONSUMPTION, "amount_yuan": "-1", "record_no": phone}
    (tmp_path / "consumption.csv").write_bytes(as_csv([wrong, {**wrong, "amount_yuan": phone}]))
    (tmp_path / "refund.csv").write_bytes(as_csv([{**REFUND, person: phone}]))
    assert main(["conform", str(tmp_path)]) == 1
    assert main(["conform", str(tmp_path), "--json"]) == 1
    shown = "".join(capsys.readouterr())
    assert person not in shown
    assert phone not in shown


def test_many_equal_violations_are_counted_in_full_and_listed_in_part(tmp_path: Path) -> None:
    rows = [{**GOOD, "record_no": f"r{n}", "unit": "箩"} for n in range(conform.SHOWN + 50)]
    (tmp_path / "purchase.csv").write_bytes(as_csv(rows))
    found = conform.check(tmp_path, lambda _: None)
    assert found["files"][0]["violations"] == conform.SHOWN + 50
    assert len(found["violations"]) == conform.SHOWN


@pytest.mark.requirement("S4-25")
def test_a_typing_error_and_an_omission_name_their_field_in_the_list_and_on_the_stewards_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    back = {"record_no": "m1", "canteen_id": "c1", "account_kind": "pupil", "biz_date": "2026-09-01"}
    back |= {"ingredient_id": "i1", "move_kind": "supplier_return", "qty": "1", "unit": "kg"}
    back |= {"amount_yuan": "", "purpose": "other", "reported_at": "2026-09-01 18:00:00"}
    typo = deliver(tmp_path, "purchase.csv", as_csv([GOOD, {**GOOD, "record_no": "r2", "unit": "箩"}]))
    omission = deliver(tmp_path, "stock_move.csv", as_csv([back]))
    home = settings.load(tmp_path / "home")
    told = ["--provider", "yueyanglou", "--home", str(home.home), "--json"]
    assert main(["ingest", str(typo), str(omission), *told]) == 0
    capsys.readouterr()
    assert main(["quarantine", "list", *told[2:]]) == 0
    rows = json.loads(capsys.readouterr().out.splitlines()[-1])["rows"]
    assert {(row["列"], row["问题"]) for row in rows} == {
        ("计量单位", "计量单位无法识别"),
        ("金额（元）", "退货记录缺少金额"),
    }
    quarantine = delta.read(home.table("silver.quarantine"), QUARANTINE)
    assert dict(quarantine.select("feed", "fields").iter_rows()) == {
        "purchase": "unit",
        "stock_move": "amount_yuan",
    }
    shown = page.render(
        scorecard.build(
            DAY,
            DAY,
            results=pl.DataFrame(schema=EXPECTATION_RESULT),
            delivery=delta.read(home.table("silver.delivery"), DELIVERY),
            quarantine=quarantine,
            receipts=delta.read(home.table("bronze.receipt"), RECEIPT),
            providers=delta.read(home.table("silver.provider"), PROVIDER),
        )
    )
    assert "<td>计量单位</td><td>计量单位无法识别</td>" in shown
    assert "<td>金额（元）</td><td>退货记录缺少金额</td>" in shown


IDENTITIES = (pack_city.PHONE, pack_city.PERSON, "王小明")
KEPT = "甲粮油"
"""A name that is no person's, to show that the scan reads cells."""


def holds(path: Path, texts: tuple[str, ...]) -> set[str]:
    """Which of the texts can be read out of a file: its bytes, and its cells where they are packed."""
    raw = path.read_bytes()
    found = {text for text in texts if text.encode() in raw}
    with duckdb.connect() as connection:
        tables = []
        if path.suffix == ".parquet":
            tables = [f"'{path}'"]
        elif path.suffix == ".duckdb":
            connection.execute(f"attach '{path}' as held (read_only)")
            names = (
                "select schema_name || '.' || table_name from duckdb_tables() where database_name = 'held'"
            )
            tables = [f"held.{name}" for (name,) in connection.sql(names).fetchall()]
        frames = [connection.sql(f"select columns(*)::varchar from {table}").pl() for table in tables]
    columns = [column for frame in frames for column in frame]
    return found | {
        text for text in texts if any(column.str.contains(text, literal=True).any() for column in columns)
    }


@pytest.mark.requirement("S4-50")
def test_no_telephone_number_identity_or_name_is_in_any_file_of_the_home_but_the_vault(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    made = pack_city.three_nights(tmp_path_factory.getbasetemp())
    delivered = list(made.landing.root.rglob("*.csv"))
    assert set().union(*(holds(path, IDENTITIES) for path in delivered)) == set(IDENTITIES)
    home = made.home.home
    kept = [path for path in home.rglob("*") if path.is_file() and home / "vault" not in path.parents]
    kinds = {path.relative_to(home).parts[0] for path in kept}
    assert {"bronze", "silver", "gold", "publish"} <= kinds, kinds
    assert {path.suffix for path in kept} >= {".parquet", ".duckdb"}
    seen = {path: holds(path, (*IDENTITIES, KEPT)) for path in kept}
    assert {path.suffix for path, found in seen.items() if KEPT in found} >= {".parquet", ".duckdb"}
    assert {path: found for path, found in seen.items() if found & set(IDENTITIES)} == {}
