"""Ways that Superset leaves open whatever the permissions say, closed for everybody but administrators.

Belongs here: refusing them. Found by the probe (``pipelines/measures/access``):
a question asked in SQL Lab can be exported by its client number, or charted by its small number, by
people who could not ask it; filters that others set or linked can be read by their key; every reader
may list the names of all accounts; an answer of the old API to an address is kept for whoever asks next.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Flask, abort, jsonify, request
from flask_login import current_user

ADMINISTRATORS_ONLY: Final = frozenset(
    {
        "DashboardPermalinkRestApi.get",
        "Superset.dashboard_permalink",
        "Superset.explore_json",
        "Superset.explore_json_data",
    }
)
EXPORTS: Final = frozenset({"SqlLabRestApi.export_csv", "SqlLabRestApi.export_streaming_csv"})

KEPT_FILTERS: Final = frozenset(f"DashboardFilterStateRestApi.{act}" for act in ("get", "put", "delete"))
"""Filters that somebody set on a page; only that person's."""


def register(app: Flask) -> None:
    """Hook the refusals into the app; datasets are the only things that can be charted."""
    from superset.connectors.sqla.models import SqlaTable
    from superset.daos.datasource import DatasourceDAO
    from superset.utils.core import DatasourceType

    DatasourceDAO.sources = {DatasourceType.TABLE: SqlaTable}
    app.before_request(_refuse)


def _refuse() -> Any:
    from superset import security_manager

    endpoint = request.endpoint or ""
    if endpoint in EXPORTS and not _own_question():
        abort(404)
    if endpoint in KEPT_FILTERS and not _own_filters():
        abort(404)
    if not current_user.is_authenticated or security_manager.is_admin():
        return None
    if endpoint in ADMINISTRATORS_ONLY:
        abort(403)
    if endpoint.endswith(".related"):
        return jsonify(count=0, result=[])  # lists of charts ask for it, and say so loudly when refused
    return None


def _own_question() -> bool:
    from superset import db
    from superset.models.sql_lab import Query

    number = (request.view_args or {}).get("client_id") or request.form.get("client_id")
    asked = db.session.query(Query).filter_by(client_id=number).one_or_none()
    return asked is not None and current_user.is_authenticated and asked.user_id == current_user.id


def _own_filters() -> bool:
    from superset.extensions import cache_manager
    from superset.temporary_cache.utils import cache_key

    words: dict[str, Any] = request.view_args or {}
    entry = cache_manager.filter_state_cache.get(cache_key(words["pk"], words["key"]))
    return entry is None or (current_user.is_authenticated and entry["owner"] == current_user.id)
