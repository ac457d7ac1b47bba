"""Bytes to frames: encodings, formats, headers, cleansing, and every sign of a broken file."""

import json
from pathlib import Path

import polars as pl
import pytest
from deliveries import CONSUMPTION, PERSON, as_csv, as_json, header, meals
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import reading
from ingest.layouts import STANDARD
from ingest.masking import Masker, pseudonym
from ingest.reading import frame_path
from warehouse.errors import Refused
from warehouse.tables import FEEDS

KEY = b"k" * 32


def read(
    folder: Path, content: bytes, feeds: list[str] | None = None
) -> tuple[dict, dict[str, pl.DataFrame]]:
    path = folder / "content"
    path.write_bytes(content)
    masker = Masker(KEY, "p", keeps_pseudonyms=False)
    found = reading.read(path, [STANDARD], feeds or list(FEEDS), masker, folder / "out")
    return found, {feed: pl.read_ipc(frame_path(folder / "out", feed)) for feed in found["feeds"]}


def refusal(folder: Path, content: bytes, feeds: list[str] | None = None) -> Refused:
    with pytest.raises(Refused) as caught:
        read(folder, content, feeds)
    assert not list(folder.glob("out*")), "a refused file leaves no frame behind"
    return caught.value


def test_a_frame_has_the_contracts_columns_as_text_and_the_row(tmp_path: Path) -> None:
    found, frames = read(tmp_path, as_csv(meals(3)))
    frame = frames["consumption"]
    assert frame.columns == [*FEEDS["consumption"].contract.columns(), "_row"]
    assert frame.drop("_row").dtypes == [pl.String] * 11
    assert frame["_row"].to_list() == [1, 2, 3]
    assert frame["amount_yuan"].to_list() == ["12.50"] * 3
    assert frame["person_hash"][0] == pseudonym(KEY, "p", PERSON)
    assert (found["layout"], found["rows"], found["feeds"]) == (
        "standard.consumption",
        3,
        {"consumption": 3},
    )


TEXT = meals(2, canteen_id="第一食堂")
SHUFFLED = [dict(reversed(row.items())) for row in TEXT]


@pytest.mark.parametrize(
    ("content", "encoding", "has_bom", "is_shuffled"),
    [
        (as_csv(TEXT), "utf-8", False, False),
        (as_csv(TEXT, encoding="utf-8-sig"), "utf-8", True, False),
        (as_csv(TEXT, encoding="gb18030"), "gb18030", False, False),
        (b"\x84\x31\x95\x33" + as_csv(TEXT, encoding="gb18030"), "gb18030", True, False),
        (as_csv(TEXT, labels=True, encoding="gb18030"), "gb18030", False, False),
        (as_csv(TEXT, labels=True), "utf-8", False, False),
        (as_csv(SHUFFLED), "utf-8", False, True),
        (as_csv(TEXT).replace(b"\n", b"\r\n"), "utf-8", False, False),
        (as_csv(TEXT).replace(b"\n", b"\r"), "utf-8", False, False),
        (as_csv(TEXT).replace(b"\n", b"\n\n"), "utf-8", False, False),
        (as_json(TEXT), "utf-8", False, False),
        (as_json(SHUFFLED).rstrip(b"\n"), "utf-8", False, True),
    ],
)
def test_every_way_of_writing_gives_the_same_rows(
    content: bytes, encoding: str, has_bom: bool, is_shuffled: bool, tmp_path: Path
) -> None:
    found, frames = read(tmp_path, content)
    assert frames["consumption"].equals(read(tmp_path, as_csv(TEXT))[1]["consumption"])
    assert (found["encoding"], found["has_bom"], found["is_shuffled"]) == (encoding, has_bom, is_shuffled)


CELLS = st.text(
    st.characters(
        codec="gb18030",
        exclude_categories=["Cs", "Cc", "Co", "Zs", "Cf"],
        exclude_characters="０１２３４５６７８９．－＋",
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=40, deadline=None)
@given(cells=st.lists(CELLS, min_size=1, max_size=5))
def test_cells_come_back_from_csv_and_json(
    cells: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("read")
    rows = [{**CONSUMPTION, "record_no": str(i), "canteen_id": cell} for i, cell in enumerate(cells)]
    for content in (as_csv(rows), as_csv(rows, encoding="utf-8-sig"), as_json(rows)):
        assert read(folder, content)[1]["consumption"]["canteen_id"].to_list() == cells


def test_cells_are_cleansed_but_never_evaluated(tmp_path: Path) -> None:
    rows = [
        {**CONSUMPTION, "canteen_id": "　c1 ", "amount_yuan": "１２．５０", "portions": "  "},
        {**CONSUMPTION, "canteen_id": "=cmd|' /C calc'!A0", "amount_yuan": '"quoted"', "portions": "1\n2"},
    ]
    frame = read(tmp_path, as_csv(rows))[1]["consumption"]
    assert frame["canteen_id"].to_list() == ["c1", "=cmd|' /C calc'!A0"]
    assert frame["amount_yuan"].to_list() == ["12.50", '"quoted"']
    assert frame["portions"].to_list() == [None, "1\n2"]


def test_numbers_of_json_keep_their_digits(tmp_path: Path) -> None:
    rows = as_json([CONSUMPTION]).replace(b'"12.50"', b"12.50").replace(b'"0.00"', b"null")
    rows = rows.replace(b'"1"', b"12345678901234567.891")
    frame = read(tmp_path, rows)[1]["consumption"]
    assert frame.row(0, named=True) | {"amount_yuan": "12.50", "subsidy_yuan": None} == frame.row(
        0, named=True
    )
    assert frame["portions"][0] == "12345678901234567.891"


def test_a_file_without_rows_is_a_message_too(tmp_path: Path) -> None:
    for content in (as_csv(meals(1)).split(b"\n")[0], as_csv(meals(1)).split(b"\n")[0] + b"\n"):
        found, frames = read(tmp_path, content)
        assert (found["rows"], frames["consumption"].height) == (0, 0)
        assert frames["consumption"].columns == [*FEEDS["consumption"].contract.columns(), "_row"]


def test_a_feed_that_the_provider_may_not_deliver_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, as_csv(meals(1)), ["purchase"]).code == "wrong_provider"


GOOD = as_csv(meals(5, canteen_id="第一食堂"))
GOOD_JSON = as_json(meals(5))


@pytest.mark.parametrize(
    "content",
    [
        GOOD[:-1],  # the last line is not ended
        GOOD[:-30],
        GOOD[: GOOD.rindex("堂".encode()) + 1],  # in the middle of a character
        GOOD[: GOOD.rindex(b"lunch")] + b"\n",  # the last line is ragged
        GOOD.replace(b"lunch", b'"lunch', 1),  # a quote is never closed
        GOOD_JSON[:-20],
        GOOD_JSON[:-20] + b"\n",
    ],
)
def test_a_cut_file_is_truncated(content: bytes, tmp_path: Path) -> None:
    assert refusal(tmp_path, content).code == "truncated"


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(1, len(GOOD) - 1), is_json=st.booleans())
def test_a_cut_is_noticed_anywhere_but_at_a_line_end(
    cut: int, is_json: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    content = (GOOD_JSON if is_json else GOOD)[:cut]
    whole = content.endswith((b"\n", b"}")) if is_json else content.endswith(b"\n")
    if whole or b"\n" not in content:
        return
    assert refusal(folder, content).code == "truncated"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (GOOD.replace(b"lunch", b"lu\x00ch", 1), "unreadable"),
        (GOOD.decode().encode("utf-16"), "unreadable"),
        (GOOD.replace(b"lunch", b"\xff\xff", 1), "unreadable"),
        (GOOD + as_csv(TEXT, encoding="gb18030").split(b"\n", 1)[1], "unreadable"),  # mixed encodings
        (GOOD.replace(b"lunch,", b"", 1), "unreadable"),  # ragged before the last line
        (b"a;b;c\n1;2;3\n", "unknown_layout"),
        (b'"' + b"x" * 200_000 + b'"\n', "unknown_layout"),
        (",".join(f"c{i}" for i in range(100_000)).encode() + b"\n", "too_large"),
        (GOOD.replace(b"lunch", b"x" * 2_000_000, 1), "too_large"),
        (b"[" * 100_000 + b"\n", "unreadable"),
        (b'{"a":' * 100_000 + b"\n" + GOOD_JSON, "unreadable"),
        (json.dumps([CONSUMPTION]).encode(), "unreadable"),
        (GOOD_JSON.replace(b'"lunch"', b'{"a": 1}', 1), "unreadable"),
        (GOOD_JSON.replace(b'"lunch"', b"NaN", 1), "unreadable"),
        (GOOD_JSON.replace(b'"meal"', b'"channel"', 1), "unreadable"),  # the same field twice
        (GOOD_JSON.replace(b"}\n", b"\n", 1), "unreadable"),
        (GOOD_JSON + b"17\n", "unreadable"),
        (GOOD_JSON + b'{"other": 1}\n', "unknown_layout"),
    ],
)
def test_what_is_not_understood_is_refused(content: bytes, code: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, content).code == code


def test_no_message_repeats_a_cell(tmp_path: Path) -> None:
    ragged = as_csv(meals(3)).replace(b"lunch,", b"", 1)
    headless = as_csv(meals(3)).split(b"\n", 1)[1]
    for content in (ragged, headless, GOOD_JSON[:-20]):
        assert PERSON not in str(refusal(tmp_path, content))


def test_the_standard_header_is_the_contract() -> None:
    assert header("consumption")[5] == "person_no"
