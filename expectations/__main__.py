"""``python -m expectations --home DIR --arrivals FROM TO``: score what arrived, write results and pages.

Belongs here: wiring and exit codes only. Exit 1 comes with one line on stderr; nothing is published or
held back here.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from expectations import lake, page, scorecard
from expectations.evaluate import evaluate
from warehouse import settings
from warehouse.errors import CanteenError, Permanent


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        The exit status. The last line on stdout is one JSON object with the counts.
    """
    options = _parser().parse_args(arguments)
    first, last = options.arrivals
    try:
        print(json.dumps(run(Path(options.home), first, last)))
    except (CanteenError, OSError, pl.exceptions.PolarsError) as error:
        print(f"expectations: arrivals {first} to {last}: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    return 0


def run(home: Path, first: dt.date, last: dt.date) -> dict[str, int]:
    """Score a range of arrival dates and show it.

    Args:
        home: Data home; it must exist.
        first: First arrival date.
        last: Last arrival date, included; the Data Docs show this night.

    Returns:
        ``results`` (rows), ``failed`` (expectations that did not hold), ``written`` (1 if any changed).

    Raises:
        Permanent: The range is empty or the home holds no silver tables.
    """
    if first > last:
        raise Permanent("the first date is after the last: give --arrivals FROM TO in this order")
    if not (home / "silver").is_dir():
        raise Permanent(
            f"{home} holds no silver tables: run the night's silver step first, or give another --home"
        )
    opened = settings.load(home)
    quality = opened.home / "docs" / "quality"
    quality.mkdir(parents=True, exist_ok=True)
    read = lake.reader(opened)
    results = evaluate(read, first, last, site=quality / page.DATA_DOCS, progress=print)
    written = lake.writer(opened)(results, first, last)
    model = scorecard.build(
        first,
        last,
        results=results,
        delivery=read("delivery", first, last).collect(),
        quarantine=read("quarantine", first, last).select("provider", "feed", "rules").collect(),
        receipts=lake.receipts(opened, first, last),
        providers=lake.providers(opened),
    )
    _put(quality / "index.html", page.render(model))
    failed = results.filter(~pl.col("success")).height
    return {"results": results.height, "failed": failed, "written": int(written)}


def _put(path: Path, text: str) -> None:
    draft = path.with_suffix(".tmp")
    draft.write_text(text, "utf8")
    draft.replace(path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m expectations", description="到达数据的质量评分与管理员报告"
    )
    parser.add_argument("--home", required=True, metavar="DIR", help="数据目录")
    parser.add_argument(
        "--arrivals",
        required=True,
        nargs=2,
        metavar=("FROM", "TO"),
        type=dt.date.fromisoformat,
        help="到达日期范围（含首尾）",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
