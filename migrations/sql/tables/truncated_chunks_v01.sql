create table wikiembed.truncated_chunks (
  source text not null references wikiembed.sources (name) on delete cascade,
  key text collate "C" not null,
  chars integer not null,
  chars_kept integer,
  at timestamptz not null default clock_timestamp(),
  primary key (source, key)
);

comment on table wikiembed.truncated_chunks is
  'Chunks whose vector is that of their beginning only, as WIKIEMBED_TRUNCATE allows; written by write_truncated, cleared by the triggers when text, key or vector change or the row goes.';
comment on column wikiembed.truncated_chunks.source is 'The source.';
comment on column wikiembed.truncated_chunks.key is 'The chunk''s key, as text.';
comment on column wikiembed.truncated_chunks.chars is 'Characters of the text.';
comment on column wikiembed.truncated_chunks.chars_kept is
  'Characters that were embedded; null where the server cut the text and does not say how many it kept.';
comment on column wikiembed.truncated_chunks.at is 'When its vector was stored.';
