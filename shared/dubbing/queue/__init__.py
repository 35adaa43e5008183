"""Transport of work: Celery rings doorbells, workers claim leased rows from PostgreSQL and run handlers."""
