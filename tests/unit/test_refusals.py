"""Which files a steward is told of as not taken, and when one counts as sent again."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from ingest import receipts
from pipelines.silver import refusals
from warehouse import delta, settings
from warehouse.tables import REFUSAL

DAY = dt.date(2026, 10, 1)


def receipt(batch: int, status: str, name: str) -> dict[str, object]:
    made = receipts.receipt("county", DAY, f"county/{DAY}/{name}", status, file_id=f"{batch}-{name}")  # type: ignore[arg-type]
    why = {"refusal_code": "unreadable", "message": "坏了"} if status in ("refused", "missing") else {}
    return {**made, **why, "batch": batch}


@pytest.mark.parametrize(
    ("later", "replaced"),
    [
        ([], False),
        ([(2, "received", "a.csv")], True),
        ([(2, "received", "b.csv")], False),
        ([(2, "refused", "a.csv")], False),
        ([(1, "received", "a.csv!/member.csv")], False),
        ([(2, "received", "a.csv!/member.csv")], True),
    ],
)
def test_a_file_of_the_same_name_taken_later_stands_for_it(
    tmp_path: Path, later: list[tuple[int, str, str]], replaced: bool
) -> None:
    home = settings.load(tmp_path)
    refusals.write(home, receipts.frame([receipt(1, "refused", "a.csv"), *(receipt(*one) for one in later)]))
    (first, *_) = delta.read(home.table("silver.refusal"), REFUSAL).to_dicts()
    assert (first["path"], first["is_replaced"]) == (f"county/{DAY}/a.csv", replaced)
    assert first["message"] == "坏了"


def test_what_is_written_already_is_not_written_again(tmp_path: Path) -> None:
    home = settings.load(tmp_path)
    path = home.table("silver.refusal")
    taken = receipts.frame([receipt(1, "received", "a.csv")])
    refusals.write(home, taken)
    assert delta.version(path) is None
    refused = receipts.frame([receipt(1, "missing", "a.csv"), receipt(1, "refused", "b.csv")])
    refusals.write(home, refused)
    refusals.write(home, refused)
    assert delta.version(path) == 0
