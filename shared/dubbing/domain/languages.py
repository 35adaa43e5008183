"""Names of languages: BCP 47 (RFC 5646)."""

import langcodes

from dubbing.errors import UnknownLanguage


def canonical(tag: str) -> str:
    """The tag as the registry writes it: ``PT-br`` is ``pt-BR``, ``iw`` is ``he``.

    Raises:
        UnknownLanguage: a part of it is not registered.
    """
    if not langcodes.tag_is_valid(tag):
        raise UnknownLanguage(
            f"{tag} is no language tag: a part of it is not in IANA's registry.",
            where={"pointer": "/language"},
            suggestions=("write language and region as BCP 47 does: pt-BR, es-419, zh-Hant-TW",),
        )
    return str(langcodes.standardize_tag(tag))
