"""What the product gives to the cockpit's server: secrets, accounts, a command line; what the server refuses."""

from __future__ import annotations

import json
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dashboards.superset import places
from dashboards.sync import access, build
from pipelines import cockpit
from warehouse import settings
from warehouse.errors import Permanent, Transient
from warehouse.settings import ROOT, Settings

USERS = [
    {"username": "b", "tier": "county", "department": "market", "scopes": []},
    {"username": "c", "tier": "county", "department": "market", "scopes": []},
    {"username": "d", "tier": "county", "department": "education", "scopes": []},
    {"username": "e", "tier": "steward", "department": None, "scopes": []},
    {
        "username": "f",
        "tier": "school",
        "department": None,
        "scopes": [{"column": "school_id", "value": "s1"}],
    },
    {
        "username": "g",
        "tier": "school",
        "department": None,
        "scopes": [{"column": "school_id", "value": "s2"}],
    },
]
OVERLAY = json.loads((ROOT / "dashboards" / "superset" / "language" / "zh_overlay.json").read_text("utf8"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A home whose assets and grants are taken as made."""
    made = settings.load(tmp_path / "home")
    users: list[dict[str, Any]] = [dict(user) for user in USERS]

    def write(one: Settings) -> Path:
        path = one.home / "superset" / "access.json"
        path.write_text(json.dumps({"users": users, "datasets": {}, "dashboards": {}}), "utf8")
        return path

    monkeypatch.setattr(cockpit, "PYTHON", Path("/bin/sh"))
    monkeypatch.setattr(build, "build", lambda one: one.home / "superset" / "assets")
    monkeypatch.setattr(access, "write", write)
    monkeypatch.setattr(cockpit, "_filled", lambda _: {"s1": 1, "s2": 2})
    return made


def read(home: Settings, name: str) -> Any:
    return json.loads((home.home / "superset" / name).read_text("utf8"))


def test_secrets_and_first_passwords_are_random_private_and_made_once(home: Settings) -> None:
    cockpit.prepare(home)
    folder = home.home / "superset"
    made = {name: read(home, name) for name in ("secrets.json", "first_logins.json")}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in (*made, "access.json"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600, name
    pair = made["secrets.json"]
    assert len({*pair.values()}) == 2
    assert min(map(len, pair.values())) >= 60
    cockpit.prepare(home)
    assert {name: read(home, name) for name in made} == made


def test_one_account_of_every_role_gets_a_first_password_shown_once(home: Settings) -> None:
    cockpit.prepare(home)
    shown = cockpit.logins_once(home)
    assert [(one.role, one.username) for one in shown] == [
        ("县级监管（市场监管）", "b"),
        ("县级监管（教育）", "d"),
        ("学校", "g"),  # the first school has fewer pages filled
        ("数据管理", "e"),
        ("系统管理", "admin"),
    ]
    assert len({one.password for one in shown}) == len(shown)
    assert cockpit.logins_once(home) == []


def test_there_is_always_an_administrator_and_never_a_second_one(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    cockpit.prepare(home)
    assert [user["username"] for user in read(home, "access.json")["users"]] == [
        *(user["username"] for user in USERS),
        "admin",
    ]
    granted = {"username": "boss", "tier": "admin", "department": None, "scopes": []}

    def write(one: Settings) -> Path:
        path = one.home / "superset" / "access.json"
        path.write_text(json.dumps({"users": [granted]}), "utf8")
        return path

    monkeypatch.setattr(access, "write", write)
    cockpit.refresh(home)
    assert read(home, "access.json")["users"] == [granted]


def test_new_password_waits_for_the_running_server_and_is_left_for_a_stopped_one(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    cockpit.prepare(home)
    first = cockpit.reset_login(home, "b", running=False)
    second = cockpit.reset_login(home, "c", running=False)
    assert read(home, "resets.json") == {"b": first.password, "c": second.password}
    assert first.password != second.password
    monkeypatch.setattr(cockpit, "RESET_LIMIT_S", 0)
    with pytest.raises(Transient, match="没有接受新密码"):
        cockpit.reset_login(home, "b", running=True)
    with pytest.raises(Permanent, match="没有账号 nobody"):
        cockpit.reset_login(home, "nobody", running=False)


def test_server_gets_its_own_settings_and_none_of_the_callers(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUPERSET_SECRET_KEY", "from outside")
    monkeypatch.setenv("FLASK_DEBUG", "1")
    _, environment = cockpit.command(home, 8088)
    assert not any(name.startswith("FLASK_") for name in environment)
    assert {name for name in environment if name.startswith("SUPERSET_")} == {"SUPERSET_CONFIG_PATH"}
    assert environment["CANTEEN_SERVING"] == str(home.serving.parent)


def test_without_its_environment_the_cockpit_says_how_to_get_it(
    home: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cockpit, "PYTHON", tmp_path / "none" / "bin" / "python")
    with pytest.raises(Permanent, match=r"请用 \./canteen serve 启动"):
        cockpit.prepare(home)


@pytest.mark.parametrize(
    ("secret", "mode", "reason"),
    [
        ("CHANGE_ME_TO_A_COMPLEX_RANDOM_SECRET_000000", 0o600, "众所周知"),
        ("\2\1thisismyscretkey\1\2\\e\\y\\y\\h-000000000000", 0o600, "众所周知"),
        ("test-guest-secret-change-me-00000000000", 0o600, "众所周知"),
        ("short", 0o600, "太短"),
        ("another-one-0123456789-0123456789-01", 0o600, "相同"),
        ("nobody-knows-this-one-0123456789-012345", 0o640, "可被其他用户读取"),
    ],
)
def test_server_refuses_secrets_that_others_know(
    secret: str, mode: int, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANTEEN_SUPERSET_HOME", str(tmp_path))
    path = tmp_path / "secrets.json"
    with pytest.raises(places.RefusedError, match="缺少密钥文件"):
        places.secrets()
    pair = {"secret_key": secret, "guest_secret": "another-one-0123456789-0123456789-01"}
    path.write_text(json.dumps(pair), "utf8")
    path.chmod(mode)
    with pytest.raises(places.RefusedError, match=reason):
        places.secrets()
    path.write_text(json.dumps({**pair, "secret_key": "nobody-knows-this-one-0123456789-012345"}), "utf8")
    path.chmod(0o600)
    assert places.secrets()[0].startswith("nobody")


def test_server_does_not_start_without_being_told_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CANTEEN_SUPERSET_HOME", raising=False)
    with pytest.raises(places.RefusedError, match="CANTEEN_SUPERSET_HOME"):
        places.home()


def test_metadata_are_in_sqlite_unless_another_database_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CANTEEN_SUPERSET_HOME", str(tmp_path))
    monkeypatch.delenv("CANTEEN_SUPERSET_DB", raising=False)
    assert places.metadata_uri() == f"sqlite:///{tmp_path}/superset.db"
    monkeypatch.setenv("CANTEEN_SUPERSET_DB", "postgresql://cockpit@/cockpit")
    assert places.metadata_uri() == "postgresql://cockpit@/cockpit"


def test_overlay_is_chinese_and_asks_for_no_value_that_is_not_given() -> None:
    placeholder = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+\}")
    for english, chinese in OVERLAY.items():
        rest = placeholder.sub("", chinese)
        for name in ("SQL", "CSV", "Excel", "JSON", "YAML", "PDF"):
            rest = rest.replace(name, "")
        assert not re.search(r"[A-Za-z]", rest), (english, chinese)
        assert chinese, english
        wanted, given = placeholder.findall(chinese), placeholder.findall(english)
        if english != "search.num_records":
            assert all(given.count(one) >= wanted.count(one) for one in wanted), (english, chinese)


@pytest.mark.skipif(
    not cockpit.PYTHON.exists(), reason="NOT TESTED: .venv-superset is missing; ./canteen test makes it"
)
def test_names_of_others_cannot_write_into_the_first_view() -> None:
    """Names of schools and suppliers come from files: they are text in the page, never markup."""
    code = """if True:
        from types import SimpleNamespace
        from dashboards.superset import first_view
        evil = '<img src=x onerror=alert(1)>"'
        params = {"all_columns": ["name"], "metric": "name", "conditional_formatting": []}
        dataset = SimpleNamespace(id=1, changed_on=None, verbose_map={"name": evil})
        chart = SimpleNamespace(params_dict=params, datasource=dataset)
        shown = first_view._Shown(chart, {})
        print(first_view._table(shown, [{"name": evil}]), first_view._tile(shown, [{"name": evil}]))
    """
    done = subprocess.run([cockpit.PYTHON, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.count("&lt;img") == 3
    assert "<img" not in done.stdout
