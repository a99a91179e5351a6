-- Comments on tables, their columns and schemas: what, unit, who writes it.
comment on table wikiembed.truncated_chunks is
  'Chunks whose vector is that of their beginning only, as WIKIEMBED_TRUNCATE allows; written by write_truncated, cleared by the triggers when text, key or vector change or the row is deleted.';
comment on column wikiembed.truncated_chunks.source is 'The source.';
comment on column wikiembed.truncated_chunks.key is 'The chunk''s key, as text.';
comment on column wikiembed.truncated_chunks.chars is 'Characters of the text.';
comment on column wikiembed.truncated_chunks.chars_kept is
  'Characters that were embedded; null where the server cut the text and does not report how many it kept.';
comment on column wikiembed.truncated_chunks.at is 'When its vector was stored.';
comment on table wikiembed.truncation_checks is
  'Whether an embedding server cuts long texts silently, one row per source, server and model; written by record_truncation_check.';
comment on column wikiembed.truncation_checks.source is 'The source that is embedded there.';
comment on column wikiembed.truncation_checks.server is 'The server''s URL, without user, password and query.';
comment on column wikiembed.truncation_checks.model is 'The model, as the source has it.';
comment on column wikiembed.truncation_checks.outcome is
  'silent (two texts that differ at the end have the same vector), refused (the server refuses long texts), whole (they differ), or unanswered (no answer in time: checked again after a day).';
comment on column wikiembed.truncation_checks.from_chars is
  'Characters of English text from which on a text is cut; null unless silent.';
comment on column wikiembed.truncation_checks.checked_chars is 'Characters of the longest text that was tried.';
comment on column wikiembed.truncation_checks.checked_at is 'When it was checked.';
comment on column wikiembed.truncation_checks.used_at is
  'When a worker began to embed the source there; of several rows of a source the latest counts.';
