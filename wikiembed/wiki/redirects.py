"""Tell redirects by their text, for files without a ``<redirect>`` element."""

from __future__ import annotations

import re

# The magic word in the languages of the large Wikipedias; #REDIRECT works in all of them.
_REDIRECT = re.compile(
    r"\s*#\s*(?:REDIRECT(?:ION)?|WEITERLEITUNG|REDIRECCI[OÓ]N|RINVIA|REDIRECIONAMENTO"
    r"|DOORVERWIJZING|OMDIRIGERING|OMDIRIGER|PATRZ|PRZEKIERUJ|OHJAUS|ÁTIRÁNYÍTÁS"
    r"|PŘESMĚRUJ|YÖNLENDİR(?:ME)?|ПЕРЕНАПРАВЛЕНИЕ|ПЕРЕНАПРАВЛЕННЯ|تحويل|הפניה"
    r"|転送|リダイレクト|重定向|넘겨주기)\s*:?\s*\[\[",
    re.IGNORECASE,
)


def is_redirect(text: str) -> bool:
    """Whether `text` begins as a redirect does: ``#REDIRECT [[…]]``."""
    return _REDIRECT.match(text) is not None
