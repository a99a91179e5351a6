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

comment on table wikiembed_private.ended_failures is
  'Failures that ended, and how; written by end_failures and skip, read through wikiembed.failure_history, pruned by prune_failure_history.';
comment on column wikiembed_private.ended_failures.id is 'Ascending number.';
comment on column wikiembed_private.ended_failures.source is 'The source.';
comment on column wikiembed_private.ended_failures.key is 'The chunk''s key, as text.';
comment on column wikiembed_private.ended_failures.error_class is 'Stable word for the kind of failure, as in docs/reference.';
comment on column wikiembed_private.ended_failures.http_status is 'Status of the embedding server''s last answer, where there was one.';
comment on column wikiembed_private.ended_failures.message is 'One sentence; never the chunk''s text.';
comment on column wikiembed_private.ended_failures.attempts is 'Embedding requests that were charged to this chunk alone.';
comment on column wikiembed_private.ended_failures.first_at is 'When it failed first.';
comment on column wikiembed_private.ended_failures.last_at is 'When it failed last.';
comment on column wikiembed_private.ended_failures.ended_at is 'When the failure ended.';
comment on column wikiembed_private.ended_failures.how is
  'retried (queued again by an operator), cured (it got its vector), changed (its text or its key), deleted (the row is gone), or skipped (by an operator).';
