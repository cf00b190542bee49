"""What every room hands in is served, behind its door, once."""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Iterator

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from service.clock import VirtualClock
from service.context import Context, Part
from service.main import ROOMS, create_app
from service.room import Room
from service.settings import Settings
from service.web.doors import Door, door_of
from tests.conventions import source
from tests.house import START

FOLDERS = {
    file.parent.name: importlib.import_module(f"service.{file.parent.name}.room").ROOM
    for file in sorted(source.SERVICE.glob("*/room.py"))
}
each_room = pytest.mark.parametrize("name", FOLDERS)


def _routes(room: Room) -> list[APIRoute]:
    return [route for router in room.routers for route in router.routes if isinstance(route, APIRoute)]


def _routers_below(folder: str) -> Iterator[tuple[str, APIRouter]]:
    """Every router that a file of this folder makes, with the name of its module."""
    for file in sorted((source.SERVICE / folder).rglob("*.py")):
        name = ".".join(file.relative_to(source.ROOT).with_suffix("").parts).removesuffix(".__init__")
        router = getattr(importlib.import_module(name), "router", None)
        if isinstance(router, APIRouter):
            yield name, router


def test_the_wiring_lists_every_room_once() -> None:
    assert Counter(map(id, ROOMS)) == Counter(map(id, FOLDERS.values()))


@pytest.mark.clause("API9:2023")
@each_room
def test_a_room_hands_in_every_router_of_its_folder(name: str) -> None:
    below = dict(_routers_below(name))
    assert below
    listed = [id(router) for router in FOLDERS[name].routers]
    assert sorted(listed) == sorted(id(router) for router in below.values()), sorted(below)


@each_room
def test_every_route_lies_behind_the_door_of_its_room(name: str) -> None:
    room = FOLDERS[name]
    doors = tuple(dict.fromkeys(each.door for each in ROOMS))
    assert _routes(room)
    assert all(len(router.routes) == len(_routes(Room(room.door, (router,)))) for router in room.routers)
    assert [route.path for route in _routes(room) if door_of(doors, route.path) is not room.door] == []


@each_room
def test_limits_are_of_requests_that_the_room_takes(name: str) -> None:
    posts = {route.path for route in _routes(FOLDERS[name]) if "POST" in (route.methods or ())}
    assert set(FOLDERS[name].limits) <= posts


def test_no_request_is_taken_twice() -> None:
    taken = Counter((method, route.path) for room in ROOMS for route in _routes(room) for method in route.methods or ())
    assert [request for request, times in taken.items() if times > 1] == []


def test_each_class_of_part_is_listed_once() -> None:
    """Parts are found by their class, so the second of two would hide the first."""
    process = create_app(Settings(), VirtualClock(START)).state.process
    made = Counter(type(make(process.context)) for room in ROOMS for make in room.parts)
    assert made and set(made.values()) == {1}
    assert all(isinstance(process.context.part(kind), kind) for kind in made)


def test_a_bare_room_has_no_parts_and_no_limits() -> None:
    one, other = (Room(Door("/x"), ()) for _ in range(2))
    assert (one.parts, one.limits) == ((), {})
    assert one.limits is not other.limits


def test_the_parts_of_a_room_start_in_their_order() -> None:
    class First(Part):
        """The part that starts first."""

    class Second(Part):
        """The part that starts second, with the context of its process."""

        def __init__(self, context: Context) -> None:
            self.context = context

    room = Room(Door("/x"), (), parts=(lambda _: First(), Second))
    process = create_app(Settings(), VirtualClock(START), [*ROOMS, room]).state.process
    assert [type(part) for part in process.parts[-2:]] == [First, Second]
    context = process.context.part(Second).context
    assert context.parts is process.context.parts
    assert context.database is process.lanes.parts, "no request can take the connections of a part"
