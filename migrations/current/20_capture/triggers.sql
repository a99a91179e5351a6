-- A digest of the generating functions, so that a change of one needs no new version number.
create or replace function wikiembed_private.trigger_version() returns integer
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select hashtext(string_agg(p.prosrc, '' order by p.proname collate "C", p.oid))
    from pg_proc as p
   where p.pronamespace = 'wikiembed_private'::regnamespace
     and (p.proname like 'generate\_%' or p.proname in (
           'array_type', 'create_deltas', 'declared_dimensions', 'document_names', 'document_row', 'documents_per_job', 'generated_comment', 'generated_names', 'grant_generated', 'key_expression', 'key_part',
           'oversampling', 'quantised', 'quantised_distance', 'render_call', 'render_template', 'search_by_text', 'search_by_vector', 'search_hits',
           'search_quantised', 'split_jobs', 'text_expression', 'indexed_text', 'text_vector', 'write_search',
           'revoke_generated', 'write_document_triggers', 'write_statement_triggers', 'write_triggers'));
$$;
comment on function wikiembed_private.trigger_version() is
  'Digest of the functions that write_triggers uses: the triggers of a source with another one are rewritten.';

-- Idempotent: attach, every migration that changes a template, and reconcile call it.
create or replace function wikiembed_private.write_triggers(p_name text) returns void
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
  perform wikiembed_private.generate_null_stale(v_source);
  perform wikiembed_private.generate_on_insert(v_source);
  perform wikiembed_private.generate_on_update(v_source);
  perform wikiembed_private.generate_on_delete(v_source);
  perform wikiembed_private.generate_on_truncate(v_source);
  perform wikiembed_private.generate_outcomes(v_source);
  perform wikiembed_private.generate_read(v_source);
  perform wikiembed_private.generate_store(v_source);
  perform wikiembed_private.generate_fail(v_source);
  execute wikiembed_private.render_template(v_source, $template$
    create or replace trigger @null_stale_trigger@ before update on @table@
      for each row when (@text_of(old)@ collate "C" is distinct from @text_of(new)@ collate "C")
      execute function wikiembed_private.@null_stale@();
    alter table @table@ enable always trigger @null_stale_trigger@;
  $template$);
  execute wikiembed_private.render_template(v_source,
    'comment on trigger @null_stale_trigger@ on @table@ is ''Nulls the vector of a row whose text changed.''');
  for v_relation in select wikiembed_private.relations_of(v_source.relation) loop
    perform wikiembed_private.write_statement_triggers(v_source, v_relation);
  end loop;
  perform wikiembed_private.drop_orphan_triggers(v_source);
  perform wikiembed_private.write_search(p_name);
  perform wikiembed_private.revoke_generated(v_source);
  perform wikiembed_private.grant_generated(v_source, w.role) from wikiembed_private.worker_roles() as w (role);
  perform wikiembed_private.grant_search(v_source, r.role) from wikiembed_private.reader_roles() as r (role);
  update wikiembed.sources as s
     set trigger_version = wikiembed_private.trigger_version(),
         written_as = wikiembed_private.source_names(v_source)
   where s.name = p_name;
  perform set_config('wikiembed.writing_triggers', 'off', true);
end;
$$;
comment on function wikiembed_private.write_triggers(text) is
  'Writes a source''s functions and triggers, on the table and on every partition.';

-- On the root and on every partition: a statement trigger fires for the table that the
-- statement names, so nothing is counted twice.
create or replace function wikiembed_private.write_statement_triggers(
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
  'Creates a source''s four statement triggers on one table.';

-- Every role may call a new function until that is revoked.
create or replace function wikiembed_private.revoke_generated(p_source wikiembed.sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid from pg_proc as p
     where p.pronamespace = 'wikiembed_private'::regnamespace
       and p.proname in (
         select g || '_' || p_source.name from unnest(wikiembed_private.generated_names()) as g)
  loop
    execute format('revoke all on function %s from public', v_function);
    execute format('comment on function %s is %L', v_function, wikiembed_private.generated_comment(p_source.name));
  end loop;
end;
$$;
comment on function wikiembed_private.revoke_generated(wikiembed.sources) is
  'Revokes the generated functions of a source from public.';

-- Found by the functions that they call: a partition that was detached keeps its statement triggers.
create or replace function wikiembed_private.triggers_of(p_name text) returns table (relation regclass, trigger name)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select t.tgrelid::regclass, t.tgname
    from pg_trigger as t join pg_proc as p on p.oid = t.tgfoid
   where p.pronamespace = 'wikiembed_private'::regnamespace
     and p.proname = any (array['on_insert_' || p_name, 'on_update_' || p_name,
                                'on_delete_' || p_name, 'on_truncate_' || p_name] collate "C");
$$;
comment on function wikiembed_private.triggers_of(text) is
  'The statement triggers of a source, on any table.';

create or replace function wikiembed_private.tree_current(p_source wikiembed.sources) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select not exists (
    (select r, 'wikiembed_' || p_source.name || '_' || e
       from wikiembed_private.relations_of(p_source.relation) as r,
            unnest(array['insert', 'update', 'delete', 'truncate']) as e
     except
     select t.relation, t.trigger from wikiembed_private.triggers_of(p_source.name) as t)
    union all
    (select t.relation, t.trigger from wikiembed_private.triggers_of(p_source.name) as t
      where t.relation not in (select wikiembed_private.relations_of(p_source.relation))));
$$;
comment on function wikiembed_private.tree_current(wikiembed.sources) is
  'True when the table and every partition of it, and no other, have a source''s statement triggers.';

create or replace function wikiembed_private.triggers_current(p_source wikiembed.sources) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select p_source.trigger_version = wikiembed_private.trigger_version()
     and p_source.written_as = wikiembed_private.source_names(p_source)
     and wikiembed_private.tree_current(p_source)
     and not exists (
       select from wikiembed_private.triggers_of(p_source.name) as o
         join pg_trigger as t on t.tgrelid = o.relation and t.tgname = o.trigger
        where t.tgenabled not in ('O', 'A'))
     and not exists (
       select from wikiembed_private.relations_of(p_source.relation) as r
        where not exists (
          select from pg_trigger as t
           where t.tgrelid = r and t.tgname = 'zzz_wikiembed_' || p_source.name and t.tgenabled = 'A'));
$$;
comment on function wikiembed_private.triggers_current(wikiembed.sources) is
  'True when every trigger of a source exists, is enabled, and has this version and the present names.';

create or replace function wikiembed_private.drop_orphan_triggers(p_source wikiembed.sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_relation regclass;
  v_trigger name;
begin
  for v_relation, v_trigger in
    select t.relation, t.trigger from wikiembed_private.triggers_of(p_source.name) as t
     where t.relation not in (select wikiembed_private.relations_of(p_source.relation))
  loop
    execute format('drop trigger %I on %s', v_trigger, wikiembed_private.qualified(v_relation));
  end loop;
end;
$$;
comment on function wikiembed_private.drop_orphan_triggers(wikiembed.sources) is
  'Drops a source''s triggers from tables that are no longer its partitions.';
