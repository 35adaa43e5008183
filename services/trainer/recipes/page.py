"""``python -m services.trainer.recipes.page``: the recipes as ``docs/reference/recipes.md`` shows them (``make docs``)."""

import sys

from services.trainer.methods.recipe import MethodRecipe
from services.trainer.recipes import RECIPES

_HEAD = """# Recipes

What `dubline train recipes` lists, made by `make docs` from `services/trainer/recipes`. [Train a
model](../how-to/train-a-model.md) says what the settings do.

| recipe | what it is | starts from | steps x clips | needs a GPU |
|---|---|---|---|---|
"""


def page() -> str:
    """The page."""
    return _HEAD + "".join(_row(recipe) for recipe in RECIPES.values())


def _row(recipe: MethodRecipe) -> str:
    named = [f"{setting}: `{other}`" for setting, other in recipe.init_from.items()]
    if recipe.start or (recipe.follows is None and recipe.preset != "tiny"):
        named.insert(0, f"start: `{recipe.start}`" if recipe.start else "start: a network's folder")
    cells = (f"`{recipe.name}`", recipe.summary, ", ".join(named) or "nothing", f"{recipe.steps} x {recipe.batch}",
             "yes" if recipe.accelerator else "no")  # fmt: skip
    return f"| {' | '.join(cells)} |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
