alter table wikiembed.sources
  add column if not exists quantise text
    constraint quantise_is_known check (quantise in ('halfvec', 'binary'));
alter table wikiembed.search_statements
  add column if not exists quantised_index text,
  add column if not exists quantised_statement text[],
  add column if not exists oversampling integer not null default 1;
