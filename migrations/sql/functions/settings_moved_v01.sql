create function wikiembed_private.settings_moved(
  p_former wikiembed.sources, p_source wikiembed.sources
) returns wikiembed.sources
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(p_source.provider, p_source.model, p_source.document_prefix, p_source.query_prefix) is not null
    or p_source.batch_size not in (64, p_former.batch_size)
  then
    raise exception 'source "%" keeps its settings when it is moved', p_source.name
      using errcode = 'WE010', hint = 'Leave provider, model, prefixes and batch size out, and change them afterwards';
  end if;
  if p_source.dimensions <> p_former.dimensions then
    raise exception 'embedding column "%" of % has % dimensions, and source "%" has %', p_source.embedding_column,
      p_source.relation, p_source.dimensions, p_source.name, p_former.dimensions
      using errcode = 'WE007', hint = 'Detach the source and attach the table anew, which embeds all of it';
  end if;
  p_source.provider := p_former.provider;
  p_source.model := p_former.model;
  p_source.document_prefix := p_former.document_prefix;
  p_source.query_prefix := p_former.query_prefix;
  p_source.batch_size := p_former.batch_size;
  p_source.generation := p_former.generation;
  p_source.pinned_at := p_former.pinned_at;
  p_source.prefix_pinned := p_former.prefix_pinned;
  p_source.prove_function := p_former.prove_function;
  p_source.paused_at := p_former.paused_at;
  p_source.paused_by := p_former.paused_by;
  p_source.pause_reason := p_former.pause_reason;
  p_source.resume_at := p_former.resume_at;
  return p_source;
end;
$$;
comment on function wikiembed_private.settings_moved(wikiembed.sources, wikiembed.sources) is
  'The new row of a source that is moved, with the settings, the model and the pause of the former; raises WE007 for other dimensions and WE010 for other settings.';
