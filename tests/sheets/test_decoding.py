"""The encodings in which offices save text: what is read, what is reported, what is refused."""

from __future__ import annotations

import pytest

from service.sheets.decoding import UnreadableFile, decode, encoding_of, note

TEXT = "code,name\na,海珠区\nb,龘㙟街道\n"
UTF_8 = TEXT.encode()


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (UTF_8, "UTF-8"),
        (b"\xef\xbb\xbf" + UTF_8, "UTF-8"),
        (TEXT.encode("gb18030"), "GB18030"),
        (TEXT.encode("utf-16"), "UTF-16"),
        (b"\xfe\xff" + TEXT.encode("utf-16-be"), "UTF-16"),
    ],
)
def test_a_text_is_read_in_the_encodings_of_an_office(content: bytes, encoding: str) -> None:
    assert (decode(content), encoding_of(content)) == (TEXT, encoding)
    found = note("a.csv", content)
    assert (found is None) is (encoding == "UTF-8")
    assert found is None or found.startswith(f"a.csv was read as {encoding}, ")


@pytest.mark.parametrize(
    ("content", "line", "part"),
    [
        (UTF_8[:-3] + b"\n", 3, "not UTF-8, and GB18030 neither"),  # cut inside a character
        (UTF_8 + "c,海珠\n".encode("gb18030"), 4, "not UTF-8, and GB18030 neither"),  # joined from two machines
        ("a,海珠\n".encode("gb18030") + UTF_8, 1, "not UTF-8, and GB18030 neither"),
        (UTF_8.replace(b"\n", b"\r") + b"\xff", 4, "not UTF-8, and GB18030 neither"),
        (UTF_8.replace(b"\n", b"\r\n") + b"\xff", 4, "not UTF-8, and GB18030 neither"),
        ("海珠區街道辦事處".encode("big5"), 1, "not UTF-8, and GB18030 neither"),
        (TEXT.encode("utf-16-le"), 0, "UTF-16 without its mark"),
        (TEXT.encode("utf-16-be"), 0, "UTF-16 without its mark"),
        (TEXT.encode("utf-16")[:-1], 3, "cannot be read as UTF-16"),
        (b"PK\x03\x04\x14\x00", 0, "this is a workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\x00", 0, "this is a workbook"),
    ],
)
def test_what_would_be_read_wrongly_is_refused_with_its_line(content: bytes, line: int, part: str) -> None:
    with pytest.raises(UnreadableFile, match=part) as refused:
        decode(content)
    assert refused.value.line == line
    assert 'save the file as "CSV UTF-8"' in refused.value.detail or "{save_as}" in refused.value.detail.template
