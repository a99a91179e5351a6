alter table wikiembed.sources
  add column if not exists text_config text,
  add column if not exists query_prefix_pinned boolean not null default false;
