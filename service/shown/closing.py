"""The close of a month as the log tells it."""

from __future__ import annotations

from typing_extensions import TypedDict  # pydantic cannot read that of `typing` before Python 3.12

from service.rules.logged import ByView
from service.shown.references import PolicyReference


class AppraisalClosedData(TypedDict):
    """The data of `sihu.appraisal.closed`. `digest` is the SHA-256 of the frozen figures, in hexadecimal digits;
    `policy` scores them, and is null where there was none. `seed` is that of the month's spot checks, in hexadecimal
    digits, whose SHA-256 `sihu.appraisal.seeded` has; null: the month had none."""

    period: str
    calls: int
    pending: int
    policy: PolicyReference | None
    digest: str
    seed: str | None
    by: ByView
