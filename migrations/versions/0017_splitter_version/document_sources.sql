-- Nothing was released before it, so what is stored was split by version 1.
alter table wikiembed.document_sources
  add column if not exists splitter_version integer not null default 1;
