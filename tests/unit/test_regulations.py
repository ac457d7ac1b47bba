"""Documents that the rules rest on: registered once, named by every threshold, shown with every verdict."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import duckdb
import lake
import polars as pl
import pytest

from pipelines import analyst
from warehouse import catalog, settings, vocabulary
from warehouse.errors import Permanent

DAY = dt.date(2026, 3, 2)
SEEDS = lake.PROJECT / "seeds"
UNVERIFIED = "未核实"


def seed(name: str, folder: Path = SEEDS) -> pl.DataFrame:
    return pl.read_csv(folder / f"{name}.csv", infer_schema=False)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("regulations")
    city = lake.Lake()
    city.canteen("C1")
    city.canteen("C2", mode="contracted")
    for canteen in ("C1", "C2"):
        city.eat(canteen, DAY, 10)
    lake.build(folder, city, DAY, DAY, ["cockpit.red_line", "relationships"])
    return folder


@pytest.fixture
def spoilt(built: Path, tmp_path: Path) -> Path:
    """A build of its own, for tests that change its rules."""
    shutil.copytree(built, tmp_path / "build")
    return tmp_path / "build"


def write(folder: Path, sql: str) -> None:
    with duckdb.connect(str(folder / "build.duckdb")) as connection:
        connection.execute(sql)


def run(folder: Path, *command: str) -> None:
    lake.run_dbt(
        folder, folder / "silver" / "pins.json", command, from_date=DAY.isoformat(), to_date=DAY.isoformat()
    )


@pytest.mark.requirement("S0-02")
def test_every_threshold_names_the_document_it_rests_on(built: Path) -> None:
    rules = lake.query(
        built,
        "select t.threshold_id, t.source_id, g.title from gold.ref_threshold t "
        "left join gold.ref_regulation g on t.source_id = g.source_id",
    )
    assert rules.height == seed("ref_threshold").height
    assert rules.null_count().sum_horizontal().item() == 0


@pytest.mark.requirement("S0-02")
@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(
            "update gold.ref_threshold set source_id = null where threshold_id = 'YB'", id="without document"
        ),
        pytest.param(
            "update gold.ref_threshold set source_id = 'NOWHERE' where threshold_id = 'YB'",
            id="unregistered document",
        ),
        pytest.param(
            "update gold.ref_threshold set source_id = 'GUARD-2020-2022' where threshold_id = 'YB'",
            id="expired document",
        ),
        pytest.param(
            "insert into gold.ref_regulation from gold.ref_regulation where source_id = 'PROJECT'",
            id="document registered twice",
        ),
    ],
)
def test_a_threshold_without_one_valid_document_is_refused(spoilt: Path, spoil: str) -> None:
    """``built`` was made with the same test, which passed."""
    write(spoilt, spoil)
    with pytest.raises(AssertionError, match="relationships"):
        run(spoilt, "test", "--select", "relationships")


@pytest.mark.requirement("S0-03", "S0-04")
@pytest.mark.parametrize(
    ("source_id", "doc_no"),
    [
        ("MOE-2024-39", "教体艺厅函〔2024〕39号"),
        ("HUNAN-2024-41", "湘教发〔2024〕41号"),
        ("MOE-2025-30", "教体艺厅函〔2025〕30号"),
    ],
)
def test_a_document_is_found_by_its_number(built: Path, source_id: str, doc_no: str) -> None:
    found = lake.query(built, f"select source_id from gold.ref_regulation where doc_no = '{doc_no}'")
    assert found["source_id"].to_list() == [source_id]


@pytest.mark.requirement("S0-02")
def test_the_guiding_opinion_of_the_seven_ministries_is_registered(built: Path) -> None:
    (row,) = lake.query(
        built, "select title, issuer from gold.ref_regulation where source_id = 'CCDI-OPINION'"
    ).rows()
    assert row == ("关于加强中小学校园食品安全和膳食经费管理监督的指导意见", "中纪委等7部委")


@pytest.mark.requirement("S2-01", "S4-01", "S4-02")
def test_the_basis_documents_of_other_cities_are_registered(built: Path) -> None:
    registered = set(lake.query(built, "select doc_no from gold.ref_regulation")["doc_no"])
    assert {"中发[2019]17号", "教技〔2018〕6 号", "川教厅办函〔2020〕18 号"} <= registered


@pytest.mark.requirement("S2-03")
def test_the_guard_action_plan_has_expired(built: Path) -> None:
    plan = lake.query(
        built, "select valid_to from gold.ref_regulation where title like '校园食品安全守护行动方案%'"
    )
    assert plan["valid_to"].to_list() == [dt.date(2022, 12, 31)]


def test_what_was_not_seen_is_said_to_be_unverified() -> None:
    """Never an empty text; only the project's own proposals have no number."""
    documents = seed("ref_regulation")
    texts = documents.select("source_id", "title", "issuer", "article_text", "confidence")
    assert texts.null_count().sum_horizontal().item() == 0
    assert documents.filter(pl.col("doc_no").is_null())["source_id"].to_list() == ["PROJECT"]
    assert set(documents["confidence"]) <= {"S", "A", "B", "C", "D"}


@pytest.mark.requirement("S0-03")
def test_the_rule_page_shows_number_and_text_or_unverified_for_every_rule(tmp_path: Path) -> None:
    """A rule taken from 教体艺厅函〔2024〕39号, whose text nobody has seen, beside those of today."""
    shutil.copytree(SEEDS, tmp_path, dirs_exist_ok=True)
    with (tmp_path / "ref_threshold.csv").open("a", encoding="utf8") as file:
        file.write(
            "NEW,red_line_pct,430000,430600,self,primary,true,77,2026-01-01,2026-12-31,MOE-2024-39,x,C\n"
        )
    page = catalog.rule_page(tmp_path).splitlines()
    rules = seed("ref_threshold", tmp_path).join(seed("ref_regulation"), on="source_id")
    for rule in rules.iter_rows(named=True):
        (line,) = [line for line in page if line.startswith(f"| {rule['threshold_id']} |")]
        cells = line.strip("| ").split(" | ")
        assert {rule["title"], rule["doc_no"] or "", rule["article_text"], rule["value"]} <= set(cells)
        assert vocabulary.PARAMETERS[rule["parameter"]] in cells
    (new,) = [line for line in page if line.startswith("| NEW |")]
    assert "430000、430600、自营、小学、享受营养餐补助" in new
    assert f"| 教体艺厅函〔2024〕39号 | {UNVERIFIED} |" in new


@pytest.mark.requirement("S0-03", "S0-04")
def test_a_verdict_shows_the_document_of_its_threshold(spoilt: Path) -> None:
    """A rule of the province for a school's own canteens names 湘教发〔2024〕41号; the others keep theirs."""
    write(
        spoilt,
        "insert into gold.ref_threshold by name select * replace ('HN' as threshold_id, '430000' as province, "
        "'HUNAN-2024-41' as source_id) from gold.ref_threshold where threshold_id = 'RL-SELF'",
    )
    run(spoilt, "run", "--select", "+red_line")
    shown = lake.query(
        spoilt,
        "select distinct canteen_id, threshold_id, source_id, source_doc_no from cockpit.red_line order by 1",
    )
    assert shown.rows() == [
        ("C1", "HN", "HUNAN-2024-41", "湘教发〔2024〕41号"),
        ("C2", "RL-CONTRACTED", "YUEYANG", UNVERIFIED),
    ]


def test_an_analyst_cannot_try_a_threshold_without_a_document(tmp_path: Path) -> None:
    wanted = tmp_path / "my.csv"
    rows = seed("ref_threshold").head(1).with_columns(source_id=pl.lit("NOWHERE"))
    rows.write_csv(wanted)
    with pytest.raises(Permanent, match="RL-SELF 的 source_id 未在"):
        analyst.whatif(settings.load(tmp_path / "home"), wanted)
