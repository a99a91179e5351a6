-- Changes of a source's counts by inserts and deletes, apart from the rest of the ledger, which
-- inherits it: without an index, since each statement on a chunk table writes a row, and with one
-- table per source, so that its rows are summed without a condition. Numbers are first: columns
-- after a text are slower to read. Folding moves the rows to the ledger itself. No check constraint
-- requires that other counts are 0, as Postgres would parse it again for each insert.
create or replace function wikiembed_private.create_deltas(p_source text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_table text := format('wikiembed_private.%I', 'deltas_' || p_source);
  v_column name;
  v_comment text;
begin
  if to_regclass(v_table) is not null then
    return;
  end if;
  execute format($sql$
    create table %1$s (
      total bigint not null default 0,
      embedded bigint not null default 0,
      at timestamptz not null default clock_timestamp(),
      id bigint not null default nextval('wikiembed.ledger_id_seq'),
      gained bigint not null default 0,
      failed bigint not null default 0,
      skipped bigint not null default 0,
      source text not null default %2$L
    );
    alter table %1$s replica identity full;
    alter table %1$s inherit wikiembed.ledger;
    comment on table %1$s is %3$L;
  $sql$, v_table, p_source,
    'Rows of the ledger of source ' || p_source || ' from inserts and deletes, not folded yet; written by its triggers.');
  for v_column, v_comment in
    select a.attname, col_description(a.attrelid, a.attnum) from pg_attribute as a
     where a.attrelid = 'wikiembed.ledger'::regclass and a.attnum > 0 and not a.attisdropped
  loop
    execute format('comment on column %s.%I is %L', v_table, v_column, v_comment);
  end loop;
end;
$$;
comment on function wikiembed_private.create_deltas(text) is
  'Creates the table of a source''s ledger rows that are not folded yet, unless it exists.';

-- It waits for no lock: a transaction that has read the coverage holds one until it ends, and may
-- be about to wait for the table that detach has locked. A table that is left behind is empty;
-- reconcile drops it later, or attach reuses it.
create or replace function wikiembed_private.drop_deltas(p_source text) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute format('lock table wikiembed_private.%I in access exclusive mode nowait', 'deltas_' || p_source);
  execute format('drop table wikiembed_private.%I', 'deltas_' || p_source);
exception when lock_not_available or undefined_table then
  null;
end;
$$;
comment on function wikiembed_private.drop_deltas(text) is
  'Drops the table that create_deltas made, unless another transaction has locked it.';

-- Stable, so that it uses the calling query's snapshot: a row that is folded meanwhile is counted
-- once. A source that is detached meanwhile has no table any more.
create or replace function wikiembed_private.sum_deltas(p_source text, out total bigint, out embedded bigint)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  execute format(
    'select coalesce(sum(d.total), 0)::bigint, coalesce(sum(d.embedded), 0)::bigint from wikiembed_private.%I as d',
    'deltas_' || p_source) into total, embedded;
exception when undefined_table then
  total := 0; embedded := 0;
end;
$$;
comment on function wikiembed_private.sum_deltas(text) is
  'Sums of a source''s ledger rows that are not folded yet; for view coverage.';
