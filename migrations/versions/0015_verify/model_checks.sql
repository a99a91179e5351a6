create table if not exists wikiembed.model_checks (
  source text not null references wikiembed.sources (name) on update cascade on delete cascade,
  at timestamptz not null default clock_timestamp(),
  model text not null,
  sample integer not null
    constraint sample_is_positive check (sample > 0),
  median_distance double precision not null,
  max_distance double precision not null,
  outcome text not null
    constraint outcome_is_known check (outcome in ('same', 'mixed', 'shifted', 'different')),
  constraint distances_are_of_cosine check (0 <= median_distance and median_distance <= max_distance and max_distance <= 2),
  primary key (source, at)
);
