-- Without a foreign key: to write here must not hold the source's row, which a user's statement would.
create table if not exists wikiembed_private.ended_failures (
  id bigint generated always as identity primary key,
  source text not null,
  key text collate "C" not null,
  error_class text not null,
  http_status integer,
  message text not null,
  attempts integer not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  ended_at timestamptz not null default clock_timestamp(),
  how text not null
    constraint how_is_known check (how in ('retried', 'cured', 'changed', 'deleted', 'skipped'))
);
create index if not exists ended_failures_by_time on wikiembed_private.ended_failures (source, ended_at);
