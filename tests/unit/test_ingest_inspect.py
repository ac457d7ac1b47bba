"""``inspect`` says what a file would be taken as and touches nothing."""

import io
import zipfile
from pathlib import Path

import pytest
from deliveries import REFUND, as_csv, meals

from ingest.inspect import inspect
from warehouse.errors import Permanent


def test_layout_rows_days_and_exact_totals(tmp_path: Path) -> None:
    rows = [*meals(2, amount_yuan="0.10"), *meals(1, amount_yuan="0.20", biz_date="2026-09-03")]
    path = tmp_path / "a.csv"
    path.write_bytes(as_csv(rows, labels=True, encoding="gb18030"))
    found = inspect(path)
    assert found["container"] == "plain"
    (one,) = found["files"]
    assert (one["layout"], one["encoding"], one["rows"]) == ("standard.consumption", "gb18030", 3)
    assert one["feeds"]["consumption"] == {
        "rows": 3,
        "biz_date_from": "2026-09-01",
        "biz_date_to": "2026-09-03",
        "totals": {"amount_yuan": "0.40", "subsidy_yuan": "0.00"},
    }
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_each_member_of_an_archive_is_described_or_refused(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("refunds.csv", as_csv([REFUND]))
        archive.writestr("cut.csv", as_csv([REFUND])[:-3])
    path = tmp_path / "a.zip"
    path.write_bytes(packed.getvalue())
    refunds, cut = inspect(path)["files"]
    assert refunds["feeds"]["refund"]["totals"] == {"amount_yuan": "12.50"}
    assert (cut["name"], cut["refused"]) == ("cut.csv", "truncated")
    path.write_bytes(packed.getvalue()[:-30])
    assert inspect(path)["files"][0]["refused"] == "truncated"


def test_a_path_that_is_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="不是文件"):
        inspect(tmp_path)
