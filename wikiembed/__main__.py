"""``python -m wikiembed``."""

from wikiembed.cli import main

if __name__ == "__main__":
    main()
