"""Entry point: ``celery -A services.trainer.service.app:app worker -Q train|publish``."""

from services.trainer.service.bootstrap import make_app

app = make_app()
