"""The recipes on offer, each written once: its values, its summary, and what it starts from.

What the API offers, the command line lists and ``docs/reference/recipes.md`` shows is made of this table.
"""

from services.trainer.methods.recipe import MethodRecipe
from services.trainer.recipes import big, selftest, tiny

RECIPES: dict[str, MethodRecipe] = {recipe.name: recipe for recipe in (selftest.RECIPE, *tiny.RECIPES, *big.RECIPES)}


def load(name: str) -> MethodRecipe:
    """The recipe of that name.

    Raises:
        ValueError: there is none.
    """
    if name not in RECIPES:
        raise ValueError(f"no recipe {name!r}; there are {', '.join(RECIPES)}")
    return RECIPES[name]
