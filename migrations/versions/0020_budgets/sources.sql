alter table wikiembed.sources
  add column if not exists budgeted boolean not null default false;
