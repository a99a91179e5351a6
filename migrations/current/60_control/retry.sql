-- An operator writes [1,"a"] where failures have [1, "a"]. What is no JSON stays as it is, and is the
-- key of no row.
create or replace function wikiembed_private.respell_keys(p_keys text[]) returns text[]
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_key text;
  v_keys text[] := case when p_keys is not null then '{}'::text[] end;
begin
  foreach v_key in array coalesce(p_keys, '{}') loop
    begin
      v_keys := v_keys || v_key::jsonb::text;
    exception when invalid_text_representation or untranslatable_character then
      v_keys := v_keys || v_key;
    end;
  end loop;
  return v_keys;
end;
$$;
comment on function wikiembed_private.respell_keys(text[]) is
  'Keys of several columns with the blanks that stored ones have; null if given null.';

-- Deletes the failure and queues a job, in one transaction. Failures that another transaction has
-- locked are skipped and counted: it changes or deletes that chunk, which ends the failure; waiting
-- for it, while holding other locks, could deadlock. Skipped rows are retried only when they are
-- named by key or by class. Joins are by hash: nested loops, chosen where statistics estimate few
-- failures, would take hours for many.
create or replace function wikiembed.retry_failures(
  p_source text, p_keys text[] default null, p_error_class text default null
) returns table (jobs bigint, chunks bigint, held bigint)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set enable_nestloop = off
set jit = off
as $$
declare
  v_source wikiembed.sources;
  v_named text[];
  v_asked text[];
  v_keys text[];
  v_places tid[];
  v_documents record;
begin
  perform wikiembed_private.require_read_committed();
  perform wikiembed_private.lock_source(p_source);
  v_source := wikiembed_private.get_source(p_source);
  v_named := case when v_source.key_type = 'composite' then wikiembed_private.respell_keys(p_keys) else p_keys end;
  if not (p_error_class collate "C" = any (wikiembed_private.error_classes()) or exists (
    select from wikiembed.failures as f
     where f.source = p_source collate "default" and f.error_class = p_error_class collate "default"
    union all
    select from wikiembed.document_failures as f
     where f.source = p_source collate "default" and f.error_class = p_error_class collate "default"))
  then
    raise exception 'no such error class: %', quote_literal(p_error_class)
      using errcode = 'WE010',
            hint = format('The classes are: %s.', array_to_string(wikiembed_private.error_classes(), ', '));
  end if;
  with asked as materialized (
    select f.key from wikiembed.failures as f
     where f.source = p_source collate "default"
       and (p_keys is null or f.key in (select k.key collate "C" from unnest(v_named) as k (key)))
       and (p_error_class is null or f.error_class = p_error_class collate "default")
       and (f.state = 'failed' or p_keys is not null or p_error_class is not null)
  ), had as materialized (
    select f.key, f.ctid as place from wikiembed.failures as f
     where f.source = p_source collate "default" and f.key in (select a.key from asked as a)
     order by f.key for update skip locked
  )
  select array(select a.key from asked as a), array(select h.key from had as h order by h.key),
         array(select h.place from had as h)
    into v_asked, v_keys, v_places;
  perform wikiembed_private.end_failures(v_places, 'retried');
  -- Read again, so that a failure which ended meanwhile does not count as locked.
  select count(*) into held from wikiembed.failures as f
   where cardinality(v_asked) > cardinality(v_keys) and f.source = p_source collate "default"
     and f.key in (select k.key collate "C" from unnest(v_asked) as k (key));
  select count(*), coalesce(sum(b.chunks), 0) into jobs, chunks
    from (
      select (wikiembed_private.requeue(p_source, array_agg(n.key), -1, 0)) as chunks
        from (select k as key, (row_number() over () - 1) / v_source.batch_size as batch
                from unnest(v_keys) as k) as n
       group by n.batch
    ) as b;
  v_documents := wikiembed_private.retry_documents(p_source, p_keys, p_error_class);
  jobs := jobs + v_documents.jobs;
  if jobs > 0 then
    perform wikiembed_private.log_action('retry', p_source, p_error_class,
      jsonb_build_object('chunks', chunks, 'jobs', jobs, 'held', held)
      || case when v_documents.documents > 0 then jsonb_build_object('documents', v_documents.documents) else '{}' end);
  end if;
  return next;
end;
$$;
comment on function wikiembed.retry_failures(text, text[], text) is
  'Requeues failed chunks and documents, all or those of some keys or of one class, and keeps their failures as history; returns the numbers of jobs, of both kinds, of chunks, and of failures that stayed because another transaction has locked them. Raises WE001, WE008, and WE010 for an unknown error class.';
