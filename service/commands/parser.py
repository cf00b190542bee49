"""The `sihu` command. Each command is one function; a fault is one clear line on stderr and exit code 1 or 2."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from service import settings
from service.bench import run as bench
from service.commands import appraisal, database, demo_story, doctor, keys, openapi, registry, serve, time
from service.postgres import EmbeddedError
from service.registry.bundle.parse import BundleError
from service.rules.errors import Pointer, SihuError, Unavailable
from service.settings import Settings, SettingsError

Run = Callable[[Settings, argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> None:
    """Exit codes: 0 done · 1 refused or found wanting · 2 called wrongly."""
    asked = _parser().parse_args(arguments)
    try:
        chosen = settings.load(**_overrides(asked))
        command: Run = asked.command
        sys.exit(command(chosen, asked))
    except SettingsError as error:
        sys.exit(_complain(str(error), 2))
    except Unavailable as error:
        sys.exit(_complain(f"the database cannot be reached: {error.cause}", 1))
    except SihuError as error:
        faults = [_placed(fault) for fault in error.errors]
        for fault in faults if len(faults) > 1 else ():
            print(fault, file=sys.stderr)
        sys.exit(_complain(faults[0] if len(faults) == 1 else str(error), 1))
    except (EmbeddedError, BundleError) as error:
        sys.exit(_complain(str(error), 1))
    except KeyboardInterrupt:
        sys.exit(130)


def _placed(fault: Pointer) -> str:
    """A fault with its place; what the API calls a field is an option here."""
    option = fault.pointer.removeprefix("/").replace("_", "-")
    return f"--{option}: {fault.detail}" if option else fault.detail


def _complain(sentence: str, code: int) -> int:
    print(f"sihu: {sentence}", file=sys.stderr)
    return code


def _overrides(asked: argparse.Namespace) -> dict[str, object]:
    names = ("host", "port", "engine", "virtual_clock")
    return {name: getattr(asked, name, None) for name in names}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sihu", description="四呼四应: every call gets a response, in time.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _serve(commands.add_parser("serve", help="serve the API and fire deadlines"))
    migrate = commands.add_parser("migrate", help="bring the database's tables to this version")
    migrate.add_argument("--check", action="store_true", help="only say whether migrations and tables agree")
    migrate.set_defaults(command=database.migrate)
    _registry(commands.add_parser("registry", help="units, cells, categories, duties, policy"))
    _policy(commands.add_parser("policy", help="time rules: check, draft, activate"))
    _calendar(commands.add_parser("calendar", help="working days and days off"))
    _keys(commands.add_parser("keys", help="who may call"))
    _appraisal(commands.add_parser("appraisal", help="the figures of a month"))
    examine = commands.add_parser("doctor", help="what is wrong with this installation, and what to do")
    examine.set_defaults(command=doctor.doctor)
    document = commands.add_parser("openapi", help="write openapi/openapi.json")
    document.add_argument("--check", action="store_true", help="only say whether the file is up to date")
    document.set_defaults(command=openapi.openapi)
    story = commands.add_parser("demo", help="one unanswered incident through all four calls, in seconds")
    story.set_defaults(command=demo_story.climb)
    bench.add_arguments(commands.add_parser("bench", help="measure, beside a control; prints JSON"))
    return parser


def _serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", help="default 127.0.0.1")
    parser.add_argument("--port", type=int, help="default 8000")
    parser.add_argument("--engine", choices=["on", "off", "only"], help="on: serve and fire; off: serve; only: fire")
    parser.add_argument(
        "--virtual-clock",
        nargs="?",
        const="now",
        metavar="TIME",
        help="for trials: time stands still until POST /v1/clock/advance; starts at TIME (RFC 3339)",
    )
    parser.add_argument("--demo", action="store_true", help="import the Haizhu sample, make demo keys, print the story")
    parser.set_defaults(command=serve.serve)


def _registry(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    into = commands.add_parser("import", help="import a bundle of CSV files and policy.yaml")
    into.add_argument("directory", type=Path, metavar="DIR")
    into.add_argument("--dry-run", action="store_true", help="only say what would change")
    into.set_defaults(command=registry.load)


def _policy(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    commands.add_parser("list", help="every version, and from when").set_defaults(command=time.policy_list)
    for name, command, told in (
        ("check", time.policy_check, "every fault of a policy.yaml; writes nothing"),
        ("draft", time.policy_draft, "store a policy.yaml as the next version"),
    ):
        each = commands.add_parser(name, help=told)
        each.add_argument("file", type=Path, metavar="FILE")
        each.set_defaults(command=command)
    activate = commands.add_parser("activate", help="put a version in force")
    activate.add_argument("code")
    activate.add_argument("version", type=int)
    activate.add_argument("--at", metavar="TIME", help="from this instant on (RFC 3339); now unless given")
    activate.set_defaults(command=time.policy_activate)


def _calendar(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    load = commands.add_parser("load", help="days from a file: CSV (day,workday,note) or JSON as holiday-cn has it")
    load.add_argument("file", type=Path, metavar="FILE")
    load.add_argument("--calendar", default="cn", help="default cn")
    load.add_argument(
        "--fill-year", type=int, action="append", default=[], help="unknown days of this year are Monday to Friday"
    )
    load.set_defaults(command=time.calendar_load)
    seed = commands.add_parser("seed", help="the published holidays, for days not known yet")
    seed.set_defaults(command=time.calendar_seed)
    coverage = commands.add_parser("coverage", help="which years are known")
    coverage.add_argument("--calendar", default="cn", help="default cn")
    coverage.set_defaults(command=time.calendar_coverage)


def _appraisal(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="whether the calls and the log tell the same figures")
    check.add_argument("period", metavar="PERIOD", help="a month, such as 2026-11")
    check.set_defaults(command=appraisal.check)


def _keys(parser: argparse.ArgumentParser) -> None:
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    create = commands.add_parser("create", help="make a key; prints the key alone")
    create.add_argument("--role", required=True, choices=["reporter", "unit", "auditor", "ops"])
    create.add_argument("--unit", help="the unit it acts as (role unit)")
    create.add_argument("--area", help="code prefix of its area (role reporter)")
    create.add_argument("--subject", help="the stable name behind one or more keys")
    create.add_argument("--name", help="a note for people")
    create.set_defaults(command=keys.create)
    commands.add_parser("list", help="all keys, without the keys themselves").set_defaults(command=keys.show)
    revoke = commands.add_parser("revoke", help="refuse a key from now on")
    revoke.add_argument("id", help="its id, from `sihu keys list`")
    revoke.set_defaults(command=keys.revoke)


if __name__ == "__main__":
    main()
