"""Rows of the mission about the data standard: types, codes, words, one formula in one place, new vendors."""

import re
from decimal import Decimal
from pathlib import Path

import dataframely as dy
import pack
import pack_city
import polars as pl
import pytest
from pack_city import City

from ingest import layouts, providers, reading
from ingest.masking import Masker
from pipelines.silver import typing
from warehouse import catalog, manifest, vocabulary
from warehouse.fingerprint import PRODUCT, code_hash
from warehouse.settings import ROOT
from warehouse.tables import FEEDS, Feed

CODE_LISTS = {
    frozenset(value)
    for value in vars(vocabulary).values()
    if isinstance(value, dict) and all(isinstance(label, str) for label in value.values())
}
every_feed = pytest.mark.parametrize("feed", FEEDS.values(), ids=lambda feed: feed.name)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> City:
    return pack_city.three_nights(tmp_path_factory.getbasetemp())


@pytest.mark.requirement("S0-06")
def test_the_cockpit_computes_nothing() -> None:
    """A ratio, a sum or a verdict stands in one model; what people see only picks columns and their labels."""
    for model in sorted((ROOT / "dbt_project" / "models" / "cockpit").glob("*.sql")):
        sql = re.sub(r"--.*|\{\{.*?\}\}|\{\{?%.*?%\}\}?", "", model.read_text("utf8"))
        assert re.findall(r"\b(?:sum|avg|count|round|case|max|min)\b|\s[-+/]\s", sql) == [], model.name


@pytest.mark.requirement("S0-06")
def test_the_ratio_is_computed_in_one_model() -> None:
    """A canteen's in one model, and of sums of canteens in one model by period and one by day; nowhere else."""
    models = (ROOT / "dbt_project" / "models").rglob("*.sql")
    divides = re.compile(r"\{\{ ratio\(.*income_yuan'\)")
    assert sorted(path.name for path in models if divides.search(path.read_text("utf8"))) == [
        "int_county_period.sql",
        "int_ratio_day.sql",
        "mart_red_line.sql",
    ]


@pytest.mark.requirement("S0-57")
def test_meal_funds_are_an_asset_group_of_the_orchestrator() -> None:
    from pipelines.defs.assets import ASSETS

    groups = [group for asset in ASSETS for group in asset.group_names_by_key.values()]
    assert groups.count("meal_funds") >= 1


@pytest.mark.requirement("S0-62")
def test_the_share_of_each_channel_is_known_and_no_face_is_kept(made: City) -> None:
    shares = made.rows(
        "select channel, sum(amount_yuan) / (select sum(amount_yuan) from silver.consumption "
        "where canteen_id = 'A1' and payer_kind = 'pupil') from silver.consumption "
        "where canteen_id = 'A1' and payer_kind = 'pupil' group by 1 order by 1"
    )
    assert [channel for channel, _ in shares] == ["card", "face", "mini_program"]
    assert sum(share for _, share in shares) == pytest.approx(1)
    columns = made.rows("select distinct column_name from duckdb_columns() where database_name <> 'system'")
    forbidden = re.compile(r"biometric|embedding|template|feature_vector|face_|photo")
    assert [name for (name,) in columns if forbidden.search(name)] == []


@pytest.mark.requirement("S0-64")
def test_money_is_exact_everywhere(made: City) -> None:
    for feed in FEEDS.values():
        for name, dtype in feed.business_columns.items():
            if name.endswith("_yuan"):
                assert dtype == pl.Decimal(18, 2), (feed.name, name)
    published = made.rows(
        "select table_name, column_name, data_type from duckdb_columns() where schema_name in ('gold', 'cockpit')"
    )
    money = [row for row in published if row[1].endswith("_yuan")]
    assert len(money) > 30
    # Prices of a base unit (DESIGN decision 14); all else is money.
    prices = (
        "price",
        "expected",
        "quote",
        "limit",
        "wholesale",
        "retail",
        "reference",
        "peer",
        "others",
        "own",
    )
    exact = {f"{name}_yuan": "DECIMAL(18,6)" for name in prices}
    assert [row for row in money if row[2] != exact.get(row[1], "DECIMAL(18,2)")] == []
    floats = {row[1] for row in published if row[2] in ("DOUBLE", "FLOAT", "REAL")}
    compared = {"compared_share", "retail_share", "wholesale_share"}
    indices = {"retail_index", "wholesale_index", "reference_line"}
    shares = {
        "previous_ratio",
        "worst_ratio",
        "ratio_30d",
        "red_share",
        "unknown_share",
        "gap_pp",
        "surplus_rate",
        "online_rate",
        "coverage",
        "precision_rate",
        "score",
    }
    assert (
        floats
        <= {"ratio", "forecast_ratio", "forecast_low", "forecast_high", "hhi"} | shares | compared | indices
    )
    # 400.10 + 299.90 + 100.00 on five days, 700.00 on the sixth: to the cent.
    eaten = made.one("select sum(consumption_yuan) from gold.fct_canteen_day where canteen_id = 'A1'")
    assert eaten == Decimal("4700.00")


@pytest.mark.requirement("S0-135", "S3-02")
@every_feed
def test_a_contract_uses_the_standards_types_codes_and_labels(feed: Feed) -> None:
    for name, column in feed.contract.columns().items():
        assert name in vocabulary.LABELS, name
        if isinstance(column, dy.Enum) and name != "entity":
            assert frozenset(column.dtype.categories) in CODE_LISTS, name
        if name.endswith("_yuan"):
            assert column.dtype == pl.Decimal(18, 2)
        if name.endswith("_qty") or name == "qty":
            assert column.dtype == pl.Decimal(18, 3)
        assert not isinstance(column, dy.Float), name


@pytest.mark.requirement("S0-135")
@every_feed
def test_a_contract_takes_a_good_row_and_refuses_one_without_its_key(feed: Feed) -> None:
    row = pack.Landing(Path("unused"), pack_city.NIGHTS[0]).add("city", feed.name, **GOOD[feed.name])
    texts = {
        name.replace("person_no", "person_hash"): None if value is None else str(value)
        for name, value in row.items()
    }
    lineage = {"_provider": "city", "_file": "f", "_row": 1, "_arrival_date": pack_city.NIGHTS[0]}
    required = feed.unit[0]
    text = dict.fromkeys(texts, pl.String)
    both = [{**texts, **lineage}, {**texts, **lineage, required: None, "_row": 2}]
    rows = pl.DataFrame(both, schema_overrides=text)
    checked = typing.check(feed, rows)
    assert checked.accepted["_row"].to_list() == [1]
    assert f"{required}|nullability" in checked.rejected["rules"][0]


@pytest.mark.requirement("S3-02")
def test_a_publication_names_the_version_of_the_standard_it_was_made_with(made: City) -> None:
    published = manifest.latest(made.home)
    assert published is not None
    assert "warehouse" in PRODUCT  # contracts and code lists
    assert published.code == code_hash(*PRODUCT)


@pytest.mark.requirement("S4-18", "S4-41")
@every_feed
def test_the_file_interface_of_each_feed_is_published(feed: Feed) -> None:
    page = (ROOT / "docs" / "reference" / "feed_pack.md").read_text("utf8")
    section = page.split(f"## {feed.label} `{feed.name}`")[1].split("\n## ")[0]
    for name in pack.columns(feed.name):
        assert f"| `{name}` | {catalog.label(name)} |" in section


@pytest.mark.requirement("S0-137")
def test_a_vendor_is_added_by_two_yaml_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sources" / "newcard").mkdir(parents=True)
    (tmp_path / "sources" / "newcard" / "tables.yaml").write_text(VENDOR, "utf8")
    (tmp_path / "newtown.yaml").write_text(PROVIDER, "utf8")
    monkeypatch.setattr(layouts, "FOLDER", tmp_path / "sources")
    try:
        registered = providers.read(tmp_path / "newtown.yaml")
        path = tmp_path / "content"
        path.write_text("流水,卡,店,时刻,钱\n1,88,A1,2026-09-01 12:00:00,3.30\n", "utf8")
        masker = Masker(b"k" * 32, registered.provider, keeps_pseudonyms=False)
        found = reading.read(path, registered.sources, registered.feeds, masker, tmp_path / "out")
        (row,) = pl.read_ipc(reading.frame_path(tmp_path / "out", "consumption")).to_dicts()
    finally:
        monkeypatch.undo()
    assert found["layout"] == "newcard.meals"
    assert (row["canteen_id"], row["biz_date"], row["amount_yuan"]) == ("A1", "2026-09-01", "3.30")
    assert len(row["person_hash"]) == 32


PROVIDER = """
provider: newtown
label: 新镇一卡通
source: newcard
counties: ["430602"]
feeds: [consumption]
duties: [consumption]
on_tie: latest_arrival
"""
VENDOR = """
source: newcard
label: 新一卡通
tables:
  - name: meals
    columns: [流水, 卡, 店, 时刻, 钱]
    feeds:
      - feed: consumption
        columns:
          record_no: {from: 流水}
          canteen_id: {from: 店}
          biz_date: {from: 时刻, part: date}
          meal: {value: lunch}
          payer_kind: {value: pupil}
          person_hash: {from: 卡}
          channel: {value: card}
          portions: {value: "1"}
          amount_yuan: {from: 钱}
          subsidy_yuan: {value: "0"}
          reported_at: {from: 时刻}
"""
_DAY = {"canteen_id": "A1", "biz_date": "2026-09-01"}
GOOD = {
    "org": {"org_id": "S1", "org_kind": "school", "org_name": "甲", "division_code": "430602"},
    "calendar": {"org_id": "S1", "biz_date": "2026-09-01"},
    "supplier": {"supplier_uscc": pack_city.SUPPLIER, "supplier_name": "甲"},
    "ingredient": {"ingredient_id": "i", "ingredient_name": "米", "category": "grain"},
    "provider_key": {"entity": "canteen", "source_key": "9", "target_code": "P1"},
    "access_grant": {"username": "a", "display_name": "甲", "org_id": "S1", "role_kind": "supervisor"}
    | {"valid_from": "2026-09-01"},
    "map_shape": {
        "division_code": "430602",
        "ring_json": "[]",
        "review_no": "S1",
        "reviewed_on": "2026-09-01",
    },
    "price_reference": {
        "record_no": "r",
        "source_code": "market",
        "price_kind": "wholesale",
        "place": "岳阳市",
    }
    | {"item_name": "大米", "unit": "kg", "unit_price": "4.8", "valid_from": "2026-09-01", "confidence": "A"},
    "quotation": {"record_no": "r", "supplier_uscc": pack_city.SUPPLIER, "org_id": "S1", "ingredient_id": "i"}
    | {"unit": "kg", "unit_price": "4.8", "valid_from": "2026-09-01", "valid_to": "2026-09-30"},
    "price_agreement": {"record_no": "r", "supplier_uscc": pack_city.SUPPLIER, "org_id": "S1"}
    | {"price_kind": "limit", "discount_pct": "5", "valid_from": "2026-09-01"},
    "bank_line": {"record_no": "r", "account_no": "6222", "biz_date": "2026-09-01", "direction": "in"}
    | {"amount_yuan": 5, "currency": "CNY", "is_reversal": 0, "proof": "balance"},
    "flow_decision": {
        "subject_id": "D-1",
        "decision_code": "explained",
        "reason": "误付后已退回",
        "decided_by": "steward",
    },
    "bank_account": {
        "account_no": "6222",
        "org_id": "S1",
        "account_role": "special",
        "valid_from": "2026-09-01",
    },
    "settlement": {**_DAY, "trade_date": "2026-09-01", "account_no": "6222", "item_count": 2}
    | {"gross_yuan": 10, "fee_yuan": 1, "net_yuan": 9},
    "control_total": {**_DAY, "controlled_feed": "purchase", "row_count": 1, "total_yuan": 6},
    "meal_leave": _DAY,
    "subsidy_roster": {**_DAY, "meal_days": 2, "rate_yuan": 5, "amount_yuan": 10},
    "opening_balance": {**_DAY, "balance_kind": "bank", "account_kind": "pupil", "amount_yuan": 10},
    "fund_split": {
        **_DAY,
        "fund_kind": "subsidy",
        "from_account_no": "1",
        "to_account_no": "2",
        "amount_yuan": 5,
    },
    "invoice": {**_DAY, "invoice_no": "n", "ingredient_id": "i", "qty": 2, "unit_price": "3"}
    | {"amount_yuan": 6, "tax_yuan": 0, "is_red": 0},
    "supplier_payment": {**_DAY, "payment_method": "bank", "amount_yuan": 6},
    "expense": {**_DAY, "expense_kind": "wages", "money_direction": "out", "payment_method": "bank"}
    | {"amount_yuan": 6},
    "voucher_line": {
        **_DAY,
        "voucher_no": "1",
        "line_no": 1,
        "account_set": "canteen",
        "account_code": "1002",
    }
    | {"debit_yuan": 0, "credit_yuan": 6},
    "handling": {**_DAY, "document_no": "d", "duty_step": "order"},
    "purchase": {
        **_DAY,
        "ingredient_id": "i",
        "ordered_qty": 2,
        "accepted_qty": 2,
        "unit_price": "3",
        "amount_yuan": 6,
    },
    "stock_move": {**_DAY, "ingredient_id": "i", "qty": 1},
    "stocktake": {**_DAY, "ingredient_id": "i", "counted_qty": 1},
    "meal_fee": {**_DAY, "amount_yuan": 5},
    "consumption": {**_DAY, "amount_yuan": 5},
    "refund": {**_DAY, "amount_yuan": 5},
    "menu_line": {**_DAY, "meal": "lunch", "dish_name": "鱼", "ingredient_id": "i", "grams_per_diner": 60},
    "withdrawal": {**_DAY, "withdrawn_feed": "purchase"},
    "scale_reading": {**_DAY, "device_id": "d", "measured_at": f"{pack_city.NIGHTS[0]} 07:59:00"}
    | {"gross_kg": 3, "tare_kg": 1, "net_kg": 2},
    "morning_check": {**_DAY, "device_id": "d", "checked_at": f"{pack_city.NIGHTS[0]} 07:59:00"}
    | {"person_no": "88", "forehead_temp": "36.5", "is_fit": 1},
    "edge_event": {**_DAY, "device_id": "d", "event_at": f"{pack_city.NIGHTS[0]} 07:59:00"}
    | {"event_kind": "smoking"},
    "camera": {"camera_id": "k", "canteen_id": "A1", "camera_name": "甲", "valid_from": "2026-09-01"},
    "camera_zone": {"camera_id": "k", "zone_id": "z", "zone_kind": "floor", "valid_from": "2026-09-01"}
    | {"polygon_json": "[[0,0],[1,0],[1,1]]"},
    "camera_status": {**_DAY, "camera_id": "k", "seen_at": "2026-09-01 08:00:00"}
    | {"status_source": "keepalive", "is_online": 1},
    "camera_alarm": {**_DAY, "camera_id": "k", "alarm_at": "2026-09-01 08:00:00", "alarm_kind": "video_lost"},
    "video_segment": {**_DAY, "camera_id": "k", "path": "k/a.mp4", "started_at": "2026-09-01 08:00:00"}
    | {"segment_sha256": "0" * 64, "size_bytes": 9},
    "retained_sample": {**_DAY, "meal": "lunch", "dish_name": "鱼", "weight_g": 130}
    | {"put_at": "2026-09-01 11:30:00"},
    "meal_time": {"canteen_id": "A1", "meal": "lunch", "cook_from": "09:00", "valid_from": "2026-09-01"}
    | {"serve_from": "11:30", "serve_to": "12:30"},
    "event_verdict": {
        "event_id": "e",
        "event_date": "2026-09-01",
        "review_code": "true",
        "reviewed_by": "steward",
    },
    "disclosure_line": {
        "canteen_id": "A1",
        "biz_date": "2026-08-31",
        "operating_mode": "self",
        "line_code": "income",
        "month_yuan": 1,
        "ytd_yuan": 1,
    },
}
