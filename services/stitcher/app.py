"""Entry point: ``celery -A services.stitcher.app:app worker -Q stitch``."""

from dubbing.imports import lasting

with lasting():
    from services.stitcher.bootstrap import make_app

app = make_app()
