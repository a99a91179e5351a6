create function wikiembed_private.requeue(
  p_source text, p_keys text[], p_attempt integer, p_delay_s double precision default null
) returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_delay_s double precision := coalesce(p_delay_s, least(300, 0.5 * power(2, least(p_attempt, 12))));
begin
  if coalesce(cardinality(p_keys), 0) = 0 then
    return 0;
  end if;
  insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args, scheduled_at)
  values ('embed_' || p_source, 'wikiembed.embed', 5,
          jsonb_build_object('source', p_source, 'keys', to_jsonb(p_keys), 'attempt', p_attempt + 1),
          clock_timestamp() + make_interval(secs => v_delay_s));
  return cardinality(p_keys);
end;
$$;
comment on function wikiembed_private.requeue(text, text[], integer, double precision) is
  'Queues keys again, later: half a second, doubled with each attempt, at most 300 s.';
