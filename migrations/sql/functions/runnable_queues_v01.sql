-- A paused job at the head of the queue would stop a worker of all queues: the fetch leaves
-- paused queues out. An empty answer means none; null means all.
create function wikiembed_private.runnable_queues(
  p_queues character varying[], p_upkeep boolean default true
) returns character varying[]
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_queues is not null then array(
      select q from unnest(p_queues) as q
       where not exists (select from wikiembed.sources as s
                          where s.queue_name = q and wikiembed_private.is_held(s)))
    when p_upkeep and not exists (select from wikiembed.sources as s where wikiembed_private.is_held(s)) then null
    else array(
      select s.queue_name::varchar from wikiembed.sources as s where not wikiembed_private.is_held(s)
      union all
      select q::varchar from unnest(array['wikiembed_upkeep', 'builtin', 'default']) as q where p_upkeep)
  end;
$$;
comment on function wikiembed_private.runnable_queues(character varying[], boolean) is
  'The queues that a worker may fetch from now: those asked for, or all, without the paused ones.';
