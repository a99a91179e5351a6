-- The caller holds these rows locked, so that they stay where they are: to delete them by their place
-- is one plan, whatever the statistics say of the table. Only so many become history at once.
create function wikiembed_private.end_failures(
  p_places tid[], p_how text, p_cured text[] default null
) returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  v_ended bigint;
begin
  with ended as (
    delete from wikiembed.failures as f where f.ctid = any (p_places) returning f.*
  ), kept as (
    insert into wikiembed_private.ended_failures
      (source, key, error_class, http_status, message, attempts, first_at, last_at, how)
    select e.source, e.key, e.error_class, e.http_status, e.message, e.attempts, e.first_at, e.last_at,
           case when c.key is null then p_how else 'cured' end
      from (select e.* from ended as e where e.state = 'failed' order by e.last_at desc, e.key limit 50000) as e
      left join (select distinct c.key collate "C" as key from unnest(p_cured) as c (key)) as c on c.key = e.key
  )
  select count(*) into v_ended from ended;
  return v_ended;
end;
$$;
comment on function wikiembed_private.end_failures(tid[], text, text[]) is
  'Deletes failures that the caller holds locked and keeps them as history, those of the keys p_cured as cured; returns the number of them.';
