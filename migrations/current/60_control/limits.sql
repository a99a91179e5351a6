-- A window is 120 slots. What a worker leases in a slot it sends before the slot ends, so the last 121 slots, which
-- the present one ends, hold what any window that ends now can hold: their sum never exceeds 99 % of the limit. Within
-- that, requests and tokens become due one after the other at 98.5 % of the rate (GCRA: ITU-T I.371, annex A). While
-- workers ask, what they were late for is made up for, of four seconds of a minute's window; nothing is after a pause in
-- asking, so that none of them sends a burst. The margins are for requests that arrive late; docs/design/provider-limits.md
-- has what was measured.
create or replace function wikiembed_private.slots_per_window() returns integer
language sql immutable
set search_path = pg_catalog, pg_temp
as $$ select 120 $$;
comment on function wikiembed_private.slots_per_window() is 'Slots in the window of a limit.';

create or replace view wikiembed.limits as
select l.server, nullif(l.model, '') as model,
       coalesce(l.requests, l.stated_requests) as requests_per_minute,
       coalesce(l.tokens, l.stated_tokens) as tokens_per_minute,
       case when l.set_by is null then 'stated' else 'set' end as origin,
       coalesce(u.requests, 0)::bigint as requests_used, coalesce(u.tokens, 0)::bigint as tokens_used,
       round(greatest(coalesce(u.requests, 0) / coalesce(l.requests, l.stated_requests)::numeric,
                      coalesce(u.tokens, 0) / coalesce(l.tokens, l.stated_tokens)::numeric), 4) as share_used,
       coalesce(u.waits, false) as waits,
       case when l.blocked_until > clock_timestamp() then l.blocked_until end as blocked_until,
       l.stated_requests, l.stated_tokens, l.stated_at, l.set_by, l.set_at
  from wikiembed_private.limits as l
 cross join lateral (
   select floor(extract(epoch from clock_timestamp())::float8 * wikiembed_private.slots_per_window() / l.window_s)::bigint
 ) as p (slot)
 cross join lateral (
   select sum(s.requests) as requests, sum(s.tokens) as tokens,
          bool_or(s.is_short and s.slot >= p.slot - wikiembed_private.slots_per_window() / 6) as waits
     from wikiembed_private.limit_slots as s
    where s.limit_id = l.id and s.slot > p.slot - wikiembed_private.slots_per_window()) as u;
comment on view wikiembed.limits is
  'Requests and tokens a minute that all workers together send to a server, and what they used of them in the last minute.';
comment on column wikiembed.limits.server is 'URL of the server, as in wikiembed.outages.';
comment on column wikiembed.limits.model is 'The model; null: all models of the server together that have no limit of their own.';
comment on column wikiembed.limits.requests_per_minute is 'Requests per minute; null: no limit.';
comment on column wikiembed.limits.tokens_per_minute is 'Tokens per minute; null: no limit.';
comment on column wikiembed.limits.origin is 'set: by an operator, which wins; stated: by the server in its responses.';
comment on column wikiembed.limits.requests_used is 'Requests of the last minute, with those that workers are about to send.';
comment on column wikiembed.limits.tokens_used is 'Their tokens; of requests in flight an estimate.';
comment on column wikiembed.limits.share_used is 'Used share of the limit, of requests or of tokens, whichever is larger: 1 is all of it.';
comment on column wikiembed.limits.waits is 'True when a worker waited for the limit within the last 10 s.';
comment on column wikiembed.limits.blocked_until is 'Until when no worker sends a request, since the server refused one; null: they send.';
comment on column wikiembed.limits.stated_requests is 'Requests per minute by the headers of the server''s responses; null: none stated.';
comment on column wikiembed.limits.stated_tokens is 'Tokens per minute by them; null: none stated.';
comment on column wikiembed.limits.stated_at is 'When the server stated other numbers than before.';
comment on column wikiembed.limits.set_by is 'Who set the limit; null: it was not set.';
comment on column wikiembed.limits.set_at is 'When it was set.';

create or replace function wikiembed.set_limit(
  p_server text, p_model text default null, p_requests integer default null, p_tokens bigint default null
) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_server is null or p_server !~ '^[a-z]+://[^ @?#]+$' or p_requests <= 0 or p_tokens <= 0 then
    raise exception 'a limit is of a server''s URL, and of requests or tokens per minute, more than 0'
      using errcode = 'WE010',
            hint = format('Got server %s, requests %s, tokens %s.', p_server, p_requests, p_tokens);
  end if;
  if num_nonnulls(p_requests, p_tokens) > 0 then
    insert into wikiembed_private.limits as l (server, model, requests, tokens, set_by, set_at)
    values (p_server, coalesce(p_model, ''), p_requests, p_tokens, wikiembed_private.actor(), now())
        on conflict on constraint limit_is_of_one_model do update
           set requests = coalesce(excluded.requests, l.requests), tokens = coalesce(excluded.tokens, l.tokens),
               set_by = excluded.set_by, set_at = excluded.set_at, blocked_until = null;
  else
    delete from wikiembed_private.limits as l
     where l.server = p_server and l.model = coalesce(p_model, '')
       and (l.set_by is null or num_nonnulls(l.stated_requests, l.stated_tokens) = 0);
    update wikiembed_private.limits as l
       set requests = null, tokens = null, set_by = null, set_at = null, blocked_until = null
     where l.server = p_server and l.model = coalesce(p_model, '');
  end if;
  perform wikiembed_private.log_action('limit', null, null, jsonb_strip_nulls(jsonb_build_object(
    'server', p_server, 'model', p_model, 'requests_per_minute', p_requests, 'tokens_per_minute', p_tokens)));
end;
$$;
comment on function wikiembed.set_limit(text, text, integer, bigint) is
  'Sets how many requests and tokens a minute all workers together send to a server, of one model or of all that have no limit of their own; what is null stays as it is. Without either it removes what was set, or else what the server stated. Workers follow within 5 s. Raises WE010.';

create or replace function wikiembed.report_limit(
  p_server text, p_model text, p_requests integer, p_tokens bigint
) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_requests <= 0 or p_tokens <= 0 or num_nonnulls(p_requests, p_tokens) = 0 then
    return;
  end if;
  insert into wikiembed_private.limits as l (server, model, stated_requests, stated_tokens, stated_at)
  values (p_server, coalesce(p_model, ''), p_requests, p_tokens, clock_timestamp())
      on conflict on constraint limit_is_of_one_model do update
         set stated_requests = coalesce(excluded.stated_requests, l.stated_requests),
             stated_tokens = coalesce(excluded.stated_tokens, l.stated_tokens), stated_at = excluded.stated_at
       where (l.stated_requests, l.stated_tokens) is distinct from
             (coalesce(excluded.stated_requests, l.stated_requests), coalesce(excluded.stated_tokens, l.stated_tokens));
end;
$$;
comment on function wikiembed.report_limit(text, text, integer, bigint) is
  'Records the requests and tokens a minute that a server states in its responses; null: it states none. Called by workers when these change.';

create or replace function wikiembed.limited_servers() returns table (server text, model text)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select l.server, l.model from wikiembed_private.limits as l;
$$;
comment on function wikiembed.limited_servers() is
  'Servers and models that have a limit; an empty model: all models of the server. Called by each worker every 5 s.';

create or replace function wikiembed_private.limit_of(p_server text, p_model text) returns wikiembed_private.limits
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select l.* from wikiembed_private.limits as l
   where l.server = p_server and l.model in (coalesce(p_model, ''), '')
   order by l.model = '', l.id limit 1;
$$;
comment on function wikiembed_private.limit_of(text, text) is
  'The limit of a model at a server, or that of all its models.';

create or replace function wikiembed.block_limit(p_server text, p_model text, p_s double precision) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_limit wikiembed_private.limits;
begin
  v_limit := wikiembed_private.limit_of(p_server, p_model);
  update wikiembed_private.limits as l
     set blocked_until = greatest(l.blocked_until, clock_timestamp() + make_interval(secs => least(greatest(p_s, 0), 120)))
   where l.id = v_limit.id;
end;
$$;
comment on function wikiembed.block_limit(text, text, double precision) is
  'Lets no worker send a request under a limit for some seconds, at most 120: the server refused one. Called by workers.';

-- The advisory lock, in a statement before those that read, makes one lease after the other. Nothing is lost that matters
-- when Postgres crashes before the commit is on disk, and so no commit waits for the disk.
create or replace function wikiembed.lease_requests(
  p_server text, p_model text, p_requests integer, p_tokens bigint, p_first_tokens bigint,
  p_left_slots bigint[] default '{}', p_left_requests bigint[] default '{}', p_left_tokens bigint[] default '{}',
  p_more_requests bigint default 0, p_more_tokens bigint default 0,
  p_seen_requests bigint default null, p_seen_tokens bigint default null,
  out slot bigint, out slot_left_s double precision, out requests integer, out tokens bigint,
  out slot_s double precision, out wait_s double precision, out spacing_s double precision, out most_tokens bigint
) returns setof record
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_limit wikiembed_private.limits;
  v_now double precision;
  v_most_requests bigint;
  v_cap_requests bigint;
  v_cap_tokens bigint;
  v_average numeric;
  v_left_requests bigint;
  v_left_tokens bigint;
  v_earliest double precision;
  v_used_requests bigint;
  v_used_tokens bigint;
  v_requests_due double precision;
  v_tokens_due double precision;
  v_request_s double precision;
  v_token_s double precision;
  v_free bigint;
begin
  v_limit := wikiembed_private.limit_of(p_server, p_model);
  if v_limit.id is null then
    return;
  end if;
  perform set_config('synchronous_commit', 'off', true);
  perform pg_advisory_xact_lock(hashtextextended('wikiembed limit ' || v_limit.id, 0));
  v_now := extract(epoch from clock_timestamp())::float8;
  slot_s := v_limit.window_s / wikiembed_private.slots_per_window();
  slot := floor(v_now / slot_s)::bigint;
  slot_left_s := (slot + 1) * slot_s - v_now;
  v_most_requests := coalesce(v_limit.requests, v_limit.stated_requests);
  most_tokens := coalesce(v_limit.tokens, v_limit.stated_tokens);
  v_cap_requests := ceil(v_most_requests * 0.99);
  v_cap_tokens := ceil(most_tokens * 0.99);
  v_request_s := coalesce(v_limit.window_s / (v_most_requests * 0.985), 0);
  v_token_s := coalesce(v_limit.window_s / (most_tokens * 0.985), 0);

  -- Each in the slot of its lease: in a later one it would still be subtracted when the lease is out of the window.
  with given_back as (
    update wikiembed_private.limit_slots as s
       set requests = s.requests - l.requests, tokens = s.tokens - l.tokens
      from unnest(p_left_slots, p_left_requests, p_left_tokens) as l (slot, requests, tokens)
     where s.limit_id = v_limit.id and s.slot = l.slot
    returning l.requests, l.tokens
  )
  select coalesce(sum(g.requests), 0), coalesce(sum(g.tokens), 0) into v_left_requests, v_left_tokens from given_back as g;
  select coalesce(sum(s.requests), 0) + p_more_requests, coalesce(sum(s.tokens), 0) + p_more_tokens
    into v_used_requests, v_used_tokens
    from wikiembed_private.limit_slots as s
   where s.limit_id = v_limit.id and s.slot >= lease_requests.slot - wikiembed_private.slots_per_window();
  -- What the server counts is more when others use its limit too.
  if p_seen_requests - v_used_requests > v_most_requests * 0.02 then
    p_more_requests := p_more_requests + p_seen_requests - v_used_requests;
    v_used_requests := p_seen_requests;
  end if;
  if p_seen_tokens - v_used_tokens > most_tokens * 0.02 then
    p_more_tokens := p_more_tokens + p_seen_tokens - v_used_tokens;
    v_used_tokens := p_seen_tokens;
  end if;
  select s.requests_due, s.tokens_due, v_now - case when s.slot >= lease_requests.slot - 8 then 8 * slot_s else 0 end
    into v_requests_due, v_tokens_due, v_earliest
    from wikiembed_private.limit_slots as s where s.limit_id = v_limit.id order by s.slot desc limit 1;
  v_earliest := coalesce(v_earliest, v_now);
  v_requests_due := greatest(v_requests_due - v_left_requests * v_request_s, v_earliest);
  v_tokens_due := greatest(v_tokens_due + (p_more_tokens - v_left_tokens) * v_token_s, v_earliest);

  requests := p_requests;
  tokens := p_tokens;
  wait_s := greatest(extract(epoch from v_limit.blocked_until)::float8 - v_now, 0);
  if v_most_requests is not null then
    wait_s := greatest(wait_s, v_requests_due - v_now, case when v_used_requests >= v_cap_requests then slot_left_s end);
    v_free := least(v_cap_requests - v_used_requests, floor((v_now - v_requests_due) / v_request_s)::bigint + 1);
    requests := least(requests, greatest(v_free, 0));
  end if;
  if most_tokens is not null then
    -- A text that is longer than the limit is sent when nothing else was.
    wait_s := greatest(wait_s, v_tokens_due - v_now,
      case when v_used_tokens > 0 and v_used_tokens + p_first_tokens > v_cap_tokens then slot_left_s end);
    v_free := least(v_cap_tokens - v_used_tokens, floor((v_now - v_tokens_due) / v_token_s)::bigint) - p_first_tokens;
    -- Whole requests, as large as the average of those that are asked for: the rest would wait with this worker.
    v_average := greatest(p_tokens - p_first_tokens, 1)::numeric / greatest(p_requests - 1, 1);
    requests := least(requests, 1 + greatest(floor(v_free / v_average), 0)::integer);
    tokens := p_first_tokens + ceil((requests - 1) * v_average);
  end if;
  if wait_s > 0 then
    requests := 0;
  end if;
  if requests = 0 then
    tokens := 0;
  end if;
  spacing_s := v_request_s;

  insert into wikiembed_private.limit_slots as s (limit_id, slot, requests, tokens, requests_due, tokens_due, is_short)
  values (v_limit.id, lease_requests.slot, lease_requests.requests + p_more_requests, lease_requests.tokens + p_more_tokens,
          v_requests_due + lease_requests.requests * v_request_s, v_tokens_due + lease_requests.tokens * v_token_s,
          lease_requests.requests < p_requests and p_requests > 0)
      on conflict on constraint limit_slots_pkey do update
         set requests = s.requests + excluded.requests, tokens = s.tokens + excluded.tokens,
             requests_due = excluded.requests_due, tokens_due = excluded.tokens_due,
             is_short = s.is_short or excluded.is_short;
  if lease_requests.slot % 60 = 0 then
    delete from wikiembed_private.limit_slots as s
     where s.limit_id = v_limit.id and s.slot < lease_requests.slot - 2 * wikiembed_private.slots_per_window();
  end if;
  return next;
end;
$$;
comment on function wikiembed.lease_requests(text, text, integer, bigint, bigint, bigint[], bigint[], bigint[], bigint, bigint, bigint, bigint) is
  'Leases up to p_requests requests of p_tokens tokens in all, the first of p_first_tokens, to be sent spacing_s apart within slot_left_s; with none, they are to be asked for again after wait_s. Takes back what was left of the leases in p_left_slots, adds what was sent beyond leases, and what the server has counted in its window beyond that. No row: no limit. Called by workers.';
