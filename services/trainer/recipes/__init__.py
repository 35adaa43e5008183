"""Recipes by name: each module holds one ``RECIPE``, a short diff of the default."""

from importlib import import_module

from services.trainer.recipe import Recipe

NAMES = ("tiny", "smoke")


def load(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        ValueError: there is none.
    """
    if name not in NAMES:
        message = f"no recipe {name!r}; there are {', '.join(NAMES)}"
        raise ValueError(message)
    recipe: Recipe = import_module(f"{__name__}.{name}").RECIPE
    return recipe
