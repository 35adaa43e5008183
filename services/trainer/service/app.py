"""Entry point: ``celery -A services.trainer.service.app:app worker -Q train|publish``."""

from dubbing.imports import lasting

with lasting():
    from services.trainer.service.bootstrap import make_app

app = make_app()
