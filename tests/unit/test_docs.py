"""The guides agree with the product: commands, options, links, and both languages."""

import re
from pathlib import Path

import pytest

from pipelines.cli.app import APP

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
GUIDES = sorted(
    [*ROOT.glob("README*.md"), *(ROOT / "docs" / "how-to").iterdir(), *(ROOT / "docs" / "runbooks").iterdir()]
)
COMMON = {"--home", "--json", "--help"}


def commands(text: str) -> list[tuple[str, set[str]]]:
    """Every ``./canteen …`` of a page in code marks: (line, its options)."""
    spans = re.findall(r"`(\./canteen [^`]+)`", text) + re.findall(r"^\./canteen .+?(?:  #.*)?$", text, re.M)
    return [(line, set(re.findall(r"--[a-z][a-z-]*", line.split("  #")[0]))) for line in spans]


def accepted(line: str) -> set[str] | None:
    """Options that the command of a line takes, ``None`` when there is no such command."""
    words = [word for word in line.split()[1:] if re.fullmatch(r"[a-z]+", word)]
    app = APP
    for word in words:
        if word not in app:
            break
        app = app[word]
    if app is APP:
        return None
    return {name for argument in app.assemble_argument_collection() for name in argument.names}


@pytest.mark.requirement("S4-47")
def test_the_runbook_names_only_commands_that_exist() -> None:
    found = [
        (page.name, line)
        for page in PAGES
        for line, options in commands(page.read_text("utf8"))
        if line not in ("./canteen", "./canteen --help")
        and "dbt" not in line
        and (accepted(line) is None or not options <= (accepted(line) or set()) | COMMON)
    ]
    assert found == []
    assert len(commands((ROOT / "docs" / "runbooks" / "operations.md").read_text("utf8"))) > 10


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", page.read_text("utf8"))
    assert [link for link in targets if "://" not in link and not (page.parent / link).exists()] == []


def test_every_guide_stands_in_both_languages() -> None:
    english = {page for page in GUIDES if ".zh-CN" not in page.name}
    chinese = {page.with_name(page.name.replace(".zh-CN", "")) for page in GUIDES if ".zh-CN" in page.name}
    assert english == chinese
