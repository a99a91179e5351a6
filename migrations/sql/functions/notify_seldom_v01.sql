-- At most one notification a queue per 20 ms. Whoever is left out is found because a worker
-- looks again 20, 50 and 100 ms after each wake.
create function wikiembed_private.notify_seldom() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now_ms bigint := (extract(epoch from clock_timestamp()) * 1000)::bigint;
  v_queue text;
  v_clock regclass;
begin
  for v_queue in
    select distinct j.queue_name from new_jobs as j
     where j.status = 'todo' and (j.scheduled_at is null or j.scheduled_at <= clock_timestamp())
  loop
    v_clock := coalesce(
      to_regclass(format('wikiembed_private.%I', 'clock_' || v_queue)),
      'wikiembed_private.clock'::regclass);
    if abs(v_now_ms - coalesce(pg_sequence_last_value(v_clock), 0)) >= 20 then
      perform setval(v_clock, v_now_ms);
      perform wikiembed_private.wake(v_queue);
    end if;
  end loop;
  return null;
end;
$$;
comment on function wikiembed_private.notify_seldom() is
  'Wakes workers of the queues that got jobs, at most once per 20 ms a queue.';
