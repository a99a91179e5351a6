-- Locks as in attach: the documents first, so that no writer of theirs waits for a state that is locked here
-- while this waits for one of its own. The row of document_sources for update after that: a worker that
-- writes a split holds it for key share until it commits, and one that comes later gets locked. So the
-- statement that resets the states sees every split that was made with the former options. All documents
-- are queued, those in live jobs too: such a job may have split its document already. Bulk jobs that no
-- worker has fetched are replaced, so that calling it again does not lengthen the queue.
create or replace function wikiembed.resplit(
  p_source text, p_splitter text default null, p_max_chars integer default null, p_overlap_chars integer default null,
  p_context text default null, p_max_tokens integer default null, p_force boolean default false
) returns bigint
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set lock_timeout = '10s'
set jit = off
as $$
declare
  v_source wikiembed.sources;
  v_documents wikiembed.sources;
  v_old wikiembed.document_sources;
  v_new wikiembed.document_sources;
  v_waiting bigint;
begin
  perform wikiembed_private.require_read_committed();
  perform wikiembed_private.lock_source(p_source);
  perform wikiembed_private.require_documents(p_source);
  v_documents := wikiembed_private.document_row(p_source);
  if wikiembed_private.qualified(v_documents.relation) is null then
    raise exception 'the document table of source "%" was dropped', p_source
      using errcode = 'WE001', hint = format('Forget the source: select wikiembed.detach(%L).', p_source);
  end if;
  execute wikiembed_private.render_template(v_documents, 'lock table @table@ in share row exclusive mode');
  v_source := wikiembed_private.get_source(p_source);
  perform wikiembed_private.require_table(v_source);
  select d.* into v_old from wikiembed.document_sources as d where d.source = p_source collate "default" for update;
  v_new := wikiembed_private.resplit_options(v_old, p_splitter, p_max_chars, p_overlap_chars, p_context, p_max_tokens);
  if v_new is not distinct from v_old and p_force is not true then
    return 0;
  end if;
  update wikiembed.document_sources as d
     set splitter = v_new.splitter, max_chars = v_new.max_chars, overlap_chars = v_new.overlap_chars,
         context = v_new.context, max_tokens = v_new.max_tokens, splitter_version = v_new.splitter_version,
         generation = d.generation + 1
   where d.source = v_old.source;
  execute format('update wikiembed_private.%I as s set version = null', 'documents_' || p_source);
  delete from wikiembed.document_failures as f where f.source = p_source collate "default";
  delete from wikiembed_queue.procrastinate_jobs as j
   where j.queue_name = v_source.queue_name and j.task_name = 'wikiembed.split' and j.status = 'todo' and j.priority = 0;
  execute wikiembed_private.render_template(v_documents, $sql$
    with queued as (select s.key, 0 as priority from @state@ as s order by s.key), inserted as (
      @split_jobs@
      returning jsonb_array_length(args -> 'documents') as documents
    )
    select coalesce(sum(i.documents), 0) from inserted as i
  $sql$, wikiembed_private.document_names(p_source)) into v_waiting;
  if v_source.held_back_at is not null
     and (select e.jobs from wikiembed.enqueue(p_source, 1, p_dry_run => true) as e) = 0
  then
    update wikiembed.sources as s set held_back_at = null where s.name = v_source.name;
  end if;
  perform wikiembed_private.log_action('resplit', p_source, null, jsonb_build_object('documents', v_waiting)
    || (select coalesce(jsonb_object_agg(n.key, n.value), '{}') from jsonb_each(to_jsonb(v_new)) as n
         where n.value is distinct from to_jsonb(v_old) -> n.key));
  return v_waiting;
end;
$$;
comment on function wikiembed.resplit(text, text, integer, integer, text, integer, boolean) is
  'Queues all documents of a source to be split again, with other options if given (null: the present one; p_max_tokens 0: no bound) and the present version of the splitter; none when neither changes, unless p_force; chunks that stay equal keep row, key and vector, and the others are found by search until their document is split. Returns the number of documents. Raises WE001, WE008, WE010, and gives up after waiting 10 s for a lock.';

-- A test compares it with SPLITTER_VERSION of wikiembed/documents/split.py. Workers compare the digest of these
-- files with their own, so that one of another version splits nothing.
create or replace function wikiembed_private.splitter_version() returns integer
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select 1;
$$;
comment on function wikiembed_private.splitter_version() is
  'Version of the splitter: texts that another one has split may be cut elsewhere by this one.';

create or replace function wikiembed_private.resplit_options(
  p_documents wikiembed.document_sources, p_splitter text, p_max_chars integer, p_overlap_chars integer,
  p_context text, p_max_tokens integer
) returns wikiembed.document_sources
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  p_documents.splitter := coalesce(p_splitter, p_documents.splitter);
  p_documents.max_chars := coalesce(p_max_chars, p_documents.max_chars);
  p_documents.overlap_chars := coalesce(p_overlap_chars, p_documents.overlap_chars);
  p_documents.context := coalesce(p_context, p_documents.context);
  p_documents.max_tokens := nullif(coalesce(p_max_tokens, p_documents.max_tokens), 0);
  p_documents.splitter_version := wikiembed_private.splitter_version();
  perform wikiembed_private.check_document_options(
    p_documents.splitter, p_documents.max_chars, p_documents.overlap_chars, p_documents.context, 'vector', p_documents.max_tokens);
  return p_documents;
end;
$$;
comment on function wikiembed_private.resplit_options(wikiembed.document_sources, text, integer, integer, text, integer) is
  'The options of a source, and the version of the splitter, after a resplit; raises WE010.';
