-- As forget_failures: each key is looked up by itself, and locked in key order.
create function wikiembed_private.forget_truncated(p_source text, p_keys text[]) returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  v_places tid[];
  v_forgotten bigint;
begin
  v_places := array(
    select h.place
      from (select distinct k.key collate "C" as key from unnest(p_keys) as k (key) order by 1) as a
     cross join lateral (
       select c.ctid as place from wikiembed.truncated_chunks as c
        where c.source = p_source collate "default" and c.key = a.key
          for update) as h);
  if cardinality(v_places) = 0 then
    return 0;
  end if;
  delete from wikiembed.truncated_chunks as c where c.ctid = any (v_places);
  get diagnostics v_forgotten = row_count;
  return v_forgotten;
end;
$$;
comment on function wikiembed_private.forget_truncated(text, text[]) is
  'Deletes the marks of chunks that are no longer truncated, locked in key order; returns the number of them.';
