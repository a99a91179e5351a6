alter table wikiembed.sources
  add column if not exists ef_search integer
    constraint ef_search_is_possible check (ef_search between 1 and 1000);
alter table wikiembed.search_statements
  add column if not exists ef_search integer,
  add column if not exists sample_statement text;
