create view wikiembed.failure_history as
select e.source, e.key, e.error_class, e.http_status, e.message, e.attempts,
       e.first_at, e.last_at, e.ended_at, e.how
  from wikiembed_private.ended_failures as e;

comment on view wikiembed.failure_history is
  'Failures that ended: retried, cured, changed, deleted or skipped; kept for 90 days, and the latest 50,000 of a source. Present ones are in wikiembed.failures.';
comment on column wikiembed.failure_history.source is 'The source.';
comment on column wikiembed.failure_history.key is 'The chunk''s key, as text.';
comment on column wikiembed.failure_history.error_class is 'Stable word for the kind of failure, as in docs/reference.';
comment on column wikiembed.failure_history.http_status is 'Status of the embedding server''s last answer, where there was one.';
comment on column wikiembed.failure_history.message is 'One sentence; never the chunk''s text.';
comment on column wikiembed.failure_history.attempts is 'Embedding requests that were charged to this chunk alone.';
comment on column wikiembed.failure_history.first_at is 'When it failed first.';
comment on column wikiembed.failure_history.last_at is 'When it failed last.';
comment on column wikiembed.failure_history.ended_at is 'When the failure ended.';
comment on column wikiembed.failure_history.how is
  'retried (queued again by an operator), cured (it got its vector), changed (its text or its key), deleted (the row is gone), or skipped (by an operator).';
