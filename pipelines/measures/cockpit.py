"""Bench ``cockpit``: how fast the cockpit answers a city, and whether a page ever mixes two snapshots.

Belongs here: what users ask and how it is timed. The city's year is made by ``city_year``, the server
runs in ``served``, the facts' side of the comparison stands in ``fact_questions``.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import duckdb

from dashboards.sync import build, layout
from pipelines.measures import browser, city_year, fact_questions, served
from pipelines.measures.access.client import Client, Request
from pipelines.measures.city_year import CityYear
from pipelines.measures.served import Served
from pipelines.measures.table import measure
from warehouse.errors import Permanent

USERS: Final = 8
VISITS: Final = 5
"""Page views of each user while chart data are timed; only the first finds an empty cache."""
PAINTS: Final = 5
FRESH_WITHIN_S: Final = 5
PAGE_ROLES: Final = ("city", "city", "city", "city", "county", "county", "school", "school")
_HEADER: Final = "X-Canteen-Snapshot"
_REDIRECTS: Final = 5
_SNAPSHOT: Final = {
    "expressionType": "SIMPLE",
    "aggregate": "MAX",
    "column": {"column_name": "snapshot_id"},
    "label": "snapshot_id",
}


@dataclass(frozen=True)
class Size:
    """How much is measured: canteens simulated, copies of each, days, page views and swaps."""

    sample: int
    copies: int
    days: int
    pages: int
    swaps: int


CITY: Final = Size(sample=39, copies=50, days=365, pages=1000, swaps=20)
QUICK: Final = Size(sample=8, copies=3, days=31, pages=24, swaps=2)


def run(*, quick: bool, progress: Callable[[str], None]) -> list[dict[str, Any]]:
    """Measure every figure of the part.

    Args:
        quick: A small city and few pages: shows that the bench works; speeds are not judged.
        progress: Told what is being done, and figures that have no bar.
    """
    size = QUICK if quick else CITY
    with tempfile.TemporaryDirectory(prefix="canteen-bench-") as folder:
        year = city_year.build(Path(folder), size.sample, size.copies, size.days, progress)
        progress(
            f"{year.canteens} 个食堂，{year.first} 至 {year.last}，消费明细 {year.meals:,} 行；启动驾驶舱"
        )
        with served.running(year.settings) as first:
            progress(f"首次启动 {first.started_s:.1f} 秒（资产与权限 {first.prepared_s:.1f} 秒）")
        with served.running(year.settings) as server:
            progress(f"再次启动 {server.started_s:.1f} 秒（资产与权限 {server.prepared_s:.1f} 秒）")
            charts = _charts(server, year)
            measures = [
                _speedup(server, year, charts["city"], progress),
                _first_paint(server, year, progress),
                *_pages(server, year, charts, size, progress),
            ]
    if quick:
        for found in measures:
            if found["unit"] == "ratio":
                found["bar"] = found["holds"] = None
    return measures


@dataclass(frozen=True)
class Chart:
    """A chart of an overview: its name in the definitions, its number and the query that it sends."""

    name: str
    number: int
    context: Mapping[str, Any]

    def request(self, user: str, referrer: str = "", *, tell_snapshot: bool = False) -> Request:
        """The request that the page sends for it.

        Args:
            user: Who asks.
            referrer: Address of the page.
            tell_snapshot: Ask also for the snapshot of the rows.
        """
        path = f"/api/v1/chart/data?form_data={quote(json.dumps({'slice_id': self.number}))}"
        body = _with_snapshot(self.context) if tell_snapshot else self.context
        headers = {"Referer": referrer} if referrer else {}
        return Request(user, "POST", path, body, headers, kind="chart", about=self.name)


def _with_snapshot(context: Mapping[str, Any]) -> Mapping[str, Any]:
    [query] = context["queries"]
    added = (
        {"metrics": [*query["metrics"], _SNAPSHOT]}
        if query.get("metrics")
        else {"columns": [*query["columns"], "snapshot_id"]}
    )
    return {**context, "queries": [{**query, **added}]}


def _charts(server: Served, year: CityYear) -> dict[str, list[Chart]]:
    """Charts of the overview of every tier, in reading order."""
    source = build.sources(year.settings)
    admin = server.tiers["admin"]
    numbers = {row["slice_name"]: row["id"] for row in server.client.listed(admin, "chart")}
    overview = {**source.dashboards, "tabs": source.dashboards["tabs"][:1]}
    found: dict[str, list[Chart]] = {}
    for tier in build.TIERS:
        found[tier] = []
        for name in layout.placed(overview, tier):
            number = numbers[source.title(name)]
            one = server.client.send(Request(admin, "GET", f"/api/v1/chart/{number}")).json()["result"]
            found[tier].append(Chart(name, number, json.loads(one["query_context"])))
    return found


def _speedup(
    server: Served, year: CityYear, charts: Sequence[Chart], progress: Callable[[str], None]
) -> dict[str, Any]:
    """The same questions to the cockpit and to the facts, each by eight users at once.

    A cockpit user views the overview five times on a snapshot that nobody has viewed before, over HTTP,
    rights and caches included. A facts user asks each question once, inside this process, on one open
    DuckDB file: nothing but the query is timed.
    """
    questions = fact_questions.questions(year.last)
    asked = [chart for chart in charts if chart.name in questions]
    _same_answers(year)
    city_year.publish_again(year.settings)
    user = server.tiers["city"]

    def view(_: int) -> list[float]:
        return [_timed(server.client, chart.request(user)) for _ in range(VISITS) for chart in asked]

    progress(f"图表数据：{USERS} 个用户各打开总览 {VISITS} 次，每次 {len(asked)} 个图表")
    cockpit = _together(view)
    progress(_spread("驾驶舱", cockpit))
    with duckdb.connect(str(year.facts), read_only=True) as connection:

        def ask(_: int) -> list[float]:
            cursor = connection.cursor()
            taken = []
            for chart in asked:
                begun = time.perf_counter()
                cursor.execute(questions[chart.name]).fetchall()
                taken.append(time.perf_counter() - begun)
            return taken

        facts = _together(ask)
    progress(_spread("明细", facts))
    return measure("cockpit", "chart_p95_speedup", round(_p95(facts) / _p95(cockpit), 1), len(cockpit))


def _same_answers(year: CityYear) -> None:
    """Refuse to compare speeds of different answers."""
    with duckdb.connect(str(year.facts), read_only=True) as connection:
        facts = connection.execute(fact_questions.totals(year.last)).fetchall()
    with duckdb.connect(str(year.settings.serving.resolve()), read_only=True) as connection:
        marts = connection.execute(
            "select sum(cost_yuan), sum(income_yuan), count(*) from cockpit.canteen_period "
            "where period_rank = 0 and definition = 'consumed'"
        ).fetchall()
    if facts != marts:
        raise Permanent(
            f"bench cockpit: the facts say {facts}, the marts {marts}: correct fact_questions first"
        )


def _timed(client: Client, request: Request) -> float:
    begun = time.perf_counter()
    reply = client.send(request)
    taken = time.perf_counter() - begun
    if reply.status != 200:
        raise Permanent(f"bench cockpit: {request.about} answered {reply.status}: {reply.body[:300]!r}")
    return taken


def _together(work: Callable[[int], list[float]]) -> list[float]:
    with ThreadPoolExecutor(USERS) as pool:
        return [seconds for taken in pool.map(work, range(USERS)) for seconds in taken]


def _p95(seconds: Sequence[float]) -> float:
    return statistics.quantiles(seconds, n=20)[-1]


def _spread(who: str, seconds: Sequence[float]) -> str:
    return f"{who}：{len(seconds)} 次，中位 {statistics.median(seconds):.3f} 秒，p95 {_p95(seconds):.3f} 秒"


def _first_paint(server: Served, year: CityYear, progress: Callable[[str], None]) -> dict[str, Any]:
    """From navigation until the city's overview is on the screen, over what DuckDB needs.

    On the screen is the first view: every figure, table and drawing of the overview, inside the page itself.
    Until Superset's own charts stand in its place is told beside it. The browser has visited before; the
    snapshot is new, so that no answer is in a cache. DuckDB needs the sum of the charts' own queries, one
    after the other with one thread, divided by two cores.
    """
    lacking = browser.missing()
    if lacking is not None:
        progress(f"首屏未测：{lacking}")
        return measure("cockpit", "first_paint_ratio", None, 0)
    ratios = []
    user = server.tiers["city"]
    with browser.page() as view:
        queries: list[str] = []
        view.on("response", lambda answer: queries.extend(_queries(answer)))
        browser.log_in(view, server.address, user, server.passwords[user])
        browser.drawn(view)
        for _ in range(PAINTS):
            city_year.publish_again(year.settings)
            queries.clear()
            drawn = browser.open_dashboard(view, server.address, "city")
            paint = browser.first_painted(view)
            view.wait_for_load_state("networkidle")
            bare = _bare(year, list(queries))
            ratios.append(paint / (bare / 2))
            progress(
                f"首屏 {paint:.2f} 秒，图表全部画完 {drawn:.2f} 秒；{len(queries)} 条查询裸跑共 {bare * 1000:.0f} 毫秒"
            )
        user = server.tiers["school"]
    with browser.page() as view:
        browser.log_in(view, server.address, user, server.passwords[user])
        browser.drawn(view)
        drawn = browser.open_dashboard(view, server.address, "school")
        progress(f"学校用户再次打开：首屏 {browser.first_painted(view):.2f} 秒，图表全部画完 {drawn:.2f} 秒")
    return measure("cockpit", "first_paint_ratio", round(statistics.median(ratios), 2), len(ratios))


def _queries(answer: Any) -> list[str]:
    """SQL of a chart's answer as the server ran it; filters' own questions are not charts."""
    if "/api/v1/chart/data" not in answer.url or "slice_id" not in answer.url:
        return []
    return [one["query"] for one in answer.json()["result"]]


def _bare(year: CityYear, queries: Sequence[str]) -> float:
    """Seconds of the queries in DuckDB alone, each on the file opened anew as every reader must."""
    total = 0.0
    for query in queries:
        begun = time.perf_counter()
        with duckdb.connect(
            str(year.settings.serving.resolve()), read_only=True, config={"threads": 1}
        ) as connection:
            connection.execute(query).fetchall()
        total += time.perf_counter() - begun
    return total


@dataclass
class Tally:
    """Pages viewed so far; safe for several threads."""

    wanted: int
    begun: int = 0
    done: int = 0
    mixed: int = 0
    failed: int = 0
    faults: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self) -> bool:
        """Whether another page is to be viewed."""
        with self.lock:
            self.begun += 1
            return self.begun <= self.wanted

    def note(self, snapshots: set[str], bad: list[str]) -> None:
        """Count a viewed page."""
        with self.lock:
            self.done += 1
            self.mixed += len(snapshots) > 1
            self.failed += bool(bad)
            self.faults += bad + ([f"快照 {sorted(snapshots)}"] if len(snapshots) > 1 else [])


def _pages(
    server: Served,
    year: CityYear,
    charts: Mapping[str, Sequence[Chart]],
    size: Size,
    progress: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Pages of all tiers by eight users while snapshots are swapped under them."""
    tally = Tally(size.pages)

    def visit(user: int) -> None:
        tier = PAGE_ROLES[user]
        while tally.take():
            tally.note(*_view_page(server.client, server.tiers[tier], tier, charts[tier], server.address))

    progress(f"{size.pages} 次打开页面，其间换 {size.swaps} 次快照")
    began = time.monotonic()
    fresh: list[float] = []
    with ThreadPoolExecutor(USERS) as pool:
        visits = [pool.submit(visit, user) for user in range(USERS)]
        for swap in range(1, size.swaps + 1):
            while tally.done < swap * size.pages // (size.swaps + 1) and not any(
                one.done() for one in visits
            ):
                time.sleep(0.05)
            fresh.append(_freshness(server, year, charts["city"][0]))
        for one in visits:
            one.result()
    minutes = (time.monotonic() - began) / 60
    progress(
        f"{tally.done} 页用时 {minutes:.1f} 分钟，混 {tally.mixed}，失败 {tally.failed}；"
        f"新数据可见：中位 {statistics.median(fresh):.2f} 秒，最慢 {max(fresh):.2f} 秒（须在 {FRESH_WITHIN_S} 秒内）"
    )
    for fault in tally.faults[:5]:
        progress(f"  {fault}")
    return [
        measure("cockpit", "pages_mixed", tally.mixed, tally.done),
        measure("cockpit", "pages_failed", tally.failed, tally.done),
    ]


def _view_page(
    client: Client, user: str, tier: str, charts: Sequence[Chart], address: str
) -> tuple[set[str], list[str]]:
    """Open a dashboard as a browser does: page, what it consists of, then the data of its first view.

    Returns:
        Every snapshot that an answer named, and what went wrong.
    """
    place = f"/superset/dashboard/{tier}/"
    for _ in range(_REDIRECTS):  # to the newest snapshot, and on where one was published meanwhile
        opened = client.send(Request(user, "GET", place, kind="page", about=tier))
        if opened.status != 302:
            break
        place = opened.header("Location")
    referrer = {"Referer": f"{address}{place}"}
    about = f"/api/v1/dashboard/{tier}"
    replies = [opened]
    replies += [
        client.send(Request(user, "GET", path, headers=referrer, kind="page", about=tier))
        for path in (about, f"{about}/charts", f"{about}/datasets")
    ]
    replies += [client.send(chart.request(user, referrer["Referer"], tell_snapshot=True)) for chart in charts]
    bad = [f"{one.request.about}：{one.status} {one.body[:200]!r}" for one in replies if one.status != 200]
    snapshots = {one.header(_HEADER) for one in replies}
    for one in replies:
        if one.request.kind == "chart" and one.status == 200:
            rows = one.json()["result"][0]["data"]
            snapshots |= {str(row["snapshot_id"]) for row in rows if row["snapshot_id"] is not None}
    return snapshots, bad


def _freshness(server: Served, year: CityYear, chart: Chart) -> float:
    """Seconds from a swap until a fresh page shows the new snapshot's rows."""
    number = str(city_year.publish_again(year.settings))
    begun = time.monotonic()
    user = server.tiers["city"]
    while True:
        snapshots, bad = _view_page(server.client, user, "city", [chart], server.address)
        taken = time.monotonic() - begun
        if snapshots == {number}:
            return taken
        if taken > 60:
            raise Permanent(f"bench cockpit: snapshot {number} is not visible after {taken:.0f} s: {bad}")
