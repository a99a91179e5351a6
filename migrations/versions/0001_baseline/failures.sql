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

comment on table wikiembed.failures is
  'Chunks that are not embedded, and why; written by record_failures, retry_failures, skip and the triggers.';
comment on column wikiembed.failures.source is 'The source.';
comment on column wikiembed.failures.key is 'The chunk''s key, as text.';
comment on column wikiembed.failures.state is 'failed (still missing) or skipped (nobody waits for it).';
comment on column wikiembed.failures.error_class is 'Stable word for the kind of failure, as in docs/reference.';
comment on column wikiembed.failures.http_status is 'Status of the embedding server''s last answer, where there was one.';
comment on column wikiembed.failures.message is 'One sentence; never the chunk''s text.';
comment on column wikiembed.failures.attempts is 'Embedding requests that were charged to this chunk alone.';
comment on column wikiembed.failures.first_at is 'When it failed first.';
comment on column wikiembed.failures.last_at is 'When it failed last.';
comment on column wikiembed.failures.job_id is 'The job that recorded it.';
