"""What must be there before our services start: the database's tables, the bucket, and a local API key."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

import boto3
import botocore.exceptions
from botocore.config import Config

from dubbing.db.engine import Database
from dubbing.db.keys import Keys, create_api_key
from dubbing.settings import DatabaseSettings
from services.cli.stack.errors import StackError
from services.cli.stack.home import CHECKOUT

_STORE_SECONDS = 30.0


def migrate(env: Mapping[str, str]) -> None:
    """Brings the database's tables to the newest version; does nothing when they are."""
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        check=False,
        capture_output=True,
        text=True,
        cwd=CHECKOUT,
        env={**os.environ, **env, "PYTHONPATH": f"{CHECKOUT / 'shared'}:{CHECKOUT}"},
    )
    if done.returncode != 0:
        raise StackError(f"the database migration failed: {done.stderr.strip()[-800:]}")


def ensure_api_key(env: Mapping[str, str], known: str | None) -> str:
    """The local API key: ``known`` when the database still accepts it, else a new one."""
    database = Database(DatabaseSettings(url=env["DUBLINE_DATABASE_URL"]))
    try:
        with database.sessions().begin() as session:
            if known is not None and Keys(session).authenticate(known) is not None:
                return known
            return create_api_key(session, name="local stack")
    finally:
        database.close()


def ensure_bucket(env: Mapping[str, str]) -> None:
    """Makes the bucket when it is missing, and proves the store by writing and reading one object.

    The gateway of a fresh store answers before its volume server is registered, so the proof is tried again for a while.
    """
    store = boto3.client(
        "s3",
        endpoint_url=env["DUBLINE_S3_ENDPOINT"],
        aws_access_key_id=env["DUBLINE_S3_ACCESS_KEY"],
        aws_secret_access_key=env["DUBLINE_S3_SECRET_KEY"],
        region_name=env.get("DUBLINE_S3_REGION", "us-east-1"),
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )
    deadline = time.monotonic() + _STORE_SECONDS
    while True:
        try:
            _prove(store, env["DUBLINE_S3_BUCKET"])
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
            if time.monotonic() > deadline:
                raise StackError(f"the object store at {env['DUBLINE_S3_ENDPOINT']} does not work: {error}") from error
            time.sleep(0.2)
        else:
            return


def _prove(store: Any, bucket: str) -> None:
    if bucket not in {item["Name"] for item in store.list_buckets()["Buckets"]}:
        store.create_bucket(Bucket=bucket)
    store.put_object(Bucket=bucket, Key=".ready", Body=b"ready")
    store.get_object(Bucket=bucket, Key=".ready")["Body"].read()
