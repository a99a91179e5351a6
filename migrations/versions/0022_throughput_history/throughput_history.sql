create table if not exists wikiembed_private.throughput_history (
  source text not null,
  at timestamptz not null,
  chunks bigint not null
    constraint chunks_are_positive check (chunks > 0),
  primary key (source, at)
);
