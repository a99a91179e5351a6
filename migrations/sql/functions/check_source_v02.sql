-- Everything that attach can refuse a column for, so that a check only and an attach refuse the same.
create function wikiembed_private.check_source(
  p_relation regclass, p_key name, p_text name, p_embedding name, p_name text,
  p_provider text, p_model text, p_dimensions integer,
  p_document_prefix text, p_query_prefix text, p_batch_size integer
) returns wikiembed.sources
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_key pg_attribute := wikiembed_private.require_column(p_relation, p_key, 'key', null);
  v_text pg_attribute := wikiembed_private.require_column(p_relation, p_text, 'text', null);
  v_embedding pg_attribute := wikiembed_private.require_column(p_relation, p_embedding, 'embedding', p_dimensions);
  v_source wikiembed.sources;
begin
  v_source.name := p_name;
  v_source.relation := p_relation;
  v_source.key_column := p_key;
  v_source.text_column := p_text;
  v_source.embedding_column := p_embedding;
  v_source.key_attnum := v_key.attnum;
  v_source.text_attnum := v_text.attnum;
  v_source.embedding_attnum := v_embedding.attnum;
  v_source.key_type := wikiembed_private.check_key(p_relation, v_key);
  perform wikiembed_private.check_text(p_relation, v_text);
  select e.embedding_type, e.dimensions into v_source.embedding_type, v_source.dimensions
    from wikiembed_private.check_embedding(p_relation, v_embedding, p_dimensions) as e;
  v_source.provider := p_provider;
  v_source.model := p_model;
  v_source.document_prefix := p_document_prefix;
  v_source.query_prefix := p_query_prefix;
  v_source.batch_size := p_batch_size;
  if p_batch_size is null or p_batch_size not between 1 and 4096 then
    raise exception 'a batch has 1 to 4096 chunks, not %', p_batch_size using errcode = 'WE010';
  end if;
  if v_source.dimensions <= 0 then
    raise exception 'a vector has at least one dimension, not %', v_source.dimensions using errcode = 'WE010';
  end if;
  if p_provider is not null and p_provider not in ('ollama', 'openai', 'tei', 'local') then
    raise exception 'no provider is named "%"', p_provider
      using errcode = 'WE010', hint = 'Providers are ollama, openai, tei and local.';
  end if;
  perform wikiembed_private.check_names(v_source);
  return v_source;
end;
$$;
comment on function wikiembed_private.check_source(
  regclass, name, name, name, text, text, text, integer, text, text, integer) is
  'The row that attach would write; raises WE004 to WE010 for what it refuses.';
