"""Prose bulletins: public figures read as printed, lists paired only where they count out."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from ingest import bulletin, reading, texts
from ingest.masking import Masker
from ingest.simulator import bulletin as written
from ingest.simulator.market import Market
from ingest.worker import Worker
from warehouse import vocabulary
from warehouse.errors import Refused
from warehouse.tables import FEEDS

WEEK_6 = """2026年第6周（2月2日-8日）岳阳市生活必需品监测
发布 2026-02-10
一、蔬菜
监测的蔬菜零售均价7.25元/公斤，上涨0.55%。
二、猪肉批零都降
其中猪肉批发价18.8元/公斤和猪肉零售价26元/公斤，分别下降2.08%和3.7%。天气转冷。
"""
WEEK_7 = """2026年第7周（2月9日-15日）岳阳市生活必需品监测
发布 2026-02-19
一、蔬菜
监测的蔬菜零售均价7.22元/公斤，下降0.41%。其中，西红柿零售价10.64元/公斤茄子零售价8.97元/公斤、辣椒零售价10.27元/公斤青椒零售价9.58元/公斤和洋葱零售价4.66元/公斤，分别下降4.7%、4.27%、0.87%、0.11%和7.9%；黄瓜零售价8.81元/公斤冬瓜零售价3.6元/公斤苦瓜零售价9.03元/公斤，分别上涨5.38%、1.98%和2.85%；大白菜零售价3.62元/公斤、圆白菜零售价3.76元/公斤豆角零售价10.14元/公斤均持平。
二、猪肉价格批。
生猪上市4583头，日均654头，上涨3%。其中猪肉批发价17.4元/公斤，下降7.44%；猪肉零售价31元/公斤，上涨19.2%
三、水产
草鱼零售价22元/公斤雄鱼零售价22元/公斤，分别上涨10%和10%；鲫鱼零售价24元/公斤，持平。
"""
WEEK_20 = """2025年第20周岳阳市生活必需品监测
全市监测蔬菜零售均价6.99元/公斤，微降0.28%。猪肉批发价20元/公斤，下降1.96%；猪肉零售价30元/公斤，持平。
本通报由监测点数据汇总。
"""
DAY = """岳阳市2021年1月5日生活必需品价格
样本点一号超市的监测数据显示：大米零售均价3.96元/公斤，环比持平；猪肉零售均价39.6元/公斤，环比持平；鸡蛋零售均价7.96元/公斤，环比持平；7种日常蔬菜零售均价6.28元/公斤，环比持平（大白菜1.96元/公斤，环比持平；白萝卜1.16元/公斤，环比持平；胡萝卜1.98元/公斤，环比持平；油麦菜3.16元/公斤，环比持平；青椒19.8元/公斤，环比持平；土豆5.96元/公斤，环比持平；西红柿9.96元/公斤，环比持平）。
样本点二号菜市场和三号菜市场的监测均价显示：大米零售均价5.4元/公斤，环比持平；猪肉零售均价55元/公斤，环比持平；鸡蛋零售均价12.5元/公斤，环比持平；7种日常蔬菜零售均价6.7元/公斤，环比下降1.9%（大白菜3.2元/公斤，环比下降5.88%；白萝卜3.2元/公斤，环比下降5.88%；胡萝卜4元/公斤，环比下降11.11%；油麦菜5.5元/公斤，环比持平；青椒18.5元/公斤，环比持平；土豆4.5元/公斤，环比持平；西红柿8元/公斤，环比持平）。天气晴好。
"""


def parse(folder: Path, text: str, encoding: str = "utf-8") -> pl.DataFrame:
    path = folder / "bulletin"
    path.write_bytes(text.encode(encoding))
    opened = texts.open_text(path)
    assert bulletin.is_bulletin(opened)
    return next(bulletin.open_table(opened).frames)


def quotes(frame: pl.DataFrame) -> dict[tuple[str, str], tuple[str, str]]:
    return {(row["品名"], row["类别"]): (row["价格"], row["环比"]) for row in frame.iter_rows(named=True)}


def sentence(folder: Path, text: str) -> list[tuple]:
    frame = parse(folder, f"2026年第7周岳阳市价格\n{text}。\n。")
    return frame.select("品名", "类别", "价格", "环比").rows()


def refusals(rows: list[tuple]) -> list[str]:
    return [row[0] for row in rows if row[0].startswith(vocabulary.UNPAIRED)]


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-8-sig"])
def test_the_weeks_of_2026_read_as_printed(encoding: str, tmp_path: Path) -> None:
    six, seven = parse(tmp_path, WEEK_6, encoding), parse(tmp_path, WEEK_7, encoding)
    assert quotes(six) == {
        ("蔬菜均价", "零售"): ("7.25", "0.55"),
        ("猪肉", "批发"): ("18.8", "-2.08"),
        ("猪肉", "零售"): ("26", "-3.7"),
    }
    assert quotes(seven) == {
        ("蔬菜均价", "零售"): ("7.22", "-0.41"),
        ("西红柿", "零售"): ("10.64", "-4.7"),
        ("茄子", "零售"): ("8.97", "-4.27"),
        ("辣椒", "零售"): ("10.27", "-0.87"),
        ("青椒", "零售"): ("9.58", "-0.11"),
        ("洋葱", "零售"): ("4.66", "-7.9"),
        ("黄瓜", "零售"): ("8.81", "5.38"),
        ("冬瓜", "零售"): ("3.6", "1.98"),
        ("苦瓜", "零售"): ("9.03", "2.85"),
        ("大白菜", "零售"): ("3.62", "0"),
        ("圆白菜", "零售"): ("3.76", "0"),
        ("豆角", "零售"): ("10.14", "0"),
        ("猪肉", "批发"): ("17.4", "-7.44"),
        ("猪肉", "零售"): ("31", "19.2"),
        ("草鱼", "零售"): ("22", "10"),
        ("雄鱼", "零售"): ("22", "10"),
        ("鲫鱼", "零售"): ("24", "0"),
    }
    assert set(seven["起始日"]) == {"2026-02-09"}
    assert set(seven["发布时间"]) == {"2026-02-19 00:00:00"}
    assert set(seven["地点"]) == {"岳阳市"}


def test_a_week_that_only_its_number_names(tmp_path: Path) -> None:
    frame = parse(tmp_path, WEEK_20)
    assert quotes(frame) == {
        ("蔬菜均价", "零售"): ("6.99", "-0.28"),
        ("猪肉", "批发"): ("20", "-1.96"),
        ("猪肉", "零售"): ("30", "0"),
    }
    assert set(frame["起始日"]) == {"2025-05-12"}


def test_the_daily_form_keeps_its_sample_points_apart(tmp_path: Path) -> None:
    frame = parse(tmp_path, DAY)
    assert frame.height == 22
    assert set(frame["期别"]) == {"日"}
    assert set(frame["起始日"]) == {"2021-01-05"}
    assert set(frame["类别"]) == {"零售"}  # inside the brackets it is not repeated
    pork = frame.filter(pl.col("品名") == "猪肉").select("地点", "价格").rows()
    assert pork == [("岳阳市一号超市", "39.6"), ("岳阳市二号菜市场和三号菜市场", "55")]
    carrots = frame.filter(pl.col("品名") == "胡萝卜").select("价格", "环比").rows()
    assert carrots == [("1.98", "0"), ("4", "-11.11")]


def test_one_name_may_stand_for_two_prices(tmp_path: Path) -> None:
    assert sentence(tmp_path, "猪肉批发价17元/公斤，零售价22元/公斤，均持平") == [
        ("猪肉", "批发", "17", "0"),
        ("猪肉", "零售", "22", "0"),
    ]
    assert sentence(tmp_path, "猪肉批发价、零售价分别为17元/公斤和22元/公斤，分别下降1.5%和上涨2%") == [
        ("猪肉", "批发", "17", "-1.5"),
        ("猪肉", "零售", "22", "2"),
    ]


def test_names_first_and_prices_after(tmp_path: Path) -> None:
    assert sentence(tmp_path, "大白菜、圆白菜和黄瓜零售价分别为3、4.5和6元/公斤，分别上涨1、2 和 3%") == [
        ("大白菜", "零售", "3", "1"),
        ("圆白菜", "零售", "4.5", "2"),
        ("黄瓜", "零售", "6", "3"),
    ]


def test_changes_may_stand_apart_from_the_prices(tmp_path: Path) -> None:
    text = "零售价：大白菜3元/公斤、圆白菜4.5元/公斤。其中，大白菜、圆白菜价格分别上涨1%和2%"
    assert sentence(tmp_path, text) == [("大白菜", "零售", "3", "1"), ("圆白菜", "零售", "4.5", "2")]
    wrong = sentence(tmp_path, text.replace("1%和2%", "1%、2%和3%"))
    assert wrong[:2] == [("大白菜", "零售", "3", None), ("圆白菜", "零售", "4.5", None)]
    assert "2 个品名对 3 个涨跌幅" in refusals(wrong)[0]


def test_names_written_together_are_cut_only_where_one_way_is_left(tmp_path: Path) -> None:
    assert sentence(tmp_path, "大白菜圆白菜、黄瓜零售价分别为3、4和6元/公斤") == [
        ("大白菜", "零售", "3", None),
        ("圆白菜", "零售", "4", None),
        ("黄瓜", "零售", "6", None),
    ]
    (refused,) = refusals(sentence(tmp_path, "黄瓜零售价6元/公斤；某菜另菜、黄瓜零售价分别为3、4和6元/公斤"))
    assert "2 个品名对 3 个价格" in refused


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("西红柿零售价3元/公斤、茄子零售价4元/公斤，分别上涨1%、2%和3%", "2 个价格对 3 个涨跌幅"),
        ("西红柿零售价3元/公斤、茄子零售价4元/公斤，分别上涨1%", "2 个价格对 1 个涨跌幅"),
        ("西红柿零售价3元/公斤、茄子零售价4元/公斤，上涨1%", "不知属于哪一个"),
        ("西红柿零售价3元/公斤、茄子零售价4元/公斤，持平", "不知属于哪一个"),
        ("西红柿、茄子零售价4元/公斤，上涨1%", "2 个品名对 1 个价格"),
        ("西红柿零售价分别为3、4元/公斤", "1 个品名对 2 个价格"),
        ("今日批发指导价51元/公斤，持平", "不是品名"),
    ],
)
def test_what_does_not_count_out_is_refused_whole(text: str, why: str, tmp_path: Path) -> None:
    rows = sentence(tmp_path, f"{text}；鲫鱼零售价24元/公斤，持平")
    (refused,) = refusals(rows)
    assert why in refused
    assert text[:10] in refused  # with what was seen
    assert [row for row in rows if row[0] != refused] == [("鲫鱼", "零售", "24", "0")]


def test_wholesale_or_retail_is_never_guessed(tmp_path: Path) -> None:
    rows = sentence(tmp_path, "猪肉批发价17元/公斤，零售价22元/公斤，均持平，牛肉70元/公斤")
    assert rows[-1] == ("牛肉", None, "70", None)


def test_another_figure_s_change_is_not_a_price_s(tmp_path: Path) -> None:
    assert sentence(tmp_path, "猪肉批发价17元/公斤，成交量30吨，上涨9%") == [("猪肉", "批发", "17", None)]
    assert sentence(tmp_path, "猪肉批发价17元/公斤，同比下降9%") == [("猪肉", "批发", "17", None)]
    assert sentence(tmp_path, "猪肉批发价17元/公斤，环比上涨2%，同比下降9%") == [("猪肉", "批发", "17", "2")]


def test_units_other_than_the_kilogram(tmp_path: Path) -> None:
    frame = parse(
        tmp_path, "2026年第7周价格\n零售价：菜籽油14元/升，酱油每500克3元。猪肉批发价8.7元/斤。\n。"
    )
    assert frame.select("品名", "价格", "单位").rows() == [
        ("菜籽油", "14", "升"),
        ("酱油", "3", "斤"),
        ("猪肉", "8.7", "斤"),
    ]
    assert frame["地点"].to_list() == [None] * 3


# -- the official style: prices first, changes in lists of their own -----------------------------


def test_the_week_before_is_no_price_of_this_week(tmp_path: Path) -> None:
    row = [("蔬菜均价", "零售", "6.3", "-10.00")]
    text = "监测的9种蔬菜零售均价为6.3元/公斤，上周为7元/公斤，环比下降10.00%"
    assert sentence(tmp_path, text) == row
    assert sentence(tmp_path, "监测的9种蔬菜零售均价为6.3元/公斤，环比下降10.00%，上周为7元/公斤") == row
    both = "草鱼、鲫鱼零售价分别为22元/公斤和18元/公斤，上周分别为20元/公斤和20元/公斤"
    assert [row[2] for row in sentence(tmp_path, both)] == ["22", "18"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("草鱼零售价22元/公斤，上周为20元/公斤，环比上涨5%", "上周 20、本周 22 与涨跌幅 5% 不符"),
        ("草鱼零售价22元/公斤，上周为20元/公斤，环比下降10%", "与涨跌幅 -10% 不符"),
        ("草鱼零售价22元/公斤，环比下降10%，上周为20元/公斤", "与涨跌幅 -10% 不符"),
        ("草鱼零售价22元/公斤，上周为10元/斤，环比上涨10%", "单位不同"),
        ("草鱼、鲤鱼零售价分别为22元/公斤和9元/公斤，上周为20元/公斤", "2 个价格对 1 个上周价格"),
        ("草鱼零售价22元/公斤，去年同期20元/公斤", "“去年同期”不是品名"),
    ],
)
def test_a_week_before_that_contradicts_is_refused(text: str, why: str, tmp_path: Path) -> None:
    rows = sentence(tmp_path, f"{text}；鲫鱼零售价24元/公斤，持平")
    (refused,) = refusals(rows)
    assert why in refused
    assert [row for row in rows if row[0] != refused] == [("鲫鱼", "零售", "24", "0")]


def test_a_clause_may_leave_out_what_the_one_before_it_names(tmp_path: Path) -> None:
    assert sentence(tmp_path, "牛肉批发价格60.5元/公斤，环比下降2%；零售价格81元/公斤，环比上涨3.1%") == [
        ("牛肉", "批发", "60.5", "-2"),
        ("牛肉", "零售", "81", "3.1"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "牛肉批发价60元/公斤。零售价81元/公斤",  # another sentence
        "牛肉批发价60元/公斤；81元/公斤",  # no word for price
        "牛肉批发价60元/公斤；批发价81元/公斤",  # the same price twice
        "牛肉批发价60元/公斤；羊肉供应充足；零售价81元/公斤",  # something between
        "牛肉批发价60元/公斤，羊肉价格平稳，零售价81元/公斤",
        "牛肉批发价60元/公斤，羊肉供应量环比上涨3%，零售价81元/公斤",
        "牛肉批发价60元/公斤、羊肉批发价60元/公斤；零售价81元/公斤",  # two names before
        "蔬菜批发均价6元/公斤；某某：零售价81元/公斤",
    ],
)
def test_what_is_left_out_is_never_guessed(text: str, tmp_path: Path) -> None:
    rows = sentence(tmp_path, f"鲫鱼零售价24元/公斤。{text}")
    (refused,) = refusals(rows)
    assert "不是品名" in refused
    assert "81" not in [row[2] for row in rows]


def test_inside_brackets_the_subject_is_that_of_the_brackets(tmp_path: Path) -> None:
    text = "蔬菜批发均价6元/公斤（黄瓜批发价2元/公斤；零售价3元/公斤）；零售均价8元/公斤"
    assert [row[:3] for row in sentence(tmp_path, text)] == [
        ("蔬菜均价", "批发", "6"),
        ("黄瓜", "批发", "2"),
        ("黄瓜", "零售", "3"),
        ("蔬菜均价", "零售", "8"),
    ]


FISH = "草鱼、鲫鱼和某某鱼零售均价分别为20元/公斤、24元/公斤和30元/公斤"


def test_a_list_of_changes_gives_them_to_the_prices_before_it(tmp_path: Path) -> None:
    text = f"{FISH}。草鱼和某某鱼价格环比分别上涨1.10%和2%；鲫鱼价格环比下降0.5%"
    changes = {row[0]: row[3] for row in sentence(tmp_path, text)}
    assert changes == {"草鱼": "1.10", "鲫鱼": "-0.5", "某某鱼": "2"}


def test_several_may_stay_level_together(tmp_path: Path) -> None:
    rows = sentence(tmp_path, f"{FISH}。草鱼、鲫鱼和某某鱼价格与上周持平")
    assert [row[3] for row in rows] == ["0", "0", "0"]


@pytest.mark.parametrize(
    ("moves", "why"),
    [
        ("草鱼、鲫鱼和某某鱼价格环比分别上涨1%和2%", "3 个品名对 2 个涨跌幅"),
        ("草鱼和鲫鱼价格环比分别上涨1%、2%和3%", "2 个品名对 3 个涨跌幅"),
        ("草鱼和鲫鱼价格环比上涨1%", "不知属于哪一个"),
        ("草鱼和黄鳝价格环比分别上涨1%和2%", "“黄鳝”没有对应的价格"),
        ("黄鳝价格环比上涨1%", "“黄鳝”没有对应的价格"),
        ("草鱼批发价格环比上涨1%", "“草鱼”没有对应的价格"),
        ("草鱼和草鱼价格环比分别上涨1%和2%", "另有涨跌幅"),
    ],
)
def test_a_list_of_changes_that_does_not_count_out_is_one_refusal(
    moves: str, why: str, tmp_path: Path
) -> None:
    rows = sentence(tmp_path, f"{FISH}。{moves}")
    (refused,) = refusals(rows)
    assert moves in refused
    assert why in refused
    assert [row[3] for row in rows if row[0] != refused] == [None, None, None]


def test_a_change_of_a_name_with_two_prices_says_which(tmp_path: Path) -> None:
    pork = "猪肉批发价格20元/公斤；零售价格30元/公斤"
    assert sentence(tmp_path, f"{pork}。猪肉零售价格环比上涨2%")[1] == ("猪肉", "零售", "30", "2")
    rows = sentence(tmp_path, f"{pork}。猪肉价格环比上涨2%")
    assert "不知属于哪一个" in refusals(rows)[0]
    half_told = sentence(tmp_path, "猪肉批发价格20元/公斤，持平；零售价格30元/公斤。猪肉价格环比上涨2%")
    assert "不知属于哪一个" in refusals(half_told)[0]


def test_a_change_may_be_said_twice_but_not_differently(tmp_path: Path) -> None:
    text = "牛肉零售价80元/公斤，上涨2%。牛肉价格环比上涨"
    assert [row[0] for row in sentence(tmp_path, f"{text}2.0%")] == ["牛肉"]
    assert "另有涨跌幅" in refusals(sentence(tmp_path, f"{text}3%"))[0]


def test_a_change_on_the_year_before_is_not_one_on_the_week(tmp_path: Path) -> None:
    rows = sentence(tmp_path, f"{FISH}。草鱼、鲫鱼和某某鱼价格同比分别上涨1%、2%和3%")
    assert [row[3] for row in rows] == [None, None, None]


@pytest.mark.parametrize(
    ("title", "place"),
    [
        ("2026年第37周岳阳市农产品价格", "岳阳市"),
        ("2026年第37周周口市农产品价格", "周口市"),
        ("2026年9月9日日照市农产品价格", "日照市"),
        ("岳阳市2026年第37周价格", "岳阳市"),
        ("2026年第37周湖南省岳阳市农产品价格", "岳阳市"),
        ("2026年第37周全市农产品价格", None),
    ],
)
def test_the_place_is_the_city_without_the_date_before_it(
    title: str, place: str | None, tmp_path: Path
) -> None:
    assert parse(tmp_path, f"{title}\n草鱼零售价22元/公斤。")["地点"].to_list() == [place]


def test_a_forgotten_comma_is_seen_through_where_the_bulletin_knows_the_names(tmp_path: Path) -> None:
    joined = "甲菜乙菜和丙菜零售均价分别为3元/公斤、4元/公斤和5元/公斤"
    assert "2 个品名对 3 个价格" in refusals(sentence(tmp_path, f"黄瓜零售价6元/公斤。{joined}"))[0]
    rows = sentence(tmp_path, f"{joined}。甲菜和丙菜价格环比分别上涨1%和2%；乙菜价格环比下降3%")
    assert rows == [
        ("甲菜", "零售", "3", "1"),
        ("乙菜", "零售", "4", "-3"),
        ("丙菜", "零售", "5", "2"),
    ]


def test_a_forgotten_comma_does_not_hide_a_lost_figure(tmp_path: Path) -> None:
    rows = sentence(tmp_path, "黄瓜冬瓜和茄子零售均价分别为3元/公斤和4元/公斤；鲫鱼零售价24元/公斤")
    assert "3 个品名对 2 个价格" in refusals(rows)[0]
    rows = sentence(tmp_path, f"{FISH}。草鱼鲫鱼和某某鱼价格环比分别上涨1%和2%")
    assert "3 个品名对 2 个涨跌幅" in refusals(rows)[0]


def test_turned_words_are_seen_through_where_the_name_is_known(tmp_path: Path) -> None:
    turned = "价格批。20元/公斤，上涨1%；零售价格30元/公斤，下降2%"
    assert sentence(tmp_path, f"羊肉{turned}") == [("羊肉", "批发", "20", "1"), ("羊肉", "零售", "30", "-2")]
    rows = sentence(tmp_path, f"黄瓜零售价6元/公斤。某肉{turned}")
    assert rows[0] == ("黄瓜", "零售", "6", None)
    assert len(refusals(rows)) == len(rows) - 1


# -- what the simulator writes ---------------------------------------------------------------------


def printed(text: str) -> tuple[list[str], list[str]]:
    """Prices of this week and percentages, as a text prints them."""
    prices = re.findall(r"(?<!上周为)(?<![\d.])([\d.]+)元/公斤", text)
    return prices, sorted(re.findall(r"([\d.]+)%", text))


WEEKS = [date(2026, 3, 2) + timedelta(7 * n) for n in range(12)]


def test_every_figure_of_an_honest_bulletin_becomes_a_row(tmp_path: Path) -> None:
    market = Market(4)
    texts_of = [written.text(4, market, monday, broken=False)[0] for monday in WEEKS]
    assert any("价格批。" in text for text in texts_of)
    assert any(
        a + b in text
        for text in texts_of
        for a, b in zip(written.VEGETABLES, written.VEGETABLES[1:], strict=False)
    )
    for monday, text in zip(WEEKS, texts_of, strict=True):
        frame = parse(tmp_path, text)
        prices, changes = printed(text)
        assert refusals(frame.rows_by_key("品名").keys()) == []
        assert frame["价格"].to_list() == prices
        moved = [change.lstrip("-") for change in frame["环比"] if change != "0"]
        assert sorted(moved) == changes
        assert frame["环比"].null_count() == 0
        assert frame.filter(pl.col("品名") == "猪肉")["类别"].to_list() == ["批发", "零售"]
        assert set(frame["地点"]) == {"岳阳市"}
        assert set(frame["起始日"]) == {str(monday)}


def test_of_a_broken_bulletin_the_broken_list_alone_is_refused(tmp_path: Path) -> None:
    market = Market(4)
    for monday in WEEKS:
        text, note = written.text(4, market, monday, broken=True)
        lost = note.removesuffix("的数字").split("缺")[1]
        frame = parse(tmp_path, text)
        quoted = frame.filter(pl.col("价格").is_not_null())
        (refused,) = frame.filter(pl.col("价格").is_null())["品名"].to_list()
        assert quoted["价格"].to_list() == printed(text)[0]
        untold = quoted.filter(pl.col("环比").is_null())["品名"].to_list()
        assert lost in untold
        assert all(name in refused for name in untold)
        assert f"{len(untold)} 个品名对 {len(untold) - 1} 个涨跌幅" in refused


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("2026年第9周（2月9日-15日）价格\n猪肉批发价17元/公斤。\n。", "第 9 周"),
        ("价格通报\n猪肉批发价17元/公斤。\n。", "没有"),
        ("2026年2月30日\n猪肉批发价17元/公斤。\n。", "2 月 30 日"),
        ("2026年（2月9日-28日）价格\n猪肉批发价17元/公斤。\n。", "不是一周"),
    ],
)
def test_a_bulletin_of_no_certain_day_is_refused(text: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=why) as caught:
        parse(tmp_path, text)
    assert caught.value.code == "unknown_layout"


def test_a_week_may_reach_into_the_next_year(tmp_path: Path) -> None:
    frame = parse(tmp_path, "2026年第1周（12月29日-1月4日）\n猪肉批发价17元/公斤。")
    assert set(frame["起始日"]) == {"2025-12-29"}
    assert set(frame["发布时间"]) == {"2026-01-04 23:59:59"}


def test_it_passes_the_door_as_price_references(tmp_path: Path) -> None:
    path = tmp_path / "original"
    path.write_text(WEEK_7, "utf8")
    with Worker(b"k" * 32) as worker:
        found = worker.read(
            path, "commerce", ["standard", "bulletin", "market"], list(FEEDS), tmp_path / "out"
        )
    assert (found.layout, found.feeds) == ("bulletin.quotes", {"price_reference": 17})
    frame = pl.read_ipc(reading.frame_path(tmp_path / "out", "price_reference"))
    assert frame.row(13, named=True) == {
        "record_no": "2026-02-09:014",
        "source_code": "commerce_weekly",
        "price_kind": "retail",
        "place": "岳阳市",
        "item_name": "猪肉",
        "spec": None,
        "unit": "公斤",
        "unit_price": "31",
        "low_price": None,
        "high_price": None,
        "change_pct": "19.2",
        "valid_from": "2026-02-09",
        "valid_to": None,
        "confidence": "A",
        "reported_at": "2026-02-19 00:00:00",
        "_row": 14,
    }


def test_a_table_is_no_bulletin(tmp_path: Path) -> None:
    path = tmp_path / "table"
    path.write_text("日期,价格(元/公斤)\n2026-02-09,3元/公斤\n", "utf8")
    assert not bulletin.is_bulletin(texts.open_text(path))
    with pytest.raises(Refused):
        reading.read(
            path,
            ["standard", "bulletin"],
            list(FEEDS),
            Masker(b"k", "c", keeps_pseudonyms=False),
            tmp_path / "o",
        )


@pytest.mark.parametrize("year", range(2021, 2036))
def test_a_week_may_be_counted_from_1_january_or_by_iso(year: int, tmp_path: Path) -> None:
    monday = date.fromisocalendar(year, 10, 1)
    sunday = monday + timedelta(6)
    title = f"{year}年第10周（{monday.month}月{monday.day}日—{sunday.month}月{sunday.day}日）"
    read = parse(tmp_path, f"{title}岳阳市生活必需品市场运行情况\n一、猪肉批发价格20元/公斤。")
    assert set(read["起始日"]) == {str(monday)}
