"""Secrets of customers at rest: Fernet (AES-128-CBC with HMAC-SHA-256, an age in each text), under keys from the settings."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from dubbing.errors import EncryptionUnavailable
from dubbing.settings import SecretsSettings

_SHORTEST = 32


class SecretBox:
    """Encrypts with the first key, decrypts with any. A key is a random text; its SHA-256 is what Fernet takes.

    Raises:
        ValueError: a key is too short to be random enough.
    """

    def __init__(self, settings: SecretsSettings) -> None:
        keys = [key.strip() for key in settings.key.get_secret_value().split(",") if key.strip()]
        if any(len(key) < _SHORTEST for key in keys):
            message = f"a key of DUBLINE_SECRETS_KEY has fewer than {_SHORTEST} characters"
            raise ValueError(message)
        self._fernet = MultiFernet([_fernet(key) for key in keys]) if keys else None

    def encrypt(self, secret: str) -> str:
        """The text to store; raises `EncryptionUnavailable` where no key is set."""
        return self._keys().encrypt(secret.encode()).decode()

    def decrypt(self, stored: str) -> str:
        """The secret of a stored text; raises `EncryptionUnavailable` where no key fits."""
        try:
            return self._keys().decrypt(stored).decode()
        except InvalidToken as error:
            raise EncryptionUnavailable(
                "A stored secret was encrypted with a key that is not set any more.",
                suggestions=("put the old key behind the new one in DUBLINE_SECRETS_KEY", "or have the secret replaced"),
            ) from error

    def renew(self, stored: str) -> str:
        """The same secret under the first key; raises `EncryptionUnavailable` where no key fits."""
        return self.encrypt(self.decrypt(stored))

    def _keys(self) -> MultiFernet:
        if self._fernet is None:
            raise EncryptionUnavailable(
                "No key is set for the secrets of customers.", suggestions=("the operator sets DUBLINE_SECRETS_KEY",)
            )
        return self._fernet


def _fernet(key: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest()))
