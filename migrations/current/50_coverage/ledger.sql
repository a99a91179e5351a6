-- Counting and summing in one statement: both use the same snapshot, so that the difference
-- is exact whatever others commit meanwhile, and no lock is needed.
create or replace function wikiembed_private.correct_ledger(p_name text) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
  v_source wikiembed.sources;
  v_drift bigint;
begin
  select s.* into v_source from wikiembed.sources as s where s.name = p_name;
  execute wikiembed_private.render_template(v_source, $sql$
    with drift as (
      select c.total - l.total as total, c.embedded - l.embedded as embedded,
             f.failed - l.failed as failed, f.skipped - l.skipped as skipped
        from (select count(*) as total, count(t.@embedding@) as embedded from @table@ as t) as c,
             (select coalesce(sum(l.total), 0)::bigint as total, coalesce(sum(l.embedded), 0)::bigint as embedded,
                     coalesce(sum(l.failed), 0)::bigint as failed, coalesce(sum(l.skipped), 0)::bigint as skipped
                from wikiembed.ledger as l where l.source = @source@) as l,
             (select count(*) filter (where f.state = 'failed') as failed,
                     count(*) filter (where f.state = 'skipped') as skipped
                from wikiembed.failures as f where f.source = @source@) as f
    ), corrected as (
      insert into wikiembed.ledger (source, total, embedded, failed, skipped)
      select @source@, d.total, d.embedded, d.failed, d.skipped from drift as d
       where d.total <> 0 or d.embedded <> 0 or d.failed <> 0 or d.skipped <> 0
    )
    select abs(d.total) + abs(d.embedded) + abs(d.failed) + abs(d.skipped) from drift as d
  $sql$) into v_drift;
  return v_drift;
end;
$$;
comment on function wikiembed_private.correct_ledger(text) is
  'Corrects the ledger''s sums to the counts of the table; returns the sum of the differences.';

-- One statement: with two, rows committed in between would be counted twice or lost. What was folded
-- before is folded again, so that a source has one row of it whatever its age, and view coverage sums
-- few rows; the gains of each minute, which charts show, are kept apart. Minutes that are old become
-- hours in a statement of their own, which the same transaction shows to others together.
create or replace function wikiembed.fold_ledger() returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before bigint;
  v_after bigint;
begin
  with d as (
    delete from wikiembed.ledger as l
     where l.at < date_trunc('minute', clock_timestamp()) - interval '1 minute'
    returning l.*
  ), folded as (
    insert into wikiembed.ledger (source, at, total, embedded, failed, skipped)
    select d.source, max(date_trunc('minute', d.at)), sum(d.total), sum(d.embedded), sum(d.failed), sum(d.skipped)
      from d group by d.source
    returning 1
  ), kept as (
    insert into wikiembed_private.throughput_history as h (source, at, chunks)
    select d.source, date_trunc('minute', d.at), sum(d.gained)
      from d where d.gained > 0 group by 1, 2 order by 1, 2
        on conflict (source, at) do update set chunks = h.chunks + excluded.chunks
  )
  select (select count(*) from d), (select count(*) from folded) into v_before, v_after;
  with d as (
    delete from wikiembed_private.throughput_history as h
     where h.at < date_trunc('hour', clock_timestamp()) - interval '1 day'
       and h.at <> date_trunc('hour', h.at)
    returning h.*
  )
  insert into wikiembed_private.throughput_history as h (source, at, chunks)
  select d.source, date_trunc('hour', d.at), sum(d.chunks) from d group by 1, 2 order by 1, 2
      on conflict (source, at) do update set chunks = h.chunks + excluded.chunks;
  perform wikiembed_private.prune_failure_history();
  perform wikiembed_private.fold_batches();
  perform wikiembed_private.fold_queue();
  return v_before - v_after;
end;
$$;
comment on function wikiembed.fold_ledger() is
  'Folds ledger rows that are older than a minute to one per source, keeps the throughput of each minute, after a day of each hour, folds the records of batches to days and hours and the sums of the queues, and prunes the history of failures; returns the number of ledger rows removed.';
