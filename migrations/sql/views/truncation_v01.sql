create view wikiembed.truncation as
select s.name as source, coalesce(t.truncated, 0) as truncated, c.server, c.outcome,
       c.from_chars, c.checked_chars, c.checked_at
  from wikiembed.sources as s
  left join (
    select t.source, count(*) as truncated from wikiembed.truncated_chunks as t group by t.source
  ) as t on t.source = s.name
  left join lateral (
    select c.server, c.outcome, c.from_chars, c.checked_chars, c.checked_at
      from wikiembed.truncation_checks as c
     where c.source = s.name and (s.model is null or c.model = s.model)
     order by c.used_at desc
     limit 1
  ) as c on true;

comment on view wikiembed.truncation is
  'Per source, how many chunks are embedded by their beginning only, and whether its server cuts long texts silently.';
comment on column wikiembed.truncation.source is 'The source.';
comment on column wikiembed.truncation.truncated is
  'Chunks in wikiembed.truncated_chunks; what a server cut silently is not among them.';
comment on column wikiembed.truncation.server is 'The server that was used last; null before the first check.';
comment on column wikiembed.truncation.outcome is
  'What the check of that server found: silent, refused, whole or unanswered; null before the first check.';
comment on column wikiembed.truncation.from_chars is
  'Characters of English text from which on it cuts silently; null unless outcome is silent.';
comment on column wikiembed.truncation.checked_chars is 'Characters of the longest text that was tried.';
comment on column wikiembed.truncation.checked_at is 'When it was checked.';
