create function wikiembed.end_outage(
  p_server text, p_ended_s double precision default 0, p_unseen_s double precision default 0
) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_ended boolean;
begin
  update wikiembed.outages as o
     set ended_at = greatest(o.last_seen_at, clock_timestamp() - make_interval(secs => greatest(p_ended_s, 0)))
   where o.server = p_server and o.ended_at is null
     and o.last_seen_at <= clock_timestamp() - make_interval(secs => greatest(p_unseen_s, 0));
  v_ended := found;
  delete from wikiembed.outages as o
   where coalesce(o.ended_at, o.last_seen_at) < clock_timestamp() - make_interval(days => 30);
  return v_ended;
end;
$$;
comment on function wikiembed.end_outage(text, double precision, double precision) is
  'Says that a server answered, so many seconds ago: ends its open outage, if there is one that no worker has reported for p_unseen_s, and answers whether; forgets outages of more than 30 days ago.';
