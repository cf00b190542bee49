"""`sihu`: the list of commands, and how a command ends: a refusal is one clear line on stderr and exit code 1 or 2."""

from __future__ import annotations

import argparse
import re
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from service import settings
from service.access.secret_files import SecretFileError
from service.access.secret_keys import SecretKeysError
from service.bench import run as bench
from service.commands import (
    appraisal,
    backup,
    backup_check,
    database,
    demo_story,
    doctor,
    keys,
    openapi,
    personal,
    registry,
    secrets,
    serve,
    signals,
    time,
)
from service.commands.refusal import CommandRefusal
from service.postgres import EmbeddedError
from service.registry.bundle.files import BundleError
from service.rules.errors import Pointer, SihuError, Unavailable
from service.settings import Settings, SettingsError
from service.store.database import StatementRefused
from service.store.migrate import WrongDatabase
from service.store.sqlstates import Trouble, cause_of

CommandFunction = Callable[[Settings, argparse.Namespace], int]
"""A function that runs one command and returns its exit code."""

_BACKUP_CHECK = "backup check"
"""A command of two words, beside one of the first word alone: `sihu backup FILE`."""
_COMMANDS: Mapping[str, tuple[Callable[[argparse.ArgumentParser], None], str]] = {
    "serve": (serve.add_arguments, "serve the API and fire deadlines"),
    "migrate": (database.add_arguments, "bring the database's tables to this version"),
    "registry": (registry.add_arguments, "import units, cells, categories, duties and a policy"),
    "policy": (time.add_policy_arguments, "list, check, draft and activate time rules"),
    "calendar": (time.add_calendar_arguments, "load and show working days and days off"),
    "keys": (keys.add_arguments, "make, find, replace and revoke keys"),
    "personal": (personal.add_arguments, "erase what people wrote about incidents"),
    "secrets": (secrets.add_arguments, "replace the key by which personal data is encrypted"),
    "appraisal": (appraisal.add_arguments, "check the figures of a month"),
    "backup": (backup.add_arguments, "save the whole database into a file, while the service goes on"),
    _BACKUP_CHECK: (backup_check.add_arguments, "restore a backup beside everything else, and say if it is good"),
    "doctor": (doctor.add_arguments, "find what is wrong with this installation, and what to do"),
    "openapi": (openapi.add_arguments, "write openapi/openapi.json"),
    "demo": (demo_story.add_arguments, "show one unanswered incident go through all four levels, in seconds"),
    "bench": (bench.add_arguments, "measure the service and, for comparison, a control; prints JSON"),
}


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command and exit: 0 done · 1 refused, or a check found a fault · 2 wrong arguments or settings · 130 or
    143 ended by a signal."""
    arguments = _parser().parse_args(_as_one_word(sys.argv[1:] if argv is None else argv))
    with signals.as_interrupts() as caught:
        _run(arguments, caught)


def _run(arguments: argparse.Namespace, caught: Sequence[int]) -> NoReturn:
    try:
        chosen = settings.load(**_overrides(arguments))
        command: CommandFunction = arguments.command
        sys.exit(command(chosen, arguments))
    except SettingsError as error:
        sys.exit(_complain(str(error), 2))
    except Unavailable as error:
        sys.exit(_complain(_unavailable(error), 1))
    except SihuError as error:
        faults = [_fault_line(fault) for fault in error.errors]
        for fault in faults if len(faults) > 1 else ():
            print(fault, file=sys.stderr)
        sys.exit(_complain(faults[0] if len(faults) == 1 else str(error), 1))
    except StatementRefused as error:
        sys.exit(_complain(f"the database refused this: {cause_of(error)}", 1))
    except (BundleError, EmbeddedError, CommandRefusal, WrongDatabase, SecretKeysError, SecretFileError) as error:
        sys.exit(_complain(str(error), 1))
    except KeyboardInterrupt:
        sys.exit(128 + (caught[0] if caught else signal.SIGINT))


def _as_one_word(words: Sequence[str]) -> Sequence[str]:
    return [_BACKUP_CHECK, *words[2:]] if list(words[:2]) == _BACKUP_CHECK.split() else words


def _fault_line(fault: Pointer) -> str:
    """The sentence about one fault, after the option to which it belongs: the fields of the API have the names of the
    options."""
    name = re.sub(r"^/(system)s/\d+$|^/(allow)/\d+$", r"/\1\2", fault.pointer)  # of many, each is an option
    name = name.removesuffix("_s")  # an option does not name its unit
    option = name.removeprefix("/").replace("/", "-").replace("_", "-")
    return f"--{option}: {fault.detail}" if option else fault.detail


def _unavailable(error: Unavailable) -> str:
    """What is wrong with the database. One that has refused something was reached."""
    what = "refused this" if error.trouble == Trouble.REFUSED else "cannot be reached"
    return f"the database {what}: {error.cause}: check DATABASE_URL"


def _complain(sentence: str, code: int) -> int:
    print(f"sihu: {sentence}", file=sys.stderr)
    return code


def _overrides(arguments: argparse.Namespace) -> dict[str, object]:
    """The settings that `sihu serve` takes as options. All other settings come from the environment."""
    names = ("host", "port", "engine", "virtual_clock")
    return {name: getattr(arguments, name, None) for name in names}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sihu", description="四呼四应: every call gets a response, in time.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (add_arguments, summary) in _COMMANDS.items():
        add_arguments(commands.add_parser(name, help=summary))
    return parser


if __name__ == "__main__":
    main()
