"""Days, booleans, codes and lists as spreadsheets write them."""

from __future__ import annotations

import pytest

from service.sheets import cells


@pytest.mark.parametrize(
    "text",
    [
        *("2020-09-01", "2020/9/1", "2020-9-1", "2020/09/01", "2020.9.1", "2020年9月1日", "2020年09月01日", "20200901"),
        *("2020/09/01 0:00", "2020/9/1 00:00:00", "2020-09-01T00:00:00", "２０２０／９／１", "2020 年 9 月 1 日"),
    ],
)
def test_a_day_with_the_year_first_is_read(text: str) -> None:
    assert cells.day(text) == "2020-09-01"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("9/1/2020", "9/1/2020 does not say which part is the month: write year, month, day"),
        ("1.9.2020", "does not say which part is the month"),
        ("13/1/2020 0:00", "does not say which part is the month"),
        ("20/9/1", "lacks the four digits of its year"),
        ("20年9月1日", "lacks the four digits of its year"),
        ("44075", "Excel wrote this day as the number 44075: format the column as a date"),
        ("2020/9/1 8:30", "has a time of day: send the day alone"),
        ("2020/2/30", "There is no day 2020/2/30"),
        ("2020/13/1", "There is no day 2020/13/1"),
        ("2020/9", "Send a day as year, month, day"),
        ("1-Sep-20", "Send a day as year, month, day"),
        ("########", "Send a day as year, month, day"),
    ],
)
def test_a_day_that_may_be_another_is_refused(text: str, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        cells.day(text)


@pytest.mark.parametrize("text", ["TRUE", "true", "1", "Yes", "是", "班", "workday", "１"])
def test_a_yes_is_read(text: str) -> None:
    assert cells.boolean(text)


@pytest.mark.parametrize("text", ["FALSE", "0", "no", "否", "休", "off", "ＦＡＬＳＥ"])
def test_a_no_is_read(text: str) -> None:
    assert not cells.boolean(text)


@pytest.mark.parametrize("text", ["perhaps", "2", "√", "-", "是否"])
def test_neither_yes_nor_no_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Send true or false"):
        cells.boolean(text)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("4.40105E+14", "Excel shortened this code to 4.40105E\\+14: format the column as text"),
        ("4.40105e+11", "Excel shortened this code"),
        ("4,40105E+14", "Excel shortened this code"),
        ("4E+14", "Excel shortened this code"),
        ("440105000000000", "Excel shortened this code"),
        ("440105003000000", "Excel shortened this code"),
        ("440105003001001.0", "was saved as a number: format the column as text, without decimals"),
        ("440105003.00", "was saved as a number"),
    ],
)
def test_a_code_that_lost_its_digits_is_refused(text: str, part: str) -> None:
    for read in (cells.code, cells.codes):
        if "," not in text or read is cells.code:
            with pytest.raises(ValueError, match=part):
                read(text)


@pytest.mark.parametrize("text", ["440105003001001", "440105000", "1.0", "urban-01", "1E5", "v2.0", "440105003001000"])
def test_a_code_stays_as_it_is(text: str) -> None:
    assert cells.code(text) == text


@pytest.mark.parametrize("text", ["a;b;c", " a ;b;; c", "a；b；c", "a；b;c;"])
def test_a_list_is_split_at_semicolons(text: str) -> None:
    assert cells.codes(text) == ("a", "b", "c")


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("a、b", "、"),
        ("a,b", ","),
        ("a，b", "，"),
        ("a b", "a blank"),
        ("a\nb", "a blank"),
        ("a|b", r"\|"),
        ("a/b", "/"),
    ],
)
def test_a_list_split_by_something_else_names_it(text: str, separator: str) -> None:
    with pytest.raises(ValueError, match=f"Separate the codes of a list by ; and not by {separator}"):
        cells.codes(text)
