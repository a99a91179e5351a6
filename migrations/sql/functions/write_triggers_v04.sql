-- Safe to repeat: attach, every migration that changes a template, and reconcile call it.
create function wikiembed_private.write_triggers(p_name text) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_source wikiembed.sources := wikiembed_private.follow_renames(p_name);
  v_relation regclass;
  v_template text;
begin
  perform set_config('wikiembed.writing_triggers', 'on', true);
  perform wikiembed_private.require_quotable(v_source);
  perform wikiembed_private.create_deltas(p_name);
  perform wikiembed_private.write_null_stale(v_source);
  perform wikiembed_private.write_on_insert(v_source);
  perform wikiembed_private.write_on_update(v_source);
  perform wikiembed_private.write_on_delete(v_source);
  perform wikiembed_private.write_on_truncate(v_source);
  perform wikiembed_private.write_outcomes(v_source);
  perform wikiembed_private.write_read(v_source);
  perform wikiembed_private.write_write(v_source);
  perform wikiembed_private.write_fail(v_source);
  execute wikiembed_private.fill(v_source, $template$
    create or replace trigger %12$I before update on %2$s
      for each row when (old.%4$I::text collate "C" is distinct from new.%4$I::text collate "C")
      execute function wikiembed_private.%14$I();
    alter table %2$s enable always trigger %12$I;
  $template$, 'zzz_wikiembed', 'null_stale');
  execute wikiembed_private.fill(v_source,
    'comment on trigger %12$I on %2$s is ''Nulls the vector of a row whose text changed.''',
    'zzz_wikiembed');
  for v_relation in select wikiembed_private.relations_of(v_source.relation) loop
    perform wikiembed_private.write_statement_triggers(v_source, v_relation);
  end loop;
  perform wikiembed_private.drop_strayed_triggers(v_source);
  perform wikiembed_private.close_to_public(v_source);
  perform wikiembed_private.open_to_workers(v_source, w.role) from wikiembed_private.worker_roles() as w (role);
  update wikiembed.sources as s
     set trigger_version = wikiembed_private.trigger_version(),
         written_as = wikiembed_private.names_of(v_source)
   where s.name = p_name;
  perform set_config('wikiembed.writing_triggers', 'off', true);
end;
$$;
comment on function wikiembed_private.write_triggers(text) is
  'Writes a source''s functions and triggers, on the table and on every partition.';
