"""What must be there before our services start: the database's tables, the bucket, and a local API key.

The libraries of database and object store are loaded when they are used: most commands use neither, and start sooner.
"""

import time
from collections.abc import Mapping

from pydantic_settings import BaseSettings

from dubbing.errors import ObjectMissing, StoreUnavailable
from dubbing.settings import DatabaseSettings, S3Settings, TritonSettings
from services.stack.errors import StackError
from services.stack.home import CHECKOUT

_STORE_SECONDS = 30.0


def migrate(env: Mapping[str, str]) -> None:
    """Brings the database's tables to the newest version; does nothing when they are.

    Raises:
        StackError: with the reason of whatever failed.
    """
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415

    config = Config(CHECKOUT / "alembic.ini")
    # In such a file a % refers to another option, unless there are two.
    config.set_main_option("sqlalchemy.url", env["DUBLINE_DATABASE_URL"].replace("%", "%%"))
    config.attributes["secrets_key"] = env.get("DUBLINE_SECRETS_KEY")
    try:
        command.upgrade(config, "head")
    except Exception as error:
        raise StackError(f"the database migration failed: {str(error).strip()[-800:]}") from error


def admit_roles(env: Mapping[str, str]) -> None:
    """Lets the API's and the workers' roles log in with the passwords in ``env``."""
    from dubbing.db.engine import Database  # noqa: PLC0415 - see above
    from dubbing.db.roles import admit  # noqa: PLC0415

    settings = DatabaseSettings.model_validate(_given(DatabaseSettings, env))
    database = Database(settings)
    try:
        with database.sessions().begin() as session:
            admit(session, settings)
    finally:
        database.close()


def ensure_api_key(env: Mapping[str, str], known: str | None) -> str:
    """The local API key: ``known`` when the database still accepts it for everything, else a new one."""
    from dubbing.db.engine import Database  # noqa: PLC0415 - see above
    from dubbing.db.keys import SCOPES, Keys, create_api_key  # noqa: PLC0415

    database = Database(DatabaseSettings(url=env["DUBLINE_DATABASE_URL"]))
    try:
        with database.sessions().begin() as session:
            row = None if known is None else Keys(session).authenticate(known)
            if known is not None and row is not None and set(SCOPES) <= set(row.scopes):
                return known
            return create_api_key(session, name="local stack")
    finally:
        database.close()


def sign_in_token(env: Mapping[str, str], seconds: float) -> str:
    """A token that signs the local stack's owner in, once and within ``seconds``."""
    from dubbing.db.engine import Database  # noqa: PLC0415 - see above
    from dubbing.db.people import People  # noqa: PLC0415

    database = Database(DatabaseSettings(url=env["DUBLINE_DATABASE_URL"]))
    try:
        with database.sessions().begin() as session:
            people = People(session)
            return people.sign_in_token(people.owner("default", "local", "Owner of the local stack"), seconds)
    finally:
        database.close()


def store_settings(env: Mapping[str, str]) -> S3Settings:
    """The object store that ``env`` names."""
    return S3Settings.model_validate(_given(S3Settings, env))


def triton_settings(env: Mapping[str, str]) -> TritonSettings:
    """The inference server that ``env`` names."""
    return TritonSettings.model_validate(_given(TritonSettings, env))


def _given(settings: type[BaseSettings], env: Mapping[str, str]) -> dict[str, str]:
    names = {name: f"{settings.model_config['env_prefix']}{name.upper()}" for name in settings.model_fields}
    return {name: env[variable] for name, variable in names.items() if env.get(variable)}


def ensure_bucket(env: Mapping[str, str]) -> None:
    """Makes the bucket when it is missing, and proves the store by writing and reading one object.

    The gateway of a fresh store answers before its volume server is registered, so the proof is tried again for a while.
    """
    from dubbing.storage.s3 import S3Store  # noqa: PLC0415 - see above

    settings = store_settings(env)
    store = S3Store(settings)
    deadline = time.monotonic() + _STORE_SECONDS
    while True:
        try:
            store.ensure_bucket()
            store.put_bytes(".ready", b"ready")
            store.get_bytes(".ready")
        except (StoreUnavailable, ObjectMissing) as error:
            if time.monotonic() > deadline:
                raise StackError(
                    f"the object store at {settings.endpoint} does not work: {error.detail}",
                    suggestions=("With a store of your own, compare DUBLINE_S3_ACCESS_KEY, _SECRET_KEY, _BUCKET and _REGION.",),
                ) from error
            time.sleep(0.2)
        else:
            return
