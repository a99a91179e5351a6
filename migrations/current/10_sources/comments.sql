-- Comments on tables, their columns and schemas: what, unit, who writes it.
comment on table wikiembed.sources is
  'One row per attached vector column; written by attach, detach, pause, resume and the first write.';
comment on column wikiembed.sources.name is 'Short name of the source, 1 to 32 bytes.';
comment on column wikiembed.sources.relation is 'The table, or root of partitions, that holds the chunks.';
comment on column wikiembed.sources.key_column is 'Column that identifies a chunk; of a composite key the first.';
comment on column wikiembed.sources.text_column is 'Column whose text is embedded; of several the first.';
comment on column wikiembed.sources.key_columns is 'The columns that identify a chunk together, one to four.';
comment on column wikiembed.sources.key_types is 'Type of each column of the key.';
comment on column wikiembed.sources.key_attnums is 'Column number of each column of the key, to detect a rename.';
comment on column wikiembed.sources.text_columns is 'The columns whose text is embedded, joined by a blank line.';
comment on column wikiembed.sources.text_paths is 'For each column of the text the path of a JSON field, as an array; null: the column itself.';
comment on column wikiembed.sources.text_attnums is 'Column number of each column of the text, to detect a rename.';
comment on column wikiembed.sources.embedding_column is 'The vector or halfvec column; null: not embedded yet.';
comment on column wikiembed.sources.key_type is 'Type of the key column, or composite.';
comment on column wikiembed.sources.embedding_type is 'vector or halfvec.';
comment on column wikiembed.sources.key_attnum is 'Column number of the key, to detect a rename.';
comment on column wikiembed.sources.text_attnum is 'Column number of the text, to detect a rename.';
comment on column wikiembed.sources.embedding_attnum is 'Column number of the vector, to detect a rename.';
comment on column wikiembed.sources.generation is
  'Seed of the text hash; grows with every change of model, prefix or dimensions.';
comment on column wikiembed.sources.provider is 'The dialect of its embedding server, as WIKIEMBED_EMBEDDER; null: from the worker''s settings.';
comment on column wikiembed.sources.model is 'Model; null until the first write pins what the settings resolved to.';
comment on column wikiembed.sources.dimensions is 'Dimensions of the vectors.';
comment on column wikiembed.sources.document_prefix is 'Put before each text that is stored; null: from the settings.';
comment on column wikiembed.sources.query_prefix is 'Put before each text that is searched; null: from the settings.';
comment on column wikiembed.sources.pinned_at is
  'When the first write pinned model and prefix from a worker''s settings; null: not pinned, or fixed at attach.';
comment on column wikiembed.sources.batch_size is 'Chunks per job, 1 to 4096.';
comment on column wikiembed.sources.queue_name is 'The source''s queue in wikiembed_queue.';
comment on column wikiembed.sources.trigger_version is
  'Digest of the functions that generated its triggers and functions; they are regenerated when it differs.';
comment on column wikiembed.sources.written_as is
  'The names that the generated triggers and functions use; differs from the catalogue after a rename.';
comment on column wikiembed.sources.prove_function is
  'Optional function (text, vector) → boolean with which check_invariants verifies each stored vector.';
comment on column wikiembed.sources.paused_at is 'When it was paused; null: not paused.';
comment on column wikiembed.sources.paused_by is 'Who paused it.';
comment on column wikiembed.sources.pause_reason is 'Why it was paused.';
comment on column wikiembed.sources.resume_at is 'When the pause expires; null: never.';
comment on column wikiembed.sources.attached_at is 'When it was attached.';
comment on column wikiembed.sources.prefix_pinned is
  'Whether the first write took the document prefix from a worker''s settings; a prefix set at attach, or by hand, overrides theirs.';
comment on column wikiembed.sources.held_back_at is
  'Since when reconcile does not queue the rows that existed at attach, or those that an enqueue with p_max_chunks left; null: it queues all missing rows.';
comment on column wikiembed.sources.budgeted is
  'Whether it has a budget, which workers then reserve tokens of; written by set_budget.';
comment on column wikiembed.sources.bulk_opens_at is
  'When the window of its bulk work opened, or the next one opens; null: it has no schedule.';
comment on column wikiembed.sources.bulk_closes_at is 'When that window closes.';
comment on column wikiembed.sources.attached_as is
  'The table''s qualified name at attach; another table that has it now has replaced this one.';
