-- Comments on tables, their columns and schemas: what, unit, who writes it.
comment on table wikiembed.schema_digest is
  'The sources of the functions, views and triggers; one row, written by wikiembed migrate.';
comment on column wikiembed.schema_digest.only_row is 'Always true: there is one row.';
comment on column wikiembed.schema_digest.digest is
  'SHA-256, its first 16 characters, of the files of migrations/current; workers compare it with their own.';
comment on column wikiembed.schema_digest.package_version is 'Version of the package wikiembed that wrote it.';
comment on column wikiembed.schema_digest.migrated_at is 'When wikiembed migrate wrote it.';
