-- Asks the column itself through the partial index: a counter could be wrong. Sequential scans
-- are off, since statistics from before the backfill promise a missing row at once. A source without
-- a single vector finds nothing: rows that are all skipped are no more ready than none. One
-- is looked for in the order of keys, since an index has that. It is an overload, since a second parameter would drop what users made of the first.
create function wikiembed.is_ready(p_source text, p_allow_empty boolean) returns boolean
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set enable_seqscan = off
set jit = off
as $$
declare
  v_source wikiembed.sources;
  v_missing boolean;
  v_empty boolean;
  v_counted boolean := false;
begin
  if not exists (select from wikiembed.sources as s where p_source is null or s.name = p_source) then
    if p_source is null then
      return false;
    end if;
    raise exception 'no source is named "%"', p_source
      using errcode = 'WE001', hint = 'List them: select name from wikiembed.sources.';
  end if;
  for v_source in select s.* from wikiembed.sources as s where p_source is null or s.name = p_source loop
    if wikiembed_private.is_gone(v_source) then
      return false;
    end if;
    execute wikiembed_private.fill(v_source, $sql$
      select exists (
        select from %2$s as t
         where t.%5$I is null
           and not exists (select from wikiembed.failures as f
                            where f.source = %1$L and f.key = t.%3$I::text collate "C" and f.state = 'skipped'))
    $sql$) into v_missing;
    if v_missing then
      return false;
    end if;
    execute wikiembed_private.fill(v_source, $sql$
      select (select true from %2$s as t where t.%5$I is not null order by t.%3$I limit 1) is null
    $sql$) into v_empty;
    continue when v_empty and p_source is null
      and (select c.unused from wikiembed.coverage as c where c.source = v_source.name);
    if v_empty and p_allow_empty is not true then
      return false;
    end if;
    v_counted := true;
  end loop;
  return v_counted;
end;
$$;
comment on function wikiembed.is_ready(text, boolean) is
  'The same; with p_allow_empty a source without a vector is ready when it misses none. Over all sources the wiki''s is left out while it is unused. Raises WE001.';
