"""dbt without the work of a run that nobody sees: a third of a small night's CPU time.

Belongs here: stand-ins for dbt's own functions that give the same result for less, active only inside ``brisk``.
Each is compared with what it stands for in ``tests/unit/test_gold_brisk.py``. Does not belong here: anything that
changes what is built or reported.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from unittest import mock

# What may stand before the first word of a statement.
_FIRST_WORD: Final = re.compile(r"(?:\s+|--[^\n]*(?:\n|\Z)|/\*.*?\*/)*", re.DOTALL)
_WITH: Final = re.compile(r"with\b(?:(?:\s+|--[^\n]*\n|/\*.*?\*/)+recursive\b)?", re.IGNORECASE | re.DOTALL)
_HEARD: Final = ("warn", "error")


@contextmanager
def brisk() -> Iterator[None]:
    """Run dbt without grouping every token of each model, and without wording events below a warning."""
    from dbt import compilation
    from dbt_common.events.event_manager import EventManager

    said = EventManager.fire_event

    def fire_event(self: Any, e: Any, level: Any = None, *rest: Any, **named: Any) -> None:
        if (level or e.level_tag()) in _HEARD:
            said(self, e, level, *rest, **named)

    with (
        mock.patch.object(compilation, "inject_ctes_into_sql", with_ctes),
        mock.patch.object(EventManager, "fire_event", fire_event),
    ):
        yield


def with_ctes(sql: str, ctes: list[Any]) -> str:
    """Put ephemeral models before a statement; dbt's ``inject_ctes_into_sql`` parses all of it to find ``with``.

    Args:
        sql: One compiled statement.
        ctes: dbt's ``InjectedCTE`` of each ephemeral model.

    Returns:
        The statement with one ``with`` that begins with the given ones.
    """
    if not ctes:
        return sql
    listed = ", ".join(cte.sql for cte in ctes)
    begin = _FIRST_WORD.match(sql).end()  # type: ignore[union-attr]  # it matches nothing at least
    found = _WITH.match(sql, begin)
    if found is None:
        return f"with{listed} {sql}"
    return f"{sql[: found.end()]}{listed}, {sql[found.end() :]}"


def as_parsed(manifest: Any) -> Any:
    """Undo in place what a run marks in dbt's manifest, so that the next run compiles every model again.

    Copying the manifest instead costs a third of a second.
    """
    for node in manifest.nodes.values():
        if node.resource_type != "seed":
            node.compiled, node.compiled_code, node.compiled_path = False, None, None
            node.extra_ctes_injected, node.extra_ctes, node._pre_injected_sql = False, [], None
    return manifest


def write_manifest(manifest: Any, path: Path) -> None:
    """Write dbt's manifest as ``manifest.write`` does, whose encoder works in Python piece by piece."""
    from dbt_common.utils.encoding import JSONEncoder

    content = manifest.writable_manifest().to_dict(omit_none=False, context={"artifact": True})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, cls=JSONEncoder), encoding="utf-8")
