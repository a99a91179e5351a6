-- What another holds is passed by: two calls at once must not wait for each other's rows.
create function wikiembed_private.prune_failure_history() returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  v_source text;
  v_oldest timestamptz;
  v_here bigint;
  v_pruned bigint := 0;
begin
  for v_source in select s.name from wikiembed.sources as s order by s.name loop
    v_oldest := greatest(
      clock_timestamp() - interval '90 days',
      (select e.ended_at from wikiembed_private.ended_failures as e
        where e.source = v_source order by e.ended_at desc offset 50000 limit 1));
    delete from wikiembed_private.ended_failures as e
     where e.id in (
       select o.id from wikiembed_private.ended_failures as o
        where o.source = v_source and o.ended_at <= v_oldest
          for update skip locked);
    get diagnostics v_here = row_count;
    v_pruned := v_pruned + v_here;
  end loop;
  return v_pruned;
end;
$$;
comment on function wikiembed_private.prune_failure_history() is
  'Deletes history of failures that ended more than 90 days ago, and all but the latest 50,000 of a source; returns the number of rows.';
