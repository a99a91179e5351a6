-- Reads the column itself through the partial index: a counter could be wrong. Sequential scans
-- are off, since statistics from before the backfill predict a missing row early in the scan. A
-- source without a single vector is not ready, even if all its rows are skipped. The missing row is
-- searched for in key order, which an index has. It is an overload, since a second parameter would
-- drop objects of users that depend on the first.
create or replace function wikiembed.is_ready(p_source text, p_allow_empty boolean) returns boolean
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
    perform wikiembed_private.find_source(p_source);
  end if;
  for v_source in select s.* from wikiembed.sources as s where p_source is null or s.name = p_source loop
    if wikiembed_private.is_gone(v_source) then
      return false;
    end if;
    execute wikiembed_private.render_template(v_source, $sql$
      select exists (
        select from @table@ as t
         where t.@embedding@ is null
           and not exists (select from wikiembed.failures as f
                            where f.source = @source@ and f.key = @key_of(t)@ collate "C" and f.state = 'skipped'))
    $sql$) into v_missing;
    -- While a column's new name is not known, triggers record no document.
    if v_missing or wikiembed_private.has_waiting_document(v_source.name)
      or wikiembed_private.document_names_current(v_source.name) is false
    then
      return false;
    end if;
    execute wikiembed_private.render_template(v_source, $sql$
      select (select true from @table@ as t where t.@embedding@ is not null order by @order_by(t)@ limit 1) is null
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
  'The same; with p_allow_empty a source without a vector is ready when no row lacks one. Over all sources the wiki''s is left out while it is unused. Raises WE001.';

create or replace function wikiembed.is_ready(p_source text default null) returns boolean
language sql stable security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
  select wikiembed.is_ready(p_source, false);
$$;
comment on function wikiembed.is_ready(text) is
  'True when the source (null: each source) has a vector and no row lacks one, except skipped rows. Raises WE001.';
