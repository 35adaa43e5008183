"""People: who somebody is as a provider signed it, and what they are in an organisation."""

from enum import StrEnum
from typing import NamedTuple


class Role(StrEnum):
    """What somebody is in an organisation. Of several that a provider names, the first of these counts."""

    OWNER = "owner"
    PRODUCER = "producer"
    REVIEWER = "reviewer"
    AUDITOR = "auditor"


class RoleSource(StrEnum):
    """Who says what somebody's role is: the provider's tokens, or an owner of the organisation."""

    PROVIDER = "provider"
    ORGANISATION = "organisation"


class TokenBearer(NamedTuple):
    """What a valid access token says of its bearer.

    Attributes:
        organisation_id: where they come in.
        issuer: who vouches for them.
        subject: who they are for the issuer.
        role: what the issuer says they are; None where it says nothing.
        name: to be shown; None where the token has none.
        email: the same.
    """

    organisation_id: str
    issuer: str
    subject: str
    role: Role | None = None
    name: str | None = None
    email: str | None = None
