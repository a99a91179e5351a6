alter table wikiembed.sources
  add column if not exists bulk_opens_at timestamptz,
  add column if not exists bulk_closes_at timestamptz;
