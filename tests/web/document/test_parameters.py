from __future__ import annotations

from service.clock import VirtualClock
from service.main import create_app
from service.settings import Settings
from service.web.document import tree
from tests.house import START


def test_a_parameter_with_several_values_is_one_text() -> None:
    document = create_app(Settings(virtual_clock=START), VirtualClock(START)).openapi()
    found = {
        (path, each["name"]): (each.get("explode", True), each["schema"]["minItems"])
        for path, _, operation in tree.operations(document)
        for each in operation.get("parameters", ())
        if each["schema"].get("type") == "array"
    }
    lists = [("/v1/queues/{unit}", "state"), ("/v1/events", "types"), ("/v1/incidents", "state")]
    assert found == dict.fromkeys(lists, (False, 1))
