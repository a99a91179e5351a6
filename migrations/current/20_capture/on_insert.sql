-- after insert, each statement: count, and queue the rows without a vector. The rows come from the
-- transition table; the table's own lock makes detach wait until the commit. Rows that make one job
-- are counted first, into variables, since plain inserts start faster than one that joins. More are
-- read once, into one array of keys that is cut into batches: to number rows and to group them cost
-- as much as to read them. From a text array each slice is searched from the start, so that one is
-- shorter; more rows than it may hold are read again, batch by batch. The batch size is a literal,
-- since reading it costs each statement: follow_batch_size regenerates the function. Workers are
-- notified here, and a setting makes notify_throttled, which would have to read the inserted rows,
-- skip them; so their jobs are counted here as well. plpgsql prepares each expression once per transaction, which costs as much as a query's
-- start: so one select does as much as it can, and new, which is null here, is returned.
create or replace function wikiembed_private.generate_on_insert(p_source wikiembed.sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_most integer := case when p_source.key_type in ('text', 'character varying', 'composite') then 10000 else 500000 end;
  -- Checked and set at once: another client that checks a moment later does not notify too.
  v_may_notify text := wikiembed_private.render_template(p_source, $template$
    case when abs(date_part('epoch', clock_timestamp()) * 1000 - coalesce(pg_sequence_last_value(@clock@), 0)) >= 20
         then setval(@clock@, (date_part('epoch', clock_timestamp()) * 1000)::bigint) > 0 end
  $template$);
begin
  if to_regclass(format('wikiembed_private.%I', 'clock_embed_' || p_source.name)) is null then
    execute format('create sequence wikiembed_private.%I minvalue 0 start 0', 'clock_embed_' || p_source.name);
  end if;
  execute wikiembed_private.render_template(p_source, $template$
    create or replace function wikiembed_private.@on_insert@() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    as $body$
    declare
      v_total bigint;
      v_embedded bigint;
      v_keys @key_type@[];
      v_missing bigint;
      v_notifies boolean;
      v_ignored text;
    begin
      select count(*), count(n.@embedding@), array_agg(n.key) filter (where n.@embedding@ is null),
             case when count(*) > count(n.@embedding@) and set_config('wikiembed.notifies_itself', 'on', true) = 'on' then
               @may_notify@
             end
        into v_total, v_embedded, v_keys, v_notifies
        from (select @key_value(n)@ as key, n.@embedding@ from new_rows as n limit @batch_size@ + 1) as n;
      if v_total > v_embedded and v_total <= @batch_size@ then
        with counted as (
          insert into wikiembed_private.@deltas@ (total, embedded) values (v_total, v_embedded)
        ), job_counted as (
          insert into wikiembed_private.queue_ledger (jobs, chunks, queue_name)
          values (1, v_total - v_embedded, @queue@)
        )
        insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
        values (@queue@, 'wikiembed.embed', 10, jsonb_build_object('source', @source@, 'keys', v_keys::text[]));
      elsif v_total <= @batch_size@ then
        insert into wikiembed_private.@deltas@ (total, embedded)
        select v_total, v_embedded where v_total > 0;
      else
        v_ignored := set_config('wikiembed.notifies_itself', 'on', true);
        with gathered as materialized (
          select count(*) as total, count(n.@embedding@) as embedded,
                 array_agg(n.key) filter (where n.@embedding@ is null) as keys
            from (select @key_value(n)@ as key, n.@embedding@ from new_rows as n limit @most@ + 1) as n
        ), queued as (
          insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
          select @queue@, 'wikiembed.embed', 10,
                 jsonb_build_object('source', @source@, 'keys', f.keys[i : i + @batch_size@ - 1]::text[])
            from gathered as f, generate_series(1, cardinality(f.keys), @batch_size@) as i
           where f.total <= @most@
          returning jsonb_array_length(args -> 'keys') as chunks
        ), jobs_counted as (
          insert into wikiembed_private.queue_ledger (jobs, chunks, queue_name)
          select count(*), sum(q.chunks), @queue@ from queued as q having count(*) > 0
        )
        insert into wikiembed_private.@deltas@ (total, embedded)
        select f.total, f.embedded from gathered as f where f.total <= @most@
        returning total - embedded into v_missing;
        if not found then
          v_ignored := set_config('wikiembed.notifies_itself', 'on', true);
          with batches as materialized (
            select m.batch, count(*) as total, count(m.key) as missing,
                   array_agg(m.key) filter (where m.key is not null) as keys
              from (
                select m.key, (count(m.key) over (rows unbounded preceding) - 1) / @batch_size@ as batch
                  from (select case when n.@embedding@ is null then @key_of(n)@ end as key from new_rows as n) as m
              ) as m
             group by m.batch
          ), queued as (
            insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
            select @queue@, 'wikiembed.embed', 10, jsonb_build_object('source', @source@, 'keys', to_jsonb(b.keys))
              from batches as b
             where b.missing > 0
             order by b.batch
            returning jsonb_array_length(args -> 'keys') as chunks
          ), jobs_counted as (
            insert into wikiembed_private.queue_ledger (jobs, chunks, queue_name)
            select count(*), sum(q.chunks), @queue@ from queued as q having count(*) > 0
          )
          insert into wikiembed_private.@deltas@ (total, embedded)
          select sum(b.total), sum(b.total - b.missing) from batches as b
          returning total - embedded into v_missing;
        end if;
        if v_missing > 0 and v_notifies is not true then
          v_notifies := @may_notify@;
        end if;
      end if;
      if v_notifies then
        perform wikiembed_private.notify_workers(@queue@);
      end if;
      return new;
    end;
    $body$
  $template$, jsonb_build_object(
    'may_notify', trim(v_may_notify, E'\n '),
    'batch_size', p_source.batch_size,
    'most', greatest(v_most, p_source.batch_size)));
end;
$$;
comment on function wikiembed_private.generate_on_insert(wikiembed.sources) is
  'Generates the function of a source''s insert trigger.';
