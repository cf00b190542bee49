"""What of a text is a person's number or name, and is hidden (`service/rules/masking.py`)."""

from __future__ import annotations

import re
import time
import unicodedata
from datetime import date, timedelta

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from service.rules.masking import looks_like_a_persons_number, masked, masked_name

WRITTEN = {
    "mobile": "13800138000",
    "beside characters": "打13800138000找张三",
    "beside letters": "tel13800138000abc",
    "in parts": "138 0013 8000",
    "with dots": "138.0013.8000",
    "with long dashes": "138–0013–8000",
    "in parentheses": "(138)0013-8000",
    "digit by digit": "1 3 8 0 0 1 3 8 0 0 0",
    "with a country": "+8613800138000",
    "with a country apart": "+86 138-0013-8000",
    "with zeros and a country": "0086 13800138000",
    "with a country in parentheses": "(+86)13800138000",
    "with a zero": "013800138000",
    "full width": "＋８６１３８００１３８０００",
    "over two lines": "1380013\n8000",
    "over two indented lines": "138-0013-\r\n    8000",
    "with what nobody sees": "138\u200b0013\u00ad8000",
    "with marks that nobody sees": "138\u2063001\U000e00203\u034f8000",
    "with blank letters": "138\u31640013\u28008000",
    "struck through": "\u0336".join("13800138000"),
    "with other dashes": "138\u30300013\ufe638000",
    "with wide dots": "138．0013。8000",
    "with semicolons": "138；0013；8000",
    "with tabs": "138\t0013\t8000",
    "with blanks that do not break": "138\u00a00013\u202f8000",
    "with strokes": "138/0013/8000",
    "with underscores": "138_0013_8000",
    "with commas": "138,0013,8000",
    "over three lines": "138-\n0013-\n8000",
    "over an empty line": "138 0013\n\n8000",
    "in digits of other scripts": "١٣٨००१३８０００",
    "half of it full width": "１３８００138000",
    "full width and in parts": "１３８　００１３－８０００",
    "with its part in parentheses": "+86(138)00138000",
    "with 86 and blanks": "86 138 0013 8000",
    "as keys": "1\ufe0f\u20e33\ufe0f\u20e38\ufe0f\u20e300138000",
}
LANDLINES = (
    *(
        "(0755)12345678",
        "0371—12345678",
        "010 12345678",
        "020\t1234\t5678",
        "0086 20 12345678",
        "＋８６　２０　１２３４５６７８",
    ),
    *("020-12345678", "(020)1234 5678", "（020）12345678", "02012345678", "0755-1234567", "0755 1234 5678"),
    *("+86 20 12345678", "+86-755-1234567", "86-20-12345678", "020\n12345678", "０２０－１２３４５６７８"),
)
LOOK_ALIKES = (
    *("2026-000123", "2026-12345678", "440105003001001", "440105003001", "440105003", "¥1,380,013.80", "138000元"),
    *("2026-11-27 15:30", "2026-11-27T13:00:00+08:00", "15:00-17:30", "16-11-2026 153", "2026年11月27日"),
    *("12345", "95598", "400-800-1234", "110105194912310021", "202611270000012345", "1380013800012", "1380013800"),
    *("23.086234, 113.273412", "urban-0110", "019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e11", "91440101MA59ABCD1X"),
    *("穗海府办〔2026〕13号", "3栋1502房", "粤A13800"),
    *(
        "２０２６－０００１２３",
        "2026-000123/2026-000124",
        "2026-000123、2026-000124",
        "2026-1380013",
        "2026年第138号001380",
    ),
    *(
        "¥13,800,138,000.00",
        "￥１３８，００１",
        "13800.138000",
        "138001.38000元",
        "1.38亿元",
        "1380013.80元",
        "-138.00",
    ),
    *("2026.11.27-2026.12.31", "27/11/2026 13:00:05", "2026/11/27 13:00", "20261127138001", "2026-11-27至2027-01-31"),
    *("2026-11-27T13:00:00.138001Z", "1795053600", "1795053600000", "13:00-13:45", "2026年11月27日13时00分"),
)


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
def test_a_mobile_number_is_masked_however_written(text: str) -> None:
    assert re.fullmatch("请回电 (打|tel)?138\\*{4}8000(找张三|abc)? 谢谢", masked(f"请回电 {text} 谢谢"))


@pytest.mark.parametrize("written", LANDLINES)
def test_a_landline_with_its_area_code_is_masked(written: str) -> None:
    assert re.fullmatch(r"电话0\d\d\*{4}\d{4}。", masked(f"电话{written}。"))


@pytest.mark.parametrize(
    "written",
    ["11010519491231002X", "11010519491231002x", "110105 19491231 002X", "１１０１０５１９４９１２３１００２Ｘ"],
)
def test_an_identity_number_is_known_by_its_check(written: str) -> None:
    assert masked(f"身份证{written}号") == "身份证110****002X号"


def test_an_old_identity_number_has_a_birthday() -> None:
    assert masked("旧证440105600229123") == "旧证440****9123"
    assert masked("旧证440105610229123") == "旧证440105610229123"


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_what_only_looks_like_a_number_stays(text: str) -> None:
    assert masked(text) == text
    assert masked(f"见{text},处理") == f"见{text},处理"


def test_several_numbers_beside_others_are_masked() -> None:
    text = "2026-000123 张某 13800138000,13900139000 2026-11-27 罚款200元 020-12345678-801"
    assert masked(text) == "2026-000123 张某 138****8000,139****9000 2026-11-27 罚款200元 020****5678-801"


def test_numbers_that_overlap_are_one() -> None:
    assert masked("1512 138 0013 8000") == "151****8000"


@pytest.mark.parametrize(
    ("name", "shown"), [("张三", "张*"), ("欧阳修", "欧*"), ("张", "*"), (" 张三 ", "张*"), ("", ""), ("张*", "张*")]
)
def test_of_a_name_its_first_character_stays(name: str, shown: str) -> None:
    assert masked_name(name) == shown


@pytest.mark.parametrize(
    ("subject", "looks_so"),
    [
        ("13800138000", True),
        ("+86 138-0013-8000", True),
        ("11010519491231002X", True),
        ("worker-13800138000", True),
        ("张三13800138000", True),
        ("worker13800138000", True),
        ("13800138000x", True),
        ("worker-17", False),
        ("440105003001001", False),
        ("p-0a13800138000bc4d5e6", False),
        ("019ab0e2-1500-1234-1670-6f1f0c2b7e11", False),
        ("020-12345678", False),
    ],
)
def test_a_subject_may_look_like_a_persons_number(subject: str, looks_so: bool) -> None:
    assert looks_like_a_persons_number(subject) == looks_so


# --- any number in any writing ----------------------------------------------------------------------------------------

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
MOBILES = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
BIRTHS = st.dates(date(1900, 1, 1), date(2026, 1, 1))


@st.composite
def identities(draw: st.DrawFn) -> str:
    body = f"{draw(st.integers(110000, 659999))}{draw(BIRTHS):%Y%m%d}{draw(st.integers(0, 999)):03d}"
    return body + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True)) % 11]


@st.composite
def written(draw: st.DrawFn, numbers: st.SearchStrategy[str]) -> tuple[str, str]:
    """A number, and the same in some writing."""
    number = draw(numbers)
    text = number
    if draw(st.booleans()):
        at = draw(st.integers(1, len(number) - 1))
        text = text[:at] + draw(st.sampled_from(["\n", " ", "-", "\r\n  ", "\u3000", "\u200b"])) + text[at:]
    elif draw(st.booleans()):
        text = draw(st.sampled_from([" ", "-", "\u00a0", "–"])).join(text)
    if draw(st.booleans()):
        text = "".join(chr(ord(each) + 0xFEE0) if each.isdigit() else each for each in text)
    if number[0] == "1" and len(number) == 11:
        text = draw(st.sampled_from(["", "+86", "+86 ", "0086-", "86", "0"])) + text
    return number, text


AROUND = st.text(
    st.sampled_from("abX张三,。:; \n()（）*+") | st.characters(categories=("Lo", "Po", "Zs"), max_codepoint=0xFFFF),
    max_size=12,
)


@pytest.mark.clause("ASVS 14.2.4", "PIPL 51")
@given(AROUND, written(MOBILES | identities()), AROUND)
@example("", ("18120260101", "18120260101"), "")
def test_no_planted_number_survives(before: str, planted: tuple[str, str], after: str) -> None:
    number, text = planted
    shown = masked(f"{before}{text}{after}")
    assert number not in _digits(shown)
    assert f"{number[:3]}****{number[-4:]}" in shown


@given(st.lists(st.tuples(AROUND, written(MOBILES | identities())), max_size=4))
def test_masking_twice_changes_nothing_more(parts: list[tuple[str, tuple[str, str]]]) -> None:
    once = masked("".join(before + text for before, (_, text) in parts))
    assert masked(once) == once


@given(st.text(st.sampled_from("01234589 -\n*()+Xx"), max_size=60))
def test_masking_any_digits_twice_changes_nothing_more(text: str) -> None:
    once = masked(text)
    assert masked(once) == once


@given(
    st.dates(date(2000, 1, 1), date(2099, 1, 1)),
    st.integers(0, 999_999),
    st.integers(0, 99_999_999),
    st.from_regex(r"440105[0-1][0-9]{2}[0-2][0-9]{2}[0-9]{3}", fullmatch=True),
)
def test_look_alikes_survive_beside_each_other(day: date, counter: int, cents: int, cell: str) -> None:
    text = f"{day.year}-{counter:06d},{day},{day + timedelta(1):%Y%m%d},{cents / 100:,.2f}元,{cell},{cell[:12]}"
    assert masked(text) == text


@given(st.from_regex(r"[1-9][0-9]{17}", fullmatch=True))
def test_a_wrong_check_digit_is_no_identity(code: str) -> None:
    total = sum(int(digit) * weight for digit, weight in zip(code[:17], _WEIGHTS, strict=True))
    assume("10X98765432"[total % 11] != code[-1])
    assert masked(code) == code


@pytest.mark.parametrize("part", ["1 ", "4 4 0 1 ", "13-", "138 ", "0 2 ", "(+1", "1      ", "12345678901 ", "0755-"])
def test_a_hostile_text_takes_no_longer_per_character(part: str) -> None:
    masked(part * 100)
    short, long = (_seconds((part * 8000)[:length]) for length in (4000, 16000))
    assert long < 12 * short + 0.05  # four times as long, with room for a busy machine
    assert short < 1


def _seconds(text: str) -> float:
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        masked(text)
        taken.append(time.perf_counter() - start)
    return min(taken)


def _digits(text: str) -> str:
    plain = "".join(str(unicodedata.decimal(each, each)) for each in text)
    return re.sub(r"[^0-9X*]", "", plain)
