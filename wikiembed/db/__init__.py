"""How wikiembed reaches Postgres: the embedded server and the migrations."""

from wikiembed.db.embedded import start_embedded
from wikiembed.db.location import migrations_dir

__all__ = ["migrations_dir", "start_embedded"]
