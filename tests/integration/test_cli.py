"""The command line: one clear line for whatever goes wrong, one JSON object for whoever asks."""

from __future__ import annotations

import errno
import json
import os
import resource
import socket
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from pipelines import doctor, lock, night, services
from pipelines.cli import operate
from pipelines.cli.app import APP, main
from pipelines.cli.terminal import Terminal, table, take_common
from warehouse import manifest, settings
from warehouse.errors import Permanent

ROOT = Path(__file__).resolve().parents[2]
NO_CHANGE_CPU_S = 1.0


@pytest.mark.parametrize(
    "words",
    [
        ["--home", "HOME", "--json", "status"],
        ["status", "--home", "HOME", "--json"],
        ["--json", "status", "--home=HOME"],
    ],
)
def test_home_and_json_stand_before_or_after_the_command(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([word.replace("HOME", str(tmp_path)) for word in words]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["home"] == str(tmp_path)
    assert told["publication"] is None
    assert [one["running"] for one in told["services"]] == [False] * 4


def test_words_after_a_double_dash_are_left_alone() -> None:
    terminal, rest = take_common(["dbt", "--", "--json"])
    assert (terminal.as_json, rest) == (False, ["dbt", "--", "--json"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fly"], "没有命令 fly"),
        (["quarantine", "fly"], "没有命令 fly"),
        (["nightly"], "缺少 --date"),
        (["nightly", "--date", "yesterday"], "--date"),
        (["nightly", "--date", "2026-09-02", "--to", "2026-09-01"], "晚于"),
        (["status", "--fast"], "没有选项 --fast"),
        (["test", "cooking"], "没有部分 cooking"),
        (["accuracy", "video"], "video"),
        (["status", "--home"], "--home"),
    ],
)
def test_what_is_not_understood_is_one_line_and_status_2(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.splitlines()) == 1
    assert said in shown.err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Permanent("first line\nsecond line"), "first line second line"),
        (OSError(errno.ENOSPC, "No space left on device", "silver/purchase"), "磁盘已满"),
        (RuntimeError("IO Error: No space left on device"), "磁盘已满"),
        (OSError(errno.EACCES, "Permission denied", "var/vault"), "没有权限"),
        (KeyboardInterrupt(), "已中断"),
    ],
)
def test_what_goes_wrong_is_one_line(
    error: BaseException,
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(services, "status", fail)
    assert main(["status", "--home", str(tmp_path)]) != 0
    shown = capsys.readouterr().err
    assert len(shown.splitlines()) == 1
    assert said in shown


def test_a_defect_of_ours_is_not_hidden_even_with_causes_in_a_circle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        error, cause = RuntimeError("defect"), ValueError("cause")
        error.__cause__, cause.__cause__ = cause, error
        raise error

    monkeypatch.setattr(services, "status", fail)
    with pytest.raises(RuntimeError, match="defect"):
        main(["status", "--home", str(tmp_path)])


def test_every_command_of_this_issue_has_a_chinese_help(capsys: pytest.CaptureFixture[str]) -> None:
    names = "demo serve stop status doctor test simulate nightly ingest inspect conform query score accuracy bench"
    for name in [*names.split(), "hash", "quarantine", "dbt", "whatif", "maintain"]:
        APP([name, "--help"], result_action="return_value")
        assert any("一" <= character <= "鿿" for character in capsys.readouterr().out), name


def test_night_without_change_stops_before_any_heavy_import(tmp_path: Path) -> None:
    home = settings.load(tmp_path / "home")
    landing = home.home / "landing"
    (landing / "city" / "2026-09-01").mkdir(parents=True)
    (landing / "city" / "2026-09-01" / "org.csv").write_text("org_id\n", "utf8")
    manifest.write(
        home,
        manifest.Manifest(
            1, "2026-09-02T00:00:00+00:00", "2026-09-01", "2026-09-01", "2026-09-01", {}, "", "", ""
        ),
    )
    day = date(2026, 9, 1)
    marker = night._marker(home)
    marker.write_text(json.dumps(night._inputs(night.Night(home, landing, day, day), 1)), "utf8")
    script = (
        "import sys; from pipelines.cli.app import main; "
        "code = main(sys.argv[1:]); "
        "print({'dagster', 'dbt', 'polars', 'duckdb', 'great_expectations'} & set(sys.modules)); sys.exit(code)"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-c", script, "nightly", "--date", "2026-09-01", "--home", str(home.home), "--json"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer, heavy = done.stdout.splitlines()
    assert json.loads(answer) == {"changed": False, "first": "2026-09-01", "last": "2026-09-01", "steps": {}}
    assert heavy == "set()"
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < NO_CHANGE_CPU_S


def test_servers_only_listen_on_this_machine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for host in ("0.0.0.0", "::", "192.168.1.5", "example.org"):  # noqa: S104  (refused)
        assert main(["serve", "--host", host, "--home", str(tmp_path)]) == 1
        assert "拒绝" in capsys.readouterr().err


def test_port_in_use_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port), "--home", str(tmp_path)]) == 1
    shown = capsys.readouterr().err
    assert len(shown.splitlines()) == 1
    assert "端口已被占用" in shown
    assert str(port) in shown


def test_record_of_a_dead_server_is_not_trusted(tmp_path: Path) -> None:
    home = settings.load(tmp_path)
    (tmp_path / "run").mkdir()
    stale = services.Service("daemon", os.getpid(), "", "daemon.log")
    (tmp_path / "run" / "daemon.json").write_text(
        json.dumps({"name": stale.name, "pid": stale.pid, "address": "", "log": stale.log}), "utf8"
    )
    assert services.stop(home, print) == []  # this very process is still here to say so
    assert not services.status(home)["services"][1]["running"]


def test_two_writers_never_meet(tmp_path: Path) -> None:
    with lock.writer(tmp_path), lock.writer(tmp_path):  # entered again by its holder
        other = subprocess.run(
            [
                sys.executable,
                "-c",
                f"from pipelines.lock import writer\nwith writer(__import__('pathlib').Path({str(tmp_path)!r})): pass",
            ],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Transient" in other.stderr


def test_doctor_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANTEEN_KEYS", str(tmp_path / "keys"))
    home = settings.load(tmp_path / "home")
    (home.vault / "ab").mkdir(parents=True)
    (home.vault / "ab" / "abcd").touch()  # an original without its key
    found = {check.name: check for check in doctor.examine(home.home)}
    assert found["Python"].state == "ok"
    assert found["密钥"].state == "bad"
    assert "CANTEEN_KEYS" in found["密钥"].remedy
    assert all(check.remedy for check in found.values() if check.state != "ok")
    answer = operate.doctor(terminal=Terminal(home.home, as_json=True))
    assert (answer.code, answer.data["healthy"]) == (1, False)


def test_tables_are_aligned_with_chinese_characters_two_wide() -> None:
    assert table([("食堂", "n"), ("a", 1)]) == ["食堂  n", "a     1"]
