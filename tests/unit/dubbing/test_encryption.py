"""Secrets of customers are read with any key that is set, and written with the first."""

import pytest
from pydantic import SecretStr

from dubbing.encryption import SecretBox
from dubbing.errors import EncryptionUnavailable
from dubbing.settings import SecretsSettings

OLD, NEW = "o" * 32, "n" * 32


def box(*keys: str) -> SecretBox:
    return SecretBox(SecretsSettings(key=SecretStr(",".join(keys))))


def test_a_key_is_changed_by_putting_the_new_one_first() -> None:
    stored = box(OLD).encrypt("whsec_secret")
    assert "secret" not in stored
    assert box(NEW, OLD).decrypt(stored) == "whsec_secret"
    assert box(NEW).decrypt(box(NEW, OLD).encrypt("x")) == "x"
    with pytest.raises(EncryptionUnavailable):
        box(NEW).decrypt(stored)


@pytest.mark.parametrize("stored", ["", "x", "gAAAAA"])
def test_what_is_no_encrypted_text_is_not_read(stored: str) -> None:
    with pytest.raises(EncryptionUnavailable):
        box(OLD).decrypt(stored)


def test_without_a_key_nothing_is_stored() -> None:
    with pytest.raises(EncryptionUnavailable):
        box().encrypt("x")


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32 characters"):
        box(OLD, "short")
