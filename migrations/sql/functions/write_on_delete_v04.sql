-- Whether there is anything to forget is asked in one expression, since each costs a query's start.
-- The plans are kept for the session: one made when there were no failures must suit many. A statement
-- of many rows asks once which of them failed or were truncated, by a hash join; of few, each key is looked up.
create function wikiembed_private.write_on_delete(p_source wikiembed.sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute wikiembed_private.fill(p_source, $template$
    create or replace function wikiembed_private.%12$I() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
    set enable_nestloop = off
    set jit = off
    as $body$
    declare
      v_total bigint;
      v_embedded bigint;
      v_keys text[];
    begin
      select count(*), count(o.%5$I) into v_total, v_embedded from old_rows as o;
      if v_total = 0 then
        return null;
      end if;
      insert into wikiembed_private.%14$I (total, embedded) values (-v_total, -v_embedded);
      if exists (select from wikiembed.failures as f where f.source = %1$L)
         or exists (select from wikiembed.truncated_chunks as c where c.source = %1$L)
      then
        if exists (select from wikiembed.failures as f where f.source = %1$L) then
          if v_total <= 500 then
            v_keys := array(select o.%3$I::text from old_rows as o);
          else
            v_keys := array(
              select f.key from old_rows as o
                join wikiembed.failures as f on f.source = %1$L and f.key = o.%3$I::text collate "C");
          end if;
          perform wikiembed_private.forget_failures(%1$L, v_keys, 'deleted');
        end if;
        if exists (select from wikiembed.truncated_chunks as c where c.source = %1$L) then
          if v_total <= 500 then
            v_keys := array(select o.%3$I::text from old_rows as o where o.%5$I is not null);
          else
            v_keys := array(
              select c.key from old_rows as o
                join wikiembed.truncated_chunks as c on c.source = %1$L and c.key = o.%3$I::text collate "C");
          end if;
          perform wikiembed_private.forget_truncated(%1$L, v_keys);
        end if;
      end if;
      return null;
    end;
    $body$
  $template$, 'on_delete', 'deltas');
end;
$$;
comment on function wikiembed_private.write_on_delete(wikiembed.sources) is
  'Writes the function of a source''s delete trigger.';
