"""The app: every command's name, and one clear line for whatever goes wrong.

Belongs here: registration, dispatch, exit codes (0 done, 1 not done, 2 not understood).
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Final

from cyclopts import App, CycloptsError, Parameter
from cyclopts.exceptions import MissingArgumentError, UnknownCommandError, UnknownOptionError

from pipelines.cli import analyst, data, demo, develop, maps, operate, proof, steward, vision
from pipelines.cli.terminal import Misuse, take_common
from warehouse.errors import CanteenError

NOT_DONE = 1
NOT_UNDERSTOOD = 2
INTERRUPTED = 130

APP = App(
    name="canteen",
    help="校园食堂监管数据平台",
    help_epilogue="每个命令都可以带 --home DIR（数据目录，默认 var/）和 --json（标准输出最后一行是一个 JSON 对象）。",
    help_format="plaintext",
    group_commands="命令",
    group_parameters="参数",
    version_flags=[],
    default_parameter=Parameter(negative=()),
)
for command in (
    demo.demo,
    operate.serve,
    operate.stop,
    operate.status,
    operate.doctor,
    operate.maintain,
    data.simulate,
    data.nightly,
    data.extract,
    data.ingest,
    data.inspect,
    data.conform,
    data.prices,
    data.link,
    analyst.query,
    analyst.trail,
    analyst.dbt,
    analyst.whatif,
    proof.score,
    proof.accuracy,
    proof.bench,
):
    APP.command(command)
APP.command(develop.run_checks, name="test")
APP.command(proof.content_hash, name="hash")
APP.command(steward.QUARANTINE)
APP.command(steward.decide)
APP.command(maps.MAP)
APP.command(vision.VISION)


def main(words: Sequence[str]) -> int:
    """Run one command line.

    Args:
        words: Arguments without the program's name.

    Returns:
        The exit status.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        terminal, rest = take_common(words)
        function, bound, injected = APP.parse_args(rest, print_error=False, exit_on_error=False)
        extra = {"terminal": terminal} if "terminal" in injected else {}
        answer = function(*bound.args, **bound.kwargs, **extra)
        if answer is None:
            return 0
        terminal.print(answer)
    except CycloptsError as error:
        return _say(_usage(error), NOT_UNDERSTOOD)
    except Misuse as error:
        return _say(str(error), NOT_UNDERSTOOD)
    except CanteenError as error:
        return _say(str(error), NOT_DONE)
    except BrokenPipeError:
        # The reader of our output has gone (`| head`); nothing may be flushed to it any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOT_DONE
    except OSError as error:
        return _say(_system(error), NOT_DONE)
    except KeyboardInterrupt:
        return _say("已中断；重新运行同样的命令即可继续", INTERRUPTED)
    except Exception as error:
        if not _is_full_disk(error):
            raise
        return _say(_ADVICE[errno.ENOSPC], NOT_DONE)
    return int(answer.code)


def _say(line: str, code: int) -> int:
    if os.environ.get("CANTEEN_TRACE") == "1":
        traceback.print_exc()
    print(f"canteen: {' '.join(line.split())}", file=sys.stderr)
    return code


def _usage(error: CycloptsError) -> str:
    help_hint = "./canteen --help 列出全部命令，./canteen <命令> --help 说明一个命令"
    if isinstance(error, UnknownCommandError):
        return f"没有命令 {(error.unused_tokens or ['?'])[0]}：{help_hint}"
    if isinstance(error, UnknownOptionError) and error.token is not None:
        return f"没有选项 {error.token.keyword or error.token.value}：{help_hint}"
    if isinstance(error, MissingArgumentError) and error.argument is not None:
        return f"缺少 {error.argument.name}：{help_hint}"
    return f"命令不正确（{error}）：{help_hint}"


_ADVICE: Final = {
    errno.ENOSPC: "磁盘已满：请清出空间后重新运行同样的命令，已完成的部分不会重做",
    errno.EDQUOT: "磁盘配额已满：请清出空间后重新运行同样的命令，已完成的部分不会重做",
    errno.EACCES: "没有权限：请检查文件夹的所有者和权限",
    errno.EPERM: "没有权限：请检查文件夹的所有者和权限",
    errno.EROFS: "文件系统只读：请用 --home 指定可写的数据目录",
    errno.EADDRINUSE: "端口已被占用：请用 --port 指定另一个端口",
    errno.ENOENT: "文件或文件夹不存在：请检查路径",
    errno.ENOTDIR: "路径中有一段不是文件夹：请检查路径",
    errno.EMFILE: "打开的文件太多：请用 ulimit -n 提高上限",
}


def _system(error: OSError) -> str:
    where = f"（{error.filename}）" if error.filename else ""
    if error.errno in _ADVICE:
        return f"{_ADVICE[error.errno]}{where}"
    return _ADVICE[errno.ENOSPC] if _is_full_disk(error) else f"系统错误：{error}"


def _is_full_disk(error: BaseException | None) -> bool:
    """Whether a full disk is at the bottom of it; the engines have error types of their own."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:  # Dagster links errors in circles
        seen.add(id(error))
        text = str(error).lower()
        if "no space left on device" in text or "disk is full" in text:
            return True
        error = error.__cause__ or error.__context__
    return False
