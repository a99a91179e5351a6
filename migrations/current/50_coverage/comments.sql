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

comment on table wikiembed_private.batch_ledger is
  'Cost and waiting times of the batches of the last minutes; written by record_batches, read through views usage and lag, folded by fold_batches.';
comment on column wikiembed_private.batch_ledger.id is 'Random number of the record, by which a repeated one finds its row.';
comment on column wikiembed_private.batch_ledger.at is 'When it was recorded: up to a second after the batches.';
comment on column wikiembed_private.batch_ledger.requests is 'Requests to the embedding server.';
comment on column wikiembed_private.batch_ledger.failed is 'Of these, requests without vectors as response.';
comment on column wikiembed_private.batch_ledger.texts is 'Texts of the others.';
comment on column wikiembed_private.batch_ledger.tokens is 'Tokens of those texts.';
comment on column wikiembed_private.batch_ledger.tokens_estimated is 'Of these, tokens that no response counted.';
comment on column wikiembed_private.batch_ledger.fresh is 'For each waiting time of the written chunks, whether it is that of edits.';
comment on column wikiembed_private.batch_ledger.buckets is 'The bucket of each of these times, as in lag_histogram.';
comment on column wikiembed_private.batch_ledger.chunks is 'For each of these, its number of chunks.';
comment on column wikiembed_private.batch_ledger.source is 'The source.';

comment on table wikiembed_private.usage_days is
  'What workers used to embed each source, per day; written by fold_batches and settle_budget, read through view usage, deleted with the source.';
comment on column wikiembed_private.usage_days.source is 'The source.';
comment on column wikiembed_private.usage_days.day is 'The day, in UTC.';
comment on column wikiembed_private.usage_days.requests is 'Requests to the embedding server.';
comment on column wikiembed_private.usage_days.failed is 'Of these, requests without vectors as response.';
comment on column wikiembed_private.usage_days.texts is 'Texts of the others.';
comment on column wikiembed_private.usage_days.tokens is 'Tokens of those texts.';
comment on column wikiembed_private.usage_days.tokens_estimated is 'Of these, tokens that no response counted.';

comment on table wikiembed_private.lag_hours is
  'Histogram of how long chunks waited for their vectors, per source and hour, for 90 days; written by fold_batches, read through views lag and lag_histogram.';
comment on column wikiembed_private.lag_hours.source is 'The source.';
comment on column wikiembed_private.lag_hours.hour is 'Begin of the hour in which the vectors were stored.';
comment on column wikiembed_private.lag_hours.fresh is 'Whether users'' transactions wrote the rows, or bulk work queued them.';
comment on column wikiembed_private.lag_hours.bucket is 'Number of the bucket, as in lag_histogram.';
comment on column wikiembed_private.lag_hours.chunks is 'Chunks in the bucket.';

comment on table wikiembed.prices is 'Prices of tokens of each source, for view usage; written by set_price.';
comment on column wikiembed.prices.source is 'The source.';
comment on column wikiembed.prices.from_day is 'First day (UTC) of the price; -infinity: all days before the next price.';
comment on column wikiembed.prices.per_million is 'Price of a million tokens.';
comment on column wikiembed.prices.currency is 'Its currency, as it is shown; may be empty.';
comment on column wikiembed.prices.set_by is 'Who set it.';
