create function wikiembed_private.write_on_delete(p_source wikiembed.sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute wikiembed_private.fill(p_source, $template$
    create or replace function wikiembed_private.%12$I() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    as $body$
    declare
      v_total bigint;
      v_embedded bigint;
    begin
      select count(*), count(o.%5$I) into v_total, v_embedded from old_rows as o;
      if v_total = 0 then
        return null;
      end if;
      insert into wikiembed_private.%14$I (total, embedded) values (-v_total, -v_embedded);
      if exists (select from wikiembed.failures as f where f.source = %1$L) then
        perform wikiembed_private.forget_failures(%1$L, array(
          select o.%3$I::text from old_rows as o
           where v_total <= 500 or o.%3$I::text collate "C" in (
                   select f.key from wikiembed.failures as f where f.source = %1$L)));
      end if;
      return null;
    end;
    $body$
  $template$, 'on_delete', 'deltas');
end;
$$;
comment on function wikiembed_private.write_on_delete(wikiembed.sources) is
  'Writes the function of a source''s delete trigger.';
