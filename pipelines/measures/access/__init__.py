"""Accuracy ``access``: nobody sees what is not theirs.

Belongs here: the order of the probe. A city is simulated and every cell of its published file is marked
with whose it is (``world``); the real cockpit shows it (``server``); every kind of data request over
every dataset and chart (``kinds``) and every endpoint of Superset's URL map (``walk``) is asked as every
kind of user; hand-made attempts (``bypasses``, ``sessions``) try to get around the rules. Every byte
that comes back is searched for marks of others (``probe``, ``judge``), and asked again when rows of
others have changed: answers must not.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from pipelines.measures.access import bypasses, catalog, judge, kinds, probe, server, sessions, walk, world
from pipelines.measures.table import measure

READERS: Final = (
    "admin", "city_edu", "city_market", "steward", "county_ab", "county_a", "county_b", "analyst_a",
    "school_1", "school_1_again", "school_3", "county_none", "",
)  # fmt: skip
"""Who asks every kind of data request; those with most rights first."""
WALKERS: Final = (
    "city_edu", "city_market", "county_a", "county_b", "county_ab", "county_none", "school_1",
    "school_1_again", "school_3", "steward", "analyst_a", "scheduler", "",
)  # fmt: skip
"""Who asks every endpoint, changing ones too; an administrator could rightly change everything."""
COMPARED: Final = ("county_a", "school_1", "analyst_a", "county_none")
"""Whose answers are compared when rows of others change."""
Progress = Callable[[str], None]


def run(*, seed: int, progress: Progress) -> list[dict[str, Any]]:
    """Measure every figure of the part.

    Args:
        seed: Seed of the city and its marks.
        progress: Told what is being done, and every leak at once.
    """
    with tempfile.TemporaryDirectory(prefix="canteen-access-") as folder:
        planted = world.build(Path(folder), seed, progress)
        progress("启动驾驶舱")
        with server.running(planted) as running:
            found, outcomes = examine(running, seed, progress, READERS, WALKERS, COMPARED)
    for line in [*map(str, found.leaks), *(f"control missed: {line}" for line in found.missed)]:
        progress(line)
    for outcome in outcomes:
        if not outcome.held:
            progress(f"not held: {outcome.name}: {outcome.why}")
    held = sum(outcome.held for outcome in outcomes)
    return [
        measure("access", "probes", found.requests, found.requests),
        measure("access", "leaks", len(found.leaks), found.requests),
        measure("access", "controls_missed", len(found.missed), found.controls),
        measure("access", "bypasses", len(outcomes), len(outcomes)),
        measure("access", "bypasses_held", held / len(outcomes), len(outcomes)),
    ]


def examine(
    running: server.Server,
    seed: int,
    progress: Progress,
    readers: Sequence[str],
    walkers: Sequence[str],
    compared: Sequence[str],
    only: Callable[[kinds.Kind], bool] = lambda kind: True,
) -> tuple[probe.Findings, list[sessions.Outcome]]:
    """Probe a running cockpit; afterwards its accounts are not what they were.

    Args:
        running: The cockpit.
        seed: Seed of the marks.
        progress: Told what is being done.
        readers: Who asks data requests; the first fill the caches.
        walkers: Who asks every endpoint.
        compared: Whose answers are compared when rows of others change.
        only: Which data requests.
    """
    found = probe.Findings()
    url_map = running.url_map()
    parts = catalog.read(running.client)
    things = walk.make_things(running, parts)
    before = running.metadata()

    every = [kind for kind in kinds.every(parts) if only(kind)]
    progress(f"数据请求：{len(every)} 种，{len(readers)} 个账号")
    probe.ask_kinds(running, every, catalog.Rows(running), readers, found)
    probe.ask_caches(running, walkers, found)
    progress(f"地址表：{len(walkers)} 个账号")
    for requests in walk.requests(url_map, things, walkers):
        running.client.send_all(requests, probe.searching(running.world, found))
    for name in probe.changed(before, running.metadata()):
        found.leaks.append(probe.Leak("", "walk", f"changed {name}"))
    probe.search_log(running, found)

    # Made anew: walking, owners may have thrown away what was theirs.
    ground = bypasses.Ground(running, walk.make_things(running, parts))
    attempts = list(bypasses.every(ground))
    progress(f"绕过尝试：{len(attempts)} 次")
    outcomes, digests = judge.judge(running, attempts)
    by_user = Counter(attempt.user for attempt in attempts)
    differing: set[str] = set()
    for user in compared:
        progress(f"改动 {user} 无权看到的行，共 {by_user[user]} 次尝试再比对")
        world.plant(running.world, seed, foreign_to=user)
        if user in readers:
            probe.compare(running, every, user, found)
        # Made anew: a question's client number can be used once.
        own = [attempt for attempt in bypasses.every(ground) if attempt.user == user and attempt.steady]
        differing |= judge.differing(running, own, digests)
    outcomes = [
        sessions.Outcome(one.name, False, "differs when rows of others change")
        if one.name in differing
        else one
        for one in outcomes
    ]
    progress("会话与授权")
    return found, [*outcomes, *sessions.every(running, parts)]
