-- after insert, each statement: count, and queue the rows without a vector. The rows come
-- from the transition table; the table's own lock keeps detach away until the commit. Up to 64
-- rows that make one job take two small statements, of which that for a single missing row asks
-- for no batch size; others are read once, since they may fill a file, and a batch is all that is
-- held in memory. It wakes the workers itself, as notify_seldom would, and says so to it by a
-- setting: that trigger would have to look what was inserted. An assignment is evaluated at once,
-- where perform would run a query.
create function wikiembed_private.write_on_insert(p_source wikiembed.sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_clock text := quote_literal(format('wikiembed_private.%I', 'clock_embed_' || p_source.name));
begin
  if to_regclass(format('wikiembed_private.%I', 'clock_embed_' || p_source.name)) is null then
    execute wikiembed_private.fill(
      p_source, 'create sequence wikiembed_private.%12$I minvalue 0 start 0', 'clock_embed');
  end if;
  execute wikiembed_private.fill(p_source, replace($template$
    create or replace function wikiembed_private.%12$I() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    as $body$
    declare
      v_missing bigint;
      v_queued bigint := 0;
      v_now_ms bigint;
      v_said text;
    begin
      insert into wikiembed_private.%14$I (total, embedded)
      select count(*), count(n.%5$I) from (select n.%5$I from new_rows as n limit 65) as n
      having count(*) between 1 and 64
      returning total - embedded into v_missing;
      if v_missing = 0 then
        return null;
      end if;
      v_said := set_config('wikiembed.wakes_itself', 'on', true);
      if v_missing = 1 then
        insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
        values (%7$L, 'wikiembed.embed', 10, jsonb_build_object('source', %1$L, 'keys',
                jsonb_build_array((select n.%3$I::text from new_rows as n where n.%5$I is null))));
        v_queued := 1;
      elsif v_missing > 1 then
        insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
        select %7$L, 'wikiembed.embed', 10,
               jsonb_build_object('source', %1$L, 'keys', jsonb_agg(n.%3$I::text))
          from new_rows as n
         where n.%5$I is null
        having v_missing <= (select s.batch_size from wikiembed.sources as s where s.name = %1$L);
        get diagnostics v_queued = row_count;
      end if;
      if v_queued = 0 then
        with batches as materialized (
          select m.batch, count(*) as total, count(m.key) as missing,
                 array_agg(m.key) filter (where m.key is not null) as keys
            from (
              select m.key, (count(m.key) over (rows unbounded preceding) - 1)
                            / (select s.batch_size from wikiembed.sources as s where s.name = %1$L) as batch
                from (select case when n.%5$I is null then n.%3$I::text end as key from new_rows as n) as m
            ) as m
           group by m.batch
        ), counted as (
          insert into wikiembed_private.%14$I (total, embedded)
          select sum(b.total), sum(b.total - b.missing) from batches as b
          having v_missing is null and count(*) > 0
        )
        insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
        select %7$L, 'wikiembed.embed', 10, jsonb_build_object('source', %1$L, 'keys', to_jsonb(b.keys))
          from batches as b
         where b.missing > 0
         order by b.batch;
        get diagnostics v_queued = row_count;
      end if;
      v_said := set_config('wikiembed.wakes_itself', 'off', true);
      v_now_ms := (extract(epoch from clock_timestamp()) * 1000)::bigint;
      if v_queued > 0 and abs(v_now_ms - coalesce(pg_sequence_last_value(the_clock), 0)) >= 20 then
        perform setval(the_clock, v_now_ms);
        perform wikiembed_private.wake(%7$L);
      end if;
      return null;
    end;
    $body$
  $template$, 'the_clock', replace(v_clock, '%', '%%')), 'on_insert', 'deltas');
end;
$$;
comment on function wikiembed_private.write_on_insert(wikiembed.sources) is
  'Writes the function of a source''s insert trigger.';
