"""Great Expectations: running checks on a frame, results per provider and night, Data Docs.

Belongs here: everything that touches the library. Importing it costs about seven CPU seconds, so only
``expectations.evaluate`` imports this module. The context lives in memory: no ``gx`` folder, no
telemetry, no progress bars.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd
import polars as pl

from expectations.checks import Check
from expectations.frames import GROUP
from warehouse.errors import Permanent
from warehouse.tables import EXPECTATION_RESULT

os.environ["GX_ANALYTICS_ENABLED"] = "false"

import great_expectations as gx
from great_expectations import expectations as gxe
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.exceptions import GreatExpectationsError
from great_expectations.expectations.expectation import Expectation

_SITE: Final = "quality"
_EXAMPLES: Final = 3
_RESULT_FORMAT: Final = {
    "result_format": "COMPLETE",
    "return_unexpected_index_query": False,
    "exclude_unexpected_values": True,
}
# The pages must open on a closed network and tell nobody that they were opened.
_REMOTE: Final = re.compile(
    r"<script[^>]+src=[\"']https?:[^>]*>\s*</script>|<link[^>]+href=[\"']https?:[^>]*>|<img[^>]+src=[\"']https?:[^>]*>"
    r"|<footer>.*?</footer>",
    re.DOTALL,
)
_REMOTE_LINK: Final = re.compile(r"<a[^>]+href=[\"']https?:[^>]*>(.*?)</a>", re.DOTALL)
_REMOTE_CSS: Final = re.compile(r"url\([\"']?https?:[^)]*\)|@import[^;]*https?:[^;]*;")

# Stands in for the remote style sheets that were taken out: table lines and the marks of the status column.
_LOCAL_STYLE: Final = """<style>
body{font-family:"Noto Sans CJK SC","Microsoft YaHei",sans-serif}table{border-collapse:collapse}
td,th{border:1px solid #ccc;padding:.2rem .5rem}.fa-check-circle::before{content:"\\2714";color:#1b7f4b}
.fa-times::before{content:"\\2718";color:#b42318}.fa-exclamation-triangle::before{content:"\\26a0"}
</style></head>"""


class Validator:
    """A Great Expectations context in memory that runs checks and renders Data Docs."""

    def __init__(self, site: Path | None = None) -> None:
        """Open a context.

        Args:
            site: Folder of the Data Docs; ``None`` renders none.
        """
        self._site = site
        self._draft = None if site is None else site.with_name(f".{site.name}-draft")
        config = DataContextConfig(
            store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
            data_docs_sites={} if self._draft is None else {_SITE: _site_config(self._draft)},
            progress_bars=ProgressBarsConfig(globally=False, metric_calculations=False),
            analytics_enabled=False,
        )
        self._context = gx.get_context(mode="ephemeral", project_config=config)
        self._source = self._context.data_sources.add_pandas("silver")

    def run(self, name: str, checks: Sequence[Check], frame: pl.DataFrame) -> pl.DataFrame:
        """Run checks and count, for each provider and arrival date, what was unexpected.

        Args:
            name: Title of the suite in Data Docs; unique in this context.
            checks: What is expected.
            frame: ``_provider``, ``_arrival_date`` and the checked columns.

        Returns:
            Columns of ``silver.expectation_result`` without ``feed``. A check of which a provider has no
            value to judge has no row: nothing is shown green on missing data.

        Raises:
            Permanent: Great Expectations could not evaluate a check.
        """
        try:
            outcomes = self._evaluate(name, checks, frame)
        except GreatExpectationsError as error:
            raise Permanent(f"Great Expectations could not run the suite {name}: {error}") from error
        parts = [_attribute(check, frame, outcome) for check, outcome in zip(checks, outcomes, strict=True)]
        return pl.concat(parts)

    def _evaluate(self, name: str, checks: Sequence[Check], frame: pl.DataFrame) -> list[list[int]]:
        """Positions of the unexpected rows of each check."""
        batch = self._source.add_dataframe_asset(name).add_batch_definition_whole_dataframe("到达")
        suite = self._context.suites.add(
            gx.ExpectationSuite(
                name=name, expectations=[_expectation(place, check) for place, check in enumerate(checks)]
            )
        )
        definition = self._context.validation_definitions.add(
            gx.ValidationDefinition(name=name, data=batch, suite=suite)
        )
        outcome = definition.run(batch_parameters={"dataframe": _pandas(frame)}, result_format=_RESULT_FORMAT)
        found: dict[int, list[int]] = {}
        for result in outcome.results:
            place = result.expectation_config.meta["place"]
            if "unexpected_index_list" not in result.result:
                raise Permanent(
                    f"{name}: {checks[place].kind}({checks[place].column}) was not evaluated: {_cause(result)}"
                )
            found[place] = [int(row) for row in result.result["unexpected_index_list"]]
        return [found[place] for place in range(len(checks))]

    def publish(self) -> None:
        """Render the Data Docs and put them in place of the former ones."""
        if self._site is None or self._draft is None:
            return
        shutil.rmtree(self._draft, ignore_errors=True)
        self._context.build_data_docs()
        for page in (*self._draft.rglob("*.html"), *self._draft.rglob("*.css")):
            text = _REMOTE_LINK.sub(r"\1", _REMOTE.sub("", page.read_text("utf8")))
            text = _REMOTE_CSS.sub("none", text)
            page.write_text(text.replace("</head>", _LOCAL_STYLE, 1), "utf8")
        former = self._site.with_name(f".{self._site.name}-former")
        shutil.rmtree(former, ignore_errors=True)
        if self._site.exists():
            self._site.rename(former)
        self._draft.rename(self._site)
        shutil.rmtree(former, ignore_errors=True)


def _site_config(folder: Path) -> dict[str, object]:
    return {
        "class_name": "SiteBuilder",
        "site_name": "食堂数据质量",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }


def _expectation(place: int, check: Check) -> Expectation:
    common: dict[str, Any] = {
        "mostly": 1 - check.tolerated,
        "description": check.label,
        "meta": {"place": place},
    }
    if check.kind == "unique":
        return gxe.ExpectCompoundColumnsToBeUnique(column_list=[*GROUP, check.column], **common)
    if check.kind == "not_null":
        return gxe.ExpectColumnValuesToNotBeNull(column=check.column, **common)
    if check.kind == "between":
        return gxe.ExpectColumnValuesToBeBetween(
            column=check.column, min_value=check.low, max_value=check.high, **common
        )
    if check.kind == "in_set":
        return gxe.ExpectColumnValuesToBeInSet(column=check.column, value_set=list(check.allowed), **common)
    return gxe.ExpectColumnValuesToMatchRegex(column=check.column, regex=check.pattern, **common)


def _pandas(frame: pl.DataFrame) -> pd.DataFrame:
    """Dates become timestamps and nulls become NaN, as the library expects on pandas."""
    return frame.with_columns(pl.col("_arrival_date").cast(pl.Datetime("us"))).to_pandas()


def _cause(result: Any) -> str:
    return str(result.exception_info)[:300]


def _attribute(check: Check, frame: pl.DataFrame, unexpected: list[int]) -> pl.DataFrame:
    """Counts of one check by provider and arrival date."""
    column = pl.col(check.column)
    judged = pl.len() if check.kind == "not_null" else column.is_not_null().sum()
    only = pl.len() == 1
    checked = frame.group_by(GROUP).agg(
        checked=judged, value=pl.when(only).then(_text(column.first(), frame, check))
    )
    examples = (
        _text(column, frame, check).drop_nulls().unique(maintain_order=True).head(_EXAMPLES).str.join("、")
    )
    failing = frame[unexpected].group_by(GROUP).agg(unexpected=pl.len(), examples=examples)
    tolerated = pl.col("checked") * check.tolerated
    return (
        checked.filter(pl.col("checked") > 0)
        .join(failing, on=GROUP, how="left")
        .with_columns(pl.col("unexpected").fill_null(0))
        .select(
            provider="_provider",
            expectation=pl.lit(check.kind),
            column_name=pl.lit(check.column),
            success=pl.col("unexpected") <= tolerated,
            observed=pl.coalesce("value", pl.col("examples").replace("", None)),
            checked=pl.col("checked"),
            unexpected=pl.col("unexpected"),
            _arrival_date="_arrival_date",
        )
        .cast({name: dtype for name, dtype in EXPECTATION_RESULT.items() if name != "feed"})
        .sort("_arrival_date", "provider")
    )


def _text(values: pl.Expr, frame: pl.DataFrame, check: Check) -> pl.Expr:
    """Values as short text."""
    if frame.schema[check.column].is_float():
        return values.round(4).cast(pl.String).str.strip_suffix(".0")
    return values.cast(pl.String).str.slice(0, 40)
