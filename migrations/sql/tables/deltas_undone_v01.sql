-- squawk-ignore-file ban-drop-table
-- On the way down: after the triggers were rewritten, so that nobody writes to these tables.
do $$
declare
  v_table regclass;
begin
  for v_table in select i.inhrelid from pg_catalog.pg_inherits as i where i.inhparent = 'wikiembed.ledger'::regclass loop
    execute pg_catalog.format('with d as (delete from %s returning *)'
      ' insert into wikiembed.ledger (source, at, total, embedded, gained, failed, skipped)'
      ' select d.source, d.at, d.total, d.embedded, d.gained, d.failed, d.skipped from d order by d.id', v_table);
    execute pg_catalog.format('drop table %s', v_table);
  end loop;
end;
$$;
