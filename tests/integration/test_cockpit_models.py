"""What the cockpit shows adds up, says what it rests on, and what to do next."""

import datetime as dt
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import city
import polars as pl
import pytest

from dashboards.sync import access
from ingest.simulator.city import UNITS
from pipelines import map_shape, night, querying, receiving
from pipelines.publish import snapshot
from warehouse import manifest, serving, settings, vocabulary
from warehouse.errors import Permanent
from warehouse.settings import Settings

CANTEENS = 16
DATASETS = [*access.DATASETS, "access_grant"]
Query = Callable[[str], pl.DataFrame]
COUNTS = ("canteens", "red", "yellow", "green", "unknown")


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return city.simulate(tmp_path_factory.mktemp("cockpit"), canteens=CANTEENS, books=0.5, cameras=2)


@pytest.fixture(scope="module")
def home(landing: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return city.run(tmp_path_factory.mktemp("cockpit-home") / "home", landing, city.END)


@pytest.fixture(scope="module")
def query(home: Settings) -> Query:
    return lambda sql: querying.select(home, sql)


def money(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    return sorted(frame.rows(), key=repr)


@pytest.mark.requirement("S0-19")
def test_counties_are_the_sums_of_their_canteens(query: Query) -> None:
    below = query(
        "select county_code, period_rank, definition, count(*) as canteens, sum(is_red)::bigint, "
        "sum(is_yellow)::bigint, sum(is_green)::bigint, sum(is_unknown)::bigint, "
        "coalesce(sum(cost_yuan) filter (verdict <> 'unknown'), 0)::decimal(18, 2), "
        "coalesce(sum(income_yuan) filter (verdict <> 'unknown'), 0)::decimal(18, 2), "
        "sum(findings)::bigint, sum(is_worse)::bigint, sum(is_better)::bigint "
        "from cockpit.canteen_period group by all"
    )
    shown = query(
        f"select county_code, period_rank, definition, {', '.join(COUNTS)}, cost_yuan, income_yuan, findings, "
        "worse, better from cockpit.county_period"
    )
    assert money(below) == money(shown)
    assert shown["county_code"].n_unique() == len(UNITS)


@pytest.mark.requirement("S0-19")
def test_a_ratio_of_many_is_of_sums_of_the_judged_and_never_a_mean(query: Query) -> None:
    city_wide = query(
        "select ratio from cockpit.ratio_day where scope_kind = '全市' and biz_date = as_of"
    ).item()
    judged = query("select cost_yuan, income_yuan, ratio from cockpit.canteen_period where period_rank = 0 "
                   "and definition = 'consumed' and verdict <> 'unknown'")  # fmt: skip
    cost, income = judged["cost_yuan"].sum(), judged["income_yuan"].sum()
    assert city_wide == float(cost) / float(income)
    assert city_wide != pytest.approx(judged["ratio"].mean(), abs=1e-9)
    counties = query("select ratio, cost_yuan, income_yuan from cockpit.county_period where income_yuan > 0")
    assert counties["ratio"].to_list() == [
        float(row["cost_yuan"]) / float(row["income_yuan"]) for row in counties.iter_rows(named=True)
    ]


@pytest.mark.requirement("S0-19")
@pytest.mark.parametrize(
    ("scope", "column"), [("全市", "city_id"), ("县区", "county_code"), ("学校", "school_id")]
)
def test_daily_ratios_are_those_of_the_verdicts(query: Query, scope: str, column: str) -> None:
    marts = query(
        f"select d.{column} as scope_id, r.period_end as biz_date, sum(r.cost_yuan)::double / sum(r.income_yuan)::double as r "
        "from gold.mart_red_line as r join gold.dim_canteen as d on r.canteen_id = d.canteen_id "
        "and r.period_end between d.valid_from and d.valid_to where r.period_kind = 'month_to_date' "
        "and r.definition = 'consumed' and r.verdict <> 'unknown' group by all order by 1, 2"
    )
    shown = query(
        f"select scope_id, biz_date, ratio as r from cockpit.ratio_day where scope_kind = '{scope}' "
        "and ratio is not null order by 1, 2"
    )
    assert shown.equals(marts)
    assert shown.height > 0


@pytest.mark.requirement("S0-19")
def test_daily_counts_are_those_of_the_verdicts_and_leave_no_canteen_out(query: Query) -> None:
    shown = query(
        "select biz_date, sum(canteens)::bigint, sum(red)::bigint, sum(yellow)::bigint, sum(green)::bigint, "
        "sum(unknown)::bigint from cockpit.colour_day group by 1"
    )
    marts = query(
        "select period_end, count(*), count(*) filter (verdict = 'red'), count(*) filter (verdict = 'yellow'), "
        "count(*) filter (verdict = 'green'), count(*) filter (verdict = 'unknown') from gold.mart_red_line "
        "where period_kind = 'month_to_date' and definition = 'consumed' group by 1"
    )
    assert money(shown) == money(marts)
    assert set(shown.to_series(1)) == {CANTEENS}


def test_nothing_but_unknown_is_said_of_incomplete_data(query: Query) -> None:
    unknown = query("select ratio, gap_pp, previous_verdict_label, next_step, unknown_owner, unknown_remedy "
                    "from cockpit.canteen_period where verdict = 'unknown'")  # fmt: skip
    assert unknown.height > 0
    assert unknown["ratio"].null_count() == unknown["gap_pp"].null_count() == unknown.height
    assert unknown["next_step"].to_list() == [
        f"{row['unknown_owner']}：{row['unknown_remedy']}" for row in unknown.iter_rows(named=True)
    ]
    worst = query("select k.county_code from cockpit.county_period as k where worst_canteen_name is not null "
                  "and canteens = unknown")  # fmt: skip
    assert worst.is_empty()


def test_a_row_says_by_which_rule_and_how_sure(query: Query) -> None:
    rules = query("select distinct mode_label, threshold, rule_label, basis_label, source_title from cockpit.canteen_period "
                  "where definition = 'consumed'")  # fmt: skip
    for row in rules.iter_rows(named=True):
        assert row["rule_label"] == f"{row['mode_label'].split('（')[0]} ≥{int(row['threshold'])}%"
        assert row["basis_label"] == "依据待核（C）"
        assert row["source_title"]
    gaps = query(
        "select abs(gap_pp - (100 * ratio - threshold)) as off, verdict, gap_pp from cockpit.canteen_period"
    )
    assert gaps["off"].drop_nulls().max() < 0.0001
    assert gaps.filter(pl.col("verdict") == "red")["gap_pp"].max() < 0.0001


def test_a_change_is_against_the_month_before(query: Query) -> None:
    """The month to date against the last whole month; only a red that was not red before has turned red."""
    last = (city.END.replace(day=1) - dt.timedelta(1)).isoformat()
    before = dict(
        query(
            "select canteen_id, verdict from gold.mart_red_line where period_kind = 'month' "
            f"and definition = 'consumed' and period_end = '{last}'"
        ).iter_rows()
    )
    rows = query("select canteen_id, verdict, change_label, is_worse, is_better from cockpit.canteen_period "
                 "where period_rank = 0 and definition = 'consumed'")  # fmt: skip
    severity = ["green", "yellow", "red"]
    for canteen, verdict, change, worse, better in rows.iter_rows():
        old = before[canteen]
        to_yellow = {("green", "yellow"): "绿转黄", ("red", "yellow"): "红转黄"}
        other = "不变" if old == verdict else vocabulary.VERDICT_CHANGES[verdict]
        assert change == to_yellow.get((old, verdict), other)
        known = old in severity and verdict in severity
        if known:
            move = severity.index(verdict) - severity.index(old)
            assert (worse, better) == (int(move > 0), int(move < 0))
        else:
            assert worse == int(verdict in ("red", "unknown") and verdict != old)
            assert better == int(verdict == "green")


def test_findings_are_counted_in_their_period_and_say_what_to_do(query: Query) -> None:
    counted = query("select canteen_id, findings from cockpit.canteen_period where period_kind = 'ytd' "
                    "and definition = 'consumed' and findings > 0")  # fmt: skip
    listed = query("select canteen_id, count(*) as findings from cockpit.finding group by 1")
    assert money(counted) == money(listed)
    words = query(
        "select kind_label, direction_label, confidence_label, next_step, department from cockpit.finding"
    )
    assert words.height > 0
    assert words.null_count().sum_horizontal().item() == 0
    assert set(words["department"]) <= {*vocabulary.DEPARTMENTS, "both"}
    with_findings = query("select next_step, findings from cockpit.canteen_period "
                          "where verdict <> 'unknown' and findings > 0")  # fmt: skip
    assert all(f"{count}条线索" in step for step, count in with_findings.iter_rows())


def test_every_shown_finding_kind_is_in_the_vocabulary() -> None:
    from warehouse.settings import ROOT

    marts = ROOT / "dbt_project" / "models"
    text = "".join(path.read_text("utf8") for path in marts.rglob("*finding*.sql"))
    seen = {f"ai_{code}" for code in vocabulary.VIDEO_EVENTS}  # one finding for each kind of event
    assert "'ai_' || " in text
    assert [kind for kind in vocabulary.FINDING_KINDS if f"'{kind}'" not in text and kind not in seen] == []


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_dataset_names_its_publication(home: Settings, query: Query, dataset: str) -> None:
    published = manifest.latest(home)
    assert published is not None
    named = query(f"select distinct snapshot_id, as_of from cockpit.{dataset}")
    assert named.rows() == [(published.number, city.END)] or (dataset == "gap" and named.is_empty())


@pytest.mark.parametrize("dataset", DATASETS)
def test_people_read_chinese(query: Query, dataset: str) -> None:
    rows = query(f"from cockpit.{dataset}")
    for column in set(rows.columns) - {"period_label"}:
        if column.endswith(
            ("_label", "county_name", "canteen_name", "school_name", "scope_kind", "next_step")
        ):
            texts = rows[column].drop_nulls()
            assert texts.str.contains("[一-鿿]").all(), column


@pytest.mark.requirement("S0-19")
def test_documents_are_the_records_of_the_last_35_days(home: Settings, query: Query) -> None:
    since = city.END - dt.timedelta(34)
    shown = dict(query("select record_kind, count(*) from cockpit.document group by 1").iter_rows())
    for kind, table in (("采购验收", "purchase"), ("盘点", "stocktake")):
        assert (
            shown[kind]
            == query(
                f"select count(*) from silver.{table} where biz_date between '{since}' and '{city.END}'"
            ).item()
        )
    bought = query("select sum(amount_yuan) from cockpit.document where record_kind = '采购验收'").item()
    assert (
        bought
        == query(
            f"select sum(amount_yuan) from silver.purchase where biz_date between '{since}' and '{city.END}'"
        ).item()
    )
    files = query("select distinct source_file from cockpit.document")["source_file"].to_list()
    known = set(query("select distinct substr(_file, 1, 12) as f from silver.purchase union "
                      "select distinct substr(_file, 1, 12) from silver.stocktake")["f"])  # fmt: skip
    assert set(files) == known


def test_price_clues_are_the_findings_with_names_and_a_next_step(query: Query) -> None:
    gold = query("select finding_id, greatest(excess_yuan, 0)::decimal(18, 2), confidence, basis from gold.price_finding")  # fmt: skip
    shown = query("select finding_id, excess_yuan, confidence, basis from cockpit.price_clue")
    assert money(shown) == money(gold)
    assert shown.height > 0
    rows = query("from cockpit.price_clue")
    words = ["kind_label", "level_label", "test_label", "tests_label", "place_name", "confidence_label"]
    assert (
        rows.select(*words, "basis_label", "next_step", "text_zh").null_count().sum_horizontal().item() == 0
    )
    assert set(rows["department"]) <= {*vocabulary.DEPARTMENTS, "both"}
    doubtful = rows.filter(pl.col("basis").is_in(["C", "D"]))["basis_label"].unique().to_list()
    assert all(label.startswith("基准待核") for label in doubtful)
    for tests, labels in query("select tests, tests_label from gold.price_finding join cockpit.price_clue using (finding_id)"
                               ).select("tests", "tests_label").iter_rows():  # fmt: skip
        assert set(labels.split("、")) == {vocabulary.PRICE_TESTS[test] for test in tests.split(",")}
    since = city.END - dt.timedelta(34)
    assert rows.filter((pl.col("is_recent") == 1) != (pl.col("period_end") >= since)).is_empty()


def test_every_purchase_line_of_food_is_compared_or_says_why_not(query: Query) -> None:
    since = city.END - dt.timedelta(34)
    bought = query("select count(*) from cockpit.document where record_kind = '采购验收' and category_label is distinct from "
                   f"'{vocabulary.FOOD_CATEGORIES['non_food']}'").item()  # fmt: skip
    rows = query(
        "select comparison, count(*) as lines, sum(is_compared)::int as compared, sum(is_uncompared)::int as uncompared "
        "from cockpit.price_line group by 1"
    )
    assert rows["lines"].sum() == bought
    assert set(rows["comparison"]) <= set(vocabulary.PRICE_COMPARISONS)
    for comparison, lines, compared, uncompared in rows.iter_rows():
        comparable = "不可比" not in vocabulary.PRICE_COMPARISONS[comparison]
        assert (compared, uncompared) == ((lines, 0) if comparable else (0, lines))
    priced = query("select count(*) from gold.fct_price_line where not is_unit_slip and biz_date >= "
                   f"'{since}'").item()  # fmt: skip
    outside = rows.filter(pl.col("comparison").is_in(["no_price", "unit_slip"]))["lines"].sum()
    assert bought - outside == priced


def test_lines_name_the_finding_that_rests_on_them(query: Query) -> None:
    since = city.END - dt.timedelta(34)
    named = query(
        "select f.finding_no, count(l.record_no) as shown, any_value(f.line_count) as lines from cockpit.price_clue as f "
        f"left join cockpit.price_line as l using (finding_no) where f.period_start >= '{since}' "
        "and f.kind in ('line', 'item', 'unit') and f.line_count <= 20 group by 1"
    )
    assert named.height > 0
    assert named.filter(pl.col("shown") != pl.col("lines")).is_empty()
    orphans = query("select count(*) from cockpit.price_line where is_found = 1 and finding_no not in "
                    "(select finding_no from cockpit.price_clue)").item()  # fmt: skip
    assert orphans == 0


def test_price_indices_are_ratios_of_sums_and_add_up(query: Query) -> None:
    parts = "sum(paid_yuan), sum(at_retail_yuan), sum(paid_with_wholesale_yuan), sum(line_count)::bigint"
    where = "period_kind = 'week' and is_total = 1 group by period_start"
    city_wide, counties, schools = (
        query(
            f"select period_start, {parts} from cockpit.price_index where scope_kind = '{scope}' and {where}"
        )
        for scope in ("全市", "县区", "学校")
    )
    assert city_wide.height > 0
    assert money(city_wide) == money(counties) == money(schools)
    rows = query("from cockpit.price_index")
    for kind in ("retail", "wholesale"):
        for row in rows.iter_rows(named=True):
            at = row[f"at_{kind}_yuan"]
            expected = float(row[f"paid_with_{kind}_yuan"]) / float(at) if at else None
            assert row[f"{kind}_index"] == expected


def test_suppliers_are_the_sums_of_their_clues_and_say_what_could_be_compared(query: Query) -> None:
    clues = query(
        "select supplier_id, count(*), sum(excess_yuan) from cockpit.price_clue "
        "where is_recent = 1 and supplier_id is not null group by 1"
    )
    shown = query(
        "select supplier_id, findings, excess_yuan from cockpit.price_supplier where scope_kind = '全市' and findings > 0"
    )
    assert money(clues) == money(shown)
    below = query(
        "select sum(line_count)::bigint, sum(paid_yuan), sum(compared_lines)::bigint from cockpit.price_supplier "
        "group by scope_kind"
    )
    assert below.height == 2
    assert below.row(0) == below.row(1)
    led = query("select tests_label, confidence_label, basis_label, next_step from cockpit.price_supplier where findings > 0")  # fmt: skip
    assert led.null_count().sum_horizontal().item() == 0
    assert (
        query("select count(*) from cockpit.price_supplier where compared_share not between 0 and 1").item()
        == 0
    )


def test_stewards_are_told_of_every_file_that_was_not_taken(home: Settings, query: Query) -> None:
    receipts = receiving.known(home).filter(pl.col("status").is_in(["refused", "missing"]))
    shown = query(
        "select provider, file_name, refusal_code, reason_text, state_label from cockpit.refused_file"
    )
    assert receipts.height > 0
    expected = receipts.select(
        "provider", pl.col("path").str.split("/").list.slice(2).list.join("/"), "refusal_code", "message"
    )
    assert money(shown.drop("state_label")) == money(expected)
    assert set(shown["state_label"]) <= {"待重新报送", "已重新送达"}


def test_stewards_are_told_of_every_name_that_stands_for_nothing(query: Query) -> None:
    gaps = query("select count(*) from gold.mart_key_gap").item()
    names = query("select count(*) from gold.mart_name_gap where origin = 'reference'").item()
    rows = query("from cockpit.name_gap")
    assert rows.height == gaps + names > 0
    assert (
        rows.select("gap_label", "entity_label", "item_name", "next_step")
        .null_count()
        .sum_horizontal()
        .item()
        == 0
    )
    doubtful = rows.filter(pl.col("gap_kind") == "doubtful")
    assert doubtful["reason_text"].null_count() == 0


def test_every_canteen_has_a_state_on_every_day(query: Query) -> None:
    days = (city.END - city.START).days + 2  # the opening count is dated the day before the first
    states = query(
        "select biz_date, state_label, state_rank, open_day, income_day, supplied_day from cockpit.canteen_day"
    )
    assert states.height <= CANTEENS * min(62, days)
    assert states.group_by("biz_date").len()["len"].unique().to_list() == [CANTEENS]
    by_rank = {0: "停餐", 1: "齐全", 2: "缺进货出库", 3: "缺消费"}
    assert all(by_rank[rank] == label for _, label, rank, *_ in states.iter_rows())
    complete = states.filter(pl.col("state_rank") == 1)
    assert complete.select("open_day", "income_day", "supplied_day").min().row(0) == (1, 1, 1)


def test_deliveries_and_gaps_are_those_of_the_marts(query: Query) -> None:
    for table, mart in (("delivery", "mart_quality"), ("gap", "mart_delivery_gap")):
        columns = [c for c in query(f"from gold.{mart}").columns if c != "biz_month"]
        shown = query(f"from cockpit.{table}")
        same = [c for c in columns if c in shown.columns and not (table == "delivery" and c == "county_code")]
        assert money(shown.select(same)) == money(query(f"from gold.{mart}").select(same))
        assert shown["provider_label"].null_count() == shown["feed_label"].null_count() == 0
    one_county = query(
        "select distinct provider, county_name from cockpit.delivery where county_code is not null"
    )
    assert dict(one_county.iter_rows())["pingjiang"] == "平江县"


def test_accounts_see_their_part_of_the_tree_while_their_grant_is_valid(home: Settings, query: Query) -> None:
    written = json.loads(access.write(home).read_text("utf8"))
    users = {user["username"]: user for user in written["users"]}
    schools = query(
        f"select distinct school_id from gold.dim_canteen where '{city.END}' between valid_from and valid_to"
    )
    granted = [user["scopes"] for user in users.values() if user["tier"] == "school"]
    assert len(granted) == 2 * schools.height
    assert {scope["value"] for (scope,) in granted} == set(schools["school_id"])
    counties = {user["scopes"][0]["value"] for user in users.values() if user["tier"] == "county"}
    assert counties == {unit[0] for unit in UNITS}
    assert len(users["two_counties_education"]["scopes"]) == 2
    assert users["city_market"] == {
        "username": "city_market",
        "tier": "city",
        "department": "market",
        "scopes": [],
    }
    assert "former_market" not in users
    assert "former_market" in set(query("select username from cockpit.access_grant")["username"])


@pytest.fixture
def geojson(home: Settings, tmp_path: Path) -> Path:
    """A square per unit; the first of two parts, the second with a hole."""

    def square(west: float, south: float, size: float) -> list[list[float]]:
        east, north = west + size, south + size
        return [[west, south], [east, south], [east, north], [west, north], [west, south]]

    features = []
    for n, (code, name, *_) in enumerate(UNITS):
        outer = square(112.5 + n, 29, 0.5)
        geometry: dict[str, Any] = {"type": "Polygon", "coordinates": [outer]}
        if n == 0:
            geometry = {"type": "MultiPolygon", "coordinates": [[outer], [square(112.5, 30, 0.25)]]}
        elif n == 1:
            geometry["coordinates"].append(square(113.6, 29.1, 0.125))
        features.append(
            {"type": "Feature", "properties": {"adcode": int(code), "name": name}, "geometry": geometry}
        )
    path = tmp_path / "map.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf8")
    return path


def test_a_reviewed_map_replaces_the_schematic_one_on_the_next_night(
    home: Settings, landing: Path, geojson: Path, tmp_path: Path
) -> None:
    before = querying.select(home, "select distinct map_note from cockpit.county_period")[
        "map_note"
    ].to_list()
    assert before == ["示意图"]
    shutil.copytree(home.home, tmp_path / "home")
    shutil.copytree(landing, tmp_path / "landing")
    next_day = city.END + dt.timedelta(1)
    place = {"arrival": next_day, "landing": tmp_path / "landing", "reviewed_on": dt.date(2026, 9, 1)}
    map_shape.load(city.settings.load(tmp_path / "home"), geojson, review_no="湘S（2026）001号", **place)
    shown = querying.select(
        city.run(tmp_path / "home", tmp_path / "landing", next_day),
        "select distinct county_code, cell_json, map_note from cockpit.county_period",
    )
    assert set(shown["map_note"]) == {"审图号：湘S（2026）001号"}
    areas = {code: map_shape.twice_area(json.loads(ring)) / 2 for code, ring, _ in shown.iter_rows()}
    expected = {code: 0.25 for code, *_ in UNITS}
    expected |= {UNITS[0][0]: 0.25 + 0.0625, UNITS[1][0]: 0.25 - 0.015625}
    assert areas == pytest.approx(expected)


def test_a_map_before_any_registry_is_refused(geojson: Path, tmp_path: Path) -> None:
    empty = city.settings.load(tmp_path / "empty")
    with pytest.raises(Permanent, match="尚未登记县区"):
        map_shape.load(
            empty,
            geojson,
            review_no="1",
            reviewed_on=city.END,
            arrival=city.END,
            landing=tmp_path / "landing",
        )


def test_a_new_version_of_the_product_is_published_once_though_no_data_changed(
    home: Settings, landing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(home.home, tmp_path / "home", symlinks=True)
    monkeypatch.setattr(snapshot, "code_hash", lambda *_: "the next version")
    numbers = []
    for _ in range(2):
        city.run(tmp_path / "home", landing, city.END, steps=[night.publish])
        numbers.append(manifest.latest(settings.load(tmp_path / "home")).number)
    first = manifest.latest(home).number
    assert numbers == [first + 1, first + 1]


def test_readers_of_a_serving_file_of_the_old_shape_get_the_new_one(
    home: Settings, landing: Path, tmp_path: Path
) -> None:
    """A file whose cockpit held tables is copied forward and ends up with views only."""
    import duckdb

    shutil.copytree(home.home, tmp_path / "home", symlinks=True)
    moved = city.settings.load(tmp_path / "home")
    old = moved.serving.resolve()
    old.chmod(0o600)
    with duckdb.connect(str(old)) as connection:
        connection.execute("drop schema cockpit cascade; create schema cockpit")
        connection.execute(
            "create table cockpit.gap as from cockpit_store.gap; drop schema cockpit_store cascade"
        )
    (tmp_path / "more").mkdir()
    shutil.copytree(landing, tmp_path / "more" / "landing")
    extra = tmp_path / "more" / "landing" / "supervisor" / "2026-10-14" / "access_grant.csv"
    extra.parent.mkdir(parents=True)
    extra.write_text(
        "username,display_name,org_id,department,role_kind,valid_from,valid_to,reported_at\n"
        "new_one,新增,430602,education,supervisor,2026-10-01,,2026-10-14 08:00:00\n", "utf8"
    )  # fmt: skip
    again = city.run(tmp_path / "home", tmp_path / "more" / "landing", city.END + dt.timedelta(1))
    with serving.connect(again) as connection:
        tables = connection.execute(
            "select count(*) from duckdb_tables() where schema_name = 'cockpit'"
        ).fetchall()
        assert tables == [(0,)]
        assert connection.execute("select count(*) from cockpit.canteen_period").fetchall()[0][0] > 0
        granted = connection.execute(
            "select tier, county_code from cockpit.access_grant where username = 'new_one'"
        )
        assert granted.fetchall() == [("county", "430602")]
