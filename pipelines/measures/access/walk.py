"""Every endpoint of Superset's URL map, as every user, over real objects of others.

Belongs here: filling path parameters, queries and bodies. Does not belong here: kinds of data request
over every dataset and chart (``kinds``), hand-made attempts (``bypasses``).
"""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode

from pipelines.measures.access import kinds
from pipelines.measures.access.catalog import Catalog
from pipelines.measures.access.client import Client, Request, rison
from pipelines.measures.access.server import Server
from pipelines.measures.access.world import CITY

ORDER: Final = ("GET", "POST", "PUT", "DELETE")
FILLS: Final = 3
"""Objects tried per endpoint, method and user."""
# They end the session or take a new password, so they are attempts of their own (``bypasses``).
LEFT_OUT: Final = frozenset(
    {"AuthDBView.login", "AuthDBView.logout", "SupersetAuthView.login", "SupersetAuthView.logout"}
)
_STATIC: Final = ("static", "appbuilder.static", "canteen.static")


@dataclass(frozen=True)
class Things:
    """Objects of others, made or found by the administrator and by users of the city.

    Attributes:
        catalog: What was deployed.
        uuids: Identities of charts, datasets and dashboards.
        filter_states: (dashboard number, key, owner) of filters that others set.
        keys: Keys of permalinks, forms and cached answers, by what they are.
        numbers: Numbers of other objects, by what they are.
        clients: Client numbers of questions that others asked.
    """

    catalog: Catalog
    uuids: Mapping[str, Sequence[str]]
    filter_states: Sequence[tuple[int, str, str]]
    keys: Mapping[str, Sequence[str]]
    numbers: Mapping[str, Sequence[int]]
    clients: Sequence[str]


def make_things(server: Server, catalog: Catalog) -> Things:
    """Leave behind what users of a real city leave behind, canaries in it."""
    client = server.client
    mark = canary_of(server, CITY)
    datasets, charts = list(catalog.datasets.values()), list(catalog.charts)
    states = [
        (number, key, user)
        for user, slug in (("city_edu", "city"), ("county_b", "county"), ("school_3", "school"))
        if (number := catalog.dashboards[slug])
        and (
            key := _made(
                client, user, f"/api/v1/dashboard/{number}/filter_state", _filter_state(server, user)
            )
        )
    ]
    form = {
        "datasource_id": datasets[0].number,
        "datasource_type": "table",
        "form_data": json.dumps(
            {"datasource": f"{datasets[0].number}__table", "viz_type": "table", "note": mark}
        ),
    }
    link = {"dataMask": {}, "activeTabs": [], "urlParams": [["note", mark]]}
    permalinks = [
        _made(client, "admin", f"/api/v1/dashboard/{slug}/permalink", link) for slug in catalog.dashboards
    ]
    forms = [_made(client, "admin", "/api/v1/explore/form_data", form)]
    explored = [
        _made(client, "admin", "/api/v1/explore/permalink", {"formData": json.loads(form["form_data"])})
    ]
    questions = [
        kinds.ask("admin", catalog.database, f"select '{mark}' as note, * from cockpit.snapshot"),
        kinds.ask("admin", catalog.database, "select county_name, school_name from cockpit.finding"),
        kinds.ask(
            "analyst_a", catalog.database, "select county_name, school_name from cockpit.canteen_period"
        ),
    ]
    asked = [client.send(one).json().get("query_id") for one in questions]
    layer = _made(client, "admin", "/api/v1/annotation_layer/", {"name": mark, "descr": mark})
    note = {"short_descr": mark, "long_descr": mark, "start_dttm": "2026-10-01", "end_dttm": "2026-10-02"}
    _made(client, "admin", f"/api/v1/annotation_layer/{layer}/annotation/", note)
    css = _made(client, "admin", "/api/v1/css_template/", {"template_name": mark, "css": f"/* {mark} */"})
    saved = {"db_id": catalog.database, "label": mark, "sql": f"select '{mark}'", "schema": "cockpit"}
    saved_number = _made(client, "admin", "/api/v1/saved_query/", saved)
    answered = client.send(Request("admin", "GET", f"/api/v1/chart/{charts[0].number}/data/")).json()
    cached = [one["cache_key"] for one in answered["result"] if one.get("cache_key")]
    return Things(
        catalog,
        {
            kind: [str(row["uuid"]) for row in client.listed("admin", kind) if row.get("uuid")]
            for kind in ("chart", "dashboard", "dataset")
        },
        states,
        {"permalink": permalinks, "form": forms, "explore": explored, "cache": cached},
        {
            "query": [int(one) for one in asked if one],
            "layer": [int(layer or 1)],
            "css": [int(css or 1)],
            "saved": [int(saved_number or 1)],
        },
        [one.body["client_id"] for one in questions],
    )


def canary_of(server: Server, scope: str) -> str:
    """A text canary of a scope."""
    return next(
        canary.decode()
        for canary, owner in server.world.canaries.items()
        if owner == scope and canary.startswith(b"CNRY")
    )


def requests(
    url_map: Sequence[Mapping[str, Any]], things: Things, users: Sequence[str]
) -> Iterator[list[Request]]:
    """Requests in four rounds, reading first, deleting last.

    Args:
        url_map: Rules of the server.
        things: Objects that parameters are filled with.
        users: Account names, the empty name for nobody.
    """
    for method in ORDER:
        yield [
            Request(user, method, path, body, headers, kind=rule["endpoint"], about=rule["rule"])
            for rule in url_map
            if method in rule["methods"] and rule["endpoint"] not in LEFT_OUT
            for path, body, headers in _filled(rule, method, things)
            for user in users
        ]


def _filled(
    rule: Mapping[str, Any], method: str, things: Things
) -> Iterator[tuple[str, Any, dict[str, str]]]:
    """Some paths of a rule with a body each."""
    endpoint = rule["endpoint"]
    if endpoint in _STATIC:
        paths = [rule["rule"].replace("<path:filename>", "../../../secrets.json")]
    else:
        lists = [_values(name, rule, things) for name in rule["args"]]
        chosen = (
            list(itertools.islice(zip(*(itertools.cycle(one) for one in lists), strict=False), FILLS))
            if lists
            else [()]
        )
        paths = [
            _path(rule, dict(zip(rule["args"], values, strict=True))) for values in dict.fromkeys(chosen)
        ]
    words = _queries(endpoint, things) if method == "GET" else [""]
    bodies = [None] if method == "GET" else _bodies(endpoint, method, things)
    extent = max(len(paths), len(words), len(bodies))
    for number in range(min(extent, 2 * FILLS)):
        body, headers = bodies[number % len(bodies)], {}
        if isinstance(body, Bundle):
            body, headers = body.content, {"Content-Type": body.kind}
        yield paths[number % len(paths)] + words[number % len(words)], body, headers


def _path(rule: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    path = rule["rule"]
    for name, value in values.items():
        begin = path.rindex("<", 0, path.index(f"{name}>"))
        path = path[:begin] + quote(str(value), safe="") + path[path.index(">", begin) + 1 :]
    return str(path)


def _values(name: str, rule: Mapping[str, Any], things: Things) -> list[Any]:
    """Values of a path parameter: real ones, of others where there are owners."""
    catalog, endpoint = things.catalog, rule["endpoint"]
    boards = list(catalog.dashboards.values())
    charts = [chart.number for chart in catalog.charts[:: max(1, len(catalog.charts) // FILLS)]]
    datasets = [one.number for one in catalog.datasets.values()]
    if name == "key":
        if "FilterState" in endpoint:
            return [key for _, key, _ in things.filter_states]
        kind = "permalink" if "ashboard" in endpoint else "form" if "FormData" in endpoint else "explore"
        return list(things.keys[kind])
    if name == "pk" and "FilterState" in endpoint:
        return [number for number, _, _ in things.filter_states]
    fixed: dict[str, list[Any]] = {
        "annotation_id": [1],
        "cache_key": list(things.keys["cache"]),
        "client_id": list(things.clients[:FILLS]),
        "column_id": [1, 2],
        "column_name": ["owners", "created_by", "changed_by", "county_name", "database", "roles"],
        "dashboard_id_or_slug": ["city", "county", "school"],
        "datasource_id": datasets[:FILLS],
        "datasource_type": ["table", "query", "dataset"],
        "digest": ["0" * 32],
        "filename": ["../secrets.json"],
        "id_or_slug": ["city", boards[0], "school"],
        "id_or_uuid": _things_of(endpoint, charts, datasets, boards) + list(things.uuids["chart"][:1]),
        "lang": ["zh", "en"],
        "locale": ["zh", "en"],
        "log_id": [1],
        "metric_id": [1],
        "name": ["muldelete"],
        "object_id": charts,
        "object_type": [1, 2, 3],
        "permalink": list(things.keys["explore"]),
        "role_id": list(catalog.roles.values())[:FILLS],
        "schema_name": ["cockpit", "gold", "cockpit_store"],
        "slice_id": charts,
        "table_name": [*list(catalog.datasets)[:2], "access_grant"],
        "table_schema_id": [1],
        "tab_state_id": [1],
        "tag": ["x"],
        "user_id": list(catalog.users.values())[:FILLS],
        "uuid": list(things.uuids["dashboard"]),
        "version": ["v1"],
    }
    if name in fixed:
        return fixed[name]
    return _things_of(endpoint, charts, datasets, boards, things)


def _things_of(
    endpoint: str, charts: list[int], datasets: list[int], boards: list[int], things: Things | None = None
) -> list[Any]:
    """Numbers of the objects that an endpoint is about."""
    found: dict[str, list[Any]] = {
        "Chart": charts,
        "Slice": charts,
        "Dashboard": boards,
        "Embedded": boards,
        "Dataset": datasets[:FILLS],
        "Datasource": datasets[:FILLS],
    }
    if things is not None:
        catalog = things.catalog
        found |= {
            "Database": [catalog.database],
            "User": list(catalog.users.values())[:FILLS],
            "Role": list(catalog.roles.values())[:FILLS],
            "RLS": list(catalog.rules)[:FILLS],
            "SavedQuery": list(things.numbers["saved"]),
            "Query": list(things.numbers["query"]),
            "Annotation": list(things.numbers["layer"]),
            "Css": list(things.numbers["css"]),
        }
    return next((values for word, values in found.items() if word in endpoint), [1, 2])


def _queries(endpoint: str, things: Things) -> list[str]:
    """Query strings of a reading endpoint."""
    catalog = things.catalog
    dataset, chart = next(iter(catalog.datasets.values())).number, catalog.charts[0].number
    method = endpoint.rpartition(".")[2]
    everything = f"?q={rison({'page_size': 1000})}"
    by_method = {
        "get_list": [
            "",
            everything,
            f"?q={rison({'page_size': 100, 'columns': ['id', 'created_by.username', 'changed_by.password', 'sql']})}",
        ],
        "info": ["", f"?q={rison({'keys': ['add_columns', 'edit_columns', 'filters', 'permissions']})}"],
        "related": [
            everything,
            f"?q={rison({'filter': '', 'page_size': 1000})}",
            f"?q={rison({'filter': 'c'})}",
        ],
        "distinct": [everything],
        "export": [f"?q={rison([chart])}", f"?q={rison([1, 2, 3])}"],
        "favorite_status": [f"?q={rison([1, 2, 3])}"],
        "recent_activity": ["", everything],
        "get_results": [f"?q={rison({'key': key})}" for key in things.keys["cache"]] or [""],
    }
    if method in by_method:
        return by_method[method]
    whole = urlencode({"datasource_type": "table", "datasource_id": dataset})
    by_endpoint = {
        "Api.query_form_data": [f"?slice_id={chart}"],
        "Api.time_range": [f"?q={rison('Last week')}"],
        "DatabaseRestApi.tables": [
            f"?q={rison({'schema_name': schema})}" for schema in ("cockpit", "gold", "cockpit_store")
        ],
        "DatabaseRestApi.table_metadata": [
            "?name=canteen_period&schema=cockpit",
            "?name=dim_canteen&schema=gold",
        ],
        "DatabaseRestApi.table_extra_metadata": ["?name=canteen_period&schema=cockpit"],
        "Datasource.external_metadata_by_name": [
            f"?q={rison({'datasource_type': 'table', 'database_name': 'canteen', 'schema_name': 'cockpit', 'table_name': name})}"
            for name in ("canteen_period", "access_grant")
        ],
        "ExploreRestApi.get": [f"?{whole}", f"?slice_id={chart}"],
        "ExploreView.root": [f"?{whole}", f"?slice_id={chart}"],
        "Superset.explore": [f"?{whole}"],
        "Superset.fetch_datasource_metadata": [f"?datasourceKey={dataset}__table"],
        "Superset.warm_up_cache": [f"?slice_id={chart}", "?table_name=canteen_period&db_name=canteen"],
        "Superset.file_handler": ["?file=/etc/hostname"],
        "RedirectView.redirect_warning": ["?url=http://example.invalid/"],
        "QueryRestApi.get_updated_since": [f"?q={rison({'last_updated_ms': 0})}"],
        "AdvancedDataTypeRestApi.get": [f"?q={rison({'type': 'port', 'values': ['http']})}"],
        "DatabaseRestApi.oauth2": ["?state=x&code=y"],
        "DashboardRestApi.get": ["", "?snapshot=1"],
    }
    return by_endpoint.get(endpoint, [""])


@dataclass(frozen=True)
class Bundle:
    """A file in a form."""

    content: bytes
    kind: str


def upload(name: str, content: bytes, **fields: str) -> Bundle:
    """A form with a file.

    Args:
        name: Name of the form's field.
        content: The file.
        fields: Other fields.
    """
    edge = "canteenprobe"
    parts = [
        f'--{edge}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    ]
    head = f'--{edge}\r\nContent-Disposition: form-data; name="{name}"; filename="x.zip"\r\n'.encode()
    parts.append(head + b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n")
    return Bundle(b"".join([*parts, f"--{edge}--\r\n".encode()]), f"multipart/form-data; boundary={edge}")


def bundle(files: Mapping[str, str]) -> bytes:
    """An export of Superset, as its importers read it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"export/{name}", text)
    return buffer.getvalue()


def _bodies(endpoint: str, method: str, things: Things) -> list[Any]:
    """Plausible bodies of a writing endpoint."""
    catalog = things.catalog
    view, _, name = endpoint.partition(".")
    dataset, chart = next(iter(catalog.datasets.values())), catalog.charts[0]
    roles, users = list(catalog.roles.values()), list(catalog.users.values())
    rows = kinds.context(dataset.number, kinds.query(columns=list(dataset.columns)))
    virtual = {
        "database": catalog.database,
        "schema": "cockpit",
        "table_name": "probe",
        "sql": "select * from gold.dim_canteen",
    }
    importing = upload(
        "formData", bundle({"metadata.yaml": "version: 1.0.0\ntype: assets\n"}), overwrite="true"
    )
    if name == "import_":
        return [importing, upload("bundle", importing.content)]
    by_view: dict[str, list[Any]] = {
        "ChartRestApi": [
            {
                "slice_name": "probe",
                "viz_type": "table",
                "datasource_id": dataset.number,
                "datasource_type": "table",
                "params": "{}",
                "owners": users[:1],
            },
            {"chart_id": chart.number, "dashboard_id": 1},
        ],
        "ChartDataRestApi": [rows],
        "DashboardRestApi": [
            {
                "dashboard_title": "probe",
                "owners": users[:1],
                "roles": roles[:1],
                "published": True,
                "css": "",
                "json_metadata": "{}",
            },
            {"dashboard_title": "probe", "json_metadata": "{}", "duplicate_slices": True, "css": ""},
            {"allowed_domains": []},
        ],
        "DatasetRestApi": [
            {"sql": "select * from gold.dim_canteen", "owners": users[:1], "database_id": catalog.database},
            virtual,
            {"base_model_id": dataset.number, "table_name": "probe"},
            {"database_id": catalog.database, "schema": "cockpit", "table_name": "access_grant"},
            {"db_name": "canteen", "table_name": dataset.name},
        ],
        "DatabaseRestApi": [
            {"database_name": "probe", "sqlalchemy_uri": "duckdb:///:memory:", "expose_in_sqllab": True},
            {"sqlalchemy_uri": "sqlite:////etc/hostname", "database_name": "canteen"},
            {"sql": "select 1", "schema": "cockpit"},
            {"engine": "duckdb", "parameters": {}, "configuration_method": "sqlalchemy_form"},
        ],
        "RLSRestApi": [
            {
                "name": "probe",
                "filter_type": "Base",
                "tables": [dataset.number],
                "roles": roles,
                "clause": "1 = 1",
            }
        ],
        "SupersetRoleApi": [
            {"name": "probe"},
            {"permission_view_menu_ids": [1, 2, 3]},
            {"user_ids": users},
            {"group_ids": []},
        ],
        "SupersetUserApi": [
            {
                "username": "probe",
                "first_name": "p",
                "last_name": "p",
                "email": "p@canteen.invalid",
                "active": True,
                "password": "Probe-12345",
                "roles": roles[:1],
            },
            {"roles": roles},
        ],
        "GroupApi": [{"name": "probe", "label": "probe", "roles": roles[:1], "users": users[:1]}],
        "SqlLabRestApi": [
            {
                "database_id": catalog.database,
                "sql": f"select * from cockpit.{dataset.name}",
                "schema": "cockpit",
                "client_id": "walk0000001",
                "runAsync": False,
            },
            {"sql": "select 1"},
        ],
        "ReportScheduleRestApi": [
            {
                "type": "Report",
                "name": "probe",
                "crontab": "0 9 * * *",
                "chart": chart.number,
                "recipients": [],
            }
        ],
        "CssTemplateRestApi": [{"template_name": "probe", "css": "body {display: none}"}],
        "ThemeRestApi": [{"theme_name": "probe", "json_data": "{}"}],
        "AnnotationLayerRestApi": [{"name": "probe", "descr": "probe"}],
        "AnnotationRestApi": [{"short_descr": "p", "start_dttm": "2026-10-01", "end_dttm": "2026-10-02"}],
        "SavedQueryRestApi": [
            {"db_id": catalog.database, "label": "probe", "sql": "select 1", "schema": "cockpit"}
        ],
        "TagRestApi": [
            {"name": "probe", "objects_to_tag": [["chart", chart.number]]},
            {"properties": {"tags": ["probe"]}},
            {"tags": [{"name": "p"}]},
        ],
        "CurrentUserRestApi": [{"roles": [1], "username": "admin"}],
        "SecurityRestApi": [
            {
                "user": {"username": "guest"},
                "resources": [{"type": "dashboard", "id": things.uuids["dashboard"][0]}],
                "rls": [],
            },
        ],
        "SecurityApi": [{"username": "admin", "password": "admin", "provider": "db"}],
        "CacheRestApi": [
            {"cache_keys": list(things.keys["cache"]), "datasource_uids": [f"{dataset.number}__table"]}
        ],
        "DashboardFilterStateRestApi": [{"value": json.dumps({"probe": 1})}],
        "DashboardPermalinkRestApi": [{"dataMask": {}, "urlParams": []}],
        "ExploreFormDataRestApi": [
            {"datasource_id": dataset.number, "datasource_type": "table", "form_data": "{}"}
        ],
        "ExplorePermalinkRestApi": [{"formData": {"datasource": f"{dataset.number}__table"}}],
        "SqlLabPermalinkRestApi": [{"dbId": catalog.database, "name": "p", "sql": "select 1"}],
        "LogRestApi": [{"action": "probe"}],
        "QueryRestApi": [{"client_id": things.clients[0]}],
        "DatasourceRestApi": [{"expression": "1 = 1", "expression_type": "where"}],
        "Datasource": [
            urlencode({"data": json.dumps({"id": dataset.number, "type": "table", "sql": "select 1"})}),
            {},
        ],
        "Api": [urlencode({"query_context": json.dumps(rows)})],
        "Superset": [
            urlencode(
                {"form_data": json.dumps({"datasource": f"{dataset.number}__table", "viz_type": "table"})}
            )
        ],
        "TabStateView": [
            urlencode({"queryEditor": json.dumps({"dbId": catalog.database, "sql": "select 1"})})
        ],
        "TableSchemaView": [
            urlencode({"table": json.dumps({"dbId": catalog.database, "queryEditorId": 1, "name": "x"})})
        ],
    }
    if method == "DELETE":
        return [None]
    return by_view.get(view, [{"name": "probe"}])


def _filter_state(server: Server, user: str) -> dict[str, str]:
    scope = next(iter(sorted(server.world.entitled(user) - {CITY})), CITY)
    return {"value": json.dumps({"filterState": {"value": [canary_of(server, scope)]}})}


def _made(client: Client, user: str, path: str, body: Any) -> str:
    """Number or key of an object just made, empty where the user may not make it."""
    found = client.send(Request(user, "POST", path, body)).json()
    return str(found.get("key") or found.get("id") or "") if isinstance(found, dict) else ""
