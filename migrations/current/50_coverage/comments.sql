-- Comments on tables, their columns and schemas: what, unit, who writes it.
comment on table wikiembed.failures is
  'Chunks that are not embedded, with the reason; written by record_failures, retry_failures, skip and the triggers.';
comment on column wikiembed.failures.source is 'The source.';
comment on column wikiembed.failures.key is 'The chunk''s key, as text.';
comment on column wikiembed.failures.state is 'failed (still missing) or skipped (it does not count as missing).';
comment on column wikiembed.failures.error_class is 'Stable name of the kind of failure, as in docs/reference.';
comment on column wikiembed.failures.http_status is 'Status of the embedding server''s last response, where there was one.';
comment on column wikiembed.failures.message is 'One sentence; never the chunk''s text.';
comment on column wikiembed.failures.attempts is 'Attempts to embed this chunk alone.';
comment on column wikiembed.failures.first_at is 'When it failed first.';
comment on column wikiembed.failures.last_at is 'When it failed last.';
comment on column wikiembed.failures.job_id is 'The job that recorded it.';

comment on table wikiembed_private.ended_failures is
  'Failures that ended, and how; written by end_failures, end_document_failures and skip, read through wikiembed.failure_history, pruned by prune_failure_history.';
comment on column wikiembed_private.ended_failures.id is 'Ascending number.';
comment on column wikiembed_private.ended_failures.source is 'The source.';
comment on column wikiembed_private.ended_failures.key is 'Key of the chunk or the document, as text.';
comment on column wikiembed_private.ended_failures.error_class is 'Stable name of the kind of failure, as in docs/reference.';
comment on column wikiembed_private.ended_failures.http_status is 'Status of the embedding server''s last response, where there was one.';
comment on column wikiembed_private.ended_failures.message is 'One sentence; never the text.';
comment on column wikiembed_private.ended_failures.attempts is 'Attempts to embed this chunk alone, or to split this document.';
comment on column wikiembed_private.ended_failures.document is 'True for a document that could not be split, false for a chunk.';
comment on column wikiembed_private.ended_failures.first_at is 'When it failed first.';
comment on column wikiembed_private.ended_failures.last_at is 'When it failed last.';
comment on column wikiembed_private.ended_failures.ended_at is 'When the failure ended.';
comment on column wikiembed_private.ended_failures.how is
  'retried (requeued by an operator), cured (it got its vector, or was split), changed (its text or its key), deleted (its row), or skipped (by an operator).';

comment on table wikiembed.ledger is
  'Deltas of each source''s counts, whose sums are the coverage; written by triggers and reconcile, after a minute folded to one row per source.';
comment on column wikiembed.ledger.id is 'Row number.';
comment on column wikiembed.ledger.source is 'The source.';
comment on column wikiembed.ledger.at is 'When the statement ran; of a folded row, the last minute in it.';
comment on column wikiembed.ledger.total is 'Change of the number of rows.';
comment on column wikiembed.ledger.embedded is 'Change of the number of rows with a vector.';
comment on column wikiembed.ledger.gained is 'Rows whose vector was null and got set: the throughput; folded rows have it in throughput_history.';
comment on column wikiembed.ledger.failed is 'Change of the number of failures in state failed.';
comment on column wikiembed.ledger.skipped is 'Change of the number of failures in state skipped.';

comment on table wikiembed_private.throughput_history is
  'Vectors stored in each minute, after a day in each hour; written by fold_ledger, read through wikiembed.throughput.';
comment on column wikiembed_private.throughput_history.source is 'The source.';
comment on column wikiembed_private.throughput_history.at is 'Begin of the minute or hour.';
comment on column wikiembed_private.throughput_history.chunks is 'Vectors stored in it.';
