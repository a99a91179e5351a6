-- after insert, each statement: count, and queue the rows without a vector. The rows come from the
-- transition table; the table's own lock keeps detach away until the commit. Rows that make one job
-- are counted first, into variables, since plain inserts start faster than one that joins. More are
-- read once, into one array of keys that is cut into batches: to number rows and to group them cost
-- as much as to read them. From a text array each slice is searched from the start, so that one is
-- shorter; more rows than it may hold are read again, batch by batch. The batch size stands in the
-- text, since asking for it costs each statement: follow_batch_size writes it anew. The workers are
-- woken here, as notify_seldom would, which is told so by a setting, and puts it back: it would have
-- to look what was inserted. plpgsql prepares each expression once a transaction, which costs as
-- much as a query's start: so one select does what it can, and new, which is null here, is returned.
create function wikiembed_private.write_on_insert(p_source wikiembed.sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  -- Asked and taken at once: who asks a moment later is told to wait.
  v_turn text := $turn$
    case when abs(date_part('epoch', clock_timestamp()) * 1000 - coalesce(pg_sequence_last_value(the_clock), 0)) >= 20
         then setval(the_clock, (date_part('epoch', clock_timestamp()) * 1000)::bigint) > 0 end
  $turn$;
  v_clock text := quote_literal(format('wikiembed_private.%I', 'clock_embed_' || p_source.name));
  v_most integer := case when p_source.key_type in ('text', 'character varying') then 10000 else 500000 end;
  v_template text := $template$
    create or replace function wikiembed_private.%12$I() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    as $body$
    declare
      v_total bigint;
      v_embedded bigint;
      v_keys %6$s[];
      v_missing bigint;
      v_wakes boolean;
      v_said text;
    begin
      select count(*), count(n.%5$I), array_agg(n.%3$I) filter (where n.%5$I is null),
             case when count(*) > count(n.%5$I) and set_config('wikiembed.wakes_itself', 'on', true) = 'on' then
               the_turn
             end
        into v_total, v_embedded, v_keys, v_wakes
        from (select n.%3$I, n.%5$I from new_rows as n limit the_batch + 1) as n;
      if v_total > v_embedded and v_total <= the_batch then
        with counted as (
          insert into wikiembed_private.%14$I (total, embedded) values (v_total, v_embedded)
        )
        insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
        values (%7$L, 'wikiembed.embed', 10, jsonb_build_object('source', %1$L, 'keys', v_keys::text[]));
      elsif v_total <= the_batch then
        insert into wikiembed_private.%14$I (total, embedded)
        select v_total, v_embedded where v_total > 0;
      else
        v_said := set_config('wikiembed.wakes_itself', 'on', true);
        with gathered as materialized (
          select count(*) as total, count(n.%5$I) as embedded,
                 array_agg(n.%3$I) filter (where n.%5$I is null) as keys
            from (select n.%3$I, n.%5$I from new_rows as n limit the_most + 1) as n
        ), queued as (
          insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
          select %7$L, 'wikiembed.embed', 10,
                 jsonb_build_object('source', %1$L, 'keys', f.keys[i : i + the_batch - 1]::text[])
            from gathered as f, generate_series(1, cardinality(f.keys), the_batch) as i
           where f.total <= the_most
        )
        insert into wikiembed_private.%14$I (total, embedded)
        select f.total, f.embedded from gathered as f where f.total <= the_most
        returning total - embedded into v_missing;
        if not found then
          v_said := set_config('wikiembed.wakes_itself', 'on', true);
          with batches as materialized (
            select m.batch, count(*) as total, count(m.key) as missing,
                   array_agg(m.key) filter (where m.key is not null) as keys
              from (
                select m.key, (count(m.key) over (rows unbounded preceding) - 1) / the_batch as batch
                  from (select case when n.%5$I is null then n.%3$I::text end as key from new_rows as n) as m
              ) as m
             group by m.batch
          ), queued as (
            insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
            select %7$L, 'wikiembed.embed', 10, jsonb_build_object('source', %1$L, 'keys', to_jsonb(b.keys))
              from batches as b
             where b.missing > 0
             order by b.batch
          )
          insert into wikiembed_private.%14$I (total, embedded)
          select sum(b.total), sum(b.total - b.missing) from batches as b
          returning total - embedded into v_missing;
        end if;
        if v_missing > 0 and v_wakes is not true then
          v_wakes := the_turn;
        end if;
      end if;
      if v_wakes then
        perform wikiembed_private.wake(%7$L);
      end if;
      return new;
    end;
    $body$
  $template$;
begin
  if to_regclass(format('wikiembed_private.%I', 'clock_embed_' || p_source.name)) is null then
    execute wikiembed_private.fill(
      p_source, 'create sequence wikiembed_private.%12$I minvalue 0 start 0', 'clock_embed');
  end if;
  v_template := replace(v_template, 'the_turn', trim(v_turn, E'\n '));
  v_template := replace(v_template, 'the_clock', replace(v_clock, '%', '%%'));
  v_template := replace(v_template, 'the_batch', p_source.batch_size::text);
  v_template := replace(v_template, 'the_most', greatest(v_most, p_source.batch_size)::text);
  execute wikiembed_private.fill(p_source, v_template, 'on_insert', 'deltas');
end;
$$;
comment on function wikiembed_private.write_on_insert(wikiembed.sources) is
  'Writes the function of a source''s insert trigger.';
