create table if not exists wikiembed.search_names (
  name text primary key,
  source text not null references wikiembed.sources (name) on update cascade on delete restrict,
  since timestamptz not null default clock_timestamp(),
  by text not null,
  constraint name_is_not_its_source check (name <> source)
);
create index if not exists search_names_by_source on wikiembed.search_names (source);
