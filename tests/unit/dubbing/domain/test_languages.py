"""Languages are BCP 47, as the registry writes them."""

import pytest

from dubbing.domain.languages import canonical
from dubbing.errors import UnknownLanguage

KNOWN = {"pt-BR": "pt-BR", "PT-br": "pt-BR", "es-419": "es-419", "zh-hant-tw": "zh-Hant-TW", "iw": "he", "de": "de"}


@pytest.mark.parametrize("tag", KNOWN)
def test_a_tag_is_kept_as_the_registry_writes_it(tag: str) -> None:
    assert canonical(tag) == KNOWN[tag]


@pytest.mark.parametrize("tag", ["pt-BX", "xq", "en-Abcd", "portuguese"])
def test_a_tag_with_a_part_that_nobody_registered_is_refused_with_examples(tag: str) -> None:
    with pytest.raises(UnknownLanguage, match=tag) as refused:
        canonical(tag)
    assert "pt-BR" in refused.value.suggestions[0]
