-- after insert, each statement: count, and queue the rows without a vector. The rows come
-- from the transition table; the table's own lock keeps detach away until the commit.
create function wikiembed_private.write_on_insert(p_source wikiembed.sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
begin
  execute wikiembed_private.fill(p_source, $template$
    create or replace function wikiembed_private.%12$I() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    as $body$
    declare
      v_total bigint;
      v_embedded bigint;
      v_batch_size integer;
    begin
      select count(*), count(n.%5$I) into v_total, v_embedded from new_rows as n;
      if v_total = 0 then
        return null;
      end if;
      insert into wikiembed.ledger (source, total, embedded) values (%1$L, v_total, v_embedded);
      if v_embedded = v_total then
        return null;
      end if;
      select s.batch_size into v_batch_size from wikiembed.sources as s where s.name = %1$L;
      perform wikiembed_queue.procrastinate_defer_jobs_v1(array_agg(b.job))
         from (
           select m.batch, row(
                    %7$L, 'wikiembed.embed', 10, null, null,
                    jsonb_build_object('source', %1$L, 'keys', jsonb_agg(m.key)), null
                  )::wikiembed_queue.procrastinate_job_to_defer_v1 as job
             from (
               select n.%3$I::text as key, (row_number() over () - 1) / v_batch_size as batch
                 from new_rows as n
                where n.%5$I is null
             ) as m
            group by m.batch
         ) as b
        group by b.batch / 256;
      return null;
    end;
    $body$
  $template$, 'on_insert');
end;
$$;
comment on function wikiembed_private.write_on_insert(wikiembed.sources) is
  'Writes the function of a source''s insert trigger.';
