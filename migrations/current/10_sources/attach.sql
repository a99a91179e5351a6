-- Checks, then locks the table for as long as its rows are counted, so that the ledger is exact
-- from the first second. The triggers are written last: the table of deltas is made a part of the
-- ledger, for which another attach would wait. Gives up after waiting 10 s for a lock, so that no writer waits behind it.
-- A check only takes the lock that lets writers write, as building the index will.
-- Rows that have no vector yet wait for enqueue: neither a worker's reconcile nor a paid server
-- processes them unrequested. The name of a source whose table was dropped is reused.
-- A source that is moved is detached and attached again, so that nothing of the former table is left; its
-- row, the failures of equal rows and the vectors of equal texts are copied before. Documents stay those of
-- the source: each waits to be split into the new table, where equal chunks keep their rows.
create or replace function wikiembed.attach(
  p_relation regclass, p_key name[], p_text text[], p_embedding name, p_name text,
  p_provider text default null, p_model text default null, p_dimensions integer default null,
  p_document_prefix text default null, p_query_prefix text default null,
  p_batch_size integer default 64, p_index boolean default true, p_check_only boolean default false,
  p_enqueue boolean default false, p_move boolean default false
) returns text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set lock_timeout = '10s'
as $$
declare
  v_source wikiembed.sources;
  v_former wikiembed.sources;
  v_failures wikiembed.failures[] := '{}';
  v_history wikiembed_private.ended_failures[] := '{}';
  v_truncated wikiembed.truncated_chunks[] := '{}';
  v_vectors bigint := 0;
  v_documents wikiembed.document_sources;
  v_names wikiembed.search_names[] := '{}';
  v_costs jsonb;
  v_warning text;
begin
  perform wikiembed_private.require_read_committed();
  perform wikiembed_private.check_name(p_name);
  perform wikiembed_private.check_relation(p_relation);
  perform wikiembed_private.check_rights(p_relation);
  perform wikiembed_private.lock_source(p_name);
  if p_move then
    v_former := wikiembed_private.get_source(p_name);
  else
    select s.* into v_former from wikiembed.sources as s where s.name = p_name and wikiembed_private.is_gone(s);
  end if;
  execute format('lock table %s in %s mode', wikiembed_private.qualified(p_relation),
    case when p_check_only then 'share update exclusive' else 'share row exclusive' end);
  perform wikiembed_private.check_unattached(p_relation, p_embedding, p_name, v_former.name is not null);
  v_source := wikiembed_private.check_source(
    p_relation, p_key, p_text, p_embedding, p_name, p_provider, p_model,
    case when p_move and p_dimensions is null and v_former.dimensions is not null and not exists (
           select from pg_attribute as a
            where a.attrelid = p_relation and a.attname = p_embedding and a.atttypmod <> -1)
         then v_former.dimensions else p_dimensions end,
    p_document_prefix, p_query_prefix, p_batch_size);
  if p_move then
    v_source := wikiembed_private.settings_moved(v_former, v_source);
  end if;
  if p_check_only then
    return p_name;
  end if;
  if p_move and (v_former.relation, v_former.key_columns, v_former.text_columns, v_former.text_paths, v_former.embedding_column)
    = (v_source.relation, v_source.key_columns, v_source.text_columns, v_source.text_paths, v_source.embedding_column)
  then
    update wikiembed.sources as s set attached_as = wikiembed_private.qualified(p_relation) where s.name = p_name;
    perform wikiembed_private.log_action('attach', p_name, null, jsonb_build_object('relation', p_relation::text));
    return p_name;
  end if;
  v_warning := wikiembed_private.owner_warning(p_relation);
  if v_warning is not null then
    raise warning '%', v_warning using hint = 'Trust them as much as that role, or let one with fewer rights own wikiembed.';
  end if;
  if v_former.name is not null then
    if not p_move then
      raise warning 'source "%" was attached to a table, or a column, that was dropped', p_name
        using hint = format('%s takes its place, and its settings are not kept', p_relation);
    elsif not wikiembed_private.is_gone(v_former) then
      v_failures := wikiembed_private.failures_moved(v_former, v_source);
      v_vectors := wikiembed_private.copy_vectors(v_former, v_source);
      v_truncated := wikiembed_private.truncated_moved(v_former, v_source);
    end if;
    if p_move then
      select d.* into v_documents from wikiembed.document_sources as d where d.source = p_name collate "default";
      if found then
        perform wikiembed_private.check_chunk_table(wikiembed_private.document_row(p_name), p_relation, false);
      end if;
      v_names := array(select n from wikiembed.search_names as n where n.source = p_name collate "default");
      delete from wikiembed.search_names as n where n.source = p_name collate "default";
      v_history := array(
        select e from wikiembed_private.ended_failures as e where e.source = p_name collate "default" order by e.id);
      v_costs := wikiembed_private.costs_of(p_name);
    end if;
    perform wikiembed.detach(p_name);
    perform wikiembed_private.rename_missing_index(v_source);
  end if;
  insert into wikiembed.sources (
    name, relation, key_column, text_column, embedding_column, key_type, embedding_type,
    key_attnum, text_attnum, embedding_attnum, attached_as,
    key_columns, key_types, key_attnums, text_columns, text_paths, text_attnums,
    provider, model, dimensions, document_prefix, query_prefix, batch_size,
    generation, pinned_at, prefix_pinned, prove_function, paused_at, paused_by, pause_reason, resume_at,
    text_config, ef_search, quantise, query_prefix_pinned, budgeted, bulk_opens_at, bulk_closes_at)
  values (
    v_source.name, v_source.relation, v_source.key_column, v_source.text_column, v_source.embedding_column,
    v_source.key_type, v_source.embedding_type,
    v_source.key_attnum, v_source.text_attnum, v_source.embedding_attnum, wikiembed_private.qualified(p_relation),
    v_source.key_columns, v_source.key_types, v_source.key_attnums, v_source.text_columns, v_source.text_paths, v_source.text_attnums,
    v_source.provider, v_source.model, v_source.dimensions, v_source.document_prefix, v_source.query_prefix,
    v_source.batch_size, coalesce(v_source.generation, 1), v_source.pinned_at, coalesce(v_source.prefix_pinned, false),
    v_source.prove_function, v_source.paused_at, v_source.paused_by, v_source.pause_reason, v_source.resume_at,
    v_source.text_config, v_source.ef_search, v_source.quantise, coalesce(v_source.query_prefix_pinned, false),
    coalesce(v_source.budgeted, false), v_source.bulk_opens_at, v_source.bulk_closes_at);
  execute format('create sequence if not exists wikiembed_private.%I minvalue 0 start 0', 'clock_embed_' || p_name);
  execute format('comment on sequence wikiembed_private.%I is %L', 'clock_embed_' || p_name,
    'Milliseconds of the last notification for source ' || p_name || '.');
  if p_index then
    perform wikiembed_private.create_missing_index(p_name);
  end if;
  insert into wikiembed.search_names select n.* from unnest(v_names) as n;
  perform wikiembed_private.restore_costs(v_costs);
  insert into wikiembed.failures select f.* from unnest(v_failures) as f;
  insert into wikiembed.truncated_chunks select c.* from unnest(v_truncated) as c;
  if cardinality(v_history) > 0 then
    insert into wikiembed_private.ended_failures overriding system value select e.* from unnest(v_history) as e;
  end if;
  perform wikiembed_private.correct_ledger(p_name);
  perform wikiembed_private.write_triggers(p_name);
  if v_documents.source is not null then
    perform wikiembed_private.register_documents(v_documents);
  end if;
  update wikiembed.sources as s set held_back_at = now()
   where s.name = p_name
     and (wikiembed_private.has_waiting_document(p_name)
          or exists (select from wikiembed.ledger as l where l.source = s.name
                      having sum(l.total) > sum(l.embedded + l.failed + l.skipped)));
  if p_enqueue then
    perform wikiembed.enqueue(p_name);
  end if;
  perform wikiembed_private.log_action(
    'attach', p_name, null,
    jsonb_build_object('relation', p_relation::text) || case when p_move then
      jsonb_build_object('former', coalesce(wikiembed_private.qualified(v_former.relation), 'gone'),
                         'vectors', v_vectors, 'failures', cardinality(v_failures))
      else '{}' end);
  return p_name;
end;
$$;
comment on function wikiembed.attach(
  regclass, name[], text[], name, text, text, text, integer, text, text, integer, boolean, boolean, boolean, boolean) is
  'Registers a vector or halfvec column as a source, writes its triggers and counts its rows, which wait for enqueue unless p_enqueue; or only checks whether it would, and blocks no writer. With p_move an existing source is moved to this table, with its settings, its pause, its costs and budgets, the failures of equal rows and the vectors of equal texts. Raises WE001 to WE010; warns when the table''s owner could run SQL as wikiembed''s owner.';

create or replace function wikiembed.attach(
  p_relation regclass, p_key name[], p_text name, p_embedding name, p_name text,
  p_provider text default null, p_model text default null, p_dimensions integer default null,
  p_document_prefix text default null, p_query_prefix text default null,
  p_batch_size integer default 64, p_index boolean default true, p_check_only boolean default false,
  p_enqueue boolean default false, p_move boolean default false
) returns text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set lock_timeout = '10s'
as $$
begin
  return wikiembed.attach(
    p_relation, p_key, array[p_text::text], p_embedding, p_name, p_provider, p_model, p_dimensions,
    p_document_prefix, p_query_prefix, p_batch_size, p_index, p_check_only, p_enqueue, p_move);
end;
$$;
comment on function wikiembed.attach(
  regclass, name[], name, name, text, text, text, integer, text, text, integer, boolean, boolean, boolean, boolean) is
  'The same for a key of several columns and a text of one.';

create or replace function wikiembed.attach(
  p_relation regclass, p_key name, p_text name, p_embedding name, p_name text,
  p_provider text default null, p_model text default null, p_dimensions integer default null,
  p_document_prefix text default null, p_query_prefix text default null,
  p_batch_size integer default 64, p_index boolean default true, p_check_only boolean default false,
  p_enqueue boolean default false, p_move boolean default false
) returns text
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set lock_timeout = '10s'
as $$
begin
  return wikiembed.attach(
    p_relation, array[p_key], array[p_text::text], p_embedding, p_name, p_provider, p_model, p_dimensions,
    p_document_prefix, p_query_prefix, p_batch_size, p_index, p_check_only, p_enqueue, p_move);
end;
$$;
comment on function wikiembed.attach(
  regclass, name, name, name, text, text, text, integer, text, text, integer, boolean, boolean, boolean, boolean) is
  'The same for a key and a text of one column each.';
