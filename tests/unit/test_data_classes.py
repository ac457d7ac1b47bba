"""Every table belongs to exactly one of the four data classes, and the data dictionary shows which."""

import lake
import pytest

from warehouse.settings import ROOT
from warehouse.tables import DATA_CLASS, GOLD, SILVER
from warehouse.vocabulary import DATA_CLASSES

NAMED = [
    ("gold.dim_canteen", "base"),
    ("gold.ref_threshold", "base"),
    ("bronze.receipt", "run"),
    ("silver.delivery", "run"),
    ("silver.quarantine", "run"),
    ("silver.expectation_result", "run"),
    ("silver.purchase", "production"),
    ("silver.consumption", "production"),
    ("gold.mart_red_line", "production"),
    ("gold.red_line_finding", "alert"),
    ("gold.alert", "alert"),
]


@pytest.fixture(scope="module")
def classes() -> dict[str, list[str]]:
    """Table -> its data-class tags, as the registry and dbt's manifest have them."""
    modelled = {
        f"{node.schema}.{node.name}": [tag for tag in node.tags if tag in DATA_CLASSES]
        for node in lake.project_nodes()
    }
    return {table: [tag] for table, tag in DATA_CLASS.items()} | modelled


@pytest.mark.requirement("S0-134")
def test_every_bronze_and_silver_table_has_one_known_data_class() -> None:
    silver, gold = (f"silver.{name}" for name in SILVER), (f"gold.{name}" for name in GOLD)
    missing = {"bronze.receipt", *silver, *gold} ^ set(DATA_CLASS)
    assert missing == set(), f"DATA_CLASS of warehouse/tables.py and the registry differ in {sorted(missing)}"
    assert set(DATA_CLASS.values()) <= set(DATA_CLASSES)


@pytest.mark.requirement("S0-134")
def test_every_model_and_seed_has_exactly_one_data_class(classes: dict[str, list[str]]) -> None:
    wrong = {table: tags for table, tags in classes.items() if len(tags) != 1}
    assert wrong == {}, (
        f"give each of {sorted(wrong)} exactly one of {list(DATA_CLASSES)} in dbt_project/dbt_project.yml "
        "(`<model>: {+tags: production}` under its folder), then run `python -m warehouse.catalog`"
    )


@pytest.mark.requirement("S0-131", "S0-132", "S0-133", "S0-134")
@pytest.mark.parametrize(("table", "data_class"), NAMED)
def test_a_table_has_the_class_that_its_rows_are_of(
    classes: dict[str, list[str]], table: str, data_class: str
) -> None:
    assert classes[table] == [data_class]


@pytest.mark.requirement("S0-131", "S0-132", "S0-133", "S0-134")
def test_the_data_dictionary_shows_the_class_of_every_table(classes: dict[str, list[str]]) -> None:
    page = (ROOT / "docs" / "reference" / "data_dictionary.md").read_text("utf8")
    for table, tags in classes.items():
        shown = "".join(f"| `{table}` | {tag} {DATA_CLASSES[tag]} |" for tag in tags)
        assert page.count(f"{shown}\n") == 1, table
    assert {tag for tags in classes.values() for tag in tags} == set(DATA_CLASSES)
