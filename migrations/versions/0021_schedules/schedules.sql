create table if not exists wikiembed_private.schedules (
  source text primary key references wikiembed.sources (name) on update cascade on delete cascade,
  begins time[] not null,
  ends time[] not null,
  zone text not null,
  weekdays smallint[] not null
    constraint weekdays_are_iso check (weekdays <@ array[1, 2, 3, 4, 5, 6, 7]::smallint[] and cardinality(weekdays) > 0),
  set_by text not null,
  set_at timestamptz not null default now(),
  constraint windows_are_pairs check (cardinality(begins) = cardinality(ends) and cardinality(begins) between 1 and 24)
);
