"""The file in which the secret keys lie while no setting names them: `secret.key` in SIHU_DATA_DIR, one key a line in
base64, the one that seals first."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path

from service.access.secrets import SecretKey, key_of

NAME = "secret.key"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class SecretFileError(Exception):
    """The file of the keys cannot be used. The message is one line that says what to do, and repeats no key."""


def read(path: Path) -> list[SecretKey] | None:
    """The keys of the file; None when there is no file.

    Raises:
        SecretFileError: others than its owner may read it, or it holds something else than keys.
    """
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & _OTHERS:
                raise SecretFileError(f"{path} may be read by others than its owner: chmod 600 {path}")
            lines = file.read().decode("ascii", "replace").split()
        keys = [key_of(line) for line in lines]
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SecretFileError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise SecretFileError(f"{path} is no file of keys: {error}") from None
    if not keys:
        raise SecretFileError(f"{path} is empty: copy it from another host, or take it from where it is kept safe")
    return keys


def make(path: Path, key: SecretKey) -> None:
    """Make the file with its first key. Where another process was quicker, its file stays as it is.

    Raises:
        SecretFileError: the file cannot be made, or a link to no file is in its place.
    """
    whole = _beside(path, [key])
    try:
        os.link(whole, path)  # unlike a rename, it never takes the place of a file that is there
    except FileExistsError:
        if not path.exists():
            raise SecretFileError(f"{path} is a link that leads nowhere: bring back the file it names") from None
    except OSError as error:
        raise _not_written(path, error) from error
    finally:
        whole.unlink()


def write(path: Path, keys: Sequence[SecretKey]) -> None:
    """Put these keys in the place of those in the file, at one stroke: a reader finds the old file or the new one. A
    link that leads to the file stays.

    Raises:
        SecretFileError: the file cannot be written.
    """
    whole = _beside(path.resolve(), keys)
    try:
        whole.replace(path.resolve())
    except OSError as error:
        raise _not_written(path, error) from error


def _beside(path: Path, keys: Sequence[SecretKey]) -> Path:
    """A complete file of these keys beside the real one, on the disk."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, whole = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # for its owner alone
        with open(descriptor, "w") as file:
            file.write("".join(f"{key.text}\n" for key in keys))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _not_written(path, error) from error
    return Path(whole)


def _not_written(path: Path, error: OSError) -> SecretFileError:
    return SecretFileError(
        f"{path} cannot be written ({error.strerror}): let this user write there, or set SIHU_SECRET_KEY"
    )
