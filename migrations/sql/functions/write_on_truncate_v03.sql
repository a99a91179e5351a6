-- before truncate, each table: truncate of a partitioned table calls this for the root and for
-- every partition, truncate of one partition for that one. So each counts its own rows only,
-- and the root, which holds none, adds nothing twice. A reconcile is queued as well.
create function wikiembed_private.write_on_truncate(p_source wikiembed.sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute wikiembed_private.fill(p_source, $template$
    create or replace function wikiembed_private.%12$I() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set row_security = off
    set enable_nestloop = off
    set jit = off
    as $body$
    declare
      v_total bigint;
      v_embedded bigint;
    begin
      execute format('select count(*), count(%%I) from only %%I.%%I', %5$L, tg_table_schema, tg_table_name)
        into v_total, v_embedded;
      insert into wikiembed.ledger (source, total, embedded) values (%1$L, -v_total, -v_embedded);
      if exists (select from wikiembed.failures as f where f.source = %1$L) then
        execute format(
          'select wikiembed_private.forget_failures(%%L, array(
             select f.key from wikiembed.failures as f where f.source = %%L and exists (
               select from only %%I.%%I as t where t.%%I::text collate "C" = f.key)), ''deleted'')',
          %1$L, %1$L, tg_table_schema, tg_table_name, %3$L);
      end if;
      if exists (select from wikiembed.truncated_chunks as c where c.source = %1$L) then
        execute format(
          'select wikiembed_private.forget_truncated(%%L, array(
             select c.key from wikiembed.truncated_chunks as c where c.source = %%L and exists (
               select from only %%I.%%I as t where t.%%I::text collate "C" = c.key)))',
          %1$L, %1$L, tg_table_schema, tg_table_name, %3$L);
      end if;
      perform wikiembed_private.queue_reconcile(%1$L);
      return null;
    end;
    $body$
  $template$, 'on_truncate');
end;
$$;
comment on function wikiembed_private.write_on_truncate(wikiembed.sources) is
  'Writes the function of a source''s truncate trigger.';
