alter table wikiembed.search_statements
  add column if not exists relation regclass;
