"""Direct identifiers become pseudonyms or masks before anything leaves the child process.

Belongs here: which columns of the feeds identify a person and how each is masked (DESIGN decision
17). Masking a masked value changes nothing, so a steward's release may pass the door again.
"""

from __future__ import annotations

import hmac
from typing import Final

import polars as pl

PERSON: Final = "person_hash"
_PSEUDONYM: Final = r"^[0-9a-f]{32}$"
_MOBILE: Final = r"1[3-9]\d{9}"
_HAN: Final = r"[\x{4E00}-\x{9FFF}]"
_BODY: Final = (
    r"公司|集团|银行|支行|分行|学校|小学|中学|大学|学院|幼儿园|食堂|超市|农场|市场|酒店|饭店|商店|粮店|菜店|商行|粮油"
    r"|中心|合作社|供销社|工会|政府|专户|财政|税务|医院|协会|委员会|基金|客户|商户|备付金|零钱|利息|结算|支付"
)
"""Words that only organisations and internal accounts have."""
_BODY_END: Final = r"[局院厂店校所站社部园场厅办铺库行会户款费]$"
_SURNAME: Final = "^[王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许邓冯韩曹曾彭萧蔡潘田董袁于余叶蒋杜苏魏程吕丁沈任姚卢傅钟姜崔谭廖范汪陆金石戴贾韦夏邱方侯邹熊孟秦白江阎薛尹段雷黎史龙陶贺顾毛郝龚邵万钱严覃武戴莫孔向汤]"
_IDENTITY_CARD: Final = r"\d{17}[\dXx]"


def pseudonym(key: bytes, provider: str, person_no: str) -> str:
    """Keyed HMAC-SHA256 of a person's number within a provider, 32 hex digits."""
    return hmac.digest(key, f"{provider}\x1f{person_no}".encode(), "sha256").hex()[:32]


def name(column: str) -> pl.Expr:
    """``王小明`` -> ``王*``."""
    return pl.col(column).str.replace(r"(?s)^(.).*$", "$1*")


def phone(column: str) -> pl.Expr:
    """Keeps the first three and last four digits, as in ``138****1234``; what is shorter than 8 characters is masked whole."""
    text = pl.col(column)
    masked = pl.concat_str(text.str.head(3), pl.lit("****"), text.str.tail(4))
    return pl.when(text.str.len_chars() >= 8).then(masked).when(text.is_not_null()).then(pl.lit("****"))


def remark(column: str) -> pl.Expr:
    """Free text without phone and identity card numbers."""
    return pl.col(column).str.replace_all(_IDENTITY_CARD, "****").str.replace_all(_MOBILE, "****")


def party(column: str) -> pl.Expr:
    """The name of a person is masked (``王*``), that of an organisation stays.

    Two to four Chinese characters, or a name with a middle dot, are a person's unless they end as an
    organisation's name does; a one-character ending is not believed after a common surname.
    """
    text = pl.col(column)
    is_short = text.str.contains(rf"^{_HAN}{{2,4}}$|^{_HAN}+[·•.]{_HAN}+$")
    is_body = text.str.contains(_BODY) | (text.str.contains(_BODY_END) & ~text.str.contains(_SURNAME))
    return pl.when(is_short & ~is_body).then(name(column)).otherwise(text)


def account(column: str) -> pl.Expr:
    """Keeps the last four characters, as in ``****1234``; what is shorter than 8 is masked whole."""
    text = pl.col(column)
    masked = pl.concat_str(pl.lit("****"), text.str.tail(4))
    return pl.when(text.str.len_chars() >= 8).then(masked).when(text.is_not_null()).then(pl.lit("****"))


_MASKS: Final = {
    "contact_name": name,
    "contact_phone": phone,
    "reason": remark,
    "counterparty_name": party,
    "counterparty_account": account,
    "summary": remark,
    "purpose_text": remark,
}
MASKED: Final = frozenset({PERSON, *_MASKS})
"""Columns of the feeds that this module masks."""


class Masker:
    """Masks the frames of one file.

    A pseudonym is computed once per distinct value of the file.
    """

    def __init__(self, key: bytes, provider: str, *, keeps_pseudonyms: bool) -> None:
        """Args:
        key: HMAC key of the data home.
        provider: Scope of the pseudonyms.
        keeps_pseudonyms: Whether a value that already is a pseudonym stays (releases only).
        """
        self._key = key
        self._provider = provider
        self._keeps = keeps_pseudonyms
        self._known: dict[str, str] = {}

    def apply(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The frame with every identifying column masked."""
        masks = [mask(column).alias(column) for column, mask in _MASKS.items() if column in frame.columns]
        if PERSON in frame.columns:
            masks.append(self._persons(frame[PERSON]))
        return frame.with_columns(masks)

    def _persons(self, values: pl.Series) -> pl.Expr:
        distinct = values.drop_nulls().unique()
        if self._keeps:
            kept = distinct.filter(distinct.str.contains(_PSEUDONYM))
            self._known.update(zip(kept, kept, strict=True))
        for value in distinct:
            if value not in self._known:
                self._known[value] = pseudonym(self._key, self._provider, value)
        masked = [self._known[value] for value in distinct]
        return pl.col(PERSON).replace_strict(distinct, pl.Series(masked, dtype=pl.String))
