-- Checks, then locks the table for as long as its rows are counted, so that the ledger is exact
-- from the first second. A lock that is not had in 10 s is given up: nobody waits behind us.
create function wikiembed.attach(
  p_relation regclass, p_key name, p_text name, p_embedding name, p_name text,
  p_provider text default null, p_model text default null, p_dimensions integer default null,
  p_document_prefix text default null, p_query_prefix text default null,
  p_batch_size integer default 64, p_index boolean default true
) returns text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set lock_timeout = '10s'
as $$
declare
  v_key pg_attribute;
  v_text pg_attribute;
  v_embedding pg_attribute;
  v_key_type text;
  v_type record;
begin
  perform wikiembed_private.require_read_committed();
  perform wikiembed_private.check_name(p_name);
  perform wikiembed_private.check_relation(p_relation);
  perform wikiembed_private.check_rights(p_relation);
  perform wikiembed_private.lock_source(p_name);
  execute format('lock table %s in share row exclusive mode', wikiembed_private.qualified(p_relation));
  v_key := wikiembed_private.find_column(p_relation, p_key);
  v_text := wikiembed_private.find_column(p_relation, p_text);
  v_embedding := wikiembed_private.find_column(p_relation, p_embedding);
  v_key_type := wikiembed_private.check_key(p_relation, v_key);
  perform wikiembed_private.check_text(p_relation, v_text);
  v_type := wikiembed_private.check_embedding(p_relation, v_embedding, p_dimensions);
  if exists (select from wikiembed.sources as s
              where s.name = p_name or (s.relation = p_relation and s.embedding_column = p_embedding)) then
    raise exception 'source "%", or column "%" of %, is attached already', p_name, p_embedding, p_relation
      using errcode = 'WE003', hint = 'Detach it first, or choose another name and column.';
  end if;
  if p_batch_size is null or p_batch_size not between 1 and 4096 then
    raise exception 'a batch has 1 to 4096 chunks, not %', p_batch_size using errcode = 'WE010';
  end if;
  if p_provider is not null and p_provider not in ('ollama', 'openai', 'tei', 'local') then
    raise exception 'no provider is named "%"', p_provider
      using errcode = 'WE010', hint = 'Providers are ollama, openai, tei and local.';
  end if;
  insert into wikiembed.sources (
    name, relation, key_column, text_column, embedding_column, key_type, embedding_type,
    key_attnum, text_attnum, embedding_attnum,
    provider, model, dimensions, document_prefix, query_prefix, batch_size)
  values (
    p_name, p_relation, p_key, p_text, p_embedding, v_key_type, v_type.embedding_type,
    v_key.attnum, v_text.attnum, v_embedding.attnum,
    p_provider, p_model, v_type.dimensions, p_document_prefix, p_query_prefix, p_batch_size);
  execute format('create sequence if not exists wikiembed_private.%I minvalue 0 start 0', 'clock_embed_' || p_name);
  execute format('comment on sequence wikiembed_private.%I is %L', 'clock_embed_' || p_name,
    'Milliseconds of the last notification for source ' || p_name || '.');
  perform wikiembed_private.write_triggers(p_name);
  if p_index then
    perform wikiembed_private.create_missing_index(p_name);
  end if;
  perform wikiembed_private.correct_ledger(p_name);
  perform wikiembed_private.log_action('attach', p_name, null, jsonb_build_object('relation', p_relation::text));
  return p_name;
end;
$$;
comment on function wikiembed.attach(
  regclass, name, name, name, text, text, text, integer, text, text, integer, boolean) is
  'Registers a vector or halfvec column as a source, writes its triggers and counts its rows; raises WE002 to WE010.';
