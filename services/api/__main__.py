"""Operators' commands: ``python -m services.api`` with keys create or revoke, roles, secrets encrypt, openapi, settings."""

import argparse
import json
import sys
from functools import partial

from psycopg.errors import UndefinedTable
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError

from dubbing.db.connections import Connections
from dubbing.db.engine import AWAY, Database
from dubbing.db.keys import Keys, create_api_key
from dubbing.db.roles import admit
from dubbing.db.webhooks import Webhooks
from dubbing.encryption import SecretBox
from dubbing.errors import EncryptionUnavailable, Permanent
from dubbing.settings import DatabaseSettings, SecretsSettings
from services.api import settings_page

_ADDRESS = "Set DUBLINE_DATABASE_URL; on a local stack, run this by `dubline exec`."


def main() -> int:
    """Run one command; 0 when it did what it says."""
    parser = argparse.ArgumentParser(prog="python -m services.api")
    commands = parser.add_subparsers(dest="command", required=True)
    keys = commands.add_parser("keys", help="API keys").add_subparsers(dest="action", required=True)
    create = keys.add_parser("create", help="print a new key; it cannot be shown again")
    create.add_argument("name")
    create.add_argument("--organisation", default="default", metavar="ID", help="whose it is; one that is new is made")
    keys.add_parser("revoke", help="revoke the key dub_PREFIX_...").add_argument("prefix")
    commands.add_parser("roles", help="let the API and workers log in to the database as the settings say")
    secrets = commands.add_parser("secrets", help="secrets of customers").add_subparsers(dest="action", required=True)
    secrets.add_parser("encrypt", help="encrypt all of them anew, with the first key of DUBLINE_SECRETS_KEY")
    commands.add_parser("openapi", help="print the OpenAPI document")
    commands.add_parser("settings", help="print the page of settings")
    options = parser.parse_args()
    if options.command == "openapi":
        return _openapi()
    if options.command == "settings":
        sys.stdout.write(settings_page.page())
        return 0
    try:
        return {"roles": _roles, "secrets": _encrypt}.get(options.command, partial(_keys, options))()
    except AWAY as error:
        return _fail(f"The database does not answer: {_first_line(error)}", _ADDRESS)
    except ProgrammingError as error:
        if isinstance(error.orig, UndefinedTable):
            return _fail(f"The database does not have our tables: {_first_line(error)}", "Run `alembic upgrade head`.")
        return _fail(f"The database refuses: {_first_line(error)}", _ADDRESS)


def _keys(options: argparse.Namespace) -> int:
    """Creates or revokes a key."""
    database = Database(DatabaseSettings())
    try:
        with database.sessions().begin() as session:
            if options.action == "create":
                sys.stdout.write(create_api_key(session, options.name, options.organisation) + "\n")
                return 0
            if Keys(session).revoke(options.prefix):
                return 0
            return _fail(f"There is no key dub_{options.prefix}_... that is in force.", "The prefix is its middle part.")
    finally:
        database.close()


def _roles() -> int:
    """Lets the API's and the workers' roles in."""
    settings = DatabaseSettings()
    if settings.api_url is None or settings.worker_url is None:
        return _fail("Not all is named.", "Set DUBLINE_DATABASE_API_URL and DUBLINE_DATABASE_WORKER_URL.")
    database = Database(settings)
    try:
        with database.sessions().begin() as session:
            admitted = admit(session, settings)
    except Permanent as error:
        return _fail(error.detail, "docs/how-to/deploy.md has the roles.")
    finally:
        database.close()
    sys.stdout.write(f"Admitted: {', '.join(admitted) or 'all could log in already'}.\n")
    return 0


def _encrypt() -> int:
    """Encrypts every stored secret with the first key."""
    box, database = SecretBox(SecretsSettings()), Database(DatabaseSettings())
    try:
        with database.sessions().begin() as session:
            endpoints = Webhooks(session).renew_secrets(box.renew)
            connections = Connections(session).renew_secrets(box.renew)
    except EncryptionUnavailable as error:
        return _fail(error.detail, "Nothing was changed: set every key that secrets were encrypted with.")
    finally:
        database.close()
    counted = f"{endpoints} webhook endpoints and {connections} storage connections"
    sys.stdout.write(f"Secrets of {counted} are under the first key.\n")
    return 0


def _first_line(error: SQLAlchemyError) -> str:
    """What the driver says, else SQLAlchemy; its kind where neither says anything."""
    cause = getattr(error, "orig", None) or error
    return next(iter(str(cause).splitlines()), type(cause).__name__)


def _fail(what: str, advice: str) -> int:
    sys.stderr.write(f"Error: {what}\n  - {advice}\n")
    return 1


def _openapi() -> int:
    from services.api.main import create_app  # noqa: PLC0415 - the key commands start without the web framework

    json.dump(create_app().openapi(), sys.stdout, indent=2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
