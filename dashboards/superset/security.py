"""Who may do what: roles, permissions, row rules and accounts, made equal to the access file.

Belongs here: turning `access.json` into Superset's own tables, in bulk and idempotently; whatever
differs, was added by hand or is no longer granted is put back. Rows are denied unless a rule grants
them: every dataset has a base rule `1 = 0`, and a role exempt from it either may see the whole city
or has a rule of its own there, or the dataset has the same rows for everybody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from flask_appbuilder.security.sqla.models import (
    Permission,
    PermissionView,
    Role,
    User,
    ViewMenu,
    assoc_permissionview_role,
    assoc_user_group,
    assoc_user_role,
)
from superset import db
from superset.connectors.sqla.models import (
    RLSFilterRoles,
    RLSFilterTables,
    RowLevelSecurityFilter,
    SqlaTable,
)
from superset.models.dashboard import Dashboard, DashboardRoles
from werkzeug.security import generate_password_hash

ACTOR: Final = "canteen"
"""Owner of what is deployed; never active, so nobody can log in as it."""
NO_PASSWORD: Final = "!"  # noqa: S105  (no hash equals it)
SUPERSETS_OWN: Final = frozenset({"Admin", "Alpha", "Gamma", "Public", "sql_lab"})

Permissions = frozenset[tuple[str, str]]
VIEW: Final[Permissions] = frozenset(
    {
        ("can_dashboard", "Superset"),
        ("can_dashboard_permalink", "Superset"),
        ("can_drill", "Dashboard"),
        ("can_explore_json", "Superset"),
        ("can_get", "Datasource"),
        ("can_get_column_values", "Datasource"),
        ("can_get_drill_info", "Dataset"),
        ("can_log", "Superset"),
        ("can_query", "Api"),
        ("can_query_form_data", "Api"),
        ("can_read", "Chart"),
        ("can_read", "CurrentUserRestApi"),
        ("can_read", "Dashboard"),
        ("can_read", "DashboardFilterStateRestApi"),
        ("can_read", "DashboardPermalinkRestApi"),
        ("can_read", "Dataset"),
        ("can_read", "SecurityRestApi"),
        ("can_read", "Theme"),
        ("can_samples", "Datasource"),
        ("can_time_range", "Api"),
        ("can_view_chart_as_table", "Dashboard"),
        ("can_write", "DashboardFilterStateRestApi"),
        ("can_read", "user"),
        ("can_write", "CurrentUserRestApi"),
    }
)
"""A viewer: dashboards, their data and filters, the own password; nothing is made or changed."""
EXPORT: Final[Permissions] = frozenset({("can_csv", "Superset"), ("can_export", "Chart")})
ASK: Final[Permissions] = frozenset(
    {
        ("can_execute_sql_query", "SQLLab"),
        ("can_export_csv", "SQLLab"),
        ("can_format_sql", "SQLLab"),
        ("can_get_results", "SQLLab"),
        ("can_read", "Database"),
        ("can_read", "Query"),
        ("can_read", "SQLLab"),
        ("can_sqllab", "Superset"),
        ("menu_access", "SQL Editor"),
        ("menu_access", "SQL Lab"),
    }
)
"""An analyst's questions in SQL Lab, answered with the analyst's own rows only."""
ROLES: Final[Mapping[str, Permissions]] = {
    "Public": frozenset(),
    "tier_city": VIEW | EXPORT,
    "tier_county": VIEW | EXPORT,
    "tier_school": VIEW,
    "steward": VIEW | EXPORT,
    "analyst": VIEW | EXPORT | ASK,
    "scheduler": frozenset(
        {
            ("can_log", "Superset"),
            ("can_read", "CurrentUserRestApi"),
            ("can_read", "user"),
            ("can_write", "CurrentUserRestApi"),
        }
    ),
    "dept_education": frozenset(),
    "dept_market": frozenset(),
}
ROLE_OF_TIER: Final = {
    "city": "tier_city",
    "county": "tier_county",
    "school": "tier_school",
    "steward": "steward",
    "analyst": "analyst",
    "scheduler": "scheduler",
    "admin": "Admin",
}
WHOLE_CITY: Final = ("Admin", "tier_city", "steward")
"""Roles that no scope limits."""
SCOPED: Final = {
    "tier_county": ("county_code",),
    "tier_school": ("school_id",),
    "analyst": ("county_code", "school_id"),
}
"""Roles that see the rows of their scope roles only, and the columns that such a scope is about."""
DEPARTMENTS: Final = {"dept_education": ("education", "both"), "dept_market": ("market", "both")}
_PLAIN: Final = re.compile(r"[A-Za-z0-9_\-]+")


class AccessError(Exception):
    """The access file says something that cannot be applied; the message says what, in Chinese."""


def apply(access: Mapping[str, Any], first_passwords: Mapping[str, str]) -> dict[str, int]:
    """Make Superset's tables equal to the access file, in one transaction.

    Args:
        access: Content of `access.json`.
        first_passwords: Passwords of accounts that have none yet.

    Returns:
        Rows added and removed, by what they are; nothing is listed where nothing differed.

    Raises:
        AccessError: A tier, department, scope or dataset is unknown.
    """
    try:
        changes = _apply(access, first_passwords)
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    return {name: count for name, count in changes.items() if count}


def set_passwords(passwords: Mapping[str, str]) -> None:
    """Give accounts new passwords; sessions opened with the old ones end (pages.py)."""
    for username, password in passwords.items():
        _execute(
            sa.update(User).where(User.username == username).values(password=generate_password_hash(password))
        )
    db.session.commit()


def ensure_actor() -> User:
    """The inactive administrator in whose name assets are deployed."""
    found = db.session.query(User).filter_by(username=ACTOR).one_or_none()
    if found is None:
        found = User(
            username=ACTOR,
            first_name="系统",
            last_name="部署",
            email=f"{ACTOR}@canteen.invalid",
            password=NO_PASSWORD,
            active=False,
            roles=[db.session.query(Role).filter_by(name="Admin").one()],
        )
        db.session.add(found)
        db.session.commit()
    return found


def state() -> list[tuple[Any, ...]]:
    """Everything that ``apply`` decides, to tell whether somebody changed it since."""
    granted = sa.select(Role.name, assoc_permissionview_role.c.permission_view_id).join_from(
        Role, assoc_permissionview_role, assoc_permissionview_role.c.role_id == Role.id
    )
    rows: list[tuple[Any, ...]] = []
    for query in (
        sa.select(Role.id, Role.name),
        granted.where(Role.name.notin_(SUPERSETS_OWN - {"Public"})),
        sa.select(User.id, User.username, User.active),
        sa.select(assoc_user_role.c.user_id, assoc_user_role.c.role_id),
        sa.select(assoc_user_group.c.user_id, assoc_user_group.c.group_id),
        sa.select(
            RowLevelSecurityFilter.id,
            RowLevelSecurityFilter.name,
            RowLevelSecurityFilter.filter_type,
            RowLevelSecurityFilter.group_key,
            RowLevelSecurityFilter.clause,
        ),
        sa.select(RLSFilterRoles.c.rls_filter_id, RLSFilterRoles.c.role_id),
        sa.select(RLSFilterTables.c.rls_filter_id, RLSFilterTables.c.table_id),
        sa.select(DashboardRoles.c.dashboard_id, DashboardRoles.c.role_id),
    ):
        rows.extend(sorted((tuple(row) for row in _execute(query)), key=repr))
    return rows


def scope_role(column: str, value: str) -> str:
    """Name of the role of a scope: `scope_county_430602`, `scope_school_<id>`."""
    return f"scope_{column.removesuffix('_code').removesuffix('_id')}_{value}"


def _apply(access: Mapping[str, Any], first_passwords: Mapping[str, str]) -> dict[str, int]:
    _check(access)
    scopes = {
        scope_role(scope["column"], scope["value"]): (scope["column"], scope["value"])
        for user in access["users"]
        for scope in user["scopes"]
    }
    datasets = dict(_execute(sa.select(SqlaTable.table_name, SqlaTable.id)).fetchall())
    missing = sorted(set(access["datasets"]) - set(datasets))
    if missing:
        raise AccessError(f"access.json 中的数据集没有部署：{'、'.join(missing)}")
    changes = {"角色": _sync_roles({*ROLES, *scopes})}
    roles = dict(_execute(sa.select(Role.name, Role.id)).fetchall())
    changes["权限"] = _sync_permissions(access, roles)
    changes["账号"] = _sync_users(access["users"], first_passwords)
    changes["账号的角色"] = _sync_user_roles(access["users"], roles)
    changes["行规则"] = _sync_rules(_rules(access["datasets"], scopes, set(datasets)), roles, datasets)
    boards = dict(
        _execute(sa.select(Dashboard.slug, Dashboard.id).where(Dashboard.slug.isnot(None))).fetchall()
    )
    changes["看板的角色"] = _sync_links(
        DashboardRoles,
        ("dashboard_id", "role_id"),
        {
            (boards[slug], roles[ROLE_OF_TIER[tier]])
            for slug, tiers in access["dashboards"].items()
            for tier in tiers
        },
    )
    return changes


def _check(access: Mapping[str, Any]) -> None:
    """Refuse what would end up in a clause or a name without being plain."""
    for user in access["users"]:
        if user["tier"] not in ROLE_OF_TIER:
            raise AccessError(f"账号 {user['username']} 的层级 {user['tier']!r} 未知")
        if user["department"] and f"dept_{user['department']}" not in DEPARTMENTS:
            raise AccessError(f"账号 {user['username']} 的部门 {user['department']!r} 未知")
        for scope in user["scopes"]:
            if scope["column"] not in {"county_code", "school_id"} or not _PLAIN.fullmatch(
                str(scope["value"])
            ):
                raise AccessError(f"账号 {user['username']} 的范围 {scope!r} 不合规")
    for name, dataset in access["datasets"].items():
        for word in (*dataset["scoped_by"], *dataset["tiers"], dataset["department_column"] or "none"):
            if not _PLAIN.fullmatch(word):
                raise AccessError(f"数据集 {name} 的 {word!r} 不合规")


def _sync_roles(wanted: set[str]) -> int:
    have = dict(_execute(sa.select(Role.name, Role.id)).fetchall())
    new = sorted(wanted - set(have))
    old = [number for name, number in have.items() if name not in wanted | SUPERSETS_OWN]
    if new:
        _execute(sa.insert(Role), [{"name": name} for name in new])
    for table, column in (
        (assoc_permissionview_role, "role_id"),
        (assoc_user_role, "role_id"),
        (RLSFilterRoles, "role_id"),
        (DashboardRoles, "role_id"),
    ):
        _delete(table, table.c[column], old)
    _delete(Role, Role.id, old)
    return len(new) + len(old)


def _sync_permissions(access: Mapping[str, Any], roles: Mapping[str, int]) -> int:
    numbers = {
        (permission, menu): number
        for number, permission, menu in _execute(
            sa.select(PermissionView.id, Permission.name, ViewMenu.name)
            .join(Permission, PermissionView.permission_id == Permission.id)
            .join(ViewMenu, PermissionView.view_menu_id == ViewMenu.id)
        )
    }
    data = dict(_execute(sa.select(SqlaTable.table_name, SqlaTable.perm)).fetchall())
    wanted: dict[str, set[tuple[str, str]]] = {name: set(given) for name, given in ROLES.items()}
    for name, dataset in access["datasets"].items():
        readers = {ROLE_OF_TIER[tier] for tier in dataset["tiers"]} | {"steward", "analyst"}
        for role in readers & set(ROLES):
            wanted[role].add(("datasource_access", data[name]))
    unknown = sorted({pair for given in wanted.values() for pair in given} - set(numbers))
    if unknown:
        raise AccessError(f"这一版 Superset 没有权限 {unknown}：请核对 dashboards/superset/security.py")
    managed = [number for name, number in roles.items() if name in ROLES or name not in SUPERSETS_OWN]
    return _sync_links(
        assoc_permissionview_role,
        ("role_id", "permission_view_id"),
        {(roles[role], numbers[pair]) for role, given in wanted.items() for pair in given},
        only={"role_id": managed},
    )


def _sync_users(users: Iterable[Mapping[str, Any]], first_passwords: Mapping[str, str]) -> int:
    have = {
        row.username: row for row in _execute(sa.select(User.username, User.id, User.password, User.active))
    }
    wanted = {user["username"]: user for user in users}
    if ACTOR in wanted:
        raise AccessError(f"账号名 {ACTOR} 由系统保留：请在组织登记中改用其他名字")
    now = datetime.now()  # noqa: DTZ005  (Superset's columns hold local time without zone)
    new = sorted(set(wanted) - set(have))
    if new:
        _execute(
            sa.insert(User),
            [
                {
                    "username": name,
                    "first_name": wanted[name].get("display_name") or name,
                    "last_name": "",
                    "email": f"{name}@canteen.invalid",
                    "password": NO_PASSWORD,
                    "active": True,
                    "created_on": now,
                    "changed_on": now,
                }
                for name in new
            ],
        )
    ended = [row.id for name, row in have.items() if name not in wanted and row.active]
    back = [row.id for name, row in have.items() if name in wanted and not row.active]
    for numbers, active in ((ended, False), (back, True)):
        for part in _parts(numbers):
            _execute(sa.update(User).where(User.id.in_(part)).values(active=active))
    for name, password in first_passwords.items():
        if name in wanted and (name not in have or have[name].password == NO_PASSWORD):
            _execute(
                sa.update(User).where(User.username == name).values(password=generate_password_hash(password))
            )
    return len(new) + len(ended) + len(back)


def _sync_user_roles(users: Iterable[Mapping[str, Any]], roles: Mapping[str, int]) -> int:
    numbers = dict(_execute(sa.select(User.username, User.id)).fetchall())
    wanted = {(numbers[ACTOR], roles["Admin"])} if ACTOR in numbers else set()
    for user in users:
        names = [
            ROLE_OF_TIER[user["tier"]],
            *(scope_role(one["column"], one["value"]) for one in user["scopes"]),
        ]
        if user["department"]:
            names.append(f"dept_{user['department']}")
        wanted |= {(numbers[user["username"]], roles[name]) for name in names}
    groups = _execute(sa.delete(assoc_user_group)).rowcount
    return groups + _sync_links(assoc_user_role, ("user_id", "role_id"), wanted)


def _rules(
    datasets: Mapping[str, Any], scopes: Mapping[str, tuple[str, str]], deployed: set[str]
) -> dict[str, dict[str, Any]]:
    """Every row rule by name: kind, group, clause, roles and datasets."""
    rules: dict[str, dict[str, Any]] = {}
    for name in sorted(deployed):
        scoped_by = datasets.get(name, {}).get("scoped_by", [])
        exempt = [role for role, columns in SCOPED.items() if set(columns) & set(scoped_by)]
        if name in datasets and not scoped_by:  # the same rows for everybody who may read it
            readers = {"analyst", *(ROLE_OF_TIER[tier] for tier in datasets[name]["tiers"])}
            exempt = [role for role in SCOPED if role in readers]
        rules[f"base_{name}"] = _rule("Base", None, "1 = 0", [*WHOLE_CITY, *exempt], [name])
    for role, columns in SCOPED.items():
        rules[f"none_{role}"] = _rule(
            "Regular",
            "scope",
            "1 = 0",
            [role],
            [name for name, dataset in datasets.items() if set(columns) & set(dataset["scoped_by"])],
        )
    for role, (column, value) in scopes.items():
        rules[role] = _rule(
            "Regular",
            "scope",
            f"{column} = '{value}'",
            [role],
            [name for name, dataset in datasets.items() if column in dataset["scoped_by"]],
        )
    for column in sorted({dataset["department_column"] for dataset in datasets.values()} - {None}):
        names = [name for name, dataset in datasets.items() if dataset["department_column"] == column]
        for role, (own, both) in DEPARTMENTS.items():
            clause = f"{column} in ('{own}', '{both}')"
            rules[f"{role}_{column}"] = _rule("Regular", "department", clause, [role], names)
    return rules


def _rule(kind: str, group: str | None, clause: str, roles: list[str], datasets: list[str]) -> dict[str, Any]:
    return {
        "row": {
            "filter_type": kind,
            "group_key": group,
            "clause": clause,
            "description": "由 access.json 生成",
        },
        "roles": roles,
        "datasets": datasets,
    }


def _sync_rules(
    wanted: Mapping[str, Mapping[str, Any]], roles: Mapping[str, int], datasets: Mapping[str, int]
) -> int:
    table = RowLevelSecurityFilter
    found = _execute(
        sa.select(table.id, table.name, table.filter_type, table.group_key, table.clause, table.description)
    ).fetchall()
    have = {row.name: row for row in found}
    new = [name for name in wanted if name not in have]
    old = [row.id for row in found if row.name not in wanted]
    for link in (RLSFilterRoles, RLSFilterTables):
        _delete(link, link.c.rls_filter_id, old)
    _delete(table, table.id, old)
    if new:
        _execute(sa.insert(table), [{"name": name, **wanted[name]["row"]} for name in new])
    differing = [
        name for name, row in have.items()
        if name in wanted and any(getattr(row, key) != value for key, value in wanted[name]["row"].items())
    ]  # fmt: skip
    for name in differing:
        _execute(sa.update(table).where(table.name == name).values(**wanted[name]["row"]))
    numbers = dict(_execute(sa.select(table.name, table.id)).fetchall())
    links = _sync_links(
        RLSFilterRoles,
        ("rls_filter_id", "role_id"),
        {(numbers[name], roles[role]) for name, rule in wanted.items() for role in rule["roles"]},
    ) + _sync_links(
        RLSFilterTables,
        ("rls_filter_id", "table_id"),
        {(numbers[name], datasets[one]) for name, rule in wanted.items() for one in rule["datasets"]},
    )
    return len(new) + len(old) + len(differing) + links


def _sync_links(
    table: sa.Table,
    columns: tuple[str, str],
    wanted: set[tuple[int, int]],
    only: Mapping[str, list[int]] | None = None,
) -> int:
    """Make a table of pairs hold exactly the wanted pairs, each once."""
    first, second = (table.c[name] for name in columns)
    query = sa.select(table.c.id, first, second)
    for name, values in (only or {}).items():
        query = query.where(table.c[name].in_(values))
    have: dict[tuple[int, int], int] = {}
    surplus = []
    for number, one, other in _execute(query):
        if (one, other) in wanted and (one, other) not in have:
            have[one, other] = number
        else:
            surplus.append(number)
    new = sorted(wanted - set(have))
    _delete(table, table.c.id, surplus)
    if new:
        _execute(sa.insert(table), [dict(zip(columns, pair, strict=True)) for pair in new])
    return len(new) + len(surplus)


def _delete(table: Any, column: Any, values: list[int]) -> None:
    for part in _parts(values):
        _execute(sa.delete(table).where(column.in_(part)))


def _parts(values: list[int], size: int = 900) -> Iterable[list[int]]:
    """Lists short enough for SQLite's limit of parameters."""
    return (values[start : start + size] for start in range(0, len(values), size))


def _execute(statement: Any, rows: list[dict[str, Any]] | None = None) -> Any:
    connection = db.session.connection()
    return connection.execute(statement, rows) if rows else connection.execute(statement)
