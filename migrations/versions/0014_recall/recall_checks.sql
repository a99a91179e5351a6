create table if not exists wikiembed.recall_checks (
  source text references wikiembed.sources (name) on update cascade on delete cascade,
  depth integer,
  filter jsonb,
  ef_search integer,
  recall double precision not null,
  sample integer not null,
  at timestamptz not null default now(),
  primary key (source, depth, filter, ef_search),
  constraint depth_is_possible check (depth between 1 and 999),
  constraint filter_is_an_object check (jsonb_typeof(filter) = 'object'),
  constraint ef_search_is_possible check (ef_search between 1 and 1000),
  constraint recall_is_a_share check (recall between 0 and 1),
  constraint sample_is_positive check (sample > 0)
);
