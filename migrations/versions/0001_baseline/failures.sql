create table wikiembed.failures (
  source text not null references wikiembed.sources (name) on delete cascade,
  key text collate "C" not null,
  state text not null default 'failed'
    constraint state_is_known check (state in ('failed', 'skipped')),
  error_class text not null,
  http_status integer,
  message text not null default '',
  attempts integer not null default 1,
  first_at timestamptz not null default clock_timestamp(),
  last_at timestamptz not null default clock_timestamp(),
  job_id bigint,
  primary key (source, key)
);
