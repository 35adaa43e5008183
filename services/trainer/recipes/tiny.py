"""The demonstration model from nothing: its encoders, which are committed, and a student by Diffusion Forcing."""

from services.trainer.recipe import Recipe

RECIPE = Recipe()
