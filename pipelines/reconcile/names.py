"""What two flows write about the same money: parties, summaries and reference numbers.

Belongs here: normal spelling and likeness of characters (bytes put 第一中学 nearer to 第十中学 than to
市第一中学). Does not belong here: deciding that two events are one.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

Array = npt.NDArray[np.float64]

SAME: Final = 1.0
DIFFERENT: Final = -1.0
_ABBREVIATED: Final = 0.9
_MASKED_SAME: Final = 0.9
_MASKED: Final = 0.8
_MASKED_SHORT: Final = 0.4
_NEAR: Final = 0.25
"""The most that two names which are neither equal nor contained in each other are worth."""
_SHORT: Final = 2
_SURE: Final = 6
_SOME: Final = 4
_HINT: Final = 0.3
_DIGITS_WITHIN: Final = r"\d{4}"
_DIGITS: Final = r"(\d{4,})$"
_SERIES: Final = r"([A-Z]{2,}\d{4,})$"
_LETTERS: Final = r"^([A-Z]+)"
_LEGAL: Final = "(?:股份|责任)?有限(?:责任)?公司|分公司|公司|个体工商户|营业部|经营部"
_NOISE: Final = r"[^\p{L}\p{N}*]+"
_ANYBODY: Final = "^(?:学生|家长|学生家长|师生|教师|教职工|职工|员工|食堂|学校|个人|客户)$"
_ALSO_CALLED: Final = {
    "财付通支付科技|财付通|腾讯支付|微信支付|微信": "微信",
    "支付宝网络技术|支付宝中国|支付宝|网商银行": "支付宝",
    "国家电网|国网\\p{L}*供电|国网|供电": "电力",
    "教育体育局|教育局|教体局": "教体局",
    "自来水": "供水",
}
"""Names by which the flows of every city call the same payers and payees."""


_PART: Final = r"第([0-9一二三四五六七八九十]+)[批期次笔]"
_DAY: Final = r"0?(\d{1,2})月0?(\d{1,2})日"


def party(column: str) -> pl.Expr:
    """A party in normal spelling without its legal form; null where nothing is left."""
    name = pl.col(column).str.normalize("NFKC").str.replace_all(_NOISE, "").str.replace_all("某", "*")
    for pattern, known in _ALSO_CALLED.items():
        name = name.str.replace_all(pattern, known)
    name = name.str.replace(_ANYBODY, "")
    bare = name.str.replace_all(_LEGAL, "")
    return _filled(pl.when(bare.str.len_chars() >= _SHORT).then(bare).otherwise(name))


def text(column: str) -> pl.Expr:
    """A summary in normal spelling; null where nothing is left."""
    words = pl.col(column).str.normalize("NFKC").str.replace_all(_NOISE, "").str.to_uppercase()
    for pattern, known in _ALSO_CALLED.items():
        words = words.str.replace_all(pattern, known)
    return _filled(words)


def part(column: str) -> pl.Expr:
    """Which of several a summary says it is, as in 第2批; null where it does not say."""
    return pl.col(column).str.normalize("NFKC").str.extract(_PART)


def named_day(column: str) -> pl.Expr:
    """Month and day that a summary names, as in 9月5日; null where it names none, or several."""
    words = pl.col(column).str.normalize("NFKC")
    day = pl.concat_str(words.str.extract(_DAY, 1), pl.lit("-"), words.str.extract(_DAY, 2))
    return pl.when(words.str.count_matches(_DAY) == 1).then(day)


def reference(column: str) -> pl.Expr:
    """A number in capitals without signs; null where nothing is left."""
    return _filled(
        pl.col(column).str.normalize("NFKC").str.to_uppercase().str.replace_all(r"[^\p{L}\p{N}]+", "")
    )


def _filled(name: pl.Expr) -> pl.Expr:
    return pl.when(name.str.len_chars() > 0).then(name)


def numbers() -> dict[str, pl.Expr]:
    """What ``quoted`` compares, of rows with ``ref_key`` and ``text_key``, beside ``part`` and ``named_day``."""
    series = pl.col("ref_key").str.extract(_SERIES)
    return {
        "ref_digits": pl.col("ref_key").str.extract(_DIGITS),
        "ref_series": series,
        "ref_letters": series.str.extract(_LETTERS),
        "text_number": pl.when(pl.col("text_key").str.contains(_DIGITS_WITHIN)).then("text_key"),
    }


NUMBERS: Final = ("ref_key", "ref_digits", "ref_series", "ref_letters", "text_number", "part", "named_day")


def quoted(left: pl.DataFrame, right: pl.DataFrame) -> pl.Series:
    """How surely one number quotes the other, -1 to 1.

    Equal, contained (cut or prefixed) or named in a text: the longer the common part without leading zeros,
    the surer; fewer than four signs prove nothing, since every series has a 000012. Two whole numbers of one series that differ speak against it; a series is known
    by its letters, so that a bank's serial and a document's number never contradict each other. So do the second of
    several and the first, and two days that the summaries name.

    Args:
        left: Columns ``NUMBERS``.
        right: The same, as many rows.
    """
    both = left.hstack([column.alias(f"{column.name}_b") for column in right.get_columns()])
    ours, theirs = pl.col("ref_key"), pl.col("ref_key_b")
    length = pl.max_horizontal(
        _contained(ours, theirs),
        _contained(theirs, ours),
        _contained(pl.col("ref_digits"), theirs),
        _contained(pl.col("ref_digits_b"), ours),
        _contained(ours, pl.col("text_number_b")),
        _contained(theirs, pl.col("text_number")),
    ).fill_null(0)
    whole, other = pl.col("ref_series"), pl.col("ref_series_b")
    differs = (
        (pl.col("ref_letters") == pl.col("ref_letters_b"))
        & (whole.str.len_chars() == other.str.len_chars())
        & (whole != other)
    ).fill_null(False)
    for name in ("part", "named_day"):
        differs |= (pl.col(name) != pl.col(f"{name}_b")).fill_null(False)
    sure = pl.when(length >= _SURE).then(1.0).when(length >= _SOME).then(_HINT)
    return both.select(ref=sure.when(differs).then(-1.0).otherwise(0.0))["ref"]


def _contained(short: pl.Expr, long: pl.Expr) -> pl.Expr:
    """Signs of a number that another text contains, leading zeros not counted."""
    signs = short.str.strip_chars_start("0").str.len_chars().cast(pl.Int64)
    return pl.when(long.str.contains(short, literal=True)).then(signs)


def parties(left: pl.Series, right: pl.Series, left_text: pl.Series, right_text: pl.Series) -> Array:
    """Whether the parties of pairs are one: 1 the same, 0 unknown, -1 different; in between by likeness.

    A party that is missing on one side may stand in that side's summary.
    """
    pairs = pl.DataFrame({"a": left, "b": right, "ta": left_text, "tb": right_text})
    distinct = pairs.unique().sort("a", "b", "ta", "tb")
    return np.asarray(
        pairs.join(distinct.with_columns(who=_parties(distinct)), on=["a", "b", "ta", "tb"],
                   how="left", nulls_equal=True, maintain_order="left")["who"].to_numpy(),
        np.float64,
    )  # fmt: skip


def _parties(pairs: pl.DataFrame) -> pl.Series:
    from rapidfuzz import fuzz, process
    from rapidfuzz.distance import LCSseq

    a, b = pl.col("a"), pl.col("b")
    left, right = pairs["a"].fill_null("").to_list(), pairs["b"].fill_null("").to_list()
    alike = process.cpdist(left, right, scorer=fuzz.ratio, dtype=np.float64) / 100
    common = process.cpdist(left, right, scorer=LCSseq.similarity, dtype=np.int64)
    shorter = pl.min_horizontal(a.str.len_chars(), b.str.len_chars()).cast(pl.Int64)
    masked = a.str.contains("*", literal=True) | b.str.contains("*", literal=True)
    return pairs.with_columns(alike=pl.Series(alike), common=pl.Series(common)).select(
        who=pl.when((a == b) & ~masked)
        .then(SAME)
        .when((a.str.len_chars() >= _SHORT) & pl.col("tb").str.contains(a, literal=True))
        .then(SAME)
        .when((b.str.len_chars() >= _SHORT) & pl.col("ta").str.contains(b, literal=True))
        .then(SAME)
        .when(a.is_null() | b.is_null())
        .then(0.0)
        .when(masked)
        .then(_of_masked(a, b))
        .when(
            (pl.col("common") == shorter)
            & (a.str.contains(b, literal=True) | b.str.contains(a, literal=True))
        )
        .then(SAME)
        .when((pl.col("common") == shorter) & (shorter > _SHORT))
        .then(_ABBREVIATED)
        .otherwise(pl.min_horizontal(pl.lit(_NEAR), 2 * pl.col("alike") - 1))
    )["who"]


def _of_masked(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    """Masked names that fit; most mask letter by letter, so another length makes it doubtful."""
    length = pl.when(a.str.len_chars() == b.str.len_chars()).then(_MASKED).otherwise(_MASKED_SHORT)
    return (
        pl.when(a == b).then(_MASKED_SAME).when(_fits(a, b) | _fits(b, a)).then(length).otherwise(DIFFERENT)
    )


def _fits(masked: pl.Expr, name: pl.Expr) -> pl.Expr:
    """A masked name, as 王* or 王*明, that may stand for the other one."""
    head, tail = masked.str.extract(r"^([^*]*)\*"), masked.str.extract(r"\*([^*]*)$")
    return (
        masked.str.contains("*", literal=True) & name.str.starts_with(head) & name.str.ends_with(tail)
    ).fill_null(False)


def texts(left: pl.Series, right: pl.Series) -> Array:
    """Likeness of summaries, 0 to 1; a missing one is like any other to a small degree."""
    from rapidfuzz import fuzz, process

    ratio = process.cpdist(
        left.fill_null("").to_list(), right.fill_null("").to_list(), scorer=fuzz.ratio, dtype=np.float64
    )
    missing = (left.is_null() | right.is_null()).to_numpy()
    return np.where(missing, 0.3, ratio / 100)
