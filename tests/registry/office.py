"""A small bundle as office machines save it, and what becomes of it, whichever way it comes in.

Each case replaces files of the bundle. A case that is read has the sentences of its warnings, one that is refused has
(file, line, part of the sentence) for each of its faults.
"""

from __future__ import annotations

import codecs
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.registry.bundles import files

Change = Callable[[bytes], bytes | str]

CALENDAR = "code,day,workday\nown,2027-01-01,false\n"


@dataclass(frozen=True)
class Case:
    """Files that replace or join those of the bundle; None takes one away."""

    files: Mapping[str, bytes | str | None] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    faults: tuple[tuple[str, int, str], ...] = ()

    def bundle(self) -> dict[str, bytes]:
        whole: dict[str, bytes | str | None] = {**files(), "calendar.csv": CALENDAR, **self.files}
        return {
            name: content.encode() if isinstance(content, str) else content
            for name, content in whole.items()
            if content is not None
        }


def _every_table(change: Change) -> Case:
    """Every CSV file of the bundle, changed."""
    tables = {**files(), "calendar.csv": CALENDAR.encode()}
    return Case({name: change(content) for name, content in tables.items() if name.endswith(".csv")})


def _ended_by(ending: bytes) -> Case:
    return _every_table(lambda content: content.replace(b"\n", ending))


def _fault(name: str, content: str | bytes, row: int, part: str) -> Case:
    return Case({name: content}, faults=((name, row, part),))


UNITS, DUTIES = files()["units.csv"].decode(), files()["duties.csv"].decode()
IN_GB18030 = tuple(f"{name} was read as GB18030" for name in ("lines.csv", "units.csv"))
LEADER, WATER = "leader-1,领导,leader,440402,dept-water,,", "dept-water,水务局,department,440402,,,"

READ: dict[str, Case] = {
    "as it is": Case(),
    "a mark of UTF-8": _every_table(lambda content: codecs.BOM_UTF8 + content),
    "CRLF": _ended_by(b"\r\n"),
    "CR": _ended_by(b"\r"),
    "empty rows at the end": _every_table(lambda content: content + b",,\n,\n\n , \n"),
    "empty columns at the end": _ended_by(b",,\n"),
    "tabs": _every_table(lambda content: content.replace(b",", b"\t")),
    "semicolons": _every_table(lambda content: content.replace(b",", b";")),
    "the separator in the first line": _every_table(lambda content: b"sep=;\r\n" + content.replace(b",", b";")),
    "blanks around values": _every_table(lambda content: content.replace(b",", "\u3000,\xa0".encode())),
    "GB18030": Case(
        {name: files()[name].decode().encode("gb18030") for name in ("lines.csv", "units.csv")}, warnings=IN_GB18030
    ),
    "UTF-16": Case(
        {"units.csv": UNITS.replace(",", "\t").encode("utf-16")}, warnings=("units.csv was read as UTF-16",)
    ),
    "capitals": Case({"units.csv": None, "Units.CSV": UNITS.replace("code,name", "CODE,Name", 1)}),
    "what systems leave behind": Case(
        dict.fromkeys(
            (".DS_Store", "._units.csv", "Thumbs.db", "desktop.ini", "~$units.csv", ".~lock.units.csv#", "x.tmp"),
            b"\0x",
        )
        | {"README.md": "read me", "说明.txt": "说明", "units.csv~": "old", "units.csv.bak": "older"}
    ),
    "days with slashes": Case(
        {
            "units.csv": UNITS.replace(WATER, "dept-water,水务局,department,440402,,2020/9/1,2099年9月1日"),
            "calendar.csv": "code,day,workday\nown,2027/1/1 0:00,FALSE\nown,2027-1-2,是\nown,2027.1.3,0\n",
        }
    ),
    "full-width semicolons": Case({"units.csv": UNITS.replace("dept-water,,", "dept-water；440402001,,")}),
    "short rows": Case({"units.csv": UNITS.replace(",,\n", "\n")}),
    "codes kept from Excel": Case({"lines.csv": 'code,name\n="urban",城市管理\n'}),
}

REFUSED: dict[str, Case] = {
    "an exponent": _fault("units.csv", UNITS + "4.40402E+11,社区,community,440402001,,,\n", 7, "Excel shortened"),
    "zeros at the end": _fault("units.csv", UNITS + "440402000000,社区,community,440402,,,\n", 7, "Excel shortened"),
    "a cell with zeros at the end": _fault(
        "cells.csv", "code,name,community\n440402000000000,网格,440402001001\n", 2, "Excel shortened"
    ),
    "decimals": _fault(
        "cells.csv", "code,name,community\n440402001001001.0,网格,440402001001\n", 2, "was saved as a number"
    ),
    "another separator in a list": _fault(
        "units.csv", UNITS.replace(LEADER, "leader-1,领导,leader,440402,dept-water、440402001,,"), 6, "not by 、"
    ),
    "an unquoted list": _fault(
        "units.csv", UNITS.replace(LEADER, LEADER + ",dept-water"), 6, "stands in column H, which has no name"
    ),
    "the month first": _fault(
        "units.csv", UNITS.replace(WATER, WATER[:-1] + "9/1/2020,"), 5, "does not say which part is the month"
    ),
    "no boolean": _fault("calendar.csv", "code,day,workday\nown,2027-01-01,√\n", 2, "Send true or false"),
    "an open quote": _fault("lines.csv", 'code,name\n\nurban,"城市\n', 3, "does not end"),
    "cut in a character": _fault("lines.csv", files()["lines.csv"][:-2] + b"\n", 2, "not UTF-8"),
    "joined from two machines": _fault(
        "lines.csv", files()["lines.csv"] + "a,街道\n".encode("gb18030"), 3, "not UTF-8, and GB18030 neither"
    ),
    "a workbook under the name of a table": _fault("lines.csv", b"PK\x03\x04\0\0", 0, "this is a workbook"),
    "a workbook": _fault("单位.xlsx", b"PK\x03\x04\0\0", 0, "save each of its sheets"),
    "another name": _fault("unit.csv", "code,name\n", 0, "did you mean units.csv?"),
    "a table saved as text": _fault("units.txt", "code\tname\n", 0, "did you mean units.csv?"),
    "a policy with tabs": _fault("policy.yaml", "code: a\n\ttitle: b\n", 0, "not YAML from line 2"),
}


def zipped(case: Case) -> bytes:
    """The bundle as a Mac makes an archive: in a folder, with the resource forks beside it."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in case.bundle().items():
            archive.writestr(f"名录/{name}", content)
            archive.writestr(f"__MACOSX/名录/._{name}", b"\x00\x05\x16\x07")
        archive.writestr("__MACOSX/._名录", b"\x00")
    return written.getvalue()
