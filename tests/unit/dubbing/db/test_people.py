"""What roles may do, and that settings know the same roles."""

import json

import pytest
from pydantic import ValidationError

from dubbing.db.keys import SCOPES
from dubbing.db.people import ROLE_SCOPES, scopes_of
from dubbing.domain.people import Role
from dubbing.settings import OidcSettings

PROVIDER = {"issuer": "https://login.example", "audience": "urn:dubline", "jwks_url": "https://login.example/jwks"}


def test_every_role_has_scopes_that_there_are_and_only_owners_may_let_others_in() -> None:
    assert set(ROLE_SCOPES) == set(Role)
    for role, scopes in ROLE_SCOPES.items():
        assert set(scopes) <= set(SCOPES), role
        assert len(set(scopes)) == len(scopes), role
        assert bool({"keys:write", "people:write"} & set(scopes)) == (role is Role.OWNER)
    assert set(scopes_of("owner")) == set(SCOPES)
    assert all(scope.endswith(":read") for scope in scopes_of("auditor"))
    assert scopes_of(None) == ()


def test_settings_map_a_providers_words_to_the_roles_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUBLINE_OIDC_ROLES", json.dumps({f"CN={role},OU=a=b": role for role in Role}))
    assert list(OidcSettings(**PROVIDER).roles.values()) == list(Role)  # type: ignore[arg-type]
    monkeypatch.setenv("DUBLINE_OIDC_ROLES", "")  # as compose passes on what is not set
    assert OidcSettings().roles == {}
    for wrong in ('{"x": "admin"}', "owner", "[]x"):
        monkeypatch.setenv("DUBLINE_OIDC_ROLES", wrong)
        with pytest.raises(ValidationError):
            OidcSettings()


@pytest.mark.parametrize(
    "wrong",
    [
        {"audience": ""},
        {"jwks_url": ""},
        {"organisation_claim": "org"},
        {"organisations": {"a": "b"}},
        {"leeway": 301},
        {"leeway": -1},
        {"algorithms": "RS256,HS256"},
        {"algorithms": "none"},
    ],
)
def test_settings_that_would_let_in_too_many_or_nobody_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        OidcSettings(**{**PROVIDER, **wrong})  # type: ignore[arg-type]
