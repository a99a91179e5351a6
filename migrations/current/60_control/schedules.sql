-- The window that is open at p_at, or the next one; windows that meet are one. A window belongs to the day on which
-- it begins; a day may have 23 or 25 hours.
create or replace function wikiembed_private.window_at(
  p_schedule wikiembed_private.schedules, p_at timestamptz, out opens_at timestamptz, out closes_at timestamptz
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_opens timestamptz;
  v_closes timestamptz;
begin
  for v_opens, v_closes in
    select (d.day + w.begins) at time zone p_schedule.zone as o,
           (d.day + w.ends + case when w.ends <= w.begins then interval '1 day' else interval '0' end)
             at time zone p_schedule.zone as c
      from generate_series(-1, 15) as k (n)
     cross join lateral (select (p_at at time zone p_schedule.zone)::date + k.n as day) as d
     cross join unnest(p_schedule.begins, p_schedule.ends) as w (begins, ends)
     where extract(isodow from d.day)::smallint = any (p_schedule.weekdays)
     order by 1, 2
  loop
    continue when v_closes <= p_at or v_closes <= v_opens;
    exit when v_opens > closes_at;
    opens_at := least(opens_at, v_opens);
    closes_at := greatest(closes_at, v_closes);
  end loop;
end;
$$;
comment on function wikiembed_private.window_at(wikiembed_private.schedules, timestamptz) is
  'The window of a schedule that is open at a time, or the next one after it.';

create or replace function wikiembed_private.refresh_windows() returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_refreshed bigint;
begin
  update wikiembed.sources as s set bulk_opens_at = w.opens_at, bulk_closes_at = w.closes_at
    from wikiembed_private.schedules as c
   cross join lateral wikiembed_private.window_at(c, clock_timestamp()) as w
   where c.source = s.name and s.bulk_closes_at <= clock_timestamp();
  get diagnostics v_refreshed = row_count;
  return v_refreshed;
end;
$$;
comment on function wikiembed_private.refresh_windows() is
  'Writes the next window of each source whose window has passed; returns their number. Called with expire_pauses.';

create or replace view wikiembed.schedules as
select c.source, c.begins, c.ends, c.zone, c.weekdays,
       not wikiembed_private.is_bulk_closed(s.bulk_opens_at, s.bulk_closes_at) as open,
       s.bulk_opens_at as opens_at, s.bulk_closes_at as closes_at, c.set_by, c.set_at
  from wikiembed_private.schedules as c
  join wikiembed.sources as s on s.name = c.source;
comment on view wikiembed.schedules is
  'When the bulk work of sources runs: jobs with a priority below 5, which enqueue, backfill and reconcile queue.';
comment on column wikiembed.schedules.source is 'The source.';
comment on column wikiembed.schedules.begins is 'Time of day at which each window begins.';
comment on column wikiembed.schedules.ends is 'Time of day at which each ends; on the next day where it is not after begins.';
comment on column wikiembed.schedules.zone is 'Their time zone.';
comment on column wikiembed.schedules.weekdays is 'Days on which windows begin, 1 (Monday) to 7 (Sunday).';
comment on column wikiembed.schedules.open is 'True while bulk work runs.';
comment on column wikiembed.schedules.opens_at is 'When the present window opened, or the next one opens.';
comment on column wikiembed.schedules.closes_at is 'When it closes.';
comment on column wikiembed.schedules.set_by is 'Who set it.';
comment on column wikiembed.schedules.set_at is 'When it was set.';

create or replace function wikiembed.set_schedule(
  p_source text, p_windows text[] default null, p_zone text default 'UTC',
  p_weekdays integer[] default array[1, 2, 3, 4, 5, 6, 7]
) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_source wikiembed.sources;
  v_schedule wikiembed_private.schedules;
  v_wrong text;
begin
  v_source := wikiembed_private.get_source(p_source);
  if p_windows is null then
    delete from wikiembed_private.schedules as c where c.source = p_source;
    update wikiembed.sources as s set bulk_opens_at = null, bulk_closes_at = null where s.name = p_source;
  else
    select coalesce(w.span, 'null') into v_wrong
      from unnest(p_windows) with ordinality as w (span, n)
     where w.span is null or w.span !~ '^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$'
     order by w.n limit 1;
    if cardinality(p_windows) not between 1 and 24 or p_weekdays is null or cardinality(p_weekdays) = 0
       or not p_weekdays <@ array[1, 2, 3, 4, 5, 6, 7]
       or not exists (select from pg_timezone_names as z where z.name = p_zone)
       or v_wrong is not null
    then
      raise exception 'a schedule has windows such as 22:00-06:00, a time zone, and weekdays from 1 to 7'
        using errcode = 'WE010', hint = case
          when v_wrong is not null then format('"%s" is not such a window.', v_wrong)
          when not exists (select from pg_timezone_names as z where z.name = p_zone)
            then format('No time zone of Postgres is named "%s".', p_zone)
          else format('Got %s windows, and weekdays %s.', cardinality(p_windows), array_to_string(p_weekdays, ', ')) end;
    end if;
    insert into wikiembed_private.schedules as c (source, begins, ends, zone, weekdays, set_by)
    values (p_source,
            array(select split_part(w.span, '-', 1)::time from unnest(p_windows) with ordinality as w (span, n) order by w.n),
            array(select split_part(w.span, '-', 2)::time from unnest(p_windows) with ordinality as w (span, n) order by w.n),
            p_zone, array(select distinct d::smallint from unnest(p_weekdays) as d order by 1), wikiembed_private.actor())
        on conflict on constraint schedules_pkey do update
           set begins = excluded.begins, ends = excluded.ends, zone = excluded.zone, weekdays = excluded.weekdays,
               set_by = excluded.set_by, set_at = excluded.set_at
    returning c.* into v_schedule;
    update wikiembed.sources as s set bulk_opens_at = w.opens_at, bulk_closes_at = w.closes_at
      from wikiembed_private.window_at(v_schedule, clock_timestamp()) as w
     where s.name = p_source;
  end if;
  perform wikiembed_private.log_action('schedule', p_source, null,
    jsonb_strip_nulls(jsonb_build_object('windows', p_windows, 'zone', p_zone, 'weekdays', p_weekdays)));
  perform wikiembed_private.notify_workers(v_source.queue_name);
end;
$$;
comment on function wikiembed.set_schedule(text, text[], text, integer[]) is
  'Lets the bulk work of a source run in these windows only, such as 22:00-06:00, that begin on these weekdays (1: Monday) in a time zone; null windows: always. Rows that are written meanwhile are embedded at any time. Raises WE001, WE010.';
