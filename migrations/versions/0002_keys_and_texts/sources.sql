-- squawk-ignore-file ban-drop-constraint, constraint-missing-not-valid, adding-not-nullable-field
-- The table has a row per source: it is scanned in no time.
-- key_column and text_column stay, as the first column of each. Providers are checked by attach alone,
-- so that a new one needs no step.
alter table wikiembed.sources
  add column if not exists key_columns name[],
  add column if not exists key_types text[],
  add column if not exists key_attnums smallint[],
  add column if not exists text_columns name[],
  add column if not exists text_paths jsonb,
  add column if not exists text_attnums smallint[],
  drop constraint if exists provider_is_known,
  drop constraint if exists key_type_is_known,
  add constraint key_type_is_known
    check (key_type in ('smallint', 'integer', 'bigint', 'uuid', 'text', 'character varying', 'composite'));
update wikiembed.sources
   set key_columns = array[key_column], key_types = array[key_type], key_attnums = array[key_attnum],
       text_columns = array[text_column], text_paths = '[null]', text_attnums = array[text_attnum]
 where key_columns is null;
alter table wikiembed.sources
  alter column key_columns set not null,
  alter column key_types set not null,
  alter column key_attnums set not null,
  alter column text_columns set not null,
  alter column text_paths set not null,
  alter column text_attnums set not null,
  drop constraint if exists a_key_has_one_to_four_columns,
  add constraint a_key_has_one_to_four_columns
    check (cardinality(key_columns) between 1 and 4 and cardinality(key_types) = cardinality(key_columns)
           and cardinality(key_attnums) = cardinality(key_columns)),
  drop constraint if exists a_text_has_one_to_eight_parts,
  add constraint a_text_has_one_to_eight_parts
    check (cardinality(text_columns) between 1 and 8 and jsonb_array_length(text_paths) = cardinality(text_columns)
           and cardinality(text_attnums) = cardinality(text_columns));
