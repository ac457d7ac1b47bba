"""Refuses SQL that DuckDB and Spark do not share (docs/explanation: one dbt project, two engines).

Belongs here: the forbidden constructs and where they may stand: inside ``adapter.dispatch`` macros, that is
macros whose name starts with an engine. Run on models, macros, tests and analyses of the dbt project.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

FORBIDDEN: Final = {
    "qualify": r"\bqualify\b",
    "group by all": r"\b(group|order)\s+by\s+all\b",
    "exclude / except list": r"\*\s*(exclude|except|replace)\s*\(",
    "distinct on": r"\bdistinct\s+on\b",
    "recursive cte": r"\bwith\s+recursive\b",
    "integer division //": r"//",
    "division of money": r"_(yuan|kg)\s*/\s*\w",
    "list or struct function": r"\b(list|list_\w+|struct_pack|unnest|array_\w+|map_\w+)\s*\(",
    "asof join": r"\basof\b",
    "generate_series": r"\b(generate_series|range)\s*\(",
    "quantile": r"\b(quantile\w*|arg_max|arg_min|max_by|min_by|percentile)\s*\(",
    "hash()": r"(?<![\w.])hash\s*\(",
    "strftime and friends": r"\b(strftime|strptime|date_format|to_timestamp|epoch|unix_timestamp|dayofweek|extract)\s*\(",
    "date_part by hand": r"\b(date_trunc|date_diff|datediff|dateadd|date_add)\s*\(",
    "interval arithmetic": r"\binterval\b",
    "concat skips or keeps null": r"\bconcat(_ws)?\s*\(",
    "regexp_replace": r"\bregexp_replace\s*\(",
    "levenshtein counts bytes": r"\b(levenshtein|damerau_levenshtein|jaro_winkler_similarity|jaccard)\s*\(",
    "string_agg outside the macro": r"\b(string_agg|listagg|group_concat)\s*\(",
    "float literal cast": r"::\s*(float|real)\b",
    "double quoted identifier": r'"\w+"',
    "windowed name": r"\bwindow\s+\w+\s+as\s*\(",
    "ignore nulls": r"\bignore\s+nulls\b",
}
_NON_ASCII_NAME: Final = re.compile(r"\bas\s+[^\x00-\x7f]+")
_ENGINE_MACRO: Final = re.compile(r"{%-?\s*macro\s+(duckdb|spark)__.*?{%-?\s*endmacro\s*-?%}", re.S)


def violations(text: str) -> list[str]:
    """Forbidden constructs in one file, as ``line: construct``."""
    plain = _blank(_ENGINE_MACRO, text)
    plain = _blank(re.compile(r"{#.*?#}", re.S), plain)
    plain = _blank(re.compile(r"{[%{].*?[%}]}", re.S), plain)
    plain = _blank(re.compile(r"--[^\n]*"), plain)
    plain = _blank(re.compile(r"'[^'\n]*'"), plain)
    found = []
    for number, line in enumerate(plain.splitlines(), start=1):
        for name, pattern in FORBIDDEN.items():
            if re.search(pattern, line, re.I):
                found.append(f"{number}: {name}")
        if _NON_ASCII_NAME.search(line):
            found.append(f"{number}: identifier that is not ASCII")
    return found


def check(project: Path) -> list[str]:
    """All violations of a dbt project, as ``file:line: construct``."""
    found = []
    for folder in ("models", "macros", "tests", "analyses"):
        for path in sorted((project / folder).rglob("*.sql")):
            found += [f"{path.relative_to(project)}:{hit}" for hit in violations(path.read_text("utf-8"))]
    return found


def _blank(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text)
