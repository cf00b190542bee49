"""The bytes of a text file become text: UTF-8, UTF-16 with its mark, else GB18030, which Chinese Windows saves.

GB18030 gives nearly any bytes a meaning. So it is the second reading, is always reported, and is refused for a UTF-8
file with damage: that would be read without a fault, as wrong characters.
"""

from __future__ import annotations

from service.rules.sentences import Sentence

_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
"""How an Excel or WPS workbook begins: a zip archive since 2007, a compound file before."""
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_FIRST_WIDE = "\u0800"
"""The first character of three bytes in UTF-8. Three bytes of GB18030 that happen to be one are rare."""
_PRIVATE = ("\ue000", "\uf8ff")
"""Characters without a meaning of their own. Text in Big5 or Shift-JIS read as GB18030 is full of them."""

SAVE_AS = Sentence('save the file as "CSV UTF-8"')


class UnreadableFile(Exception):
    """The bytes are no text that can be read; `line` is where, 0 for the file as a whole."""

    def __init__(self, line: int, detail: Sentence) -> None:
        super().__init__(detail)
        self.line = line
        self.detail = detail


def decode(content: bytes) -> str:
    """Return the text of a file, without the mark at its beginning.

    Raises:
        UnreadableFile: it is a workbook, or text in no encoding that is read.
    """
    encoding = encoding_of(content)
    try:
        return content.decode("utf-8-sig" if encoding == "UTF-8" else encoding)
    except UnicodeDecodeError as error:
        detail = Sentence("the characters from here on cannot be read as {encoding}: {save_as}", **_advice(encoding))
        raise UnreadableFile(_line(content[: error.start]), detail) from None


def note(name: str, content: bytes) -> Sentence | None:
    """Return what a person should know about how a file was read; None for UTF-8."""
    try:
        encoding = encoding_of(content)
    except UnreadableFile:
        return None
    if encoding == "UTF-8":
        return None
    values = {"file": name, **_advice(encoding)}
    return Sentence("{file} was read as {encoding}, as it is not UTF-8: look at its names, or {save_as}", **values)


def encoding_of(content: bytes) -> str:
    """Return the encoding in which a file is read: UTF-8, UTF-16 or GB18030.

    Raises:
        UnreadableFile: it is a workbook, or text in no encoding that is read.
    """
    if content.startswith(_WORKBOOKS):
        detail = Sentence("this is a workbook and not a text file: open it and {save_as}", save_as=SAVE_AS)
        raise UnreadableFile(0, detail)
    if content.startswith(_UTF_16_MARKS):
        return "UTF-16"
    if b"\x00" in content[:2]:
        detail = Sentence("this looks like UTF-16 without its mark: {save_as}", save_as=SAVE_AS)
        raise UnreadableFile(0, detail)
    try:
        content.decode()
    except UnicodeDecodeError as error:
        if _is_gb18030(content):
            return "GB18030"
        detail = Sentence("not UTF-8, and GB18030 neither: {save_as}", save_as=SAVE_AS)
        raise UnreadableFile(_line(content[: error.start]), detail) from None
    return "UTF-8"


def _is_gb18030(content: bytes) -> bool:
    """Whether bytes that are not UTF-8 are meant as GB18030: not as UTF-8 that was cut or mixed with something else."""
    try:
        text = content.decode("gb18030")
    except UnicodeDecodeError:
        return False
    if any(_PRIVATE[0] <= each <= _PRIVATE[1] for each in text):
        return False
    lines = content.decode(errors="replace").split("\n")
    damaged = sum(line.count("\ufffd") for line in lines)
    wide = sum(each >= _FIRST_WIDE and each != "\ufffd" for line in lines for each in line)
    return wide < damaged and not any("\ufffd" not in line and max(line, default="") >= _FIRST_WIDE for line in lines)


def _advice(encoding: str) -> dict[str, str]:
    return {"encoding": encoding, "save_as": SAVE_AS}


def _line(before: bytes) -> int:
    """The number of the line that comes after these bytes, whatever ends a line: CR, LF or both."""
    return before.replace(b"\r\n", b"\n").replace(b"\r", b"\n").count(b"\n") + 1
