-- What inserts and deletes change in a source's counts, apart from the rest of the ledger, which
-- inherits it: without an index, since each statement on a chunk table writes a row, and to be
-- summed whole, without asking each row whose it is. Numbers stand first: columns behind a text
-- are slower to reach. Folding moves the rows to the ledger itself. No check constraint says that
-- other counts are 0, as Postgres would parse it anew for each insert.
create function wikiembed_private.create_deltas(p_source text) returns void
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
  'Creates the table of a source''s ledger rows that are not folded yet, unless it is there.';
