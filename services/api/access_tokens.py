"""Access tokens of people (JWT, RFC 9068): those of an OIDC provider, and our own, for which sign-in tokens are exchanged."""

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import jwt
from jwt import PyJWK
from jwt.exceptions import (
    ExpiredSignatureError,
    ImmatureSignatureError,
    InvalidAlgorithmError,
    InvalidAudienceError,
    InvalidSignatureError,
    MissingRequiredClaimError,
    PyJWTError,
)

from dubbing.db.people import LOCAL_ISSUER
from dubbing.db.people_models import Person
from dubbing.domain.people import Role, TokenBearer
from dubbing.errors import Forbidden, SignInUnavailable, Unauthorized
from dubbing.settings import OidcSettings, SessionSettings
from services.api.provider_keys import ProviderKeys

SESSION = timedelta(hours=8)
"""How long a token of ours is valid."""
_OURS = "HS256"
_TYPE = "at+jwt"
_SHORTEST = 32
_REQUIRED = ["iss", "aud", "sub", "exp", "iat"]
_HEADER = {"header": "Authorization"}
_SUBJECT = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,255}")
_WHY: tuple[tuple[type[PyJWTError], str], ...] = (
    (ExpiredSignatureError, "The access token has expired: get a fresh one."),
    (ImmatureSignatureError, "The access token is not valid yet: does its issuer's clock go right?"),
    (InvalidAudienceError, "The access token is for another audience than this API."),
    (InvalidSignatureError, "The access token was changed, or is signed with another key than it names."),
    (InvalidAlgorithmError, "The access token is signed by an algorithm that is not allowed here."),
    (MissingRequiredClaimError, f"The access token lacks one of the claims {', '.join(_REQUIRED)}."),
)


class _Expected(NamedTuple):
    """What a token must be."""

    algorithms: Sequence[str]
    types: Sequence[str]
    audience: str
    issuer: str


def signing_keys(settings: SessionSettings) -> list[str]:
    """The texts that tokens of ours are signed with, the first one for new ones.

    Raises:
        ValueError: one is too short to be random enough.
    """
    keys = [key.strip() for key in settings.key.get_secret_value().split(",") if key.strip()]
    if any(len(key) < _SHORTEST for key in keys):
        message = f"a key of DUBLINE_SESSION_KEY has fewer than {_SHORTEST} characters"
        raise ValueError(message)
    return keys


class AccessTokens:
    """Reads tokens of both issuers, and signs our own.

    Raises:
        ValueError: the settings name our own issuer as the provider, or a key that is too short.
    """

    def __init__(self, oidc: OidcSettings, session: SessionSettings) -> None:
        if oidc.issuer == LOCAL_ISSUER:
            message = f"DUBLINE_OIDC_ISSUER cannot be {LOCAL_ISSUER}: tokens of our own name that"
            raise ValueError(message)
        self._oidc = oidc
        self._provider = ProviderKeys(oidc.jwks_url)
        self._keys = {hashlib.sha256(key.encode()).hexdigest()[:16]: key for key in signing_keys(session)}

    def read(self, token: str) -> TokenBearer:
        """Who bears a token.

        Raises:
            Unauthorized: it is not valid here; the text says why.
            Forbidden: it is, but its bearer belongs to no organisation of this installation.
            SignInUnavailable: its issuer's keys cannot be read now.
        """
        try:
            header = jwt.get_unverified_header(token)
            issuer = jwt.decode(token, options={"verify_signature": False}).get("iss")
        except (PyJWTError, RecursionError) as error:  # arrays in arrays in arrays: anybody can send them
            raise Unauthorized("The access token cannot be read.", where=_HEADER) from error
        if self._keys and issuer == LOCAL_ISSUER:
            return self._read_ours(token, header)
        if self._oidc.issuer and issuer == self._oidc.issuer:
            return self._read_providers(token, header)
        raise Unauthorized("The access token is of an issuer that this installation does not know.", where=_HEADER)

    def sign(self, person: Person, now: datetime) -> tuple[str, datetime]:
        """An access token of ours for ``person``, and when it ends.

        Raises:
            SignInUnavailable: no key is set.
        """
        self.check_key()
        ends = now + SESSION
        claims = {
            "iss": LOCAL_ISSUER,
            "aud": LOCAL_ISSUER,
            "sub": person.subject,
            "org": person.organisation_id,
            "iat": int(now.timestamp()),
            "exp": int(ends.timestamp()),
            "jti": secrets.token_hex(8),
        }
        kid, key = next(iter(self._keys.items()))
        return jwt.encode(claims, key, _OURS, {"typ": _TYPE, "kid": kid}), ends

    def check_key(self) -> None:
        """Refuse where no key is set; raises `SignInUnavailable`."""
        if not self._keys:
            raise SignInUnavailable(
                "No key is set that access tokens are signed with.", suggestions=("the operator sets DUBLINE_SESSION_KEY",)
            )

    def _read_ours(self, token: str, header: dict[str, Any]) -> TokenBearer:
        key = self._keys.get(str(header.get("kid")))
        if key is None:
            raise Unauthorized("The access token is signed with a key that is not set any more.", where=_HEADER)
        claims = self._verified(token, header, key, _Expected((_OURS,), (_TYPE,), LOCAL_ISSUER, LOCAL_ISSUER))
        return TokenBearer(str(claims.get("org")), LOCAL_ISSUER, claims["sub"])

    def _read_providers(self, token: str, header: dict[str, Any]) -> TokenBearer:
        settings = self._oidc
        if (algorithm := header.get("alg")) not in settings.algorithms:  # before the provider is asked for a key
            raise _refused(InvalidAlgorithmError())
        members = self._provider.get(header.get("kid"))
        try:
            key = PyJWK(members, members.get("alg", algorithm))
        except PyJWTError as error:
            raise _refused(InvalidAlgorithmError()) from error
        expected = _Expected(settings.algorithms, settings.token_types, settings.audience, settings.issuer)
        claims = self._verified(token, header, key, expected)
        shown = (_line(claims.get("name")) or _line(claims.get("preferred_username")), _line(claims.get("email")))
        return TokenBearer(self._organisation(claims), settings.issuer, claims["sub"], self._role(claims), *shown)

    def _verified(self, token: str, header: dict[str, Any], key: str | PyJWK, expected: _Expected) -> dict[str, Any]:
        """The claims of a token whose signature, type, audience, issuer and times are right."""
        kind = str(header.get("typ", "")).lower().removeprefix("application/")
        if kind not in {one.lower() for one in expected.types}:
            raise Unauthorized("The token is no access token: its header's typ is another.", where=_HEADER)
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=expected.algorithms,
                audience=expected.audience,
                issuer=expected.issuer,
                leeway=self._oidc.leeway,
                options={"require": _REQUIRED, "enforce_minimum_key_length": True},
            )
        except (PyJWTError, OverflowError) as error:  # of a time that is no number that a date can be made of
            raise _refused(error) from error
        if not _SUBJECT.fullmatch(str(claims["sub"])):
            raise Unauthorized("The access token's subject is not a text of up to 255 characters.", where=_HEADER)
        return claims

    def _role(self, claims: dict[str, Any]) -> Role | None:
        """The first of our roles that the token names."""
        named = {self._oidc.roles.get(value) for value in _values(claims, self._oidc.roles_claim)}
        return next((role for role in Role if role in named), None)

    def _organisation(self, claims: dict[str, Any]) -> str:
        """The organisation that the token names; raises `Forbidden` where it is none of ours, or several."""
        settings = self._oidc
        if not settings.organisation_claim:
            return settings.organisation
        values = _values(claims, settings.organisation_claim)
        named = {settings.organisations[value] for value in values if value in settings.organisations}
        if len(named) != 1:
            raise Forbidden(
                f"The access token's claim {settings.organisation_claim} names "
                f"{'several organisations' if named else 'no organisation'} of this installation.",
                where=_HEADER,
                suggestions=("the operator maps its values by DUBLINE_OIDC_ORGANISATIONS",),
            )
        return named.pop()


def _refused(error: Exception) -> Unauthorized:
    why = next((text for kind, text in _WHY if isinstance(error, kind)), "The access token cannot be read.")
    return Unauthorized(why, where=_HEADER)


def _values(claims: dict[str, Any], path: str) -> list[str]:
    """The texts of a claim: of one with that whole name (some are URLs, with dots), else of a member of another one.

    A text is one value and, as in ``scope``, several with spaces between.
    """
    found: Any = claims
    for part in [path] if path in claims else path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    if isinstance(found, str):
        return [found, *found.split()]
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _line(given: Any) -> str | None:
    """A name to be shown, as one line of up to 255 characters that can be stored."""
    if not isinstance(given, str):
        return None
    return "".join(one for one in given if one.isprintable()).strip()[:255] or None
