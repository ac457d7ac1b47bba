"""The bench of the money runs, small: its figures exist."""

from pipelines.measures import finance


def test_the_small_bench_gives_every_measure() -> None:
    said: list[str] = []
    measures = finance.bench(quick=True, progress=said.append)
    assert [one["name"] for one in measures] == ["match_cpu_s", "match_gb", "month_books_cpu_s"]
    assert all(one["value"] > 0 and one["bar"] is None for one in measures)
    assert {"ours", "sql", "pandas"} <= {
        line.split("：")[0].split()[-1] for line in said if "三流比对" in line
    }
