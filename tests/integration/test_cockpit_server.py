"""The cockpit's server, as it is started for a data home: who sees what, what it refuses, what it repairs."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cockpit_server as tiny
import pytest

from pipelines import cockpit

pytestmark = pytest.mark.skipif(
    not cockpit.PYTHON.exists(),
    reason="THE COCKPIT IS NOT TESTED: .venv-superset is missing; ./canteen test makes it",
)
FELT_WITHIN_S = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tiny.Server]:
    """The server over the tiny home, started from nothing."""
    running = tiny.Server(tiny.make_home(tmp_path_factory.mktemp("cockpit") / "home"))
    log = running.start()
    assert "就绪" in log, log
    yield running
    running.stop()


@pytest.fixture(scope="module")
def user(server: tiny.Server) -> Callable[[str], tiny.Browser]:
    """Sessions by user name, opened once."""
    opened: dict[str, tiny.Browser] = {}

    def session(name: str) -> tiny.Browser:
        if name not in opened:
            opened[name] = tiny.Browser(server)
            assert opened[name].log_in(name), name
        return opened[name]

    return session


def keys(rows: list[dict[str, object]]) -> set[object]:
    return {value for row in rows for name, value in row.items() if name in tiny.KEYS.values()}


def numbered(letter: str, *numbers: int) -> set[str]:
    return {f"{letter}{number}" for number in numbers}


# --- what the next new home starts from


def test_the_metadata_kept_beside_the_environment_hold_nothing_of_a_home(server: tiny.Server) -> None:
    (kept,) = cockpit.PYTHON.parents[1].glob("metadata-*.db")
    with contextlib.closing(sqlite3.connect(f"file:{kept}?mode=ro", uri=True)) as metadata:
        tables = [name for (name,) in metadata.execute("select name from sqlite_master where type = 'table'")]
        filled = {name for name in tables if metadata.execute(f'select 1 from "{name}" limit 1').fetchone()}
    permissions = {"ab_permission", "ab_permission_view", "ab_view_menu", "ab_permission_view_role"}
    assert filled == {"alembic_version", "ab_role"} | permissions


# --- what a stranger gets


def test_login_page_is_chinese_and_knows_no_other_host(server: tiny.Server) -> None:
    stranger = tiny.Browser(server)
    code, page = stranger.get("/login/")
    assert code == 200
    assert "校园食堂监管驾驶舱" in page
    assert not re.search(r'https?://(?!127\.0\.0\.1)[^"\'\s]+', stranger.headers["Content-Security-Policy"])
    code, text = stranger.get("/superset/language_pack/zh/")
    pack = json.loads(text)["locale_data"]["superset"]
    assert pack["Sign in"] == ["登录"]
    assert pack["Enter your login and password below:"] == ["请输入账号和密码"]
    assert pack["Theme"] == ["主题"]  # the shipped guess was 时间
    assert "max-age=31536000" not in stranger.headers["Cache-Control"]


def test_it_listens_on_loopback_only(server: tiny.Server) -> None:
    listening = [
        line.split()[1]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text("ascii").splitlines()[1:]
        if line.split()[3] == "0A" and int(line.split()[1].split(":")[1], 16) == server.port
    ]
    assert listening == [f"0100007F:{server.port:04X}"]


@pytest.mark.requirement("S4-70")
def test_stranger_reads_nothing(server: tiny.Server) -> None:
    stranger = tiny.Browser(server)
    assert stranger.ask("canteen_period")[0] in {400, 401, 403}
    assert (
        stranger.get("/api/v1/dashboard/")[0] in {401, 403}
        or '"count":0' in stranger.get("/api/v1/dashboard/")[1]
    )
    stranger.get("/superset/dashboard/city/")
    assert "/login" in stranger.address


def test_wrong_password_is_refused_and_guessing_is_slowed(server: tiny.Server) -> None:
    guesser = tiny.Browser(server)
    assert not any(guesser.log_in("nobody", "wrong") for _ in range(4))
    codes = {guesser.try_password("nobody", "wrong") for _ in range(20)}
    assert 429 in codes


def test_there_is_no_way_in_by_token(server: tiny.Server) -> None:
    door = {"username": "city", "password": tiny.password("city"), "provider": "db"}
    assert tiny.Browser(server).post("/api/v1/security/login", door)[0] == 404
    assert tiny.Browser(server).post("/api/v1/security/guest_token/", {})[0] in {400, 404}


def test_error_pages_are_chinese(server: tiny.Server) -> None:
    _, page = tiny.Browser(server).get("/no/such/page", accept="text/html")
    assert "没有这一页" in page
    assert "googleapis" not in page


# --- whose rows


@pytest.mark.requirement("S0-05", "S0-13", "S4-72")
@pytest.mark.parametrize(
    ("name", "canteens", "findings"),
    [
        ("city", range(16), range(16)),
        ("county", range(4, 8), [5, 6]),
        ("county_market", range(4, 8), [4, 5, 7]),
        ("school", [6, 7], [6, 7]),
        ("school_too", [6, 7], [6, 7]),
        ("no_scope", [], []),
        ("analyst", range(4, 8), range(4, 8)),
        ("analyst_no_scope", [], []),
        ("admin", range(16), range(16)),
    ],
)
def test_everybody_gets_exactly_the_rows_of_the_own_scope_and_department(
    name: str, canteens: list[int], findings: list[int], user: Callable[[str], tiny.Browser]
) -> None:
    assert keys(user(name).rows("canteen_period")) == numbered("C", *canteens)
    assert keys(user(name).rows("finding")) == numbered("F", *findings)


def test_rows_of_a_chart_come_in_one_order_also_where_it_leaves_some_equal(
    user: Callable[[str], tiny.Browser],
) -> None:
    """Else the order of the own rows would depend on the rows of others."""
    columns = ["county_code", "canteen_id"]

    def shown(**order: Any) -> list[tuple[str, str]]:
        rows = user("city").rows("canteen_period", columns=columns, **order)
        return [(str(row["county_code"]), str(row["canteen_id"])) for row in rows]

    plain = shown()
    assert len(plain) == 16
    assert plain == sorted(plain)
    assert shown(row_limit=5) == plain[:5]
    falling = shown(orderby=[["county_code", False]])
    assert falling == sorted(sorted(plain), key=lambda row: row[0], reverse=True)


def test_answers_kept_for_one_scope_are_never_given_to_another(user: Callable[[str], tiny.Browser]) -> None:
    for _ in range(2):
        for name, canteens in (("city", range(16)), ("school", [6, 7]), ("county", range(4, 8))):
            found = user(name).rows("canteen_period", columns=["canteen_id"], row_limit=77)
            assert keys(found) == numbered("C", *canteens)


def test_each_tier_opens_its_own_dashboard_only(user: Callable[[str], tiny.Browser]) -> None:
    for name, own in (("city", "city"), ("county", "county"), ("school", "school")):
        for slug in ("city", "county", "school"):
            code, _ = user(name).get(f"/superset/dashboard/{slug}/")
            assert (code == 200) == (slug == own), (name, slug)
        user(name).get("/superset/welcome/")
        assert f"/superset/dashboard/{own}/" in user(name).address


@pytest.mark.parametrize("name", ["city", "county", "school", "steward", "scheduler"])
def test_who_is_no_analyst_has_no_sql_and_changes_nothing(
    name: str, user: Callable[[str], tiny.Browser]
) -> None:
    session = user(name)
    assert session.sql("select 1")[0] in {400, 403}
    for path, body in (
        ("/api/v1/dataset/", {"database": 1, "table_name": "x", "schema": "cockpit"}),
        ("/api/v1/chart/", {"slice_name": "x", "datasource_id": 1, "datasource_type": "table"}),
        ("/api/v1/dashboard/", {"dashboard_title": "x"}),
        ("/api/v1/database/", {"database_name": "x", "sqlalchemy_uri": "sqlite://"}),
        ("/api/v1/rowlevelsecurity/", {"name": "x"}),
        ("/api/v1/database/1/upload/", {}),
    ):
        assert session.post(path, body)[0] in {400, 403, 404}, path
    assert session.get("/api/v1/database/1")[0] in {403, 404}


def test_school_exports_nothing_city_does(user: Callable[[str], tiny.Browser]) -> None:
    def export(name: str) -> int:
        body = {
            "datasource": {"id": 1, "type": "table"},
            "queries": [{"columns": ["snapshot_id"], "metrics": ["rows"]}],
            "result_format": "csv",
            "result_type": "full",
        }
        return user(name).post("/api/v1/chart/data", body)[0]

    assert (export("city"), export("school")) == (200, 403)


# --- what SQL may do


@pytest.mark.parametrize(
    "sql",
    [
        "select canteen_id from cockpit.canteen_period",
        "from cockpit.canteen_period select canteen_id",
        "with a as (select * from cockpit.canteen_period) select canteen_id from a",
        "select canteen_id from cockpit.canteen_period where 1 = 1 or 1 = 1",
        "select canteen_id from cockpit.canteen_period union select canteen_id from cockpit.canteen_period",
        "select a.canteen_id from cockpit.canteen_period a join cockpit.finding b on a.school_id = b.school_id",
        "select canteen_id from (select * from cockpit.canteen_period)",
    ],
)
def test_analyst_asks_in_sql_and_gets_the_own_rows(sql: str, user: Callable[[str], tiny.Browser]) -> None:
    code, text = user("analyst").sql(sql)
    assert code == 200, text
    assert {row["canteen_id"] for row in json.loads(text)["data"]} == numbered("C", 4, 5, 6, 7)


@pytest.mark.parametrize(
    "sql",
    [
        "summarize cockpit.canteen_period",
        "select * from (summarize cockpit.canteen_period)",
        "pivot cockpit.canteen_period on county_code using count(*)",
        "select * from (pivot cockpit.canteen_period on county_code using count(*))",
        "unpivot cockpit.canteen_period on canteen_id into name n value v",
        "describe cockpit.canteen_period",
        "explain select * from cockpit.canteen_period",
        "show tables",
        "pragma version",
        "set threads = 1",
        "attach 'x.duckdb' as x",
        "copy cockpit.canteen_period to 'x.csv'",
        "install httpfs",
        "load json",
        "create table x as select 1",
        "select * from cockpit.access_grant",
        "select * from main.elsewhere",
        "select * from elsewhere",
        "select * from information_schema.tables",
        "select * from duckdb_settings()",
        "select * from pragma_table_info('cockpit.canteen_period')",
        "select * from query('select * from cockpit.canteen_period')",
        "select * from query_table('cockpit.canteen_period')",
        "select * from read_text('/etc/hostname')",
        "select * from '/etc/hostname'",
        "select * from glob('/*')",
        "select getenv('PATH')",
        "select current_setting('temp_directory')",
        "select version()",
        'select * from "snapshot-1".cockpit.canteen_period',
        "select columns('.*') from cockpit.canteen_period",
        "select '{{ current_username() }}' from cockpit.access_grant",
    ],
)
def test_sql_that_reads_past_the_rules_or_out_of_the_cockpit_is_refused(
    sql: str, user: Callable[[str], tiny.Browser]
) -> None:
    code, text = user("analyst").sql(sql)
    assert code >= 400, text
    assert '"data"' not in text


def test_who_is_refused_a_table_is_not_named_in_the_log(
    server: tiny.Server, user: Callable[[str], tiny.Browser]
) -> None:
    analyst = user("analyst")
    number = json.loads(analyst.get("/api/v1/database/")[1])["ids"][0]
    assert analyst.get(f"/api/v1/database/{number}/select_star/canteen_day/gold/")[0] == 404
    assert "for user" not in server.log.read_text("utf8")


@pytest.mark.parametrize(
    "expression",
    [
        "version()",
        "current_setting('temp_directory')",
        "getenv('PATH')",
        "(select count(*) from cockpit.canteen_period)",
        "max(repeat('x', 100000000))",
        "count(*) from cockpit.canteen_period) --",
        "list(canteen_id)",
    ],
)
def test_own_expression_in_a_chart_cannot_look_out_of_it(
    expression: str, user: Callable[[str], tiny.Browser]
) -> None:
    metric = {"expressionType": "SQL", "sqlExpression": expression, "label": "x"}
    assert user("school").ask("canteen_period", metrics=[metric])[0] >= 400
    metric["sqlExpression"] = "sum(case when pupils > 6 then 1 else 0 end)"
    assert keys(user("school").rows("canteen_period", metrics=[metric])) == numbered("C", 6, 7)


# --- one page, one snapshot


def test_page_is_pinned_to_the_newest_snapshot_and_stays_there(
    server: tiny.Server, user: Callable[[str], tiny.Browser]
) -> None:
    city = user("city")
    city.get("/superset/dashboard/city/?standalone=2")
    assert "snapshot=1" in city.address
    assert "standalone=2" in city.address
    assert city.headers["X-Canteen-Snapshot"] == "1"
    assert city.headers["Refresh"]
    first = city.address.removeprefix(server.address)
    assert {row["snapshot_id"] for row in city.rows("canteen_period", first)} == {1}

    tiny.publish(server.home, 2)

    assert {row["snapshot_id"] for row in city.rows("canteen_period", first)} == {1}, "cached"
    assert {row["snapshot_id"] for row in city.rows("canteen_period", first, row_limit=55)} == {1}
    assert city.headers["X-Canteen-Snapshot"] == "1"
    city.get("/superset/dashboard/city/?snapshot=1")
    assert "snapshot=2" in city.address
    second = city.address.removeprefix(server.address)
    assert {row["snapshot_id"] for row in city.rows("canteen_period", second)} == {2}
    assert {row["snapshot_id"] for row in city.rows("canteen_period", "/?snapshot=99")} == {2}
    assert {row["snapshot_id"] for row in city.rows("canteen_period", "/?snapshot=../1")} == {2}


# --- accounts that change while it runs


@pytest.mark.requirement("S4-51")
def test_grant_that_ended_ends_the_session(server: tiny.Server, user: Callable[[str], tiny.Browser]) -> None:
    leaver = user("county_market")
    assert leaver.rows("canteen_period")
    staying = [one for one in tiny.USERS if one["username"] != "county_market"]
    tiny.write_private(server.state / "access.json", tiny.access(staying))
    try:
        wait(lambda: leaver.ask("canteen_period")[0] in {400, 401, 403})
        assert leaver.get("/api/v1/me/")[0] == 401
        assert not tiny.Browser(server).log_in("county_market")
        assert user("county").rows("canteen_period")
    finally:
        tiny.write_private(server.state / "access.json", tiny.access(tiny.USERS))
    wait(lambda: tiny.Browser(server).log_in("county_market"))


def test_new_password_replaces_the_old_one_and_its_sessions(server: tiny.Server) -> None:
    old = tiny.Browser(server)
    assert old.log_in("school_too")
    login = cockpit.reset_login(server.home, "school_too", running=True)
    assert old.get("/api/v1/me/")[0] == 401
    assert tiny.Browser(server).log_in("school_too", login.password)
    assert not tiny.Browser(server).log_in("school_too")
    assert not (server.state / "resets.json").exists()


# --- starting again


def test_second_start_does_nothing_and_the_next_repairs_what_was_spoilt(server: tiny.Server) -> None:
    before = ids(server)
    server.stop()
    assert "无（均未变化）" in server.start()

    with server.metadata() as metadata:
        metadata.execute("update slices set slice_name = 'spoilt'")
        metadata.execute("update row_level_security_filters set clause = '1 = 1'")
        metadata.execute("insert into ab_role (name) values ('scope_county_000000')")
        metadata.execute(
            "insert into ab_permission_view_role (permission_view_id, role_id) select p.id, r.id "
            "from ab_permission_view p join ab_view_menu v on v.id = p.view_menu_id, ab_role r "
            "where v.name = 'SQLLab' and r.name = 'tier_school'"
        )
        metadata.execute("update ab_user set active = 1 where username = 'canteen'")
    server.stop()
    log = server.start()
    assert "做了：assets、access" in log, log
    with server.metadata() as metadata:
        titles = {row[0] for row in metadata.execute("select slice_name from slices")}
        roles = {row[0] for row in metadata.execute("select name from ab_role")}
        open_rules = metadata.execute(
            "select count(*) from row_level_security_filters where clause = '1 = 1'"
        ).fetchone()
        actor = metadata.execute("select active from ab_user where username = 'canteen'").fetchone()
    assert titles == {"表 canteen_period", "表 finding"}
    assert "scope_county_000000" not in roles
    assert (open_rules, actor) == ((0,), (0,))
    school = tiny.Browser(server)
    assert school.log_in("school")
    assert school.sql("select 1")[0] == 403
    assert keys(school.rows("canteen_period")) == numbered("C", 6, 7)
    assert ids(server) == before


def test_asset_tree_that_contradicts_itself_is_refused_and_nothing_is_served(server: tiny.Server) -> None:
    server.stop()
    chart = server.state / "assets" / "charts" / "finding.yaml"
    kept = chart.read_bytes()
    chart.unlink()
    log = server.start()
    assert server.process is not None
    assert server.process.returncode not in {0, None}
    assert log.splitlines()[-1].startswith("驾驶舱没有启动")
    assert "不存在" in log.splitlines()[-1]
    chart.write_bytes(kept)
    assert "就绪" in server.start()


def test_dashboard_that_is_not_in_the_tree_is_named(server: tiny.Server) -> None:
    server.stop()
    with server.metadata() as metadata:
        metadata.execute(
            "insert into dashboards (dashboard_title, uuid, created_on, changed_on) "
            "select '别人的看板', randomblob(16), created_on, changed_on from dashboards limit 1"
        )
    assert "不在定义中的看板：别人的看板" in server.start()


# --- secrets


@pytest.mark.parametrize(
    ("secret", "mode", "reason"),
    [
        ("CHANGE_ME_TO_A_COMPLEX_RANDOM_SECRET_0000000000", 0o600, "众所周知"),
        ("test-guest-secret-change-me-0000000000000000", 0o600, "众所周知"),
        ("short", 0o600, "太短"),
        ("nobody-knows-this-one-0123456789-0123456789", 0o644, "可被其他用户读取"),
    ],
)
def test_secret_that_others_know_is_refused(
    secret: str, mode: int, reason: str, server: tiny.Server, tmp_path: Path
) -> None:
    home = tiny.make_home(tmp_path / "home")
    path = home.home / "superset" / "secrets.json"
    path.write_text(
        json.dumps({"secret_key": secret, "guest_secret": "another-one-0123456789-0123456789-01"}), "utf8"
    )
    path.chmod(mode)
    refused = tiny.Server(home)
    log = refused.start()
    assert refused.process is not None
    assert refused.process.returncode not in {0, None}
    assert log.splitlines()[-1].startswith("拒绝启动")
    assert reason in log
    shutil.rmtree(home.home)


def ids(server: tiny.Server) -> list[tuple[object, ...]]:
    with server.metadata() as metadata:
        return [
            row
            for table in ("dbs", "tables", "slices", "dashboards")
            for row in metadata.execute(f"select id, uuid from {table} order by id")
        ]


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + FELT_WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, "not felt within a minute"
        time.sleep(1)
