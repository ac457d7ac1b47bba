"""The bench of a night runs, small: its figures exist, and the guard's bar holds at any size."""

import math

import pytest

from pipelines.measures import night, table

pytestmark = pytest.mark.long


def test_the_small_bench_gives_every_measure() -> None:
    measures = {one["name"]: one for one in night.run(quick=True, progress=lambda _: None)}
    assert set(measures) == set(table.names("night"))
    assert all(math.isfinite(one["value"]) and one["value"] > 0 for one in measures.values())
    assert measures["no_change_cpu_s"]["holds"] is True
