"""The door for lists of people: only places and counts pass; what names a person stays outside, and no message repeats it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from planner.schema import as_numbers, fold, is_blank

_PERSONAL = (  # anywhere in a header
    "姓名", "名字", "申请人", "联系人", "户主", "身份证", "证件", "证号", "护照", "社保", "社会保障",
    "电话", "手机", "联系方式", "邮箱", "微信", "住址", "地址", "门牌", "出生", "生日",
    "surname", "firstname", "lastname", "fullname", "idcard", "idnumber", "passport", "phone", "mobile", "email", "birth",
)  # fmt: skip
_PERSONAL_WHOLE = ("name", "names", "tel", "idno", "address", "dob")  # a header of just this
_SURNAMES = frozenset(  # the hundred most common, four in five people
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
_RARE_SURNAMES = frozenset(  # of the Hundred Family Surnames those that are not among the most common
    "褚卫尤施华戚喻柏水窦章云葛奚郎鲁昌苗凤花俞柳酆鲍费廉岑倪滕殷毕邬安常乐时傅皮卞齐康伍元卜平和穆萧湛祁禹狄米贝明臧计伏成谈茅庞纪舒屈项祝阮蓝闵席季麻强路娄危童颜梅盛刁骆樊凌霍虞支柯"
    "昝管卢经房裘缪干解应宗宣贲郁单杭洪包诸左吉钮嵇邢滑裴荣翁荀羊於惠甄曲家封芮羿储靳汲邴糜松井富巫乌焦巴弓牧隗山谷车宓蓬全郗班仰秋仲伊宫宁仇栾暴甘钭厉戎祖符景詹束幸司韶郜蓟薄印宿怀蒲邰从"
    "鄂索咸籍赖卓蔺屠蒙池乔阴胥能苍双闻莘党翟贡劳逄姬申扶堵冉宰郦雍郤璩桑桂濮牛寿通边扈燕冀郏浦尚农温别庄晏柴瞿阎充慕连茹习宦艾鱼容古易慎戈庾终暨居衡步都耿满弘匡国文寇广禄阙东欧殳沃利蔚越"
    "夔隆师巩厍聂晁勾敖融冷訾辛阚那简饶空毋沙乜养鞠须丰巢关蒯相查后荆红游竺权逯盖益桓公岳帅缑亢况有琴商牟佘佴伯赏墨哈谯笪年爱仝代岑麦盘覃"
)
_DOUBLE_SURNAMES = (
    "欧阳",
    "司马",
    "上官",
    "诸葛",
    "皇甫",
    "令狐",
    "夏侯",
    "尉迟",
    "慕容",
    "东方",
    "公孙",
    "司徒",
    "端木",
    "长孙",
)
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999
_ID_CHECK = "10X98765432"
_PHONE = re.compile(r"(?:\+?86)?[-\s]?1[3-9]\d[-\s]?\d{4}[-\s]?\d{4}|0\d{2,3}[-\s]?\d{7,8}")
_LONG_DIGITS = re.compile(r"\d{6,}")
SAMPLE = 2000  # rows looked at; a column of names is one from the start
_MOSTLY = 0.5  # of the values of a column
LONGEST_HEADER = 40  # letters; what is longer is no header


def is_id_number(text: str) -> bool:
    """Whether a text is a Chinese identity-card number: 15 digits, or 18 with a right check digit.

    >>> is_id_number("11010519491231002X"), is_id_number("110105194912310021"), is_id_number("12345")
    (True, False, False)
    """
    plain = text.strip().upper()
    if re.fullmatch(r"\d{15}", plain):
        return True
    if not re.fullmatch(r"\d{17}[\dX]", plain):
        return False
    rest = sum(int(digit) * weight for digit, weight in zip(plain[:17], _ID_WEIGHTS, strict=True)) % 11
    return _ID_CHECK[rest] == plain[17]


def is_phone(text: str) -> bool:
    """Whether a text is a Chinese mobile or landline number.

    >>> is_phone("13800138000"), is_phone("021-59530000"), is_phone("121.47")
    (True, True, False)
    """
    return bool(_PHONE.fullmatch(text.strip()))


def is_name(text: str) -> bool:
    """Whether a text has the shape of a Chinese person's name: two to four letters that begin with a common surname.

    >>> is_name("张三"), is_name("居委会"), is_name("嘉定区")
    (True, False, False)
    """
    plain = text.strip()
    is_short = bool(re.fullmatch(r"[\u4e00-\u9fff·]{2,4}", plain))
    return is_short and (plain[0] in _SURNAMES or plain.startswith(_DOUBLE_SURNAMES))


def names_somebody(file: str) -> bool:
    """Whether the name of a file has a mobile or identity-card number in it.

    >>> names_somebody("lists/王小明13800138000.csv"), names_somebody("jobless-20250630.csv")
    (True, False)
    """
    return any(is_id_number(found) or is_phone(found) for found in re.findall(r"(?<!\d)\d{11,17}[\dXx]?(?!\d)", file))


def is_personal_header(header: str) -> bool:
    """Whether a header says that its column tells who people are.

    >>> is_personal_header("联系电话"), is_personal_header("Full name"), is_personal_header("town_name")
    (True, True, False)
    """
    folded = fold(header)
    return folded in _PERSONAL_WHOLE or any(word in folded for word in _PERSONAL)


def holds_personal(values: Iterable[Any]) -> bool:
    """Whether half of the values look like identity-card numbers, phone numbers or names.

    >>> holds_personal(["13800138000", "13900139000"]), holds_personal(["16-24", "25-34"]), holds_personal([12, 7.0])
    (True, False, False)
    """
    texts = [_plain(value) for value in values if value is not None and not (isinstance(value, float) and pd.isna(value))]
    looks = sum(1 for text in texts if is_id_number(text) or is_phone(text) or is_name(text) or _is_long(text))
    return bool(texts) and looks >= _MOSTLY * len(texts)


def personal_columns(frame: pd.DataFrame, headers: Sequence[str]) -> list[str]:
    """Of the columns `headers`, those that tell who people are: by the header, or by what half of the values look like."""
    return [name for name in headers if is_personal_header(name) or holds_personal(frame[name].head(SAMPLE).tolist())]


def shown_header(header: str, position: int) -> str:
    """A header as it may be said aloud: one that could itself be a person's name or number is called by its place.

    >>> shown_header("联系电话", 2), shown_header("13800138000", 2), shown_header("夔小明", 0)
    ("'联系电话'", 'column 3', 'column 1')
    """
    unsafe = may_name_somebody(header) or re.search(r"\d", header)
    return f"column {position + 1}" if unsafe else repr(header)


def is_countable(header: str, values: Iterable[Any]) -> bool:
    """Whether a column of a list of people may be proposed by its header as one of counts: numbers under words of nobody.

    >>> is_countable("count_2024", [1, "2", None]), is_countable("夔晓梅", [3]), is_countable("138 0013 8000", [1])
    (True, False, False)
    """
    cells = list(values)
    there = np.isfinite(as_numbers(cells))
    unsafe = _tells_somebody(header) or _may_be_a_name(header)
    return not unsafe and bool(there.any()) and all(is_blank(cells[i]) for i in np.flatnonzero(~there))


def is_record(headers: Iterable[str]) -> bool:
    """Whether what stands for headers is a person's row: a file without headers."""
    return any(is_id_number(header) or is_phone(header) or _is_long(header.strip()) for header in headers)


def may_name_somebody(text: str) -> bool:
    """Whether a short text (a header, the name of a file) could be a person's name, number or address.

    >>> may_name_somebody("张三"), may_name_somebody("13800138000"), may_name_somebody("unemployed 2025")
    (True, True, False)
    """
    return _tells_somebody(text) or _may_be_a_name(text)


def _tells_somebody(header: str) -> bool:
    """Whether a header has a number of a person or an address in it, or is no header at all."""
    return bool(_LONG_DIGITS.search(re.sub(r"[\s()+-]", "", header))) or "@" in header or len(header) > LONGEST_HEADER


def _may_be_a_name(header: str) -> bool:
    """Whether a header has the shape of a name: with a common surname or a rare one, or two to four words in Latin letters."""
    plain = unicodedata.normalize("NFKC", header).strip()
    is_han = bool(re.fullmatch(r"[\u3400-\u9fff·]{2,4}", plain)) and plain[0] in _RARE_SURNAMES
    words = plain.replace(",", " ").split()
    is_latin = 2 <= len(words) <= 4 and all(re.fullmatch(r"[A-Z][A-Za-z'-]+", word) for word in words)
    return not is_personal_header(header) and (is_name(plain) or is_han or is_latin)


def _plain(value: Any) -> str:
    """A cell as text; a number out of a spreadsheet without its ``.0``."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e19:
        return str(int(value))
    return str(value)


def _is_long(text: str) -> bool:
    """A spreadsheet that took an identity-card number for a number keeps 15 digits of it."""
    return bool(re.fullmatch(r"\d{15,18}", text))
