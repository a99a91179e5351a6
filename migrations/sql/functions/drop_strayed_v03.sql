-- An attach that has not committed yet may have taken a table of deltas for its own: its lock is
-- waited for, in a statement before the one that looks.
create function wikiembed_private.drop_strayed() returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_dropped bigint;
  v_name text;
begin
  delete from wikiembed_queue.procrastinate_jobs as j
   where j.task_name = 'wikiembed.embed'
     and not exists (select from wikiembed.sources as s where s.name = j.args ->> 'source');
  get diagnostics v_dropped = row_count;
  delete from wikiembed.ledger as l
   where not exists (select from wikiembed.sources as s where s.name = l.source);
  delete from wikiembed_private.ended_failures as e
   where not exists (select from wikiembed.sources as s where s.name = e.source);
  for v_name in
    select substr(c.relname, 8) from pg_inherits as i join pg_class as c on c.oid = i.inhrelid
     where i.inhparent = 'wikiembed.ledger'::regclass
       and not exists (select from wikiembed.sources as s where s.name = substr(c.relname, 8))
     order by 1
  loop
    perform wikiembed_private.lock_source(v_name);
    if not exists (select from wikiembed.sources as s where s.name = v_name) then
      perform wikiembed_private.drop_deltas(v_name);
    end if;
  end loop;
  return v_dropped;
end;
$$;
comment on function wikiembed_private.drop_strayed() is
  'Drops jobs, ledger rows, history of failures and tables of deltas of sources that do not exist; returns the number of jobs.';
