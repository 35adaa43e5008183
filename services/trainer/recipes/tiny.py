"""The committed demonstration model."""

from services.trainer.recipe import Recipe

RECIPE = Recipe()
