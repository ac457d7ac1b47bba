"""The extract step: providers' databases into landing files, before the receive step takes them.

Belongs here: which providers, and what a night does about one whose database does not answer: it says so,
leaves a receipt that names what is missing, and goes on with the others. Does not belong here: reading
a database (``ingest.connectors``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ingest import providers, receipts
from ingest.connectors import extraction
from ingest.providers import Provider
from pipelines import receiving
from warehouse.errors import CanteenError, Permanent, Refused
from warehouse.settings import Settings

Progress = Callable[[str], None]


def one(settings: Settings, name: str, landing: Path, arrival: dt.date, progress: Progress) -> dict[str, Any]:
    """Extract one provider's database (``./canteen extract``).

    Args:
        settings: The data home.
        name: The provider.
        landing: The landing folder.
        arrival: Day of arrival of the files.
        progress: Told what is being done.

    Raises:
        Transient: The database does not answer.
        Permanent: It is not declared, or the declaration does not fit it.
    """
    return _extract(settings, providers.get(name, settings.home), landing, arrival, progress)


def every(settings: Settings, landing: Path, arrival: dt.date, progress: Progress) -> dict[str, int]:
    """Extract every declared database; one that fails costs its own rows only.

    Returns:
        ``databases`` that were read, ``extracted`` rows, ``unreachable`` databases; empty where none is
        declared.
    """
    declared = [one for one in providers.load_all(settings.home).values() if one.database is not None]
    if not declared:
        return {}
    counts = {"databases": 0, "extracted": 0, "unreachable": 0}
    missing: list[dict[str, Any]] = []
    for provider in declared:
        try:
            counts["extracted"] += _extract(settings, provider, landing, arrival, progress)["rows"]
            counts["databases"] += 1
        except CanteenError as error:
            counts["unreachable"] += 1
            progress(f"未能从 {provider.label}（{provider.provider}）的数据库取数，本次缺其新数据：{error}")
            missing.append(_receipt(provider, arrival, error))
    receiving.note(settings, missing)
    return counts


def _extract(
    settings: Settings, provider: Provider, landing: Path, arrival: dt.date, progress: Progress
) -> dict[str, Any]:
    done = extraction.run(settings.home, provider, landing, arrival)
    progress(
        f"从 {provider.label} 的数据库取数：{len(done.files)} 个文件，{done.rows} 行，"
        f"{done.units} 个食堂日，撤销 {done.withdrawn} 个"
    )
    return {
        "provider": provider.provider,
        "files": [str(file) for file in done.files],
        "rows": done.rows,
        "canteen_days": done.units,
        "withdrawn": done.withdrawn,
    }


def _receipt(provider: Provider, arrival: dt.date, error: CanteenError) -> dict[str, Any]:
    """What the steward's report shows of a database that was not read."""
    code = "unreachable" if not isinstance(error, Permanent) else "misdeclared"
    why = receipts.refusal(Refused(code, str(error)))
    return receipts.receipt(
        provider.provider, arrival, f"{provider.provider}/{arrival}/database", "missing", **why
    )
