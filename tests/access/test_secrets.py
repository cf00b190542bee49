"""What is sealed opens for its own row by its own key, and for nobody else."""

from __future__ import annotations

import base64
import hashlib

import pytest

from service.access.secrets import AlteredError, MissingKeyError, SealedValue, SecretKey, SecretsBox, key_of, new_key

ONE, OTHER = SecretKey(bytes(32)), SecretKey(bytes(range(32)))
PLAIN = "张三 13800000000".encode()


@pytest.mark.clause("ASVS 11.3.2", "GB/T 39786 8.4 e")
def test_a_value_opens_for_its_own_row() -> None:
    box = SecretsBox([ONE])
    sealed = box.seal(PLAIN, "contact/1")
    assert box.open(sealed, "contact/1") == PLAIN
    assert PLAIN not in sealed.data and sealed.key_id == ONE.id


@pytest.mark.clause("ASVS 11.3.2")
def test_no_two_sealed_values_are_alike() -> None:
    box = SecretsBox([ONE])
    assert len({box.seal(PLAIN, "contact/1").data for _ in range(100)}) == 100


@pytest.mark.clause("ASVS 11.3.3")
def test_a_value_of_another_row_does_not_open() -> None:
    box = SecretsBox([ONE])
    with pytest.raises(AlteredError, match="contact/2"):
        box.open(box.seal(PLAIN, "contact/1"), "contact/2")


@pytest.mark.clause("ASVS 11.3.3", "GB/T 22239 8.1.4.7 b")
@pytest.mark.parametrize("place", [0, 11, 12, -1])
def test_a_changed_value_does_not_open(place: int) -> None:
    box = SecretsBox([ONE])
    key_id, data = box.seal(PLAIN, "contact/1")
    changed = bytearray(data)
    changed[place] ^= 1
    with pytest.raises(AlteredError):
        box.open(SealedValue(key_id, bytes(changed)), "contact/1")


@pytest.mark.clause("ASVS 11.3.3")
@pytest.mark.parametrize("length", [0, 5, 12, 27])
def test_a_value_that_is_cut_off_does_not_open(length: int) -> None:
    box = SecretsBox([ONE])
    key_id, data = box.seal(PLAIN, "contact/1")
    with pytest.raises(AlteredError):
        box.open(SealedValue(key_id, data[:length]), "contact/1")


@pytest.mark.clause("ASVS 11.2.2")
def test_the_first_key_seals_and_all_open() -> None:
    old = SecretsBox([ONE]).seal(PLAIN, "contact/1")
    both = SecretsBox([OTHER, ONE])
    assert both.open(old, "contact/1") == PLAIN
    assert both.seal(PLAIN, "contact/1").key_id == both.first == OTHER.id
    assert both.ids == {ONE.id, OTHER.id}


def test_a_key_that_is_not_held_is_named() -> None:
    sealed = SecretsBox([ONE]).seal(PLAIN, "contact/1")
    with pytest.raises(MissingKeyError, match=ONE.id) as refusal:
        SecretsBox([OTHER]).open(sealed, "contact/1")
    assert refusal.value.key_id == ONE.id


def test_a_key_is_named_the_same_everywhere() -> None:
    assert key_of(ONE.text).id == ONE.id != OTHER.id
    assert len(ONE.id) == 12 and ONE.text not in repr(ONE)


def test_new_keys_differ() -> None:
    assert new_key() != new_key() and len(new_key().content) == 32


@pytest.mark.parametrize("text", ["", "nonsense!", base64.b64encode(bytes(31)).decode(), "密钥"])
def test_a_text_that_is_no_key_is_refused_unrepeated(text: str) -> None:
    with pytest.raises(ValueError, match="32 bytes in base64") as refusal:
        key_of(text)
    assert not text or text not in str(refusal.value)


def test_a_value_is_known_again_by_each_key() -> None:
    [old], both = SecretsBox([ONE]).marks(PLAIN), SecretsBox([OTHER, ONE]).marks(PLAIN)
    assert both[1] == old != both[0]
    assert SecretsBox([ONE]).marks(PLAIN + b"0") != (old,)
    assert hashlib.sha256(PLAIN).digest() not in both and ONE.id not in old.hex()
