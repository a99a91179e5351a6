-- Where rights allow an event trigger: follow renames and partitions that come and go at once.
-- It never stands in the way of the user's statement, and leaves triggers that somebody disabled
-- disabled: reconcile enables them.
create function wikiembed_private.on_ddl() returns event_trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_name text;
  v_source wikiembed.sources;
begin
  if coalesce(current_setting('wikiembed.writing_triggers', true), '') = 'on' then
    return;
  end if;
  for v_name in
    select s.name from wikiembed.sources as s
     where tg_tag in ('ALTER SCHEMA', 'ALTER EXTENSION')
        or exists (
       select from pg_event_trigger_ddl_commands() as d
        where d.classid = 'pg_class'::regclass
          and d.objid in (select wikiembed_private.relations_of(s.relation)))
     order by s.name
  loop
    begin
      v_source := wikiembed_private.follow_renames(v_name);
      if not wikiembed_private.tree_current(v_source) then
        perform wikiembed_private.write_triggers(v_name);
        if tg_tag = 'ALTER TABLE' then
          perform wikiembed_private.queue_reconcile(v_name);
        end if;
      elsif v_source.written_as <> wikiembed_private.names_of(v_source) then
        perform wikiembed_private.write_triggers(v_name);
      end if;
    exception when others then
      raise warning 'wikiembed could not follow the change of source "%": %', v_name, sqlerrm
        using hint = 'Run: select * from wikiembed.reconcile(' || quote_literal(v_name) || ')';
    end;
  end loop;
end;
$$;
comment on function wikiembed_private.on_ddl() is
  'Rewrites a source''s triggers after a rename or a change of partitions; queues a reconcile of rows that came or went with a partition.';
