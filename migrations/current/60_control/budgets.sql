create or replace view wikiembed.budgets as
select b.source, b.period, p.begins, p.ends, b.tokens, b.cost,
       coalesce(u.tokens, 0) as tokens_used, coalesce(u.cost, 0) as cost_used,
       coalesce(f.tokens, 0)::bigint as tokens_in_flight,
       round(coalesce(f.tokens, 0) * q.per_million / 1000000, 6) as cost_in_flight,
       round(case when b.tokens is not null then coalesce(u.tokens, 0) / b.tokens::numeric
                  else coalesce(u.cost, 0) / b.cost end, 4) as share_used,
       coalesce(b.reached_at = s.paused_at and wikiembed_private.is_paused(s.paused_at, s.resume_at), false) as reached,
       q.per_million as price_per_million, q.currency, b.set_by, b.set_at
  from wikiembed_private.budgets as b
  join wikiembed.sources as s on s.name = b.source
 cross join lateral (
   select date_trunc(b.period, c.at)::date as begins,
          (date_trunc(b.period, c.at) + ('1 ' || b.period)::interval) at time zone 'UTC' as ends
     from (select clock_timestamp() at time zone 'UTC' as at) as c
 ) as p
  left join lateral (
    select sum(g.tokens)::bigint as tokens, round(sum(g.tokens * g.price_per_million) / 1000000, 6) as cost
      from wikiembed.usage as g
     where g.source = b.source and g.day >= p.begins) as u on true
  left join lateral (
    select sum(r.tokens) as tokens from wikiembed_private.budget_reservations as r
     where r.source = b.source and r.at > clock_timestamp() - interval '30 minutes') as f on true
  left join lateral (
    select c.per_million, c.currency from wikiembed.prices as c
     where c.source = b.source and c.from_day <= (now() at time zone 'UTC')::date
     order by c.from_day desc limit 1) as q on true;
comment on view wikiembed.budgets is
  'The budgets of sources, and what is used of them in the present day or month, in UTC.';
comment on column wikiembed.budgets.source is 'The source.';
comment on column wikiembed.budgets.period is 'day or month.';
comment on column wikiembed.budgets.begins is 'First day of the present period.';
comment on column wikiembed.budgets.ends is 'When the present period ends, and a source that reached its budget continues.';
comment on column wikiembed.budgets.tokens is 'Tokens that a period may use; null: the budget is of money.';
comment on column wikiembed.budgets.cost is 'Money that a period may use, at the source''s price; null: the budget is of tokens.';
comment on column wikiembed.budgets.tokens_used is 'Tokens of the present period.';
comment on column wikiembed.budgets.cost_used is 'Their cost; 0 without a price.';
comment on column wikiembed.budgets.tokens_in_flight is 'Tokens that batches in flight have reserved, by an estimate.';
comment on column wikiembed.budgets.cost_in_flight is 'Their cost; null without a price.';
comment on column wikiembed.budgets.share_used is 'Used share of the budget, without batches in flight: 1 is all of it.';
comment on column wikiembed.budgets.reached is 'True while the source is paused because of this budget.';
comment on column wikiembed.budgets.price_per_million is 'Present price of a million tokens; null: none is set.';
comment on column wikiembed.budgets.currency is 'Currency of the price; may be empty.';
comment on column wikiembed.budgets.set_by is 'Who set the budget.';
comment on column wikiembed.budgets.set_at is 'When it was set.';

-- A reservation is live while the run of the job that made it goes on: its worker has a heartbeat, and no other run
-- of the job has begun since. Any other one counts as well, since its request may have been paid, but is not waited
-- for; it expires with the hard limit of rescue_jobs.
create or replace function wikiembed_private.has_live_reservation(p_source text) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select from wikiembed_private.budget_reservations as r
      join wikiembed_queue.procrastinate_jobs as j on j.id = r.id >> 20
      join wikiembed_queue.procrastinate_workers as w on w.id = j.worker_id
     where r.source = p_source collate "default" and r.at > clock_timestamp() - interval '30 minutes'
       and j.status = 'doing' and j.started_at <= r.at
       and w.last_heartbeat > clock_timestamp() - interval '30 seconds');
$$;
comment on function wikiembed_private.has_live_reservation(text) is
  'Whether a batch of the source is in flight at a worker that is alive: what it has reserved will be settled.';

-- A pause that is in force, by a person or by a worker, stays as it is; so does a source whose period is about to
-- end. The advisory lock, in a statement before those that read, makes one reservation after the other: each counts those
-- before it. settle_budget replaces a reservation by what the batch used, which is often less: so a budget pauses its
-- source only when it is used up, or has no room while no batch is in flight.
create or replace function wikiembed.reserve_budget(p_source text, p_id bigint, p_tokens bigint) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_budget wikiembed.budgets;
  v_paused_at timestamptz;
  v_waits boolean := false;
begin
  if p_tokens is null or p_tokens < 0 then
    raise exception 'a batch has no negative number of tokens'
      using errcode = 'WE010', hint = format('Got %s.', p_tokens);
  end if;
  perform wikiembed_private.get_source(p_source);
  perform pg_advisory_xact_lock(hashtextextended('wikiembed budget of ' || p_source, 0));
  delete from wikiembed_private.budget_reservations as r
   where r.source = p_source collate "default" and r.at <= clock_timestamp() - interval '30 minutes';
  for v_budget in
    select b.* from wikiembed.budgets as b
     where b.source = p_source collate "default"
       and (b.tokens_used + b.tokens_in_flight + p_tokens > b.tokens
            or b.cost_used + (b.tokens_in_flight + p_tokens) * b.price_per_million / 1000000 > b.cost)
     order by b.ends desc
  loop
    if v_budget.ends <= clock_timestamp() + interval '1 second' or exists (
      select from wikiembed.sources as s
       where s.name = p_source and wikiembed_private.is_paused(s.paused_at, s.resume_at))
    then
      return false;
    end if;
    if coalesce(v_budget.tokens_used < v_budget.tokens, v_budget.cost_used < v_budget.cost)
       and wikiembed_private.has_live_reservation(p_source)
    then
      v_waits := true;
      continue;
    end if;
    perform wikiembed.pause(p_source, wikiembed_private.budget_reason(v_budget), v_budget.ends);
    select s.paused_at into v_paused_at from wikiembed.sources as s where s.name = p_source;
    update wikiembed_private.budgets as b set reached_at = v_paused_at
     where b.source = p_source collate "default" and b.period = v_budget.period;
    return false;
  end loop;
  if v_waits then
    return null;
  end if;
  insert into wikiembed_private.budget_reservations (id, source, tokens) values (p_id, p_source, p_tokens);
  return true;
end;
$$;
comment on function wikiembed.reserve_budget(text, bigint, bigint) is
  'Reserves tokens of a source''s budgets for a batch that is about to be sent. Where they do not suffice, with what is used and in flight, returns null while a batch in flight may leave some of what it has reserved; else pauses the source until the period ends and returns false. p_id: the id of the batch''s job times 2^20, plus a random number below that. Called by workers. Raises WE001, WE010.';

-- Added to the day at once, since each reservation reads what was used: rows per batch would make that slow. That
-- the reservation is gone says that an earlier call was committed.
create or replace function wikiembed.settle_budget(
  p_source text, p_id bigint, p_usage bigint[], p_again boolean default false
) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform wikiembed_private.check_usage(p_usage);
  delete from wikiembed_private.budget_reservations as r where r.id = p_id and r.source = p_source collate "default";
  if p_again and not found then
    return;
  end if;
  insert into wikiembed_private.usage_days as u (source, day, requests, failed, texts, tokens, tokens_estimated)
  select s.name, (clock_timestamp() at time zone 'UTC')::date, p_usage[1], p_usage[2], p_usage[3], p_usage[4], p_usage[5]
    from wikiembed.sources as s where s.name = p_source for key share
      on conflict on constraint usage_days_pkey do update
         set requests = u.requests + excluded.requests, failed = u.failed + excluded.failed,
             texts = u.texts + excluded.texts, tokens = u.tokens + excluded.tokens,
             tokens_estimated = u.tokens_estimated + excluded.tokens_estimated;
end;
$$;
comment on function wikiembed.settle_budget(text, bigint, bigint[], boolean) is
  'Records what a batch used (requests, failed ones, texts, tokens, estimated tokens), and releases what it had reserved; with p_again only if that is reserved still. Called by workers after each batch of a source with a budget. Raises WE010.';

create or replace function wikiembed_private.budget_reason(p_budget wikiembed.budgets) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select format('its budget of the %s has no room for the next batch: %s of %s are used or in flight; raise it by `wikiembed budget`',
    p_budget.period,
    case when p_budget.tokens is not null
         then to_char(p_budget.tokens_used + p_budget.tokens_in_flight, 'FM999,999,999,999,990')
         else round(p_budget.cost_used + coalesce(p_budget.cost_in_flight, 0), 4)::text end,
    case when p_budget.tokens is not null then to_char(p_budget.tokens, 'FM999,999,999,999,990') || ' tokens'
         else btrim(p_budget.cost::text || ' ' || coalesce(p_budget.currency, '')) end);
$$;
comment on function wikiembed_private.budget_reason(wikiembed.budgets) is
  'Why a source that has reached its budget is paused, as a clause.';

-- A pause by the budget that is raised, or removed, ends; workers read the source's row again when it changes.
create or replace function wikiembed.set_budget(
  p_source text, p_tokens bigint default null, p_cost numeric default null, p_period text default 'day'
) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_reached boolean;
begin
  perform wikiembed_private.get_source(p_source);
  if p_period is null or p_period not in ('day', 'month') or num_nonnulls(p_tokens, p_cost) > 1
     or p_tokens <= 0 or p_cost <= 0 or p_cost = 'NaN'
  then
    raise exception 'a budget is of tokens or of money, more than 0, per day or month'
      using errcode = 'WE010', hint = format('Got tokens %s, cost %s, period %s.', p_tokens, p_cost, p_period);
  end if;
  if p_cost is not null and not exists (
    select from wikiembed.prices as q where q.source = p_source and q.from_day <= (now() at time zone 'UTC')::date)
  then
    raise exception 'a budget of money needs a price of source "%"', p_source
      using errcode = 'WE010', hint = 'Set it first: wikiembed price, or select wikiembed.set_price(…).';
  end if;
  perform pg_advisory_xact_lock(hashtextextended('wikiembed budget of ' || p_source, 0));
  select coalesce(bool_or(b.reached), false) into v_reached from wikiembed.budgets as b
   where b.source = p_source and b.period = p_period;
  if num_nonnulls(p_tokens, p_cost) = 0 then
    delete from wikiembed_private.budgets as b where b.source = p_source and b.period = p_period;
  else
    insert into wikiembed_private.budgets as b (source, period, tokens, cost, set_by)
    values (p_source, p_period, p_tokens, p_cost, wikiembed_private.actor())
        on conflict on constraint budgets_pkey do update
           set tokens = excluded.tokens, cost = excluded.cost, set_by = excluded.set_by, set_at = excluded.set_at,
               reached_at = null;
  end if;
  update wikiembed.sources as s
     set budgeted = exists (select from wikiembed_private.budgets as b where b.source = s.name)
   where s.name = p_source;
  perform wikiembed_private.log_action('budget', p_source, null,
    jsonb_strip_nulls(jsonb_build_object('tokens', p_tokens, 'cost', p_cost, 'period', p_period)));
  if v_reached then
    perform wikiembed.resume(p_source);
  end if;
end;
$$;
comment on function wikiembed.set_budget(text, bigint, numeric, text) is
  'Sets how many tokens, or how much money, a source may use per day or month (UTC); without either it removes the budget of that period. Ends a pause by that budget. Raises WE001, WE010.';
