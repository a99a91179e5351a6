-- Several workers share a server's one open row. An advisory lock, in a statement before those that
-- read, serializes them, so that the second of two concurrent reports finds the row of the first.
create or replace function wikiembed.report_outage(
  p_server text, p_since_s double precision, p_error_class text,
  p_http_status integer default null, p_reason text default ''
) returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_since timestamptz;
  v_id bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended('wikiembed outage of ' || p_server, 0));
  v_now := clock_timestamp();
  v_since := v_now - make_interval(secs => greatest(p_since_s, 0));
  -- Left open by a worker that ended long before this outage began: the time between is unknown.
  update wikiembed.outages as o set ended_at = o.last_seen_at
   where o.server = p_server and o.ended_at is null
     and o.last_seen_at < v_since - make_interval(mins => 10);
  -- The open one; else the last of this class, if it ended shortly before.
  update wikiembed.outages as o
     set since = least(o.since, v_since), last_seen_at = v_now, ended_at = null,
         error_class = p_error_class, http_status = p_http_status,
         reason = left(coalesce(p_reason, ''), 300),
         times = o.times + (o.ended_at is not null)::integer
   where o.id = (
     select l.id from wikiembed.outages as l
      where l.server = p_server
        and (l.ended_at is null
             or l.error_class = p_error_class and l.ended_at > v_since - make_interval(secs => 60))
      order by l.ended_at desc nulls first, l.id desc limit 1)
  returning o.id into v_id;
  if v_id is null then
    insert into wikiembed.outages (server, since, last_seen_at, error_class, http_status, reason)
    values (p_server, v_since, v_now, p_error_class, p_http_status, left(coalesce(p_reason, ''), 300))
    returning id into v_id;
  end if;
  return v_id;
end;
$$;
comment on function wikiembed.report_outage(text, double precision, text, integer, text) is
  'Records that a server has been out of reach for p_since_s seconds: opens a row, refreshes the open one, or reopens one of the same class that ended less than 60 s before; returns its id.';

create or replace function wikiembed.end_outage(
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
  'Records that a server answered, p_ended_s seconds ago: ends its open outage, if there is one that no worker has reported for p_unseen_s, and returns whether there was one; deletes outages older than 30 days.';
