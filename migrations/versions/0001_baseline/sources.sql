-- One row per attached vector column. The unique constraint on (name, generation) makes the
-- generation a key column: raising it waits for every writer that holds `for key share`, so no
-- batch in flight can write a vector of the model before. No unique constraint may name the
-- generated queue_name: beside a before update trigger Postgres takes every update for one of all
-- generated columns, and a key among them would make pause and pin_model wait for every writer.
create table wikiembed.sources (
  name text primary key
    constraint name_is_short_and_printable
      check (octet_length(name) between 1 and 32 and name !~ '[[:cntrl:]]' and name = btrim(name)),
  relation regclass not null,
  key_column name not null,
  text_column name not null,
  embedding_column name not null,
  key_type text not null
    constraint key_type_is_known
      check (key_type in ('smallint', 'integer', 'bigint', 'uuid', 'text', 'character varying')),
  embedding_type text not null
    constraint embedding_type_is_known check (embedding_type in ('vector', 'halfvec')),
  key_attnum smallint not null,
  text_attnum smallint not null,
  embedding_attnum smallint not null,
  generation bigint not null default 1,
  provider text
    constraint provider_is_known check (provider in ('ollama', 'openai', 'tei', 'local')),
  model text,
  dimensions integer constraint dimensions_are_positive check (dimensions > 0),
  document_prefix text,
  query_prefix text,
  pinned_at timestamptz,
  batch_size integer not null default 64
    constraint batch_size_is_sane check (batch_size between 1 and 4096),
  queue_name text not null generated always as ('embed_' || name) stored,
  trigger_version integer not null default 0,
  written_as text not null default '',
  prove_function regprocedure,
  paused_at timestamptz,
  paused_by text,
  pause_reason text,
  resume_at timestamptz,
  attached_at timestamptz not null default now(),
  prefix_pinned boolean not null default false,
  held_back_at timestamptz,
  attached_as text,
  constraint a_column_is_attached_once unique (relation, embedding_column),
  constraint generation_is_a_key unique (name, generation),
  constraint a_pause_names_who check (paused_at is null or paused_by is not null)
);
