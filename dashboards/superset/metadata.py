"""Superset's own database before it holds anything of a city: its tables, permissions and built-in roles.

Belongs here: making it by the migrations, and a copy beside the environment, from which the next new home
starts at once (hundreds of migrations take longer than all the rest of a first start). The copy holds no user,
no secret and nothing of a home. Does not belong here: assets and access.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import sys
from pathlib import Path
from typing import Any

from dashboards.superset import places


def make(inputs: str) -> None:
    """Bring the metadata up to date; must run inside the app's context.

    Args:
        inputs: Hash of all that the result depends on; names the copy.
    """
    new = not migrated()
    kept = Path(sys.prefix) / f"metadata-{inputs[:16]}.db"
    own = places.sqlite_file()
    if new and own is not None and kept.exists():
        _copy(kept, own)
        return
    _migrate()
    if new and own is not None and os.access(kept.parent, os.W_OK):
        draft = kept.with_suffix(f".{os.getpid()}")
        _copy(own, draft)
        draft.replace(kept)  # in one step: another home may start from it at this moment
        for other in set(kept.parent.glob("metadata-*.db")) - {kept}:
            other.unlink(missing_ok=True)


def migrated() -> list[Any]:
    """Which migration the metadata stand at; nothing where they are new, or another database was named."""
    import sqlalchemy as sa
    from superset import db

    if not sa.inspect(db.engine).has_table("alembic_version"):
        return []
    return [tuple(row) for row in db.session.execute(sa.text("select version_num from alembic_version"))]


def let_readers_read(path: Path) -> None:
    """SQLite's write-ahead log: page views do not wait for each other's log entries."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma journal_mode = wal")


def _migrate() -> None:
    import flask_migrate
    import superset
    from superset import appbuilder, security_manager

    logging.getLogger("alembic").setLevel(logging.WARNING)
    flask_migrate.upgrade(directory=str(Path(superset.__file__).parent / "migrations"))
    logging.getLogger("canteen").disabled = False  # alembic switches off every logger that it does not know
    appbuilder.add_permissions(update_perms=True)
    security_manager.sync_role_definitions()


def _copy(source: Path, target: Path) -> None:
    with (
        contextlib.closing(sqlite3.connect(f"{source.as_uri()}?mode=ro", uri=True)) as held,
        contextlib.closing(sqlite3.connect(target)) as made,
    ):
        held.backup(made)
