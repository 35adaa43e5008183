"""Entry point: ``celery -A services.stitcher.app:app worker -Q stitch``."""

from services.stitcher.bootstrap import make_app

app = make_app()
