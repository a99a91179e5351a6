-- One statement, so that jobs and rows are seen in one snapshot: every missing key that is in
-- no live job and in no failure. The lock is acquired in a statement before it: within the same
-- one, two concurrent calls would queue everything twice. Rows that a bound leaves are held
-- back, so that reconcile does not queue them; the row of the source is written last, since pause
-- and the first write wait for it. Sorts use files, so neither their memory nor the time per chunk
-- grows: sorting sorted rows again is cheap, where a hash of batches would be written and read
-- several times.
create or replace function wikiembed.enqueue(
  p_source text, p_max_chunks bigint default null, p_batch_size integer default null,
  p_dry_run boolean default false
) returns table (jobs bigint, chunks bigint)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set enable_nestloop = off
set enable_hashagg = off
set work_mem = '8MB'
set jit = off
as $$
declare
  v_source wikiembed.sources;
  v_left boolean;
begin
  perform wikiembed_private.require_read_committed();
  if p_batch_size not between 1 and 4096 or p_max_chunks < 0 then
    raise exception 'a batch has 1 to 4096 chunks and max_chunks is not negative'
      using errcode = 'WE010', hint = format('Got batch size %s, max chunks %s.', p_batch_size, p_max_chunks);
  end if;
  perform wikiembed_private.lock_source(p_source);
  v_source := wikiembed_private.get_source(p_source);
  perform wikiembed_private.require_table(v_source);
  execute wikiembed_private.render_template(v_source, $sql$
    with live as materialized (
      select k.key from wikiembed_private.live_keys(@queue@, 'wikiembed.embed') as k
    ), missing as (
      select @key_value(t)@ as key
        from @table@ as t
       where t.@embedding@ is null
         and not exists (select from live as l where l.key = @key_of(t)@ collate "C")
         and not exists (select from wikiembed.failures as f
                          where f.source = @source@ and f.key = @key_of(t)@ collate "C")
       order by @order_by(t)@
       limit case when $1 < 9223372036854775807 then $1 + 1 end
    ), inserted as (
      insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
      select @queue@, 'wikiembed.embed', 0, jsonb_build_object('source', @source@, 'keys', to_jsonb(array_agg(n.key)))
        from (select m.key::text as key, (row_number() over (order by m.key) - 1) / $2 as batch
                from (select m.key from missing as m where not $3 order by m.key limit $1) as m) as n
       group by n.batch
       order by n.batch
      returning jsonb_array_length(args -> 'keys') as chunks
    )
    select case when $3 then (d.chunks + $2 - 1) / $2 else i.jobs end,
           case when $3 then d.chunks else i.chunks end,
           $1 is not null and (select count(*) from missing) > $1
      from (select count(*) as jobs, coalesce(sum(i.chunks), 0)::bigint as chunks from inserted as i) as i,
           (select least($1, count(*)) as chunks from missing as m where $3) as d
  $sql$) into jobs, chunks, v_left
    using p_max_chunks, coalesce(p_batch_size, v_source.batch_size), coalesce(p_dry_run, false);
  if exists (select from wikiembed.document_sources as d where d.source = p_source collate "default") then
    jobs := jobs + (
      select e.jobs from wikiembed_private.enqueue_documents(p_source, p_max_chunks, coalesce(p_dry_run, false)) as e);
    v_left := v_left or (p_max_chunks is not null
      and (select e.documents from wikiembed_private.enqueue_documents(p_source, 1, true) as e) > 0);
  end if;
  if not coalesce(p_dry_run, false) and v_left <> (v_source.held_back_at is not null) then
    update wikiembed.sources as s set held_back_at = case when v_left then now() end where s.name = p_source;
  end if;
  return next;
end;
$$;
comment on function wikiembed.enqueue(text, bigint, integer, boolean) is
  'Queues every missing chunk that waits in no job and in no failure; and every document that waits to be split; returns the numbers of jobs, of both kinds, and of chunks; idempotent. Rows that p_max_chunks leaves are held back from reconcile, until a call leaves none. Raises WE001, WE008, WE010.';

create or replace function wikiembed_private.requeue(
  p_source text, p_keys text[], p_attempt integer, p_delay_s double precision default null
) returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(cardinality(p_keys), 0) = 0 then
    return 0;
  end if;
  insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args, scheduled_at)
  values ('embed_' || p_source, 'wikiembed.embed', 5,
          jsonb_build_object('source', p_source, 'keys', to_jsonb(p_keys), 'attempt', p_attempt + 1),
          clock_timestamp() + coalesce(make_interval(secs => p_delay_s), wikiembed_private.backoff(p_attempt)));
  return cardinality(p_keys);
end;
$$;
comment on function wikiembed_private.requeue(text, text[], integer, double precision) is
  'Requeues keys with a delay: p_delay_s, or a backoff that grows with each attempt.';
