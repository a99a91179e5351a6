create or replace function wikiembed.document_options(p_source text)
returns table (splitter text, max_chars integer, overlap_chars integer, context text, max_tokens integer)
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select d.splitter, d.max_chars, d.overlap_chars, d.context, d.max_tokens
    from wikiembed.document_sources as d where d.source = p_source collate "default";
$$;
comment on function wikiembed.document_options(text) is
  'How the documents of a source are split; no row when it has none.';

create or replace function wikiembed_private.require_documents(p_source text) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (select from wikiembed.document_sources as d where d.source = p_source collate "default") then
    raise exception 'no source of documents is named "%"', coalesce(p_source, '')
      using errcode = 'WE001', hint = 'List them: select source from wikiembed.documents.';
  end if;
end;
$$;
comment on function wikiembed_private.require_documents(text) is
  'Raises WE001 for a source that has no documents.';

-- Else a worker would try a statement that names what is missing for ever.
create or replace function wikiembed_private.require_document_tables(p_source text) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  v_source wikiembed.sources;
  v_missing text;
begin
  select s.* into v_source from wikiembed.sources as s where s.name = p_source collate "default";
  if wikiembed_private.documents_gone(p_source) or wikiembed_private.is_gone(v_source) then
    raise exception 'the documents or the chunk table of source "%", or a column of them, were dropped', p_source
      using errcode = 'WE001', hint = format('Forget the source: select wikiembed.detach(%L).', p_source);
  end if;
  v_missing := wikiembed_private.missing_chunk_columns(v_source.relation, '{}');
  if v_missing is not null then
    raise exception 'the chunk table of source "%" has no column %', p_source, v_missing
      using errcode = 'WE001', hint = 'Rename them back.';
  end if;
end;
$$;
comment on function wikiembed_private.require_document_tables(text) is
  'Raises WE001 when a table of a source of documents, or a column that is used, was dropped or, in the chunk table, renamed.';

create or replace function wikiembed.read_documents(p_source text, p_keys text[], p_most_bytes bigint default null)
returns table (key text, title text, content text, version bigint, chunks jsonb)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform wikiembed_private.require_documents(p_source);
  perform wikiembed_private.require_document_tables(p_source);
  return query execute format('select * from wikiembed_private.%I($1, $2)', 'read_document_' || p_source) using p_keys, p_most_bytes;
end;
$$;
comment on function wikiembed.read_documents(text, text[], bigint) is
  'Those documents that wait to be split, with the version to write with and their present chunks; what another transaction has locked is left out. p_most_bytes: the first documents alone, in order of key, until their texts reach that size; null: all. Raises WE001.';

-- Documents are numbered by p_keys, from 1; the chunks of a document are in order of position.
create or replace function wikiembed.write_splits(
  p_source text, p_keys text[], p_versions bigint[], p_old_documents integer[], p_old bigint[], p_documents integer[], p_ids bigint[],
  p_contexts text[], p_contents text[], p_headings text[], p_starts integer[], p_ends integer[]
) returns table (key text, outcome text)
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform wikiembed_private.require_documents(p_source);
  if cardinality(p_keys) is distinct from cardinality(p_versions) or cardinality(p_old_documents) is distinct from cardinality(p_old)
    or cardinality(p_documents) <> all (array[cardinality(p_ids), cardinality(p_contexts), cardinality(p_contents),
                                              cardinality(p_headings), cardinality(p_starts), cardinality(p_ends)])
  then
    raise exception 'the arrays differ in length' using errcode = 'WE010';
  end if;
  if (select count(distinct k) from unnest(p_keys) as k) <> cardinality(p_keys) then
    raise exception 'a document occurs twice, or has no key' using errcode = 'WE010';
  end if;
  if exists (select from unnest(p_documents || p_old_documents) as n where (n between 1 and cardinality(p_keys)) is not true)
    or exists (
      (select g.document, g.id from unnest(p_documents, p_ids) as g (document, id) where g.id is not null)
      except all
      (select distinct o.document, o.id from unnest(p_old_documents, p_old) as o (document, id)))
  then
    raise exception 'a chunk is of no document, or its id is not one of the document''s, or occurs twice' using errcode = 'WE010';
  end if;
  return query execute format('select * from wikiembed_private.%I($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)', 'split_documents_' || p_source)
    using p_keys, p_versions, p_old_documents, p_old, p_documents, p_ids, p_contexts, p_contents, p_headings, p_starts, p_ends;
end;
$$;
comment on function wikiembed.write_splits(
  text, text[], bigint[], integer[], bigint[], integer[], bigint[], text[], text[], text[], integer[], integer[]) is
  'Replaces the chunks of documents whose text still has the version: p_documents and p_old_documents have the number of each chunk''s document in p_keys, p_old the ids of the present chunks. Chunks with an id keep their row, and their vector where the text is equal; null ids are inserted, other chunks deleted. Returns for each document: written, stale (read it again), locked or gone. What Postgres refuses of one document writes none. Raises WE001, WE010, WE012.';

-- What no longer waits is left out: a worker cannot distinguish it from what is locked.
create or replace function wikiembed.requeue_documents(p_source text, p_keys text[], p_attempt integer) returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  v_waiting text[];
begin
  perform wikiembed_private.require_documents(p_source);
  execute format('select array_agg(s.key order by s.key) from wikiembed_private.%I as s
                   where s.key = any ($1 collate "C") and s.version is null', 'documents_' || p_source)
    into v_waiting using p_keys;
  if v_waiting is null then
    return 0;
  end if;
  insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args, scheduled_at)
  values ('embed_' || p_source, 'wikiembed.split', 5,
          jsonb_build_object('source', p_source, 'documents', to_jsonb(v_waiting), 'attempt', p_attempt + 1),
          clock_timestamp() + wikiembed_private.backoff(p_attempt));
  return cardinality(v_waiting);
end;
$$;
comment on function wikiembed.requeue_documents(text, text[], integer) is
  'Requeues those documents that wait to be split, with a backoff that grows with each attempt to 300 s; returns their number. Raises WE001.';

create or replace function wikiembed.record_document_failure(
  p_source text, p_key text, p_version bigint, p_error_class text, p_message text, p_job_id bigint default null
) returns boolean
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
  v_waits boolean;
begin
  perform wikiembed_private.require_documents(p_source);
  v_waits := exists (select from wikiembed.read_documents(p_source, array[p_key]) as d where d.version = p_version);
  if v_waits then
    insert into wikiembed.document_failures as f (source, key, error_class, message, job_id)
    values (p_source, p_key, p_error_class, left(coalesce(p_message, ''), 1000), p_job_id)
        on conflict on constraint document_failures_pkey do update
           set error_class = excluded.error_class, message = excluded.message, attempts = f.attempts + 1,
               last_at = excluded.last_at, job_id = excluded.job_id;
  end if;
  return v_waits;
end;
$$;
comment on function wikiembed.record_document_failure(text, text, bigint, text, text, bigint) is
  'Records that a document with this version cannot be split; returns false when its text changed meanwhile. Raises WE001.';

-- Failures that another transaction has locked are skipped: it changes, splits or deletes that document.
create or replace function wikiembed_private.retry_documents(
  p_source text, p_keys text[], p_error_class text, out jobs bigint, out documents bigint
)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
declare
  v_named text[] := case when exists (
      select from wikiembed.document_sources as s
       where s.source = p_source collate "default" and cardinality(s.key_types) > 1)
    then wikiembed_private.respell_keys(p_keys) else p_keys end;
  v_keys text[] := array(
    select f.key from wikiembed.document_failures as f
     where f.source = p_source collate "default"
       and (p_keys is null or f.key in (select k.key collate "C" from unnest(v_named) as k (key)))
       and (p_error_class is null or f.error_class = p_error_class collate "default")
     order by f.key for update skip locked);
begin
  documents := wikiembed_private.end_document_failures(p_source, v_keys, 'retried');
  jobs := wikiembed_private.queue_documents(p_source, v_keys, 5);
end;
$$;
comment on function wikiembed_private.retry_documents(text, text[], text) is
  'Queues documents that failed, all or those of some keys or of one class, and keeps their failures as history; returns the numbers of jobs and documents.';

-- Every waiting document that is in no live job and in no failure, in one statement.
create or replace function wikiembed_private.enqueue_documents(
  p_source text, p_most bigint, p_dry_run boolean, out jobs bigint, out documents bigint
)
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set row_security = off
set enable_nestloop = off
set jit = off
as $$
declare
  v_waiting text[];
begin
  execute format($sql$
    with live as materialized (
      select k.key from wikiembed_private.live_keys($1, 'wikiembed.split') as k
    )
    select array(
      select s.key from wikiembed_private.%I as s
       where s.version is null
         and not exists (select from live as l where l.key = s.key)
         and not exists (select from wikiembed.document_failures as f where f.source = $2 and f.key = s.key)
       order by s.key
       limit $3)
  $sql$, 'documents_' || p_source) into v_waiting using 'embed_' || p_source, p_source, p_most;
  documents := cardinality(v_waiting);
  jobs := case when p_dry_run then ceil(documents::numeric / wikiembed_private.documents_per_job()) else wikiembed_private.queue_documents(p_source, v_waiting, 0) end;
end;
$$;
comment on function wikiembed_private.enqueue_documents(text, bigint, boolean) is
  'Queues the documents of a source that wait in no job and in no failure; returns the numbers of jobs and documents.';

create or replace function wikiembed_private.count_documents(
  p_source text, out total bigint, out split bigint, out chunks bigint
)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  execute format('select count(*), count(s.version), coalesce(sum(s.chunks) filter (where s.version is not null), 0)
                    from wikiembed_private.%I as s', 'documents_' || p_source) into total, split, chunks;
end;
$$;
comment on function wikiembed_private.count_documents(text) is
  'Counts the documents of a source; reads its table of states.';

create or replace view wikiembed.documents as
select d.source,
       wikiembed_private.qualified(d.relation) as relation,
       c.total,
       c.split,
       c.total - c.split - f.failed as waiting,
       f.failed,
       c.chunks
  from wikiembed.document_sources as d
 cross join lateral wikiembed_private.count_documents(d.source) as c
 cross join lateral (select count(*) as failed from wikiembed.document_failures as f where f.source = d.source) as f;
comment on view wikiembed.documents is
  'One row per source of documents; reads its table of states, about 0.1 s per million documents.';
comment on column wikiembed.documents.source is 'The source.';
comment on column wikiembed.documents.relation is 'The document table; null when it was dropped.';
comment on column wikiembed.documents.total is 'Documents.';
comment on column wikiembed.documents.split is 'Documents whose chunks are those of their present text.';
comment on column wikiembed.documents.waiting is 'Documents that wait to be split, queued or not.';
comment on column wikiembed.documents.failed is 'Documents that cannot be split, in document_failures.';
comment on column wikiembed.documents.chunks is 'Chunks of the documents that are split.';

comment on table wikiembed.document_sources is
  'One row per source whose chunks are split from documents; written by attach_documents.';
comment on column wikiembed.document_sources.source is 'The source of the chunks.';
comment on column wikiembed.document_sources.relation is 'The table of documents.';
comment on column wikiembed.document_sources.key_columns is 'The columns that identify a document together.';
comment on column wikiembed.document_sources.key_types is 'Type of each column of the key.';
comment on column wikiembed.document_sources.key_attnums is 'Column number of each column of the key.';
comment on column wikiembed.document_sources.text_columns is 'The columns whose text is split, joined by a blank line.';
comment on column wikiembed.document_sources.text_paths is 'For each column of the text the path of a JSON field; null: the column itself.';
comment on column wikiembed.document_sources.text_attnums is 'Column number of each column of the text.';
comment on column wikiembed.document_sources.title_column is 'The column of the title; null: none.';
comment on column wikiembed.document_sources.title_attnum is 'Column number of the title.';
comment on column wikiembed.document_sources.splitter is 'text, markdown or html.';
comment on column wikiembed.document_sources.max_chars is 'Most characters of a chunk, without its context.';
comment on column wikiembed.document_sources.overlap_chars is 'Characters that a chunk repeats of the one before.';
comment on column wikiembed.document_sources.max_tokens is 'Most tokens of a chunk, without its context; null: no bound.';
comment on column wikiembed.document_sources.context is 'What precedes a chunk when it is embedded: none, title, heading or title_heading.';
comment on column wikiembed.document_sources.splitter_version is 'Version of the splitter that its documents are split by, since attach or the last resplit.';
comment on column wikiembed.document_sources.generation is 'Seed of the hash of documents; grows with every change of the options.';
comment on column wikiembed.document_sources.trigger_version is 'Digest of the functions that generated its triggers.';
comment on column wikiembed.document_sources.written_as is 'The names that the generated functions use.';
comment on table wikiembed.document_failures is
  'Documents that cannot be split; written by workers, deleted when the document changes or is split.';
comment on column wikiembed.document_failures.source is 'The source.';
comment on column wikiembed.document_failures.key is 'Key of the document, as text.';
comment on column wikiembed.document_failures.error_class is 'Why, as in failures.';
comment on column wikiembed.document_failures.message is 'What went wrong, in a sentence; never the text.';
comment on column wikiembed.document_failures.attempts is 'How often it failed.';
comment on column wikiembed.document_failures.first_at is 'When it failed first.';
comment on column wikiembed.document_failures.last_at is 'When it failed last.';
comment on column wikiembed.document_failures.job_id is 'The job in which it failed last.';
