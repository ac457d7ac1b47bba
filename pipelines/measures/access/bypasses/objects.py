"""Attempts on what stands around a question: caches, snapshots, exports, writing, others' objects, people, pages.

Does not belong here: the questions themselves (``charts``, ``sql_lab``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from pipelines.measures.access import kinds
from pipelines.measures.access.bypasses.attempt import (
    ANALYST,
    COUNTY,
    NOBODY,
    SCHOOL,
    Attempt,
    Ground,
    chart_question,
)
from pipelines.measures.access.client import Request, rison
from pipelines.measures.access.walk import bundle, upload


def every(ground: Ground) -> Iterator[Attempt]:
    """All attempts of this module."""
    for make in (_caches, _snapshots, _exports, _writes, _objects, _people, _pages):
        yield from make(ground)


def _caches(ground: Ground) -> Iterator[Attempt]:
    """The same body right after somebody with more rights."""
    for name, parts in {
        "same body": {},
        "forced": {"force": True},
        "long cache": {"custom_cache_timeout": 86400},
        "no cache": {"custom_cache_timeout": -1},
        "forced by the city, cached for the school": {"force": False, "form_data": {"force": True}},
    }.items():

        def body(user: str, parts: Mapping[str, Any] = parts) -> Request:
            return chart_question(
                user, ground, "finding", parts, columns=["school_name", "text_zh"], metrics=[]
            )

        yield Attempt(f"cache: {name}", SCHOOL, [body("city_edu"), body("admin"), body(COUNTY), body(SCHOOL)])
        yield Attempt(
            f"cache: {name}, other department", "school_1_again", [body(SCHOOL), body("school_1_again")]
        )
    keys = ground.things.keys["cache"]
    yield Attempt(
        "cache: answer by its key",
        SCHOOL,
        [Request(SCHOOL, "GET", f"/api/v1/chart/data/{key}") for key in keys],
    )
    yield Attempt(
        "cache: result by its key",
        ANALYST,
        [Request(ANALYST, "GET", f"/api/v1/sqllab/results/?q={rison({'key': key})}") for key in keys],
    )
    chart = ground.things.catalog.charts[0]
    both = [Request(user, "GET", f"/api/v1/chart/{chart.number}/data/") for user in ("city_edu", SCHOOL)]
    yield Attempt("cache: a saved chart after the city", SCHOOL, both)
    warm = [
        Request(SCHOOL, "PUT", "/api/v1/chart/warm_up_cache", {"chart_id": chart.number}),
        Request(SCHOOL, "GET", f"/superset/warm_up_cache/?slice_id={chart.number}"),
    ]
    yield Attempt("cache: warming it up", SCHOOL, warm, refused=True)
    yield Attempt(
        "cache: clearing it",
        COUNTY,
        [Request(COUNTY, "POST", "/api/v1/cachekey/invalidate", {"cache_keys": list(keys)})],
        refused=True,
    )


def _snapshots(ground: Ground) -> Iterator[Attempt]:
    """The number of the page's file, as a way to another file."""
    for text in (
        "../../../etc/passwd",
        "/etc/passwd",
        "1",
        "999999",
        "-1",
        "0",
        "2%00",
        "1e3",
        "２",
        "2;3",
        "serving",
        "../superset/superset",
        "",
    ):
        path = f"/superset/dashboard/school/?snapshot={text}"
        referer = (
            {"Referer": f"http://127.0.0.1/superset/dashboard/school/?snapshot={text}"}
            if text.isascii()
            else {}
        )
        data = replace(chart_question(SCHOOL, ground, columns=["school_name"]), headers=referer)
        named = chart_question(
            SCHOOL, ground, parts={"form_data": {"url_params": {"snapshot": text}}}, columns=["school_name"]
        )
        argued = replace(data, path=f"/api/v1/chart/data?snapshot={text}", headers={})
        yield Attempt(
            f"snapshot: {text!r}",
            SCHOOL,
            [
                Request(SCHOOL, "GET", path.encode("ascii", "xmlcharrefreplace").decode()),
                data,
                named,
                replace(argued, path=argued.path.encode("ascii", "xmlcharrefreplace").decode()),
            ],
        )


def _exports(ground: Ground) -> Iterator[Attempt]:
    chart, city = ground.things.catalog.charts[0].number, ground.number("county_period")
    for form in ("csv", "xlsx"):
        request = chart_question(
            SCHOOL, ground, "canteen_period", {"result_format": form}, columns=["school_name"]
        )
        yield Attempt(f"export: {form} without the right", SCHOOL, [request], refused=True)
        request = chart_question(
            COUNTY, ground, "delivery", {"result_format": form}, columns=["provider_label", "county_name"]
        )
        yield Attempt(f"export: {form} of deliveries of all", COUNTY, [request])
        form_post = urlencode(
            {
                "form_data": json.dumps(
                    kinds.context(city, kinds.query(columns=["county_name"]), result_format=form)
                )
            }
        )
        yield Attempt(
            f"export: {form} by a form",
            SCHOOL,
            [Request(SCHOOL, "POST", "/api/v1/chart/data", form_post)],
            refused=True,
        )
        yield Attempt(
            f"export: {form} of a saved chart",
            SCHOOL,
            [Request(SCHOOL, "GET", f"/api/v1/chart/{chart}/data/?format={form}")],
            refused=True,
        )
    for kind in ("assets", "database", "dataset", "chart", "dashboard", "saved_query", "theme"):
        path = (
            "/api/v1/assets/export/" if kind == "assets" else f"/api/v1/{kind}/export/?q={rison([1, 2, 3])}"
        )
        for user in (SCHOOL, ANALYST):
            yield Attempt(f"export: {kind} ({user})", user, [Request(user, "GET", path)])


def _writes(ground: Ground) -> Iterator[Attempt]:
    """Changing what is shown, or to whom."""
    catalog = ground.things.catalog
    dataset, database, me = (
        ground.number("canteen_period"),
        catalog.database,
        catalog.users[ground.server.world.account(SCHOOL)],
    )
    chart, board = catalog.charts[0].number, catalog.dashboards["school"]
    virtual = {
        "database": database,
        "schema": "cockpit",
        "table_name": "stolen",
        "sql": "select * from gold.dim_canteen",
    }
    rule = {
        "name": "mine",
        "filter_type": "Regular",
        "clause": "1=1",
        "tables": [dataset],
        "roles": list(catalog.roles.values()),
        "group_key": "scope",
    }
    csv = upload("file", b"a,b\n1,2\n", table_name="x", type="csv", schema="cockpit")
    export = bundle({"metadata.yaml": "version: 1.0.0\ntype: assets\ntimestamp: '2026-01-01'\n"})
    packed = upload("bundle", export, overwrite="true")
    for name, method, path, body in (
        ("dataset's SQL", "PUT", f"/api/v1/dataset/{dataset}", {"sql": "select * from gold.dim_canteen"}),
        ("dataset's owner", "PUT", f"/api/v1/dataset/{dataset}", {"owners": [me]}),
        ("dataset's columns", "PUT", f"/api/v1/dataset/{dataset}?override_columns=true", {"columns": []}),
        ("dataset refreshed", "PUT", f"/api/v1/dataset/{dataset}/refresh", None),
        ("dataset copied", "POST", "/api/v1/dataset/duplicate", {"base_model_id": dataset, "table_name": "copy"}),
        ("virtual dataset", "POST", "/api/v1/dataset/", virtual),
        ("dataset of the grants", "POST", "/api/v1/dataset/", {"database": database, "schema": "cockpit", "table_name": "access_grant"}),
        ("dataset got or created", "POST", "/api/v1/dataset/get_or_create/", {"database_id": database, "schema": "gold", "table_name": "dim_canteen"}),
        ("dataset deleted", "DELETE", f"/api/v1/dataset/{dataset}", None),
        ("chart made", "POST", "/api/v1/chart/", {"slice_name": "x", "viz_type": "table", "datasource_id": dataset, "datasource_type": "table"}),
        ("chart over a question", "POST", "/api/v1/chart/", {"slice_name": "x", "viz_type": "table", "datasource_id": 1, "datasource_type": "query"}),
        ("chart's query", "PUT", f"/api/v1/chart/{chart}", {"query_context": "{}", "owners": [me]}),
        ("chart deleted", "DELETE", f"/api/v1/chart/{chart}", None),
        ("dashboard's roles", "PUT", f"/api/v1/dashboard/{catalog.dashboards['city']}", {"roles": [], "published": True}),
        ("dashboard's style", "PUT", f"/api/v1/dashboard/{board}", {"css": "body{}"}),
        ("dashboard's filters", "PUT", f"/api/v1/dashboard/{board}/filters", {"modified": [], "deleted": [], "reordered": []}),
        ("dashboard's colours", "PUT", f"/api/v1/dashboard/{board}/colors", {"color_scheme": "x"}),
        ("dashboard copied", "POST", f"/api/v1/dashboard/{board}/copy/", {"dashboard_title": "x", "json_metadata": "{}"}),
        ("dashboard embedded", "POST", f"/api/v1/dashboard/{board}/embedded", {"allowed_domains": []}),
        ("dashboard deleted", "DELETE", f"/api/v1/dashboard/{board}", None),
        ("database changed", "PUT", f"/api/v1/database/{database}", {"sqlalchemy_uri": "duckdb:////etc/hostname", "expose_in_sqllab": True}),
        ("database made", "POST", "/api/v1/database/", {"database_name": "x", "sqlalchemy_uri": "duckdb:///:memory:"}),
        ("database deleted", "DELETE", f"/api/v1/database/{database}", None),
        ("file uploaded", "POST", f"/api/v1/database/{database}/upload/", csv),
        ("upload looked at", "POST", "/api/v1/database/upload_metadata/", csv),
        ("rule made", "POST", "/api/v1/rowlevelsecurity/", rule),
        ("rule changed", "PUT", f"/api/v1/rowlevelsecurity/{catalog.rules[0]}", {"clause": "1=1"}),
        ("rule deleted", "DELETE", f"/api/v1/rowlevelsecurity/{catalog.rules[0]}", None),
        ("rules deleted together", "DELETE", f"/api/v1/rowlevelsecurity/?q={rison(list(catalog.rules[:3]))}", None),
        ("own roles", "PUT", f"/api/v1/security/users/{me}", {"roles": list(catalog.roles.values())}),
        ("own account by another way", "PUT", "/api/v1/me/", {"roles": [1], "username": "admin", "active": True}),
        ("role's permissions", "POST", f"/api/v1/security/roles/{catalog.roles['tier_school']}/permissions", {"permission_view_menu_ids": list(range(1, 300))}),
        ("role's users", "PUT", f"/api/v1/security/roles/{catalog.roles['Admin']}/users", {"user_ids": [me]}),
        ("role made", "POST", "/api/v1/security/roles/", {"name": "mine"}),
        ("account made", "POST", "/api/v1/security/users/", {"username": "x", "first_name": "x", "last_name": "x", "email": "x@canteen.invalid", "active": True, "password": "Abc-1234567", "roles": [1]}),
        ("group made", "POST", "/api/v1/security/groups/", {"name": "g", "label": "g", "roles": [1], "users": [me]}),
        ("assets imported", "POST", "/api/v1/assets/import/", packed),
        ("dashboard imported", "POST", "/api/v1/dashboard/import/", upload("formData", export, overwrite="true")),
        ("database imported", "POST", "/api/v1/database/import/", upload("formData", export, overwrite="true")),
        ("theme made", "POST", "/api/v1/theme/", {"theme_name": "x", "json_data": "{}"}),
        ("style made", "POST", "/api/v1/css_template/", {"template_name": "x", "css": "x"}),
        ("report made", "POST", "/api/v1/report/", {"type": "Report", "name": "x", "crontab": "* * * * *", "chart": chart}),
        ("annotation made", "POST", "/api/v1/annotation_layer/", {"name": "x"}),
        ("tag made", "POST", "/api/v1/tag/", {"name": "x"}),
        ("registration", "POST", "/register/", "username=x&password=x"),
        ("old datasource save", "POST", "/datasource/save/", urlencode({"data": json.dumps({"id": dataset, "type": "table", "sql": "select 1", "owners": [me]})})),
    ):  # fmt: skip
        for user in (SCHOOL, ANALYST):
            headers = {"Content-Type": body.kind} if hasattr(body, "kind") else {}
            request = Request(user, method, path, body.content if hasattr(body, "kind") else body, headers)
            yield Attempt(f"change: {name} ({user})", user, [request], refused=True)


def _objects(ground: Ground) -> Iterator[Attempt]:
    """Things that others left behind."""
    things = ground.things
    catalog = things.catalog
    for number, key, owner in things.filter_states:
        for user in (SCHOOL, "county_a", ANALYST):
            request = Request(user, "GET", f"/api/v1/dashboard/{number}/filter_state/{key}")
            yield Attempt(f"object: filters of {owner} ({user})", user, [request])
    for number, key, owner in things.filter_states:
        steal = [
            Request(SCHOOL, method, f"/api/v1/dashboard/{number}/filter_state/{key}", body)
            for method, body in (("PUT", {"value": "{}"}), ("DELETE", None))
        ]
        yield Attempt(f"object: changing filters of {owner}", SCHOOL, steal, refused=True)
    for key in things.keys["permalink"]:
        yield Attempt(
            f"object: link {key} of the administrator",
            SCHOOL,
            [
                Request(SCHOOL, "GET", f"/api/v1/dashboard/permalink/{key}"),
                Request(SCHOOL, "GET", f"/superset/dashboard/p/{key}/"),
            ],
        )
    for name, path in {
        "form": f"/api/v1/explore/form_data/{things.keys['form'][0]}",
        "explore link": f"/api/v1/explore/permalink/{things.keys['explore'][0]}",
        "explore page": f"/superset/explore/p/{things.keys['explore'][0]}/",
        "SQL Lab link": f"/api/v1/sqllab/permalink/{things.keys['explore'][0]}",
        "saved question": f"/api/v1/saved_query/{things.numbers['saved'][0]}",
        "question": f"/api/v1/query/{things.numbers['query'][0]}",
        "questions": "/api/v1/query/",
        "questions since": f"/api/v1/query/updated_since?q={rison({'last_updated_ms': 0})}",
        "question's tab": "/tabstateview/1",
        "log": "/api/v1/log/",
        "recent activity": "/api/v1/log/recent_activity/",
        "recent activity of others": f"/api/v1/log/recent_activity/?q={rison({'actions': ['mount_dashboard'], 'distinct': False})}",
        "styles": "/api/v1/css_template/",
        "annotation layers": "/api/v1/annotation_layer/",
        "annotations": f"/api/v1/annotation_layer/{things.numbers['layer'][0]}/annotation/",
        "reports": "/api/v1/report/",
        "tags": "/api/v1/tag/",
        "tagged objects": "/api/v1/tag/get_objects/?types=chart",
        "favourites": f"/api/v1/dashboard/favorite_status/?q={rison([1, 2, 3])}",
        "charts of the city's dashboard": "/api/v1/dashboard/city/charts",
        "datasets of the city's dashboard": "/api/v1/dashboard/city/datasets",
        "tabs of the city's dashboard": "/api/v1/dashboard/city/tabs",
        "city's dashboard": "/api/v1/dashboard/city",
        "city's dashboard's page": "/superset/dashboard/city/",
        "city's dashboard, standalone": "/superset/dashboard/city/?standalone=3",
        "thumbnail": f"/api/v1/chart/{catalog.charts[0].number}/thumbnail/0/",
        "screenshot": f"/api/v1/chart/{catalog.charts[0].number}/cache_screenshot/",
        "dashboard's thumbnail": "/api/v1/dashboard/1/thumbnail/0/",
    }.items():
        for user in (SCHOOL, NOBODY):
            yield Attempt(f"object: {name} ({user or 'nobody'})", user, [Request(user, "GET", path)])


def _people(ground: Ground) -> Iterator[Attempt]:
    """Who else uses the cockpit."""
    for kind in ("dashboard", "chart", "dataset", "database", "theme", "query", "report", "rowlevelsecurity"):
        for column in ("owners", "created_by", "changed_by", "roles", "user"):
            path = f"/api/v1/{kind}/related/{column}?q={rison({'page_size': 1000, 'filter': ''})}"
            yield Attempt(f"people: {column} of {kind}", SCHOOL, [Request(SCHOOL, "GET", path)])
    everyone = rison(
        {
            "page_size": 1000,
            "filters": [{"col": "username", "opr": "ct", "value": ""}],
            "columns": ["username", "password"],
        }
    )
    for path in (
        "users/",
        "roles/",
        "groups/",
        "permissions/",
        "permissions-resources/",
        "resources/",
        "roles/search/",
        "user_registrations/",
    ):
        for user in (SCHOOL, ANALYST):
            request = Request(user, "GET", f"/api/v1/security/{path}?q={everyone}")
            yield Attempt(f"people: {path} ({user})", user, [request], refused=True)
    for column, operator in (("owners", "rel_m_m"), ("created_by", "rel_o_m"), ("changed_by", "rel_o_m")):
        for value in range(1, 6):
            query = rison(
                {
                    "filters": [{"col": column, "opr": operator, "value": value}],
                    "columns": ["id", f"{column}.first_name", f"{column}.username", f"{column}.email"],
                }
            )
            yield Attempt(
                f"people: dashboards by {column} {value}",
                SCHOOL,
                [Request(SCHOOL, "GET", f"/api/v1/dashboard/?q={query}")],
            )
    for kind in ("chart", "dataset", "dashboard"):
        query = rison(
            {
                "columns": [
                    "id",
                    "created_by.password",
                    "owners.password",
                    "changed_by.email",
                    "database.password",
                    "database.sqlalchemy_uri",
                ]
            }
        )
        yield Attempt(
            f"people: passwords by columns of {kind}",
            SCHOOL,
            [Request(SCHOOL, "GET", f"/api/v1/{kind}/?q={query}")],
        )
        order = rison({"order_column": "owners.password", "order_direction": "asc"})
        yield Attempt(
            f"people: order by password of {kind}",
            SCHOOL,
            [Request(SCHOOL, "GET", f"/api/v1/{kind}/?q={order}")],
        )
    yield Attempt(
        "people: rules", SCHOOL, [Request(SCHOOL, "GET", "/api/v1/rowlevelsecurity/")], refused=True
    )
    yield Attempt(
        "people: avatars",
        SCHOOL,
        [Request(SCHOOL, "GET", f"/api/v1/user/{number}/avatar.png") for number in range(1, 6)],
    )
    yield Attempt(
        "people: old user list",
        SCHOOL,
        [
            Request(SCHOOL, "GET", "/users/list/?psize_UserDBModelView=100"),
            Request(SCHOOL, "GET", "/users/show/1"),
        ],
    )


def _pages(ground: Ground) -> Iterator[Attempt]:
    for path in (
        "/superset/welcome/",
        "/dashboard/list/",
        "/chart/list/",
        "/tablemodelview/list/",
        "/databaseview/list/",
        "/users/",
        "/roles/",
        "/sqllab/",
        "/explore/?datasource_type=table&datasource_id=1",
        "/superset/file-handler?file=/etc/passwd",
        "/static/../../../secrets.json",
        "/static/%2e%2e/%2e%2e/%2e%2e/superset.db",
        "/canteen/../config.py",
        "/api/v1/_openapi",
        "/swagger/v1",
        "/actionlog/list",
        "/superset/sqllab/history/",
        "/version",
    ):
        for user in (SCHOOL, NOBODY):
            yield Attempt(f"page: {path} ({user or 'nobody'})", user, [Request(user, "GET", path)])
