-- Asks the column itself through the partial index: a counter could be wrong. Sequential scans
-- are off, since statistics from before the backfill promise a missing row at once.
create function wikiembed.is_ready(p_source text default null) returns boolean
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set enable_seqscan = off
as $$
declare
  v_source wikiembed.sources;
  v_missing boolean;
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
  end loop;
  return true;
end;
$$;
comment on function wikiembed.is_ready(text) is
  'True when no row of the source (null: of any source) misses its vector but the skipped ones. Raises WE001.';
