-- Keys come with the collation of a user's column, which meets that of ours: each comparison states
-- its own. Locked in key order: else two deletes, or a delete and a retry, die in a deadlock. Each key
-- is looked up by itself, in a subquery that is not joined otherwise: plans are kept for a session,
-- and one made for few failures must suit many.
create function wikiembed_private.forget_failures(
  p_source text, p_keys text[], p_how text, p_cured text[] default null
) returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  v_places tid[];
begin
  v_places := array(
    select h.place
      from (select distinct k.key collate "C" as key from unnest(p_keys) as k (key) order by 1) as a
     cross join lateral (
       select f.ctid as place from wikiembed.failures as f
        where f.source = p_source collate "default" and f.key = a.key
          for update) as h);
  if cardinality(v_places) = 0 then
    return 0;
  end if;
  return wikiembed_private.end_failures(v_places, p_how, p_cured);
end;
$$;
comment on function wikiembed_private.forget_failures(text, text[], text, text[]) is
  'Ends the failures of these keys, locked in key order, and keeps them as history, those of the keys p_cured as cured; returns the number of them.';
