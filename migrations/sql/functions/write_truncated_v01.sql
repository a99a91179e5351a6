-- In one transaction with the vectors: no truncated vector is ever there without its mark.
create function wikiembed.write_truncated(
  p_source text, p_keys text[], p_versions bigint[], p_embeddings vector_schema.vector[],
  p_chars integer[], p_chars_kept integer[], p_attempt integer default 0
) returns table (key text, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_keys text[];
  v_outcomes text[];
begin
  if cardinality(p_keys) <> cardinality(p_chars) or cardinality(p_keys) <> cardinality(p_chars_kept) then
    raise exception 'keys and numbers of characters differ in length'
      using errcode = 'WE010',
            hint = format('Got %s, %s and %s.', cardinality(p_keys), cardinality(p_chars), cardinality(p_chars_kept));
  end if;
  select array_agg(o.key), array_agg(o.outcome) into v_keys, v_outcomes
    from wikiembed.write_embeddings(p_source, p_keys, p_versions, p_embeddings, p_attempt) as o;
  insert into wikiembed.truncated_chunks as c (source, key, chars, chars_kept)
  select distinct on (g.key collate "C") p_source, g.key, g.chars, g.chars_kept
    from unnest(p_keys, p_chars, p_chars_kept) as g (key, chars, chars_kept)
    join unnest(v_keys, v_outcomes) as o (key, outcome) on o.key collate "C" = g.key collate "C"
   where o.outcome = 'written'
   order by g.key collate "C"
      on conflict on constraint truncated_chunks_pkey do update
         set chars = excluded.chars, chars_kept = excluded.chars_kept, at = excluded.at;
  return query select * from unnest(v_keys, v_outcomes);
end;
$$;
comment on function wikiembed.write_truncated(text, text[], bigint[], vector_schema.vector[], integer[], integer[], integer) is
  'Stores vectors of texts that were cut, as write_embeddings does, and marks those that are written in truncated_chunks; p_chars_kept is null where the server cut. Raises WE001, WE010, WE012.';
