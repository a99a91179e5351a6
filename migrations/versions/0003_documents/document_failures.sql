create table if not exists wikiembed.document_failures (
  source text not null references wikiembed.document_sources (source) on delete cascade on update cascade,
  key text collate "C" not null,
  error_class text not null,
  message text not null default '',
  attempts integer not null default 1,
  first_at timestamptz not null default clock_timestamp(),
  last_at timestamptz not null default clock_timestamp(),
  job_id bigint,
  primary key (source, key)
);
