"""The cockpit's asset tree: what definitions, dbt and the snapshot become, and what is refused."""

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from dashboards.sync import build, layout, map_labels, model, validate
from warehouse import settings, vocabulary
from warehouse.errors import Permanent

CELLS = {
    "东县": [(113.0, 29.0), (113.2, 29.0), (113.2, 29.2), (113.0, 29.2)],
    "西县": [(112.8, 29.0), (113.0, 29.2)],
}


@pytest.fixture(scope="module")
def source() -> build.Sources:
    """The real definitions and dbt models, every column of a type that does not matter."""
    models = model.models()
    return build.Sources(
        **build.definitions(),
        models=models,
        types={table: dict.fromkeys(columns, "VARCHAR") for table, columns in models.items()},
        uri="duckdb:////nowhere/serving.duckdb",
        map=model.Map("示意图", CELLS),
    )


@pytest.fixture
def tree(source: build.Sources) -> build.Tree:
    return copy.deepcopy(build.assets(source))


def faults(tree: build.Tree, source: build.Sources) -> str:
    return "\n".join(validate.problems(tree, source.models))


def position(tree: build.Tree, kind: str) -> dict[str, Any]:
    return next(
        node
        for node in tree["dashboards/city.yaml"]["position"].values()
        if isinstance(node, dict) and node["type"] == kind
    )


def test_the_definitions_are_sound_down_to_the_dbt_models(source, tree) -> None:
    assert faults(tree, source) == ""


def test_one_definition_makes_three_dashboards(tree) -> None:
    titles = {name: tree[f"dashboards/{name}.yaml"]["dashboard_title"] for name in build.TIERS}
    assert len(set(titles.values())) == 3
    shown = {name: set(charts_of(tree, name)) for name in build.TIERS}
    assert len(set.intersection(*shown.values())) >= 20
    assert "deck_polygon" in {chart["viz_type"] for chart in charts_of(tree, "city").values()}
    assert "deck_polygon" not in {chart["viz_type"] for chart in charts_of(tree, "school").values()}


def charts_of(tree: build.Tree, tier: str) -> dict[str, dict[str, Any]]:
    charts = {doc["uuid"]: doc for name, doc in tree.items() if name.startswith("charts/")}
    nodes = tree[f"dashboards/{tier}.yaml"]["position"].values()
    placed = [node["meta"]["uuid"] for node in nodes if isinstance(node, dict) and node["type"] == "CHART"]
    return {uuid: charts[uuid] for uuid in placed}


def test_every_chart_stands_on_a_dashboard(source) -> None:
    placed = {key for tier in build.TIERS for key in layout.placed(source.dashboards, tier)}
    assert placed == set(source.charts)


def test_the_same_input_gives_the_same_bytes(source) -> None:
    def text() -> dict[str, str]:
        return {name: build.dump(document) for name, document in build.assets(source).items()}

    assert text() == text()
    assert "&id" not in "".join(text().values())


def test_labels_come_from_the_dbt_project(tree, source) -> None:
    column = next(
        column
        for column in tree["datasets/canteen/canteen_period.yaml"]["columns"]
        if column["column_name"] == "next_step"
    )
    assert column["verbose_name"] == source.models["canteen_period"]["next_step"].label == "下一步"


@pytest.mark.requirement("S0-06")
def test_only_sum_min_max_and_count_of_a_column_are_metrics(tree, source) -> None:
    metrics = [
        metric["expression"]
        for name, doc in tree.items()
        if name.startswith("datasets/")
        for metric in doc["metrics"]
    ]
    assert len(metrics) > 50
    allowed = ("SUM(", "MIN(", "MAX(", "COUNT(")
    assert all(expression.startswith(allowed) and expression.count("(") == 1 for expression in metrics)


@pytest.mark.parametrize("function", ["avg", "sum_distinct", "SUM(red)/COUNT(*)"])
def test_any_other_function_is_refused(source, function) -> None:
    metrics = copy.deepcopy(source.metrics)
    metrics["canteen_period"]["red"]["of"] = function
    with pytest.raises(Permanent, match=r"canteen_period\.red.*不允许"):
        build.assets(replace(source, metrics=metrics))


def test_a_metric_never_has_the_name_of_a_column(tree) -> None:
    """Superset would show the column's label in its place."""
    for name, doc in tree.items():
        if name.startswith("datasets/"):
            columns = {column["column_name"] for column in doc["columns"]}
            assert columns.isdisjoint(metric["metric_name"] for metric in doc["metrics"]), name


def test_every_chart_answers_over_http_and_by_itself_shows_the_current_period(tree) -> None:
    period, definition = (
        {"col": "period_rank", "op": "==", "val": 0},
        {"col": "definition", "op": "==", "val": "consumed"},
    )
    for name, doc in tree.items():
        if name.startswith("charts/"):
            query = json.loads(doc["query_context"])["queries"][0]
            assert query["metrics"] or query["columns"], name
            if doc["dataset_uuid"] == build.identity("dataset", "canteen_period"):
                assert period in query["filters"], name
                assert definition in query["filters"], name


def test_words_with_a_colour_are_the_words_of_the_data(source) -> None:
    known = {
        *vocabulary.VERDICTS.values(),
        *vocabulary.VERDICT_CHANGES.values(),
        *vocabulary.DIRECTIONS.values(),
        *vocabulary.DAY_STATES.values(),
        *vocabulary.PRICE_COMPARISONS.values(),
        *vocabulary.MONEY_NODES.values(),
        *vocabulary.EVENT_REVIEWS.values(),
        vocabulary.EVENT_OPEN,
        *(metric["label"] for metrics in source.metrics.values() for metric in metrics.values()),
    }
    assert set(source.dashboards["colours"]) <= known
    values = [entry["value"] for entry in source.dashboards["filters"] if "value" in entry]
    assert values == [vocabulary.DEFINITIONS["consumed"]]


def test_unknown_never_looks_like_green(tree) -> None:
    colours = tree["dashboards/city.yaml"]["metadata"]["label_colors"]
    assert colours["红"] == "#cf1322"
    assert colours["黄"] == "#faad14"
    assert colours["绿"] == "#389e0d"
    assert colours["未知"] == "#8c8c8c"
    green = [word for word, colour in colours.items() if colour == colours["绿"]]
    assert not [
        word
        for word in green
        if "未知" in word or "缺" in word or "不可比" in word or "未" in word or "unknown" in word
    ]
    assert {*vocabulary.PRICE_COMPARISONS.values(), *vocabulary.MONEY_NODES.values()} <= set(colours)
    county_map = tree["charts/county_map.yaml"]["params"]
    unknown = county_map["color_breakpoints"][2]["color"]
    assert county_map["default_breakpoint_color"] == unknown == {"r": 140, "g": 140, "b": 140, "a": 1}


def test_a_filter_leaves_out_charts_that_lack_its_column(tree, source) -> None:
    dashboard = tree["dashboards/city.yaml"]
    period = next(
        entry for entry in dashboard["metadata"]["native_filter_configuration"] if entry["name"] == "期间"
    )
    assert period["controlValues"]["defaultToFirstItem"]
    assert period["sortMetric"] == "min_period_rank"
    numbers = {
        node["meta"]["uuid"]: node["meta"]["chartId"]
        for node in dashboard["position"].values()
        if isinstance(node, dict) and node["type"] == "CHART"
    }
    outside = {
        numbers[uuid]
        for uuid, chart in charts_of(tree, "city").items()
        if "period_label" not in columns_of(tree, chart["dataset_uuid"])
    }
    assert set(period["scope"]["excluded"]) == outside
    assert outside


def columns_of(tree: build.Tree, uuid: str) -> set[str]:
    dataset = next(doc for name, doc in tree.items() if name.startswith("datasets/") and doc["uuid"] == uuid)
    return {column["column_name"] for column in dataset["columns"]}


@pytest.mark.parametrize(("tier", "scope"), [("county", "county_code"), ("school", "school_id")])
def test_a_tier_is_shown_only_tables_that_know_its_scope(tree, tier, scope) -> None:
    """A table without the column of the user's scope would be empty or refused: an error tile."""
    for chart in charts_of(tree, tier).values():
        columns = columns_of(tree, chart["dataset_uuid"])
        assert scope in columns or columns == {"snapshot_id", "as_of", "published_at"}, chart["slice_name"]


def missing_chart(tree: build.Tree) -> None:
    del tree["charts/red.yaml"]


def missing_dataset(tree: build.Tree) -> None:
    del tree["datasets/canteen/finding.yaml"]


def unknown_column(tree: build.Tree) -> None:
    tree["charts/worst.yaml"]["params"]["all_columns"].append("mood")


def unknown_metric(tree: build.Tree) -> None:
    tree["charts/red.yaml"]["params"]["metric"] = "sum_mood"


def unknown_model(tree: build.Tree) -> None:
    tree["datasets/canteen/gap.yaml"]["table_name"] = "holes"


def column_outside_dbt(tree: build.Tree) -> None:
    columns = tree["datasets/canteen/gap.yaml"]["columns"]
    columns.append({**columns[0], "column_name": "mood"})


def unpublished(tree: build.Tree) -> None:
    tree["datasets/canteen/gap.yaml"]["columns"] = []


def formula(tree: build.Tree) -> None:
    tree["datasets/canteen/gap.yaml"]["metrics"][0]["expression"] = "SUM(canteens) / 2"


def metric_of_nothing(tree: build.Tree) -> None:
    tree["datasets/canteen/gap.yaml"]["metrics"][0]["expression"] = "SUM(mood)"


def same_identity(tree: build.Tree) -> None:
    tree["charts/red.yaml"]["uuid"] = tree["charts/green.yaml"]["uuid"]


def same_metric(tree: build.Tree) -> None:
    metrics = tree["datasets/canteen/gap.yaml"]["metrics"]
    metrics.append(dict(metrics[0]))


def english_title(tree: build.Tree) -> None:
    tree["charts/red.yaml"]["slice_name"] = "Red"


def filter_on_nothing(tree: build.Tree) -> None:
    tree["dashboards/city.yaml"]["metadata"]["native_filter_configuration"][0]["targets"][0]["column"] = {
        "name": "mood"
    }


def where_on_nothing(tree: build.Tree) -> None:
    tree["charts/why_unknown.yaml"]["params"]["adhoc_filters"][0]["subject"] = "mood"


def no_query(tree: build.Tree) -> None:
    tree["charts/red.yaml"]["query_context"] = None


def same_chart_twice(tree: build.Tree) -> None:
    nodes = tree["dashboards/city.yaml"]["position"]
    twice = copy.deepcopy(position(tree, "CHART"))
    nodes["CHART-again"] = {**twice, "id": "CHART-again"}


def same_title_twice(tree: build.Tree) -> None:
    tree["charts/red.yaml"]["slice_name"] = tree["charts/green.yaml"]["slice_name"]


def too_wide(tree: build.Tree) -> None:
    position(tree, "CHART")["meta"]["width"] = 13


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (missing_chart, "dashboards/city.yaml: 图表 红 不存在"),
        (missing_dataset, "charts/finding_list.yaml: 所用数据集不存在"),
        (unknown_column, "charts/worst.yaml: 数据集 canteen_period 没有列 mood"),
        (unknown_metric, "charts/red.yaml: 数据集 canteen_period 没有指标 sum_mood"),
        (unknown_model, "datasets/canteen/gap.yaml: dbt 中没有驾驶舱模型 holes"),
        (column_outside_dbt, "datasets/canteen/gap.yaml: 列 mood 不在 dbt 模型 gap 中"),
        (unpublished, "datasets/canteen/gap.yaml: 已发布的快照中没有 cockpit.gap"),
        (formula, "datasets/canteen/gap.yaml: 指标 count_biz_date 的公式 'SUM(canteens) / 2' 不允许"),
        (metric_of_nothing, "datasets/canteen/gap.yaml: 指标 count_biz_date 用到不存在的列 mood"),
        (same_identity, "charts/red.yaml: uuid"),
        (same_metric, "datasets/canteen/gap.yaml: 指标 count_biz_date 重复"),
        (english_title, "charts/red.yaml: 图表没有中文标题"),
        (filter_on_nothing, "筛选器 期间 用到 canteen_period 中不存在的列 mood"),
        (where_on_nothing, "charts/why_unknown.yaml: 数据集 canteen_period 没有列 mood"),
        (no_query, "charts/red.yaml: 缺少 query_context"),
        (same_chart_twice, "图表 食堂数 出现 2 次"),
        (same_title_twice, "标题 绿 用于多个图表"),
        (too_wide, "超过12列"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_fault_is_named_with_its_file(
    tree, source, damage: Callable[[build.Tree], None], message: str
) -> None:
    damage(tree)
    assert message in faults(tree, source)


def test_the_check_exits_with_1_on_a_fault_and_with_0_without(tree, tmp_path) -> None:
    def check() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "dashboards.sync.validate", str(tmp_path)],
            capture_output=True,
            text=True,
            check=False,
        )

    for name, document in tree.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(build.dump(document), "utf8")
    sound = check()
    assert (sound.returncode, sound.stderr) == (0, "")
    (tmp_path / "charts" / "red.yaml").unlink()
    broken = check()
    assert broken.returncode == 1
    assert "图表 红 不存在" in broken.stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "sparkle"}, r"种类 'sparkle' 未知"),
        ({"sparkle": 1}, r"不认识的项 sparkle"),
        ({"metric": None}, None),
    ],
)
def test_a_definition_with_a_wrong_part_is_refused(source, change, message) -> None:
    spec = {**source.charts["red"], **change}
    if message is None:
        del spec["metric"]
        message = r"图表 red（tile）缺少 'metric'"
    with pytest.raises(Permanent, match=message):
        build.assets(replace(source, charts={**source.charts, "red": spec}))


def test_a_dashboard_with_an_undefined_chart_is_refused(source) -> None:
    charts = {key: spec for key, spec in source.charts.items() if key != "red"}
    with pytest.raises(Permanent, match=r"看板 city 用到未定义的图表：red"):
        build.assets(replace(source, charts=charts))


@pytest.mark.parametrize("note", ["示意图", "审图号：湘S（2026）001号"])
def test_the_map_says_what_it_is_and_names_every_county(source, note) -> None:
    tree = build.assets(replace(source, map=model.Map(note, CELLS)))
    assert note in tree["charts/county_map.yaml"]["slice_name"]
    assert "%E4%B8%9C%E5%8E%BF" in tree["dashboards/city.yaml"]["css"]
    assert "deck_polygon" not in tree["dashboards/school.yaml"]["css"]
    assert map_labels.css({}) == ""


def published(
    home: Path, models: dict[str, dict[str, model.Column]], note: str = "示意图"
) -> settings.Settings:
    """A home whose snapshot has every cockpit table, empty but for one county."""
    opened = settings.load(home)
    opened.serving.parent.mkdir(parents=True)
    with duckdb.connect(str(opened.serving.parent / "snapshot-1.duckdb")) as connection:
        connection.execute("create schema cockpit")
        for table, columns in models.items():
            listed = ", ".join(f"{column} varchar" for column in columns)
            connection.execute(f"create table cockpit.{table} ({listed})")
        connection.execute(
            "insert into cockpit.county_period (county_name, cell_json, map_note) values (?, ?, ?)",
            ["东县", json.dumps(CELLS["东县"]), note],
        )
    opened.serving.symlink_to("snapshot-1.duckdb")
    return opened


def test_building_writes_the_tree_and_replaces_the_old_one(tmp_path, source) -> None:
    home = published(tmp_path / "home", source.models)
    folder = build.build(home)
    first = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.yaml")}
    (folder / "charts" / "left_over.yaml").write_text("a: 1", "utf8")
    again = build.build(home)
    assert again == folder == home.home / "superset" / "assets"
    assert {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*.yaml")} == first
    assert (home.home / "superset").stat().st_mode & 0o777 == 0o700
    database = yaml.safe_load((folder / "databases" / "canteen.yaml").read_text("utf8"))
    assert database["sqlalchemy_uri"] == f"duckdb:///{home.serving}"
    assert database["extra"]["engine_params"]["connect_args"]["read_only"] is True


def test_a_snapshot_without_a_dataset_keeps_the_old_tree(tmp_path, source) -> None:
    home = published(tmp_path / "home", {t: c for t, c in source.models.items() if t != "gap"})
    old = home.home / "superset" / "assets"
    old.mkdir(parents=True)
    with pytest.raises(Permanent, match=r"没有 cockpit\.gap.*nightly --force"):
        build.build(home)
    assert old.is_dir()


def test_two_columns_of_one_name_are_refused(tree, source) -> None:
    """Superset's export to Excel looks columns up by what they are called."""
    gap = source.models["gap"]
    same = {**gap, "biz_date": replace(gap["biz_date"], label=gap["canteens"].label)}
    found = validate.problems(tree, {**source.models, "gap": same})
    assert any("gap.yaml: 中文名 食堂数 用于 2 列" in line for line in found)


def test_a_home_without_a_snapshot_says_what_to_do(tmp_path) -> None:
    with pytest.raises(Permanent, match="尚无已发布的快照"):
        build.build(settings.load(tmp_path))
