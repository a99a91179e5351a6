-- What a worker's batches of a source cost since its last record, and how long their written chunks waited. One
-- that is repeated, since its connection was lost at the commit, finds its row by id; fold_batches leaves
-- rows for longer than records are repeated.
create or replace function wikiembed.record_batches(
  p_source text, p_id bigint, p_usage bigint[], p_again boolean default false,
  p_fresh boolean[] default '{}', p_buckets smallint[] default '{}', p_chunks bigint[] default '{}'
) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform wikiembed_private.check_usage(p_usage);
  if num_nulls(p_source, p_id, p_fresh, p_buckets, p_chunks) > 0 or cardinality(p_fresh) <> cardinality(p_chunks)
     or cardinality(p_buckets) <> cardinality(p_chunks)
     or exists (select from unnest(p_fresh, p_buckets, p_chunks) as w (fresh, bucket, chunks)
                 where w.fresh is null or w.bucket is null or w.bucket not between -69 and 208
                    or w.chunks is null or w.chunks < 0)
  then
    raise exception 'the arrays of waits have one length, buckets from -69 to 208, and no negative number of chunks'
      using errcode = 'WE010', hint = format('Got %s, %s, %s.', p_fresh, p_buckets, p_chunks);
  end if;
  if p_again and exists (select from wikiembed_private.batch_ledger as b where b.id = p_id) then
    return;
  end if;
  insert into wikiembed_private.batch_ledger
    (id, requests, failed, texts, tokens, tokens_estimated, fresh, buckets, chunks, source)
  values (p_id, p_usage[1], p_usage[2], p_usage[3], p_usage[4], p_usage[5], p_fresh, p_buckets, p_chunks, p_source);
end;
$$;
comment on function wikiembed.record_batches(text, bigint, bigint[], boolean, boolean[], smallint[], bigint[]) is
  'Records what the requests of batches cost (requests, failed ones, texts, tokens, estimated tokens), and of their written chunks how many waited for a time of each bucket of lag_histogram, after an edit or not. With p_again only if p_id is not recorded yet. Called by workers, once a second and at their end. Raises WE010.';

create or replace function wikiembed_private.check_usage(p_usage bigint[]) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if cardinality(p_usage) is distinct from 5 or array_position(p_usage, null) is not null or 0 > any (p_usage) then
    raise exception 'usage has five numbers that are not negative'
      using errcode = 'WE010', hint = format('Got %s.', p_usage);
  end if;
end;
$$;
comment on function wikiembed_private.check_usage(bigint[]) is
  'Raises WE010 if it is not requests, failed ones, texts, tokens and estimated tokens.';

-- One statement, as fold_ledger. The sources are locked before their rows, as in detach; those that are locked
-- otherwise are left for the next minute.
create or replace function wikiembed_private.fold_batches() returns bigint
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set jit = off
as $$
declare
  v_sources text[] := array(select s.name from wikiembed.sources as s order by s.name for key share skip locked);
  v_folded bigint;
begin
  with old as (
    delete from wikiembed_private.batch_ledger as b
     where b.at < clock_timestamp() - interval '3 minutes' and b.source = any (v_sources)
    returning b.*
  ), days as (
    insert into wikiembed_private.usage_days as u
      (source, day, requests, failed, texts, tokens, tokens_estimated)
    select o.source, (o.at at time zone 'UTC')::date, sum(o.requests), sum(o.failed), sum(o.texts), sum(o.tokens),
           sum(o.tokens_estimated)
      from old as o group by 1, 2 order by 1, 2
        on conflict on constraint usage_days_pkey do update
           set requests = u.requests + excluded.requests, failed = u.failed + excluded.failed,
               texts = u.texts + excluded.texts, tokens = u.tokens + excluded.tokens,
               tokens_estimated = u.tokens_estimated + excluded.tokens_estimated
  ), hours as (
    insert into wikiembed_private.lag_hours as h (source, hour, fresh, bucket, chunks)
    select o.source, date_trunc('hour', o.at, 'UTC'), w.fresh, w.bucket, sum(w.chunks)
      from old as o, unnest(o.fresh, o.buckets, o.chunks) as w (fresh, bucket, chunks)
     where w.chunks > 0
     group by 1, 2, 3, 4 order by 1, 2, 3, 4
        on conflict on constraint lag_hours_pkey do update set chunks = h.chunks + excluded.chunks
  )
  select count(*) into v_folded from old;
  delete from wikiembed_private.lag_hours as h where h.hour < clock_timestamp() - interval '90 days';
  return v_folded;
end;
$$;
comment on function wikiembed_private.fold_batches() is
  'Folds rows of batches that are older than 3 minutes to one per source and day, and their waits to histograms per source and hour; drops histograms older than 90 days; returns the number of rows folded.';

-- A price holds from a day on, so that a new one leaves the cost of earlier days as it was.
create or replace view wikiembed.usage as
select u.source, u.day, u.requests, u.failed, u.texts, u.tokens, u.tokens_estimated,
       p.per_million as price_per_million,
       round(u.tokens * p.per_million / 1000000, 6) as cost,
       p.currency
  from (
    select d.source, d.day, sum(d.requests)::bigint as requests, sum(d.failed)::bigint as failed,
           sum(d.texts)::bigint as texts, sum(d.tokens)::bigint as tokens,
           sum(d.tokens_estimated)::bigint as tokens_estimated
      from (
        select f.source, f.day, f.requests, f.failed, f.texts, f.tokens, f.tokens_estimated
          from wikiembed_private.usage_days as f
         union all
        select b.source, (b.at at time zone 'UTC')::date, b.requests, b.failed, b.texts, b.tokens, b.tokens_estimated
          from wikiembed_private.batch_ledger as b
         where exists (select from wikiembed.sources as s where s.name = b.source)
      ) as d
     group by d.source, d.day
  ) as u
  left join lateral (
    select q.per_million, q.currency from wikiembed.prices as q
     where q.source = u.source and q.from_day <= u.day
     order by q.from_day desc limit 1
  ) as p on true;
comment on view wikiembed.usage is
  'What workers used to embed each source, per day (UTC): requests, texts and tokens as the servers count them, and the cost at the source''s price.';
comment on column wikiembed.usage.source is 'The source.';
comment on column wikiembed.usage.day is 'The day, in UTC.';
comment on column wikiembed.usage.requests is
  'Requests with texts of the source, those that failed, were repeated or probed included.';
comment on column wikiembed.usage.failed is 'Of these, requests that the server refused, or whose response was lost.';
comment on column wikiembed.usage.texts is 'Texts in requests that were answered, a text that was sent twice counted twice.';
comment on column wikiembed.usage.tokens is 'Tokens of those texts.';
comment on column wikiembed.usage.tokens_estimated is
  'Of these, tokens of responses without a count, estimated at 4 bytes of UTF-8 each.';
comment on column wikiembed.usage.price_per_million is
  'Price of a million tokens that was in force that day; null: none is set.';
comment on column wikiembed.usage.cost is 'tokens at that price; null: no price is set.';
comment on column wikiembed.usage.currency is 'Currency of price and cost as it was set; may be empty.';

create or replace function wikiembed.set_price(
  p_source text, p_per_million numeric, p_from date default null, p_currency text default null
) returns date
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_currency text;
  v_from date := p_from;
  v_known boolean;
begin
  perform wikiembed_private.get_source(p_source);
  if p_per_million is null then
    if exists (select from wikiembed_private.budgets as b where b.source = p_source and b.cost is not null) then
      raise exception 'source "%" has a budget of money, which needs a price', p_source
        using errcode = 'WE010', hint = 'Remove the budget first: wikiembed budget, or select wikiembed.set_budget(…).';
    end if;
    delete from wikiembed.prices as p where p.source = p_source;
    perform wikiembed_private.log_action('price', p_source, null, '{"removed": true}');
    return null;
  end if;
  if p_per_million < 0 or p_per_million >= 1e9 or p_per_million = 'NaN' or octet_length(p_currency) > 12
     or p_currency ~ '[[:cntrl:]]'
  then
    raise exception 'a price is between 0 and a thousand millions, and a currency has up to 12 bytes'
      using errcode = 'WE010', hint = format('Got %s %s.', p_per_million, coalesce(p_currency, ''));
  end if;
  select p.currency into v_currency from wikiembed.prices as p where p.source = p_source
    order by p.from_day desc limit 1;
  v_known := found;
  v_from := coalesce(v_from, case when v_known then (now() at time zone 'UTC')::date else '-infinity' end);
  insert into wikiembed.prices as p (source, from_day, per_million, currency, set_by)
  values (p_source, v_from, p_per_million, coalesce(p_currency, v_currency, ''), wikiembed_private.actor())
      on conflict on constraint prices_pkey do update
         set per_million = excluded.per_million, currency = excluded.currency, set_by = excluded.set_by;
  perform wikiembed_private.log_action('price', p_source, null,
    jsonb_build_object('per_million', p_per_million, 'from', v_from, 'currency', coalesce(p_currency, v_currency, '')));
  if exists (select from wikiembed.budgets as b where b.source = p_source and b.cost is not null and b.reached) then
    perform wikiembed.resume(p_source);
  end if;
  return v_from;
end;
$$;
comment on function wikiembed.set_price(text, numeric, date, text) is
  'Sets the price of a million tokens of a source from a day (UTC) on: by default from today, the first one for all days; null removes all its prices. Ends a pause by a budget of money, which the next batch checks again. Returns the day. Raises WE001, WE010.';
