create table if not exists wikiembed.schema_digest (
  only_row boolean primary key default true check (only_row),
  digest text not null,
  package_version text not null,
  migrated_at timestamptz not null default now()
);
