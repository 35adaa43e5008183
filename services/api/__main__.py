"""Operators' commands: ``python -m services.api keys create NAME | keys revoke PREFIX | openapi``."""

import argparse
import json
import sys

from dubbing.db.engine import Database
from dubbing.db.keys import Keys, create_api_key
from dubbing.settings import DatabaseSettings


def main() -> int:
    """Run one command; 0 when it did what it says."""
    parser = argparse.ArgumentParser(prog="python -m services.api")
    commands = parser.add_subparsers(dest="command", required=True)
    keys = commands.add_parser("keys", help="API keys").add_subparsers(dest="action", required=True)
    create = keys.add_parser("create", help="print a new key; it cannot be shown again")
    create.add_argument("name")
    create.add_argument("--tenant", default="default")
    keys.add_parser("revoke", help="revoke the key dub_PREFIX_...").add_argument("prefix")
    commands.add_parser("openapi", help="print the OpenAPI document")
    options = parser.parse_args()
    if options.command == "openapi":
        return _openapi()
    database = Database(DatabaseSettings())
    try:
        with database.sessions().begin() as session:
            if options.action == "create":
                sys.stdout.write(create_api_key(session, options.name, options.tenant) + "\n")
                return 0
            return 0 if Keys(session).revoke(options.prefix) else 1
    finally:
        database.close()


def _openapi() -> int:
    from services.api.main import create_app  # noqa: PLC0415 - the key commands start without the web framework

    json.dump(create_app().openapi(), sys.stdout, indent=2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
