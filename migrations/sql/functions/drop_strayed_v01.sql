create function wikiembed_private.drop_strayed() returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_dropped bigint;
begin
  delete from wikiembed_queue.procrastinate_jobs as j
   where j.task_name = 'wikiembed.embed'
     and not exists (select from wikiembed.sources as s where s.name = j.args ->> 'source');
  get diagnostics v_dropped = row_count;
  delete from wikiembed.ledger as l
   where not exists (select from wikiembed.sources as s where s.name = l.source);
  return v_dropped;
end;
$$;
comment on function wikiembed_private.drop_strayed() is
  'Drops jobs and ledger rows of sources that do not exist; answers how many jobs.';
