"""The console: pages that show the state and act on it, an ASGI application to run or to mount."""

from wikiembed.web.access import Access
from wikiembed.web.app import Console
from wikiembed.web.consoles import Consoles, console
from wikiembed.web.site import SiteOptions

__all__ = ["Access", "Console", "Consoles", "SiteOptions", "console"]
