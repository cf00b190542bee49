"""The examples of the registry in the OpenAPI document: rows of a small district, shown by the code that answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from service.registry import views
from service.rules import routing
from service.rules import world as worlds
from service.rules.logged import author
from service.rules.model import Actor
from service.rules.words import Level, Role, UnitKind, Urgency
from service.rules.world import Category, Cell, Duty, Line, Unit, Validity
from service.store.registry.duty_proposals import Proposal

_ALWAYS = Validity(datetime(2020, 8, 31, 16, tzinfo=UTC))
_AT = datetime(2026, 11, 23, 1, tzinfo=UTC)
_DISTRICT, _STREET, _COMMUNITY, _CELL = "440105", "440105003", "440105003001", "440105003001001"
_DEPARTMENT = "dept-urban-management"
_SQUARE = (((113.27, 23.08), (113.28, 23.08), (113.28, 23.09), (113.27, 23.09), (113.27, 23.08)),)

_cell = Cell(_CELL, "示例网格001", _COMMUNITY, _ALWAYS, _SQUARE)
_street = Unit(_STREET, "昌岗街道", UnitKind.STREET, Level.STREET, _ALWAYS, _DISTRICT, covers=(_STREET,))
_category = Category("urban-0110", "暴露生活垃圾", "urban", Urgency.NORMAL, _ALWAYS, "urban-01")
_line = Line("urban", "城市管理")
_duty = Duty("EX-001", "市容环境管理", "urban-01", _DISTRICT, _DEPARTMENT, _ALWAYS, basis="示例 (example)")
_WORLD = worlds.build(
    1,
    units=[
        Unit(_DISTRICT, "海珠区(全区兜底)", UnitKind.DISTRICT, Level.LEADER, _ALWAYS),
        Unit("leader-1", "分管副区长", UnitKind.LEADER, Level.LEADER, _ALWAYS, _DISTRICT, in_charge_of=(_DEPARTMENT,)),
        Unit(_DEPARTMENT, "区城市管理和综合执法局", UnitKind.DEPARTMENT, Level.DEPARTMENT, _ALWAYS, _DISTRICT),
        _street,
        Unit(_COMMUNITY, "示例社区一(昌岗)", UnitKind.COMMUNITY, Level.COMMUNITY, _ALWAYS, _STREET),
    ],
    cells=[_cell],
    categories=[replace(_category, code="urban-01", name="市容环境", parent=None), _category],
    lines=[_line],
    duties=[_duty],
)
_proposal = Proposal(
    id=1,
    code="EX-001",
    title="市容环境管理",
    category="urban-01",
    area=_DISTRICT,
    lead_unit=_STREET,
    assisting=(_DEPARTMENT,),
    basis="示例 (example)",
    valid_to=None,
    proposed_by=author("unit", _DEPARTMENT, _DEPARTMENT),
    proposed_at=_AT,
)
_WHO = Actor(Role.OPS, "ops")
_OPS, _DECIDED_AT = author("ops", "ops", None), _AT + timedelta(days=1)
_admitted = replace(
    _proposal, approved_by=_OPS, approved_at=_DECIDED_AT, valid_from=datetime(2026, 12, 31, 16, tzinfo=UTC)
)
_refused = replace(_proposal, refused_by=_OPS, refused_at=_DECIDED_AT, refused_reason="街道尚无执法权,待下放后再议")

CELL: views.CellView = views.cell(_cell)
LOCATED: views.LocatedView = views.located(_cell, 23.0861, 113.2742)
UNIT: views.UnitView = views.unit(_street)
CATEGORY: views.CategoryView = views.category(_category)
LINE: views.LineView = views.line(_line)
DUTY: views.DutyView = views.duty(_duty)
RESPONSIBLE_DUTY: views.DutyView = views.judged_duty(_duty, responsible=True)
PROPOSAL: views.ProposalView = views.proposal(_WHO, _proposal)
ADMITTED: views.ProposalView = views.proposal(_WHO, _admitted)
REFUSED: views.ProposalView = views.proposal(_WHO, _refused)
CHAIN: views.ChainView = views.chain(
    _CELL, _category.code, _AT, routing.chain(_WORLD, _CELL, _category.code, _AT), _WORLD
)
