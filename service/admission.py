"""Who may connect to the embedded PostgreSQL: the system user of the service, and nobody else on this host.

No password is kept anywhere: the system names the user at the other end of a socket, and the server lets in those whom
`pg_ident.conf` lists (PostgreSQL: peer authentication, user name maps).
"""

from __future__ import annotations

import os
import pwd
from pathlib import Path

ROLE = "sihu"
"""The role of the server as which everybody connects who may."""
BY_SIHU = "# written by sihu: the system user of the service, and nobody else\n"
"""How the file of the rules begins that is left as it is, so that whoever looks after the server may add to it."""
_RULES = f"""{BY_SIHU}local all all peer map=sihu
local replication all peer map=sihu
"""
"""The rules by which connections are taken."""


def admit_own_user(data_dir: Path) -> bool:
    """Let the system user of this process connect, and nobody else but those who were let in by hand. Folders from
    before took everybody who reached the socket. Returns whether that is new. Raises OSError."""
    user = pwd.getpwuid(os.geteuid()).pw_name
    rules, names = data_dir / "pg_hba.conf", data_dir / "pg_ident.conf"
    own, listed = f'sihu "{user}" {ROLE}', _read(names)
    is_new = False
    if own not in listed.splitlines():
        _put(names, f"{listed.rstrip()}\n{own}\n".lstrip())
        is_new = True
    if not _read(rules).startswith(BY_SIHU):
        _put(rules, _RULES)
        is_new = True
    return is_new


# the folder may belong to an account without rights, which root must not follow to files of its own by a link


def _read(path: Path) -> str:
    if not path.exists():
        return ""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW)) as file:
        return file.read()


def _put(path: Path, text: str) -> None:
    """Write a file of the data folder, whole or not at all, for the owner of the folder alone."""
    new, owner = path.with_suffix(".new"), path.parent.stat()
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as file:
        if os.geteuid() == 0:
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
