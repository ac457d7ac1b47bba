"""The bench of the cockpit runs, small: its figures exist, and no page mixes snapshots at any size."""

import math

import cockpit_city
import pytest

from pipelines.measures import browser, cockpit, table

pytestmark = pytest.mark.long


def test_the_small_bench_gives_every_measure() -> None:
    cockpit_city.skip_without_server()
    said: list[str] = []
    measures = {one["name"]: one for one in cockpit.run(quick=True, progress=said.append)}
    assert set(measures) == set(table.names("cockpit"))
    assert measures["pages_mixed"]["holds"] is True
    assert measures["pages_failed"]["holds"] is True
    measured = {name: one["value"] for name, one in measures.items() if one["unit"] == "ratio"}
    if browser.missing() is not None:
        assert measured.pop("first_paint_ratio") is None
    assert all(math.isfinite(value) and value > 0 for value in measured.values())
    assert any("新数据可见" in line for line in said)
