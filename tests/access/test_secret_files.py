"""The file of the secret keys: whole or not there, and read by its owner alone."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from service.access import secret_files
from service.access.secret_files import SecretFileError
from service.access.secrets import SecretKey, new_key


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "secret.key"


def test_no_file_holds_no_keys(file: Path) -> None:
    assert secret_files.read(file) is None


@pytest.mark.clause("ASVS 13.3.2")
def test_a_file_that_was_made_is_for_its_owner_alone(file: Path) -> None:
    key = new_key()
    secret_files.make(file, key)
    assert secret_files.read(file) == [key]
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["secret.key"]


def test_the_first_of_two_makers_wins(file: Path) -> None:
    first = new_key()
    secret_files.make(file, first)
    secret_files.make(file, new_key())
    assert secret_files.read(file) == [first]


def test_makers_at_once_agree_on_one_key(file: Path) -> None:
    file.parent.mkdir()
    together = threading.Barrier(4)

    def make() -> None:
        together.wait()
        for _ in range(20):
            secret_files.make(file, new_key())
            seen.append(tuple(secret_files.read(file) or ()))

    seen: list[tuple[SecretKey, ...]] = []
    makers = [threading.Thread(target=make) for _ in range(4)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert len(seen) == 80 and len(set(seen)) == 1


def test_a_link_that_leads_nowhere_is_told(file: Path) -> None:
    """A volume with the keys may not be there yet: another key beside it would be the wrong one."""
    file.parent.mkdir(exist_ok=True)
    file.symlink_to(file.parent / "volume" / "secret.key")
    with pytest.raises(SecretFileError, match="leads nowhere"):
        secret_files.make(file, new_key())
    assert file.is_symlink() and [each.name for each in file.parent.iterdir()] == [file.name]


def test_written_keys_keep_their_order(file: Path) -> None:
    keys = [new_key(), new_key()]
    secret_files.make(file, keys[1])
    secret_files.write(file, keys)
    assert secret_files.read(file) == keys
    assert file.stat().st_mode & 0o777 == 0o600


def test_new_keys_are_written_where_a_link_leads(file: Path) -> None:
    """Elsewhere the new key would stay on this host alone, and be lost with it."""
    volume = file.parent / "volume" / "secret.key"
    first, second = new_key(), new_key()
    secret_files.make(volume, first)
    file.symlink_to(volume)
    secret_files.write(file, [second, first])
    assert file.is_symlink() and secret_files.read(volume) == [second, first]
    assert [each.name for each in file.parent.iterdir() if each.is_file()] == [file.name]


@pytest.mark.clause("ASVS 13.3.2")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_may_read_is_refused(file: Path, mode: int) -> None:
    secret_files.make(file, new_key())
    file.chmod(mode)
    with pytest.raises(SecretFileError, match=f"chmod 600 {file}"):
        secret_files.read(file)


@pytest.mark.parametrize(("content", "why"), [("", "is empty"), ("c2hvcnQ=\n", "32 bytes"), ("\xff", "32 bytes")])
def test_a_file_without_keys_is_refused(file: Path, content: str, why: str) -> None:
    secret_files.make(file, new_key())
    file.write_text(content)
    with pytest.raises(SecretFileError, match=why):
        secret_files.read(file)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(SecretFileError, match="SIHU_SECRET_KEY"):
        secret_files.make(tmp_path / "data" / "secret.key", new_key())
