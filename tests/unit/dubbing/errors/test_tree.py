"""Every error can be imported from the package, has a code of its own and says what it means."""

from collections import Counter

import pytest

from dubbing import errors
from dubbing.errors import DublineError

KINDS = errors.kinds()


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_is_exported_and_says_what_it_means(kind: type[DublineError]) -> None:
    assert kind.__name__ in errors.__all__, "shared/dubbing/errors/__init__.py"
    assert kind.__doc__
    assert not kind.title.endswith(".")


def test_no_two_errors_claim_one_code() -> None:
    claims = Counter(kind.code for kind in KINDS if "code" in vars(kind))
    assert [code for code, times in claims.items() if times > 1] == []
