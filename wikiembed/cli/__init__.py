"""The command line: ``wikiembed COMMAND``."""

from wikiembed.cli.main import main

__all__ = ["main"]
