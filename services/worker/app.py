"""Entry point: ``celery -A services.worker.app:app worker -Q prepare|infer|maintenance``."""

from dubbing.imports import lasting

with lasting():
    from services.worker.bootstrap import make_app

app = make_app()
