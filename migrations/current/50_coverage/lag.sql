-- A bucket b has the times above 1.1053^(b-1) s, up to 1.1053^b s; its middle is within 5 % of each of them.
-- Histograms of the same buckets are merged by adding them up. Workers find the bucket of a time, from -69 (1 ms or
-- less) to 208 (31 years or more): wikiembed/pipeline/lag.py.
-- Source: C. Masson et al., DDSketch: a fast and fully-mergeable quantile sketch, 2019.
create or replace function wikiembed_private.lag_seconds(p_bucket smallint) returns double precision
language sql immutable parallel safe
return 0.95 * power(1.05::double precision / 0.95, p_bucket);
comment on function wikiembed_private.lag_seconds(smallint) is
  'Seconds that stand for the times of a bucket: within 5 % of each.';

create or replace view wikiembed.lag_histogram as
select d.source, d.hour, d.fresh, d.bucket, wikiembed_private.lag_seconds(d.bucket) as seconds,
       power(1.05::double precision / 0.95, d.bucket) as upto_s, sum(d.chunks)::bigint as chunks
  from (
    select h.source, h.hour, h.fresh, h.bucket, h.chunks from wikiembed_private.lag_hours as h
     union all
    select b.source, date_trunc('hour', b.at, 'UTC'), w.fresh, w.bucket, w.chunks
      from wikiembed_private.batch_ledger as b, unnest(b.fresh, b.buckets, b.chunks) as w (fresh, bucket, chunks)
     where w.chunks > 0 and exists (select from wikiembed.sources as s where s.name = b.source)
  ) as d
 group by d.source, d.hour, d.fresh, d.bucket;
comment on view wikiembed.lag_histogram is
  'How long chunks waited for their vectors, as a histogram per source and hour, for 90 days; those of several hours or sources are merged by adding chunks of equal buckets.';
comment on column wikiembed.lag_histogram.source is 'The source.';
comment on column wikiembed.lag_histogram.hour is 'Begin of the hour in which the vectors were stored.';
comment on column wikiembed.lag_histogram.fresh is 'True for rows that were just written, false for bulk work; as in view lag.';
comment on column wikiembed.lag_histogram.bucket is 'Number of the bucket, which grows with the time.';
comment on column wikiembed.lag_histogram.seconds is 'Seconds within 5 % of every time in the bucket.';
comment on column wikiembed.lag_histogram.upto_s is 'Longest time of the bucket, in seconds.';
comment on column wikiembed.lag_histogram.chunks is 'Chunks whose vectors were stored after such a time.';

create or replace view wikiembed.lag as
select q.source, q.hour, q.fresh, q.all_chunks as chunks,
       min(q.seconds) filter (where q.upto >= 0.5 * q.all_chunks) as p50_s,
       min(q.seconds) filter (where q.upto >= 0.95 * q.all_chunks) as p95_s,
       min(q.seconds) filter (where q.upto >= 0.99 * q.all_chunks) as p99_s
  from (
    select h.source, h.hour, h.fresh, h.seconds,
           sum(h.chunks) over (partition by h.source, h.hour, h.fresh order by h.bucket) as upto,
           sum(h.chunks) over (partition by h.source, h.hour, h.fresh)::bigint as all_chunks
      from wikiembed.lag_histogram as h
  ) as q
 group by q.source, q.hour, q.fresh, q.all_chunks;
comment on view wikiembed.lag is
  'How long chunks waited for their vectors, per source and hour: from the begin of the transaction that queued them to the commit of the vector. Recorded once a second.';
comment on column wikiembed.lag.source is 'The source.';
comment on column wikiembed.lag.hour is 'Begin of the hour in which the vectors were stored.';
comment on column wikiembed.lag.fresh is
  'True: rows that a transaction of a user wrote, and the trigger queued with priority 10. False: bulk work, from its enqueue, retry or reconcile on.';
comment on column wikiembed.lag.chunks is 'Vectors stored in that hour by workers.';
comment on column wikiembed.lag.p50_s is 'Half of them waited for no longer than this, within 5 %, in seconds.';
comment on column wikiembed.lag.p95_s is 'As many as 95 % waited for no longer than this, within 5 %, in seconds.';
comment on column wikiembed.lag.p99_s is 'As many as 99 % waited for no longer than this, within 5 %, in seconds.';
