"""Settings of people: whose access tokens are believed, and for what."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from dubbing.settings.values import mapped, with_commas


class SessionSettings(BaseSettings):
    """Access tokens of our own: what a single-use token is exchanged for.

    Attributes:
        key: what signs them: random texts of 32 characters or more, with commas between, none of which is one of
            ``DUBLINE_SECRETS_KEY``. The first one signs, all are believed. Without one nobody signs in by such a token.
    """

    model_config = SettingsConfigDict(env_prefix="DUBLINE_SESSION_")
    key: SecretStr = SecretStr("")


Signature = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class OidcSettings(BaseSettings):
    """People who sign in with an OIDC provider.

    Attributes:
        issuer: the provider, as the ``iss`` of its access tokens names it; without one there is no provider.
        audience: what the ``aud`` of a token must name: this installation's API.
        jwks_url: where the provider publishes its keys.
        algorithms: signatures that are believed, with commas between.
        token_types: what a token's ``typ`` may be, with commas between. RFC 9068 knows ``at+jwt`` only; some providers write
            ``jwt`` there, as in ID tokens, so let that in only where no ID token has this audience.
        leeway: seconds by which the provider's clock may differ from ours; 300 at most.
        roles_claim: the claim that names roles; ``realm_access.roles`` is a member of another one.
        roles: which of its values is which role, as JSON: ``{"dubline-owners": "owner"}``. Roles are ``owner``, ``producer``,
            ``reviewer``, ``auditor``; to whom it gives none, an owner of the organisation may give one.
        organisation_claim: the claim that names the organisation; without one all come into ``organisation``.
        organisations: which of its values is which organisation, as JSON: ``{"studio-north": "north"}``.
        organisation: where people come in while no claim says so.
    """

    model_config = SettingsConfigDict(env_prefix="DUBLINE_OIDC_")
    issuer: str = ""
    audience: str = ""
    jwks_url: str = ""
    algorithms: Annotated[tuple[Signature, ...], NoDecode, BeforeValidator(with_commas)] = ("RS256", "ES256")
    token_types: Annotated[tuple[str, ...], NoDecode, BeforeValidator(with_commas)] = ("at+jwt",)
    leeway: Annotated[float, Field(ge=0, le=300)] = 30.0
    roles_claim: str = "roles"
    roles: Annotated[dict[str, Literal["owner", "producer", "reviewer", "auditor"]], NoDecode, BeforeValidator(mapped)] = {}
    organisation_claim: str = ""
    organisations: Annotated[dict[str, str], NoDecode, BeforeValidator(mapped)] = {}
    organisation: str = "default"

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.issuer and not (self.audience and self.jwks_url):
            message = "DUBLINE_OIDC_ISSUER needs DUBLINE_OIDC_AUDIENCE and DUBLINE_OIDC_JWKS_URL beside it"
            raise ValueError(message)
        if bool(self.organisation_claim) != bool(self.organisations):
            message = "DUBLINE_OIDC_ORGANISATION_CLAIM and DUBLINE_OIDC_ORGANISATIONS come together"
            raise ValueError(message)
        return self
