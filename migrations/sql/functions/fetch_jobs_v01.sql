-- What procrastinate_fetch_job_v2 does, for several jobs and for each queue by itself. First it
-- looks, then it locks as many rows as it takes, and passes by what others lock. Where they lock
-- all that it saw, it looks further and tries one after the other, a few rounds: "nothing" must
-- not be said while jobs wait. The cast of the status keeps the small indexes of waiting jobs out
-- of a plan that looks up numbers: made for an empty table, it would read a long one.
create function wikiembed_private.fetch_jobs(
  p_queues character varying[], p_upkeep boolean, p_worker_id bigint,
  p_most_jobs integer default 1, p_most_chunks integer default null
) returns setof wikiembed_queue.procrastinate_jobs
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_most integer := greatest(1, coalesce(p_most_jobs, 1));
  v_queues character varying[];
  v_seen record;
  v_held bigint[];
  v_one bigint;
  v_chunks bigint;
  v_n integer;
begin
  for v_round in 0..4 loop
    v_queues := wikiembed_private.runnable_queues(p_queues, p_upkeep);
    v_seen := wikiembed_private.peek_jobs(
      coalesce(v_queues, wikiembed_private.waiting_queues()),
      case v_round when 0 then v_most else 32 * (v_most + 1) * v_round end);
    if v_seen.job_ids is null then
      return;
    end if;
    if v_round = 0 then
      v_n := 1;
      v_chunks := v_seen.chunks[1];
      while v_n < cardinality(v_seen.job_ids) loop
        v_chunks := v_chunks + v_seen.chunks[v_n + 1];
        exit when v_chunks > p_most_chunks;
        v_n := v_n + 1;
      end loop;
      v_held := array(
        select j.id from wikiembed_queue.procrastinate_jobs as j
         where j.id = any (v_seen.job_ids[:v_n]) and j.status::text = 'todo'
           and (j.scheduled_at is null or j.scheduled_at <= now())
           for update skip locked);
    else
      v_held := '{}';
      v_chunks := 0;
      for v_n in 1..cardinality(v_seen.job_ids) loop
        exit when cardinality(v_held) = v_most
          or (cardinality(v_held) > 0 and v_chunks + v_seen.chunks[v_n] > p_most_chunks);
        select j.id into v_one from wikiembed_queue.procrastinate_jobs as j
         where j.id = v_seen.job_ids[v_n] and j.status::text = 'todo'
           and (j.scheduled_at is null or j.scheduled_at <= now())
           for update skip locked;
        if found then
          v_held := v_held || v_one;
          v_chunks := v_chunks + v_seen.chunks[v_n];
        end if;
      end loop;
    end if;
    return query
      with taken as (
        update wikiembed_queue.procrastinate_jobs as j set status = 'doing', worker_id = p_worker_id
         where j.id = any (v_held)
        returning j.*
      )
      select t.* from taken as t order by t.priority desc, t.id;
    if found then
      return;
    end if;
  end loop;
end;
$$;
comment on function wikiembed_private.fetch_jobs(character varying[], boolean, bigint, integer, integer) is
  'Gives a worker up to so many jobs, in order, of the queues that it asks for (null: all) without the paused ones, holding together up to so many chunks, but at least one job.';
