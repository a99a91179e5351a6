-- On the root and on every partition: a statement trigger fires for the table that the
-- statement names, so nothing is counted twice.
create function wikiembed_private.write_statement_triggers(
  p_source wikiembed.sources, p_relation regclass
) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_event text;
begin
  foreach v_event in array array['insert', 'update', 'delete', 'truncate'] loop
    execute format(
      'create or replace trigger %1$I %2$s %3$s on %4$s %5$s for each statement'
      ' execute function wikiembed_private.%6$I()',
      'wikiembed_' || p_source.name || '_' || v_event,
      case v_event when 'truncate' then 'before' else 'after' end,
      v_event,
      wikiembed_private.qualified(p_relation),
      case v_event
        when 'insert' then 'referencing new table as new_rows'
        when 'update' then 'referencing old table as old_rows new table as new_rows'
        when 'delete' then 'referencing old table as old_rows'
        else ''
      end,
      'on_' || v_event || '_' || p_source.name);
    execute format('comment on trigger %I on %s is %L',
      'wikiembed_' || p_source.name || '_' || v_event,
      wikiembed_private.qualified(p_relation),
      'Counts and queues chunks of wikiembed source ' || p_source.name || '.');
  end loop;
end;
$$;
comment on function wikiembed_private.write_statement_triggers(wikiembed.sources, regclass) is
  'Puts a source''s four statement triggers on one table.';
