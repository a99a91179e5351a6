create table if not exists wikiembed.search_statements (
  source text primary key references wikiembed.sources (name) on update cascade on delete cascade,
  dimensions integer not null,
  text_config text,
  documents regclass,
  title_column name,
  vector_statement text[] not null,
  exact_statement text[] not null,
  text_statement text[],
  hits_statement text not null,
  titled_hits_statement text,
  documents_statement text,
  constraint statements_are_complete check (
    (text_statement is null) = (text_config is null) and (titled_hits_statement is null) = (title_column is null)
    and (documents_statement is null) = (documents is null))
);
