-- Counting and adding up in one statement: both see the same snapshot, so that the difference
-- is exact whatever others commit meanwhile, and no lock is needed.
create function wikiembed_private.correct_ledger(p_name text) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
  v_source wikiembed.sources;
  v_drift bigint;
begin
  select s.* into v_source from wikiembed.sources as s where s.name = p_name;
  execute wikiembed_private.fill(v_source, $sql$
    with drift as (
      select c.total - l.total as total, c.embedded - l.embedded as embedded,
             f.failed - l.failed as failed, f.skipped - l.skipped as skipped
        from (select count(*) as total, count(t.%5$I) as embedded from %2$s as t) as c,
             (select coalesce(sum(l.total), 0)::bigint as total, coalesce(sum(l.embedded), 0)::bigint as embedded,
                     coalesce(sum(l.failed), 0)::bigint as failed, coalesce(sum(l.skipped), 0)::bigint as skipped
                from wikiembed.ledger as l where l.source = %1$L) as l,
             (select count(*) filter (where f.state = 'failed') as failed,
                     count(*) filter (where f.state = 'skipped') as skipped
                from wikiembed.failures as f where f.source = %1$L) as f
    ), corrected as (
      insert into wikiembed.ledger (source, total, embedded, failed, skipped)
      select %1$L, d.total, d.embedded, d.failed, d.skipped from drift as d
       where d.total <> 0 or d.embedded <> 0 or d.failed <> 0 or d.skipped <> 0
    )
    select abs(d.total) + abs(d.embedded) + abs(d.failed) + abs(d.skipped) from drift as d
  $sql$) into v_drift;
  return v_drift;
end;
$$;
comment on function wikiembed_private.correct_ledger(text) is
  'Makes the ledger''s sums equal to the counts of the table; answers by how much they differed.';
