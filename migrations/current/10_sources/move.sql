create or replace function wikiembed_private.settings_moved(
  p_former wikiembed.sources, p_source wikiembed.sources
) returns wikiembed.sources
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(p_source.provider, p_source.model, p_source.document_prefix, p_source.query_prefix) is not null
    or p_source.batch_size not in (64, p_former.batch_size)
  then
    raise exception 'source "%" keeps its settings when it is moved', p_source.name
      using errcode = 'WE010', hint = 'Leave provider, model, prefixes and batch size out, and change them afterwards';
  end if;
  if p_source.dimensions <> p_former.dimensions then
    raise exception 'embedding column "%" of % has % dimensions, and source "%" has %', p_source.embedding_column,
      p_source.relation, p_source.dimensions, p_source.name, p_former.dimensions
      using errcode = 'WE007', hint = 'Detach the source and attach the table again, which embeds all of it';
  end if;
  p_source.provider := p_former.provider;
  p_source.model := p_former.model;
  p_source.document_prefix := p_former.document_prefix;
  p_source.query_prefix := p_former.query_prefix;
  p_source.batch_size := p_former.batch_size;
  p_source.generation := p_former.generation;
  p_source.pinned_at := p_former.pinned_at;
  p_source.prefix_pinned := p_former.prefix_pinned;
  p_source.prove_function := p_former.prove_function;
  p_source.paused_at := p_former.paused_at;
  p_source.paused_by := p_former.paused_by;
  p_source.pause_reason := p_former.pause_reason;
  p_source.resume_at := p_former.resume_at;
  p_source.text_config := p_former.text_config;
  p_source.ef_search := p_former.ef_search;
  p_source.quantise := p_former.quantise;
  p_source.query_prefix_pinned := p_former.query_prefix_pinned;
  p_source.budgeted := p_former.budgeted;
  p_source.bulk_opens_at := p_former.bulk_opens_at;
  p_source.bulk_closes_at := p_former.bulk_closes_at;
  return p_source;
end;
$$;
comment on function wikiembed_private.settings_moved(wikiembed.sources, wikiembed.sources) is
  'The new row of a source that is moved, with the settings, the model and the pause of the former; raises WE007 for other dimensions and WE010 for other settings.';

create or replace function wikiembed_private.failures_moved(
  p_former wikiembed.sources, p_source wikiembed.sources
) returns wikiembed.failures[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
set row_security = off
set enable_nestloop = off
set jit = off
as $$
declare
  v_failures wikiembed.failures[];
begin
  execute format(
    'select coalesce(array_agg(f order by f.key), ''{}'') from wikiembed.failures as f
       join %s as o on %s collate "C" = f.key
       join %s as n on %s collate "C" = f.key
      where f.source = $1 collate "C" and %s collate "C" is not distinct from %s collate "C" and n.%I is null',
    wikiembed_private.qualified(p_former.relation), wikiembed_private.key_expression(p_former, 'o'),
    wikiembed_private.qualified(p_source.relation), wikiembed_private.key_expression(p_source, 'n'),
    wikiembed_private.text_expression(p_former, 'o'), wikiembed_private.text_expression(p_source, 'n'),
    p_source.embedding_column)
    into v_failures using p_former.name;
  return v_failures;
end;
$$;
comment on function wikiembed_private.failures_moved(wikiembed.sources, wikiembed.sources) is
  'The failures of a source that is moved whose rows have the same key and text in both tables.';

-- Safe only where the former table's triggers kept vectors and texts consistent, the model is
-- pinned, and nothing on the new table may change the text while the vector is written.
create or replace function wikiembed_private.copy_vectors(
  p_former wikiembed.sources, p_source wikiembed.sources
) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set row_security = off
set enable_nestloop = off
set jit = off
as $$
declare
  v_copied bigint;
begin
  -- After a rename alone the trigger that nulls stale vectors still works.
  p_former.written_as := wikiembed_private.source_names(p_former);
  if p_former.model is null or not wikiembed_private.triggers_current(p_former)
    or exists (
      select from pg_trigger as t
       where t.tgrelid in (select wikiembed_private.relations_of(p_source.relation)) and not t.tgisinternal
         and t.tgenabled <> 'D' and t.tgtype & 19 = 19
         and not exists (select from pg_proc as p
                          where p.oid = t.tgfoid and p.pronamespace = 'wikiembed_private'::regnamespace))
    or exists (
      select from pg_rewrite as r where r.ev_class in (select wikiembed_private.relations_of(p_source.relation)))
  then
    return 0;
  end if;
  execute format(
    'update %s as n set %I = o.%I::%I.%I from %s as o
      where %s collate "C" = %s collate "C" and %s collate "C" = %s collate "C"
        and n.%I is null and o.%I is not null',
    wikiembed_private.qualified(p_source.relation), p_source.embedding_column,
    p_former.embedding_column, wikiembed_private.pgvector_schema(), p_source.embedding_type,
    wikiembed_private.qualified(p_former.relation),
    wikiembed_private.key_expression(p_former, 'o'), wikiembed_private.key_expression(p_source, 'n'),
    wikiembed_private.text_expression(p_former, 'o'), wikiembed_private.text_expression(p_source, 'n'),
    p_source.embedding_column, p_former.embedding_column);
  get diagnostics v_copied = row_count;
  return v_copied;
end;
$$;
comment on function wikiembed_private.copy_vectors(wikiembed.sources, wikiembed.sources) is
  'Copies the vectors of a source that is moved to rows of the same key and text; returns the number of rows.';

create or replace function wikiembed_private.truncated_moved(
  p_former wikiembed.sources, p_source wikiembed.sources
) returns wikiembed.truncated_chunks[]
language plpgsql stable
set search_path = pg_catalog, pg_temp
set row_security = off
set enable_nestloop = off
set jit = off
as $$
declare
  v_marks wikiembed.truncated_chunks[];
begin
  if not exists (select from wikiembed.truncated_chunks as c where c.source = p_former.name) then
    return '{}';
  end if;
  execute format(
    'select coalesce(array_agg(c order by c.key), ''{}'') from wikiembed.truncated_chunks as c
       join %s as n on %s collate "C" = c.key
       join %s as o on %s collate "C" = c.key
      where c.source = $1 collate "C" and n.%I is not null
        and %s collate "C" is not distinct from %s collate "C"',
    wikiembed_private.qualified(p_source.relation), wikiembed_private.key_expression(p_source, 'n'),
    wikiembed_private.qualified(p_former.relation), wikiembed_private.key_expression(p_former, 'o'),
    p_source.embedding_column,
    wikiembed_private.text_expression(p_former, 'o'), wikiembed_private.text_expression(p_source, 'n'))
    into v_marks using p_former.name;
  return v_marks;
end;
$$;
comment on function wikiembed_private.truncated_moved(wikiembed.sources, wikiembed.sources) is
  'The marks of a source that is moved whose rows have the same key and text in both tables, and a vector in the new one.';

-- The tables of what a source cost, its prices, budgets and schedule; each has a column source.
create or replace function wikiembed_private.cost_tables() returns regclass[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select array['wikiembed.prices', 'wikiembed_private.batch_ledger', 'wikiembed_private.usage_days',
    'wikiembed_private.lag_hours', 'wikiembed_private.budgets', 'wikiembed_private.budget_reservations',
    'wikiembed_private.schedules']::regclass[];
$$;
comment on function wikiembed_private.cost_tables() is
  'The tables with rows that move with their source: usage, lag, prices, budgets, schedule.';

create or replace function wikiembed_private.costs_of(p_source text) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table regclass;
  v_rows jsonb;
  v_costs jsonb := '{}';
begin
  foreach v_table in array wikiembed_private.cost_tables() loop
    execute format('select coalesce(jsonb_agg(t), ''[]'') from %s as t where t.source = $1 collate "default"',
      wikiembed_private.qualified(v_table)) into v_rows using p_source;
    v_costs := v_costs || jsonb_build_object(v_table::oid::text, v_rows);
  end loop;
  return v_costs;
end;
$$;
comment on function wikiembed_private.costs_of(text) is
  'The rows of a source in cost_tables(), as restore_costs takes them.';

create or replace function wikiembed_private.restore_costs(p_costs jsonb) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table regclass;
begin
  foreach v_table in array wikiembed_private.cost_tables() loop
    continue when coalesce(jsonb_array_length(p_costs -> v_table::oid::text), 0) = 0;
    execute format('insert into %1$s select t.* from jsonb_populate_recordset(null::%1$s, $1) as t',
      wikiembed_private.qualified(v_table)) using p_costs -> v_table::oid::text;
  end loop;
end;
$$;
comment on function wikiembed_private.restore_costs(jsonb) is
  'Inserts the rows that costs_of returned: those of a source that was moved.';
