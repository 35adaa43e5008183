"""The migrations make exactly the tables that the code declares."""

import subprocess
import sys

import pytest
from alembic import command
from alembic.config import Config
from places import ROOT
from sqlalchemy import Engine, make_url, text

from dubbing.db.engine import open_engine
from dubbing.encryption import SecretBox
from dubbing.settings import DatabaseSettings, SecretsSettings

pytestmark = pytest.mark.stack
SCOPES_0009 = {
    f"{thing}:{may}" for thing in ("assets", "titles", "jobs", "training", "webhooks", "keys") for may in ("read", "write")
}


def test_the_migrated_schema_is_the_declared_one(migrated: Engine, database_settings: DatabaseSettings) -> None:
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("sqlalchemy.url", database_settings.url)
    command.check(config)
    assert migrated is not None


def test_two_processes_may_migrate_an_empty_database_at_once(migrated: Engine, database_settings: DatabaseSettings) -> None:
    with migrated.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CREATE DATABASE fresh"))
    url = make_url(database_settings.url).set(database="fresh").render_as_string(hide_password=False)
    runs = [
        subprocess.Popen([sys.executable, "-m", "alembic", "upgrade", "head"], cwd=ROOT, env={"DUBLINE_DATABASE_URL": url})
        for _ in range(2)
    ]
    assert [run.wait() for run in runs] == [0, 0]
    with migrated.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("DROP DATABASE fresh"))


def test_a_tenant_of_before_becomes_an_organisation_that_owns_what_it_owned(
    migrated: Engine, database_settings: DatabaseSettings
) -> None:
    with migrated.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CREATE DATABASE before"))
    url = make_url(database_settings.url).set(database="before").render_as_string(hide_password=False)
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("sqlalchemy.url", url)
    engine = open_engine(DatabaseSettings(url=url))
    try:
        command.upgrade(config, "0005")
        with engine.begin() as connection:
            for prefix, tenant in (("a", "default"), ("b", "default"), ("c", "Studio North")):
                statement = "INSERT INTO api_keys (prefix, secret_sha256, name, tenant, scopes, created_at)"
                connection.execute(text(f"{statement} VALUES (:p, '', 'x', :t, '{{}}', now())"), {"p": prefix, "t": tenant})
        command.upgrade(config, "head")
        with engine.begin() as connection:
            owners = connection.execute(text("SELECT prefix, organisation_id FROM api_keys ORDER BY prefix")).all()
            found = connection.execute(text("SELECT id, name FROM organisations ORDER BY id")).all()
        command.downgrade(config, "0005")
        with engine.begin() as connection:
            back = connection.execute(text("SELECT prefix, tenant FROM api_keys ORDER BY prefix")).all()
    finally:
        engine.dispose()
        with migrated.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("DROP DATABASE before"))
    assert owners == back == [("a", "default"), ("b", "default"), ("c", "Studio North")]
    assert found == [("Studio North", "Studio North"), ("default", "default")]


def keys_create(url: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "services.api", "keys", "create", "operator"],
        cwd=ROOT,
        env={"DUBLINE_DATABASE_URL": url, "PYTHONPATH": f"{ROOT / 'shared'}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_key_made_on_the_command_line_is_printed_once_and_stored_hashed(
    migrated: Engine, database_settings: DatabaseSettings
) -> None:
    made = keys_create(database_settings.url)
    assert made.returncode == 0
    key = made.stdout.strip()
    prefix, secret = key.split("_")[1:]
    with migrated.begin() as connection:
        row = connection.execute(text("DELETE FROM api_keys WHERE prefix = :p RETURNING *"), {"p": prefix}).one()
    assert row.name == "operator"
    assert secret not in str(row)


def test_missing_tables_and_missing_rights_are_told_apart(migrated: Engine, database_settings: DatabaseSettings) -> None:
    url, name = make_url(database_settings.url), "stranger"
    with migrated.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CREATE DATABASE bare"))
        connection.execute(text(f"CREATE ROLE {name} LOGIN PASSWORD '{name}'"))
        try:
            bare = keys_create(url.set(database="bare").render_as_string(hide_password=False))
            stranger = keys_create(url.set(username=name, password=name).render_as_string(hide_password=False))
        finally:
            connection.execute(text("DROP DATABASE bare"))
            connection.execute(text(f"DROP ROLE {name}"))
    assert (bare.returncode, stranger.returncode) == (1, 1)
    assert bare.stderr.startswith("Error: The database does not have our tables: ")
    assert "alembic upgrade head" in bare.stderr
    assert stranger.stderr.startswith("Error: The database refuses: permission denied for table ")
    assert "alembic" not in stranger.stderr


def test_urls_of_webhook_endpoints_are_encrypted_and_whoever_may_all_may_connect_buckets(
    migrated: Engine, database_settings: DatabaseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "a key that is long enough for a migration"
    url = make_url(database_settings.url).set(database="hooks").render_as_string(hide_password=False)
    with migrated.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CREATE DATABASE hooks"))
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("sqlalchemy.url", url)
    engine = open_engine(DatabaseSettings(url=url))
    chat = "https://chat.example.com/hooks/T0/secret?token=1"
    try:
        command.upgrade(config, "0009")
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO organisations VALUES ('default', 'x', now())"))
            row = "('whe_1', 'default', :url, 'chat', '{}', '', '[]', now())"
            columns = "id, organisation_id, url, format, events, description, secrets, created_at"
            connection.execute(text(f"INSERT INTO webhook_endpoints ({columns}) VALUES {row}"), {"url": chat})  # noqa: S608
            for key, scopes in (("a", " ".join(SCOPES_0009)), ("b", "jobs:read")):
                statement = "INSERT INTO api_keys (prefix, secret_sha256, name, organisation_id, scopes, created_at)"
                values = {"p": key, "s": scopes}
                connection.execute(
                    text(f"{statement} VALUES (:p, '', 'x', 'default', string_to_array(:s, ' '), now())"), values
                )
        config.attributes["secrets_key"] = long  # as `dubline up` hands it over
        command.upgrade(config, "head")
        with engine.begin() as connection:
            stored, origin = connection.execute(text("SELECT url, origin FROM webhook_endpoints")).one()
            mine, others = connection.execute(text("SELECT scopes FROM api_keys ORDER BY prefix")).scalars()
        del config.attributes["secrets_key"]
        monkeypatch.setenv("DUBLINE_SECRETS_KEY", long)
        command.downgrade(config, "0009")
        with engine.begin() as connection:
            back = connection.execute(text("SELECT url FROM webhook_endpoints")).scalar()
            scopes = connection.execute(text("SELECT scopes FROM api_keys WHERE prefix = 'a'")).scalar()
    finally:
        engine.dispose()
        with migrated.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("DROP DATABASE hooks"))
    assert SecretBox(SecretsSettings()).decrypt(stored) == back == chat
    assert (origin, "secret" in stored) == ("https://chat.example.com/...", False)
    assert set(mine) >= {*SCOPES_0009, "connections:read", "connections:write"}
    assert (others, set(scopes or ())) == (["jobs:read"], SCOPES_0009)
