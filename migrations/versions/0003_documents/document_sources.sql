-- One row per source whose chunks are split from documents. The state of each document is in a table of its
-- own per source, wikiembed_private.documents_<source>: a null version waits to be split.
create table if not exists wikiembed.document_sources (
  source text primary key references wikiembed.sources (name) on delete cascade on update cascade,
  relation regclass not null,
  key_columns name[] not null,
  key_types text[] not null,
  key_attnums smallint[] not null,
  text_columns name[] not null,
  text_paths jsonb not null,
  text_attnums smallint[] not null,
  title_column name,
  title_attnum smallint,
  splitter text not null
    constraint splitter_is_known check (splitter in ('text', 'markdown', 'html')),
  max_chars integer not null
    constraint max_chars_is_sane check (max_chars between 32 and 1000000),
  overlap_chars integer not null
    constraint overlap_is_at_most_a_quarter check (overlap_chars between 0 and max_chars / 4),
  context text not null
    constraint context_is_known check (context in ('none', 'title', 'heading', 'title_heading')),
  generation bigint not null default 1,
  trigger_version integer not null default 0,
  written_as text not null default '',
  constraint a_title_has_a_number check ((title_column is null) = (title_attnum is null))
);
