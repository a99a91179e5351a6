-- The ledger is read once: what was folded or gained by source, the rest by sum_deltas, which whoever
-- reads the view may call. Jobs are read only of a source that is held back. is_held() is written out: a view calls functions with its reader's rights.
create view wikiembed.coverage as
select s.name as source,
       c.total,
       c.embedded,
       c.total - c.embedded - c.skipped as missing,
       c.failed,
       c.skipped,
       case when c.total > c.skipped
            then greatest(0, least(100, trunc(100.0 * c.embedded / (c.total - c.skipped), 2)))
       end::numeric(5, 2) as coverage_pct,
       round(c.chunks_per_s, 1) as chunks_per_s,
       case when c.total - c.embedded - c.skipped - c.failed - o.held_back <= 0 then interval '0'
            when c.chunks_per_s > 0 then
              make_interval(secs => round(
                (c.total - c.embedded - c.skipped - c.failed - o.held_back) / c.chunks_per_s)::double precision)
       end as eta,
       h.is_held as paused,
       case when h.is_held then s.pause_reason end as pause_reason,
       c.total - c.embedded - c.skipped = 0 and c.embedded > 0 as ready,
       o.held_back,
       c.total = 0 and s.model is null and s.relation = to_regclass('public.wiki_chunks')
         and exists (select from wikiembed.sources as other where other.relation <> s.relation) as unused
  from wikiembed.sources as s
 cross join lateral wikiembed_private.sum_deltas(s.name) as d
 cross join lateral (
   select coalesce(sum(l.total), 0)::bigint + d.total as total,
          coalesce(sum(l.embedded), 0)::bigint + d.embedded as embedded,
          coalesce(sum(l.failed), 0)::bigint as failed, coalesce(sum(l.skipped), 0)::bigint as skipped,
          coalesce(
            sum(l.gained) filter (where l.gained > 0 and l.at > clock_timestamp() - interval '1 minute')
              / greatest(1, extract(epoch from clock_timestamp() - min(l.at) filter (
                  where l.gained > 0 and l.at > clock_timestamp() - interval '1 minute'))),
            0)::numeric as chunks_per_s
     from only wikiembed.ledger as l where l.source = s.name) as c
 cross join lateral (
   select s.paused_at is not null and (s.resume_at is null or s.resume_at > clock_timestamp()) as is_held) as h
 cross join lateral (
   select case when s.held_back_at is null then 0
               else greatest(0, c.total - c.embedded - c.skipped - c.failed - (
                 select coalesce(sum(jsonb_array_length(j.args -> 'keys')), 0)
                   from wikiembed_queue.procrastinate_jobs as j
                  where j.queue_name = s.queue_name and j.status in ('todo', 'doing')
                    and j.task_name = 'wikiembed.embed' and jsonb_typeof(j.args -> 'keys') = 'array'))
          end::bigint as held_back) as o;

comment on column wikiembed.coverage.coverage_pct is
  'embedded ÷ (total − skipped), in percent, cut to two digits; null when there is nothing to embed.';
comment on column wikiembed.coverage.eta is
  'Time left at that rate for what is not held back; null when nothing moves.';
comment on column wikiembed.coverage.ready is
  'True when some row is embedded and none is missing; is_ready() asks the table itself.';
comment on column wikiembed.coverage.held_back is
  'Missing rows in no job and no failure that wait for enqueue, where sources.held_back_at is set; fewer while a row is queued twice.';
comment on column wikiembed.coverage.unused is
  'True for the built-in source of wiki_chunks that is empty and has no model yet, when other tables are attached: is_ready() and `wikiembed ready` over all sources leave it out.';
