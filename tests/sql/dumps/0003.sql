--
-- PostgreSQL database dump
--


-- Dumped from database version 16.14
-- Dumped by pg_dump version 16.14

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: wikiembed; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA wikiembed;


--
-- Name: SCHEMA wikiembed; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON SCHEMA wikiembed IS 'The public interface of wikiembed: tables, views and functions whose names do not change.';


--
-- Name: wikiembed_private; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA wikiembed_private;


--
-- Name: SCHEMA wikiembed_private; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON SCHEMA wikiembed_private IS 'Internal: generated functions of each source and the functions that generate them; may change at any time.';


--
-- Name: wikiembed_queue; Type: SCHEMA; Schema: -; Owner: -
--

CREATE SCHEMA wikiembed_queue;


--
-- Name: SCHEMA wikiembed_queue; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON SCHEMA wikiembed_queue IS 'The job queue: procrastinate 3.10.0, vendored as released; written by wikiembed functions and workers.';


--
-- Name: vector; Type: EXTENSION; Schema: -; Owner: -
--

CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;


--
-- Name: EXTENSION vector; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON EXTENSION vector IS 'vector data type and ivfflat and hnsw access methods';


--
-- Name: procrastinate_job_event_type; Type: TYPE; Schema: wikiembed_queue; Owner: -
--

CREATE TYPE wikiembed_queue.procrastinate_job_event_type AS ENUM (
    'deferred',
    'started',
    'deferred_for_retry',
    'failed',
    'succeeded',
    'cancelled',
    'abort_requested',
    'aborted',
    'scheduled',
    'retried'
);


--
-- Name: procrastinate_job_status; Type: TYPE; Schema: wikiembed_queue; Owner: -
--

CREATE TYPE wikiembed_queue.procrastinate_job_status AS ENUM (
    'todo',
    'doing',
    'succeeded',
    'failed',
    'cancelled',
    'aborting',
    'aborted'
);


--
-- Name: procrastinate_job_to_defer_v1; Type: TYPE; Schema: wikiembed_queue; Owner: -
--

CREATE TYPE wikiembed_queue.procrastinate_job_to_defer_v1 AS (
	queue_name character varying,
	task_name character varying,
	priority integer,
	lock text,
	queueing_lock text,
	args jsonb,
	scheduled_at timestamp with time zone
);


--
-- Name: attach(regclass, name[], text[], name, text, text, text, integer, text, text, integer, boolean, boolean, boolean, boolean); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.attach(p_relation regclass, p_key name[], p_text text[], p_embedding name, p_name text, p_provider text DEFAULT NULL::text, p_model text DEFAULT NULL::text, p_dimensions integer DEFAULT NULL::integer, p_document_prefix text DEFAULT NULL::text, p_query_prefix text DEFAULT NULL::text, p_batch_size integer DEFAULT 64, p_index boolean DEFAULT true, p_check_only boolean DEFAULT false, p_enqueue boolean DEFAULT false, p_move boolean DEFAULT false) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET lock_timeout TO '10s'
    AS $$
declare
  v_source wikiembed.sources;
  v_former wikiembed.sources;
  v_failures wikiembed.failures[] := '{}';
  v_history wikiembed_private.ended_failures[] := '{}';
  v_truncated wikiembed.truncated_chunks[] := '{}';
  v_vectors bigint := 0;
  v_warning text;
begin
  perform wikiembed_private.require_read_committed();
  perform wikiembed_private.check_name(p_name);
  perform wikiembed_private.check_relation(p_relation);
  perform wikiembed_private.check_rights(p_relation);
  perform wikiembed_private.lock_source(p_name);
  if p_move then
    v_former := wikiembed_private.get_source(p_name);
  else
    select s.* into v_former from wikiembed.sources as s where s.name = p_name and wikiembed_private.is_gone(s);
  end if;
  execute format('lock table %s in %s mode', wikiembed_private.qualified(p_relation),
    case when p_check_only then 'share update exclusive' else 'share row exclusive' end);
  perform wikiembed_private.check_unattached(p_relation, p_embedding, p_name, v_former.name is not null);
  v_source := wikiembed_private.check_source(
    p_relation, p_key, p_text, p_embedding, p_name, p_provider, p_model,
    case when p_move and p_dimensions is null and v_former.dimensions is not null and not exists (
           select from pg_attribute as a
            where a.attrelid = p_relation and a.attname = p_embedding and a.atttypmod <> -1)
         then v_former.dimensions else p_dimensions end,
    p_document_prefix, p_query_prefix, p_batch_size);
  if p_move then
    v_source := wikiembed_private.settings_moved(v_former, v_source);
  end if;
  if p_check_only then
    return p_name;
  end if;
  if p_move and (v_former.relation, v_former.key_columns, v_former.text_columns, v_former.text_paths, v_former.embedding_column)
    = (v_source.relation, v_source.key_columns, v_source.text_columns, v_source.text_paths, v_source.embedding_column)
  then
    update wikiembed.sources as s set attached_as = wikiembed_private.qualified(p_relation) where s.name = p_name;
    perform wikiembed_private.log_action('attach', p_name, null, jsonb_build_object('relation', p_relation::text));
    return p_name;
  end if;
  v_warning := wikiembed_private.owner_warning(p_relation);
  if v_warning is not null then
    raise warning '%', v_warning using hint = 'Trust them as much as that role, or let one with fewer rights own wikiembed.';
  end if;
  if v_former.name is not null then
    if not p_move then
      raise warning 'source "%" was attached to a table, or a column, that was dropped', p_name
        using hint = format('%s takes its place, and its settings are not kept', p_relation);
    elsif not wikiembed_private.is_gone(v_former) then
      v_failures := wikiembed_private.failures_moved(v_former, v_source);
      v_vectors := wikiembed_private.copy_vectors(v_former, v_source);
      v_truncated := wikiembed_private.truncated_moved(v_former, v_source);
    end if;
    if p_move then
      v_history := array(
        select e from wikiembed_private.ended_failures as e where e.source = p_name collate "default" order by e.id);
    end if;
    perform wikiembed.detach(p_name);
    perform wikiembed_private.rename_missing_index(v_source);
  end if;
  insert into wikiembed.sources (
    name, relation, key_column, text_column, embedding_column, key_type, embedding_type,
    key_attnum, text_attnum, embedding_attnum, attached_as,
    key_columns, key_types, key_attnums, text_columns, text_paths, text_attnums,
    provider, model, dimensions, document_prefix, query_prefix, batch_size,
    generation, pinned_at, prefix_pinned, prove_function, paused_at, paused_by, pause_reason, resume_at)
  values (
    v_source.name, v_source.relation, v_source.key_column, v_source.text_column, v_source.embedding_column,
    v_source.key_type, v_source.embedding_type,
    v_source.key_attnum, v_source.text_attnum, v_source.embedding_attnum, wikiembed_private.qualified(p_relation),
    v_source.key_columns, v_source.key_types, v_source.key_attnums, v_source.text_columns, v_source.text_paths, v_source.text_attnums,
    v_source.provider, v_source.model, v_source.dimensions, v_source.document_prefix, v_source.query_prefix,
    v_source.batch_size, coalesce(v_source.generation, 1), v_source.pinned_at, coalesce(v_source.prefix_pinned, false),
    v_source.prove_function, v_source.paused_at, v_source.paused_by, v_source.pause_reason, v_source.resume_at);
  execute format('create sequence if not exists wikiembed_private.%I minvalue 0 start 0', 'clock_embed_' || p_name);
  execute format('comment on sequence wikiembed_private.%I is %L', 'clock_embed_' || p_name,
    'Milliseconds of the last notification for source ' || p_name || '.');
  if p_index then
    perform wikiembed_private.create_missing_index(p_name);
  end if;
  insert into wikiembed.failures select f.* from unnest(v_failures) as f;
  insert into wikiembed.truncated_chunks select c.* from unnest(v_truncated) as c;
  if cardinality(v_history) > 0 then
    insert into wikiembed_private.ended_failures overriding system value select e.* from unnest(v_history) as e;
  end if;
  perform wikiembed_private.correct_ledger(p_name);
  perform wikiembed_private.write_triggers(p_name);
  update wikiembed.sources as s set held_back_at = now()
   where s.name = p_name
     and exists (select from wikiembed.ledger as l where l.source = s.name
                  having sum(l.total) > sum(l.embedded + l.failed + l.skipped));
  if p_enqueue then
    perform wikiembed.enqueue(p_name);
  end if;
  perform wikiembed_private.log_action(
    'attach', p_name, null,
    jsonb_build_object('relation', p_relation::text) || case when p_move then
      jsonb_build_object('former', coalesce(wikiembed_private.qualified(v_former.relation), 'gone'),
                         'vectors', v_vectors, 'failures', cardinality(v_failures))
      else '{}' end);
  return p_name;
end;
$$;


--
-- Name: FUNCTION attach(p_relation regclass, p_key name[], p_text text[], p_embedding name, p_name text, p_provider text, p_model text, p_dimensions integer, p_document_prefix text, p_query_prefix text, p_batch_size integer, p_index boolean, p_check_only boolean, p_enqueue boolean, p_move boolean); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.attach(p_relation regclass, p_key name[], p_text text[], p_embedding name, p_name text, p_provider text, p_model text, p_dimensions integer, p_document_prefix text, p_query_prefix text, p_batch_size integer, p_index boolean, p_check_only boolean, p_enqueue boolean, p_move boolean) IS 'Registers a vector or halfvec column as a source, writes its triggers and counts its rows, which wait for enqueue unless p_enqueue; or only checks whether it would, and blocks no writer. With p_move an existing source is moved to this table, with its settings, its pause, the failures of equal rows and the vectors of equal texts. Raises WE001 to WE010; warns when the table''s owner could run SQL as wikiembed''s owner.';


--
-- Name: attach(regclass, name[], name, name, text, text, text, integer, text, text, integer, boolean, boolean, boolean, boolean); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.attach(p_relation regclass, p_key name[], p_text name, p_embedding name, p_name text, p_provider text DEFAULT NULL::text, p_model text DEFAULT NULL::text, p_dimensions integer DEFAULT NULL::integer, p_document_prefix text DEFAULT NULL::text, p_query_prefix text DEFAULT NULL::text, p_batch_size integer DEFAULT 64, p_index boolean DEFAULT true, p_check_only boolean DEFAULT false, p_enqueue boolean DEFAULT false, p_move boolean DEFAULT false) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET lock_timeout TO '10s'
    AS $$
begin
  return wikiembed.attach(
    p_relation, p_key, array[p_text::text], p_embedding, p_name, p_provider, p_model, p_dimensions,
    p_document_prefix, p_query_prefix, p_batch_size, p_index, p_check_only, p_enqueue, p_move);
end;
$$;


--
-- Name: FUNCTION attach(p_relation regclass, p_key name[], p_text name, p_embedding name, p_name text, p_provider text, p_model text, p_dimensions integer, p_document_prefix text, p_query_prefix text, p_batch_size integer, p_index boolean, p_check_only boolean, p_enqueue boolean, p_move boolean); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.attach(p_relation regclass, p_key name[], p_text name, p_embedding name, p_name text, p_provider text, p_model text, p_dimensions integer, p_document_prefix text, p_query_prefix text, p_batch_size integer, p_index boolean, p_check_only boolean, p_enqueue boolean, p_move boolean) IS 'The same for a key of several columns and a text of one.';


--
-- Name: attach(regclass, name, name, name, text, text, text, integer, text, text, integer, boolean, boolean, boolean, boolean); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.attach(p_relation regclass, p_key name, p_text name, p_embedding name, p_name text, p_provider text DEFAULT NULL::text, p_model text DEFAULT NULL::text, p_dimensions integer DEFAULT NULL::integer, p_document_prefix text DEFAULT NULL::text, p_query_prefix text DEFAULT NULL::text, p_batch_size integer DEFAULT 64, p_index boolean DEFAULT true, p_check_only boolean DEFAULT false, p_enqueue boolean DEFAULT false, p_move boolean DEFAULT false) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET lock_timeout TO '10s'
    AS $$
begin
  return wikiembed.attach(
    p_relation, array[p_key], array[p_text::text], p_embedding, p_name, p_provider, p_model, p_dimensions,
    p_document_prefix, p_query_prefix, p_batch_size, p_index, p_check_only, p_enqueue, p_move);
end;
$$;


--
-- Name: FUNCTION attach(p_relation regclass, p_key name, p_text name, p_embedding name, p_name text, p_provider text, p_model text, p_dimensions integer, p_document_prefix text, p_query_prefix text, p_batch_size integer, p_index boolean, p_check_only boolean, p_enqueue boolean, p_move boolean); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.attach(p_relation regclass, p_key name, p_text name, p_embedding name, p_name text, p_provider text, p_model text, p_dimensions integer, p_document_prefix text, p_query_prefix text, p_batch_size integer, p_index boolean, p_check_only boolean, p_enqueue boolean, p_move boolean) IS 'The same for a key and a text of one column each.';


--
-- Name: attach_documents(regclass, name[], text[], text, name, text, text, integer, integer, text, integer, text, text, text, text, text, integer, boolean); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.attach_documents(p_relation regclass, p_key name[], p_text text[], p_name text, p_title name DEFAULT NULL::name, p_chunks text DEFAULT NULL::text, p_splitter text DEFAULT 'text'::text, p_max_chars integer DEFAULT 1000, p_overlap_chars integer DEFAULT 0, p_context text DEFAULT 'title_heading'::text, p_dimensions integer DEFAULT NULL::integer, p_embedding_type text DEFAULT 'vector'::text, p_provider text DEFAULT NULL::text, p_model text DEFAULT NULL::text, p_document_prefix text DEFAULT NULL::text, p_query_prefix text DEFAULT NULL::text, p_batch_size integer DEFAULT 64, p_enqueue boolean DEFAULT false) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET lock_timeout TO '10s'
    AS $_$
declare
  v_row wikiembed.sources;
  v_title pg_attribute;
  v_chunks regclass;
begin
  perform wikiembed_private.require_read_committed();
  perform wikiembed_private.check_name(p_name);
  perform wikiembed_private.check_relation(p_relation);
  perform wikiembed_private.check_rights(p_relation);
  perform wikiembed_private.lock_source(p_name);
  execute format('lock table %s in share row exclusive mode', wikiembed_private.qualified(p_relation));
  v_row.name := p_name;
  v_row.relation := p_relation;
  v_row := wikiembed_private.check_keys(v_row, p_key);
  v_row := wikiembed_private.check_texts(v_row, p_text);
  perform wikiembed_private.check_document_options(p_splitter, p_max_chars, p_overlap_chars, p_context, p_embedding_type);
  if p_title is not null then
    v_title := wikiembed_private.require_column(p_relation, p_title, 'text', null);
    perform wikiembed_private.check_text(p_relation, v_title);
  end if;
  v_chunks := wikiembed_private.create_chunk_table(
    v_row, wikiembed_private.chunk_table_name(p_relation, coalesce(p_chunks, quote_ident(p_name || '_chunks'))),
    p_embedding_type, p_dimensions);
  perform wikiembed.attach(
    v_chunks, array['id']::name[], array['context', 'content'], 'embedding', p_name, p_provider, p_model, p_dimensions,
    p_document_prefix, p_query_prefix, p_batch_size);
  insert into wikiembed.document_sources (
    source, relation, key_columns, key_types, key_attnums, text_columns, text_paths, text_attnums,
    title_column, title_attnum, splitter, max_chars, overlap_chars, context)
  values (
    p_name, p_relation, v_row.key_columns, v_row.key_types, v_row.key_attnums, v_row.text_columns, v_row.text_paths,
    v_row.text_attnums, p_title, v_title.attnum, p_splitter, p_max_chars, p_overlap_chars, p_context);
  execute format(
    'create table wikiembed_private.%1$I (key text collate "C" primary key, version bigint, chunks integer not null default 0,'
    ' split_at timestamptz)', 'documents_' || p_name);
  execute format('create index on wikiembed_private.%I (key) where version is null', 'documents_' || p_name);
  execute format('comment on table wikiembed_private.%I is %L', 'documents_' || p_name,
    'State of each document of source ' || p_name || ': version null waits to be split.');
  execute wikiembed_private.render_template(v_row, 'insert into @state@ (key) select @key_of(d)@ from @table@ as d',
    wikiembed_private.document_names(p_name));
  perform wikiembed_private.write_document_triggers(p_name);
  update wikiembed.sources as s set held_back_at = now()
   where s.name = p_name and wikiembed_private.has_waiting_document(p_name);
  if p_enqueue then
    perform wikiembed.enqueue(p_name);
  end if;
  return p_name;
end;
$_$;


--
-- Name: FUNCTION attach_documents(p_relation regclass, p_key name[], p_text text[], p_name text, p_title name, p_chunks text, p_splitter text, p_max_chars integer, p_overlap_chars integer, p_context text, p_dimensions integer, p_embedding_type text, p_provider text, p_model text, p_document_prefix text, p_query_prefix text, p_batch_size integer, p_enqueue boolean); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.attach_documents(p_relation regclass, p_key name[], p_text text[], p_name text, p_title name, p_chunks text, p_splitter text, p_max_chars integer, p_overlap_chars integer, p_context text, p_dimensions integer, p_embedding_type text, p_provider text, p_model text, p_document_prefix text, p_query_prefix text, p_batch_size integer, p_enqueue boolean) IS 'Keeps a chunk table in step with a table of documents, and the chunks embedded: creates <schema>.<name>_chunks or adopts a table of that shape, attaches it as a source, and has workers split each document that is written from now on. Documents that are there wait for enqueue unless p_enqueue. Raises WE002 to WE010.';


--
-- Name: attach_documents(regclass, name, name, text, name, text, text, integer, integer, text, integer, text, text, text, text, text, integer, boolean); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.attach_documents(p_relation regclass, p_key name, p_text name, p_name text, p_title name DEFAULT NULL::name, p_chunks text DEFAULT NULL::text, p_splitter text DEFAULT 'text'::text, p_max_chars integer DEFAULT 1000, p_overlap_chars integer DEFAULT 0, p_context text DEFAULT 'title_heading'::text, p_dimensions integer DEFAULT NULL::integer, p_embedding_type text DEFAULT 'vector'::text, p_provider text DEFAULT NULL::text, p_model text DEFAULT NULL::text, p_document_prefix text DEFAULT NULL::text, p_query_prefix text DEFAULT NULL::text, p_batch_size integer DEFAULT 64, p_enqueue boolean DEFAULT false) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET lock_timeout TO '10s'
    AS $$
begin
  return wikiembed.attach_documents(
    p_relation, array[p_key], array[p_text::text], p_name, p_title, p_chunks, p_splitter, p_max_chars, p_overlap_chars,
    p_context, p_dimensions, p_embedding_type, p_provider, p_model, p_document_prefix, p_query_prefix, p_batch_size, p_enqueue);
end;
$$;


--
-- Name: FUNCTION attach_documents(p_relation regclass, p_key name, p_text name, p_name text, p_title name, p_chunks text, p_splitter text, p_max_chars integer, p_overlap_chars integer, p_context text, p_dimensions integer, p_embedding_type text, p_provider text, p_model text, p_document_prefix text, p_query_prefix text, p_batch_size integer, p_enqueue boolean); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.attach_documents(p_relation regclass, p_key name, p_text name, p_name text, p_title name, p_chunks text, p_splitter text, p_max_chars integer, p_overlap_chars integer, p_context text, p_dimensions integer, p_embedding_type text, p_provider text, p_model text, p_document_prefix text, p_query_prefix text, p_batch_size integer, p_enqueue boolean) IS 'The same for a key and a text of one column each.';


--
-- Name: check_invariants(text); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.check_invariants(p_source text DEFAULT NULL::text) RETURNS TABLE(name text, violations bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS $$
declare
  v_source wikiembed.sources;
  v_counts bigint[];
  v_sums bigint[] := array[0, 0, 0, 0, 0, 0, 0];
begin
  if p_source is not null and not exists (select from wikiembed.sources as s where s.name = p_source) then
    raise exception 'no source is named "%"', p_source
      using errcode = 'WE001', hint = 'List them: select name from wikiembed.sources.';
  end if;
  for v_source in select s.* from wikiembed.sources as s where p_source is null or s.name = p_source loop
    continue when wikiembed_private.is_gone(v_source);
    v_counts := wikiembed_private.count_violations(v_source);
    v_counts := v_counts || wikiembed_private.count_document_violations(v_source);
    v_sums := array(select v_sums[i] + v_counts[i] from generate_series(1, 7) as i);
  end loop;
  return query values
    ('every missing row waits in a job, in failures or is skipped', v_sums[1]),
    ('every stored vector belongs to the row''s text', v_sums[2]),
    ('the ledger''s sums equal the counts of the table', v_sums[3]),
    ('no row is both embedded and in failures', v_sums[4]),
    ('no live job names a source that does not exist', (
      select count(*) from wikiembed_queue.procrastinate_jobs as j
       where j.task_name in ('wikiembed.embed', 'wikiembed.split') and j.status in ('todo', 'doing')
         and not exists (select from wikiembed.sources as s where s.name = j.args ->> 'source'))),
    ('every chunk that is marked as truncated has a vector', v_sums[5]),
    ('every document is split as its text is now, or waits in a job or in failures', v_sums[6]),
    ('every chunk of a document is its text from starts_at to ends_at, at gapless positions', v_sums[7]);
end;
$$;


--
-- Name: FUNCTION check_invariants(p_source text); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.check_invariants(p_source text) IS 'The eight invariants and the number of rows that violate each; the second is verified only where sources.prove_function is set. Reads whole tables. Raises WE001.';


--
-- Name: detach(text); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.detach(p_name text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '10s'
    AS $$
declare
  v_source wikiembed.sources;
  v_relation regclass;
  v_trigger name;
  v_function regprocedure;
begin
  perform wikiembed_private.require_read_committed();
  perform wikiembed_private.lock_source(p_name);
  select s.* into v_source from wikiembed.sources as s where s.name = p_name;
  if not found then
    perform wikiembed_private.get_source(p_name);
  end if;
  if wikiembed_private.qualified(v_source.relation) is not null then
    execute wikiembed_private.render_template(v_source, 'lock table @table@ in access exclusive mode');
    execute wikiembed_private.render_template(v_source, 'drop trigger if exists @null_stale_trigger@ on @table@');
    execute format('drop index if exists %I.%I',
      (select n.nspname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
        where c.oid = v_source.relation),
      'wikiembed_missing_' || p_name);
  end if;
  for v_relation, v_trigger in
    select t.relation, t.trigger from wikiembed_private.triggers_of(p_name) as t
  loop
    execute format('drop trigger %I on %s', v_trigger, wikiembed_private.qualified(v_relation));
  end loop;
  for v_relation, v_trigger in
    select t.tgrelid::regclass, t.tgname from pg_trigger as t join pg_proc as p on p.oid = t.tgfoid
     where p.pronamespace = 'wikiembed_private'::regnamespace
       and p.proname = any (array['on_document_insert_' || p_name, 'on_document_update_' || p_name,
                                  'on_document_delete_' || p_name, 'on_document_truncate_' || p_name] collate "C")
  loop
    execute format('drop trigger %I on %s', v_trigger, wikiembed_private.qualified(v_relation));
  end loop;
  if to_regclass(format('wikiembed_private.%I', 'documents_' || p_name)) is not null then
    execute format('drop table wikiembed_private.%I', 'documents_' || p_name);
  end if;
  perform 1 from wikiembed.sources as s where s.name = p_name for update;
  for v_function in
    select p.oid from pg_proc as p
     where p.pronamespace = 'wikiembed_private'::regnamespace
       and obj_description(p.oid, 'pg_proc') = wikiembed_private.generated_comment(v_source.name)
  loop
    execute format('drop function %s', v_function);
  end loop;
  execute format('drop sequence if exists wikiembed_private.%I', 'clock_embed_' || p_name);
  delete from wikiembed_queue.procrastinate_jobs as j where j.queue_name = v_source.queue_name;
  delete from wikiembed.failures as f where f.source = v_source.name;
  delete from wikiembed_private.ended_failures as e where e.source = v_source.name;
  delete from wikiembed.sources as s where s.name = v_source.name;
  delete from wikiembed.ledger as l where l.source = v_source.name;
  perform wikiembed_private.drop_deltas(p_name);
  perform wikiembed_private.log_action('detach', p_name);
end;
$$;


--
-- Name: FUNCTION detach(p_name text); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.detach(p_name text) IS 'Detaches a source: its triggers, functions, jobs, failures, their history and ledger; the table''s rows stay. Raises WE001.';


--
-- Name: document_options(text); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.document_options(p_source text) RETURNS TABLE(splitter text, max_chars integer, overlap_chars integer, context text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select d.splitter, d.max_chars, d.overlap_chars, d.context
    from wikiembed.document_sources as d where d.source = p_source collate "default";
$$;


--
-- Name: FUNCTION document_options(p_source text); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.document_options(p_source text) IS 'How the documents of a source are split; no row when it has none.';


--
-- Name: end_outage(text, double precision, double precision); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.end_outage(p_server text, p_ended_s double precision DEFAULT 0, p_unseen_s double precision DEFAULT 0) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_ended boolean;
begin
  update wikiembed.outages as o
     set ended_at = greatest(o.last_seen_at, clock_timestamp() - make_interval(secs => greatest(p_ended_s, 0)))
   where o.server = p_server and o.ended_at is null
     and o.last_seen_at <= clock_timestamp() - make_interval(secs => greatest(p_unseen_s, 0));
  v_ended := found;
  delete from wikiembed.outages as o
   where coalesce(o.ended_at, o.last_seen_at) < clock_timestamp() - make_interval(days => 30);
  return v_ended;
end;
$$;


--
-- Name: FUNCTION end_outage(p_server text, p_ended_s double precision, p_unseen_s double precision); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.end_outage(p_server text, p_ended_s double precision, p_unseen_s double precision) IS 'Records that a server answered, p_ended_s seconds ago: ends its open outage, if there is one that no worker has reported for p_unseen_s, and returns whether there was one; deletes outages older than 30 days.';


--
-- Name: enqueue(text, bigint, integer, boolean); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.enqueue(p_source text, p_max_chunks bigint DEFAULT NULL::bigint, p_batch_size integer DEFAULT NULL::integer, p_dry_run boolean DEFAULT false) RETURNS TABLE(jobs bigint, chunks bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_nestloop TO 'off'
    SET enable_hashagg TO 'off'
    SET work_mem TO '8MB'
    SET jit TO 'off'
    AS $_$
declare
  v_source wikiembed.sources;
  v_left boolean;
begin
  perform wikiembed_private.require_read_committed();
  if p_batch_size not between 1 and 4096 or p_max_chunks < 0 then
    raise exception 'a batch has 1 to 4096 chunks and max_chunks is not negative'
      using errcode = 'WE010', hint = format('Got batch size %s, max chunks %s.', p_batch_size, p_max_chunks);
  end if;
  perform wikiembed_private.lock_source(p_source);
  v_source := wikiembed_private.get_source(p_source);
  perform wikiembed_private.require_table(v_source);
  execute wikiembed_private.render_template(v_source, $sql$
    with live as materialized (
      select k.key collate "C" as key
        from (
               select j.task_name, j.args from wikiembed_queue.procrastinate_jobs as j
                where j.queue_name = @queue@ and j.status = 'todo' and j.scheduled_at is null
                union all
               select j.task_name, j.args from wikiembed_queue.procrastinate_jobs as j
                where j.queue_name = @queue@ and j.status = 'todo' and j.scheduled_at is not null
                union all
               select j.task_name, j.args from wikiembed_queue.procrastinate_jobs as j
                where j.queue_name = @queue@ and j.status = 'doing'
             ) as j,
             jsonb_array_elements_text(
               case jsonb_typeof(j.args -> 'keys') when 'array' then j.args -> 'keys' else '[]' end) as k (key)
       where j.task_name = 'wikiembed.embed'
    ), missing as (
      select @key_value(t)@ as key
        from @table@ as t
       where t.@embedding@ is null
         and not exists (select from live as l where l.key = @key_of(t)@ collate "C")
         and not exists (select from wikiembed.failures as f
                          where f.source = @source@ and f.key = @key_of(t)@ collate "C")
       order by @order_by(t)@
       limit case when $1 < 9223372036854775807 then $1 + 1 end
    ), inserted as (
      insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
      select @queue@, 'wikiembed.embed', 0, jsonb_build_object('source', @source@, 'keys', to_jsonb(array_agg(n.key)))
        from (select m.key::text as key, (row_number() over (order by m.key) - 1) / $2 as batch
                from (select m.key from missing as m where not $3 order by m.key limit $1) as m) as n
       group by n.batch
       order by n.batch
      returning jsonb_array_length(args -> 'keys') as chunks
    )
    select case when $3 then (d.chunks + $2 - 1) / $2 else i.jobs end,
           case when $3 then d.chunks else i.chunks end,
           $1 is not null and (select count(*) from missing) > $1
      from (select count(*) as jobs, coalesce(sum(i.chunks), 0)::bigint as chunks from inserted as i) as i,
           (select least($1, count(*)) as chunks from missing as m where $3) as d
  $sql$) into jobs, chunks, v_left
    using p_max_chunks, coalesce(p_batch_size, v_source.batch_size), coalesce(p_dry_run, false);
  if exists (select from wikiembed.document_sources as d where d.source = p_source collate "default") then
    jobs := jobs + (
      select e.jobs from wikiembed_private.enqueue_documents(p_source, p_max_chunks, coalesce(p_dry_run, false)) as e);
    v_left := v_left or (p_max_chunks is not null
      and (select e.documents from wikiembed_private.enqueue_documents(p_source, 1, true) as e) > 0);
  end if;
  if not coalesce(p_dry_run, false) and v_left <> (v_source.held_back_at is not null) then
    update wikiembed.sources as s set held_back_at = case when v_left then now() end where s.name = p_source;
  end if;
  return next;
end;
$_$;


--
-- Name: FUNCTION enqueue(p_source text, p_max_chunks bigint, p_batch_size integer, p_dry_run boolean); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.enqueue(p_source text, p_max_chunks bigint, p_batch_size integer, p_dry_run boolean) IS 'Queues every missing chunk that waits in no job and in no failure; and every document that waits to be split; returns the numbers of jobs, of both kinds, and of chunks; idempotent. Rows that p_max_chunks leaves are held back from reconcile, until a call leaves none. Raises WE001, WE008, WE010.';


--
-- Name: expire_pauses(); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.expire_pauses() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_expired bigint := 0;
  v_name text;
begin
  for v_name in
    select s.name from wikiembed.sources as s
     where s.paused_at is not null and not wikiembed_private.is_paused(s.paused_at, s.resume_at)
     order by s.name
  loop
    v_expired := v_expired + wikiembed.resume(v_name);
  end loop;
  return v_expired;
end;
$$;


--
-- Name: FUNCTION expire_pauses(); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.expire_pauses() IS 'Resumes the sources whose pause has expired; returns the number.';


--
-- Name: find_truncation_check(text, text, text); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.find_truncation_check(p_source text, p_server text, p_model text) RETURNS TABLE(outcome text, from_chars integer, checked_chars integer, age_s double precision)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  insert into wikiembed.truncation_checks as c
    (source, server, model, outcome, from_chars, checked_chars, checked_at)
  select s.name, k.server, k.model, k.outcome, k.from_chars, k.checked_chars, k.checked_at
    from wikiembed.sources as s, wikiembed.truncation_checks as k
   where s.name = p_source and k.server = p_server and k.model = p_model
   order by k.checked_at desc
   limit 1
      on conflict on constraint truncation_checks_pkey do update
         set outcome = excluded.outcome, from_chars = excluded.from_chars,
             checked_chars = excluded.checked_chars, checked_at = excluded.checked_at,
             used_at = excluded.used_at;
  return query
    select c.outcome, c.from_chars, c.checked_chars,
           extract(epoch from clock_timestamp() - c.checked_at)::double precision
      from wikiembed.truncation_checks as c
     where c.source = p_source and c.server = p_server and c.model = p_model;
end;
$$;


--
-- Name: FUNCTION find_truncation_check(p_source text, p_server text, p_model text); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.find_truncation_check(p_source text, p_server text, p_model text) IS 'The latest result of a check for silent truncation of this server and model, and its age in seconds; records that the source is embedded there now. No row: not checked yet.';


--
-- Name: fold_ledger(); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.fold_ledger() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_before bigint;
  v_after bigint;
begin
  with d as (
    delete from wikiembed.ledger as l
     where (l.at < date_trunc('minute', clock_timestamp()) - interval '1 minute'
            and l.at <> date_trunc('minute', l.at))
        or (l.at < date_trunc('hour', clock_timestamp()) - interval '1 day'
            and l.at <> date_trunc('hour', l.at))
    returning l.*
  ), folded as (
    insert into wikiembed.ledger (source, at, total, embedded, gained, failed, skipped)
    select d.source, f.at, sum(d.total), sum(d.embedded), sum(d.gained), sum(d.failed), sum(d.skipped)
      from d, lateral (
        select case when d.at < date_trunc('hour', clock_timestamp()) - interval '1 day'
                    then date_trunc('hour', d.at) else date_trunc('minute', d.at) end as at) as f
     group by d.source, f.at
    returning 1
  )
  select (select count(*) from d), (select count(*) from folded) into v_before, v_after;
  perform wikiembed_private.prune_failure_history();
  return v_before - v_after;
end;
$$;


--
-- Name: FUNCTION fold_ledger(); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.fold_ledger() IS 'Folds ledger rows to one per minute after a minute, to one per hour after a day, and prunes the history of failures; returns the number of ledger rows removed.';


--
-- Name: grant_reader(name); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.grant_reader(p_role name) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  execute format('grant usage on schema wikiembed to %I', p_role);
  execute format('grant select on wikiembed.coverage, wikiembed.queue, wikiembed.workers, wikiembed.throughput,'
    ' wikiembed.failures, wikiembed.failure_history, wikiembed.truncated_chunks,'
    ' wikiembed.truncation_checks, wikiembed.truncation, wikiembed.outages, wikiembed.sources, wikiembed.action_log,'
    ' wikiembed.replaced_tables, wikiembed.documents, wikiembed.document_sources, wikiembed.document_failures, wikiembed.alembic_version, wikiembed.schema_digest to %I', p_role);
  execute format('grant execute on function wikiembed.is_ready(text), wikiembed.is_ready(text, boolean), wikiembed_private.sum_deltas(text),'
    ' wikiembed_private.count_jobs(text), wikiembed_private.is_paused(timestamptz, timestamptz),'
    ' wikiembed_private.has_waiting_document(text), wikiembed_private.count_documents(text) to %I', p_role);
end;
$$;


--
-- Name: FUNCTION grant_reader(p_role name); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.grant_reader(p_role name) IS 'Lets a role read the views, the failures and their history, the truncated chunks, the outages, the sources and the action log, and call is_ready; grants no right to write.';


--
-- Name: grant_worker(name); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.grant_worker(p_role name) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_function text;
begin
  execute format('grant usage on schema wikiembed, wikiembed_private, wikiembed_queue to %I', p_role);
  execute format('grant select, insert, update, delete on all tables in schema wikiembed_queue to %I', p_role);
  execute format('grant usage, select on all sequences in schema wikiembed_queue to %I', p_role);
  execute format('grant execute on all functions in schema wikiembed_queue to %I', p_role);
  execute format('grant select on wikiembed.sources, wikiembed.coverage, wikiembed.queue, wikiembed.workers,'
    ' wikiembed.throughput, wikiembed.outages, wikiembed.truncation,'
    ' wikiembed.truncation_checks, wikiembed.alembic_version, wikiembed.schema_digest to %I', p_role);
  for v_function in
    select p.oid::regprocedure::text from pg_proc as p
     where (p.pronamespace = 'wikiembed'::regnamespace
            and p.proname in ('read_chunks', 'write_embeddings', 'record_failures', 'pin_model', 'pause',
                              'is_ready', 'rescue_jobs', 'jobs_of_worker', 'release_jobs', 'fold_ledger', 'expire_pauses', 'reconcile',
                              'report_outage', 'end_outage', 'register_worker', 'write_truncated',
                              'find_truncation_check', 'record_truncation_check',
                              'document_options', 'read_documents', 'write_split', 'requeue_documents', 'record_document_failure'))
        or (p.pronamespace = 'wikiembed_private'::regnamespace and p.proname in ('runnable_queues', 'fetch_jobs', 'finish_jobs',
                                                                        'sum_deltas', 'count_jobs', 'is_paused', 'has_waiting_document'))
  loop
    execute format('grant execute on function %s to %I', v_function, p_role);
  end loop;
  perform wikiembed_private.grant_generated(s, p_role) from wikiembed.sources as s
    where to_regproc(format('wikiembed_private.%I', 'store_' || s.name)) is not null;
end;
$$;


--
-- Name: FUNCTION grant_worker(p_role name); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.grant_worker(p_role name) IS 'Lets a role run workers: call wikiembed''s functions and use procrastinate''s tables; grants no right on chunk tables.';


--
-- Name: grant_writer(name); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.grant_writer(p_role name) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_relation regclass;
  v_sequence regclass;
begin
  for v_relation in
    select s.relation from wikiembed.sources as s where wikiembed_private.qualified(s.relation) is not null
    union
    select to_regclass('public.wiki_pages') where to_regclass('public.wiki_pages') is not null
  loop
    execute format('grant usage on schema %I to %I',
      (select n.nspname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where c.oid = v_relation),
      p_role);
    execute format('grant select, insert, update on %s to %I', wikiembed_private.qualified(v_relation), p_role);
    -- The sequence of a serial column; an identity column needs none.
    for v_sequence in
      select d.objid from pg_depend as d join pg_class as c on c.oid = d.objid
       where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
         and d.refobjid = v_relation and d.deptype = 'a' and c.relkind = 'S'
    loop
      execute format('grant usage on sequence %s to %I', wikiembed_private.qualified(v_sequence), p_role);
    end loop;
  end loop;
  if to_regprocedure('wikiembed.load_pages(jsonb)') is not null then
    execute format('grant usage on schema wikiembed to %I', p_role);
    execute format('grant select on wikiembed.alembic_version, wikiembed.schema_digest to %I', p_role);
    execute format('grant execute on function wikiembed.load_pages(jsonb) to %I', p_role);
  end if;
end;
$$;


--
-- Name: FUNCTION grant_writer(p_role name); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.grant_writer(p_role name) IS 'Lets a role insert and update chunks of the attached tables, and load wiki pages; grants no right on the queue.';


--
-- Name: is_ready(text); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.is_ready(p_source text DEFAULT NULL::text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
  select wikiembed.is_ready(p_source, false);
$$;


--
-- Name: FUNCTION is_ready(p_source text); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.is_ready(p_source text) IS 'True when the source (null: each source) has a vector and no row lacks one, except skipped rows. Raises WE001.';


--
-- Name: is_ready(text, boolean); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.is_ready(p_source text, p_allow_empty boolean) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $_$
declare
  v_source wikiembed.sources;
  v_missing boolean;
  v_empty boolean;
  v_counted boolean := false;
begin
  if not exists (select from wikiembed.sources as s where p_source is null or s.name = p_source) then
    if p_source is null then
      return false;
    end if;
    raise exception 'no source is named "%"', p_source
      using errcode = 'WE001', hint = 'List them: select name from wikiembed.sources.';
  end if;
  for v_source in select s.* from wikiembed.sources as s where p_source is null or s.name = p_source loop
    if wikiembed_private.is_gone(v_source) then
      return false;
    end if;
    execute wikiembed_private.render_template(v_source, $sql$
      select exists (
        select from @table@ as t
         where t.@embedding@ is null
           and not exists (select from wikiembed.failures as f
                            where f.source = @source@ and f.key = @key_of(t)@ collate "C" and f.state = 'skipped'))
    $sql$) into v_missing;
    if v_missing or wikiembed_private.has_waiting_document(v_source.name) then
      return false;
    end if;
    execute wikiembed_private.render_template(v_source, $sql$
      select (select true from @table@ as t where t.@embedding@ is not null order by @order_by(t)@ limit 1) is null
    $sql$) into v_empty;
    continue when v_empty and p_source is null
      and (select c.unused from wikiembed.coverage as c where c.source = v_source.name);
    if v_empty and p_allow_empty is not true then
      return false;
    end if;
    v_counted := true;
  end loop;
  return v_counted;
end;
$_$;


--
-- Name: FUNCTION is_ready(p_source text, p_allow_empty boolean); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.is_ready(p_source text, p_allow_empty boolean) IS 'The same; with p_allow_empty a source without a vector is ready when no row lacks one. Over all sources the wiki''s is left out while it is unused. Raises WE001.';


--
-- Name: jobs_of_worker(bigint); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.jobs_of_worker(p_worker_id bigint) RETURNS bigint[]
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select array(
    select j.id from wikiembed_queue.procrastinate_jobs as j
     where j.worker_id = p_worker_id and j.status = 'doing' order by j.id);
$$;


--
-- Name: FUNCTION jobs_of_worker(p_worker_id bigint); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.jobs_of_worker(p_worker_id bigint) IS 'Ids of a worker''s jobs in state doing.';


--
-- Name: load_pages(jsonb); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.load_pages(p_pages jsonb) RETURNS TABLE(added bigint, changed bigint, unchanged bigint, chunks_written bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_ids bigint[];
  v_titles text[];
  v_deleted bigint;
begin
  with touched as (
    insert into public.wiki_pages as p (title, digest)
    select distinct on (g.page ->> 'title') g.page ->> 'title', g.page ->> 'digest'
      from jsonb_array_elements(p_pages) with ordinality as g (page, n)
     order by g.page ->> 'title', g.n desc
        on conflict (title) do update set digest = excluded.digest, loaded_at = now()
     where p.digest <> excluded.digest
    returning p.id, p.title, p.xmax = 0 as is_new
  )
  select coalesce(array_agg(t.id), '{}'), coalesce(array_agg(t.title), '{}'),
         count(*) filter (where t.is_new), count(*) filter (where not t.is_new)
    into v_ids, v_titles, added, changed from touched as t;
  select count(distinct g.page ->> 'title') - added - changed into unchanged
    from jsonb_array_elements(p_pages) as g (page);
  with given as (
    select distinct on (t.id) t.id as page_id, jsonb_array_length(g.page -> 'chunks') as chunks
      from unnest(v_ids, v_titles) as t (id, title)
      join jsonb_array_elements(p_pages) with ordinality as g (page, n) on g.page ->> 'title' = t.title
     order by t.id, g.n desc
  )
  delete from public.wiki_chunks as c using given as g
   where c.page_id = g.page_id and c.position >= g.chunks;
  get diagnostics v_deleted = row_count;
  with given as (
    select distinct on (t.id) t.id as page_id, g.page -> 'chunks' as chunks
      from unnest(v_ids, v_titles) as t (id, title)
      join jsonb_array_elements(p_pages) with ordinality as g (page, n) on g.page ->> 'title' = t.title
     order by t.id, g.n desc
  )
  insert into public.wiki_chunks as c (page_id, position, content)
  select g.page_id, k.n - 1, k.content
    from given as g, jsonb_array_elements_text(g.chunks) with ordinality as k (content, n)
   order by g.page_id, k.n
      on conflict (page_id, position) do update set content = excluded.content
   where c.content <> excluded.content;
  get diagnostics chunks_written = row_count;
  chunks_written := chunks_written + v_deleted;
  return next;
end;
$$;


--
-- Name: FUNCTION load_pages(p_pages jsonb); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.load_pages(p_pages jsonb) IS 'Writes pages [{title, digest, chunks: [text]}]; returns the number of pages added, changed and unchanged, and of chunks written or removed.';


--
-- Name: pause(text, text, timestamp with time zone); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.pause(p_source text DEFAULT NULL::text, p_why text DEFAULT NULL::text, p_until timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_paused bigint;
begin
  if p_source is not null then
    perform wikiembed_private.get_source(p_source);
  end if;
  if p_until <= clock_timestamp() then
    raise exception 'the pause would end at %, which is past', p_until
      using errcode = 'WE010', hint = 'Give a time in the future, or none.';
  end if;
  perform 1 from wikiembed.sources as s where p_source is null or s.name = p_source
    order by s.name for no key update;
  update wikiembed.sources as s
     set paused_at = clock_timestamp(), paused_by = wikiembed_private.actor(),
         pause_reason = p_why, resume_at = p_until
   where p_source is null or s.name = p_source;
  get diagnostics v_paused = row_count;
  insert into wikiembed.action_log (who, action, source, why, detail)
  select wikiembed_private.actor(), 'pause', s.name, p_why, jsonb_build_object('until', p_until)
    from wikiembed.sources as s where p_source is null or s.name = p_source order by s.name;
  return v_paused;
end;
$$;


--
-- Name: FUNCTION pause(p_source text, p_why text, p_until timestamp with time zone); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.pause(p_source text, p_why text, p_until timestamp with time zone) IS 'Pauses a source, or all of them: no batch begins until resume, or until the time given; batches in flight finish. Returns the number of sources. Raises WE001, WE010.';


--
-- Name: pin_model(text, text, text, integer, text); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.pin_model(p_source text, p_provider text, p_model text, p_dimensions integer, p_document_prefix text DEFAULT ''::text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_source wikiembed.sources := wikiembed_private.get_source(p_source);
begin
  if v_source.model is null then
    select s.* into v_source from wikiembed.sources as s where s.name = p_source for no key update;
  end if;
  if v_source.dimensions <> p_dimensions then
    raise exception 'source "%" holds % dimensions, model "%" gives %', p_source, v_source.dimensions, p_model, p_dimensions
      using errcode = 'WE011', hint = 'Choose a model with the column''s dimensions, or attach a column with the model''s.';
  end if;
  if v_source.model is null then
    update wikiembed.sources as s
       set provider = coalesce(s.provider, p_provider), model = p_model, dimensions = p_dimensions,
           document_prefix = coalesce(s.document_prefix, p_document_prefix),
           prefix_pinned = s.document_prefix is null,
           pinned_at = case when s.provider is null then clock_timestamp() end
     where s.name = p_source;
    perform wikiembed_private.log_action('pin', p_source, null,
      jsonb_build_object('provider', p_provider, 'model', p_model, 'dimensions', p_dimensions));
    return v_source.generation;
  end if;
  if coalesce(v_source.provider, p_provider) is distinct from p_provider
    or v_source.model is distinct from p_model
    or coalesce(v_source.document_prefix, p_document_prefix) is distinct from p_document_prefix
  then
    raise exception 'source "%" is pinned to % model "%" with document prefix "%", this worker has % "%" with "%"',
      p_source, coalesce(v_source.provider, p_provider), v_source.model,
      coalesce(v_source.document_prefix, ''), p_provider, p_model, p_document_prefix
      using errcode = 'WE011',
            hint = format('Set the worker to the same, or change the model: update wikiembed.sources set model = null where name = %L, and its vectors to null.', p_source);
  end if;
  if v_source.dimensions is null then
    update wikiembed.sources as s set dimensions = p_dimensions where s.name = p_source;
  end if;
  return v_source.generation;
end;
$$;


--
-- Name: FUNCTION pin_model(p_source text, p_provider text, p_model text, p_dimensions integer, p_document_prefix text); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.pin_model(p_source text, p_provider text, p_model text, p_dimensions integer, p_document_prefix text) IS 'Pins the model that the first worker resolved, or compares: raises WE011 for another provider, model, prefix or dimension; returns the generation. Raises WE001.';


--
-- Name: read_chunks(text, text[], integer); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.read_chunks(p_source text, p_keys text[], p_attempt integer DEFAULT 0) RETURNS TABLE(key text, content text, version bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  if not exists (select from wikiembed.sources as s where s.name = p_source) then
    perform wikiembed_private.get_source(p_source);
  end if;
  return query execute
    format('select r.key, r.content, r.version from wikiembed_private.%I($1, $2) as r', 'read_' || p_source)
    using p_keys, p_attempt;
end;
$_$;


--
-- Name: FUNCTION read_chunks(p_source text, p_keys text[], p_attempt integer); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.read_chunks(p_source text, p_keys text[], p_attempt integer) IS 'The texts of those keys that still lack a vector, with the version to write with; rows that another transaction has locked are skipped and requeued. Raises WE001.';


--
-- Name: read_documents(text, text[]); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.read_documents(p_source text, p_keys text[]) RETURNS TABLE(key text, title text, content text, version bigint, chunks jsonb)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  perform wikiembed_private.require_documents(p_source);
  return query execute format('select * from wikiembed_private.%I($1)', 'read_document_' || p_source) using p_keys;
end;
$_$;


--
-- Name: FUNCTION read_documents(p_source text, p_keys text[]); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.read_documents(p_source text, p_keys text[]) IS 'Those documents that wait to be split, with the version to write with and their present chunks; what another transaction has locked is left out. Raises WE001.';


--
-- Name: reconcile(text, boolean); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.reconcile(p_source text DEFAULT NULL::text, p_recount boolean DEFAULT true) RETURNS TABLE(orphans_enqueued bigint, dead_jobs bigint, ledger_drift bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
declare
  v_name text;
  v_found record;
begin
  perform wikiembed_private.require_read_committed();
  orphans_enqueued := 0; dead_jobs := 0; ledger_drift := 0;
  if p_source is not null and not exists (select from wikiembed.sources as s where s.name = p_source) then
    perform wikiembed_private.get_source(p_source);
  end if;
  for v_name in
    select s.name from wikiembed.sources as s where p_source is null or s.name = p_source order by s.name
  loop
    v_found := wikiembed_private.reconcile_source(v_name, p_recount);
    orphans_enqueued := orphans_enqueued + v_found.orphans_enqueued;
    dead_jobs := dead_jobs + v_found.dead_jobs;
    ledger_drift := ledger_drift + v_found.ledger_drift;
  end loop;
  if p_source is null then
    dead_jobs := dead_jobs + wikiembed_private.drop_orphans();
  end if;
  if orphans_enqueued > 0 or dead_jobs > 0 or ledger_drift > 0 then
    perform wikiembed_private.log_action('reconcile', p_source, null, jsonb_build_object(
      'orphans_enqueued', orphans_enqueued, 'dead_jobs', dead_jobs, 'ledger_drift', ledger_drift));
  end if;
  return next;
end;
$$;


--
-- Name: FUNCTION reconcile(p_source text, p_recount boolean); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.reconcile(p_source text, p_recount boolean) IS 'Repairs a source, or all: queues orphaned rows, drops jobs and failures of deleted rows, corrects the ledger (unless p_recount is false), rewrites triggers, detaches sources whose table or column was dropped. Raises WE001, WE008.';


--
-- Name: record_document_failure(text, text, bigint, text, text, bigint); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.record_document_failure(p_source text, p_key text, p_version bigint, p_error_class text, p_message text, p_job_id bigint DEFAULT NULL::bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $$
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


--
-- Name: FUNCTION record_document_failure(p_source text, p_key text, p_version bigint, p_error_class text, p_message text, p_job_id bigint); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.record_document_failure(p_source text, p_key text, p_version bigint, p_error_class text, p_message text, p_job_id bigint) IS 'Records that a document with this version cannot be split; returns false when its text changed meanwhile. Raises WE001.';


--
-- Name: record_failures(text, text[], bigint[], text, text, integer, integer, bigint, text, integer); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.record_failures(p_source text, p_keys text[], p_versions bigint[], p_error_class text, p_message text DEFAULT ''::text, p_http_status integer DEFAULT NULL::integer, p_attempts integer DEFAULT 1, p_job_id bigint DEFAULT NULL::bigint, p_state text DEFAULT 'failed'::text, p_attempt integer DEFAULT 0) RETURNS TABLE(key text, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  if cardinality(p_keys) <> cardinality(p_versions) then
    raise exception 'keys and versions differ in length'
      using errcode = 'WE010', hint = format('Got %s and %s.', cardinality(p_keys), cardinality(p_versions));
  end if;
  if not exists (select from wikiembed.sources as s where s.name = p_source) then
    perform wikiembed_private.get_source(p_source);
  end if;
  return query execute
    format('select * from wikiembed_private.%I($1, $2, $3, $4, $5, $6, $7, $8, $9)', 'fail_' || p_source)
    using p_keys, p_versions, p_error_class, coalesce(p_message, ''), p_http_status, p_attempts, p_job_id,
          p_state, p_attempt;
end;
$_$;


--
-- Name: FUNCTION record_failures(p_source text, p_keys text[], p_versions bigint[], p_error_class text, p_message text, p_http_status integer, p_attempts integer, p_job_id bigint, p_state text, p_attempt integer); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.record_failures(p_source text, p_keys text[], p_versions bigint[], p_error_class text, p_message text, p_http_status integer, p_attempts integer, p_job_id bigint, p_state text, p_attempt integer) IS 'Records a failure of each row that is still null with that version; returns for each key: recorded, stale, locked (requeued) or gone. Raises WE001, WE010.';


--
-- Name: record_truncation_check(text, text, text, text, integer, integer); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.record_truncation_check(p_source text, p_server text, p_model text, p_outcome text, p_from_chars integer, p_checked_chars integer) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  perform wikiembed_private.get_source(p_source);
  insert into wikiembed.truncation_checks as c
    (source, server, model, outcome, from_chars, checked_chars)
  values (p_source, p_server, p_model, p_outcome, p_from_chars, p_checked_chars)
      on conflict on constraint truncation_checks_pkey do update
         set outcome = excluded.outcome, from_chars = excluded.from_chars,
             checked_chars = excluded.checked_chars, checked_at = excluded.checked_at;
  update wikiembed.truncation_checks as c
     set outcome = p_outcome, from_chars = p_from_chars, checked_chars = p_checked_chars,
         checked_at = clock_timestamp()
   where c.server = p_server and c.model = p_model and c.source <> p_source;
end;
$$;


--
-- Name: FUNCTION record_truncation_check(p_source text, p_server text, p_model text, p_outcome text, p_from_chars integer, p_checked_chars integer); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.record_truncation_check(p_source text, p_server text, p_model text, p_outcome text, p_from_chars integer, p_checked_chars integer) IS 'Records the result of a check for silent truncation: outcome silent (from p_from_chars on), refused, whole or unanswered, and how many characters were tried; for every source of that server and model. Raises WE001.';


--
-- Name: register_worker(bigint, uuid, text, integer, text, text, timestamp with time zone); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.register_worker(p_worker_id bigint, p_process_id uuid, p_host text, p_pid integer, p_version text, p_model text, p_started_at timestamp with time zone) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  with registered as (
    insert into wikiembed.worker_processes as p
           (worker_id, process_id, host, pid, version, model, started_at)
    select w.id, p_process_id, left(p_host, 255), p_pid, left(p_version, 100), left(p_model, 500), p_started_at
      from wikiembed_queue.procrastinate_workers as w where w.id = p_worker_id
        on conflict (worker_id) do update
       set process_id = excluded.process_id, host = excluded.host, pid = excluded.pid,
           version = excluded.version, model = excluded.model, started_at = excluded.started_at
    returning p.worker_id
  )
  select exists (select from registered);
$$;


--
-- Name: FUNCTION register_worker(p_worker_id bigint, p_process_id uuid, p_host text, p_pid integer, p_version text, p_model text, p_started_at timestamp with time zone); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.register_worker(p_worker_id bigint, p_process_id uuid, p_host text, p_pid integer, p_version text, p_model text, p_started_at timestamp with time zone) IS 'Records the process of a registration of procrastinate''s; false when no such registration exists. Called by each worker at its start and after each reconnect.';


--
-- Name: release_jobs(bigint, bigint[]); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.release_jobs(p_worker_id bigint, p_job_ids bigint[]) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_job wikiembed_queue.procrastinate_jobs;
  v_released bigint := 0;
begin
  for v_job in
    select j.* from wikiembed_queue.procrastinate_jobs as j
     where j.worker_id = p_worker_id and j.status = 'doing' and j.id = any (p_job_ids)
     order by j.id for update of j skip locked
  loop
    if v_job.task_name in ('wikiembed.embed', 'wikiembed.split') then
      update wikiembed_queue.procrastinate_jobs as j
         set status = 'todo', scheduled_at = null, worker_id = null, abort_requested = false
       where j.id = v_job.id;
      perform wikiembed_private.notify_workers(v_job.queue_name);
    else
      perform wikiembed_private.rescue_upkeep(v_job);
    end if;
    v_released := v_released + 1;
  end loop;
  return v_released;
end;
$$;


--
-- Name: FUNCTION release_jobs(p_worker_id bigint, p_job_ids bigint[]); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.release_jobs(p_worker_id bigint, p_job_ids bigint[]) IS 'Requeues a worker''s jobs in state doing; returns the number.';


--
-- Name: report_outage(text, double precision, text, integer, text); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.report_outage(p_server text, p_since_s double precision, p_error_class text, p_http_status integer DEFAULT NULL::integer, p_reason text DEFAULT ''::text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_now timestamptz;
  v_since timestamptz;
  v_id bigint;
begin
  perform pg_advisory_xact_lock(hashtextextended('wikiembed outage of ' || p_server, 0));
  v_now := clock_timestamp();
  v_since := v_now - make_interval(secs => greatest(p_since_s, 0));
  -- Left open by a worker that ended long before this outage began: the time between is unknown.
  update wikiembed.outages as o set ended_at = o.last_seen_at
   where o.server = p_server and o.ended_at is null
     and o.last_seen_at < v_since - make_interval(mins => 10);
  -- The open one; else the last of this class, if it ended shortly before.
  update wikiembed.outages as o
     set since = least(o.since, v_since), last_seen_at = v_now, ended_at = null,
         error_class = p_error_class, http_status = p_http_status,
         reason = left(coalesce(p_reason, ''), 300),
         times = o.times + (o.ended_at is not null)::integer
   where o.id = (
     select l.id from wikiembed.outages as l
      where l.server = p_server
        and (l.ended_at is null
             or l.error_class = p_error_class and l.ended_at > v_since - make_interval(secs => 60))
      order by l.ended_at desc nulls first, l.id desc limit 1)
  returning o.id into v_id;
  if v_id is null then
    insert into wikiembed.outages (server, since, last_seen_at, error_class, http_status, reason)
    values (p_server, v_since, v_now, p_error_class, p_http_status, left(coalesce(p_reason, ''), 300))
    returning id into v_id;
  end if;
  return v_id;
end;
$$;


--
-- Name: FUNCTION report_outage(p_server text, p_since_s double precision, p_error_class text, p_http_status integer, p_reason text); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.report_outage(p_server text, p_since_s double precision, p_error_class text, p_http_status integer, p_reason text) IS 'Records that a server has been out of reach for p_since_s seconds: opens a row, refreshes the open one, or reopens one of the same class that ended less than 60 s before; returns its id.';


--
-- Name: requeue_documents(text, text[], integer); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.requeue_documents(p_source text, p_keys text[], p_attempt integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $_$
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
          clock_timestamp() + make_interval(secs => least(300, 0.5 * power(2, least(greatest(p_attempt, 0), 12)))));
  return cardinality(v_waiting);
end;
$_$;


--
-- Name: FUNCTION requeue_documents(p_source text, p_keys text[], p_attempt integer); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.requeue_documents(p_source text, p_keys text[], p_attempt integer) IS 'Requeues those documents that wait to be split, with a delay: half a second, doubled with each attempt, at most 300 s; returns their number. Raises WE001.';


--
-- Name: rescue_jobs(double precision, double precision); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.rescue_jobs(p_heartbeat_s double precision DEFAULT 30, p_hard_limit_s double precision DEFAULT 1800) RETURNS TABLE(rescued bigint, split bigint, lost bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_job wikiembed_queue.procrastinate_jobs;
  v_rescues integer;
begin
  rescued := 0; split := 0; lost := 0;
  for v_job in
    select j.* from wikiembed_queue.procrastinate_jobs as j
     where j.status = 'doing'
       and (not exists (
              select from wikiembed_queue.procrastinate_workers as w
               where w.id = j.worker_id
                 and w.last_heartbeat > clock_timestamp() - make_interval(secs => p_heartbeat_s))
            or j.started_at < clock_timestamp() - make_interval(secs => p_hard_limit_s))
     order by j.id
       for update of j skip locked
  loop
    v_rescues := 1 + coalesce(
      case jsonb_typeof(v_job.args -> 'rescues')
        when 'number' then greatest(0, least(2, (v_job.args ->> 'rescues')::numeric))::integer end, 0);
    if v_job.task_name not in ('wikiembed.embed', 'wikiembed.split') then
      perform wikiembed_private.rescue_upkeep(v_job);
      rescued := rescued + 1;
    elsif v_rescues < 3 then
      update wikiembed_queue.procrastinate_jobs as j
         set status = 'todo', attempts = j.attempts + 1, scheduled_at = null, worker_id = null,
             abort_requested = false,
             args = j.args || jsonb_build_object('rescues', v_rescues)
       where j.id = v_job.id;
      perform wikiembed_private.notify_workers(v_job.queue_name);
      rescued := rescued + 1;
    elsif cardinality(wikiembed_private.keys_of_job(v_job)) > 1 then
      perform wikiembed_private.split_job(v_job);
      split := split + 1;
    else
      perform wikiembed_private.lose_job(v_job);
      lost := lost + 1;
    end if;
  end loop;
  return next;
end;
$$;


--
-- Name: FUNCTION rescue_jobs(p_heartbeat_s double precision, p_hard_limit_s double precision); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.rescue_jobs(p_heartbeat_s double precision, p_hard_limit_s double precision) IS 'Requeues the jobs of workers without a heartbeat and jobs that run too long (s); splits a job at its third rescue; returns the number of each.';


--
-- Name: resume(text); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.resume(p_source text DEFAULT NULL::text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_source wikiembed.sources;
  v_resumed bigint := 0;
begin
  if p_source is not null then
    perform wikiembed_private.get_source(p_source);
  end if;
  for v_source in
    select s.* from wikiembed.sources as s
     where (p_source is null or s.name = p_source) and s.paused_at is not null
     order by s.name for no key update
  loop
    update wikiembed.sources as s
       set paused_at = null, paused_by = null, pause_reason = null, resume_at = null
     where s.name = v_source.name;
    perform wikiembed_private.notify_workers(v_source.queue_name);
    perform wikiembed_private.log_action('resume', v_source.name, null,
      jsonb_build_object('paused_at', v_source.paused_at, 'paused_by', v_source.paused_by));
    v_resumed := v_resumed + 1;
  end loop;
  return v_resumed;
end;
$$;


--
-- Name: FUNCTION resume(p_source text); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.resume(p_source text) IS 'Ends the pause of a source, or of all, and notifies the workers; returns the number of sources that were paused. Raises WE001.';


--
-- Name: retry_failures(text, text[], text); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.retry_failures(p_source text, p_keys text[] DEFAULT NULL::text[], p_error_class text DEFAULT NULL::text) RETURNS TABLE(jobs bigint, chunks bigint, held bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS $$
declare
  v_source wikiembed.sources;
  v_asked text[];
  v_keys text[];
  v_places tid[];
  v_documents record;
begin
  perform wikiembed_private.require_read_committed();
  perform wikiembed_private.lock_source(p_source);
  v_source := wikiembed_private.get_source(p_source);
  if not (p_error_class collate "C" = any (wikiembed_private.error_classes()) or exists (
    select from wikiembed.failures as f
     where f.source = p_source collate "default" and f.error_class = p_error_class collate "default"))
  then
    raise exception 'no such error class: %', quote_literal(p_error_class)
      using errcode = 'WE010',
            hint = format('The classes are: %s.', array_to_string(wikiembed_private.error_classes(), ', '));
  end if;
  with asked as materialized (
    select f.key from wikiembed.failures as f
     where f.source = p_source collate "default"
       and (p_keys is null or f.key in (select k.key collate "C" from unnest(p_keys) as k (key)))
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


--
-- Name: FUNCTION retry_failures(p_source text, p_keys text[], p_error_class text); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.retry_failures(p_source text, p_keys text[], p_error_class text) IS 'Requeues failed chunks and documents, all or those of some keys or of one class, and keeps the failures of chunks as history; returns the numbers of jobs, of both kinds, of chunks, and of failures that stayed because another transaction has locked them. Raises WE001, WE008, and WE010 for an unknown error class.';


--
-- Name: search_chunks(text, public.vector, integer); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.search_chunks(p_source text, p_embedding public.vector, p_limit integer DEFAULT 5) RETURNS TABLE(key text, content text, distance double precision)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $_$
declare
  v_source wikiembed.sources;
begin
  select s.* into v_source from wikiembed.sources as s where s.name = p_source;
  if not found then
    raise exception 'no source is named "%"', p_source
      using errcode = 'WE001', hint = 'List them: select name from wikiembed.sources.';
  end if;
  perform wikiembed_private.require_table(v_source);
  return query execute wikiembed_private.render_template(v_source, $sql$
    select @key_of(t)@, @text_of(t)@, (t.@embedding@ operator(@vector_schema@.<=>) $1@vector_cast@)::double precision
      from @table@ as t
     where t.@embedding@ is not null
     order by t.@embedding@ operator(@vector_schema@.<=>) $1@vector_cast@
     limit $2
  $sql$) using p_embedding, p_limit;
end;
$_$;


--
-- Name: FUNCTION search_chunks(p_source text, p_embedding public.vector, p_limit integer); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.search_chunks(p_source text, p_embedding public.vector, p_limit integer) IS 'The chunks nearest to a vector by cosine distance (0 to 2), nearest first. Raises WE001.';


--
-- Name: skip(text, text[], text); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.skip(p_source text, p_keys text[], p_why text DEFAULT NULL::text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET lock_timeout TO '10s'
    AS $$
begin
  return wikiembed_private.skip_with_timeout(p_source, p_keys, p_why, interval '10 s');
end;
$$;


--
-- Name: FUNCTION skip(p_source text, p_keys text[], p_why text); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.skip(p_source text, p_keys text[], p_why text) IS 'Marks missing chunks as skipped, all of these keys or none: they do not count as missing and no worker embeds them; returns the number of chunks, without keys that do not exist or have their vector. Raises 55P03 when another transaction has locked one for more than 10 s, WE001, WE008, WE010.';


--
-- Name: write_embeddings(text, text[], bigint[], public.vector[], integer); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.write_embeddings(p_source text, p_keys text[], p_versions bigint[], p_embeddings public.vector[], p_attempt integer DEFAULT 0) RETURNS TABLE(key text, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  if cardinality(p_keys) <> cardinality(p_versions) or cardinality(p_keys) <> cardinality(p_embeddings) then
    raise exception 'keys, versions and embeddings differ in length'
      using errcode = 'WE010',
            hint = format('Got %s, %s and %s.', cardinality(p_keys), cardinality(p_versions), cardinality(p_embeddings));
  end if;
  if not exists (select from wikiembed.sources as s where s.name = p_source) then
    perform wikiembed_private.get_source(p_source);
  end if;
  return query execute format('select * from wikiembed_private.%I($1, $2, $3, $4)', 'store_' || p_source)
    using p_keys, p_versions, p_embeddings, p_attempt;
end;
$_$;


--
-- Name: FUNCTION write_embeddings(p_source text, p_keys text[], p_versions bigint[], p_embeddings public.vector[], p_attempt integer); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.write_embeddings(p_source text, p_keys text[], p_versions bigint[], p_embeddings public.vector[], p_attempt integer) IS 'Stores vectors where the row is still null and its text still has the version; returns for each key: written, stale, locked (requeued) or gone. Raises WE001, WE010, WE012.';


--
-- Name: write_split(text, text, bigint, bigint[], bigint[], text[], text[], text[], integer[], integer[]); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.write_split(p_source text, p_key text, p_version bigint, p_old bigint[], p_ids bigint[], p_contexts text[], p_contents text[], p_headings text[], p_starts integer[], p_ends integer[]) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
  v_outcome text;
begin
  perform wikiembed_private.require_documents(p_source);
  if cardinality(p_ids) <> all (array[cardinality(p_contexts), cardinality(p_contents), cardinality(p_headings),
                                      cardinality(p_starts), cardinality(p_ends)])
    or not array_remove(p_ids, null) <@ p_old
  then
    raise exception 'the arrays differ in length, or an id is not one of the document''s' using errcode = 'WE010';
  end if;
  execute format('select wikiembed_private.%I($1, $2, $3, $4, $5, $6, $7, $8, $9)', 'split_document_' || p_source) into v_outcome
    using p_key, p_version, p_old, p_ids, p_contexts, p_contents, p_headings, p_starts, p_ends;
  return v_outcome;
end;
$_$;


--
-- Name: FUNCTION write_split(p_source text, p_key text, p_version bigint, p_old bigint[], p_ids bigint[], p_contexts text[], p_contents text[], p_headings text[], p_starts integer[], p_ends integer[]); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.write_split(p_source text, p_key text, p_version bigint, p_old bigint[], p_ids bigint[], p_contexts text[], p_contents text[], p_headings text[], p_starts integer[], p_ends integer[]) IS 'Replaces the chunks of a document whose text still has the version: chunks with an id keep their row, and their vector where the text is equal; null ids are inserted, other chunks deleted. Returns written, stale (read it again), locked or gone. Raises WE001, WE010.';


--
-- Name: write_truncated(text, text[], bigint[], public.vector[], integer[], integer[], integer); Type: FUNCTION; Schema: wikiembed; Owner: -
--

CREATE FUNCTION wikiembed.write_truncated(p_source text, p_keys text[], p_versions bigint[], p_embeddings public.vector[], p_chars integer[], p_chars_kept integer[], p_attempt integer DEFAULT 0) RETURNS TABLE(key text, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_keys text[];
  v_outcomes text[];
begin
  if cardinality(p_keys) <> cardinality(p_chars) or cardinality(p_keys) <> cardinality(p_chars_kept) then
    raise exception 'keys and numbers of characters differ in length'
      using errcode = 'WE010',
            hint = format('Got %s, %s and %s.', cardinality(p_keys), cardinality(p_chars), cardinality(p_chars_kept));
  end if;
  select array_agg(o.key), array_agg(o.outcome) into v_keys, v_outcomes
    from wikiembed.write_embeddings(p_source, p_keys, p_versions, p_embeddings, p_attempt) as o;
  insert into wikiembed.truncated_chunks as c (source, key, chars, chars_kept)
  select distinct on (g.key collate "C") p_source, g.key, g.chars, g.chars_kept
    from unnest(p_keys, p_chars, p_chars_kept) as g (key, chars, chars_kept)
    join unnest(v_keys, v_outcomes) as o (key, outcome) on o.key collate "C" = g.key collate "C"
   where o.outcome = 'written'
   order by g.key collate "C"
      on conflict on constraint truncated_chunks_pkey do update
         set chars = excluded.chars, chars_kept = excluded.chars_kept, at = excluded.at;
  return query select * from unnest(v_keys, v_outcomes);
end;
$$;


--
-- Name: FUNCTION write_truncated(p_source text, p_keys text[], p_versions bigint[], p_embeddings public.vector[], p_chars integer[], p_chars_kept integer[], p_attempt integer); Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON FUNCTION wikiembed.write_truncated(p_source text, p_keys text[], p_versions bigint[], p_embeddings public.vector[], p_chars integer[], p_chars_kept integer[], p_attempt integer) IS 'Stores vectors of texts that were cut, as write_embeddings does, and marks those that are written in truncated_chunks; p_chars_kept is null where the server cut. Raises WE001, WE010, WE012.';


--
-- Name: actor(); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.actor() RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select case
    when coalesce(current_setting('wikiembed.actor', true), '') in ('', session_user) then session_user
    else left(current_setting('wikiembed.actor', true), 200) || ' (' || session_user || ')'
  end;
$$;


--
-- Name: FUNCTION actor(); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.actor() IS 'Who acts: the session user, and the person named in the setting wikiembed.actor.';


--
-- Name: advised_vector(integer); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.advised_vector(p_dimensions integer) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select format('%I.vector(%s)', wikiembed_private.pgvector_schema(), coalesce(
    p_dimensions,
    nullif(current_setting('wikiembed.model_dimensions', true), '')::integer,
    (select nullif(a.atttypmod, -1) from pg_attribute as a
      where a.attrelid = to_regclass('public.wiki_chunks') and a.attname = 'embedding'),
    768));
$$;


--
-- Name: FUNCTION advised_vector(p_dimensions integer); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.advised_vector(p_dimensions integer) IS 'The recommended type of a new vector column, with its schema.';


--
-- Name: array_type(text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.array_type(p_type text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    RETURN CASE p_type WHEN 'character varying'::text THEN 'text'::text ELSE p_type END;


--
-- Name: FUNCTION array_type(p_type text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.array_type(p_type text) IS 'Returns the type in which keys of a type are compared and gathered: varchar as text.';


--
-- Name: base_type(oid); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.base_type(p_type oid) RETURNS oid
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  with recursive t as (
    select p_type as oid
    union all
    select y.typbasetype from t join pg_type as y on y.oid = t.oid where y.typtype = 'd'
  )
  select t.oid from t join pg_type as y on y.oid = t.oid where y.typtype <> 'd';
$$;


--
-- Name: FUNCTION base_type(p_type oid); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.base_type(p_type oid) IS 'The type below a domain, or the type itself.';


--
-- Name: check_document_options(text, integer, integer, text, text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.check_document_options(p_splitter text, p_max_chars integer, p_overlap_chars integer, p_context text, p_embedding_type text) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if p_splitter is null or p_splitter not in ('text', 'markdown', 'html') then
    raise exception 'no splitter is named "%"', p_splitter using errcode = 'WE010', hint = 'Splitters are text, markdown and html.';
  end if;
  if p_max_chars is null or p_max_chars not between 32 and 1000000 then
    raise exception 'a chunk has at most 32 to 1000000 characters, not %', p_max_chars using errcode = 'WE010';
  end if;
  if p_overlap_chars is null or p_overlap_chars not between 0 and p_max_chars / 4 then
    raise exception 'chunks overlap by 0 to a quarter of max_chars, not %', p_overlap_chars using errcode = 'WE010';
  end if;
  if p_context is null or p_context not in ('none', 'title', 'heading', 'title_heading') then
    raise exception 'no context is named "%"', p_context
      using errcode = 'WE010', hint = 'It is none, title, heading or title_heading.';
  end if;
  if p_embedding_type is null or p_embedding_type not in ('vector', 'halfvec') then
    raise exception 'no type of embeddings is named "%"', p_embedding_type using errcode = 'WE010', hint = 'Types are vector and halfvec.';
  end if;
end;
$$;


--
-- Name: FUNCTION check_document_options(p_splitter text, p_max_chars integer, p_overlap_chars integer, p_context text, p_embedding_type text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.check_document_options(p_splitter text, p_max_chars integer, p_overlap_chars integer, p_context text, p_embedding_type text) IS 'Raises WE010 for options of documents that are not valid.';


--
-- Name: check_embedding(regclass, pg_attribute, integer); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.check_embedding(p_relation regclass, p_column pg_attribute, p_dimensions integer, OUT embedding_type text, OUT dimensions integer) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
  v_other name := wikiembed_private.free_column(p_relation, p_column.attname || '_vector');
begin
  select t.typname into embedding_type
    from pg_type as t join pg_namespace as n on n.oid = t.typnamespace
   where t.oid = p_column.atttypid and n.nspname = wikiembed_private.pgvector_schema()
     and t.typname in ('vector', 'halfvec');
  if not found then
    raise exception 'embedding column "%" of % is of type %, not vector or halfvec', p_column.attname,
      p_relation, format_type(p_column.atttypid, p_column.atttypmod)
      using errcode = 'WE007', hint = format('Run `alter table %s add column %I %s`, and name %2$I as the embedding',
        p_relation, v_other, wikiembed_private.advised_vector(p_dimensions));
  end if;
  if p_column.attgenerated <> '' then
    raise exception 'embedding column "%" of % is generated', p_column.attname, p_relation
      using errcode = 'WE007', hint = format('Run `alter table %s alter column %I drop expression`, which makes it an'
        ' ordinary one that keeps its vectors', p_relation, p_column.attname);
  end if;
  if p_column.attnotnull then
    raise exception 'embedding column "%" of % is not null', p_column.attname, p_relation
      using errcode = 'WE007', hint = format('A chunk that waits for its vector holds null: run'
        ' `alter table %s alter column %I drop not null`', p_relation, p_column.attname);
  end if;
  dimensions := coalesce(nullif(p_column.atttypmod, -1), p_dimensions);
  if p_dimensions is not null and dimensions <> p_dimensions then
    raise exception 'embedding column "%" of % has % dimensions, not %', p_column.attname, p_relation,
      dimensions, p_dimensions
      using errcode = 'WE007', hint = case
        when p_dimensions <= 0 then 'Leave dimensions out'
        else 'Leave dimensions out, or '
          || wikiembed_private.dimensions_advice(p_relation, p_column.attname, p_dimensions) end;
  end if;
end;
$_$;


--
-- Name: FUNCTION check_embedding(p_relation regclass, p_column pg_attribute, p_dimensions integer, OUT embedding_type text, OUT dimensions integer); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.check_embedding(p_relation regclass, p_column pg_attribute, p_dimensions integer, OUT embedding_type text, OUT dimensions integer) IS 'Type and dimensions of the vector column; raises WE007 when it cannot hold vectors.';


--
-- Name: check_key(regclass, pg_attribute); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.check_key(p_relation regclass, p_column pg_attribute) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_type text := format_type(wikiembed_private.base_type(p_column.atttypid), null);
  v_why text := case
    when v_type not in ('smallint', 'integer', 'bigint', 'uuid', 'text', 'character varying') then
      format('is of type %s, not smallint, integer, bigint, uuid, text or varchar', v_type)
    when not p_column.attnotnull then 'may be null'
    when not p_column.attname = any (wikiembed_private.usable_keys(p_relation)) then 'has no unique index of its own'
  end;
begin
  if v_why is not null then
    raise exception 'key column "%" of % %', p_column.attname, p_relation, v_why
      using errcode = 'WE005', hint = wikiembed_private.key_advice(p_relation, p_column.attname);
  end if;
  return v_type;
end;
$$;


--
-- Name: FUNCTION check_key(p_relation regclass, p_column pg_attribute); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.check_key(p_relation regclass, p_column pg_attribute) IS 'The key''s type; raises WE005 when the column does not identify a row.';


SET default_tablespace = '';


--
-- Name: sources; Type: TABLE; Schema: wikiembed; Owner: -
--

CREATE TABLE wikiembed.sources (
    name text NOT NULL,
    relation regclass NOT NULL,
    key_column name NOT NULL,
    text_column name NOT NULL,
    embedding_column name NOT NULL,
    key_type text NOT NULL,
    embedding_type text NOT NULL,
    key_attnum smallint NOT NULL,
    text_attnum smallint NOT NULL,
    embedding_attnum smallint NOT NULL,
    generation bigint DEFAULT 1 NOT NULL,
    provider text,
    model text,
    dimensions integer,
    document_prefix text,
    query_prefix text,
    pinned_at timestamp with time zone,
    batch_size integer DEFAULT 64 NOT NULL,
    queue_name text GENERATED ALWAYS AS (('embed_'::text || name)) STORED NOT NULL,
    trigger_version integer DEFAULT 0 NOT NULL,
    written_as text DEFAULT ''::text NOT NULL,
    prove_function regprocedure,
    paused_at timestamp with time zone,
    paused_by text,
    pause_reason text,
    resume_at timestamp with time zone,
    attached_at timestamp with time zone DEFAULT now() NOT NULL,
    prefix_pinned boolean DEFAULT false NOT NULL,
    held_back_at timestamp with time zone,
    attached_as text,
    key_columns name[] NOT NULL,
    key_types text[] NOT NULL,
    key_attnums smallint[] NOT NULL,
    text_columns name[] NOT NULL,
    text_paths jsonb NOT NULL,
    text_attnums smallint[] NOT NULL,
    CONSTRAINT a_key_has_one_to_four_columns CHECK ((((cardinality(key_columns) >= 1) AND (cardinality(key_columns) <= 4)) AND (cardinality(key_types) = cardinality(key_columns)) AND (cardinality(key_attnums) = cardinality(key_columns)))),
    CONSTRAINT a_pause_names_who CHECK (((paused_at IS NULL) OR (paused_by IS NOT NULL))),
    CONSTRAINT a_text_has_one_to_eight_parts CHECK ((((cardinality(text_columns) >= 1) AND (cardinality(text_columns) <= 8)) AND (jsonb_array_length(text_paths) = cardinality(text_columns)) AND (cardinality(text_attnums) = cardinality(text_columns)))),
    CONSTRAINT batch_size_is_sane CHECK (((batch_size >= 1) AND (batch_size <= 4096))),
    CONSTRAINT dimensions_are_positive CHECK ((dimensions > 0)),
    CONSTRAINT embedding_type_is_known CHECK ((embedding_type = ANY (ARRAY['vector'::text, 'halfvec'::text]))),
    CONSTRAINT key_type_is_known CHECK ((key_type = ANY (ARRAY['smallint'::text, 'integer'::text, 'bigint'::text, 'uuid'::text, 'text'::text, 'character varying'::text, 'composite'::text]))),
    CONSTRAINT name_is_short_and_printable CHECK ((((octet_length(name) >= 1) AND (octet_length(name) <= 32)) AND (name !~ '[[:cntrl:]]'::text) AND (name = btrim(name))))
);


--
-- Name: TABLE sources; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON TABLE wikiembed.sources IS 'One row per attached vector column; written by attach, detach, pause, resume and the first write.';


--
-- Name: COLUMN sources.name; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.name IS 'Short name of the source, 1 to 32 bytes.';


--
-- Name: COLUMN sources.relation; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.relation IS 'The table, or root of partitions, that holds the chunks.';


--
-- Name: COLUMN sources.key_column; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.key_column IS 'Column that identifies a chunk; of a composite key the first.';


--
-- Name: COLUMN sources.text_column; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.text_column IS 'Column whose text is embedded; of several the first.';


--
-- Name: COLUMN sources.embedding_column; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.embedding_column IS 'The vector or halfvec column; null: not embedded yet.';


--
-- Name: COLUMN sources.key_type; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.key_type IS 'Type of the key column, or composite.';


--
-- Name: COLUMN sources.embedding_type; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.embedding_type IS 'vector or halfvec.';


--
-- Name: COLUMN sources.key_attnum; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.key_attnum IS 'Column number of the key, to detect a rename.';


--
-- Name: COLUMN sources.text_attnum; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.text_attnum IS 'Column number of the text, to detect a rename.';


--
-- Name: COLUMN sources.embedding_attnum; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.embedding_attnum IS 'Column number of the vector, to detect a rename.';


--
-- Name: COLUMN sources.generation; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.generation IS 'Seed of the text hash; grows with every change of model, prefix or dimensions.';


--
-- Name: COLUMN sources.provider; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.provider IS 'ollama, openai, tei or local; null: from the worker''s settings.';


--
-- Name: COLUMN sources.model; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.model IS 'Model; null until the first write pins what the settings resolved to.';


--
-- Name: COLUMN sources.dimensions; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.dimensions IS 'Dimensions of the vectors.';


--
-- Name: COLUMN sources.document_prefix; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.document_prefix IS 'Put before each text that is stored; null: from the settings.';


--
-- Name: COLUMN sources.query_prefix; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.query_prefix IS 'Put before each text that is searched; null: from the settings.';


--
-- Name: COLUMN sources.pinned_at; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.pinned_at IS 'When the first write pinned model and prefix from a worker''s settings; null: not pinned, or fixed at attach.';


--
-- Name: COLUMN sources.batch_size; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.batch_size IS 'Chunks per job, 1 to 4096.';


--
-- Name: COLUMN sources.queue_name; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.queue_name IS 'The source''s queue in wikiembed_queue.';


--
-- Name: COLUMN sources.trigger_version; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.trigger_version IS 'Digest of the functions that generated its triggers and functions; they are regenerated when it differs.';


--
-- Name: COLUMN sources.written_as; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.written_as IS 'The names that the generated triggers and functions use; differs from the catalogue after a rename.';


--
-- Name: COLUMN sources.prove_function; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.prove_function IS 'Optional function (text, vector) → boolean with which check_invariants verifies each stored vector.';


--
-- Name: COLUMN sources.paused_at; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.paused_at IS 'When it was paused; null: not paused.';


--
-- Name: COLUMN sources.paused_by; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.paused_by IS 'Who paused it.';


--
-- Name: COLUMN sources.pause_reason; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.pause_reason IS 'Why it was paused.';


--
-- Name: COLUMN sources.resume_at; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.resume_at IS 'When the pause expires; null: never.';


--
-- Name: COLUMN sources.attached_at; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.attached_at IS 'When it was attached.';


--
-- Name: COLUMN sources.prefix_pinned; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.prefix_pinned IS 'Whether the first write took the document prefix from a worker''s settings; a prefix set at attach, or by hand, overrides theirs.';


--
-- Name: COLUMN sources.held_back_at; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.held_back_at IS 'Since when reconcile does not queue the rows that existed at attach, or those that an enqueue with p_max_chunks left; null: it queues all missing rows.';


--
-- Name: COLUMN sources.attached_as; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.attached_as IS 'The table''s qualified name at attach; another table that has it now has replaced this one.';


--
-- Name: COLUMN sources.key_columns; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.key_columns IS 'The columns that identify a chunk together, one to four.';


--
-- Name: COLUMN sources.key_types; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.key_types IS 'Type of each column of the key.';


--
-- Name: COLUMN sources.key_attnums; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.key_attnums IS 'Column number of each column of the key, to detect a rename.';


--
-- Name: COLUMN sources.text_columns; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.text_columns IS 'The columns whose text is embedded, joined by a blank line.';


--
-- Name: COLUMN sources.text_paths; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.text_paths IS 'For each column of the text the path of a JSON field, as an array; null: the column itself.';


--
-- Name: COLUMN sources.text_attnums; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.sources.text_attnums IS 'Column number of each column of the text, to detect a rename.';


--
-- Name: check_keys(wikiembed.sources, name[]); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.check_keys(p_source wikiembed.sources, p_keys name[]) RETURNS wikiembed.sources
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_columns pg_attribute[];
  v_others text;
begin
  if coalesce(cardinality(p_keys), 0) not between 1 and 4
    or cardinality(p_keys) <> (select count(distinct k) from unnest(p_keys) as k)
  then
    raise exception 'a key has one to four columns, each once, not %', coalesce(array_to_string(p_keys, ', '), 'none')
      using errcode = 'WE005', hint = 'Name the columns of a unique index.';
  end if;
  v_columns := array(
    select wikiembed_private.require_column(p_source.relation, k.name, 'key', null)
      from unnest(p_keys) with ordinality as k (name, number) order by k.number);
  p_source.key_columns := p_keys;
  p_source.key_column := p_keys[1];
  p_source.key_attnums := array(select c.attnum from unnest(v_columns) as c);
  p_source.key_attnum := p_source.key_attnums[1];
  if cardinality(p_keys) = 1 then
    p_source.key_type := wikiembed_private.check_key(p_source.relation, v_columns[1]);
    p_source.key_types := array[p_source.key_type];
    return p_source;
  end if;
  p_source.key_type := 'composite';
  p_source.key_types := array(
    select format_type(wikiembed_private.base_type(c.atttypid), null) from unnest(v_columns) as c);
  if not exists (
    select from wikiembed_private.usable_key_lists(p_source.relation) as l
     where l.columns @> p_keys and l.columns <@ p_keys)
  then
    v_others := (
      select string_agg(distinct o.key, ' or ')
        from (select array_to_string(l.columns, ',') as key
                from wikiembed_private.usable_key_lists(p_source.relation) as l
              union all
              select k::text from unnest(wikiembed_private.usable_keys(p_source.relation)) as k) as o);
    raise exception 'columns % of % are not a key together', array_to_string(p_keys, ', '), p_source.relation
      using errcode = 'WE005',
            hint = coalesce('Name another key: ' || v_others, format(
              'Run `create unique index %son %s (%s)`; its columns must be not null, of type smallint, integer, bigint,'
              ' uuid, text or varchar',
              case when exists (select from pg_partitioned_table as t where t.partrelid = p_source.relation)
                   then '' else 'concurrently ' end,
              p_source.relation, (select string_agg(quote_ident(k), ', ') from unnest(p_keys) as k)));
  end if;
  return p_source;
end;
$$;


--
-- Name: FUNCTION check_keys(p_source wikiembed.sources, p_keys name[]); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.check_keys(p_source wikiembed.sources, p_keys name[]) IS 'The row of a source with its key; raises WE005 or WE006 when the columns do not identify a row.';


--
-- Name: check_name(text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.check_name(p_name text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  if p_name is null or octet_length(p_name) not between 1 and 32 or p_name ~ '[[:cntrl:]]'
    or p_name <> btrim(p_name) or position('$body$' in p_name) > 0
  then
    raise exception 'a source''s name has 1 to 32 bytes, this one has %', coalesce(octet_length(p_name), 0)
      using errcode = 'WE002', hint = 'Give a short name without control characters or outer blanks, such as docs.';
  end if;
end;
$_$;


--
-- Name: FUNCTION check_name(p_name text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.check_name(p_name text) IS 'Raises WE002 for a source name that is too long or not printable.';


--
-- Name: check_names(wikiembed.sources); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.check_names(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  if position('$body$' in wikiembed_private.source_names(p_source)) > 0 then
    raise exception 'a name of source "%" contains $body$', p_source.name
      using errcode = 'WE004', hint = 'Rename the table or the column.';
  end if;
end;
$_$;


--
-- Name: FUNCTION check_names(p_source wikiembed.sources); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.check_names(p_source wikiembed.sources) IS 'Raises WE004 for names that a generated function cannot contain.';


--
-- Name: check_relation(regclass); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.check_relation(p_relation regclass) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_class pg_class;
  v_why text;
begin
  select c.* into v_class from pg_class as c where c.oid = p_relation;
  if not found then
    raise exception 'the table does not exist'
      using errcode = 'WE004', hint = 'Give its name with the schema, as in public.docs.';
  end if;
  v_why := case
    when v_class.relkind = 'v' then 'it is a view'
    when v_class.relkind = 'm' then 'it is a materialized view'
    when v_class.relkind = 'f' then 'it is a foreign table'
    when v_class.relkind not in ('r', 'p') then 'it is not a table'
    when v_class.relpersistence = 't' then 'it is a temporary table'
    when v_class.relispartition then 'it is a partition'
    when exists (select from pg_inherits as i where i.inhrelid = p_relation) then 'it inherits from a table'
    when v_class.relkind = 'r' and exists (select from pg_inherits as i where i.inhparent = p_relation)
      then 'other tables inherit from it'
    when v_class.relnamespace in ('wikiembed'::regnamespace, 'wikiembed_private'::regnamespace,
                                  'wikiembed_queue'::regnamespace) then 'it belongs to wikiembed itself'
    when exists (select from wikiembed_private.relations_of(p_relation) as r
                   join pg_class as c on c.oid = r where c.relkind = 'f') then 'a partition is a foreign table'
  end;
  if v_why is not null then
    raise exception '% cannot be attached: %', p_relation, v_why
      using errcode = 'WE004', hint = coalesce((
        select format('Attach %s', pg_partition_root(p_relation))
         where v_class.relispartition),
        'Attach an ordinary or a partitioned table.');
  end if;
end;
$$;


--
-- Name: FUNCTION check_relation(p_relation regclass); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.check_relation(p_relation regclass) IS 'Raises WE004 for a relation that is not an ordinary or partitioned table.';


--
-- Name: check_rights(regclass); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.check_rights(p_relation regclass) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_right text;
  v_other regclass;
begin
  foreach v_right in array array['SELECT', 'UPDATE', 'TRIGGER'] loop
    if not has_table_privilege(current_user, p_relation, v_right) then
      raise exception 'role % needs the right % on %', current_user, v_right, p_relation
        using errcode = 'WE004', hint = format('Run as its owner `grant select, update, trigger on %s to %I`', p_relation, current_user);
    end if;
  end loop;
  if exists (
    select from wikiembed_private.relations_of(p_relation) as r
      join pg_class as c on c.oid = r
     where c.relrowsecurity
       and not (select a.rolsuper or a.rolbypassrls from pg_roles as a where a.rolname = current_user)
       and (c.relforcerowsecurity or not pg_has_role(current_user, c.relowner, 'usage'))
  ) then
    raise exception 'row-level security of % binds role %: rows would be hidden', p_relation, current_user
      using errcode = 'WE009', hint = format('Run as a superuser `alter role %I bypassrls`, or let it own the table without force', current_user);
  end if;
  select t into v_other
    from wikiembed_private.relations_of(p_relation) as t join pg_class as c on c.oid = t
   where not pg_has_role(current_user, c.relowner, 'usage')
   limit 1;
  if found then
    raise exception 'role % does not own %', current_user, v_other
      using errcode = 'WE004',
            hint = (
              select case
                when a.rolsuper then format('Run `alter table %s owner to %I`', v_other, current_user)
                else format('Make it a member of the owner: run `grant %I to %I%s`', a.rolname, current_user,
                            case when current_setting('server_version_num')::integer >= 160000 then ' with inherit true'
                                 else '' end) end
                from pg_class as c join pg_roles as a on a.oid = c.relowner where c.oid = v_other);
  end if;
end;
$$;


--
-- Name: FUNCTION check_rights(p_relation regclass); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.check_rights(p_relation regclass) IS 'Raises WE004 or WE009 when the owner of wikiembed does not own the whole table, or may not read and write it.';


--
-- Name: check_source(regclass, name[], text[], name, text, text, text, integer, text, text, integer); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.check_source(p_relation regclass, p_keys name[], p_texts text[], p_embedding name, p_name text, p_provider text, p_model text, p_dimensions integer, p_document_prefix text, p_query_prefix text, p_batch_size integer) RETURNS wikiembed.sources
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_source wikiembed.sources;
  v_embedding pg_attribute;
begin
  v_source.name := p_name;
  v_source.relation := p_relation;
  v_source := wikiembed_private.check_keys(v_source, p_keys);
  v_source := wikiembed_private.check_texts(v_source, p_texts);
  v_embedding := wikiembed_private.require_column(p_relation, p_embedding, 'embedding', p_dimensions);
  v_source.embedding_column := p_embedding;
  v_source.embedding_attnum := v_embedding.attnum;
  select e.embedding_type, e.dimensions into v_source.embedding_type, v_source.dimensions
    from wikiembed_private.check_embedding(p_relation, v_embedding, p_dimensions) as e;
  v_source.provider := p_provider;
  v_source.model := p_model;
  v_source.document_prefix := p_document_prefix;
  v_source.query_prefix := p_query_prefix;
  v_source.batch_size := p_batch_size;
  if p_batch_size is null or p_batch_size not between 1 and 4096 then
    raise exception 'a batch has 1 to 4096 chunks, not %', p_batch_size using errcode = 'WE010';
  end if;
  if v_source.dimensions <= 0 then
    raise exception 'a vector has at least one dimension, not %', v_source.dimensions using errcode = 'WE010';
  end if;
  if not p_provider = any (wikiembed_private.providers()) then
    raise exception 'no provider is named "%"', p_provider
      using errcode = 'WE010',
            hint = format('Providers are %s.', array_to_string(wikiembed_private.providers(), ', '));
  end if;
  perform wikiembed_private.check_names(v_source);
  return v_source;
end;
$$;


--
-- Name: FUNCTION check_source(p_relation regclass, p_keys name[], p_texts text[], p_embedding name, p_name text, p_provider text, p_model text, p_dimensions integer, p_document_prefix text, p_query_prefix text, p_batch_size integer); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.check_source(p_relation regclass, p_keys name[], p_texts text[], p_embedding name, p_name text, p_provider text, p_model text, p_dimensions integer, p_document_prefix text, p_query_prefix text, p_batch_size integer) IS 'The row that attach would write; raises WE004 to WE010 for what it refuses.';


--
-- Name: check_text(regclass, pg_attribute); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.check_text(p_relation regclass, p_column pg_attribute) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if p_column.attgenerated <> '' then
    raise exception 'text column "%" of % is generated', p_column.attname, p_relation
      using errcode = 'WE006', hint = case p_column.attgenerated
        when 's' then format('Attach the column that it is generated from, or make it an ordinary one: run'
          ' `alter table %s alter column %I drop expression`', p_relation, p_column.attname)
        else 'Attach the column that it is generated from' end;
  end if;
  if not exists (
    select from pg_type as t
     where t.oid = wikiembed_private.base_type(p_column.atttypid) and t.typcategory = 'S'
       and t.typname not in ('char', 'name')
  ) then
    raise exception 'text column "%" of % is of type %, not text or varchar', p_column.attname, p_relation,
      format_type(p_column.atttypid, p_column.atttypmod)
      using errcode = 'WE006', hint = wikiembed_private.text_advice(p_relation, p_column.attname);
  end if;
end;
$$;


--
-- Name: FUNCTION check_text(p_relation regclass, p_column pg_attribute); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.check_text(p_relation regclass, p_column pg_attribute) IS 'Raises WE006 for a text column that is generated or not of a text type.';


--
-- Name: check_texts(wikiembed.sources, text[]); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.check_texts(p_source wikiembed.sources, p_texts text[]) RETURNS wikiembed.sources
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_text text;
  v_part record;
begin
  if coalesce(cardinality(p_texts), 0) not between 1 and 8 then
    raise exception 'a text has one to eight columns, not %', coalesce(cardinality(p_texts), 0)
      using errcode = 'WE006', hint = 'Name at least one column.';
  end if;
  p_source.text_columns := '{}';
  p_source.text_attnums := '{}';
  p_source.text_paths := '[]';
  foreach v_text in array p_texts loop
    select p.* into v_part from wikiembed_private.text_part(p_source.relation, v_text) as p;
    if v_part.path is null then
      perform wikiembed_private.check_text(p_source.relation, v_part.attribute);
    end if;
    p_source.text_columns := p_source.text_columns || (v_part.attribute).attname;
    p_source.text_attnums := p_source.text_attnums || (v_part.attribute).attnum;
    p_source.text_paths := p_source.text_paths || jsonb_build_array(to_jsonb(v_part.path));
  end loop;
  p_source.text_column := p_source.text_columns[1];
  p_source.text_attnum := p_source.text_attnums[1];
  return p_source;
end;
$$;


--
-- Name: FUNCTION check_texts(p_source wikiembed.sources, p_texts text[]); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.check_texts(p_source wikiembed.sources, p_texts text[]) IS 'The row of a source with the parts of its text; raises WE006 for what holds no text.';


--
-- Name: check_unattached(regclass, name, text, boolean); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.check_unattached(p_relation regclass, p_embedding name, p_name text, p_replaces boolean) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_other wikiembed.sources;
begin
  select s.* into v_other from wikiembed.sources as s
   where (s.name = p_name and not p_replaces)
      or (s.name <> p_name and s.relation = p_relation and s.embedding_column = p_embedding)
   order by s.relation = p_relation desc
   limit 1;
  if found and v_other.relation = p_relation then
    raise exception 'source "%", or column "%" of %, is attached already', v_other.name, p_embedding, p_relation
      using errcode = 'WE003',
            hint = format('Detach it first, or choose another name and column; to detach it: select wikiembed.detach(%L)',
                          v_other.name);
  elsif found then
    raise exception 'source "%" is attached already, to %', v_other.name, wikiembed_private.qualified(v_other.relation)
      using errcode = 'WE003',
            hint = 'Detach it first, choose another name, or move it to this table: attach with p_move => true, or --move';
  end if;
end;
$$;


--
-- Name: FUNCTION check_unattached(p_relation regclass, p_embedding name, p_name text, p_replaces boolean); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.check_unattached(p_relation regclass, p_embedding name, p_name text, p_replaces boolean) IS 'Raises WE003 when a source has the name, unless it is to be replaced, or when another source has the column.';


--
-- Name: chunk_table_name(regclass, text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.chunk_table_name(p_documents regclass, p_chunks text) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_parts text[];
begin
  begin
    v_parts := parse_ident(p_chunks);
  exception when invalid_parameter_value then
    v_parts := '{}';
  end;
  if cardinality(v_parts) not between 1 and 2 then
    raise exception 'no table can be named %', quote_literal(p_chunks)
      using errcode = 'WE010', hint = 'Give its name with the schema, as in public.articles_chunks.';
  end if;
  if cardinality(v_parts) = 1 then
    v_parts := array[(select n.nspname::text from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
                       where c.oid = p_documents)] || v_parts;
  end if;
  return format('%I.%I', v_parts[1], v_parts[2]);
end;
$$;


--
-- Name: FUNCTION chunk_table_name(p_documents regclass, p_chunks text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.chunk_table_name(p_documents regclass, p_chunks text) IS 'The qualified name of a chunk table, by default in the schema of its documents; raises WE010.';


--
-- Name: copy_vectors(wikiembed.sources, wikiembed.sources); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.copy_vectors(p_former wikiembed.sources, p_source wikiembed.sources) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS $$
declare
  v_copied bigint;
begin
  -- After a rename alone the trigger that nulls stale vectors still works.
  p_former.written_as := wikiembed_private.source_names(p_former);
  if p_former.model is null or not wikiembed_private.triggers_current(p_former)
    or exists (
      select from pg_trigger as t
       where t.tgrelid in (select wikiembed_private.relations_of(p_source.relation)) and not t.tgisinternal
         and t.tgenabled <> 'D' and t.tgtype & 19 = 19
         and not exists (select from pg_proc as p
                          where p.oid = t.tgfoid and p.pronamespace = 'wikiembed_private'::regnamespace))
    or exists (
      select from pg_rewrite as r where r.ev_class in (select wikiembed_private.relations_of(p_source.relation)))
  then
    return 0;
  end if;
  execute format(
    'update %s as n set %I = o.%I::%I.%I from %s as o
      where %s collate "C" = %s collate "C" and %s collate "C" = %s collate "C"
        and n.%I is null and o.%I is not null',
    wikiembed_private.qualified(p_source.relation), p_source.embedding_column,
    p_former.embedding_column, wikiembed_private.pgvector_schema(), p_source.embedding_type,
    wikiembed_private.qualified(p_former.relation),
    wikiembed_private.key_expression(p_former, 'o'), wikiembed_private.key_expression(p_source, 'n'),
    wikiembed_private.text_expression(p_former, 'o'), wikiembed_private.text_expression(p_source, 'n'),
    p_source.embedding_column, p_former.embedding_column);
  get diagnostics v_copied = row_count;
  return v_copied;
end;
$$;


--
-- Name: FUNCTION copy_vectors(p_former wikiembed.sources, p_source wikiembed.sources); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.copy_vectors(p_former wikiembed.sources, p_source wikiembed.sources) IS 'Copies the vectors of a source that is moved to rows of the same key and text; returns the number of rows.';


--
-- Name: correct_ledger(text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.correct_ledger(p_name text) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $_$
declare
  v_source wikiembed.sources;
  v_drift bigint;
begin
  select s.* into v_source from wikiembed.sources as s where s.name = p_name;
  execute wikiembed_private.render_template(v_source, $sql$
    with drift as (
      select c.total - l.total as total, c.embedded - l.embedded as embedded,
             f.failed - l.failed as failed, f.skipped - l.skipped as skipped
        from (select count(*) as total, count(t.@embedding@) as embedded from @table@ as t) as c,
             (select coalesce(sum(l.total), 0)::bigint as total, coalesce(sum(l.embedded), 0)::bigint as embedded,
                     coalesce(sum(l.failed), 0)::bigint as failed, coalesce(sum(l.skipped), 0)::bigint as skipped
                from wikiembed.ledger as l where l.source = @source@) as l,
             (select count(*) filter (where f.state = 'failed') as failed,
                     count(*) filter (where f.state = 'skipped') as skipped
                from wikiembed.failures as f where f.source = @source@) as f
    ), corrected as (
      insert into wikiembed.ledger (source, total, embedded, failed, skipped)
      select @source@, d.total, d.embedded, d.failed, d.skipped from drift as d
       where d.total <> 0 or d.embedded <> 0 or d.failed <> 0 or d.skipped <> 0
    )
    select abs(d.total) + abs(d.embedded) + abs(d.failed) + abs(d.skipped) from drift as d
  $sql$) into v_drift;
  return v_drift;
end;
$_$;


--
-- Name: FUNCTION correct_ledger(p_name text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.correct_ledger(p_name text) IS 'Corrects the ledger''s sums to the counts of the table; returns the sum of the differences.';


--
-- Name: count_document_violations(wikiembed.sources); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.count_document_violations(p_source wikiembed.sources) RETURNS bigint[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS $_$
declare
  v_counts bigint[];
begin
  if not exists (select from wikiembed.document_sources as d where d.source = p_source.name) then
    return array[0, 0];
  end if;
  execute wikiembed_private.render_template(wikiembed_private.document_row(p_source.name), $sql$
    with live as materialized (
      select k.key collate "C" as key
        from wikiembed_queue.procrastinate_jobs as j, jsonb_array_elements_text(
               case jsonb_typeof(j.args -> 'documents') when 'array' then j.args -> 'documents' else '[]' end) as k (key)
       where j.queue_name = @queue@ and j.task_name = 'wikiembed.split' and j.status in ('todo', 'doing')
    ), hashed as materialized (
      select @key_of(d)@ collate "C" as key, @hash_d@ as version, @text_of(d)@ as content
        from @table@ as d, (select g.generation as v_generation from wikiembed.document_sources as g where g.source = @source@) as g
    ), chunked as materialized (
      select @fk_key@ collate "C" as key, c.position, c.content, c.starts_at, c.ends_at from @chunks@ as c
    )
    select array[
      (select count(*) from hashed as h left join @state@ as s on s.key = h.key
        where s.version is distinct from h.version
          and ($1 or s.version is not null or s.key is null)
          and not exists (select from live as l where l.key = h.key)
          and not exists (select from wikiembed.document_failures as f where f.source = @source@ and f.key = h.key)),
      (select count(*) from chunked as c join hashed as h on h.key = c.key join @state@ as s on s.key = h.key
        where s.version = h.version
          and c.content is distinct from substr(h.content, c.starts_at + 1, c.ends_at - c.starts_at))
      + (select count(*) from (
           select c.key from chunked as c join @state@ as s on s.key = c.key
            where s.version is not null
            group by c.key, s.chunks
           having count(*) <> s.chunks or min(c.position) <> 0 or max(c.position) <> count(*) - 1) as p)
    ]
  $sql$, wikiembed_private.document_names(p_source.name) || jsonb_build_object('fk_key', (
    select case when count(*) = 1 then min(format('c.%I::text', 'document_' || k.name))
                else format('jsonb_build_array(%s)::text', string_agg(format('c.%I', 'document_' || k.name), ', ' order by k.number)) end
      from wikiembed.document_sources as d, unnest(d.key_columns) with ordinality as k (name, number)
     where d.source = p_source.name))) into v_counts using p_source.held_back_at is null;
  return v_counts;
end;
$_$;


--
-- Name: FUNCTION count_document_violations(p_source wikiembed.sources); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.count_document_violations(p_source wikiembed.sources) IS 'The number of documents, and of chunks, of one source that violate the invariants of documents.';


--
-- Name: count_documents(text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.count_documents(p_source text, OUT total bigint, OUT split bigint, OUT chunks bigint) RETURNS record
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  execute format('select count(*), count(s.version), coalesce(sum(s.chunks) filter (where s.version is not null), 0)
                    from wikiembed_private.%I as s', 'documents_' || p_source) into total, split, chunks;
end;
$$;


--
-- Name: FUNCTION count_documents(p_source text, OUT total bigint, OUT split bigint, OUT chunks bigint); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.count_documents(p_source text, OUT total bigint, OUT split bigint, OUT chunks bigint) IS 'Counts the documents of a source; reads its table of states.';


--
-- Name: count_failures(); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.count_failures() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if tg_op = 'INSERT' then
    insert into wikiembed.ledger (source, failed, skipped)
    select n.source, count(*) filter (where n.state = 'failed'), count(*) filter (where n.state = 'skipped')
      from new_failures as n group by n.source;
  elsif tg_op = 'DELETE' then
    insert into wikiembed.ledger (source, failed, skipped)
    select o.source, -count(*) filter (where o.state = 'failed'), -count(*) filter (where o.state = 'skipped')
      from old_failures as o group by o.source;
  else
    insert into wikiembed.ledger (source, failed, skipped)
    select d.source, sum(d.failed), sum(d.skipped)
      from (
        select n.source, (n.state = 'failed')::int as failed, (n.state = 'skipped')::int as skipped
          from new_failures as n
        union all
        select o.source, -(o.state = 'failed')::int, -(o.state = 'skipped')::int from old_failures as o
      ) as d
     group by d.source having sum(d.failed) <> 0 or sum(d.skipped) <> 0;
  end if;
  return null;
end;
$$;


--
-- Name: FUNCTION count_failures(); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.count_failures() IS 'Writes the change of failed and skipped counts to the ledger.';


--
-- Name: count_jobs(text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.count_jobs(p_queue text, OUT todo bigint, OUT doing bigint, OUT oldest_todo_s numeric, OUT scheduled_later bigint) RETURNS record
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET jit TO 'off'
    AS $$
declare
  v_oldest bigint;
  v_due bigint;
  v_oldest_due bigint;
begin
  select count(*), min(j.id) into todo, v_oldest
    from wikiembed_queue.procrastinate_jobs as j
   where j.queue_name = p_queue and j.queue_name between p_queue and p_queue
     and j.status = 'todo' and j.scheduled_at is null;
  select count(*) filter (where j.scheduled_at <= now()), count(*) filter (where j.scheduled_at > now())
    into v_due, scheduled_later
    from wikiembed_queue.procrastinate_jobs as j
   where j.queue_name = p_queue and j.queue_name between p_queue and p_queue
     and j.status = 'todo' and j.scheduled_at is not null;
  if v_due > 0 then
    select min(j.id) into v_oldest_due
      from wikiembed_queue.procrastinate_jobs as j
     where j.queue_name = p_queue and j.queue_name between p_queue and p_queue
       and j.status = 'todo' and j.scheduled_at <= now();
  end if;
  select count(*) into doing
    from wikiembed_queue.procrastinate_jobs as j
   where j.queue_name = p_queue and j.status = 'doing';
  todo := todo + v_due;
  select round(extract(epoch from clock_timestamp() - j.queued_at), 1) into oldest_todo_s
    from wikiembed_queue.procrastinate_jobs as j
   where j.id = least(v_oldest, v_oldest_due);
end;
$$;


--
-- Name: FUNCTION count_jobs(p_queue text, OUT todo bigint, OUT doing bigint, OUT oldest_todo_s numeric, OUT scheduled_later bigint); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.count_jobs(p_queue text, OUT todo bigint, OUT doing bigint, OUT oldest_todo_s numeric, OUT scheduled_later bigint) IS 'Counts the jobs of a queue, with the age of the oldest that could begin (s); for view queue.';


--
-- Name: count_violations(wikiembed.sources); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.count_violations(p_source wikiembed.sources) RETURNS bigint[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS $_$
declare
  v_counts bigint[];
  v_unproved bigint;
begin
  execute wikiembed_private.render_template(p_source, 'lock table @table@ in access share mode');
  execute wikiembed_private.render_template(p_source, $sql$
    with live as materialized (
      select k.key collate "C" as key
        from wikiembed_queue.procrastinate_jobs as j, jsonb_array_elements_text(
               case jsonb_typeof(j.args -> 'keys') when 'array' then j.args -> 'keys' else '[]' end) as k (key)
       where j.queue_name = @queue@ and j.task_name = 'wikiembed.embed' and j.status in ('todo', 'doing')
    )
    select array[
      (select count(*) from @table@ as t
        where $1 and t.@embedding@ is null
          and not exists (select from live as l where l.key = @key_of(t)@ collate "C")
          and not exists (select from wikiembed.failures as f
                           where f.source = @source@ and f.key = @key_of(t)@ collate "C")),
      0,
      (select abs(c.total - l.total) + abs(c.embedded - l.embedded)
              + abs(f.failed - l.failed) + abs(f.skipped - l.skipped)
         from (select count(*) as total, count(t.@embedding@) as embedded from @table@ as t) as c,
              (select coalesce(sum(l.total), 0)::bigint as total, coalesce(sum(l.embedded), 0)::bigint as embedded,
                      coalesce(sum(l.failed), 0)::bigint as failed, coalesce(sum(l.skipped), 0)::bigint as skipped
                 from wikiembed.ledger as l where l.source = @source@) as l,
              (select count(*) filter (where f.state = 'failed') as failed,
                      count(*) filter (where f.state = 'skipped') as skipped
                 from wikiembed.failures as f where f.source = @source@) as f),
      (select count(*) from wikiembed.failures as f
        where f.source = @source@
          and not exists (select from @table@ as t where t.@embedding@ is null and @key_of(t)@ collate "C" = f.key)),
      (select count(*) from wikiembed.truncated_chunks as c
        where c.source = @source@
          and not exists (select from @table@ as t where t.@embedding@ is not null and @key_of(t)@ collate "C" = c.key))
    ]
  $sql$) into v_counts using p_source.held_back_at is null;
  if p_source.prove_function is not null then
    execute wikiembed_private.render_template(p_source, $sql$
      select count(*) from @table@ as t
       where t.@embedding@ is not null
         and not @prove@(@prefix@ || @text_of(t)@, t.@embedding@::@vector_schema@.vector)
         and not exists (select from wikiembed.truncated_chunks as c
                          where c.source = @source@ and c.key = @key_of(t)@ collate "C")
    $sql$, jsonb_build_object(
      'prove', (select format('%I.%I', n.nspname, p.proname) from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
                 where p.oid = p_source.prove_function),
      'prefix', quote_literal(coalesce(p_source.document_prefix, ''))))
      into v_unproved;
    v_counts[2] := v_unproved;
  end if;
  return v_counts;
end;
$_$;


--
-- Name: FUNCTION count_violations(p_source wikiembed.sources); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.count_violations(p_source wikiembed.sources) IS 'The number of rows of one source that violate each invariant except that of the queue, the fifth.';


--
-- Name: create_chunk_table(wikiembed.sources, text, text, integer); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.create_chunk_table(p_documents wikiembed.sources, p_chunks text, p_embedding_type text, p_dimensions integer) RETURNS regclass
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
  v_chunks regclass := to_regclass(p_chunks);
  v_missing text;
  v_keys text;
begin
  if v_chunks is not null then
    select string_agg(c.name, ', ' order by c.name) into v_missing
      from unnest(array['id', 'position', 'context', 'content', 'heading', 'starts_at', 'ends_at', 'embedding']
                  || array(select 'document_' || k from unnest(p_documents.key_columns) as k)) as c (name)
     where not exists (select from pg_attribute as a where a.attrelid = v_chunks and a.attname = c.name and not a.attisdropped);
    if v_missing is not null then
      raise exception 'table % lacks columns of a chunk table: %', v_chunks, v_missing
        using errcode = 'WE006', hint = 'Name a table that does not exist yet: it will be created';
    end if;
    return v_chunks;
  end if;
  if coalesce(p_dimensions, 0) < 1 then
    raise exception 'the chunk table needs the dimensions of its vectors'
      using errcode = 'WE010', hint = 'Give p_dimensions, those of the model.';
  end if;
  v_keys := (select string_agg(format('%I', 'document_' || k.name), ', ' order by k.number)
               from unnest(p_documents.key_columns) with ordinality as k (name, number));
  execute format(
    'create table %1$s (
       id bigint generated always as identity primary key,
       %2$s,
       position integer not null check (position >= 0),
       context text,
       content text not null,
       heading text not null default '''',
       starts_at integer not null,
       ends_at integer not null,
       embedding %3$I.%4$I(%5$s),
       check (0 <= starts_at and starts_at <= ends_at),
       unique (%6$s, position) deferrable initially deferred,
       foreign key (%6$s) references %7$s (%8$s) on update cascade on delete cascade)',
    p_chunks,
    (select string_agg(format('%I %s not null', 'document_' || a.attname, format_type(a.atttypid, a.atttypmod)), ', ' order by k.number)
       from unnest(p_documents.key_attnums) with ordinality as k (attnum, number)
       join pg_attribute as a on a.attrelid = p_documents.relation and a.attnum = k.attnum),
    wikiembed_private.pgvector_schema(), p_embedding_type, p_dimensions, v_keys,
    wikiembed_private.qualified(p_documents.relation),
    (select string_agg(quote_ident(k.name), ', ' order by k.number) from unnest(p_documents.key_columns) with ordinality as k (name, number)));
  v_chunks := to_regclass(p_chunks);
  execute format('alter table %s owner to %I', v_chunks,
    (select pg_get_userbyid(c.relowner) from pg_class as c where c.oid = p_documents.relation));
  execute format('comment on table %s is %L', v_chunks, 'Chunks of wikiembed source ' || p_documents.name || ', split by workers.');
  return v_chunks;
end;
$_$;


--
-- Name: FUNCTION create_chunk_table(p_documents wikiembed.sources, p_chunks text, p_embedding_type text, p_dimensions integer); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.create_chunk_table(p_documents wikiembed.sources, p_chunks text, p_embedding_type text, p_dimensions integer) IS 'The chunk table of documents: created, or the one of that name with the right columns. Raises WE006, WE010.';


--
-- Name: create_deltas(text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.create_deltas(p_source text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
  v_table text := format('wikiembed_private.%I', 'deltas_' || p_source);
  v_column name;
  v_comment text;
begin
  if to_regclass(v_table) is not null then
    return;
  end if;
  execute format($sql$
    create table %1$s (
      total bigint not null default 0,
      embedded bigint not null default 0,
      at timestamptz not null default clock_timestamp(),
      id bigint not null default nextval('wikiembed.ledger_id_seq'),
      gained bigint not null default 0,
      failed bigint not null default 0,
      skipped bigint not null default 0,
      source text not null default %2$L
    );
    alter table %1$s replica identity full;
    alter table %1$s inherit wikiembed.ledger;
    comment on table %1$s is %3$L;
  $sql$, v_table, p_source,
    'Rows of the ledger of source ' || p_source || ' from inserts and deletes, not folded yet; written by its triggers.');
  for v_column, v_comment in
    select a.attname, col_description(a.attrelid, a.attnum) from pg_attribute as a
     where a.attrelid = 'wikiembed.ledger'::regclass and a.attnum > 0 and not a.attisdropped
  loop
    execute format('comment on column %s.%I is %L', v_table, v_column, v_comment);
  end loop;
end;
$_$;


--
-- Name: FUNCTION create_deltas(p_source text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.create_deltas(p_source text) IS 'Creates the table of a source''s ledger rows that are not folded yet, unless it exists.';


--
-- Name: create_missing_index(text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.create_missing_index(p_name text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_source wikiembed.sources;
begin
  select s.* into v_source from wikiembed.sources as s where s.name = p_name;
  if wikiembed_private.missing_index(v_source) is null then
    if not pg_has_role(current_user, (select c.relowner from pg_class as c where c.oid = v_source.relation), 'usage') then
      raise exception 'role % does not own %: it cannot create the index on missing rows', current_user, v_source.relation
        using errcode = 'WE004',
              hint = wikiembed_private.render_template(v_source,
                case when (select c.relkind from pg_class as c where c.oid = v_source.relation) = 'p'
                  then 'Let the owner run `create index on @table@ (@key_list@) where @embedding@ is null`'
                  else 'Let the owner run `create index concurrently on @table@ (@key_list@) where @embedding@ is null`' end);
    end if;
    execute wikiembed_private.render_template(v_source, 'create index @missing_index@ on @table@ (@key_list@) where @embedding@ is null');
  end if;
end;
$$;


--
-- Name: FUNCTION create_missing_index(p_name text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.create_missing_index(p_name text) IS 'Creates the partial index on rows without a vector, unless a valid one exists.';


--
-- Name: dimensions_advice(regclass, name, integer); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.dimensions_advice(p_relation regclass, p_column name, p_dimensions integer) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $_$
declare
  v_filled boolean;
  v_type text;
begin
  execute format('select exists (select from %s as t where t.%I is not null)', p_relation, p_column) into v_filled;
  if v_filled then
    return format('run `alter table %s add column %I %s` and name %2$I as the embedding', p_relation,
      wikiembed_private.free_column(p_relation, p_column || '_vector'), wikiembed_private.advised_vector(p_dimensions));
  end if;
  select format('%I.%I(%s)', n.nspname, t.typname, p_dimensions) into v_type
    from pg_attribute as a join pg_type as t on t.oid = a.atttypid join pg_namespace as n on n.oid = t.typnamespace
   where a.attrelid = p_relation and a.attname = p_column;
  return format('run `alter table %s alter column %I type %s`', p_relation, p_column, v_type);
end;
$_$;


--
-- Name: FUNCTION dimensions_advice(p_relation regclass, p_column name, p_dimensions integer); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.dimensions_advice(p_relation regclass, p_column name, p_dimensions integer) IS 'A hint how a table gets a vector column of other dimensions: the column itself while it is empty, else another.';


--
-- Name: document_names(text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.document_names(p_name text) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_documents wikiembed.document_sources;
  v_row wikiembed.sources := wikiembed_private.document_row(p_name);
  v_names jsonb;
  v_alias text;
begin
  select d.* into v_documents from wikiembed.document_sources as d where d.source = p_name collate "default";
  select jsonb_build_object(
           'chunks', wikiembed_private.qualified(s.relation),
           'state', format('wikiembed_private.%I', 'documents_' || p_name),
           'fk_columns', (select string_agg(quote_ident('document_' || k.name), ', ' order by k.number)
                            from unnest(v_documents.key_columns) with ordinality as k (name, number)),
           'fk_values', (select string_agg(case when cardinality(v_documents.key_columns) = 1
                                                then format('p_key::%s', wikiembed_private.array_type(k.type))
                                                else format('(p_key::jsonb ->> %s)::%s', k.number - 1, wikiembed_private.array_type(k.type))
                                           end, ', ' order by k.number)
                           from unnest(v_documents.key_types) with ordinality as k (type, number)),
           'fk_equals', (select string_agg(format('c.%I = d.%I', 'document_' || k.name, k.name), ' and ' order by k.number)
                           from unnest(v_documents.key_columns) with ordinality as k (name, number)))
    into v_names
    from wikiembed.sources as s where s.name = p_name collate "default";
  foreach v_alias in array array['d', 'n', 'o'] loop
    v_names := v_names || jsonb_build_object(
      'title_' || v_alias, case when v_documents.title_column is null then 'null::text'
                                else format('%s.%I::text', v_alias, v_documents.title_column) end,
      'hash_' || v_alias, format('hashtextextended((coalesce(%s, '''') || e''\x1f'' || coalesce(%s, '''')) collate "C", v_generation)',
        wikiembed_private.text_expression(v_row, v_alias),
        case when v_documents.title_column is null then 'null::text'
             else format('%s.%I::text', v_alias, v_documents.title_column) end));
  end loop;
  return v_names || jsonb_build_object(
    'document_insert', quote_ident('on_document_insert_' || p_name), 'document_update', quote_ident('on_document_update_' || p_name),
    'document_delete', quote_ident('on_document_delete_' || p_name), 'document_truncate', quote_ident('on_document_truncate_' || p_name),
    'read_document', quote_ident('read_document_' || p_name), 'split_document', quote_ident('split_document_' || p_name));
end;
$$;


--
-- Name: FUNCTION document_names(p_name text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.document_names(p_name text) IS 'The names that templates of documents use besides those of a source.';


--
-- Name: document_row(text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.document_row(p_name text) RETURNS wikiembed.sources
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_documents wikiembed.document_sources;
  v_row wikiembed.sources;
begin
  select d.* into v_documents from wikiembed.document_sources as d where d.source = p_name collate "default";
  if not found then
    return null;
  end if;
  v_row.name := p_name;
  v_row.queue_name := 'embed_' || p_name;
  v_row.relation := v_documents.relation;
  v_row.key_columns := v_documents.key_columns;
  v_row.key_types := v_documents.key_types;
  v_row.key_column := v_documents.key_columns[1];
  v_row.text_columns := v_documents.text_columns;
  v_row.text_paths := v_documents.text_paths;
  v_row.embedding_column := '';
  return v_row;
end;
$$;


--
-- Name: FUNCTION document_row(p_name text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.document_row(p_name text) IS 'The documents of a source in the shape of a source, for render_template; null when it has none.';


--
-- Name: documents_written_as(text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.documents_written_as(p_name text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select wikiembed_private.render_template(
    wikiembed_private.document_row(p_name), '@table@ (@key_list@; @text_of(d)@; @title_d@) @chunks@',
    wikiembed_private.document_names(p_name));
$$;


--
-- Name: FUNCTION documents_written_as(p_name text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.documents_written_as(p_name text) IS 'The names that a source''s generated functions of documents depend on.';


--
-- Name: drop_deltas(text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.drop_deltas(p_source text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  execute format('lock table wikiembed_private.%I in access exclusive mode nowait', 'deltas_' || p_source);
  execute format('drop table wikiembed_private.%I', 'deltas_' || p_source);
exception when lock_not_available or undefined_table then
  null;
end;
$$;


--
-- Name: FUNCTION drop_deltas(p_source text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.drop_deltas(p_source text) IS 'Drops the table that create_deltas made, unless another transaction has locked it.';


--
-- Name: drop_orphan_triggers(wikiembed.sources); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.drop_orphan_triggers(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_relation regclass;
  v_trigger name;
begin
  for v_relation, v_trigger in
    select t.relation, t.trigger from wikiembed_private.triggers_of(p_source.name) as t
     where t.relation not in (select wikiembed_private.relations_of(p_source.relation))
  loop
    execute format('drop trigger %I on %s', v_trigger, wikiembed_private.qualified(v_relation));
  end loop;
end;
$$;


--
-- Name: FUNCTION drop_orphan_triggers(p_source wikiembed.sources); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.drop_orphan_triggers(p_source wikiembed.sources) IS 'Drops a source''s triggers from tables that are no longer its partitions.';


--
-- Name: drop_orphans(); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.drop_orphans() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_dropped bigint;
  v_name text;
begin
  delete from wikiembed_queue.procrastinate_jobs as j
   where j.task_name in ('wikiembed.embed', 'wikiembed.split')
     and not exists (select from wikiembed.sources as s where s.name = j.args ->> 'source');
  get diagnostics v_dropped = row_count;
  delete from wikiembed.ledger as l
   where not exists (select from wikiembed.sources as s where s.name = l.source);
  delete from wikiembed_private.ended_failures as e
   where not exists (select from wikiembed.sources as s where s.name = e.source);
  for v_name in
    select substr(c.relname, 8) from pg_inherits as i join pg_class as c on c.oid = i.inhrelid
     where i.inhparent = 'wikiembed.ledger'::regclass
       and not exists (select from wikiembed.sources as s where s.name = substr(c.relname, 8))
     order by 1
  loop
    perform wikiembed_private.lock_source(v_name);
    if not exists (select from wikiembed.sources as s where s.name = v_name) then
      perform wikiembed_private.drop_deltas(v_name);
    end if;
  end loop;
  return v_dropped;
end;
$$;


--
-- Name: FUNCTION drop_orphans(); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.drop_orphans() IS 'Drops jobs, ledger rows, history of failures and tables of deltas of sources that do not exist; returns the number of jobs.';


--
-- Name: end_failures(tid[], text, text[]); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.end_failures(p_places tid[], p_how text, p_cured text[] DEFAULT NULL::text[]) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
declare
  v_ended bigint;
begin
  with ended as (
    delete from wikiembed.failures as f where f.ctid = any (p_places) returning f.*
  ), kept as (
    insert into wikiembed_private.ended_failures
      (source, key, error_class, http_status, message, attempts, first_at, last_at, how)
    select e.source, e.key, e.error_class, e.http_status, e.message, e.attempts, e.first_at, e.last_at,
           case when c.key is null then p_how else 'cured' end
      from (select e.* from ended as e where e.state = 'failed' order by e.last_at desc, e.key limit 50000) as e
      left join (select distinct c.key collate "C" as key from unnest(p_cured) as c (key)) as c on c.key = e.key
  )
  select count(*) into v_ended from ended;
  return v_ended;
end;
$$;


--
-- Name: FUNCTION end_failures(p_places tid[], p_how text, p_cured text[]); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.end_failures(p_places tid[], p_how text, p_cured text[]) IS 'Deletes failures that the caller has locked and keeps them as history, those of the keys p_cured as cured; returns their number.';


--
-- Name: enforce_pause(); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.enforce_pause() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if exists (
    select from wikiembed.sources as s
     where s.queue_name = new.queue_name and wikiembed_private.is_paused(s.paused_at, s.resume_at)
  ) then
    return null;
  end if;
  new.started_at := clock_timestamp();
  return new;
end;
$$;


--
-- Name: FUNCTION enforce_pause(); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.enforce_pause() IS 'Refuses todo → doing for jobs of a paused source; records when a job begins.';


--
-- Name: enqueue_documents(text, bigint, boolean); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.enqueue_documents(p_source text, p_most bigint, p_dry_run boolean, OUT jobs bigint, OUT documents bigint) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS $_$
begin
  execute format($sql$
    with live as materialized (
      select k.key collate "C" as key
        from wikiembed_queue.procrastinate_jobs as j, jsonb_array_elements_text(
               case jsonb_typeof(j.args -> 'documents') when 'array' then j.args -> 'documents' else '[]' end) as k (key)
       where j.queue_name = $1 and j.task_name = 'wikiembed.split' and j.status in ('todo', 'doing')
    ), waiting as (
      select s.key from wikiembed_private.%I as s
       where s.version is null
         and not exists (select from live as l where l.key = s.key)
         and not exists (select from wikiembed.document_failures as f where f.source = $2 and f.key = s.key)
       order by s.key
       limit $3
    ), inserted as (
      insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
      select $1, 'wikiembed.split', 0, jsonb_build_object('source', $2, 'documents', to_jsonb(array_agg(n.key)))
        from (select w.key, (row_number() over (order by w.key) - 1) / 16 as batch from waiting as w where not $4) as n
       group by n.batch
       order by n.batch
      returning 1
    )
    select (select case when $4 then (count(*) + 15) / 16 else (select count(*) from inserted) end from waiting),
           (select count(*) from waiting)
  $sql$, 'documents_' || p_source) into jobs, documents
    using 'embed_' || p_source, p_source, p_most, p_dry_run;
end;
$_$;


--
-- Name: FUNCTION enqueue_documents(p_source text, p_most bigint, p_dry_run boolean, OUT jobs bigint, OUT documents bigint); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.enqueue_documents(p_source text, p_most bigint, p_dry_run boolean, OUT jobs bigint, OUT documents bigint) IS 'Queues the documents of a source that wait in no job and in no failure; returns the numbers of jobs and documents.';


--
-- Name: error_classes(); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.error_classes() RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY['text_too_long'::text, 'text_too_large'::text, 'timeout'::text, 'no_answer'::text, 'bad_answer'::text, 'refused'::text, 'rejected'::text, 'document_unreadable'::text, 'write_refused'::text, 'worker_lost'::text, 'internal_error'::text, 'empty_text'::text, 'skipped_by_operator'::text];


--
-- Name: FUNCTION error_classes(); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.error_classes() IS 'Returns the error classes that wikiembed writes into failures.';


--
-- Name: fail_wiki(text[], bigint[], text, text, integer, integer, bigint, text, integer); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.fail_wiki(p_keys text[], p_versions bigint[], p_error_class text, p_message text, p_http_status integer, p_attempts integer, p_job_id bigint, p_state text, p_attempt integer) RETURNS TABLE(key text, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET lock_timeout TO '2s'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
    declare
      v_generation bigint;
      v_held text[];
    begin
      lock table only public.wiki_chunks in row exclusive mode;
      select s.generation into v_generation from wikiembed.sources as s
       where s.name = 'wiki' for key share skip locked;
      if not found then
        if not exists (select from wikiembed.sources as s where s.name = 'wiki') then
          return query select k, 'gone'::text from unnest(p_keys) as k;
          return;
        end if;
        perform wikiembed_private.requeue('wiki', p_keys, p_attempt);
        return query select k, 'locked'::text from unnest(p_keys) as k;
        return;
      end if;
      select array_agg(h.key) into v_held
        from (
          select h.key
            from (
              select g.key, g.version from unnest(p_keys::bigint[], p_versions) as g (key, version) order by g.key
            ) as g
           cross join lateral (
             select t.id::text as key from public.wiki_chunks as t
              where t.id = g.key and num_nulls(t.embedding) = 1
                and hashtextextended(t.content::text collate "C", v_generation) is not distinct from g.version
                for no key update of t skip locked
           ) as h
        ) as h;
      insert into wikiembed.failures as f
        (source, key, state, error_class, http_status, message, attempts, job_id)
      select distinct on (k collate "C")
             'wiki', k, p_state, p_error_class, p_http_status, left(p_message, 1000), p_attempts, p_job_id
        from unnest(v_held) as k
       order by k collate "C"
          on conflict on constraint failures_pkey do update
             set state = excluded.state, error_class = excluded.error_class,
                 http_status = excluded.http_status, message = excluded.message,
                 attempts = f.attempts + excluded.attempts, last_at = excluded.last_at,
                 job_id = excluded.job_id
           where f.state = 'failed' or excluded.state = 'skipped';
      return query select o.key, o.outcome
        from wikiembed_private.outcomes_wiki(p_keys, p_versions, v_generation, v_held, null, p_attempt, 'recorded') as o;
    end;
    $$;


--
-- Name: FUNCTION fail_wiki(p_keys text[], p_versions bigint[], p_error_class text, p_message text, p_http_status integer, p_attempts integer, p_job_id bigint, p_state text, p_attempt integer); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.fail_wiki(p_keys text[], p_versions bigint[], p_error_class text, p_message text, p_http_status integer, p_attempts integer, p_job_id bigint, p_state text, p_attempt integer) IS 'Written by write_triggers for source wiki.';


--
-- Name: failures; Type: TABLE; Schema: wikiembed; Owner: -
--

CREATE TABLE wikiembed.failures (
    source text NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    state text DEFAULT 'failed'::text NOT NULL,
    error_class text NOT NULL,
    http_status integer,
    message text DEFAULT ''::text NOT NULL,
    attempts integer DEFAULT 1 NOT NULL,
    first_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    last_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    job_id bigint,
    CONSTRAINT state_is_known CHECK ((state = ANY (ARRAY['failed'::text, 'skipped'::text])))
);


--
-- Name: TABLE failures; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON TABLE wikiembed.failures IS 'Chunks that are not embedded, with the reason; written by record_failures, retry_failures, skip and the triggers.';


--
-- Name: COLUMN failures.source; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.failures.source IS 'The source.';


--
-- Name: COLUMN failures.key; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.failures.key IS 'The chunk''s key, as text.';


--
-- Name: COLUMN failures.state; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.failures.state IS 'failed (still missing) or skipped (it does not count as missing).';


--
-- Name: COLUMN failures.error_class; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.failures.error_class IS 'Stable name of the kind of failure, as in docs/reference.';


--
-- Name: COLUMN failures.http_status; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.failures.http_status IS 'Status of the embedding server''s last response, where there was one.';


--
-- Name: COLUMN failures.message; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.failures.message IS 'One sentence; never the chunk''s text.';


--
-- Name: COLUMN failures.attempts; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.failures.attempts IS 'Attempts to embed this chunk alone.';


--
-- Name: COLUMN failures.first_at; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.failures.first_at IS 'When it failed first.';


--
-- Name: COLUMN failures.last_at; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.failures.last_at IS 'When it failed last.';


--
-- Name: COLUMN failures.job_id; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.failures.job_id IS 'The job that recorded it.';


--
-- Name: failures_moved(wikiembed.sources, wikiembed.sources); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.failures_moved(p_former wikiembed.sources, p_source wikiembed.sources) RETURNS wikiembed.failures[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS $_$
declare
  v_failures wikiembed.failures[];
begin
  execute format(
    'select coalesce(array_agg(f order by f.key), ''{}'') from wikiembed.failures as f
       join %s as o on %s collate "C" = f.key
       join %s as n on %s collate "C" = f.key
      where f.source = $1 collate "C" and %s collate "C" is not distinct from %s collate "C" and n.%I is null',
    wikiembed_private.qualified(p_former.relation), wikiembed_private.key_expression(p_former, 'o'),
    wikiembed_private.qualified(p_source.relation), wikiembed_private.key_expression(p_source, 'n'),
    wikiembed_private.text_expression(p_former, 'o'), wikiembed_private.text_expression(p_source, 'n'),
    p_source.embedding_column)
    into v_failures using p_former.name;
  return v_failures;
end;
$_$;


--
-- Name: FUNCTION failures_moved(p_former wikiembed.sources, p_source wikiembed.sources); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.failures_moved(p_former wikiembed.sources, p_source wikiembed.sources) IS 'The failures of a source that is moved whose rows have the same key and text in both tables.';


--
-- Name: procrastinate_jobs; Type: TABLE; Schema: wikiembed_queue; Owner: -
--

CREATE TABLE wikiembed_queue.procrastinate_jobs (
    id bigint NOT NULL,
    queue_name character varying(128) NOT NULL,
    task_name character varying(128) NOT NULL,
    priority integer DEFAULT 0 NOT NULL,
    lock text,
    queueing_lock text,
    args jsonb DEFAULT '{}'::jsonb NOT NULL,
    status wikiembed_queue.procrastinate_job_status DEFAULT 'todo'::wikiembed_queue.procrastinate_job_status NOT NULL,
    scheduled_at timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    abort_requested boolean DEFAULT false NOT NULL,
    worker_id bigint,
    queued_at timestamp with time zone DEFAULT now(),
    started_at timestamp with time zone
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='10000');


--
-- Name: COLUMN procrastinate_jobs.queued_at; Type: COMMENT; Schema: wikiembed_queue; Owner: -
--

COMMENT ON COLUMN wikiembed_queue.procrastinate_jobs.queued_at IS 'When the job was queued; wikiembed''s own column.';


--
-- Name: COLUMN procrastinate_jobs.started_at; Type: COMMENT; Schema: wikiembed_queue; Owner: -
--

COMMENT ON COLUMN wikiembed_queue.procrastinate_jobs.started_at IS 'When a worker last began the job; wikiembed''s own column, written by its pause gate.';


--
-- Name: fetch_jobs(character varying[], boolean, bigint, integer, integer); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.fetch_jobs(p_queues character varying[], p_upkeep boolean, p_worker_id bigint, p_most_jobs integer DEFAULT 1, p_most_chunks integer DEFAULT NULL::integer) RETURNS SETOF wikiembed_queue.procrastinate_jobs
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_sort TO 'off'
    SET jit TO 'off'
    AS $$
declare
  v_most integer := greatest(1, coalesce(p_most_jobs, 1));
  v_names character varying[] := p_queues;
  v_look integer := v_most;
  v_seen bigint[];
  v_chunks integer[];
  v_held bigint[];
  v_one bigint;
  v_sum bigint;
begin
  if p_queues is null and p_upkeep then
    v_names := wikiembed_private.waiting_queues();
  elsif p_queues is null then
    v_names := array(select s.queue_name from wikiembed.sources as s);
  end if;
  for v_round in 0..4 loop
    select array_agg(f.id), array_agg(
             case jsonb_typeof(f.args -> 'keys') when 'array' then jsonb_array_length(f.args -> 'keys') else 1 end)
      into v_seen, v_chunks
      from (
        select h.id, h.args
          from (
            select distinct n.name from unnest(v_names) as n (name)
             where not exists (
               select from wikiembed.sources as s
                where s.queue_name = n.name and wikiembed_private.is_paused(s.paused_at, s.resume_at))
          ) as q
         cross join lateral (
           (select j.id, j.priority, j.args
              from wikiembed_queue.procrastinate_jobs as j
             where j.status = 'todo' and j.scheduled_at is null
               and j.queue_name >= q.name and j.queue_name <= q.name
               and (j.lock is null or not exists (
                 select from wikiembed_queue.procrastinate_jobs as o
                  where o.lock = j.lock
                    and (o.status = 'doing' or (o.status = 'todo' and (
                      o.priority > j.priority or (o.priority = j.priority and o.id < j.id))))))
             order by j.queue_name, j.priority desc, j.id
             limit v_look)
           union all
           (select j.id, j.priority, j.args
              from wikiembed_queue.procrastinate_jobs as j
             where j.status = 'todo' and j.scheduled_at is not null and j.scheduled_at <= now()
               and j.queue_name >= q.name and j.queue_name <= q.name
               and (j.lock is null or not exists (
                 select from wikiembed_queue.procrastinate_jobs as o
                  where o.lock = j.lock
                    and (o.status = 'doing' or (o.status = 'todo' and (
                      o.priority > j.priority or (o.priority = j.priority and o.id < j.id))))))
             order by j.queue_name, j.scheduled_at
             limit greatest(v_look, 256))
         ) as h
         order by h.priority desc, h.id
         limit v_look
      ) as f;
    if v_seen is null then
      return;
    end if;
    v_sum := 0;
    if v_round = 0 then
      for v_n in 1..cardinality(v_seen) loop
        v_sum := v_sum + v_chunks[v_n];
        if v_n > 1 and v_sum > p_most_chunks then
          v_seen := v_seen[:v_n - 1];
          exit;
        end if;
      end loop;
      v_held := array(
        select j.id from wikiembed_queue.procrastinate_jobs as j
         where j.id = any (v_seen) and j.status::text = 'todo'
           and (j.scheduled_at is null or j.scheduled_at <= now())
           for update skip locked);
    else
      v_held := '{}';
      for v_n in 1..cardinality(v_seen) loop
        exit when cardinality(v_held) = v_most
          or (cardinality(v_held) > 0 and v_sum + v_chunks[v_n] > p_most_chunks);
        select j.id into v_one from wikiembed_queue.procrastinate_jobs as j
         where j.id = v_seen[v_n] and j.status::text = 'todo'
           and (j.scheduled_at is null or j.scheduled_at <= now())
           for update skip locked;
        if found then
          v_held := v_held || v_one;
          v_sum := v_sum + v_chunks[v_n];
        end if;
      end loop;
    end if;
    if cardinality(v_held) > 0 then
      return query
        with taken as (
          update wikiembed_queue.procrastinate_jobs as j set status = 'doing', worker_id = p_worker_id
           where j.id = any (v_held)
          returning j.*
        )
        select t.* from taken as t order by t.priority desc, t.id;
      if found then
        return;
      end if;
    end if;
    v_look := 32 * (v_most + 1) * (v_round + 1);
  end loop;
end;
$$;


--
-- Name: FUNCTION fetch_jobs(p_queues character varying[], p_upkeep boolean, p_worker_id bigint, p_most_jobs integer, p_most_chunks integer); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.fetch_jobs(p_queues character varying[], p_upkeep boolean, p_worker_id bigint, p_most_jobs integer, p_most_chunks integer) IS 'Fetches up to a number of jobs in order, from the given queues (null: all) without the paused ones, with up to a number of chunks together, but at least one job.';


--
-- Name: find_column(regclass, name, smallint); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.find_column(p_relation regclass, p_name name, p_attnum smallint DEFAULT NULL::smallint) RETURNS pg_attribute
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_column pg_attribute;
begin
  select a.* into v_column from pg_attribute as a
   where a.attrelid = p_relation and not a.attisdropped and a.attnum > 0
     and (a.attname = p_name or a.attnum = p_attnum)
   order by a.attname = p_name desc
   limit 1;
  if not found then
    raise exception '% has no column "%"', p_relation, p_name
      using errcode = 'WE006', hint = 'Name a column of the table, or detach the source.';
  end if;
  return v_column;
end;
$$;


--
-- Name: FUNCTION find_column(p_relation regclass, p_name name, p_attnum smallint); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.find_column(p_relation regclass, p_name name, p_attnum smallint) IS 'The catalogue row of a column, by name, else by number; raises WE006 when there is none.';


--
-- Name: finish_jobs(bigint[]); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.finish_jobs(p_job_ids bigint[]) RETURNS bigint[]
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
declare
  v_ids bigint[];
begin
  v_ids := array(
    select j.id from wikiembed_queue.procrastinate_jobs as j
     where j.id = any (p_job_ids) and j.status in ('todo', 'doing')
     order by j.id
       for update);
  with gone as (
    delete from wikiembed_queue.procrastinate_jobs as j where j.id = any (v_ids) returning j.id
  )
  select coalesce(array_agg(g.id order by g.id), '{}') into v_ids from gone as g;
  return v_ids;
end;
$$;


--
-- Name: FUNCTION finish_jobs(p_job_ids bigint[]); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.finish_jobs(p_job_ids bigint[]) IS 'Deletes those of these jobs that are todo or doing; returns their ids.';


--
-- Name: follow_batch_size(); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.follow_batch_size() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  perform wikiembed_private.require_quotable(new);
  perform wikiembed_private.generate_on_insert(new);
  return null;
end;
$$;


--
-- Name: FUNCTION follow_batch_size(); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.follow_batch_size() IS 'Regenerates a source''s insert trigger with its present batch size.';


--
-- Name: follow_renames(text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.follow_renames(p_name text) RETURNS wikiembed.sources
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_source wikiembed.sources;
  v_keys pg_attribute[];
  v_texts pg_attribute[];
  v_embedding pg_attribute;
begin
  select s.* into v_source from wikiembed.sources as s where s.name = p_name;
  v_keys := array(
    select wikiembed_private.find_column(v_source.relation, c.name, c.attnum)
      from unnest(v_source.key_columns, v_source.key_attnums) with ordinality as c (name, attnum, number)
     order by c.number);
  v_texts := array(
    select wikiembed_private.find_column(v_source.relation, c.name, c.attnum)
      from unnest(v_source.text_columns, v_source.text_attnums) with ordinality as c (name, attnum, number)
     order by c.number);
  v_embedding := wikiembed_private.find_column(
    v_source.relation, v_source.embedding_column, v_source.embedding_attnum);
  update wikiembed.sources as s
     set key_column = v_keys[1].attname, text_column = v_texts[1].attname, embedding_column = v_embedding.attname,
         key_attnum = v_keys[1].attnum, text_attnum = v_texts[1].attnum, embedding_attnum = v_embedding.attnum,
         key_columns = array(select k.attname from unnest(v_keys) as k),
         key_attnums = array(select k.attnum from unnest(v_keys) as k),
         text_columns = array(select t.attname from unnest(v_texts) as t),
         text_attnums = array(select t.attnum from unnest(v_texts) as t)
   where s.name = p_name
     and (s.embedding_column, s.embedding_attnum, s.key_columns, s.key_attnums, s.text_columns, s.text_attnums)
         is distinct from (
           v_embedding.attname, v_embedding.attnum,
           array(select k.attname from unnest(v_keys) as k), array(select k.attnum from unnest(v_keys) as k),
           array(select t.attname from unnest(v_texts) as t), array(select t.attnum from unnest(v_texts) as t));
  select s.* into v_source from wikiembed.sources as s where s.name = p_name;
  return v_source;
end;
$$;


--
-- Name: FUNCTION follow_renames(p_name text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.follow_renames(p_name text) IS 'Updates a source''s column names after a rename; returns its row.';


--
-- Name: forget_failures(text, text[], text, text[]); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.forget_failures(p_source text, p_keys text[], p_how text, p_cured text[] DEFAULT NULL::text[]) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
declare
  v_places tid[];
begin
  v_places := array(
    select h.place
      from (select distinct k.key collate "C" as key from unnest(p_keys) as k (key) order by 1) as a
     cross join lateral (
       select f.ctid as place from wikiembed.failures as f
        where f.source = p_source collate "default" and f.key = a.key
          for update) as h);
  if cardinality(v_places) = 0 then
    return 0;
  end if;
  return wikiembed_private.end_failures(v_places, p_how, p_cured);
end;
$$;


--
-- Name: FUNCTION forget_failures(p_source text, p_keys text[], p_how text, p_cured text[]); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.forget_failures(p_source text, p_keys text[], p_how text, p_cured text[]) IS 'Ends the failures of these keys, locked in key order, and keeps them as history, those of the keys p_cured as cured; returns their number.';


--
-- Name: forget_truncated(text, text[]); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.forget_truncated(p_source text, p_keys text[]) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
declare
  v_places tid[];
  v_forgotten bigint;
begin
  v_places := array(
    select h.place
      from (select distinct k.key collate "C" as key from unnest(p_keys) as k (key) order by 1) as a
     cross join lateral (
       select c.ctid as place from wikiembed.truncated_chunks as c
        where c.source = p_source collate "default" and c.key = a.key
          for update) as h);
  if cardinality(v_places) = 0 then
    return 0;
  end if;
  delete from wikiembed.truncated_chunks as c where c.ctid = any (v_places);
  get diagnostics v_forgotten = row_count;
  return v_forgotten;
end;
$$;


--
-- Name: FUNCTION forget_truncated(p_source text, p_keys text[]); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.forget_truncated(p_source text, p_keys text[]) IS 'Deletes the marks of chunks that are no longer truncated, locked in key order; returns the number of them.';


--
-- Name: free_column(regclass, text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.free_column(p_relation regclass, p_name text) RETURNS name
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select c.name::name
    from (select p_name || case when i = 1 then '' else '_' || i end as name, i from generate_series(1, 1600) as i) as c
   where not exists (select from pg_attribute as a
                      where a.attrelid = p_relation and a.attname = c.name::name and not a.attisdropped)
   order by c.i
   limit 1;
$$;


--
-- Name: FUNCTION free_column(p_relation regclass, p_name text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.free_column(p_relation regclass, p_name text) IS 'An unused name for a new column of a table.';


--
-- Name: generate_document_triggers(text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.generate_document_triggers(p_name text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
  v_row wikiembed.sources := wikiembed_private.document_row(p_name);
  v_names jsonb := wikiembed_private.document_names(p_name);
begin
  execute wikiembed_private.render_template(v_row, $template$
    create or replace function wikiembed_private.@document_insert@() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set jit = off
    as $body$
    begin
      insert into @state@ as s (key)
      select @key_of(n)@ from new_rows as n
          on conflict (key) do update set version = null;
      insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
      select @queue@, 'wikiembed.split', 10, jsonb_build_object('source', @source@, 'documents', to_jsonb(array_agg(m.key)))
        from (select @key_of(n)@ as key, (row_number() over () - 1) / 16 as batch from new_rows as n) as m
       group by m.batch
       order by m.batch;
      return null;
    end;
    $body$
  $template$, v_names);
  execute wikiembed_private.render_template(v_row, $template$
    create or replace function wikiembed_private.@document_update@() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set enable_nestloop = off
    set enable_mergejoin = off
    set jit = off
    as $body$
    declare
      v_changed text[];
      v_removed text[];
    begin
      v_changed := array(
        select @key_of(n)@ from new_rows as n
         where not exists (
           select from old_rows as o
            where @same_key(o, n)@
              and @text_of(o)@ collate "C" is not distinct from @text_of(n)@ collate "C"
              and @title_o@ collate "C" is not distinct from @title_n@ collate "C"));
      v_removed := array(
        select @key_of(o)@ from old_rows as o
         where not exists (select from new_rows as n where @same_key(n, o)@));
      if cardinality(v_removed) > 0 then
        delete from @state@ as s where s.key = any (v_removed collate "C");
        delete from wikiembed.document_failures as f where f.source = @source@ and f.key = any (v_removed collate "C");
      end if;
      if cardinality(v_changed) > 0 then
        insert into @state@ as s (key)
        select k from unnest(v_changed) as k order by k collate "C"
            on conflict (key) do update set version = null;
        delete from wikiembed.document_failures as f where f.source = @source@ and f.key = any (v_changed collate "C");
        insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
        select @queue@, 'wikiembed.split', 10, jsonb_build_object('source', @source@, 'documents', to_jsonb(array_agg(m.key)))
          from (select k as key, (row_number() over () - 1) / 16 as batch from unnest(v_changed) as k) as m
         group by m.batch
         order by m.batch;
      end if;
      return null;
    end;
    $body$
  $template$, v_names);
  execute wikiembed_private.render_template(v_row, $template$
    create or replace function wikiembed_private.@document_delete@() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set jit = off
    as $body$
    declare
      v_removed text[] := array(select @key_of(o)@ from old_rows as o);
    begin
      delete from @state@ as s where s.key = any (v_removed collate "C");
      delete from wikiembed.document_failures as f where f.source = @source@ and f.key = any (v_removed collate "C");
      return null;
    end;
    $body$
  $template$, v_names);
  execute wikiembed_private.render_template(v_row, $template$
    create or replace function wikiembed_private.@document_truncate@() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    as $body$
    begin
      delete from @state@;
      delete from wikiembed.document_failures as f where f.source = @source@;
      perform wikiembed_private.queue_reconcile(@source@);
      return null;
    end;
    $body$
  $template$, v_names);
end;
$_$;


--
-- Name: FUNCTION generate_document_triggers(p_name text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.generate_document_triggers(p_name text) IS 'Generates the functions of a document table''s triggers.';


--
-- Name: generate_fail(wikiembed.sources); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.generate_fail(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  execute wikiembed_private.render_template(p_source, $template$
    create or replace function wikiembed_private.@fail@(
      p_keys text[], p_versions bigint[], p_error_class text, p_message text,
      p_http_status integer, p_attempts integer, p_job_id bigint, p_state text, p_attempt integer)
    returns table (key text, outcome text)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    set row_security = off
    set lock_timeout = '2s'
    set enable_seqscan = off
    set jit = off
    as $body$
    declare
      v_generation bigint;
      v_held text[];
    begin
      lock table only @table@ in row exclusive mode;
      select s.generation into v_generation from wikiembed.sources as s
       where s.name = @source@ for key share skip locked;
      if not found then
        if not exists (select from wikiembed.sources as s where s.name = @source@) then
          return query select k, 'gone'::text from unnest(p_keys) as k;
          return;
        end if;
        perform wikiembed_private.requeue(@source@, p_keys, p_attempt);
        return query select k, 'locked'::text from unnest(p_keys) as k;
        return;
      end if;
      select array_agg(h.key) into v_held
        from (
          select h.key
            from (
              select g.key, g.version from unnest(@typed_keys(p_keys)@, p_versions) as g (key, version) order by g.key
            ) as g
           cross join lateral (
             select @key_of(t)@ as key from @table@ as t
              where @is_key(t, g.key)@ and num_nulls(t.@embedding@) = 1
                and hashtextextended(@text_of(t)@ collate "C", v_generation) is not distinct from g.version
                for no key update of t skip locked
           ) as h
        ) as h;
      insert into wikiembed.failures as f
        (source, key, state, error_class, http_status, message, attempts, job_id)
      select distinct on (k collate "C")
             @source@, k, p_state, p_error_class, p_http_status, left(p_message, 1000), p_attempts, p_job_id
        from unnest(v_held) as k
       order by k collate "C"
          on conflict on constraint failures_pkey do update
             set state = excluded.state, error_class = excluded.error_class,
                 http_status = excluded.http_status, message = excluded.message,
                 attempts = f.attempts + excluded.attempts, last_at = excluded.last_at,
                 job_id = excluded.job_id
           where f.state = 'failed' or excluded.state = 'skipped';
      return query select o.key, o.outcome
        from wikiembed_private.@outcomes@(p_keys, p_versions, v_generation, v_held, null, p_attempt, 'recorded') as o;
    end;
    $body$
  $template$);
end;
$_$;


--
-- Name: FUNCTION generate_fail(p_source wikiembed.sources); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.generate_fail(p_source wikiembed.sources) IS 'Generates the function that records a source''s failures.';


--
-- Name: generate_null_stale(wikiembed.sources); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.generate_null_stale(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  execute wikiembed_private.render_template(p_source, $template$
    create or replace function wikiembed_private.@null_stale@() returns trigger
    language plpgsql
    set search_path = pg_catalog, pg_temp
    as $body$
    begin
      if old.@embedding@ is not null and new.@embedding@ is not null and new.@embedding@ @vector_equals@ old.@embedding@ then
        new.@embedding@ := null;
      end if;
      return new;
    end;
    $body$
  $template$);
end;
$_$;


--
-- Name: FUNCTION generate_null_stale(p_source wikiembed.sources); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.generate_null_stale(p_source wikiembed.sources) IS 'Generates the function of a source''s row trigger.';


--
-- Name: generate_on_delete(wikiembed.sources); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.generate_on_delete(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  execute wikiembed_private.render_template(p_source, $template$
    create or replace function wikiembed_private.@on_delete@() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set enable_seqscan = off
    set enable_nestloop = off
    set jit = off
    as $body$
    declare
      v_total bigint;
      v_embedded bigint;
      v_keys text[];
    begin
      select count(*), count(o.@embedding@) into v_total, v_embedded from old_rows as o;
      if v_total = 0 then
        return null;
      end if;
      insert into wikiembed_private.@deltas@ (total, embedded) values (-v_total, -v_embedded);
      if exists (select from wikiembed.failures as f where f.source = @source@)
         or exists (select from wikiembed.truncated_chunks as c where c.source = @source@)
      then
        if exists (select from wikiembed.failures as f where f.source = @source@) then
          if v_total <= 500 then
            v_keys := array(select @key_of(o)@ from old_rows as o);
          else
            v_keys := array(
              select f.key from old_rows as o
                join wikiembed.failures as f on f.source = @source@ and f.key = @key_of(o)@ collate "C");
          end if;
          perform wikiembed_private.forget_failures(@source@, v_keys, 'deleted');
        end if;
        if exists (select from wikiembed.truncated_chunks as c where c.source = @source@) then
          if v_total <= 500 then
            v_keys := array(select @key_of(o)@ from old_rows as o where o.@embedding@ is not null);
          else
            v_keys := array(
              select c.key from old_rows as o
                join wikiembed.truncated_chunks as c on c.source = @source@ and c.key = @key_of(o)@ collate "C");
          end if;
          perform wikiembed_private.forget_truncated(@source@, v_keys);
        end if;
      end if;
      return null;
    end;
    $body$
  $template$);
end;
$_$;


--
-- Name: FUNCTION generate_on_delete(p_source wikiembed.sources); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.generate_on_delete(p_source wikiembed.sources) IS 'Generates the function of a source''s delete trigger.';


--
-- Name: generate_on_insert(wikiembed.sources); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.generate_on_insert(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
  v_most integer := case when p_source.key_type in ('text', 'character varying', 'composite') then 10000 else 500000 end;
  -- Checked and set at once: another client that checks a moment later does not notify too.
  v_may_notify text := wikiembed_private.render_template(p_source, $template$
    case when abs(date_part('epoch', clock_timestamp()) * 1000 - coalesce(pg_sequence_last_value(@clock@), 0)) >= 20
         then setval(@clock@, (date_part('epoch', clock_timestamp()) * 1000)::bigint) > 0 end
  $template$);
begin
  if to_regclass(format('wikiembed_private.%I', 'clock_embed_' || p_source.name)) is null then
    execute format('create sequence wikiembed_private.%I minvalue 0 start 0', 'clock_embed_' || p_source.name);
  end if;
  execute wikiembed_private.render_template(p_source, $template$
    create or replace function wikiembed_private.@on_insert@() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    as $body$
    declare
      v_total bigint;
      v_embedded bigint;
      v_keys @key_type@[];
      v_missing bigint;
      v_notifies boolean;
      v_ignored text;
    begin
      select count(*), count(n.@embedding@), array_agg(n.key) filter (where n.@embedding@ is null),
             case when count(*) > count(n.@embedding@) and set_config('wikiembed.notifies_itself', 'on', true) = 'on' then
               @may_notify@
             end
        into v_total, v_embedded, v_keys, v_notifies
        from (select @key_value(n)@ as key, n.@embedding@ from new_rows as n limit @batch_size@ + 1) as n;
      if v_total > v_embedded and v_total <= @batch_size@ then
        with counted as (
          insert into wikiembed_private.@deltas@ (total, embedded) values (v_total, v_embedded)
        )
        insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
        values (@queue@, 'wikiembed.embed', 10, jsonb_build_object('source', @source@, 'keys', v_keys::text[]));
      elsif v_total <= @batch_size@ then
        insert into wikiembed_private.@deltas@ (total, embedded)
        select v_total, v_embedded where v_total > 0;
      else
        v_ignored := set_config('wikiembed.notifies_itself', 'on', true);
        with gathered as materialized (
          select count(*) as total, count(n.@embedding@) as embedded,
                 array_agg(n.key) filter (where n.@embedding@ is null) as keys
            from (select @key_value(n)@ as key, n.@embedding@ from new_rows as n limit @most@ + 1) as n
        ), queued as (
          insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
          select @queue@, 'wikiembed.embed', 10,
                 jsonb_build_object('source', @source@, 'keys', f.keys[i : i + @batch_size@ - 1]::text[])
            from gathered as f, generate_series(1, cardinality(f.keys), @batch_size@) as i
           where f.total <= @most@
        )
        insert into wikiembed_private.@deltas@ (total, embedded)
        select f.total, f.embedded from gathered as f where f.total <= @most@
        returning total - embedded into v_missing;
        if not found then
          v_ignored := set_config('wikiembed.notifies_itself', 'on', true);
          with batches as materialized (
            select m.batch, count(*) as total, count(m.key) as missing,
                   array_agg(m.key) filter (where m.key is not null) as keys
              from (
                select m.key, (count(m.key) over (rows unbounded preceding) - 1) / @batch_size@ as batch
                  from (select case when n.@embedding@ is null then @key_of(n)@ end as key from new_rows as n) as m
              ) as m
             group by m.batch
          ), queued as (
            insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
            select @queue@, 'wikiembed.embed', 10, jsonb_build_object('source', @source@, 'keys', to_jsonb(b.keys))
              from batches as b
             where b.missing > 0
             order by b.batch
          )
          insert into wikiembed_private.@deltas@ (total, embedded)
          select sum(b.total), sum(b.total - b.missing) from batches as b
          returning total - embedded into v_missing;
        end if;
        if v_missing > 0 and v_notifies is not true then
          v_notifies := @may_notify@;
        end if;
      end if;
      if v_notifies then
        perform wikiembed_private.notify_workers(@queue@);
      end if;
      return new;
    end;
    $body$
  $template$, jsonb_build_object(
    'may_notify', trim(v_may_notify, E'\n '),
    'batch_size', p_source.batch_size,
    'most', greatest(v_most, p_source.batch_size)));
end;
$_$;


--
-- Name: FUNCTION generate_on_insert(p_source wikiembed.sources); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.generate_on_insert(p_source wikiembed.sources) IS 'Generates the function of a source''s insert trigger.';


--
-- Name: generate_on_truncate(wikiembed.sources); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.generate_on_truncate(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  execute wikiembed_private.render_template(p_source, $template$
    create or replace function wikiembed_private.@on_truncate@() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set row_security = off
    set enable_nestloop = off
    set jit = off
    as $body$
    declare
      v_total bigint;
      v_embedded bigint;
    begin
      execute format('select count(*), count(%I) from only %I.%I', @embedding_literal@, tg_table_schema, tg_table_name)
        into v_total, v_embedded;
      insert into wikiembed.ledger (source, total, embedded) values (@source@, -v_total, -v_embedded);
      if exists (select from wikiembed.failures as f where f.source = @source@) then
        execute format(
          'select wikiembed_private.forget_failures(%L, array(
             select f.key from wikiembed.failures as f where f.source = %L and exists (
               select from only %I.%I as t where t.%I::text collate "C" = f.key)), ''deleted'')',
          @source@, @source@, tg_table_schema, tg_table_name, @key_literal@);
      end if;
      if exists (select from wikiembed.truncated_chunks as c where c.source = @source@) then
        execute format(
          'select wikiembed_private.forget_truncated(%L, array(
             select c.key from wikiembed.truncated_chunks as c where c.source = %L and exists (
               select from only %I.%I as t where t.%I::text collate "C" = c.key)))',
          @source@, @source@, tg_table_schema, tg_table_name, @key_literal@);
      end if;
      perform wikiembed_private.queue_reconcile(@source@);
      return null;
    end;
    $body$
  $template$);
end;
$_$;


--
-- Name: FUNCTION generate_on_truncate(p_source wikiembed.sources); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.generate_on_truncate(p_source wikiembed.sources) IS 'Generates the function of a source''s truncate trigger.';


--
-- Name: generate_on_update(wikiembed.sources); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.generate_on_update(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  execute wikiembed_private.render_template(p_source, $template$
    create or replace function wikiembed_private.@on_update@() returns trigger
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set row_security = off
    set enable_seqscan = off
    set enable_nestloop = off
    set enable_mergejoin = off
    set jit = off
    as $body$
    declare
      v_total bigint;
      v_embedded bigint;
      v_old_total bigint;
      v_old_embedded bigint;
      v_batch_size integer;
      v_stale text[];
      v_ended text[];
      v_cured text[];
    begin
      select count(*), count(n.@embedding@) into v_total, v_embedded from new_rows as n;
      select count(*), count(o.@embedding@) into v_old_total, v_old_embedded from old_rows as o;
      if v_embedded > v_old_embedded then
        insert into wikiembed.ledger (source, total, embedded, gained)
        values (@source@, v_total - v_old_total, v_embedded - v_old_embedded, v_embedded - v_old_embedded);
      elsif v_total <> v_old_total or v_embedded <> v_old_embedded then
        insert into wikiembed_private.@deltas@ (total, embedded)
        values (v_total - v_old_total, v_embedded - v_old_embedded);
      end if;
      if v_embedded > 0 and v_old_embedded > 0 then
        v_stale := array(
          select @key_of(n)@ from new_rows as n join old_rows as o on @same_key(o, n)@
           where @text_of(n)@ collate "C" is distinct from @text_of(o)@ collate "C"
             and n.@embedding@ @vector_equals@ o.@embedding@);
        if cardinality(v_stale) > 0 then
          @null_rows(v_stale)@
        end if;
      end if;
      if v_embedded < v_total then
        select s.batch_size into v_batch_size from wikiembed.sources as s where s.name = @source@;
        insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
        select @queue@, 'wikiembed.embed', 10, jsonb_build_object('source', @source@, 'keys', to_jsonb(array_agg(m.key)))
          from (
            select @key_of(n)@ as key, (row_number() over () - 1) / v_batch_size as batch
              from new_rows as n
             where n.@embedding@ is null
               and not exists (
                 select from old_rows as o
                  where @same_key(o, n)@
                    and @text_of(o)@ collate "C" is not distinct from @text_of(n)@ collate "C"
                    and o.@embedding@ is null)
          ) as m
         group by m.batch
         order by m.batch;
      end if;
      if exists (select from wikiembed.failures as f where f.source = @source@)
         or exists (select from wikiembed.truncated_chunks as c where c.source = @source@)
      then
        if exists (select from wikiembed.failures as f where f.source = @source@) then
          if v_old_total <= 500 then
            select array_agg(e.key), array_agg(e.key) filter (where e.cured) into v_ended, v_cured
              from (
                select @key_of(o)@ as key, n.@key@ is not null as cured
                  from old_rows as o
                  left join new_rows as n
                    on @same_key(n, o)@
                   and @text_of(n)@ collate "C" is not distinct from @text_of(o)@ collate "C"
                 where n.@key@ is null or n.@embedding@ is not null
              ) as e;
          else
            select array_agg(e.key), array_agg(e.key) filter (where e.cured) into v_ended, v_cured
              from (
                select @key_of(o)@ as key, n.@key@ is not null as cured
                  from old_rows as o
                  join wikiembed.failures as f on f.source = @source@ and f.key = @key_of(o)@ collate "C"
                  left join new_rows as n
                    on @same_key(n, o)@
                   and @text_of(n)@ collate "C" is not distinct from @text_of(o)@ collate "C"
                 where n.@key@ is null or n.@embedding@ is not null
              ) as e;
          end if;
          perform wikiembed_private.forget_failures(@source@, v_ended, 'changed', v_cured);
        end if;
        if exists (select from wikiembed.truncated_chunks as c where c.source = @source@) then
          if v_old_total <= 500 then
            v_ended := array(
              select @key_of(o)@
                from old_rows as o
                left join new_rows as n
                  on @same_key(n, o)@
                 and @text_of(n)@ collate "C" is not distinct from @text_of(o)@ collate "C"
                 and n.@embedding@ @vector_equals@ o.@embedding@
               where o.@embedding@ is not null and n.@key@ is null);
          else
            v_ended := array(
              select @key_of(o)@
                from old_rows as o
                join wikiembed.truncated_chunks as c on c.source = @source@ and c.key = @key_of(o)@ collate "C"
                left join new_rows as n
                  on @same_key(n, o)@
                 and @text_of(n)@ collate "C" is not distinct from @text_of(o)@ collate "C"
                 and n.@embedding@ @vector_equals@ o.@embedding@
               where o.@embedding@ is not null and n.@key@ is null);
          end if;
          perform wikiembed_private.forget_truncated(@source@, v_ended);
        end if;
      end if;
      return null;
    end;
    $body$
  $template$);
end;
$_$;


--
-- Name: FUNCTION generate_on_update(p_source wikiembed.sources); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.generate_on_update(p_source wikiembed.sources) IS 'Generates the function of a source''s update trigger.';


--
-- Name: generate_outcomes(wikiembed.sources); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.generate_outcomes(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  execute wikiembed_private.render_template(p_source, $template$
    create or replace function wikiembed_private.@outcomes@(
      p_keys text[], p_versions bigint[], p_generation bigint,
      p_done text[], p_rewritten text[], p_attempt integer, p_word text default 'written')
    returns table (key text, outcome text)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    set row_security = off
    set enable_seqscan = off
    set jit = off
    as $body$
    declare
      v_keys text[];
      v_outcomes text[];
    begin
      select array_agg(g.key), array_agg(
               case
                 when g.key collate "C" = any (coalesce(p_rewritten, '{}')) then 'stale'
                 when g.key collate "C" = any (coalesce(p_done, '{}')) then p_word
                 when t.missing is null then 'gone'
                 when t.missing and t.version is not distinct from g.version then 'locked'
                 else 'stale'
               end)
        into v_keys, v_outcomes
        from unnest(p_keys, p_versions) as g (key, version)
        left join lateral (
          select t.@embedding@ is null as missing,
                 case when t.@embedding@ is null then hashtextextended(@text_of(t)@ collate "C", p_generation) end as version
            from @table@ as t
           where @is_text_key(t, g.key)@
          offset 0
        ) as t on true;
      perform wikiembed_private.requeue(@source@, array(
        select o.key from unnest(v_keys, v_outcomes) as o (key, outcome) where o.outcome = 'locked'
      ), p_attempt);
      return query select * from unnest(v_keys, v_outcomes);
    end;
    $body$
  $template$);
end;
$_$;


--
-- Name: FUNCTION generate_outcomes(p_source wikiembed.sources); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.generate_outcomes(p_source wikiembed.sources) IS 'Generates the function that returns the outcome for each key of a source''s batch.';


--
-- Name: generate_read(wikiembed.sources); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.generate_read(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  execute wikiembed_private.render_template(p_source, $template$
    create or replace function wikiembed_private.@read@(p_keys text[], p_attempt integer)
    returns table (key text, content text, version bigint, source_version text)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    set row_security = off
    set lock_timeout = '2s'
    set enable_seqscan = off
    @key_lookups@
    set jit = off
    as $body$
    declare
      v_generation bigint;
      v_source_version text;
      v_keys text[];
      v_contents text[];
      v_versions bigint[];
      v_locked text[];
    begin
      lock table only @table@ in row share mode;
      select s.generation, s.xmin || ' ' || s.ctid into v_generation, v_source_version
        from wikiembed.sources as s where s.name = @source@;
      if not found then
        return;
      end if;
      select array_agg(@key_of(t)@), array_agg(@text_of(t)@),
             array_agg(hashtextextended(@text_of(t)@ collate "C", v_generation))
        into v_keys, v_contents, v_versions
        from @table@ as t
       where @has_key(t, p_keys)@
         and num_nulls(t.@embedding@) = 1
         and t.xmax = 0
         and not exists (
           select from wikiembed.failures as f
            where f.source = @source@ and f.key = @key_of(t)@ collate "C" and f.state = 'skipped' offset 0);
      if coalesce(cardinality(v_keys), 0) < cardinality(p_keys) then
        select v_keys || array_agg(h.key), v_contents || array_agg(h.content),
               v_versions || array_agg(h.version)
          into v_keys, v_contents, v_versions
          from (
            select @key_of(t)@ as key, @text_of(t)@ as content,
                   hashtextextended(@text_of(t)@ collate "C", v_generation) as version
              from @table@ as t
             where @has_key(t, p_keys)@
               and num_nulls(t.@embedding@) = 1
               and not (@key_of(t)@ collate "C" = any (coalesce(v_keys, '{}')))
               and not exists (
                 select from wikiembed.failures as f
                  where f.source = @source@ and f.key = @key_of(t)@ collate "C" and f.state = 'skipped' offset 0)
             order by @order_by(t)@
               for no key update of t skip locked
          ) as h;
        v_locked := array(
          select @key_of(t)@ from @table@ as t
           where @has_key(t, p_keys)@
             and num_nulls(t.@embedding@) = 1
             and not (@key_of(t)@ collate "C" = any (coalesce(v_keys, '{}')))
             and not exists (
               select from wikiembed.failures as f
                where f.source = @source@ and f.key = @key_of(t)@ collate "C" and f.state = 'skipped' offset 0));
        perform wikiembed_private.requeue(@source@, v_locked, p_attempt);
      end if;
      return query select k, c, v, v_source_version from unnest(v_keys, v_contents, v_versions) as u (k, c, v);
    end;
    $body$
  $template$);
end;
$_$;


--
-- Name: FUNCTION generate_read(p_source wikiembed.sources); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.generate_read(p_source wikiembed.sources) IS 'Generates the function that reads a source''s chunks.';


--
-- Name: generate_read_document(text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.generate_read_document(p_name text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  execute wikiembed_private.render_template(wikiembed_private.document_row(p_name), $template$
    create or replace function wikiembed_private.@read_document@(p_keys text[])
    returns table (key text, title text, content text, version bigint, chunks jsonb)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    set row_security = off
    set lock_timeout = '2s'
    set enable_seqscan = off
    set jit = off
    as $body$
    declare
      v_generation bigint;
    begin
      lock table only @table@ in row share mode;
      select g.generation into v_generation from wikiembed.document_sources as g where g.source = @source@;
      return query
        select @key_of(d)@, @title_d@, @text_of(d)@, @hash_d@,
               coalesce((
                 select jsonb_agg(jsonb_build_object('id', c.id, 'context', c.context, 'content', c.content, 'position', c.position)
                                  order by c.position)
                   from @chunks@ as c where @fk_equals@), '[]')
          from @table@ as d
         where @has_key(d, p_keys)@
           and exists (select from @state@ as s where s.key = @key_of(d)@ collate "C" and s.version is null)
           for key share of d skip locked;
    end;
    $body$
  $template$, wikiembed_private.document_names(p_name));
end;
$_$;


--
-- Name: FUNCTION generate_read_document(p_name text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.generate_read_document(p_name text) IS 'Generates the function that reads a source''s documents.';


--
-- Name: generate_split_document(text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.generate_split_document(p_name text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  execute wikiembed_private.render_template(wikiembed_private.document_row(p_name), $template$
    create or replace function wikiembed_private.@split_document@(
      p_key text, p_version bigint, p_old bigint[], p_ids bigint[], p_contexts text[], p_contents text[],
      p_headings text[], p_starts integer[], p_ends integer[])
    returns text
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    set row_security = off
    set lock_timeout = '2s'
    set enable_seqscan = off
    set jit = off
    as $body$
    declare
      v_generation bigint;
      v_version bigint;
      v_ids bigint[];
    begin
      lock table only @table@ in row share mode;
      lock table only @chunks@ in row exclusive mode;
      select g.generation into v_generation from wikiembed.document_sources as g
       where g.source = @source@ for key share skip locked;
      if not found then
        return case when exists (select from wikiembed.document_sources as g where g.source = @source@) then 'locked' else 'gone' end;
      end if;
      select @hash_d@ into v_version from @table@ as d where @is_text_key(d, p_key)@ for key share of d skip locked;
      if not found then
        return case when exists (select from @table@ as d where @is_text_key(d, p_key)@) then 'locked' else 'gone' end;
      end if;
      if v_version <> p_version then
        return 'stale';
      end if;
      perform from @state@ as s where s.key = p_key collate "C" for update skip locked;
      if not found then
        return 'locked';
      end if;
      v_ids := array(select c.id from @chunks@ as c where (@fk_chunk_columns@) = (@fk_values@) for no key update);
      if cardinality(v_ids) <> cardinality(p_old) or exists (select from unnest(v_ids) as v where not v = any (p_old)) then
        return 'stale';
      end if;
      delete from @chunks@ as c where c.id = any (v_ids) and not c.id = any (array_remove(p_ids, null));
      update @chunks@ as c
         set position = g.number - 1, context = g.context, content = g.content, heading = g.heading,
             starts_at = g.starts_at, ends_at = g.ends_at
        from unnest(p_ids, p_contexts, p_contents, p_headings, p_starts, p_ends)
             with ordinality as g (id, context, content, heading, starts_at, ends_at, number)
       where c.id = g.id and c.id = any (v_ids)
         and (c.position, c.context, c.content, c.heading, c.starts_at, c.ends_at)
             is distinct from ((g.number - 1)::integer, g.context, g.content, g.heading, g.starts_at, g.ends_at);
      insert into @chunks@ (@fk_columns@, position, context, content, heading, starts_at, ends_at)
      select @fk_values@, g.number - 1, g.context, g.content, g.heading, g.starts_at, g.ends_at
        from unnest(p_ids, p_contexts, p_contents, p_headings, p_starts, p_ends)
             with ordinality as g (id, context, content, heading, starts_at, ends_at, number)
       where g.id is null
       order by g.number;
      update @state@ as s set version = p_version, chunks = cardinality(p_contents), split_at = clock_timestamp()
       where s.key = p_key collate "C";
      delete from wikiembed.document_failures as f where f.source = @source@ and f.key = p_key collate "C";
      return 'written';
    end;
    $body$
  $template$, wikiembed_private.document_names(p_name) || jsonb_build_object('fk_chunk_columns', (
    select string_agg(format('c.%I', 'document_' || k.name), ', ' order by k.number)
      from wikiembed.document_sources as d, unnest(d.key_columns) with ordinality as k (name, number)
     where d.source = p_name collate "default")));
end;
$_$;


--
-- Name: FUNCTION generate_split_document(p_name text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.generate_split_document(p_name text) IS 'Generates the function that replaces the chunks of a source''s document.';


--
-- Name: generate_store(wikiembed.sources); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.generate_store(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  execute wikiembed_private.render_template(p_source, $template$
    create or replace function wikiembed_private.@store@(
      p_keys text[], p_versions bigint[], p_embeddings @vector_schema@.vector[], p_attempt integer)
    returns table (key text, outcome text)
    language plpgsql volatile security definer
    set search_path = pg_catalog, pg_temp
    set row_security = off
    set lock_timeout = '2s'
    set enable_seqscan = off
    @key_joins@
    set enable_mergejoin = off
    set jit = off
    as $body$
    declare
      v_generation bigint;
      v_held bigint;
      v_written text[];
      v_rewritten text[];
    begin
      lock table only @table@ in row exclusive mode;
      select s.generation into v_generation from wikiembed.sources as s
       where s.name = @source@ for key share skip locked;
      if not found then
        if not exists (select from wikiembed.sources as s where s.name = @source@) then
          return query select k, 'gone'::text from unnest(p_keys) as k;
          return;
        end if;
        perform wikiembed_private.requeue(@source@, p_keys, p_attempt);
        return query select k, 'locked'::text from unnest(p_keys) as k;
        return;
      end if;
      with held as materialized (
        select h.*, g.version, g.embedding
          from (
            select g.key, g.version, g.embedding
              from unnest(@typed_keys(p_keys)@, p_versions, p_embeddings) as g (key, version, embedding)
             order by g.key
          ) as g
         cross join lateral (
           select @key_columns(t)@ from @table@ as t
            where @is_key(t, g.key)@ and num_nulls(t.@embedding@) = 1
              and hashtextextended(@text_of(t)@ collate "C", v_generation) = g.version
              for no key update of t skip locked
         ) as h
      ), written as (
        update @table@ as t set @embedding@ = h.embedding@vector_cast@
          from held as h
         where @is_held(t)@ and num_nulls(t.@embedding@) = 1
        returning @key_of(t)@ as key,
                  hashtextextended(@text_of(t)@ collate "C", v_generation) is distinct from h.version
                    as rewritten
      )
      select array_agg(w.key), array_agg(w.key) filter (where w.rewritten),
             (select count(*) from (select distinct @held_keys(h)@ from held as h) as h)
        into v_written, v_rewritten, v_held
        from written as w;
      if v_held > coalesce(cardinality(v_written), 0) then
        raise exception 'a trigger of % prevents a vector from being written', @table_literal@
          using errcode = 'WE012', hint = 'A before update trigger returned null.';
      end if;
      if v_rewritten is not null then
        @null_rows(v_rewritten)@
      end if;
      if coalesce(cardinality(v_written), 0) = cardinality(p_keys) and v_rewritten is null then
        return query select k, 'written'::text from unnest(p_keys) as k;
        return;
      end if;
      return query select o.key, o.outcome
        from wikiembed_private.@outcomes@(p_keys, p_versions, v_generation, v_written, v_rewritten, p_attempt) as o;
    end;
    $body$
  $template$);
end;
$_$;


--
-- Name: FUNCTION generate_store(p_source wikiembed.sources); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.generate_store(p_source wikiembed.sources) IS 'Generates the function that stores a source''s vectors.';


--
-- Name: generated_comment(text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.generated_comment(p_name text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select 'Written by write_triggers for source ' || p_name || '.';
$$;


--
-- Name: FUNCTION generated_comment(p_name text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.generated_comment(p_name text) IS 'Comment on the functions that are generated for a source, which identifies them.';


--
-- Name: generated_names(); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.generated_names() RETURNS text[]
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select array['null_stale', 'on_insert', 'on_update', 'on_delete', 'on_truncate', 'outcomes', 'read', 'store', 'fail'];
$$;


--
-- Name: FUNCTION generated_names(); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.generated_names() IS 'Prefixes of the names of the functions that are generated for each source, before _ and its name.';


--
-- Name: get_source(text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.get_source(p_source text) RETURNS wikiembed.sources
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_source wikiembed.sources;
begin
  select s.* into v_source from wikiembed.sources as s where s.name = p_source collate "default" for key share;
  if not found then
    raise exception 'no source is named "%"', coalesce(p_source, '')
      using errcode = 'WE001', hint = 'List them: select name from wikiembed.sources.';
  end if;
  return v_source;
end;
$$;


--
-- Name: FUNCTION get_source(p_source text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.get_source(p_source text) IS 'The row of a source, locked for key share; raises WE001 when there is none.';


--
-- Name: grant_generated(wikiembed.sources, name); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.grant_generated(p_source wikiembed.sources, p_role name) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  execute format('grant execute on function wikiembed_private.%I(text[], integer) to %I',
    'read_' || p_source.name, p_role);
  execute format('grant execute on function wikiembed_private.%I(text[], bigint[], %I.vector[], integer) to %I',
    'store_' || p_source.name, wikiembed_private.pgvector_schema(), p_role);
end;
$$;


--
-- Name: FUNCTION grant_generated(p_source wikiembed.sources, p_role name); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.grant_generated(p_source wikiembed.sources, p_role name) IS 'Lets a worker''s role call the functions that read and store chunks of a source.';


--
-- Name: has_waiting_document(text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.has_waiting_document(p_source text) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
declare
  v_waits boolean := false;
begin
  if exists (select from wikiembed.document_sources as d where d.source = p_source collate "default") then
    execute format('select exists (select from wikiembed_private.%I as s where s.version is null)', 'documents_' || p_source) into v_waits;
  end if;
  return v_waits;
end;
$$;


--
-- Name: FUNCTION has_waiting_document(p_source text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.has_waiting_document(p_source text) IS 'True while a document of the source waits to be split, or failed.';


--
-- Name: is_gone(wikiembed.sources); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.is_gone(p_source wikiembed.sources) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select wikiembed_private.qualified(p_source.relation) is null
      or exists (
        select from unnest(p_source.key_columns || p_source.text_columns || p_source.embedding_column,
                           p_source.key_attnums || p_source.text_attnums || p_source.embedding_attnum) as c (name, attnum)
         where not exists (
           select from pg_attribute as a
            where a.attrelid = p_source.relation and not a.attisdropped and a.attnum > 0
              and (a.attname = c.name or a.attnum = c.attnum)));
$$;


--
-- Name: FUNCTION is_gone(p_source wikiembed.sources); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.is_gone(p_source wikiembed.sources) IS 'True when a source''s table, or one of its columns, was dropped.';


--
-- Name: is_paused(timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.is_paused(p_paused_at timestamp with time zone, p_resume_at timestamp with time zone) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN ((p_paused_at IS NOT NULL) AND ((p_resume_at IS NULL) OR (p_resume_at > clock_timestamp())));


--
-- Name: FUNCTION is_paused(p_paused_at timestamp with time zone, p_resume_at timestamp with time zone); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.is_paused(p_paused_at timestamp with time zone, p_resume_at timestamp with time zone) IS 'True while a source is paused and its pause has not expired.';


--
-- Name: key_advice(regclass, name); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.key_advice(p_relation regclass, p_column name) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS $_$
declare
  v_keys name[] := wikiembed_private.usable_keys(p_relation);
  v_column pg_attribute;
  v_partitioned_by smallint[];
  v_shared boolean;
  v_bad boolean := false;
begin
  if cardinality(v_keys) > 0 then
    return format('Name another key: %s', (select string_agg(k, ', ') from unnest(v_keys) as k));
  end if;
  select a.* into v_column from pg_attribute as a
   where a.attrelid = p_relation and a.attname = p_column and a.attnum > 0 and not a.attisdropped;
  select p.partattrs::smallint[] into v_partitioned_by from pg_partitioned_table as p where p.partrelid = p_relation;
  if v_partitioned_by is not null and not v_partitioned_by <@ array[v_column.attnum] then
    return format('Every unique index of a partitioned table holds the columns that it is partitioned by (%s), so no'
      ' column alone can be a key: name a key of several columns, which a unique index has', (
        select coalesce(string_agg(a.attname, ', ' order by a.attnum), 'an expression') from pg_attribute as a
         where a.attrelid = p_relation and a.attnum = any (v_partitioned_by)));
  end if;
  v_shared := exists (
    select from pg_index as i
     where i.indrelid = p_relation and i.indisunique and i.indnkeyatts > 1
       and v_column.attnum = any ((i.indkey::smallint[])[0:i.indnkeyatts - 1]));
  if not v_shared and format_type(wikiembed_private.base_type(v_column.atttypid), null)
       in ('smallint', 'integer', 'bigint', 'uuid', 'text', 'character varying')
  then
    execute format('select exists (select from %1$s as t where t.%2$I is null)'
      ' or exists (select from %1$s as t group by t.%2$I having count(*) > 1)', p_relation, p_column) into v_bad;
    if not v_bad and not v_column.attnotnull then
      return format('Run `alter table %s alter column %I set not null`', p_relation, p_column);
    elsif not v_bad then
      return format('Run `create unique index %son %s (%I)`; it must be valid, not deferrable and not partial',
        case when v_partitioned_by is null then 'concurrently ' else '' end, p_relation, p_column);
    end if;
  end if;
  if v_partitioned_by is not null then
    return 'Rows repeat it or lack it: give each row its own, or attach another table';
  end if;
  return format('Run `alter table %1$s add column %2$I bigint generated always as identity unique`, which rewrites the'
    ' table, and name %2$I as the key%3$s', p_relation, wikiembed_private.free_column(p_relation, 'row_id'),
    case when v_shared then '; or name the whole key, such as id,tenant' else '' end);
end;
$_$;


--
-- Name: FUNCTION key_advice(p_relation regclass, p_column name); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.key_advice(p_relation regclass, p_column name) IS 'A hint how the table gets a key, when the column cannot be one.';


--
-- Name: key_expression(wikiembed.sources, text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.key_expression(p_source wikiembed.sources, p_alias text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select case when count(*) = 1 then min(format('%s.%I::text', p_alias, c.name))
              else format('jsonb_build_array(%s)::text', string_agg(format('%s.%I', p_alias, c.name), ', ' order by c.number)) end
    from unnest(p_source.key_columns) with ordinality as c (name, number);
$$;


--
-- Name: FUNCTION key_expression(p_source wikiembed.sources, p_alias text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.key_expression(p_source wikiembed.sources, p_alias text) IS 'Returns the SQL expression of a source''s key as text, of a row with this alias.';


--
-- Name: keys_of(jsonb); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.keys_of(p_args jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select array(
    select k.key
      from jsonb_array_elements_text(
             case jsonb_typeof(p_args -> 'keys') when 'array' then p_args -> 'keys' else '[]' end) as k (key)
     where k.key is not null);
$$;


--
-- Name: FUNCTION keys_of(p_args jsonb); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.keys_of(p_args jsonb) IS 'The keys in a job''s arguments; none where they are malformed.';


--
-- Name: keys_of_job(wikiembed_queue.procrastinate_jobs); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.keys_of_job(p_job wikiembed_queue.procrastinate_jobs) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select wikiembed_private.keys_of(
    case p_job.task_name when 'wikiembed.split' then jsonb_build_object('keys', p_job.args -> 'documents') else p_job.args end);
$$;


--
-- Name: FUNCTION keys_of_job(p_job wikiembed_queue.procrastinate_jobs); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.keys_of_job(p_job wikiembed_queue.procrastinate_jobs) IS 'The keys of a job''s chunks or documents; none where its arguments are malformed.';


--
-- Name: lock_source(text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.lock_source(p_source text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  perform pg_advisory_xact_lock(hashtextextended('wikiembed.' || p_source, 0));
end;
$$;


--
-- Name: FUNCTION lock_source(p_source text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.lock_source(p_source text) IS 'Takes the advisory lock of one source until the transaction ends.';


--
-- Name: log_action(text, text, text, jsonb); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.log_action(p_action text, p_source text, p_why text DEFAULT NULL::text, p_detail jsonb DEFAULT '{}'::jsonb) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  insert into wikiembed.action_log (who, action, source, why, detail)
  values (wikiembed_private.actor(), p_action, p_source, p_why, p_detail);
$$;


--
-- Name: FUNCTION log_action(p_action text, p_source text, p_why text, p_detail jsonb); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.log_action(p_action text, p_source text, p_why text, p_detail jsonb) IS 'Writes one row of the action log in the caller''s name.';


--
-- Name: lose_job(wikiembed_queue.procrastinate_jobs); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.lose_job(p_job wikiembed_queue.procrastinate_jobs) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_source text := p_job.args ->> 'source';
  v_keys text[] := wikiembed_private.keys_of_job(p_job);
  v_versions bigint[];
begin
  delete from wikiembed_queue.procrastinate_jobs as j where j.id = p_job.id;
  if p_job.task_name = 'wikiembed.split' then
    if exists (select from wikiembed.document_sources as d where d.source = v_source) then
      perform wikiembed.record_document_failure(
        v_source, r.key, r.version, 'worker_lost', 'Each worker that took this document ended without a word.', p_job.id)
         from wikiembed.read_documents(v_source, v_keys) as r;
    end if;
  elsif exists (select from wikiembed.sources as s where s.name = v_source) and cardinality(v_keys) > 0 then
    v_versions := array(select r.version from wikiembed.read_chunks(v_source, v_keys) as r);
    if cardinality(v_versions) > 0 then
      perform wikiembed.record_failures(
        v_source, v_keys, v_versions, 'worker_lost',
        'Each worker that took this chunk ended without a word.', p_attempts => 3, p_job_id => p_job.id);
    end if;
  end if;
exception when invalid_text_representation or numeric_value_out_of_range then
  delete from wikiembed_queue.procrastinate_jobs as j where j.id = p_job.id;
end;
$$;


--
-- Name: FUNCTION lose_job(p_job wikiembed_queue.procrastinate_jobs); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.lose_job(p_job wikiembed_queue.procrastinate_jobs) IS 'Ends a job of one chunk or document with which three workers died: it is recorded as worker_lost.';


--
-- Name: missing_index(wikiembed.sources); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.missing_index(p_source wikiembed.sources) RETURNS regclass
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select i.indexrelid::regclass
    from pg_index as i
   where i.indrelid = p_source.relation and i.indisvalid and i.indexprs is null
     and (i.indkey::smallint[])[0:i.indnkeyatts - 1] = p_source.key_attnums
     and pg_get_expr(i.indpred, i.indrelid) = wikiembed_private.render_template(p_source, '(@embedding@ IS NULL)')
   limit 1;
$$;


--
-- Name: FUNCTION missing_index(p_source wikiembed.sources); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.missing_index(p_source wikiembed.sources) IS 'The valid partial index on a source''s missing rows; null when there is none.';


--
-- Name: notify_throttled(); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.notify_throttled() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_queue text;
  v_last text;
  v_others boolean;
  v_clock regclass;
  v_now_ms bigint;
begin
  if current_setting('wikiembed.notifies_itself', true) = 'on'
     and set_config('wikiembed.notifies_itself', 'off', true) = 'off' then
    return new;
  end if;
  select min(j.queue_name collate "C") filter (where j.scheduled_at is null or j.scheduled_at <= clock_timestamp()),
         max(j.queue_name collate "C") filter (where j.scheduled_at is null or j.scheduled_at <= clock_timestamp()),
         bool_or(j.task_name not in ('wikiembed.embed', 'wikiembed.split'))
    into v_queue, v_last, v_others
    from new_jobs as j
   where j.status = 'todo';
  if v_others then
    insert into wikiembed_queue.procrastinate_events (job_id, type)
    select j.id, 'deferred' from new_jobs as j where j.status = 'todo' and j.task_name not in ('wikiembed.embed', 'wikiembed.split');
    insert into wikiembed_queue.procrastinate_events (job_id, type, at)
    select j.id, 'scheduled', j.scheduled_at from new_jobs as j
     where j.status = 'todo' and j.task_name not in ('wikiembed.embed', 'wikiembed.split') and j.scheduled_at is not null;
  end if;
  while v_queue is not null loop
    v_clock := coalesce(
      to_regclass('wikiembed_private.' || quote_ident('clock_' || v_queue)),
      'wikiembed_private.clock'::regclass);
    v_now_ms := (extract(epoch from clock_timestamp()) * 1000)::bigint;
    if abs(v_now_ms - coalesce(pg_sequence_last_value(v_clock), 0)) >= 20 then
      perform setval(v_clock, v_now_ms);
      perform wikiembed_private.notify_workers(v_queue);
    end if;
    exit when v_queue = v_last;
    select min(j.queue_name collate "C") into v_queue
      from new_jobs as j
     where j.queue_name collate "C" > v_queue
       and j.status = 'todo' and (j.scheduled_at is null or j.scheduled_at <= clock_timestamp());
  end loop;
  return null;
end;
$$;


--
-- Name: FUNCTION notify_throttled(); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.notify_throttled() IS 'Notifies the workers of queues with new jobs, at most once per 20 ms and queue; writes the events of jobs that are not embed jobs.';


--
-- Name: notify_workers(text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.notify_workers(p_queue text) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select pg_notify('procrastinate_queue_v1#' || p_queue, '{"type":"job_inserted","job_id":0}'),
         pg_notify('procrastinate_any_queue_v1', '{"type":"job_inserted","job_id":0}');
$$;


--
-- Name: FUNCTION notify_workers(p_queue text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.notify_workers(p_queue text) IS 'Notifies the workers of one queue and those of all queues, in procrastinate''s format.';


--
-- Name: null_stale_wiki(); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.null_stale_wiki() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    begin
      if old.embedding is not null and new.embedding is not null and new.embedding operator(public.=) old.embedding then
        new.embedding := null;
      end if;
      return new;
    end;
    $$;


--
-- Name: FUNCTION null_stale_wiki(); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.null_stale_wiki() IS 'Written by write_triggers for source wiki.';


--
-- Name: on_ddl(); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.on_ddl() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_name text;
  v_source wikiembed.sources;
begin
  if coalesce(current_setting('wikiembed.writing_triggers', true), '') = 'on' then
    return;
  end if;
  for v_name in
    select s.name from wikiembed.sources as s
     where tg_tag in ('ALTER SCHEMA', 'ALTER EXTENSION')
        or exists (
       select from pg_event_trigger_ddl_commands() as d
        where d.classid = 'pg_class'::regclass
          and d.objid in (select wikiembed_private.relations_of(s.relation)))
     order by s.name
  loop
    begin
      v_source := wikiembed_private.follow_renames(v_name);
      if not wikiembed_private.tree_current(v_source) then
        perform wikiembed_private.write_triggers(v_name);
        if tg_tag = 'ALTER TABLE' then
          perform wikiembed_private.queue_reconcile(v_name);
        end if;
      elsif v_source.written_as <> wikiembed_private.source_names(v_source) then
        perform wikiembed_private.write_triggers(v_name);
      end if;
    exception when others then
      raise warning 'wikiembed could not follow the change of source "%": %', v_name, sqlerrm
        using hint = 'Run: select * from wikiembed.reconcile(' || quote_literal(v_name) || ')';
    end;
  end loop;
end;
$$;


--
-- Name: FUNCTION on_ddl(); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.on_ddl() IS 'Rewrites a source''s triggers after a rename or a change of partitions; queues a reconcile of rows added or removed with a partition.';


--
-- Name: on_delete_wiki(); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.on_delete_wiki() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS $$
    declare
      v_total bigint;
      v_embedded bigint;
      v_keys text[];
    begin
      select count(*), count(o.embedding) into v_total, v_embedded from old_rows as o;
      if v_total = 0 then
        return null;
      end if;
      insert into wikiembed_private.deltas_wiki (total, embedded) values (-v_total, -v_embedded);
      if exists (select from wikiembed.failures as f where f.source = 'wiki')
         or exists (select from wikiembed.truncated_chunks as c where c.source = 'wiki')
      then
        if exists (select from wikiembed.failures as f where f.source = 'wiki') then
          if v_total <= 500 then
            v_keys := array(select o.id::text from old_rows as o);
          else
            v_keys := array(
              select f.key from old_rows as o
                join wikiembed.failures as f on f.source = 'wiki' and f.key = o.id::text collate "C");
          end if;
          perform wikiembed_private.forget_failures('wiki', v_keys, 'deleted');
        end if;
        if exists (select from wikiembed.truncated_chunks as c where c.source = 'wiki') then
          if v_total <= 500 then
            v_keys := array(select o.id::text from old_rows as o where o.embedding is not null);
          else
            v_keys := array(
              select c.key from old_rows as o
                join wikiembed.truncated_chunks as c on c.source = 'wiki' and c.key = o.id::text collate "C");
          end if;
          perform wikiembed_private.forget_truncated('wiki', v_keys);
        end if;
      end if;
      return null;
    end;
    $$;


--
-- Name: FUNCTION on_delete_wiki(); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.on_delete_wiki() IS 'Written by write_triggers for source wiki.';


--
-- Name: on_insert_wiki(); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.on_insert_wiki() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    declare
      v_total bigint;
      v_embedded bigint;
      v_keys bigint[];
      v_missing bigint;
      v_notifies boolean;
      v_ignored text;
    begin
      select count(*), count(n.embedding), array_agg(n.key) filter (where n.embedding is null),
             case when count(*) > count(n.embedding) and set_config('wikiembed.notifies_itself', 'on', true) = 'on' then
               case when abs(date_part('epoch', clock_timestamp()) * 1000 - coalesce(pg_sequence_last_value('wikiembed_private.clock_embed_wiki'), 0)) >= 20
         then setval('wikiembed_private.clock_embed_wiki', (date_part('epoch', clock_timestamp()) * 1000)::bigint) > 0 end
             end
        into v_total, v_embedded, v_keys, v_notifies
        from (select n.id as key, n.embedding from new_rows as n limit 64 + 1) as n;
      if v_total > v_embedded and v_total <= 64 then
        with counted as (
          insert into wikiembed_private.deltas_wiki (total, embedded) values (v_total, v_embedded)
        )
        insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
        values ('embed_wiki', 'wikiembed.embed', 10, jsonb_build_object('source', 'wiki', 'keys', v_keys::text[]));
      elsif v_total <= 64 then
        insert into wikiembed_private.deltas_wiki (total, embedded)
        select v_total, v_embedded where v_total > 0;
      else
        v_ignored := set_config('wikiembed.notifies_itself', 'on', true);
        with gathered as materialized (
          select count(*) as total, count(n.embedding) as embedded,
                 array_agg(n.key) filter (where n.embedding is null) as keys
            from (select n.id as key, n.embedding from new_rows as n limit 500000 + 1) as n
        ), queued as (
          insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
          select 'embed_wiki', 'wikiembed.embed', 10,
                 jsonb_build_object('source', 'wiki', 'keys', f.keys[i : i + 64 - 1]::text[])
            from gathered as f, generate_series(1, cardinality(f.keys), 64) as i
           where f.total <= 500000
        )
        insert into wikiembed_private.deltas_wiki (total, embedded)
        select f.total, f.embedded from gathered as f where f.total <= 500000
        returning total - embedded into v_missing;
        if not found then
          v_ignored := set_config('wikiembed.notifies_itself', 'on', true);
          with batches as materialized (
            select m.batch, count(*) as total, count(m.key) as missing,
                   array_agg(m.key) filter (where m.key is not null) as keys
              from (
                select m.key, (count(m.key) over (rows unbounded preceding) - 1) / 64 as batch
                  from (select case when n.embedding is null then n.id::text end as key from new_rows as n) as m
              ) as m
             group by m.batch
          ), queued as (
            insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
            select 'embed_wiki', 'wikiembed.embed', 10, jsonb_build_object('source', 'wiki', 'keys', to_jsonb(b.keys))
              from batches as b
             where b.missing > 0
             order by b.batch
          )
          insert into wikiembed_private.deltas_wiki (total, embedded)
          select sum(b.total), sum(b.total - b.missing) from batches as b
          returning total - embedded into v_missing;
        end if;
        if v_missing > 0 and v_notifies is not true then
          v_notifies := case when abs(date_part('epoch', clock_timestamp()) * 1000 - coalesce(pg_sequence_last_value('wikiembed_private.clock_embed_wiki'), 0)) >= 20
         then setval('wikiembed_private.clock_embed_wiki', (date_part('epoch', clock_timestamp()) * 1000)::bigint) > 0 end;
        end if;
      end if;
      if v_notifies then
        perform wikiembed_private.notify_workers('embed_wiki');
      end if;
      return new;
    end;
    $$;


--
-- Name: FUNCTION on_insert_wiki(); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.on_insert_wiki() IS 'Written by write_triggers for source wiki.';


--
-- Name: on_truncate_wiki(); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.on_truncate_wiki() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS $$
    declare
      v_total bigint;
      v_embedded bigint;
    begin
      execute format('select count(*), count(%I) from only %I.%I', 'embedding', tg_table_schema, tg_table_name)
        into v_total, v_embedded;
      insert into wikiembed.ledger (source, total, embedded) values ('wiki', -v_total, -v_embedded);
      if exists (select from wikiembed.failures as f where f.source = 'wiki') then
        execute format(
          'select wikiembed_private.forget_failures(%L, array(
             select f.key from wikiembed.failures as f where f.source = %L and exists (
               select from only %I.%I as t where t.%I::text collate "C" = f.key)), ''deleted'')',
          'wiki', 'wiki', tg_table_schema, tg_table_name, 'id');
      end if;
      if exists (select from wikiembed.truncated_chunks as c where c.source = 'wiki') then
        execute format(
          'select wikiembed_private.forget_truncated(%L, array(
             select c.key from wikiembed.truncated_chunks as c where c.source = %L and exists (
               select from only %I.%I as t where t.%I::text collate "C" = c.key)))',
          'wiki', 'wiki', tg_table_schema, tg_table_name, 'id');
      end if;
      perform wikiembed_private.queue_reconcile('wiki');
      return null;
    end;
    $$;


--
-- Name: FUNCTION on_truncate_wiki(); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.on_truncate_wiki() IS 'Written by write_triggers for source wiki.';


--
-- Name: on_update_wiki(); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.on_update_wiki() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_nestloop TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$
    declare
      v_total bigint;
      v_embedded bigint;
      v_old_total bigint;
      v_old_embedded bigint;
      v_batch_size integer;
      v_stale text[];
      v_ended text[];
      v_cured text[];
    begin
      select count(*), count(n.embedding) into v_total, v_embedded from new_rows as n;
      select count(*), count(o.embedding) into v_old_total, v_old_embedded from old_rows as o;
      if v_embedded > v_old_embedded then
        insert into wikiembed.ledger (source, total, embedded, gained)
        values ('wiki', v_total - v_old_total, v_embedded - v_old_embedded, v_embedded - v_old_embedded);
      elsif v_total <> v_old_total or v_embedded <> v_old_embedded then
        insert into wikiembed_private.deltas_wiki (total, embedded)
        values (v_total - v_old_total, v_embedded - v_old_embedded);
      end if;
      if v_embedded > 0 and v_old_embedded > 0 then
        v_stale := array(
          select n.id::text from new_rows as n join old_rows as o on o.id = n.id
           where n.content::text collate "C" is distinct from o.content::text collate "C"
             and n.embedding operator(public.=) o.embedding);
        if cardinality(v_stale) > 0 then
          update public.wiki_chunks as t set embedding = null where t.id = any (v_stale::bigint[]);
        end if;
      end if;
      if v_embedded < v_total then
        select s.batch_size into v_batch_size from wikiembed.sources as s where s.name = 'wiki';
        insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
        select 'embed_wiki', 'wikiembed.embed', 10, jsonb_build_object('source', 'wiki', 'keys', to_jsonb(array_agg(m.key)))
          from (
            select n.id::text as key, (row_number() over () - 1) / v_batch_size as batch
              from new_rows as n
             where n.embedding is null
               and not exists (
                 select from old_rows as o
                  where o.id = n.id
                    and o.content::text collate "C" is not distinct from n.content::text collate "C"
                    and o.embedding is null)
          ) as m
         group by m.batch
         order by m.batch;
      end if;
      if exists (select from wikiembed.failures as f where f.source = 'wiki')
         or exists (select from wikiembed.truncated_chunks as c where c.source = 'wiki')
      then
        if exists (select from wikiembed.failures as f where f.source = 'wiki') then
          if v_old_total <= 500 then
            select array_agg(e.key), array_agg(e.key) filter (where e.cured) into v_ended, v_cured
              from (
                select o.id::text as key, n.id is not null as cured
                  from old_rows as o
                  left join new_rows as n
                    on n.id = o.id
                   and n.content::text collate "C" is not distinct from o.content::text collate "C"
                 where n.id is null or n.embedding is not null
              ) as e;
          else
            select array_agg(e.key), array_agg(e.key) filter (where e.cured) into v_ended, v_cured
              from (
                select o.id::text as key, n.id is not null as cured
                  from old_rows as o
                  join wikiembed.failures as f on f.source = 'wiki' and f.key = o.id::text collate "C"
                  left join new_rows as n
                    on n.id = o.id
                   and n.content::text collate "C" is not distinct from o.content::text collate "C"
                 where n.id is null or n.embedding is not null
              ) as e;
          end if;
          perform wikiembed_private.forget_failures('wiki', v_ended, 'changed', v_cured);
        end if;
        if exists (select from wikiembed.truncated_chunks as c where c.source = 'wiki') then
          if v_old_total <= 500 then
            v_ended := array(
              select o.id::text
                from old_rows as o
                left join new_rows as n
                  on n.id = o.id
                 and n.content::text collate "C" is not distinct from o.content::text collate "C"
                 and n.embedding operator(public.=) o.embedding
               where o.embedding is not null and n.id is null);
          else
            v_ended := array(
              select o.id::text
                from old_rows as o
                join wikiembed.truncated_chunks as c on c.source = 'wiki' and c.key = o.id::text collate "C"
                left join new_rows as n
                  on n.id = o.id
                 and n.content::text collate "C" is not distinct from o.content::text collate "C"
                 and n.embedding operator(public.=) o.embedding
               where o.embedding is not null and n.id is null);
          end if;
          perform wikiembed_private.forget_truncated('wiki', v_ended);
        end if;
      end if;
      return null;
    end;
    $$;


--
-- Name: FUNCTION on_update_wiki(); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.on_update_wiki() IS 'Written by write_triggers for source wiki.';


--
-- Name: outcomes_wiki(text[], bigint[], bigint, text[], text[], integer, text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.outcomes_wiki(p_keys text[], p_versions bigint[], p_generation bigint, p_done text[], p_rewritten text[], p_attempt integer, p_word text DEFAULT 'written'::text) RETURNS TABLE(key text, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
    declare
      v_keys text[];
      v_outcomes text[];
    begin
      select array_agg(g.key), array_agg(
               case
                 when g.key collate "C" = any (coalesce(p_rewritten, '{}')) then 'stale'
                 when g.key collate "C" = any (coalesce(p_done, '{}')) then p_word
                 when t.missing is null then 'gone'
                 when t.missing and t.version is not distinct from g.version then 'locked'
                 else 'stale'
               end)
        into v_keys, v_outcomes
        from unnest(p_keys, p_versions) as g (key, version)
        left join lateral (
          select t.embedding is null as missing,
                 case when t.embedding is null then hashtextextended(t.content::text collate "C", p_generation) end as version
            from public.wiki_chunks as t
           where t.id = g.key::bigint
          offset 0
        ) as t on true;
      perform wikiembed_private.requeue('wiki', array(
        select o.key from unnest(v_keys, v_outcomes) as o (key, outcome) where o.outcome = 'locked'
      ), p_attempt);
      return query select * from unnest(v_keys, v_outcomes);
    end;
    $$;


--
-- Name: FUNCTION outcomes_wiki(p_keys text[], p_versions bigint[], p_generation bigint, p_done text[], p_rewritten text[], p_attempt integer, p_word text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.outcomes_wiki(p_keys text[], p_versions bigint[], p_generation bigint, p_done text[], p_rewritten text[], p_attempt integer, p_word text) IS 'Written by write_triggers for source wiki.';


--
-- Name: owner_warning(regclass); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.owner_warning(p_relation regclass) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
  with risky as (
    select c.relowner as oid from wikiembed_private.relations_of(p_relation) as t join pg_class as c on c.oid = t
    union
    select a.grantee
      from wikiembed_private.relations_of(p_relation) as t join pg_class as c on c.oid = t,
           aclexplode(c.relacl) as a
     where a.privilege_type = 'TRIGGER'
  ), me as (
    select w.* from pg_roles as w where w.rolname = current_user
  ), tables as (
    select distinct c.relowner as owner
      from me as w join pg_shdepend as d on d.refclassid = 'pg_authid'::regclass and d.refobjid = w.oid
      join pg_class as c on d.classid = 'pg_class'::regclass and c.oid = d.objid
      join pg_namespace as n on n.oid = c.relnamespace
     where d.dbid = (select b.oid from pg_database as b where b.datname = current_database())
       and d.deptype in ('o', 'a') and n.nspname !~ '^(wikiembed(_private|_queue)?|pg_(toast|temp).*)$'
       and not (n.nspname = 'public' and c.relname ~ '^wiki_(pages|chunks)(_|$)')
  ), more as (
    select coalesce(r.rolname, 'public') as name
      from risky as x left join pg_roles as r on r.oid = x.oid cross join me as w
     where not coalesce(r.rolsuper, false)
       and (r.oid is null or not pg_has_role(r.oid, w.oid, 'member'))
       and (w.rolsuper or w.rolbypassrls > coalesce(r.rolbypassrls, false)
            or w.rolcreaterole > coalesce(r.rolcreaterole, false)
            or w.rolreplication > coalesce(r.rolreplication, false)
            or exists (select from pg_roles as m
                        where m.oid <> w.oid and pg_has_role(w.oid, m.oid, 'member')
                          and (r.oid is null or not pg_has_role(r.oid, m.oid, 'member')))
            or exists (select from tables as o where r.oid is null or not pg_has_role(r.oid, o.owner, 'member')))
  )
  select format('%s may give %s triggers and expressions, which wikiembed runs as role %I',
                string_agg(format('%I', name), ', ' order by name), p_relation, current_user)
    from more having count(*) > 0;
$_$;


--
-- Name: FUNCTION owner_warning(p_relation regclass); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.owner_warning(p_relation regclass) IS 'Warning that names the roles which could run SQL as wikiembed''s owner through this table, and gain rights; null when none could.';


--
-- Name: pgvector_schema(); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.pgvector_schema() RETURNS name
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select n.nspname from pg_extension as e join pg_namespace as n on n.oid = e.extnamespace
   where e.extname = 'vector';
$$;


--
-- Name: FUNCTION pgvector_schema(); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.pgvector_schema() IS 'The schema of pgvector; null when it is not installed.';


--
-- Name: providers(); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.providers() RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY['ollama'::text, 'openai'::text, 'tei'::text, 'local'::text];


--
-- Name: FUNCTION providers(); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.providers() IS 'Returns the providers that a source may name.';


--
-- Name: prune_failure_history(); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.prune_failure_history() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
declare
  v_source text;
  v_oldest timestamptz;
  v_here bigint;
  v_pruned bigint := 0;
begin
  for v_source in select s.name from wikiembed.sources as s order by s.name loop
    v_oldest := greatest(
      clock_timestamp() - interval '90 days',
      (select e.ended_at from wikiembed_private.ended_failures as e
        where e.source = v_source order by e.ended_at desc offset 50000 limit 1));
    delete from wikiembed_private.ended_failures as e
     where e.id in (
       select o.id from wikiembed_private.ended_failures as o
        where o.source = v_source and o.ended_at <= v_oldest
          for update skip locked);
    get diagnostics v_here = row_count;
    v_pruned := v_pruned + v_here;
  end loop;
  return v_pruned;
end;
$$;


--
-- Name: FUNCTION prune_failure_history(); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.prune_failure_history() IS 'Deletes history of failures that ended more than 90 days ago, and all but the latest 50,000 of a source; returns the number of rows.';


--
-- Name: qualified(regclass); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.qualified(p_relation regclass) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select format('%I.%I', n.nspname, c.relname)
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
   where c.oid = p_relation;
$$;


--
-- Name: FUNCTION qualified(p_relation regclass); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.qualified(p_relation regclass) IS 'The relation''s name with its schema, quoted; null when it was dropped.';


--
-- Name: queue_reconcile(text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.queue_reconcile(p_source text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if not exists (
    select from wikiembed_queue.procrastinate_jobs as j
     where j.queue_name = 'wikiembed_upkeep' and j.task_name = 'wikiembed.reconcile'
       and j.status = 'todo' and j.args ->> 'source' = p_source
  ) then
    perform wikiembed_queue.procrastinate_defer_jobs_v1(array[row(
      'wikiembed_upkeep', 'wikiembed.reconcile', 100, null, null,
      jsonb_build_object('source', p_source), null
    )::wikiembed_queue.procrastinate_job_to_defer_v1]);
  end if;
end;
$$;


--
-- Name: FUNCTION queue_reconcile(p_source text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.queue_reconcile(p_source text) IS 'Queues a reconcile of one source, unless one waits already.';


--
-- Name: raise_generation(); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.raise_generation() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if (old.model is not null and new.model is distinct from old.model)
    or (old.model is not null and new.document_prefix is distinct from old.document_prefix)
    or (old.dimensions is not null and new.dimensions is distinct from old.dimensions)
  then
    new.generation := old.generation + 1;
  end if;
  if old.prefix_pinned and new.document_prefix is distinct from old.document_prefix then
    new.prefix_pinned := false;
  end if;
  if new.model is null then
    if old.pinned_at is not null and new.provider is not distinct from old.provider then
      new.provider := null;
    end if;
    if new.prefix_pinned then
      new.document_prefix := null;
      new.prefix_pinned := false;
    end if;
    new.pinned_at := null;
  end if;
  return new;
end;
$$;


--
-- Name: FUNCTION raise_generation(); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.raise_generation() IS 'Adds one to the generation when model, document prefix or dimensions change; unpins a source whose model is set to null.';


--
-- Name: read_wiki(text[], integer); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.read_wiki(p_keys text[], p_attempt integer) RETURNS TABLE(key text, content text, version bigint, source_version text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET lock_timeout TO '2s'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $$
    declare
      v_generation bigint;
      v_source_version text;
      v_keys text[];
      v_contents text[];
      v_versions bigint[];
      v_locked text[];
    begin
      lock table only public.wiki_chunks in row share mode;
      select s.generation, s.xmin || ' ' || s.ctid into v_generation, v_source_version
        from wikiembed.sources as s where s.name = 'wiki';
      if not found then
        return;
      end if;
      select array_agg(t.id::text), array_agg(t.content::text),
             array_agg(hashtextextended(t.content::text collate "C", v_generation))
        into v_keys, v_contents, v_versions
        from public.wiki_chunks as t
       where t.id = any (p_keys::bigint[])
         and num_nulls(t.embedding) = 1
         and t.xmax = 0
         and not exists (
           select from wikiembed.failures as f
            where f.source = 'wiki' and f.key = t.id::text collate "C" and f.state = 'skipped' offset 0);
      if coalesce(cardinality(v_keys), 0) < cardinality(p_keys) then
        select v_keys || array_agg(h.key), v_contents || array_agg(h.content),
               v_versions || array_agg(h.version)
          into v_keys, v_contents, v_versions
          from (
            select t.id::text as key, t.content::text as content,
                   hashtextextended(t.content::text collate "C", v_generation) as version
              from public.wiki_chunks as t
             where t.id = any (p_keys::bigint[])
               and num_nulls(t.embedding) = 1
               and not (t.id::text collate "C" = any (coalesce(v_keys, '{}')))
               and not exists (
                 select from wikiembed.failures as f
                  where f.source = 'wiki' and f.key = t.id::text collate "C" and f.state = 'skipped' offset 0)
             order by t.id
               for no key update of t skip locked
          ) as h;
        v_locked := array(
          select t.id::text from public.wiki_chunks as t
           where t.id = any (p_keys::bigint[])
             and num_nulls(t.embedding) = 1
             and not (t.id::text collate "C" = any (coalesce(v_keys, '{}')))
             and not exists (
               select from wikiembed.failures as f
                where f.source = 'wiki' and f.key = t.id::text collate "C" and f.state = 'skipped' offset 0));
        perform wikiembed_private.requeue('wiki', v_locked, p_attempt);
      end if;
      return query select k, c, v, v_source_version from unnest(v_keys, v_contents, v_versions) as u (k, c, v);
    end;
    $$;


--
-- Name: FUNCTION read_wiki(p_keys text[], p_attempt integer); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.read_wiki(p_keys text[], p_attempt integer) IS 'Written by write_triggers for source wiki.';


--
-- Name: reconcile_documents(text, boolean); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.reconcile_documents(p_name text, p_recount boolean, OUT repaired bigint, OUT dead_jobs bigint) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS $_$
declare
  v_row wikiembed.sources := wikiembed_private.document_row(p_name);
  v_names jsonb := wikiembed_private.document_names(p_name);
  v_documents wikiembed.document_sources;
  v_rows bigint;
begin
  repaired := 0; dead_jobs := 0;
  select d.* into v_documents from wikiembed.document_sources as d where d.source = p_name collate "default";
  if v_documents.trigger_version <> wikiembed_private.trigger_version()
    or v_documents.written_as <> wikiembed_private.documents_written_as(p_name)
  then
    perform wikiembed_private.write_document_triggers(p_name);
  end if;
  execute wikiembed_private.render_template(v_row, 'lock table @table@ in access share mode');
  delete from wikiembed_queue.procrastinate_jobs as j
   where j.queue_name = 'embed_' || p_name and j.task_name = 'wikiembed.split' and j.status in ('failed', 'cancelled', 'aborted');
  get diagnostics dead_jobs = row_count;
  execute wikiembed_private.render_template(v_row, $sql$
    insert into @state@ (key)
    select @key_of(d)@ from @table@ as d
     where not exists (select from @state@ as s where s.key = @key_of(d)@ collate "C")
        on conflict do nothing
  $sql$, v_names);
  get diagnostics repaired = row_count;
  execute wikiembed_private.render_template(v_row, $sql$
    delete from @state@ as s where not exists (select from @table@ as d where @key_of(d)@ collate "C" = s.key)
  $sql$, v_names);
  if p_recount then
    execute wikiembed_private.render_template(v_row, $sql$
      update @state@ as s set version = null
        from @table@ as d, (select g.generation as v_generation from wikiembed.document_sources as g where g.source = @source@) as g
       where @key_of(d)@ collate "C" = s.key and s.version is not null and s.version <> @hash_d@
    $sql$, v_names);
    get diagnostics v_rows = row_count;
    repaired := repaired + v_rows;
  end if;
end;
$_$;


--
-- Name: FUNCTION reconcile_documents(p_name text, p_recount boolean, OUT repaired bigint, OUT dead_jobs bigint); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.reconcile_documents(p_name text, p_recount boolean, OUT repaired bigint, OUT dead_jobs bigint) IS 'Repairs the state of a source''s documents; returns how many were found to wait, and jobs that ended without their work.';


--
-- Name: reconcile_source(text, boolean); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.reconcile_source(p_name text, p_recount boolean, OUT orphans_enqueued bigint, OUT dead_jobs bigint, OUT ledger_drift bigint) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET lock_timeout TO '10s'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS $_$
declare
  v_source wikiembed.sources;
  v_ended text[];
  v_cured text[];
  v_documents_dead bigint := 0;
begin
  orphans_enqueued := 0; dead_jobs := 0; ledger_drift := 0;
  perform wikiembed_private.lock_source(p_name);
  select s.* into v_source from wikiembed.sources as s where s.name = p_name;
  if not found then
    return;
  end if;
  if wikiembed_private.is_gone(v_source) then
    select count(*) into dead_jobs from wikiembed_queue.procrastinate_jobs as j
     where j.queue_name = v_source.queue_name;
    perform wikiembed.detach(p_name);
    return;
  end if;
  v_source := wikiembed_private.follow_renames(p_name);
  if not wikiembed_private.triggers_current(v_source) then
    perform wikiembed_private.write_triggers(p_name);
  end if;
  if exists (select from wikiembed.document_sources as d where d.source = p_name collate "default") then
    select r.dead_jobs into v_documents_dead from wikiembed_private.reconcile_documents(p_name, p_recount) as r;
  end if;
  execute wikiembed_private.render_template(v_source, 'lock table @table@ in access share mode');
  execute wikiembed_private.render_template(v_source, $sql$
    with live as materialized (
      select j.id, k.key collate "C" as key
        from wikiembed_queue.procrastinate_jobs as j
       cross join lateral jsonb_array_elements_text(
               case jsonb_typeof(j.args -> 'keys') when 'array' then j.args -> 'keys' else '[]' end) as k (key)
       where j.queue_name = @queue@ and j.task_name = 'wikiembed.embed' and j.status = 'todo'
    ), alive as materialized (
      select distinct l.id from live as l join @table@ as t on @key_of(t)@ collate "C" = l.key and t.@embedding@ is null
    ), dead as materialized (
      select j.id from wikiembed_queue.procrastinate_jobs as j left join alive as a on a.id = j.id
       where j.queue_name = @queue@ and j.task_name = 'wikiembed.embed'
         and (j.status in ('failed', 'cancelled', 'aborted') or (j.status = 'todo' and a.id is null))
         for update of j skip locked
    ), deleted as (
      delete from wikiembed_queue.procrastinate_jobs as j using dead as d where j.id = d.id
      returning j.id, j.status, j.args
    ), lost as (
      select d.id, @key_of(t)@ as key
        from deleted as d
       cross join lateral jsonb_array_elements_text(
               case jsonb_typeof(d.args -> 'keys') when 'array' then d.args -> 'keys' else '[]' end) as k (key)
        join @table@ as t on @key_of(t)@ collate "C" = k.key collate "C" and t.@embedding@ is null
       where $1 and d.status <> 'todo'
         and not exists (select from wikiembed.failures as f
                          where f.source = @source@ and f.key = @key_of(t)@ collate "C")
    ), queued as (
      insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
      select @queue@, 'wikiembed.embed', 0, jsonb_build_object('source', @source@, 'keys', to_jsonb(array_agg(l.key)))
        from lost as l
       group by l.id
    )
    select (select count(*) from deleted), (select count(*) from lost)
  $sql$) into dead_jobs, orphans_enqueued using v_source.held_back_at is not null;
  execute wikiembed_private.render_template(v_source, $sql$
    select array(
      select f.key from wikiembed.failures as f
       where f.source = @source@
         and not exists (select from @table@ as t where t.@embedding@ is null and @key_of(t)@ collate "C" = f.key)
       order by f.key for update of f skip locked)
  $sql$) into v_ended;
  if cardinality(v_ended) > 0 then
    execute wikiembed_private.render_template(v_source, 'select array_agg(@key_of(t)@) from @table@ as t where @has_key(t, $1)@')
      into v_cured using v_ended;
    perform wikiembed_private.forget_failures(p_name, v_ended, 'deleted', v_cured);
  end if;
  dead_jobs := dead_jobs + v_documents_dead;
  if v_source.held_back_at is not null
     and (select e.jobs from wikiembed.enqueue(p_name, 1, p_dry_run => true) as e) = 0
  then
    update wikiembed.sources as s set held_back_at = null where s.name = p_name;
  elsif v_source.held_back_at is null then
    select e.chunks into orphans_enqueued from wikiembed.enqueue(p_name) as e;
  end if;
  if p_recount then
    execute wikiembed_private.render_template(v_source, $sql$
      with d as (
        delete from wikiembed_private.@deltas@ as d where d.gained <> 0 or d.failed <> 0 or d.skipped <> 0
        returning d.*
      )
      insert into wikiembed.ledger (source, at, total, embedded, gained, failed, skipped)
      select d.source, d.at, d.total, d.embedded, d.gained, d.failed, d.skipped from d
    $sql$);
    ledger_drift := wikiembed_private.correct_ledger(p_name);
    v_ended := array(select c.key from wikiembed.truncated_chunks as c where c.source = p_name collate "default");
    if cardinality(v_ended) > 0 then
      execute wikiembed_private.render_template(v_source, $sql$
        select array(
          select g.key
            from unnest($1) as g (key)
            left join lateral (
              select t.@key@ from @table@ as t where @is_text_key(t, g.key)@ and t.@embedding@ is not null offset 0
            ) as t on true
           where t.@key@ is null)
      $sql$) into v_ended using v_ended;
      perform wikiembed_private.forget_truncated(p_name, v_ended);
    end if;
  end if;
end;
$_$;


--
-- Name: FUNCTION reconcile_source(p_name text, p_recount boolean, OUT orphans_enqueued bigint, OUT dead_jobs bigint, OUT ledger_drift bigint); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.reconcile_source(p_name text, p_recount boolean, OUT orphans_enqueued bigint, OUT dead_jobs bigint, OUT ledger_drift bigint) IS 'Reconciles one source; see wikiembed.reconcile.';


--
-- Name: refuse_abort(); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.refuse_abort() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  raise exception 'a waiting job cannot be aborted'
    using errcode = 'check_violation', constraint = 'check_not_todo_abort_requested',
          schema = 'wikiembed_queue', table = 'procrastinate_jobs';
end;
$$;


--
-- Name: FUNCTION refuse_abort(); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.refuse_abort() IS 'Refuses to abort a waiting job; replaces procrastinate''s check constraint.';


--
-- Name: relations_of(regclass); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.relations_of(p_relation regclass) RETURNS SETOF regclass
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select p_relation
  union
  select t.relid from pg_partition_tree(p_relation) as t;
$$;


--
-- Name: FUNCTION relations_of(p_relation regclass); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.relations_of(p_relation regclass) IS 'The table itself and, when it is partitioned, every partition below it.';


--
-- Name: rename_missing_index(wikiembed.sources); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.rename_missing_index(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_index regclass := wikiembed_private.missing_index(p_source);
begin
  if exists (
    select from pg_class as c
     where c.oid = v_index and c.relname = 'wikiembed_missing_' || p_source.relation::oid
       and not exists (select from pg_class as other
                        where other.relnamespace = c.relnamespace
                          and other.relname = ('wikiembed_missing_' || p_source.name) collate "C")
  ) then
    execute wikiembed_private.render_template(
      p_source, 'alter index ' || wikiembed_private.qualified(v_index) || ' rename to @missing_index@');
  end if;
end;
$$;


--
-- Name: FUNCTION rename_missing_index(p_source wikiembed.sources); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.rename_missing_index(p_source wikiembed.sources) IS 'Gives the index that was built for a move the name of a source''s index.';


--
-- Name: render_call(wikiembed.sources, text, text[]); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.render_call(p_source wikiembed.sources, p_function text, p_arguments text[]) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
  v_table text := wikiembed_private.qualified(p_source.relation);
  v_single boolean := cardinality(p_source.key_columns) = 1;
  v_first text := p_arguments[1];
  v_second text := p_arguments[2];
  v_type text := wikiembed_private.array_type(p_source.key_types[1]);
  v_columns text;
  v_comparison text;
begin
  select string_agg(format('%s.%I', v_first, c.name), ', ' order by c.number) into v_columns
    from unnest(p_source.key_columns) with ordinality as c (name, number);
  case p_function
    when 'key_of' then
      return wikiembed_private.key_expression(p_source, v_first);
    when 'text_of' then
      return wikiembed_private.text_expression(p_source, v_first);
    when 'key_value' then
      return case when v_single then v_columns else wikiembed_private.key_expression(p_source, v_first) end;
    when 'order_by' then
      return v_columns;
    when 'key_columns' then
      return (select string_agg(format('%s.%I as k%s', v_first, c.name, c.number), ', ' order by c.number)
                from unnest(p_source.key_columns) with ordinality as c (name, number));
    when 'held_keys' then
      return (select string_agg(format('%s.k%s', v_first, i), ', ' order by i)
                from generate_series(1, cardinality(p_source.key_columns)) as i);
    when 'is_held' then
      v_comparison := (select string_agg(format('%s.%I = h.k%s', v_first, c.name, c.number), ' and ' order by c.number)
                         from unnest(p_source.key_columns) with ordinality as c (name, number));
      return case when v_single then format('%s = any (array(select h.k1 from held as h)) and ', v_columns) else '' end
        || v_comparison;
    when 'typed_keys' then
      return format('%s::%s[]', v_first, case when v_single then v_type else 'jsonb' end);
    when 'is_key', 'is_text_key' then
      if v_single then
        return format('%s = %s', v_columns, v_second) || case p_function when 'is_text_key' then '::' || v_type else '' end;
      end if;
      return (select string_agg(format('%s.%I = (%s%s ->> %s)::%s', v_first, c.name, v_second,
                       case p_function when 'is_text_key' then '::jsonb' else '' end, c.number - 1,
                       wikiembed_private.array_type(p_source.key_types[c.number])), ' and ' order by c.number)
                from unnest(p_source.key_columns) with ordinality as c (name, number));
    when 'has_key' then
      if v_single then
        return format('%s = any (%s::%s[])', v_columns, v_second, v_type);
      end if;
      return format('(%s) in (select %s from unnest(%s) as k (key))', v_columns, (
        select string_agg(format('(k.key::jsonb ->> %s)::%s', c.number - 1, wikiembed_private.array_type(c.type)), ', ' order by c.number)
          from unnest(p_source.key_types) with ordinality as c (type, number)), v_second);
    when 'same_key' then
      return (select string_agg(
                format(case when c.type in ('text', 'character varying')
                            then '%1$s.%3$I::text collate "C" = %2$s.%3$I::text collate "C"'
                            else '%1$s.%3$I = %2$s.%3$I' end, v_first, v_second, c.name), ' and ' order by c.number)
                from unnest(p_source.key_columns, p_source.key_types) with ordinality as c (name, type, number));
    when 'canonical_key' then
      if v_single then
        return format('%s::%s::text', v_first, v_type);
      end if;
      return format('jsonb_build_array(%s)::text', (
        select string_agg(format('(%s::jsonb ->> %s)::%s', v_first, c.number - 1, wikiembed_private.array_type(c.type)), ', ' order by c.number)
          from unnest(p_source.key_types) with ordinality as c (type, number)));
    when 'null_rows' then
      if v_single then
        return format('update %s as t set %I = null where %s;', v_table, p_source.embedding_column,
          wikiembed_private.render_call(p_source, 'has_key', array['t', v_first]));
      end if;
      return format('declare v_key text; begin foreach v_key in array %s loop update %s as t set %I = null where %s; end loop; end;',
        v_first, v_table, p_source.embedding_column, wikiembed_private.render_call(p_source, 'is_text_key', array['t', 'v_key']));
    else
      raise exception 'a template calls an unknown function: %', p_function;
  end case;
end;
$_$;


--
-- Name: FUNCTION render_call(p_source wikiembed.sources, p_function text, p_arguments text[]); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.render_call(p_source wikiembed.sources, p_function text, p_arguments text[]) IS 'Renders one call in a template: the key or the text of a row, or a comparison of keys.';


--
-- Name: render_template(wikiembed.sources, text, jsonb); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.render_template(p_source wikiembed.sources, p_template text, p_more jsonb DEFAULT '{}'::jsonb) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_table text := wikiembed_private.qualified(p_source.relation);
  v_vector_schema text := quote_ident(wikiembed_private.pgvector_schema());
  v_values jsonb := p_more || jsonb_build_object(
    'source', quote_literal(p_source.name),
    'table', v_table,
    'table_literal', quote_literal(v_table),
    'key', quote_ident(p_source.key_column),
    'key_literal', quote_literal(p_source.key_column),
    'embedding', quote_ident(p_source.embedding_column),
    'embedding_literal', quote_literal(p_source.embedding_column),
    'key_list', (select string_agg(quote_ident(c.name), ', ' order by c.number)
                   from unnest(p_source.key_columns) with ordinality as c (name, number)),
    'text_list', (select string_agg(quote_ident(c.name), ', ' order by c.number)
                    from unnest(p_source.text_columns) with ordinality as c (name, number)),
    'key_type', case when cardinality(p_source.key_columns) > 1 then 'text'
                     else wikiembed_private.array_type(p_source.key_types[1]) end,
    'key_joins', case when cardinality(p_source.key_columns) > 1 then 'set enable_hashjoin = off'
                      else 'set enable_nestloop = off' end,
    'key_lookups', case when cardinality(p_source.key_columns) > 1
                        then 'set enable_hashjoin = off set enable_mergejoin = off' else '' end,
    'vector_cast', case when p_source.embedding_type = 'halfvec' then format('::%s.halfvec', v_vector_schema) else '' end,
    'vector_equals', format('operator(%s.=)', v_vector_schema),
    'vector_schema', v_vector_schema,
    'queue', quote_literal(p_source.queue_name),
    'clock', quote_literal('wikiembed_private.' || quote_ident('clock_embed_' || p_source.name)),
    'null_stale_trigger', quote_ident('zzz_wikiembed_' || p_source.name),
    'missing_index', quote_ident('wikiembed_missing_' || p_source.name));
  v_generated text[] := wikiembed_private.generated_names() || array['deltas'];
  v_rendered text := '';
  v_piece text;
  v_number bigint;
begin
  for v_piece, v_number in
    select p.piece, p.number from unnest(string_to_array(p_template, '@')) with ordinality as p (piece, number)
  loop
    if v_number % 2 = 0 then
      v_piece := case when v_piece like '%(%)' then wikiembed_private.render_call(
                        p_source, split_part(v_piece, '(', 1),
                        regexp_split_to_array(rtrim(substr(v_piece, strpos(v_piece, '(') + 1), ')'), '\s*,\s*'))
                      when v_piece = any (v_generated) then quote_ident(v_piece || '_' || p_source.name)
                      when v_values ? v_piece then coalesce(v_values ->> v_piece, '') end;
      if v_piece is null then
        raise exception 'a template has an unknown name: %', p_template;
      end if;
    end if;
    v_rendered := v_rendered || v_piece;
  end loop;
  return v_rendered;
end;
$$;


--
-- Name: FUNCTION render_template(p_source wikiembed.sources, p_template text, p_more jsonb); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.render_template(p_source wikiembed.sources, p_template text, p_more jsonb) IS 'Renders a template of SQL with the names of a source.';


--
-- Name: renew_grants(); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.renew_grants() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_role name;
begin
  for v_role in
    select w.role from wikiembed_private.worker_roles() as w (role)
  loop
    perform wikiembed.grant_worker(v_role);
  end loop;
  for v_role in
    select distinct r.rolname
      from pg_class as c, aclexplode(c.relacl) as a join pg_roles as r on r.oid = a.grantee
     where c.oid = 'wikiembed.failures'::regclass
       and a.privilege_type = 'SELECT' and a.grantee <> c.relowner
       and has_table_privilege(a.grantee, 'wikiembed.action_log', 'select')
     order by 1
  loop
    perform wikiembed.grant_reader(v_role);
  end loop;
end;
$$;


--
-- Name: FUNCTION renew_grants(); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.renew_grants() IS 'Calls grant_worker and grant_reader again for the roles that they were called with.';


--
-- Name: requeue(text, text[], integer, double precision); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.requeue(p_source text, p_keys text[], p_attempt integer, p_delay_s double precision DEFAULT NULL::double precision) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_delay_s double precision := coalesce(p_delay_s, least(300, 0.5 * power(2, least(p_attempt, 12))));
begin
  if coalesce(cardinality(p_keys), 0) = 0 then
    return 0;
  end if;
  insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args, scheduled_at)
  values ('embed_' || p_source, 'wikiembed.embed', 5,
          jsonb_build_object('source', p_source, 'keys', to_jsonb(p_keys), 'attempt', p_attempt + 1),
          clock_timestamp() + make_interval(secs => v_delay_s));
  return cardinality(p_keys);
end;
$$;


--
-- Name: FUNCTION requeue(p_source text, p_keys text[], p_attempt integer, p_delay_s double precision); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.requeue(p_source text, p_keys text[], p_attempt integer, p_delay_s double precision) IS 'Requeues keys with a delay: half a second, doubled with each attempt, at most 300 s.';


--
-- Name: require_column(regclass, name, text, integer); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.require_column(p_relation regclass, p_name name, p_role text, p_dimensions integer) RETURNS pg_attribute
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_column pg_attribute;
begin
  select a.* into v_column from pg_attribute as a
   where a.attrelid = p_relation and not a.attisdropped and a.attnum > 0 and a.attname = p_name;
  if not found then
    raise exception '% has no column "%"', p_relation, p_name
      using errcode = 'WE006', hint = coalesce(
        'Name it as it is written: ' || (
          select string_agg(a.attname, ' or ' order by a.attnum) from pg_attribute as a
           where a.attrelid = p_relation and not a.attisdropped and a.attnum > 0
             and lower(a.attname) = lower(btrim(p_name, '"'))),
        case p_role
          when 'key' then wikiembed_private.key_advice(p_relation, p_name)
          when 'text' then wikiembed_private.text_advice(p_relation, p_name)
          else format('Run `alter table %s add column %I %s`', p_relation, p_name,
                      wikiembed_private.advised_vector(p_dimensions))
        end);
  end if;
  return v_column;
end;
$$;


--
-- Name: FUNCTION require_column(p_relation regclass, p_name name, p_role text, p_dimensions integer); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.require_column(p_relation regclass, p_name name, p_role text, p_dimensions integer) IS 'The catalogue row of the column that is to be key, text or embedding; raises WE006 with a hint when no such column exists.';


--
-- Name: require_documents(text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.require_documents(p_source text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if not exists (select from wikiembed.document_sources as d where d.source = p_source collate "default") then
    raise exception 'no source of documents is named "%"', coalesce(p_source, '')
      using errcode = 'WE001', hint = 'List them: select source from wikiembed.documents.';
  end if;
end;
$$;


--
-- Name: FUNCTION require_documents(p_source text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.require_documents(p_source text) IS 'Raises WE001 for a source that has no documents.';


--
-- Name: require_quotable(wikiembed.sources); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.require_quotable(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
begin
  if position('$body$' in wikiembed_private.source_names(p_source)) > 0 then
    raise exception 'a name of source "%" contains $body$', p_source.name
      using errcode = 'WE004', hint = 'Rename the table or the column.';
  end if;
end;
$_$;


--
-- Name: FUNCTION require_quotable(p_source wikiembed.sources); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.require_quotable(p_source wikiembed.sources) IS 'Refuses names that would end the text of a function. Raises WE004.';


--
-- Name: require_read_committed(); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.require_read_committed() RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'wikiembed needs a read committed transaction, this one is %',
      current_setting('transaction_isolation')
      using errcode = 'WE008', hint = 'Call it outside, or begin with isolation level read committed.';
  end if;
end;
$$;


--
-- Name: FUNCTION require_read_committed(); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.require_read_committed() IS 'Raises WE008 in a transaction that is not read committed.';


--
-- Name: require_table(wikiembed.sources); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.require_table(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if wikiembed_private.is_gone(p_source) then
    raise exception 'the table or a column of source "%" was dropped', p_source.name
      using errcode = 'WE001',
            hint = format('Forget the source: select wikiembed.detach(%L).', p_source.name);
  end if;
end;
$$;


--
-- Name: FUNCTION require_table(p_source wikiembed.sources); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.require_table(p_source wikiembed.sources) IS 'Raises WE001 when a source''s table, or one of its columns, was dropped.';


--
-- Name: rescue_upkeep(wikiembed_queue.procrastinate_jobs); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.rescue_upkeep(p_job wikiembed_queue.procrastinate_jobs) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if exists (select from wikiembed_queue.procrastinate_jobs as j
              where j.queueing_lock = p_job.queueing_lock and j.status = 'todo') then
    delete from wikiembed_queue.procrastinate_jobs as j where j.id = p_job.id;
  else
    update wikiembed_queue.procrastinate_jobs as j
       set status = 'todo', attempts = j.attempts + 1, scheduled_at = null, worker_id = null,
           abort_requested = false
     where j.id = p_job.id;
    perform wikiembed_private.notify_workers(p_job.queue_name);
  end if;
end;
$$;


--
-- Name: FUNCTION rescue_upkeep(p_job wikiembed_queue.procrastinate_jobs); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.rescue_upkeep(p_job wikiembed_queue.procrastinate_jobs) IS 'Requeues an upkeep job, or drops it when its next one waits already.';


--
-- Name: retry_documents(text, text[], text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.retry_documents(p_source text, p_keys text[], p_error_class text, OUT jobs bigint, OUT documents bigint) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  with locked as materialized (
    select f.key from wikiembed.document_failures as f
     where f.source = p_source collate "default"
       and (p_keys is null or f.key in (select k.key collate "C" from unnest(p_keys) as k (key)))
       and (p_error_class is null or f.error_class = p_error_class collate "default")
     order by f.key for update skip locked
  ), retried as (
    delete from wikiembed.document_failures as f
     where f.source = p_source collate "default" and f.key in (select l.key from locked as l)
    returning f.key
  ), inserted as (
    insert into wikiembed_queue.procrastinate_jobs (queue_name, task_name, priority, args)
    select 'embed_' || p_source, 'wikiembed.split', 5,
           jsonb_build_object('source', p_source, 'documents', to_jsonb(array_agg(n.key order by n.key)))
      from (select r.key, (row_number() over (order by r.key) - 1) / 16 as batch from retried as r) as n
     group by n.batch
     order by n.batch
    returning 1
  )
  select (select count(*) from inserted), (select count(*) from retried) into jobs, documents;
end;
$$;


--
-- Name: FUNCTION retry_documents(p_source text, p_keys text[], p_error_class text, OUT jobs bigint, OUT documents bigint); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.retry_documents(p_source text, p_keys text[], p_error_class text, OUT jobs bigint, OUT documents bigint) IS 'Queues documents that failed, all or those of some keys or of one class; returns the numbers of jobs and documents.';


--
-- Name: revoke_generated(wikiembed.sources); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.revoke_generated(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid from pg_proc as p
     where p.pronamespace = 'wikiembed_private'::regnamespace
       and p.proname in (
         select g || '_' || p_source.name from unnest(wikiembed_private.generated_names()) as g)
  loop
    execute format('revoke all on function %s from public', v_function);
    execute format('comment on function %s is %L', v_function, wikiembed_private.generated_comment(p_source.name));
  end loop;
end;
$$;


--
-- Name: FUNCTION revoke_generated(p_source wikiembed.sources); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.revoke_generated(p_source wikiembed.sources) IS 'Revokes the generated functions of a source from public.';


--
-- Name: runnable_queues(character varying[], boolean); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.runnable_queues(p_queues character varying[], p_upkeep boolean DEFAULT true) RETURNS character varying[]
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select case
    when p_queues is not null then array(
      select q from unnest(p_queues) as q
       where not exists (select from wikiembed.sources as s
                          where s.queue_name = q and wikiembed_private.is_paused(s.paused_at, s.resume_at)))
    when p_upkeep and not exists (
      select from wikiembed.sources as s where wikiembed_private.is_paused(s.paused_at, s.resume_at)) then null
    else array(
      select s.queue_name::varchar from wikiembed.sources as s
       where not wikiembed_private.is_paused(s.paused_at, s.resume_at)
      union all
      select q::varchar from unnest(array['wikiembed_upkeep', 'builtin', 'default']) as q where p_upkeep)
  end;
$$;


--
-- Name: FUNCTION runnable_queues(p_queues character varying[], p_upkeep boolean); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.runnable_queues(p_queues character varying[], p_upkeep boolean) IS 'The queues that a worker may fetch from now: those given, or all, without the paused ones.';


--
-- Name: settings_moved(wikiembed.sources, wikiembed.sources); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.settings_moved(p_former wikiembed.sources, p_source wikiembed.sources) RETURNS wikiembed.sources
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  if coalesce(p_source.provider, p_source.model, p_source.document_prefix, p_source.query_prefix) is not null
    or p_source.batch_size not in (64, p_former.batch_size)
  then
    raise exception 'source "%" keeps its settings when it is moved', p_source.name
      using errcode = 'WE010', hint = 'Leave provider, model, prefixes and batch size out, and change them afterwards';
  end if;
  if p_source.dimensions <> p_former.dimensions then
    raise exception 'embedding column "%" of % has % dimensions, and source "%" has %', p_source.embedding_column,
      p_source.relation, p_source.dimensions, p_source.name, p_former.dimensions
      using errcode = 'WE007', hint = 'Detach the source and attach the table again, which embeds all of it';
  end if;
  p_source.provider := p_former.provider;
  p_source.model := p_former.model;
  p_source.document_prefix := p_former.document_prefix;
  p_source.query_prefix := p_former.query_prefix;
  p_source.batch_size := p_former.batch_size;
  p_source.generation := p_former.generation;
  p_source.pinned_at := p_former.pinned_at;
  p_source.prefix_pinned := p_former.prefix_pinned;
  p_source.prove_function := p_former.prove_function;
  p_source.paused_at := p_former.paused_at;
  p_source.paused_by := p_former.paused_by;
  p_source.pause_reason := p_former.pause_reason;
  p_source.resume_at := p_former.resume_at;
  return p_source;
end;
$$;


--
-- Name: FUNCTION settings_moved(p_former wikiembed.sources, p_source wikiembed.sources); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.settings_moved(p_former wikiembed.sources, p_source wikiembed.sources) IS 'The new row of a source that is moved, with the settings, the model and the pause of the former; raises WE007 for other dimensions and WE010 for other settings.';


--
-- Name: skip_nowait(text, text[], text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.skip_nowait(p_source text, p_keys text[], p_why text) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS $_$
declare
  v_source wikiembed.sources;
  v_keys text[];
begin
  perform wikiembed_private.lock_source(p_source);
  v_source := wikiembed_private.get_source(p_source);
  perform wikiembed_private.require_table(v_source);
  begin
    execute wikiembed_private.render_template(v_source, 'select array_agg(@canonical_key(k)@) from unnest($1) as k')
       into p_keys using p_keys;
  exception when invalid_text_representation or numeric_value_out_of_range then
    raise exception 'a key does not fit source "%": %', p_source, sqlerrm
      using errcode = 'WE010', hint = format('Its keys are of type %s.', v_source.key_type);
  end;
  execute wikiembed_private.render_template(v_source, $sql$
    select array_agg(h.key) from (
      select @key_of(t)@ as key from @table@ as t
       where @has_key(t, $1)@ and num_nulls(t.@embedding@) = 1
       order by @order_by(t)@ for no key update of t nowait) as h
  $sql$) into v_keys using p_keys;
  perform 1
     from (select k.key collate "C" as key from unnest(v_keys) as k (key) order by 1) as a
    cross join lateral (
      select from wikiembed.failures as f
       where f.source = p_source collate "default" and f.key = a.key
         for update nowait) as h;
  insert into wikiembed_private.ended_failures
    (source, key, error_class, http_status, message, attempts, first_at, last_at, how)
  select f.source, f.key, f.error_class, f.http_status, f.message, f.attempts, f.first_at, f.last_at, 'skipped'
    from unnest(v_keys) as k (key)
   cross join lateral (
     select f.* from wikiembed.failures as f
      where f.source = p_source collate "default" and f.key = k.key collate "C" and f.state = 'failed'
     offset 0) as f;
  insert into wikiembed.failures as f (source, key, state, error_class, message, attempts)
  select p_source, k, 'skipped', 'skipped_by_operator', p_why, 0 from unnest(v_keys) as k order by k collate "C"
      on conflict (source, key) do update
         set state = excluded.state, error_class = excluded.error_class, message = excluded.message,
             last_at = excluded.last_at;
  return coalesce(cardinality(v_keys), 0);
end;
$_$;


--
-- Name: FUNCTION skip_nowait(p_source text, p_keys text[], p_why text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.skip_nowait(p_source text, p_keys text[], p_why text) IS 'Skips these missing chunks without waiting for a row; returns the number. Raises 55P03 when another transaction has locked one, WE001, WE010.';


--
-- Name: skip_with_timeout(text, text[], text, interval); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.skip_with_timeout(p_source text, p_keys text[], p_why text, p_limit interval) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_until timestamptz := clock_timestamp() + p_limit;
  v_skipped bigint;
begin
  perform wikiembed_private.require_read_committed();
  loop
    begin
      v_skipped := wikiembed_private.skip_nowait(p_source, p_keys, coalesce(p_why, ''));
      exit;
    exception when lock_not_available then
      if clock_timestamp() > v_until then
        raise exception 'another transaction has locked chunks of source "%" that are to be skipped', p_source
          using errcode = 'lock_not_available',
                hint = 'None was skipped: run it again when that transaction has ended.';
      end if;
    end;
    perform pg_sleep(0.05);
  end loop;
  perform wikiembed_private.log_action('skip', p_source, p_why, jsonb_build_object('chunks', v_skipped));
  return v_skipped;
end;
$$;


--
-- Name: FUNCTION skip_with_timeout(p_source text, p_keys text[], p_why text, p_limit interval); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.skip_with_timeout(p_source text, p_keys text[], p_why text, p_limit interval) IS 'Skips these missing chunks, or none when another transaction has locked one for longer than the limit; returns the number. Raises 55P03, WE001, WE008, WE010.';


--
-- Name: source_names(wikiembed.sources); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.source_names(p_source wikiembed.sources) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select wikiembed_private.render_template(
    p_source, '@table@ (@key_list@; @text_of(t)@; @embedding@) @key_type@ @vector_cast@ @vector_schema@');
$$;


--
-- Name: FUNCTION source_names(p_source wikiembed.sources); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.source_names(p_source wikiembed.sources) IS 'The names that a source''s generated functions depend on.';


--
-- Name: split_job(wikiembed_queue.procrastinate_jobs); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.split_job(p_job wikiembed_queue.procrastinate_jobs) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
declare
  v_keys text[] := wikiembed_private.keys_of_job(p_job);
  v_name text := case p_job.task_name when 'wikiembed.split' then 'documents' else 'keys' end;
  v_half integer := cardinality(v_keys) / 2;
begin
  perform wikiembed_queue.procrastinate_defer_jobs_v1(array(
    select row(
             p_job.queue_name, p_job.task_name, p_job.priority, null, null,
             p_job.args || jsonb_build_object(v_name, to_jsonb(h.keys), 'rescues', 2), null
           )::wikiembed_queue.procrastinate_job_to_defer_v1
      from (values (1, v_keys[:v_half]), (2, v_keys[v_half + 1:])) as h (n, keys)
     order by h.n));
  delete from wikiembed_queue.procrastinate_jobs as j where j.id = p_job.id;
end;
$$;


--
-- Name: FUNCTION split_job(p_job wikiembed_queue.procrastinate_jobs); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.split_job(p_job wikiembed_queue.procrastinate_jobs) IS 'Replaces a job by two with half of its keys each; the next rescue splits those at once.';


--
-- Name: store_wiki(text[], bigint[], public.vector[], integer); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.store_wiki(p_keys text[], p_versions bigint[], p_embeddings public.vector[], p_attempt integer) RETURNS TABLE(key text, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET lock_timeout TO '2s'
    SET enable_seqscan TO 'off'
    SET enable_nestloop TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS $$
    declare
      v_generation bigint;
      v_held bigint;
      v_written text[];
      v_rewritten text[];
    begin
      lock table only public.wiki_chunks in row exclusive mode;
      select s.generation into v_generation from wikiembed.sources as s
       where s.name = 'wiki' for key share skip locked;
      if not found then
        if not exists (select from wikiembed.sources as s where s.name = 'wiki') then
          return query select k, 'gone'::text from unnest(p_keys) as k;
          return;
        end if;
        perform wikiembed_private.requeue('wiki', p_keys, p_attempt);
        return query select k, 'locked'::text from unnest(p_keys) as k;
        return;
      end if;
      with held as materialized (
        select h.*, g.version, g.embedding
          from (
            select g.key, g.version, g.embedding
              from unnest(p_keys::bigint[], p_versions, p_embeddings) as g (key, version, embedding)
             order by g.key
          ) as g
         cross join lateral (
           select t.id as k1 from public.wiki_chunks as t
            where t.id = g.key and num_nulls(t.embedding) = 1
              and hashtextextended(t.content::text collate "C", v_generation) = g.version
              for no key update of t skip locked
         ) as h
      ), written as (
        update public.wiki_chunks as t set embedding = h.embedding
          from held as h
         where t.id = any (array(select h.k1 from held as h)) and t.id = h.k1 and num_nulls(t.embedding) = 1
        returning t.id::text as key,
                  hashtextextended(t.content::text collate "C", v_generation) is distinct from h.version
                    as rewritten
      )
      select array_agg(w.key), array_agg(w.key) filter (where w.rewritten),
             (select count(*) from (select distinct h.k1 from held as h) as h)
        into v_written, v_rewritten, v_held
        from written as w;
      if v_held > coalesce(cardinality(v_written), 0) then
        raise exception 'a trigger of % prevents a vector from being written', 'public.wiki_chunks'
          using errcode = 'WE012', hint = 'A before update trigger returned null.';
      end if;
      if v_rewritten is not null then
        update public.wiki_chunks as t set embedding = null where t.id = any (v_rewritten::bigint[]);
      end if;
      if coalesce(cardinality(v_written), 0) = cardinality(p_keys) and v_rewritten is null then
        return query select k, 'written'::text from unnest(p_keys) as k;
        return;
      end if;
      return query select o.key, o.outcome
        from wikiembed_private.outcomes_wiki(p_keys, p_versions, v_generation, v_written, v_rewritten, p_attempt) as o;
    end;
    $$;


--
-- Name: FUNCTION store_wiki(p_keys text[], p_versions bigint[], p_embeddings public.vector[], p_attempt integer); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.store_wiki(p_keys text[], p_versions bigint[], p_embeddings public.vector[], p_attempt integer) IS 'Written by write_triggers for source wiki.';


--
-- Name: sum_deltas(text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.sum_deltas(p_source text, OUT total bigint, OUT embedded bigint) RETURNS record
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  execute format(
    'select coalesce(sum(d.total), 0)::bigint, coalesce(sum(d.embedded), 0)::bigint from wikiembed_private.%I as d',
    'deltas_' || p_source) into total, embedded;
exception when undefined_table then
  total := 0; embedded := 0;
end;
$$;


--
-- Name: FUNCTION sum_deltas(p_source text, OUT total bigint, OUT embedded bigint); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.sum_deltas(p_source text, OUT total bigint, OUT embedded bigint) IS 'Sums of a source''s ledger rows that are not folded yet; for view coverage.';


--
-- Name: text_advice(regclass, name); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.text_advice(p_relation regclass, p_column name) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
  select coalesce(
    'Name another text column: ' || string_agg(a.attname, ', ' order by a.attnum),
    format('Run `alter table %1$s add column %2$I text`, and name %2$I as the text', p_relation,
           wikiembed_private.free_column(p_relation, p_column)))
    from pg_attribute as a join pg_type as t on t.oid = wikiembed_private.base_type(a.atttypid)
   where a.attrelid = p_relation and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
     and t.typcategory = 'S' and t.typname not in ('char', 'name');
$_$;


--
-- Name: FUNCTION text_advice(p_relation regclass, p_column name); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.text_advice(p_relation regclass, p_column name) IS 'A hint which columns of a table are texts, or how it gets one.';


--
-- Name: text_expression(wikiembed.sources, text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.text_expression(p_source wikiembed.sources, p_alias text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  with parts as (
    select c.number,
           case when p_source.text_paths -> (c.number - 1)::integer = 'null'
                then format('%s.%I::text', p_alias, c.name)
                else format('(%s.%I #>> %L::text[])', p_alias, c.name, array(
                  select jsonb_array_elements_text(p_source.text_paths -> (c.number - 1)::integer))) end as part
      from unnest(p_source.text_columns) with ordinality as c (name, number)
  )
  select case when count(*) = 1 then min(p.part)
              else format('concat_ws(e''\n\n'', %s)', string_agg(p.part, ', ' order by p.number)) end
    from parts as p;
$$;


--
-- Name: FUNCTION text_expression(p_source wikiembed.sources, p_alias text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.text_expression(p_source wikiembed.sources, p_alias text) IS 'Returns the SQL expression of a source''s text, of a row with this alias.';


--
-- Name: text_part(regclass, text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.text_part(p_relation regclass, p_part text, OUT attribute pg_attribute, OUT path text[]) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
  v_steps text := substr(p_part, strpos(p_part, '->'));
begin
  if p_part !~ '->' or exists (
    select from pg_attribute as a
     where a.attrelid = p_relation and a.attnum > 0 and not a.attisdropped and a.attname = p_part::name)
  then
    attribute := wikiembed_private.require_column(p_relation, p_part::name, 'text', null);
    return;
  end if;
  if v_steps !~ '^(->''([^'']|'''')+'')*->>''([^'']|'''')+''$' then
    raise exception '% is not a field of a json column', p_part
      using errcode = 'WE006', hint = $hint$Write it as doc->>'body' or doc->'page'->>'body'$hint$;
  end if;
  attribute := wikiembed_private.require_column(
    p_relation, btrim(left(p_part, strpos(p_part, '->') - 1))::name, 'text', null);
  if attribute.atttypid not in ('json'::regtype, 'jsonb'::regtype) or attribute.attgenerated <> '' then
    raise exception 'column "%" of % is not an ordinary json or jsonb column', attribute.attname, p_relation
      using errcode = 'WE006', hint = 'Name a column of text, or a field of a jsonb column';
  end if;
  path := array(
    select replace(m.found[1], $q$''$q$, $q$'$q$)
      from regexp_matches(v_steps, $re$->>?'((?:[^']|'')+)'$re$, 'g') with ordinality as m (found, number)
     order by m.number);
end;
$_$;


--
-- Name: FUNCTION text_part(p_relation regclass, p_part text, OUT attribute pg_attribute, OUT path text[]); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.text_part(p_relation regclass, p_part text, OUT attribute pg_attribute, OUT path text[]) IS 'The column of a part of a text, and its path where it is a field of JSON; raises WE006.';


--
-- Name: tree_current(wikiembed.sources); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.tree_current(p_source wikiembed.sources) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select not exists (
    (select r, 'wikiembed_' || p_source.name || '_' || e
       from wikiembed_private.relations_of(p_source.relation) as r,
            unnest(array['insert', 'update', 'delete', 'truncate']) as e
     except
     select t.relation, t.trigger from wikiembed_private.triggers_of(p_source.name) as t)
    union all
    (select t.relation, t.trigger from wikiembed_private.triggers_of(p_source.name) as t
      where t.relation not in (select wikiembed_private.relations_of(p_source.relation))));
$$;


--
-- Name: FUNCTION tree_current(p_source wikiembed.sources); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.tree_current(p_source wikiembed.sources) IS 'True when the table and every partition of it, and no other, have a source''s statement triggers.';


--
-- Name: trigger_version(); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.trigger_version() RETURNS integer
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select hashtext(string_agg(p.prosrc, '' order by p.proname collate "C", p.oid))
    from pg_proc as p
   where p.pronamespace = 'wikiembed_private'::regnamespace
     and (p.proname like 'generate\_%' or p.proname in (
           'array_type', 'create_deltas', 'document_names', 'document_row', 'generated_comment', 'generated_names', 'grant_generated', 'key_expression',
           'render_call', 'render_template', 'text_expression',
           'revoke_generated', 'write_document_triggers', 'write_statement_triggers', 'write_triggers'));
$$;


--
-- Name: FUNCTION trigger_version(); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.trigger_version() IS 'Digest of the functions that write_triggers uses: the triggers of a source with another one are rewritten.';


--
-- Name: triggers_current(wikiembed.sources); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.triggers_current(p_source wikiembed.sources) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select p_source.trigger_version = wikiembed_private.trigger_version()
     and p_source.written_as = wikiembed_private.source_names(p_source)
     and wikiembed_private.tree_current(p_source)
     and not exists (
       select from wikiembed_private.triggers_of(p_source.name) as o
         join pg_trigger as t on t.tgrelid = o.relation and t.tgname = o.trigger
        where t.tgenabled not in ('O', 'A'))
     and not exists (
       select from wikiembed_private.relations_of(p_source.relation) as r
        where not exists (
          select from pg_trigger as t
           where t.tgrelid = r and t.tgname = 'zzz_wikiembed_' || p_source.name and t.tgenabled = 'A'));
$$;


--
-- Name: FUNCTION triggers_current(p_source wikiembed.sources); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.triggers_current(p_source wikiembed.sources) IS 'True when every trigger of a source exists, is enabled, and has this version and the present names.';


--
-- Name: triggers_of(text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.triggers_of(p_name text) RETURNS TABLE(relation regclass, trigger name)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select t.tgrelid::regclass, t.tgname
    from pg_trigger as t join pg_proc as p on p.oid = t.tgfoid
   where p.pronamespace = 'wikiembed_private'::regnamespace
     and p.proname = any (array['on_insert_' || p_name, 'on_update_' || p_name,
                                'on_delete_' || p_name, 'on_truncate_' || p_name] collate "C");
$$;


--
-- Name: FUNCTION triggers_of(p_name text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.triggers_of(p_name text) IS 'The statement triggers of a source, on any table.';


--
-- Name: truncated_chunks; Type: TABLE; Schema: wikiembed; Owner: -
--

CREATE TABLE wikiembed.truncated_chunks (
    source text NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    chars integer NOT NULL,
    chars_kept integer,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);


--
-- Name: TABLE truncated_chunks; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON TABLE wikiembed.truncated_chunks IS 'Chunks whose vector is that of their beginning only, as WIKIEMBED_TRUNCATE allows; written by write_truncated, cleared by the triggers when text, key or vector change or the row is deleted.';


--
-- Name: COLUMN truncated_chunks.source; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.truncated_chunks.source IS 'The source.';


--
-- Name: COLUMN truncated_chunks.key; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.truncated_chunks.key IS 'The chunk''s key, as text.';


--
-- Name: COLUMN truncated_chunks.chars; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.truncated_chunks.chars IS 'Characters of the text.';


--
-- Name: COLUMN truncated_chunks.chars_kept; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.truncated_chunks.chars_kept IS 'Characters that were embedded; null where the server cut the text and does not report how many it kept.';


--
-- Name: COLUMN truncated_chunks.at; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.truncated_chunks.at IS 'When its vector was stored.';


--
-- Name: truncated_moved(wikiembed.sources, wikiembed.sources); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.truncated_moved(p_former wikiembed.sources, p_source wikiembed.sources) RETURNS wikiembed.truncated_chunks[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS $_$
declare
  v_marks wikiembed.truncated_chunks[];
begin
  if not exists (select from wikiembed.truncated_chunks as c where c.source = p_former.name) then
    return '{}';
  end if;
  execute format(
    'select coalesce(array_agg(c order by c.key), ''{}'') from wikiembed.truncated_chunks as c
       join %s as n on %s collate "C" = c.key
       join %s as o on %s collate "C" = c.key
      where c.source = $1 collate "C" and n.%I is not null
        and %s collate "C" is not distinct from %s collate "C"',
    wikiembed_private.qualified(p_source.relation), wikiembed_private.key_expression(p_source, 'n'),
    wikiembed_private.qualified(p_former.relation), wikiembed_private.key_expression(p_former, 'o'),
    p_source.embedding_column,
    wikiembed_private.text_expression(p_former, 'o'), wikiembed_private.text_expression(p_source, 'n'))
    into v_marks using p_former.name;
  return v_marks;
end;
$_$;


--
-- Name: FUNCTION truncated_moved(p_former wikiembed.sources, p_source wikiembed.sources); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.truncated_moved(p_former wikiembed.sources, p_source wikiembed.sources) IS 'The marks of a source that is moved whose rows have the same key and text in both tables, and a vector in the new one.';


--
-- Name: usable_key_lists(regclass); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.usable_key_lists(p_relation regclass) RETURNS TABLE(columns name[])
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select k.columns
    from pg_index as i
   cross join lateral (
     select array_agg(a.attname order by c.number) as columns,
            bool_and(a.attnotnull and format_type(wikiembed_private.base_type(a.atttypid), null)
              in ('smallint', 'integer', 'bigint', 'uuid', 'text', 'character varying')) as usable
       from unnest((i.indkey::smallint[])[0:i.indnkeyatts - 1]) with ordinality as c (attnum, number)
       join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = c.attnum) as k
   where i.indrelid = p_relation and i.indisunique and i.indisvalid and i.indimmediate
     and i.indpred is null and i.indexprs is null and i.indnkeyatts between 2 and 4 and k.usable
   order by i.indisprimary desc, i.indexrelid;
$$;


--
-- Name: FUNCTION usable_key_lists(p_relation regclass); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.usable_key_lists(p_relation regclass) IS 'The lists of two to four columns of a table that identify a row together and can be the key of a source.';


--
-- Name: usable_keys(regclass); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.usable_keys(p_relation regclass) RETURNS name[]
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select coalesce(array_agg(a.attname order by a.attnum), '{}')
    from pg_attribute as a
   where a.attrelid = p_relation and a.attnum > 0 and not a.attisdropped and a.attnotnull
     and format_type(wikiembed_private.base_type(a.atttypid), null)
         in ('smallint', 'integer', 'bigint', 'uuid', 'text', 'character varying')
     and exists (
       select from pg_index as i
        where i.indrelid = p_relation and i.indisunique and i.indisvalid and i.indimmediate
          and i.indpred is null and i.indexprs is null
          and i.indnkeyatts = 1 and i.indkey[0] = a.attnum);
$$;


--
-- Name: FUNCTION usable_keys(p_relation regclass); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.usable_keys(p_relation regclass) IS 'The columns of a table that identify a row and can be the key of a source.';


--
-- Name: waiting_queues(); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.waiting_queues() RETURNS character varying[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
  return array(
    with recursive q as (
      select least(
        (select j.queue_name from wikiembed_queue.procrastinate_jobs as j
          where j.status = 'todo' and j.scheduled_at is null
          order by j.queue_name limit 1),
        (select j.queue_name from wikiembed_queue.procrastinate_jobs as j
          where j.status = 'todo' and j.scheduled_at is not null
          order by j.queue_name limit 1)) as name
      union all
      select least(
        (select j.queue_name from wikiembed_queue.procrastinate_jobs as j
          where j.status = 'todo' and j.scheduled_at is null and j.queue_name > q.name
          order by j.queue_name limit 1),
        (select j.queue_name from wikiembed_queue.procrastinate_jobs as j
          where j.status = 'todo' and j.scheduled_at is not null and j.queue_name > q.name
          order by j.queue_name limit 1))
        from q where q.name is not null
    )
    select q.name from q where q.name is not null);
end;
$$;


--
-- Name: FUNCTION waiting_queues(); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.waiting_queues() IS 'The queues in which a job waits, by name.';


--
-- Name: worker_roles(); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.worker_roles() RETURNS SETOF name
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
  select distinct r.rolname
    from pg_proc as p, aclexplode(p.proacl) as a join pg_roles as r on r.oid = a.grantee
   where p.pronamespace = 'wikiembed'::regnamespace and p.proname = 'read_chunks'
     and a.privilege_type = 'EXECUTE' and a.grantee <> p.proowner
   order by r.rolname
$$;


--
-- Name: FUNCTION worker_roles(); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.worker_roles() IS 'The roles that grant_worker was called with.';


--
-- Name: write_document_triggers(text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.write_document_triggers(p_name text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
  v_row wikiembed.sources := wikiembed_private.document_row(p_name);
  v_relation regclass;
  v_event text;
  v_function regprocedure;
begin
  perform set_config('wikiembed.writing_triggers', 'on', true);
  perform wikiembed_private.generate_document_triggers(p_name);
  perform wikiembed_private.generate_read_document(p_name);
  perform wikiembed_private.generate_split_document(p_name);
  for v_relation in select wikiembed_private.relations_of(v_row.relation) loop
    foreach v_event in array array['insert', 'update', 'delete', 'truncate'] loop
      execute format(
        'create or replace trigger %1$I after %2$s on %3$s %4$s for each statement execute function wikiembed_private.%5$I()',
        'wikiembed_' || p_name || '_document_' || v_event, v_event, wikiembed_private.qualified(v_relation),
        case v_event when 'insert' then 'referencing new table as new_rows'
                     when 'update' then 'referencing old table as old_rows new table as new_rows'
                     when 'delete' then 'referencing old table as old_rows' else '' end,
        'on_document_' || v_event || '_' || p_name);
      execute format('comment on trigger %I on %s is %L', 'wikiembed_' || p_name || '_document_' || v_event,
        wikiembed_private.qualified(v_relation), 'Queues documents of wikiembed source ' || p_name || '.');
    end loop;
  end loop;
  for v_function in
    select p.oid from pg_proc as p
     where p.pronamespace = 'wikiembed_private'::regnamespace
       and p.proname = any (array['on_document_insert_' || p_name, 'on_document_update_' || p_name, 'on_document_delete_' || p_name,
             'on_document_truncate_' || p_name, 'read_document_' || p_name, 'split_document_' || p_name] collate "C")
  loop
    execute format('revoke all on function %s from public', v_function);
    execute format('comment on function %s is %L', v_function, wikiembed_private.generated_comment(p_name));
  end loop;
  update wikiembed.document_sources as d
     set trigger_version = wikiembed_private.trigger_version(), written_as = wikiembed_private.documents_written_as(p_name)
   where d.source = p_name collate "default";
  perform set_config('wikiembed.writing_triggers', 'off', true);
end;
$_$;


--
-- Name: FUNCTION write_document_triggers(p_name text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.write_document_triggers(p_name text) IS 'Writes the functions and triggers of a source''s document table, on it and on every partition.';


--
-- Name: write_statement_triggers(wikiembed.sources, regclass); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.write_statement_triggers(p_source wikiembed.sources, p_relation regclass) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
  v_event text;
begin
  foreach v_event in array array['insert', 'update', 'delete', 'truncate'] loop
    execute format(
      'create or replace trigger %1$I %2$s %3$s on %4$s %5$s for each statement'
      ' execute function wikiembed_private.%6$I()',
      'wikiembed_' || p_source.name || '_' || v_event,
      case v_event when 'truncate' then 'before' else 'after' end,
      v_event,
      wikiembed_private.qualified(p_relation),
      case v_event
        when 'insert' then 'referencing new table as new_rows'
        when 'update' then 'referencing old table as old_rows new table as new_rows'
        when 'delete' then 'referencing old table as old_rows'
        else ''
      end,
      'on_' || v_event || '_' || p_source.name);
    execute format('comment on trigger %I on %s is %L',
      'wikiembed_' || p_source.name || '_' || v_event,
      wikiembed_private.qualified(p_relation),
      'Counts and queues chunks of wikiembed source ' || p_source.name || '.');
  end loop;
end;
$_$;


--
-- Name: FUNCTION write_statement_triggers(p_source wikiembed.sources, p_relation regclass); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.write_statement_triggers(p_source wikiembed.sources, p_relation regclass) IS 'Creates a source''s four statement triggers on one table.';


--
-- Name: write_triggers(text); Type: FUNCTION; Schema: wikiembed_private; Owner: -
--

CREATE FUNCTION wikiembed_private.write_triggers(p_name text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $_$
declare
  v_source wikiembed.sources := wikiembed_private.follow_renames(p_name);
  v_relation regclass;
  v_template text;
begin
  perform set_config('wikiembed.writing_triggers', 'on', true);
  perform wikiembed_private.require_quotable(v_source);
  perform wikiembed_private.create_deltas(p_name);
  perform wikiembed_private.generate_null_stale(v_source);
  perform wikiembed_private.generate_on_insert(v_source);
  perform wikiembed_private.generate_on_update(v_source);
  perform wikiembed_private.generate_on_delete(v_source);
  perform wikiembed_private.generate_on_truncate(v_source);
  perform wikiembed_private.generate_outcomes(v_source);
  perform wikiembed_private.generate_read(v_source);
  perform wikiembed_private.generate_store(v_source);
  perform wikiembed_private.generate_fail(v_source);
  execute wikiembed_private.render_template(v_source, $template$
    create or replace trigger @null_stale_trigger@ before update on @table@
      for each row when (@text_of(old)@ collate "C" is distinct from @text_of(new)@ collate "C")
      execute function wikiembed_private.@null_stale@();
    alter table @table@ enable always trigger @null_stale_trigger@;
  $template$);
  execute wikiembed_private.render_template(v_source,
    'comment on trigger @null_stale_trigger@ on @table@ is ''Nulls the vector of a row whose text changed.''');
  for v_relation in select wikiembed_private.relations_of(v_source.relation) loop
    perform wikiembed_private.write_statement_triggers(v_source, v_relation);
  end loop;
  perform wikiembed_private.drop_orphan_triggers(v_source);
  perform wikiembed_private.revoke_generated(v_source);
  perform wikiembed_private.grant_generated(v_source, w.role) from wikiembed_private.worker_roles() as w (role);
  update wikiembed.sources as s
     set trigger_version = wikiembed_private.trigger_version(),
         written_as = wikiembed_private.source_names(v_source)
   where s.name = p_name;
  perform set_config('wikiembed.writing_triggers', 'off', true);
end;
$_$;


--
-- Name: FUNCTION write_triggers(p_name text); Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON FUNCTION wikiembed_private.write_triggers(p_name text) IS 'Writes a source''s functions and triggers, on the table and on every partition.';


--
-- Name: procrastinate_cancel_job_v1(bigint, boolean, boolean); Type: FUNCTION; Schema: wikiembed_queue; Owner: -
--

CREATE FUNCTION wikiembed_queue.procrastinate_cancel_job_v1(job_id bigint, abort boolean, delete_job boolean) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    _job_id bigint;
BEGIN
    IF delete_job THEN
        DELETE FROM procrastinate_jobs
        WHERE id = job_id AND status = 'todo'
        RETURNING id INTO _job_id;
    END IF;
    IF _job_id IS NULL THEN
        IF abort THEN
            UPDATE procrastinate_jobs
            SET abort_requested = true,
                status = CASE status
                    WHEN 'todo' THEN 'cancelled'::procrastinate_job_status ELSE status
                END
            WHERE id = job_id AND status IN ('todo', 'doing')
            RETURNING id INTO _job_id;
        ELSE
            UPDATE procrastinate_jobs
            SET status = 'cancelled'::procrastinate_job_status
            WHERE id = job_id AND status = 'todo'
            RETURNING id INTO _job_id;
        END IF;
    END IF;
    RETURN _job_id;
END;
$$;


--
-- Name: procrastinate_defer_jobs_v1(wikiembed_queue.procrastinate_job_to_defer_v1[]); Type: FUNCTION; Schema: wikiembed_queue; Owner: -
--

CREATE FUNCTION wikiembed_queue.procrastinate_defer_jobs_v1(jobs wikiembed_queue.procrastinate_job_to_defer_v1[]) RETURNS bigint[]
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    job_ids bigint[];
BEGIN
    WITH inserted_jobs AS (
        INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at)
        SELECT (job).queue_name,
               (job).task_name,
               (job).priority,
               (job).lock,
               (job).queueing_lock,
               (job).args,
               (job).scheduled_at
        FROM unnest(jobs) AS job
        RETURNING id
    )
    SELECT array_agg(id) FROM inserted_jobs INTO job_ids;

    RETURN job_ids;
END;
$$;


--
-- Name: procrastinate_defer_periodic_job_v2(character varying, character varying, character varying, character varying, integer, character varying, bigint, jsonb); Type: FUNCTION; Schema: wikiembed_queue; Owner: -
--

CREATE FUNCTION wikiembed_queue.procrastinate_defer_periodic_job_v2(_queue_name character varying, _lock character varying, _queueing_lock character varying, _task_name character varying, _priority integer, _periodic_id character varying, _defer_timestamp bigint, _args jsonb) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
	_job_id bigint;
	_defer_id bigint;
BEGIN
    INSERT
        INTO procrastinate_periodic_defers (task_name, periodic_id, defer_timestamp)
        VALUES (_task_name, _periodic_id, _defer_timestamp)
        ON CONFLICT DO NOTHING
        RETURNING id into _defer_id;

    IF _defer_id IS NULL THEN
        RETURN NULL;
    END IF;

    UPDATE procrastinate_periodic_defers
        SET job_id = (
            SELECT COALESCE((
                SELECT unnest(procrastinate_defer_jobs_v1(
                    ARRAY[
                        ROW(
                            _queue_name,
                            _task_name,
                            _priority,
                            _lock,
                            _queueing_lock,
                            _args,
                            NULL::timestamptz
                        )
                    ]::procrastinate_job_to_defer_v1[]
                ))
            ), NULL)
        )
        WHERE id = _defer_id
        RETURNING job_id INTO _job_id;

    DELETE
        FROM procrastinate_periodic_defers
        USING (
            SELECT id
            FROM procrastinate_periodic_defers
            WHERE procrastinate_periodic_defers.task_name = _task_name
            AND procrastinate_periodic_defers.periodic_id = _periodic_id
            AND procrastinate_periodic_defers.defer_timestamp < _defer_timestamp
            ORDER BY id
            FOR UPDATE
        ) to_delete
        WHERE procrastinate_periodic_defers.id = to_delete.id;

    RETURN _job_id;
END;
$$;


--
-- Name: procrastinate_fetch_job_v2(character varying[], bigint); Type: FUNCTION; Schema: wikiembed_queue; Owner: -
--

CREATE FUNCTION wikiembed_queue.procrastinate_fetch_job_v2(target_queue_names character varying[], p_worker_id bigint) RETURNS wikiembed_queue.procrastinate_jobs
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
	found_jobs procrastinate_jobs;
BEGIN
    WITH candidate AS (
        SELECT jobs.*
            FROM procrastinate_jobs AS jobs
            WHERE
                -- reject the job if its lock has earlier or higher priority jobs
                NOT EXISTS (
                    SELECT 1
                        FROM procrastinate_jobs AS other_jobs
                        WHERE
                            jobs.lock IS NOT NULL
                            AND other_jobs.lock = jobs.lock
                            AND (
                                -- job with same lock is already running
                                other_jobs.status = 'doing'
                                OR
                                -- job with same lock is waiting and has higher priority (or same priority but was queued first)
                                (
                                    other_jobs.status = 'todo'
                                    AND (
                                        other_jobs.priority > jobs.priority
                                        OR (
                                        other_jobs.priority = jobs.priority
                                        AND other_jobs.id < jobs.id
                                        )
                                    )
                                )
                            )
                )
                AND jobs.status = 'todo'
                AND (target_queue_names IS NULL OR jobs.queue_name = ANY( target_queue_names ))
                AND (jobs.scheduled_at IS NULL OR jobs.scheduled_at <= now())
            ORDER BY jobs.priority DESC, jobs.id ASC LIMIT 1
            FOR UPDATE OF jobs SKIP LOCKED
    )
    UPDATE procrastinate_jobs
        SET status = 'doing', worker_id = p_worker_id
        FROM candidate
        WHERE procrastinate_jobs.id = candidate.id
        RETURNING procrastinate_jobs.* INTO found_jobs;

 RETURN found_jobs;
END;
$$;


--
-- Name: procrastinate_finish_job_v1(bigint, wikiembed_queue.procrastinate_job_status, boolean); Type: FUNCTION; Schema: wikiembed_queue; Owner: -
--

CREATE FUNCTION wikiembed_queue.procrastinate_finish_job_v1(job_id bigint, end_status wikiembed_queue.procrastinate_job_status, delete_job boolean) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    _job_id bigint;
BEGIN
    IF end_status NOT IN ('succeeded', 'failed', 'aborted') THEN
        RAISE 'End status should be either "succeeded", "failed" or "aborted" (job id: %)', job_id;
    END IF;
    IF delete_job THEN
        DELETE FROM procrastinate_jobs
        WHERE id = job_id AND status IN ('todo', 'doing')
        RETURNING id INTO _job_id;
    ELSE
        UPDATE procrastinate_jobs
        SET status = end_status,
            abort_requested = false,
            attempts = CASE status
                WHEN 'doing' THEN attempts + 1 ELSE attempts
            END
        WHERE id = job_id AND status IN ('todo', 'doing')
        RETURNING id INTO _job_id;
    END IF;
    IF _job_id IS NULL THEN
        RAISE 'Job was not found or not in "doing" or "todo" status (job id: %)', job_id;
    END IF;
END;
$$;


--
-- Name: procrastinate_notify_queue_abort_job_v1(); Type: FUNCTION; Schema: wikiembed_queue; Owner: -
--

CREATE FUNCTION wikiembed_queue.procrastinate_notify_queue_abort_job_v1() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    payload TEXT;
BEGIN
    SELECT json_build_object('type', 'abort_job_requested', 'job_id', NEW.id)::text INTO payload;
	PERFORM pg_notify('procrastinate_queue_v1#' || NEW.queue_name, payload);
	PERFORM pg_notify('procrastinate_any_queue_v1', payload);
	RETURN NEW;
END;
$$;


--
-- Name: procrastinate_notify_queue_job_inserted_v1(); Type: FUNCTION; Schema: wikiembed_queue; Owner: -
--

CREATE FUNCTION wikiembed_queue.procrastinate_notify_queue_job_inserted_v1() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    payload TEXT;
BEGIN
    SELECT json_build_object('type', 'job_inserted', 'job_id', NEW.id)::text INTO payload;
	PERFORM pg_notify('procrastinate_queue_v1#' || NEW.queue_name, payload);
	PERFORM pg_notify('procrastinate_any_queue_v1', payload);
	RETURN NEW;
END;
$$;


--
-- Name: procrastinate_prune_stalled_workers_v1(double precision); Type: FUNCTION; Schema: wikiembed_queue; Owner: -
--

CREATE FUNCTION wikiembed_queue.procrastinate_prune_stalled_workers_v1(seconds_since_heartbeat double precision) RETURNS TABLE(worker_id bigint)
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    RETURN QUERY
    DELETE FROM procrastinate_workers
    WHERE last_heartbeat < NOW() - (seconds_since_heartbeat || 'SECOND')::INTERVAL
    RETURNING procrastinate_workers.id;
END;
$$;


--
-- Name: procrastinate_register_worker_v1(); Type: FUNCTION; Schema: wikiembed_queue; Owner: -
--

CREATE FUNCTION wikiembed_queue.procrastinate_register_worker_v1() RETURNS TABLE(worker_id bigint)
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    RETURN QUERY
    INSERT INTO procrastinate_workers DEFAULT VALUES
    RETURNING procrastinate_workers.id;
END;
$$;


--
-- Name: procrastinate_retry_job_v1(bigint, timestamp with time zone, integer, character varying, character varying); Type: FUNCTION; Schema: wikiembed_queue; Owner: -
--

CREATE FUNCTION wikiembed_queue.procrastinate_retry_job_v1(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    _job_id bigint;
    _abort_requested boolean;
BEGIN
    SELECT abort_requested FROM procrastinate_jobs
    WHERE id = job_id AND status = 'doing'
    FOR UPDATE
    INTO _abort_requested;
    IF _abort_requested THEN
        UPDATE procrastinate_jobs
        SET status = 'failed'::procrastinate_job_status
        WHERE id = job_id AND status = 'doing'
        RETURNING id INTO _job_id;
    ELSE
        UPDATE procrastinate_jobs
        SET status = 'todo'::procrastinate_job_status,
            attempts = attempts + 1,
            scheduled_at = retry_at,
            priority = COALESCE(new_priority, priority),
            queue_name = COALESCE(new_queue_name, queue_name),
            lock = COALESCE(new_lock, lock)
        WHERE id = job_id AND status = 'doing'
        RETURNING id INTO _job_id;
    END IF;

    IF _job_id IS NULL THEN
        RAISE 'Job was not found or not in "doing" status (job id: %)', job_id;
    END IF;
END;
$$;


--
-- Name: procrastinate_retry_job_v2(bigint, timestamp with time zone, integer, character varying, character varying); Type: FUNCTION; Schema: wikiembed_queue; Owner: -
--

CREATE FUNCTION wikiembed_queue.procrastinate_retry_job_v2(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    _job_id bigint;
    _abort_requested boolean;
    _current_status procrastinate_job_status;
BEGIN
    SELECT status, abort_requested FROM procrastinate_jobs
    WHERE id = job_id AND status IN ('doing', 'failed')
    FOR UPDATE
    INTO _current_status, _abort_requested;
    IF _current_status = 'doing' AND _abort_requested THEN
        UPDATE procrastinate_jobs
        SET status = 'failed'::procrastinate_job_status
        WHERE id = job_id AND status = 'doing'
        RETURNING id INTO _job_id;
    ELSE
        UPDATE procrastinate_jobs
        SET status = 'todo'::procrastinate_job_status,
            attempts = attempts + 1,
            scheduled_at = retry_at,
            priority = COALESCE(new_priority, priority),
            queue_name = COALESCE(new_queue_name, queue_name),
            lock = COALESCE(new_lock, lock)
        WHERE id = job_id AND status IN ('doing', 'failed')
        RETURNING id INTO _job_id;
    END IF;

    IF _job_id IS NULL THEN
        RAISE 'Job was not found or has an invalid status to retry (job id: %)', job_id;
    END IF;

END;
$$;


--
-- Name: procrastinate_trigger_abort_requested_events_procedure_v1(); Type: FUNCTION; Schema: wikiembed_queue; Owner: -
--

CREATE FUNCTION wikiembed_queue.procrastinate_trigger_abort_requested_events_procedure_v1() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO procrastinate_events(job_id, type)
        VALUES (NEW.id, 'abort_requested'::procrastinate_job_event_type);
    RETURN NEW;
END;
$$;


--
-- Name: procrastinate_trigger_function_scheduled_events_v1(); Type: FUNCTION; Schema: wikiembed_queue; Owner: -
--

CREATE FUNCTION wikiembed_queue.procrastinate_trigger_function_scheduled_events_v1() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO procrastinate_events(job_id, type, at)
        VALUES (NEW.id, 'scheduled'::procrastinate_job_event_type, NEW.scheduled_at);

	RETURN NEW;
END;
$$;


--
-- Name: procrastinate_trigger_function_status_events_insert_v1(); Type: FUNCTION; Schema: wikiembed_queue; Owner: -
--

CREATE FUNCTION wikiembed_queue.procrastinate_trigger_function_status_events_insert_v1() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO procrastinate_events(job_id, type)
        VALUES (NEW.id, 'deferred'::procrastinate_job_event_type);
	RETURN NEW;
END;
$$;


--
-- Name: procrastinate_trigger_function_status_events_update_v1(); Type: FUNCTION; Schema: wikiembed_queue; Owner: -
--

CREATE FUNCTION wikiembed_queue.procrastinate_trigger_function_status_events_update_v1() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    WITH t AS (
        SELECT CASE
            WHEN OLD.status = 'todo'::procrastinate_job_status
                AND NEW.status = 'doing'::procrastinate_job_status
                THEN 'started'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'todo'::procrastinate_job_status
                THEN 'deferred_for_retry'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'failed'::procrastinate_job_status
                THEN 'failed'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'succeeded'::procrastinate_job_status
                THEN 'succeeded'::procrastinate_job_event_type
            WHEN OLD.status = 'todo'::procrastinate_job_status
                AND (
                    NEW.status = 'cancelled'::procrastinate_job_status
                    OR NEW.status = 'failed'::procrastinate_job_status
                    OR NEW.status = 'succeeded'::procrastinate_job_status
                )
                THEN 'cancelled'::procrastinate_job_event_type
            WHEN OLD.status = 'doing'::procrastinate_job_status
                AND NEW.status = 'aborted'::procrastinate_job_status
                THEN 'aborted'::procrastinate_job_event_type
            WHEN OLD.status = 'failed'::procrastinate_job_status
                AND NEW.status = 'todo'::procrastinate_job_status
                THEN 'retried'::procrastinate_job_event_type
            ELSE NULL
        END as event_type
    )
    INSERT INTO procrastinate_events(job_id, type)
        SELECT NEW.id, t.event_type
        FROM t
        WHERE t.event_type IS NOT NULL;
	RETURN NEW;
END;
$$;


--
-- Name: procrastinate_unlink_periodic_defers_v1(); Type: FUNCTION; Schema: wikiembed_queue; Owner: -
--

CREATE FUNCTION wikiembed_queue.procrastinate_unlink_periodic_defers_v1() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    UPDATE procrastinate_periodic_defers
    SET job_id = NULL
    WHERE job_id = OLD.id;
    RETURN OLD;
END;
$$;


--
-- Name: procrastinate_unregister_worker_v1(bigint); Type: FUNCTION; Schema: wikiembed_queue; Owner: -
--

CREATE FUNCTION wikiembed_queue.procrastinate_unregister_worker_v1(worker_id bigint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    DELETE FROM procrastinate_workers
    WHERE id = worker_id;
END;
$$;


--
-- Name: procrastinate_update_heartbeat_v1(bigint); Type: FUNCTION; Schema: wikiembed_queue; Owner: -
--

CREATE FUNCTION wikiembed_queue.procrastinate_update_heartbeat_v1(worker_id bigint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    UPDATE procrastinate_workers
    SET last_heartbeat = NOW()
    WHERE id = worker_id;
END;
$$;


--
-- Name: wiki_chunks; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.wiki_chunks (
    id bigint NOT NULL,
    page_id bigint NOT NULL,
    "position" integer NOT NULL,
    content text NOT NULL,
    embedding public.vector(4)
);


--
-- Name: TABLE wiki_chunks; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.wiki_chunks IS 'The chunks of the pages of wikiembed''s wiki; embedding null means to do.';


--
-- Name: COLUMN wiki_chunks.id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.wiki_chunks.id IS 'The chunk.';


--
-- Name: COLUMN wiki_chunks.page_id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.wiki_chunks.page_id IS 'Its page.';


--
-- Name: COLUMN wiki_chunks."position"; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.wiki_chunks."position" IS 'Its place in the page, from 0.';


--
-- Name: COLUMN wiki_chunks.content; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.wiki_chunks.content IS 'Its text, at most about 1,000 characters.';


--
-- Name: COLUMN wiki_chunks.embedding; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.wiki_chunks.embedding IS 'The vector of that text; written by workers.';


--
-- Name: wiki_chunks_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.wiki_chunks ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.wiki_chunks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: wiki_pages; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.wiki_pages (
    id bigint NOT NULL,
    title text NOT NULL,
    digest text NOT NULL,
    loaded_at timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: TABLE wiki_pages; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TABLE public.wiki_pages IS 'One row per page of wikiembed''s wiki; written by load_pages.';


--
-- Name: COLUMN wiki_pages.id; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.wiki_pages.id IS 'The page.';


--
-- Name: COLUMN wiki_pages.title; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.wiki_pages.title IS 'Its title.';


--
-- Name: COLUMN wiki_pages.digest; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.wiki_pages.digest IS 'SHA-256 of its chunks, by which an unchanged page is known.';


--
-- Name: COLUMN wiki_pages.loaded_at; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON COLUMN public.wiki_pages.loaded_at IS 'When it was loaded or changed last.';


--
-- Name: wiki_pages_id_seq; Type: SEQUENCE; Schema: public; Owner: -
--

ALTER TABLE public.wiki_pages ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.wiki_pages_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: action_log; Type: TABLE; Schema: wikiembed; Owner: -
--

CREATE TABLE wikiembed.action_log (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    who text NOT NULL,
    action text NOT NULL,
    source text,
    why text,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT action_is_known CHECK ((action = ANY (ARRAY['attach'::text, 'detach'::text, 'pause'::text, 'resume'::text, 'retry'::text, 'skip'::text, 'reconcile'::text, 'pin'::text])))
);


--
-- Name: TABLE action_log; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON TABLE wikiembed.action_log IS 'Who paused, resumed, retried, skipped, attached, detached, when and why; written by those functions.';


--
-- Name: COLUMN action_log.id; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.action_log.id IS 'Row number.';


--
-- Name: COLUMN action_log.at; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.action_log.at IS 'When it was done.';


--
-- Name: COLUMN action_log.who; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.action_log.who IS 'Session user, and the person whom the command named.';


--
-- Name: COLUMN action_log.action; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.action_log.action IS 'What was done.';


--
-- Name: COLUMN action_log.source; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.action_log.source IS 'The source.';


--
-- Name: COLUMN action_log.why; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.action_log.why IS 'The reason given.';


--
-- Name: COLUMN action_log.detail; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.action_log.detail IS 'Counts and options of the action.';


--
-- Name: action_log_id_seq; Type: SEQUENCE; Schema: wikiembed; Owner: -
--

ALTER TABLE wikiembed.action_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME wikiembed.action_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: alembic_version; Type: TABLE; Schema: wikiembed; Owner: -
--

CREATE TABLE wikiembed.alembic_version (
    version_num character varying(32) NOT NULL
);


--
-- Name: TABLE alembic_version; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON TABLE wikiembed.alembic_version IS 'The schema version; written by wikiembed migrate.';


--
-- Name: COLUMN alembic_version.version_num; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.alembic_version.version_num IS 'The last revision of migrations/versions that was run.';


--
-- Name: ledger; Type: TABLE; Schema: wikiembed; Owner: -
--

CREATE TABLE wikiembed.ledger (
    id bigint NOT NULL,
    source text NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    total bigint DEFAULT 0 NOT NULL,
    embedded bigint DEFAULT 0 NOT NULL,
    gained bigint DEFAULT 0 NOT NULL,
    failed bigint DEFAULT 0 NOT NULL,
    skipped bigint DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY wikiembed.ledger REPLICA IDENTITY FULL;


--
-- Name: TABLE ledger; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON TABLE wikiembed.ledger IS 'Deltas of each source''s counts, whose sums are the coverage; written by triggers and reconcile, folded to one row per minute, later per hour.';


--
-- Name: COLUMN ledger.id; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.ledger.id IS 'Row number.';


--
-- Name: COLUMN ledger.source; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.ledger.source IS 'The source.';


--
-- Name: COLUMN ledger.at; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.ledger.at IS 'When the statement ran, or the minute or hour it was folded to.';


--
-- Name: COLUMN ledger.total; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.ledger.total IS 'Change of the number of rows.';


--
-- Name: COLUMN ledger.embedded; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.ledger.embedded IS 'Change of the number of rows with a vector.';


--
-- Name: COLUMN ledger.gained; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.ledger.gained IS 'Rows whose vector was null and got set: the throughput.';


--
-- Name: COLUMN ledger.failed; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.ledger.failed IS 'Change of the number of failures in state failed.';


--
-- Name: COLUMN ledger.skipped; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.ledger.skipped IS 'Change of the number of failures in state skipped.';


--
-- Name: coverage; Type: VIEW; Schema: wikiembed; Owner: -
--

CREATE VIEW wikiembed.coverage AS
 SELECT s.name AS source,
    c.total,
    c.embedded,
    ((c.total - c.embedded) - c.skipped) AS missing,
    c.failed,
    c.skipped,
    (
        CASE
            WHEN (c.total > c.skipped) THEN GREATEST((0)::numeric, LEAST((100)::numeric, trunc(((100.0 * (c.embedded)::numeric) / ((c.total - c.skipped))::numeric), 2)))
            ELSE NULL::numeric
        END)::numeric(5,2) AS coverage_pct,
    round(c.chunks_per_s, 1) AS chunks_per_s,
        CASE
            WHEN (((((c.total - c.embedded) - c.skipped) - c.failed) - o.held_back) <= 0) THEN '00:00:00'::interval
            WHEN (c.chunks_per_s > (0)::numeric) THEN make_interval(secs => (round(((((((c.total - c.embedded) - c.skipped) - c.failed) - o.held_back))::numeric / c.chunks_per_s)))::double precision)
            ELSE NULL::interval
        END AS eta,
    h.paused,
        CASE
            WHEN h.paused THEN s.pause_reason
            ELSE NULL::text
        END AS pause_reason,
    ((((c.total - c.embedded) - c.skipped) = 0) AND (c.embedded > 0) AND (NOT wikiembed_private.has_waiting_document(s.name))) AS ready,
    o.held_back,
    ((c.total = 0) AND (s.model IS NULL) AND ((s.relation)::oid = (to_regclass('public.wiki_chunks'::text))::oid) AND (EXISTS ( SELECT
           FROM wikiembed.sources other
          WHERE ((other.relation)::oid <> (s.relation)::oid)))) AS unused
   FROM ((((wikiembed.sources s
     CROSS JOIN LATERAL wikiembed_private.sum_deltas(s.name) d(total, embedded))
     CROSS JOIN LATERAL ( SELECT ((COALESCE(sum(l.total), (0)::numeric))::bigint + d.total) AS total,
            ((COALESCE(sum(l.embedded), (0)::numeric))::bigint + d.embedded) AS embedded,
            (COALESCE(sum(l.failed), (0)::numeric))::bigint AS failed,
            (COALESCE(sum(l.skipped), (0)::numeric))::bigint AS skipped,
            COALESCE((sum(l.gained) FILTER (WHERE ((l.gained > 0) AND (l.at > (clock_timestamp() - '00:01:00'::interval)))) / GREATEST((1)::numeric, EXTRACT(epoch FROM (clock_timestamp() - min(l.at) FILTER (WHERE ((l.gained > 0) AND (l.at > (clock_timestamp() - '00:01:00'::interval)))))))), (0)::numeric) AS chunks_per_s
           FROM ONLY wikiembed.ledger l
          WHERE (l.source = s.name)) c)
     CROSS JOIN LATERAL ( SELECT wikiembed_private.is_paused(s.paused_at, s.resume_at) AS paused) h)
     CROSS JOIN LATERAL ( SELECT
                CASE
                    WHEN (s.held_back_at IS NULL) THEN (0)::bigint
                    ELSE GREATEST((0)::bigint, ((((c.total - c.embedded) - c.skipped) - c.failed) - ( SELECT COALESCE(sum(jsonb_array_length((j.args -> 'keys'::text))), (0)::bigint) AS "coalesce"
                       FROM wikiembed_queue.procrastinate_jobs j
                      WHERE (((j.queue_name)::text = s.queue_name) AND (j.status = ANY (ARRAY['todo'::wikiembed_queue.procrastinate_job_status, 'doing'::wikiembed_queue.procrastinate_job_status])) AND ((j.task_name)::text = 'wikiembed.embed'::text) AND (jsonb_typeof((j.args -> 'keys'::text)) = 'array'::text)))))
                END AS held_back) o);


--
-- Name: VIEW coverage; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON VIEW wikiembed.coverage IS 'One row per source: exact counts from the ledger; total = embedded + missing + skipped.';


--
-- Name: COLUMN coverage.source; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.coverage.source IS 'The source.';


--
-- Name: COLUMN coverage.total; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.coverage.total IS 'Rows of the table.';


--
-- Name: COLUMN coverage.embedded; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.coverage.embedded IS 'Rows with a vector.';


--
-- Name: COLUMN coverage.missing; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.coverage.missing IS 'Rows that still lack a vector, including failed ones.';


--
-- Name: COLUMN coverage.failed; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.coverage.failed IS 'Missing rows that are in failures.';


--
-- Name: COLUMN coverage.skipped; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.coverage.skipped IS 'Rows that are skipped: they do not count as missing.';


--
-- Name: COLUMN coverage.coverage_pct; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.coverage.coverage_pct IS 'embedded ÷ (total − skipped), in percent, cut to two digits; null when there is nothing to embed.';


--
-- Name: COLUMN coverage.chunks_per_s; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.coverage.chunks_per_s IS 'Vectors stored per second over the last minute.';


--
-- Name: COLUMN coverage.eta; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.coverage.eta IS 'Time left at that rate for the rows that are not held back; null when the rate is 0.';


--
-- Name: COLUMN coverage.paused; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.coverage.paused IS 'True while the source is paused.';


--
-- Name: COLUMN coverage.pause_reason; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.coverage.pause_reason IS 'Why it is paused.';


--
-- Name: COLUMN coverage.ready; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.coverage.ready IS 'True when some row is embedded, none is missing and no document waits to be split; is_ready() reads the table itself.';


--
-- Name: COLUMN coverage.held_back; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.coverage.held_back IS 'Missing rows in no job and no failure that wait for enqueue, where sources.held_back_at is set; fewer while a row is queued twice.';


--
-- Name: COLUMN coverage.unused; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.coverage.unused IS 'True for the built-in source of wiki_chunks that is empty and has no model yet, when other tables are attached: is_ready() and `wikiembed ready` over all sources leave it out.';


--
-- Name: document_failures; Type: TABLE; Schema: wikiembed; Owner: -
--

CREATE TABLE wikiembed.document_failures (
    source text NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    error_class text NOT NULL,
    message text DEFAULT ''::text NOT NULL,
    attempts integer DEFAULT 1 NOT NULL,
    first_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    last_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    job_id bigint
);


--
-- Name: TABLE document_failures; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON TABLE wikiembed.document_failures IS 'Documents that cannot be split; written by workers, deleted when the document changes or is split.';


--
-- Name: COLUMN document_failures.source; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.document_failures.source IS 'The source.';


--
-- Name: COLUMN document_failures.key; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.document_failures.key IS 'Key of the document, as text.';


--
-- Name: COLUMN document_failures.error_class; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.document_failures.error_class IS 'Why, as in failures.';


--
-- Name: COLUMN document_failures.message; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.document_failures.message IS 'What went wrong, in a sentence; never the text.';


--
-- Name: COLUMN document_failures.attempts; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.document_failures.attempts IS 'How often it failed.';


--
-- Name: COLUMN document_failures.first_at; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.document_failures.first_at IS 'When it failed first.';


--
-- Name: COLUMN document_failures.last_at; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.document_failures.last_at IS 'When it failed last.';


--
-- Name: COLUMN document_failures.job_id; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.document_failures.job_id IS 'The job in which it failed last.';


--
-- Name: document_sources; Type: TABLE; Schema: wikiembed; Owner: -
--

CREATE TABLE wikiembed.document_sources (
    source text NOT NULL,
    relation regclass NOT NULL,
    key_columns name[] NOT NULL,
    key_types text[] NOT NULL,
    key_attnums smallint[] NOT NULL,
    text_columns name[] NOT NULL,
    text_paths jsonb NOT NULL,
    text_attnums smallint[] NOT NULL,
    title_column name,
    title_attnum smallint,
    splitter text NOT NULL,
    max_chars integer NOT NULL,
    overlap_chars integer NOT NULL,
    context text NOT NULL,
    generation bigint DEFAULT 1 NOT NULL,
    trigger_version integer DEFAULT 0 NOT NULL,
    written_as text DEFAULT ''::text NOT NULL,
    CONSTRAINT a_title_has_a_number CHECK (((title_column IS NULL) = (title_attnum IS NULL))),
    CONSTRAINT context_is_known CHECK ((context = ANY (ARRAY['none'::text, 'title'::text, 'heading'::text, 'title_heading'::text]))),
    CONSTRAINT max_chars_is_sane CHECK (((max_chars >= 32) AND (max_chars <= 1000000))),
    CONSTRAINT overlap_is_at_most_a_quarter CHECK (((overlap_chars >= 0) AND (overlap_chars <= (max_chars / 4)))),
    CONSTRAINT splitter_is_known CHECK ((splitter = ANY (ARRAY['text'::text, 'markdown'::text, 'html'::text])))
);


--
-- Name: TABLE document_sources; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON TABLE wikiembed.document_sources IS 'One row per source whose chunks are split from documents; written by attach_documents.';


--
-- Name: COLUMN document_sources.source; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.document_sources.source IS 'The source of the chunks.';


--
-- Name: COLUMN document_sources.relation; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.document_sources.relation IS 'The table of documents.';


--
-- Name: COLUMN document_sources.key_columns; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.document_sources.key_columns IS 'The columns that identify a document together.';


--
-- Name: COLUMN document_sources.key_types; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.document_sources.key_types IS 'Type of each column of the key.';


--
-- Name: COLUMN document_sources.key_attnums; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.document_sources.key_attnums IS 'Column number of each column of the key.';


--
-- Name: COLUMN document_sources.text_columns; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.document_sources.text_columns IS 'The columns whose text is split, joined by a blank line.';


--
-- Name: COLUMN document_sources.text_paths; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.document_sources.text_paths IS 'For each column of the text the path of a JSON field; null: the column itself.';


--
-- Name: COLUMN document_sources.text_attnums; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.document_sources.text_attnums IS 'Column number of each column of the text.';


--
-- Name: COLUMN document_sources.title_column; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.document_sources.title_column IS 'The column of the title; null: none.';


--
-- Name: COLUMN document_sources.title_attnum; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.document_sources.title_attnum IS 'Column number of the title.';


--
-- Name: COLUMN document_sources.splitter; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.document_sources.splitter IS 'text, markdown or html.';


--
-- Name: COLUMN document_sources.max_chars; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.document_sources.max_chars IS 'Most characters of a chunk, without its context.';


--
-- Name: COLUMN document_sources.overlap_chars; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.document_sources.overlap_chars IS 'Characters that a chunk repeats of the one before.';


--
-- Name: COLUMN document_sources.context; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.document_sources.context IS 'What precedes a chunk when it is embedded: none, title, heading or title_heading.';


--
-- Name: COLUMN document_sources.generation; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.document_sources.generation IS 'Seed of the hash of documents; grows with every change of the options.';


--
-- Name: COLUMN document_sources.trigger_version; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.document_sources.trigger_version IS 'Digest of the functions that generated its triggers.';


--
-- Name: COLUMN document_sources.written_as; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.document_sources.written_as IS 'The names that the generated functions use.';


--
-- Name: documents; Type: VIEW; Schema: wikiembed; Owner: -
--

CREATE VIEW wikiembed.documents AS
 SELECT d.source,
    wikiembed_private.qualified(d.relation) AS relation,
    c.total,
    c.split,
    ((c.total - c.split) - f.failed) AS waiting,
    f.failed,
    c.chunks
   FROM ((wikiembed.document_sources d
     CROSS JOIN LATERAL wikiembed_private.count_documents(d.source) c(total, split, chunks))
     CROSS JOIN LATERAL ( SELECT count(*) AS failed
           FROM wikiembed.document_failures f_1
          WHERE (f_1.source = d.source)) f);


--
-- Name: VIEW documents; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON VIEW wikiembed.documents IS 'One row per source of documents; reads its table of states, about 0.1 s per million documents.';


--
-- Name: COLUMN documents.source; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.documents.source IS 'The source.';


--
-- Name: COLUMN documents.relation; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.documents.relation IS 'The document table; null when it was dropped.';


--
-- Name: COLUMN documents.total; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.documents.total IS 'Documents.';


--
-- Name: COLUMN documents.split; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.documents.split IS 'Documents whose chunks are those of their present text.';


--
-- Name: COLUMN documents.waiting; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.documents.waiting IS 'Documents that wait to be split, queued or not.';


--
-- Name: COLUMN documents.failed; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.documents.failed IS 'Documents that cannot be split, in document_failures.';


--
-- Name: COLUMN documents.chunks; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.documents.chunks IS 'Chunks of the documents that are split.';


--
-- Name: ended_failures; Type: TABLE; Schema: wikiembed_private; Owner: -
--

CREATE TABLE wikiembed_private.ended_failures (
    id bigint NOT NULL,
    source text NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    error_class text NOT NULL,
    http_status integer,
    message text NOT NULL,
    attempts integer NOT NULL,
    first_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    how text NOT NULL,
    CONSTRAINT how_is_known CHECK ((how = ANY (ARRAY['retried'::text, 'cured'::text, 'changed'::text, 'deleted'::text, 'skipped'::text])))
);


--
-- Name: TABLE ended_failures; Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON TABLE wikiembed_private.ended_failures IS 'Failures that ended, and how; written by end_failures and skip, read through wikiembed.failure_history, pruned by prune_failure_history.';


--
-- Name: COLUMN ended_failures.id; Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON COLUMN wikiembed_private.ended_failures.id IS 'Ascending number.';


--
-- Name: COLUMN ended_failures.source; Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON COLUMN wikiembed_private.ended_failures.source IS 'The source.';


--
-- Name: COLUMN ended_failures.key; Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON COLUMN wikiembed_private.ended_failures.key IS 'The chunk''s key, as text.';


--
-- Name: COLUMN ended_failures.error_class; Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON COLUMN wikiembed_private.ended_failures.error_class IS 'Stable name of the kind of failure, as in docs/reference.';


--
-- Name: COLUMN ended_failures.http_status; Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON COLUMN wikiembed_private.ended_failures.http_status IS 'Status of the embedding server''s last response, where there was one.';


--
-- Name: COLUMN ended_failures.message; Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON COLUMN wikiembed_private.ended_failures.message IS 'One sentence; never the chunk''s text.';


--
-- Name: COLUMN ended_failures.attempts; Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON COLUMN wikiembed_private.ended_failures.attempts IS 'Attempts to embed this chunk alone.';


--
-- Name: COLUMN ended_failures.first_at; Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON COLUMN wikiembed_private.ended_failures.first_at IS 'When it failed first.';


--
-- Name: COLUMN ended_failures.last_at; Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON COLUMN wikiembed_private.ended_failures.last_at IS 'When it failed last.';


--
-- Name: COLUMN ended_failures.ended_at; Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON COLUMN wikiembed_private.ended_failures.ended_at IS 'When the failure ended.';


--
-- Name: COLUMN ended_failures.how; Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON COLUMN wikiembed_private.ended_failures.how IS 'retried (requeued by an operator), cured (it got its vector), changed (its text or its key), deleted (its row), or skipped (by an operator).';


--
-- Name: failure_history; Type: VIEW; Schema: wikiembed; Owner: -
--

CREATE VIEW wikiembed.failure_history AS
 SELECT source,
    key,
    error_class,
    http_status,
    message,
    attempts,
    first_at,
    last_at,
    ended_at,
    how
   FROM wikiembed_private.ended_failures e;


--
-- Name: VIEW failure_history; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON VIEW wikiembed.failure_history IS 'Failures that ended: retried, cured, changed, deleted or skipped; kept for 90 days, and the latest 50,000 of a source. Open ones are in wikiembed.failures.';


--
-- Name: COLUMN failure_history.source; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.failure_history.source IS 'The source.';


--
-- Name: COLUMN failure_history.key; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.failure_history.key IS 'The chunk''s key, as text.';


--
-- Name: COLUMN failure_history.error_class; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.failure_history.error_class IS 'Stable name of the kind of failure, as in docs/reference.';


--
-- Name: COLUMN failure_history.http_status; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.failure_history.http_status IS 'Status of the embedding server''s last response, where there was one.';


--
-- Name: COLUMN failure_history.message; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.failure_history.message IS 'One sentence; never the chunk''s text.';


--
-- Name: COLUMN failure_history.attempts; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.failure_history.attempts IS 'Attempts to embed this chunk alone.';


--
-- Name: COLUMN failure_history.first_at; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.failure_history.first_at IS 'When it failed first.';


--
-- Name: COLUMN failure_history.last_at; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.failure_history.last_at IS 'When it failed last.';


--
-- Name: COLUMN failure_history.ended_at; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.failure_history.ended_at IS 'When the failure ended.';


--
-- Name: COLUMN failure_history.how; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.failure_history.how IS 'retried (requeued by an operator), cured (it got its vector), changed (its text or its key), deleted (its row), or skipped (by an operator).';


--
-- Name: ledger_id_seq; Type: SEQUENCE; Schema: wikiembed; Owner: -
--

ALTER TABLE wikiembed.ledger ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME wikiembed.ledger_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: outages; Type: TABLE; Schema: wikiembed; Owner: -
--

CREATE TABLE wikiembed.outages (
    id bigint NOT NULL,
    server text NOT NULL,
    since timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    error_class text NOT NULL,
    http_status integer,
    reason text DEFAULT ''::text NOT NULL,
    times integer DEFAULT 1 NOT NULL
);


--
-- Name: TABLE outages; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON TABLE wikiembed.outages IS 'When an embedding server was out of reach and why, one row per outage, for 30 days; written by report_outage and end_outage.';


--
-- Name: COLUMN outages.id; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.outages.id IS 'Row number.';


--
-- Name: COLUMN outages.server; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.outages.server IS 'The server''s URL, without user, password and query.';


--
-- Name: COLUMN outages.since; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.outages.since IS 'When a worker noticed it first.';


--
-- Name: COLUMN outages.last_seen_at; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.outages.last_seen_at IS 'When a worker noticed it last; older than 90 s: no worker sends requests to the server any more.';


--
-- Name: COLUMN outages.ended_at; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.outages.ended_at IS 'When a worker got a response again; null while it lasts. No worker sent a request between last_seen_at and then.';


--
-- Name: COLUMN outages.error_class; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.outages.error_class IS 'Error class of the last error: throttled (429), or a class of docs/reference/failures.md.';


--
-- Name: COLUMN outages.http_status; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.outages.http_status IS 'Status of the server''s last response, where there was one.';


--
-- Name: COLUMN outages.reason; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.outages.reason IS 'The last error, in one sentence of at most 300 characters; never a chunk''s text.';


--
-- Name: COLUMN outages.times; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.outages.times IS 'Interruptions in it: ends that lasted less than 60 s do not make a new row.';


--
-- Name: outages_id_seq; Type: SEQUENCE; Schema: wikiembed; Owner: -
--

ALTER TABLE wikiembed.outages ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME wikiembed.outages_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: queue; Type: VIEW; Schema: wikiembed; Owner: -
--

CREATE VIEW wikiembed.queue AS
 SELECT s.name AS source,
    j.todo,
    j.doing,
    j.oldest_todo_s,
    j.scheduled_later
   FROM (wikiembed.sources s
     CROSS JOIN LATERAL wikiembed_private.count_jobs(s.queue_name) j(todo, doing, oldest_todo_s, scheduled_later));


--
-- Name: VIEW queue; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON VIEW wikiembed.queue IS 'One row per source: its jobs that wait, run, or are scheduled later.';


--
-- Name: COLUMN queue.source; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.queue.source IS 'The source.';


--
-- Name: COLUMN queue.todo; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.queue.todo IS 'Jobs that could begin now.';


--
-- Name: COLUMN queue.doing; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.queue.doing IS 'Jobs that a worker is processing.';


--
-- Name: COLUMN queue.oldest_todo_s; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.queue.oldest_todo_s IS 'Seconds since the oldest job that could begin was queued.';


--
-- Name: COLUMN queue.scheduled_later; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.queue.scheduled_later IS 'Jobs that wait for a later time.';


--
-- Name: replaced_tables; Type: VIEW; Schema: wikiembed; Owner: -
--

CREATE VIEW wikiembed.replaced_tables AS
 SELECT s.name AS source,
    s.attached_as AS name,
        CASE
            WHEN (c.oid IS NOT NULL) THEN format('%I.%I'::text, n.nspname, c.relname)
            ELSE NULL::text
        END AS attached_to
   FROM ((wikiembed.sources s
     LEFT JOIN pg_class c ON ((c.oid = (s.relation)::oid)))
     LEFT JOIN pg_namespace n ON ((n.oid = c.relnamespace)))
  WHERE (EXISTS ( SELECT
           FROM (pg_class other
             JOIN pg_namespace m ON ((m.oid = other.relnamespace)))
          WHERE ((m.nspname = ((parse_ident(s.attached_as))[1])::name) AND (other.relname = ((parse_ident(s.attached_as))[2])::name) AND (other.oid <> (s.relation)::oid) AND (other.relkind = ANY (ARRAY['r'::"char", 'p'::"char", 'v'::"char", 'm'::"char", 'f'::"char"])))));


--
-- Name: VIEW replaced_tables; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON VIEW wikiembed.replaced_tables IS 'Sources whose table''s name at attach is another table''s now, after a swap by rename or after the table was created again.';


--
-- Name: COLUMN replaced_tables.source; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.replaced_tables.source IS 'The source.';


--
-- Name: COLUMN replaced_tables.name; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.replaced_tables.name IS 'The name that the table had at attach, and another one has now.';


--
-- Name: COLUMN replaced_tables.attached_to; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.replaced_tables.attached_to IS 'The name of the table that the source is still attached to; null when it was dropped.';


--
-- Name: schema_digest; Type: TABLE; Schema: wikiembed; Owner: -
--

CREATE TABLE wikiembed.schema_digest (
    only_row boolean DEFAULT true NOT NULL,
    digest text NOT NULL,
    package_version text NOT NULL,
    migrated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT schema_digest_only_row_check CHECK (only_row)
);


--
-- Name: TABLE schema_digest; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON TABLE wikiembed.schema_digest IS 'The sources of the functions, views and triggers; one row, written by wikiembed migrate.';


--
-- Name: COLUMN schema_digest.only_row; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.schema_digest.only_row IS 'Always true: there is one row.';


--
-- Name: COLUMN schema_digest.digest; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.schema_digest.digest IS 'SHA-256, its first 16 characters, of the files of migrations/current; workers compare it with their own.';


--
-- Name: COLUMN schema_digest.package_version; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.schema_digest.package_version IS 'Version of the package wikiembed that wrote it.';


--
-- Name: COLUMN schema_digest.migrated_at; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.schema_digest.migrated_at IS 'When wikiembed migrate wrote it.';


--
-- Name: throughput; Type: VIEW; Schema: wikiembed; Owner: -
--

CREATE VIEW wikiembed.throughput AS
 SELECT source,
    date_trunc('minute'::text, at) AS minute,
    (sum(gained))::bigint AS chunks
   FROM ONLY wikiembed.ledger l
  WHERE (gained > 0)
  GROUP BY source, (date_trunc('minute'::text, at));


--
-- Name: VIEW throughput; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON VIEW wikiembed.throughput IS 'Chunks embedded per minute, per hour after a day: the history of the ledger.';


--
-- Name: COLUMN throughput.source; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.throughput.source IS 'The source.';


--
-- Name: COLUMN throughput.minute; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.throughput.minute IS 'Begin of the minute (of the hour, when older than a day).';


--
-- Name: COLUMN throughput.chunks; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.throughput.chunks IS 'Vectors stored in it.';


--
-- Name: truncation_checks; Type: TABLE; Schema: wikiembed; Owner: -
--

CREATE TABLE wikiembed.truncation_checks (
    source text NOT NULL,
    server text NOT NULL,
    model text NOT NULL,
    outcome text NOT NULL,
    from_chars integer,
    checked_chars integer NOT NULL,
    checked_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    used_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT outcome_is_known CHECK ((outcome = ANY (ARRAY['silent'::text, 'refused'::text, 'whole'::text, 'unanswered'::text]))),
    CONSTRAINT silent_has_number CHECK (((outcome = 'silent'::text) = (from_chars IS NOT NULL)))
);


--
-- Name: TABLE truncation_checks; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON TABLE wikiembed.truncation_checks IS 'Whether an embedding server cuts long texts silently, one row per source, server and model; written by record_truncation_check.';


--
-- Name: COLUMN truncation_checks.source; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.truncation_checks.source IS 'The source that is embedded there.';


--
-- Name: COLUMN truncation_checks.server; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.truncation_checks.server IS 'The server''s URL, without user, password and query.';


--
-- Name: COLUMN truncation_checks.model; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.truncation_checks.model IS 'The model, as the source has it.';


--
-- Name: COLUMN truncation_checks.outcome; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.truncation_checks.outcome IS 'silent (two texts that differ at the end have the same vector), refused (the server refuses long texts), whole (they differ), or unanswered (no answer in time: checked again after a day).';


--
-- Name: COLUMN truncation_checks.from_chars; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.truncation_checks.from_chars IS 'Characters of English text from which on a text is cut; null unless silent.';


--
-- Name: COLUMN truncation_checks.checked_chars; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.truncation_checks.checked_chars IS 'Characters of the longest text that was tried.';


--
-- Name: COLUMN truncation_checks.checked_at; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.truncation_checks.checked_at IS 'When it was checked.';


--
-- Name: COLUMN truncation_checks.used_at; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.truncation_checks.used_at IS 'When a worker began to embed the source there; of several rows of a source the latest counts.';


--
-- Name: truncation; Type: VIEW; Schema: wikiembed; Owner: -
--

CREATE VIEW wikiembed.truncation AS
 SELECT s.name AS source,
    COALESCE(t.truncated, (0)::bigint) AS truncated,
    c.server,
    c.outcome,
    c.from_chars,
    c.checked_chars,
    c.checked_at
   FROM ((wikiembed.sources s
     LEFT JOIN ( SELECT t_1.source,
            count(*) AS truncated
           FROM wikiembed.truncated_chunks t_1
          GROUP BY t_1.source) t ON ((t.source = s.name)))
     LEFT JOIN LATERAL ( SELECT c_1.server,
            c_1.outcome,
            c_1.from_chars,
            c_1.checked_chars,
            c_1.checked_at
           FROM wikiembed.truncation_checks c_1
          WHERE ((c_1.source = s.name) AND ((s.model IS NULL) OR (c_1.model = s.model)))
          ORDER BY c_1.used_at DESC
         LIMIT 1) c ON (true));


--
-- Name: VIEW truncation; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON VIEW wikiembed.truncation IS 'Per source, how many chunks are embedded by their beginning only, and whether its server cuts long texts silently.';


--
-- Name: COLUMN truncation.source; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.truncation.source IS 'The source.';


--
-- Name: COLUMN truncation.truncated; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.truncation.truncated IS 'Chunks in wikiembed.truncated_chunks; texts that a server cut silently are not included.';


--
-- Name: COLUMN truncation.server; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.truncation.server IS 'The server that was used last; null before the first check.';


--
-- Name: COLUMN truncation.outcome; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.truncation.outcome IS 'Result of the check of that server: silent, refused, whole or unanswered; null before the first check.';


--
-- Name: COLUMN truncation.from_chars; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.truncation.from_chars IS 'Characters of English text from which on it cuts silently; null unless outcome is silent.';


--
-- Name: COLUMN truncation.checked_chars; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.truncation.checked_chars IS 'Characters of the longest text that was tried.';


--
-- Name: COLUMN truncation.checked_at; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.truncation.checked_at IS 'When it was checked.';


--
-- Name: worker_processes; Type: TABLE; Schema: wikiembed; Owner: -
--

CREATE TABLE wikiembed.worker_processes (
    worker_id bigint NOT NULL,
    process_id uuid NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    version text NOT NULL,
    model text,
    started_at timestamp with time zone NOT NULL,
    CONSTRAINT worker_processes_host_check CHECK ((char_length(host) <= 255)),
    CONSTRAINT worker_processes_model_check CHECK ((char_length(model) <= 500)),
    CONSTRAINT worker_processes_pid_check CHECK ((pid > 0)),
    CONSTRAINT worker_processes_version_check CHECK ((char_length(version) <= 100))
);


--
-- Name: TABLE worker_processes; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON TABLE wikiembed.worker_processes IS 'The process of each registration of procrastinate''s; written by register_worker, read through view workers.';


--
-- Name: COLUMN worker_processes.worker_id; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.worker_processes.worker_id IS 'procrastinate''s number of the registration.';


--
-- Name: COLUMN worker_processes.process_id; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.worker_processes.process_id IS 'The same for all registrations of one process, which generates it.';


--
-- Name: COLUMN worker_processes.host; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.worker_processes.host IS 'Name of its machine or container.';


--
-- Name: COLUMN worker_processes.pid; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.worker_processes.pid IS 'Its process number there.';


--
-- Name: COLUMN worker_processes.version; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.worker_processes.version IS 'Its version of wikiembed.';


--
-- Name: COLUMN worker_processes.model; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.worker_processes.model IS 'Embedder and model of its settings, such as "ollama nomic-embed-text"; a source that has its own uses that.';


--
-- Name: COLUMN worker_processes.started_at; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.worker_processes.started_at IS 'When it started, by its own clock.';


--
-- Name: procrastinate_workers; Type: TABLE; Schema: wikiembed_queue; Owner: -
--

CREATE TABLE wikiembed_queue.procrastinate_workers (
    id bigint NOT NULL,
    last_heartbeat timestamp with time zone DEFAULT now() NOT NULL
);


--
-- Name: workers; Type: VIEW; Schema: wikiembed; Owner: -
--

CREATE VIEW wikiembed.workers AS
 WITH registered AS (
         SELECT w.id,
            w.last_heartbeat,
            p.host,
            p.pid,
            p.version,
            p.model,
            p.started_at,
            COALESCE((p.process_id)::text, (w.id)::text) AS process,
            ( SELECT count(*) AS count
                   FROM wikiembed_queue.procrastinate_jobs j
                  WHERE ((j.worker_id = w.id) AND (j.status = 'doing'::wikiembed_queue.procrastinate_job_status))) AS doing
           FROM (wikiembed_queue.procrastinate_workers w
             LEFT JOIN wikiembed.worker_processes p ON ((p.worker_id = w.id)))
        )
 SELECT max(id) AS worker_id,
    max(last_heartbeat) AS last_heartbeat,
    round(EXTRACT(epoch FROM (clock_timestamp() - max(last_heartbeat))), 1) AS heartbeat_age_s,
    (max(last_heartbeat) > (clock_timestamp() - '00:00:30'::interval)) AS alive,
    (sum(doing))::bigint AS doing,
    array_agg(id ORDER BY id) AS worker_ids,
    max(host) AS host,
    max(pid) AS pid,
    max(version) AS version,
    max(model) AS model,
    max(started_at) AS started_at
   FROM registered r
  GROUP BY process;


--
-- Name: VIEW workers; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON VIEW wikiembed.workers IS 'One row per worker process and its heartbeat.';


--
-- Name: COLUMN workers.worker_id; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.workers.worker_id IS 'procrastinate''s number of its latest registration; a process has several, see worker_ids.';


--
-- Name: COLUMN workers.last_heartbeat; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.workers.last_heartbeat IS 'Its latest heartbeat (each 10 s).';


--
-- Name: COLUMN workers.heartbeat_age_s; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.workers.heartbeat_age_s IS 'Seconds since then.';


--
-- Name: COLUMN workers.alive; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.workers.alive IS 'True when that is less than 30 s ago.';


--
-- Name: COLUMN workers.doing; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.workers.doing IS 'Jobs that it is processing, of all its registrations.';


--
-- Name: COLUMN workers.worker_ids; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.workers.worker_ids IS 'procrastinate''s numbers of its registrations: one per slot (embed, upkeep), and those of before a loss of Postgres.';


--
-- Name: COLUMN workers.host; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.workers.host IS 'Name of its machine or container; null when the process did not register it.';


--
-- Name: COLUMN workers.pid; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.workers.pid IS 'Its process number there; null when the process did not register it.';


--
-- Name: COLUMN workers.version; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.workers.version IS 'Its version of wikiembed; null when the process did not register it.';


--
-- Name: COLUMN workers.model; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.workers.model IS 'Embedder and model of its settings; a source that has its own uses that. Null when the process did not register it.';


--
-- Name: COLUMN workers.started_at; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON COLUMN wikiembed.workers.started_at IS 'When it started, by its own clock; null when the process did not register it.';


--
-- Name: clock; Type: SEQUENCE; Schema: wikiembed_private; Owner: -
--

CREATE SEQUENCE wikiembed_private.clock
    START WITH 0
    INCREMENT BY 1
    MINVALUE 0
    NO MAXVALUE
    CACHE 1;


--
-- Name: SEQUENCE clock; Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON SEQUENCE wikiembed_private.clock IS 'Milliseconds of the last notification for queues without a clock of their own.';


--
-- Name: clock_embed_wiki; Type: SEQUENCE; Schema: wikiembed_private; Owner: -
--

CREATE SEQUENCE wikiembed_private.clock_embed_wiki
    START WITH 0
    INCREMENT BY 1
    MINVALUE 0
    NO MAXVALUE
    CACHE 1;


--
-- Name: SEQUENCE clock_embed_wiki; Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON SEQUENCE wikiembed_private.clock_embed_wiki IS 'Milliseconds of the last notification for source wiki.';


--
-- Name: deltas_wiki; Type: TABLE; Schema: wikiembed_private; Owner: -
--

CREATE TABLE wikiembed_private.deltas_wiki (
    total bigint DEFAULT 0,
    embedded bigint DEFAULT 0,
    at timestamp with time zone DEFAULT clock_timestamp(),
    id bigint DEFAULT nextval('wikiembed.ledger_id_seq'::regclass),
    gained bigint DEFAULT 0,
    failed bigint DEFAULT 0,
    skipped bigint DEFAULT 0,
    source text DEFAULT 'wiki'::text
)
INHERITS (wikiembed.ledger);

ALTER TABLE ONLY wikiembed_private.deltas_wiki REPLICA IDENTITY FULL;


--
-- Name: TABLE deltas_wiki; Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON TABLE wikiembed_private.deltas_wiki IS 'Rows of the ledger of source wiki from inserts and deletes, not folded yet; written by its triggers.';


--
-- Name: COLUMN deltas_wiki.total; Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON COLUMN wikiembed_private.deltas_wiki.total IS 'Change of the number of rows.';


--
-- Name: COLUMN deltas_wiki.embedded; Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON COLUMN wikiembed_private.deltas_wiki.embedded IS 'Change of the number of rows with a vector.';


--
-- Name: COLUMN deltas_wiki.at; Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON COLUMN wikiembed_private.deltas_wiki.at IS 'When the statement ran, or the minute or hour it was folded to.';


--
-- Name: COLUMN deltas_wiki.id; Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON COLUMN wikiembed_private.deltas_wiki.id IS 'Row number.';


--
-- Name: COLUMN deltas_wiki.gained; Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON COLUMN wikiembed_private.deltas_wiki.gained IS 'Rows whose vector was null and got set: the throughput.';


--
-- Name: COLUMN deltas_wiki.failed; Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON COLUMN wikiembed_private.deltas_wiki.failed IS 'Change of the number of failures in state failed.';


--
-- Name: COLUMN deltas_wiki.skipped; Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON COLUMN wikiembed_private.deltas_wiki.skipped IS 'Change of the number of failures in state skipped.';


--
-- Name: COLUMN deltas_wiki.source; Type: COMMENT; Schema: wikiembed_private; Owner: -
--

COMMENT ON COLUMN wikiembed_private.deltas_wiki.source IS 'The source.';


--
-- Name: ended_failures_id_seq; Type: SEQUENCE; Schema: wikiembed_private; Owner: -
--

ALTER TABLE wikiembed_private.ended_failures ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME wikiembed_private.ended_failures_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: procrastinate_events; Type: TABLE; Schema: wikiembed_queue; Owner: -
--

CREATE TABLE wikiembed_queue.procrastinate_events (
    id bigint NOT NULL,
    job_id bigint NOT NULL,
    type wikiembed_queue.procrastinate_job_event_type,
    at timestamp with time zone DEFAULT now()
);


--
-- Name: procrastinate_events_id_seq; Type: SEQUENCE; Schema: wikiembed_queue; Owner: -
--

CREATE SEQUENCE wikiembed_queue.procrastinate_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: procrastinate_events_id_seq; Type: SEQUENCE OWNED BY; Schema: wikiembed_queue; Owner: -
--

ALTER SEQUENCE wikiembed_queue.procrastinate_events_id_seq OWNED BY wikiembed_queue.procrastinate_events.id;


--
-- Name: procrastinate_jobs_id_seq; Type: SEQUENCE; Schema: wikiembed_queue; Owner: -
--

CREATE SEQUENCE wikiembed_queue.procrastinate_jobs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: procrastinate_jobs_id_seq; Type: SEQUENCE OWNED BY; Schema: wikiembed_queue; Owner: -
--

ALTER SEQUENCE wikiembed_queue.procrastinate_jobs_id_seq OWNED BY wikiembed_queue.procrastinate_jobs.id;


--
-- Name: procrastinate_periodic_defers; Type: TABLE; Schema: wikiembed_queue; Owner: -
--

CREATE TABLE wikiembed_queue.procrastinate_periodic_defers (
    id bigint NOT NULL,
    task_name character varying(128) NOT NULL,
    defer_timestamp bigint,
    job_id bigint,
    periodic_id character varying(128) DEFAULT ''::character varying NOT NULL
);


--
-- Name: procrastinate_periodic_defers_id_seq; Type: SEQUENCE; Schema: wikiembed_queue; Owner: -
--

CREATE SEQUENCE wikiembed_queue.procrastinate_periodic_defers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


--
-- Name: procrastinate_periodic_defers_id_seq; Type: SEQUENCE OWNED BY; Schema: wikiembed_queue; Owner: -
--

ALTER SEQUENCE wikiembed_queue.procrastinate_periodic_defers_id_seq OWNED BY wikiembed_queue.procrastinate_periodic_defers.id;


--
-- Name: procrastinate_workers_id_seq; Type: SEQUENCE; Schema: wikiembed_queue; Owner: -
--

ALTER TABLE wikiembed_queue.procrastinate_workers ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME wikiembed_queue.procrastinate_workers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: procrastinate_events id; Type: DEFAULT; Schema: wikiembed_queue; Owner: -
--

ALTER TABLE ONLY wikiembed_queue.procrastinate_events ALTER COLUMN id SET DEFAULT nextval('wikiembed_queue.procrastinate_events_id_seq'::regclass);


--
-- Name: procrastinate_jobs id; Type: DEFAULT; Schema: wikiembed_queue; Owner: -
--

ALTER TABLE ONLY wikiembed_queue.procrastinate_jobs ALTER COLUMN id SET DEFAULT nextval('wikiembed_queue.procrastinate_jobs_id_seq'::regclass);


--
-- Name: procrastinate_periodic_defers id; Type: DEFAULT; Schema: wikiembed_queue; Owner: -
--

ALTER TABLE ONLY wikiembed_queue.procrastinate_periodic_defers ALTER COLUMN id SET DEFAULT nextval('wikiembed_queue.procrastinate_periodic_defers_id_seq'::regclass);


--
-- Data for Name: wiki_chunks; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.wiki_chunks (id, page_id, "position", content, embedding) OVERRIDING SYSTEM VALUE VALUES (1, 1, 0, 'Amur
Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein.', '[1,1,0,0]');
INSERT INTO public.wiki_chunks (id, page_id, "position", content, embedding) OVERRIDING SYSTEM VALUE VALUES (9, 3, 0, 'Po
Short.', '[9,1,0,0]');
INSERT INTO public.wiki_chunks (id, page_id, "position", content, embedding) OVERRIDING SYSTEM VALUE VALUES (7, 2, 3, 'Nile
The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. Part 18.', '[7,1,0,3]');
INSERT INTO public.wiki_chunks (id, page_id, "position", content, embedding) OVERRIDING SYSTEM VALUE VALUES (8, 2, 4, 'Nile
The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. Part 25.', '[8,1,0,4]');
INSERT INTO public.wiki_chunks (id, page_id, "position", content, embedding) OVERRIDING SYSTEM VALUE VALUES (14, 6, 1, '한강
길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다.', '[14,1,0,1]');
INSERT INTO public.wiki_chunks (id, page_id, "position", content, embedding) OVERRIDING SYSTEM VALUE VALUES (10, 4, 0, 'Rhône
é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é', NULL);
INSERT INTO public.wiki_chunks (id, page_id, "position", content, embedding) OVERRIDING SYSTEM VALUE VALUES (12, 5, 0, 'Seine
Paris lies on it.', NULL);
INSERT INTO public.wiki_chunks (id, page_id, "position", content, embedding) OVERRIDING SYSTEM VALUE VALUES (11, 4, 1, 'Rhône
é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é é', '[11,1,0,1]');
INSERT INTO public.wiki_chunks (id, page_id, "position", content, embedding) OVERRIDING SYSTEM VALUE VALUES (15, 6, 2, '한강
🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊 한강은 대한민국의 중부를 흐르는 강이다. 길이는 494 km이다. 🌊', NULL);
INSERT INTO public.wiki_chunks (id, page_id, "position", content, embedding) OVERRIDING SYSTEM VALUE VALUES (2, 1, 1, 'Amur
Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein.', '[2,1,0,1]');
INSERT INTO public.wiki_chunks (id, page_id, "position", content, embedding) OVERRIDING SYSTEM VALUE VALUES (3, 1, 2, 'Amur
Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein. Ein Fluss – länger als der Rhein.', '[3,1,0,2]');
INSERT INTO public.wiki_chunks (id, page_id, "position", content, embedding) OVERRIDING SYSTEM VALUE VALUES (4, 2, 0, 'Nile
Lead of the Nile.

The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. Part 20.', '[4,1,0,0]');
INSERT INTO public.wiki_chunks (id, page_id, "position", content, embedding) OVERRIDING SYSTEM VALUE VALUES (6, 2, 2, 'Nile
The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. The river flows north to the sea. Part 22.', '[6,1,0,2]');


--
-- Data for Name: wiki_pages; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.wiki_pages (id, title, digest, loaded_at) OVERRIDING SYSTEM VALUE VALUES (1, 'Amur', '4403f482073c68ac0f82ce2bfe91227aba72bc515d96f9ad0ebab202117066c8', '2026-11-27 14:04:02.050919+00');
INSERT INTO public.wiki_pages (id, title, digest, loaded_at) OVERRIDING SYSTEM VALUE VALUES (2, 'Nile', '77adcef746ec4159a2d05671c3c010af00d1d741e0c83d74fca75312e56c3ea0', '2026-11-27 14:04:02.050919+00');
INSERT INTO public.wiki_pages (id, title, digest, loaded_at) OVERRIDING SYSTEM VALUE VALUES (3, 'Po', 'a4a2002ca0eeb1c98c6961a59ffd355849e67e199cd9103d4993fa58f5ea2384', '2026-11-27 14:04:02.050919+00');
INSERT INTO public.wiki_pages (id, title, digest, loaded_at) OVERRIDING SYSTEM VALUE VALUES (4, 'Rhône', 'a68810109d23f28ffe4e2ba776b3f9ca2c0a8fab178ef7c0541cca98527337d9', '2026-11-27 14:04:02.050919+00');
INSERT INTO public.wiki_pages (id, title, digest, loaded_at) OVERRIDING SYSTEM VALUE VALUES (5, 'Seine', '563a04e57b2d15e33d7f759f5221b16ddcbd0b1b4b7650015e83f3a7bed754b3', '2026-11-27 14:04:02.050919+00');
INSERT INTO public.wiki_pages (id, title, digest, loaded_at) OVERRIDING SYSTEM VALUE VALUES (6, '한강', '69985721cb0aea9e4dd20d07a0cd706aeb61155a71fa7e8c1c72b5056d7a8389', '2026-11-27 14:04:02.050919+00');
INSERT INTO public.wiki_pages (id, title, digest, loaded_at) OVERRIDING SYSTEM VALUE VALUES (7, 'Empty', 'none', '2026-11-27 14:04:02.153296+00');


--
-- Data for Name: action_log; Type: TABLE DATA; Schema: wikiembed; Owner: -
--

INSERT INTO wikiembed.action_log (id, at, who, action, source, why, detail) OVERRIDING SYSTEM VALUE VALUES (1, '2026-11-27 14:04:01.841151+00', 'postgres', 'attach', 'wiki', NULL, '{"relation": "public.wiki_chunks"}');
INSERT INTO wikiembed.action_log (id, at, who, action, source, why, detail) OVERRIDING SYSTEM VALUE VALUES (2, '2026-11-27 14:04:02.114331+00', 'postgres', 'pin', 'wiki', NULL, '{"model": "nomic-embed-text", "provider": "ollama", "dimensions": 4}');
INSERT INTO wikiembed.action_log (id, at, who, action, source, why, detail) OVERRIDING SYSTEM VALUE VALUES (3, '2026-11-27 14:04:02.152699+00', 'postgres', 'skip', 'wiki', 'not wanted', '{"chunks": 1}');
INSERT INTO wikiembed.action_log (id, at, who, action, source, why, detail) OVERRIDING SYSTEM VALUE VALUES (4, '2026-11-27 14:04:02.158932+00', 'postgres', 'pause', 'wiki', 'the server moves', '{"until": null}');


--
-- Data for Name: alembic_version; Type: TABLE DATA; Schema: wikiembed; Owner: -
--

INSERT INTO wikiembed.alembic_version (version_num) VALUES ('0003');


--
-- Data for Name: document_failures; Type: TABLE DATA; Schema: wikiembed; Owner: -
--



--
-- Data for Name: document_sources; Type: TABLE DATA; Schema: wikiembed; Owner: -
--



--
-- Data for Name: failures; Type: TABLE DATA; Schema: wikiembed; Owner: -
--

INSERT INTO wikiembed.failures (source, key, state, error_class, http_status, message, attempts, first_at, last_at, job_id) VALUES ('wiki', '15', 'failed', 'rejected', NULL, '', 1, '2026-11-27 14:04:02.135761+00', '2026-11-27 14:04:02.135761+00', NULL);
INSERT INTO wikiembed.failures (source, key, state, error_class, http_status, message, attempts, first_at, last_at, job_id) VALUES ('wiki', '10', 'skipped', 'skipped_by_operator', NULL, 'not wanted', 0, '2026-11-27 14:04:02.152266+00', '2026-11-27 14:04:02.152266+00', NULL);


--
-- Data for Name: ledger; Type: TABLE DATA; Schema: wikiembed; Owner: -
--

INSERT INTO wikiembed.ledger (id, source, at, total, embedded, gained, failed, skipped) OVERRIDING SYSTEM VALUE VALUES (2, 'wiki', '2026-11-27 14:04:02.126938+00', 0, 12, 12, 0, 0);
INSERT INTO wikiembed.ledger (id, source, at, total, embedded, gained, failed, skipped) OVERRIDING SYSTEM VALUE VALUES (3, 'wiki', '2026-11-27 14:04:02.137251+00', 0, 0, 0, 1, 0);
INSERT INTO wikiembed.ledger (id, source, at, total, embedded, gained, failed, skipped) OVERRIDING SYSTEM VALUE VALUES (4, 'wiki', '2026-11-27 14:04:02.152506+00', 0, 0, 0, 0, 1);


--
-- Data for Name: outages; Type: TABLE DATA; Schema: wikiembed; Owner: -
--



--
-- Data for Name: schema_digest; Type: TABLE DATA; Schema: wikiembed; Owner: -
--

INSERT INTO wikiembed.schema_digest (only_row, digest, package_version, migrated_at) VALUES (true, 'd647cb8361abaad5', '0.1.0', '2026-11-27 14:04:01.499709+00');


--
-- Data for Name: sources; Type: TABLE DATA; Schema: wikiembed; Owner: -
--

INSERT INTO wikiembed.sources (name, relation, key_column, text_column, embedding_column, key_type, embedding_type, key_attnum, text_attnum, embedding_attnum, generation, provider, model, dimensions, document_prefix, query_prefix, pinned_at, batch_size, trigger_version, written_as, prove_function, paused_at, paused_by, pause_reason, resume_at, attached_at, prefix_pinned, held_back_at, attached_as, key_columns, key_types, key_attnums, text_columns, text_paths, text_attnums) VALUES ('wiki', 'public.wiki_chunks', 'id', 'content', 'embedding', 'bigint', 'vector', 1, 4, 5, 1, 'ollama', 'nomic-embed-text', 4, 'search_document: ', 'search_query: ', '2026-11-27 14:04:02.113027+00', 64, -1924047617, 'public.wiki_chunks (id; t.content::text; embedding) bigint  public', NULL, '2026-11-27 14:04:02.158558+00', 'postgres', 'the server moves', NULL, '2026-11-27 14:04:01.499709+00', true, NULL, 'public.wiki_chunks', '{id}', '{bigint}', '{1}', '{content}', '[null]', '{4}');


--
-- Data for Name: truncated_chunks; Type: TABLE DATA; Schema: wikiembed; Owner: -
--



--
-- Data for Name: truncation_checks; Type: TABLE DATA; Schema: wikiembed; Owner: -
--



--
-- Data for Name: worker_processes; Type: TABLE DATA; Schema: wikiembed; Owner: -
--



--
-- Data for Name: deltas_wiki; Type: TABLE DATA; Schema: wikiembed_private; Owner: -
--

INSERT INTO wikiembed_private.deltas_wiki (total, embedded, at, id, gained, failed, skipped, source) VALUES (15, 0, '2026-11-27 14:04:02.090144+00', 1, 0, 0, 0, 'wiki');
INSERT INTO wikiembed_private.deltas_wiki (total, embedded, at, id, gained, failed, skipped, source) VALUES (-1, -1, '2026-11-27 14:04:02.154869+00', 5, 0, 0, 0, 'wiki');
INSERT INTO wikiembed_private.deltas_wiki (total, embedded, at, id, gained, failed, skipped, source) VALUES (-1, -1, '2026-11-27 14:04:02.157224+00', 6, 0, 0, 0, 'wiki');


--
-- Data for Name: ended_failures; Type: TABLE DATA; Schema: wikiembed_private; Owner: -
--



--
-- Data for Name: procrastinate_events; Type: TABLE DATA; Schema: wikiembed_queue; Owner: -
--



--
-- Data for Name: procrastinate_jobs; Type: TABLE DATA; Schema: wikiembed_queue; Owner: -
--

INSERT INTO wikiembed_queue.procrastinate_jobs (id, queue_name, task_name, priority, lock, queueing_lock, args, status, scheduled_at, attempts, abort_requested, worker_id, queued_at, started_at) VALUES (1, 'embed_wiki', 'wikiembed.embed', 10, NULL, NULL, '{"keys": ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"], "source": "wiki"}', 'todo', NULL, 0, false, NULL, '2026-11-27 14:04:02.050919+00', NULL);


--
-- Data for Name: procrastinate_periodic_defers; Type: TABLE DATA; Schema: wikiembed_queue; Owner: -
--



--
-- Data for Name: procrastinate_workers; Type: TABLE DATA; Schema: wikiembed_queue; Owner: -
--



--
-- Name: wiki_chunks_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.wiki_chunks_id_seq', 15, true);


--
-- Name: wiki_pages_id_seq; Type: SEQUENCE SET; Schema: public; Owner: -
--

SELECT pg_catalog.setval('public.wiki_pages_id_seq', 7, true);


--
-- Name: action_log_id_seq; Type: SEQUENCE SET; Schema: wikiembed; Owner: -
--

SELECT pg_catalog.setval('wikiembed.action_log_id_seq', 4, true);


--
-- Name: ledger_id_seq; Type: SEQUENCE SET; Schema: wikiembed; Owner: -
--

SELECT pg_catalog.setval('wikiembed.ledger_id_seq', 6, true);


--
-- Name: outages_id_seq; Type: SEQUENCE SET; Schema: wikiembed; Owner: -
--

SELECT pg_catalog.setval('wikiembed.outages_id_seq', 1, false);


--
-- Name: clock; Type: SEQUENCE SET; Schema: wikiembed_private; Owner: -
--

SELECT pg_catalog.setval('wikiembed_private.clock', 0, false);


--
-- Name: clock_embed_wiki; Type: SEQUENCE SET; Schema: wikiembed_private; Owner: -
--

SELECT pg_catalog.setval('wikiembed_private.clock_embed_wiki', 1795788242084, true);


--
-- Name: ended_failures_id_seq; Type: SEQUENCE SET; Schema: wikiembed_private; Owner: -
--

SELECT pg_catalog.setval('wikiembed_private.ended_failures_id_seq', 1, false);


--
-- Name: procrastinate_events_id_seq; Type: SEQUENCE SET; Schema: wikiembed_queue; Owner: -
--

SELECT pg_catalog.setval('wikiembed_queue.procrastinate_events_id_seq', 1, false);


--
-- Name: procrastinate_jobs_id_seq; Type: SEQUENCE SET; Schema: wikiembed_queue; Owner: -
--

SELECT pg_catalog.setval('wikiembed_queue.procrastinate_jobs_id_seq', 1, true);


--
-- Name: procrastinate_periodic_defers_id_seq; Type: SEQUENCE SET; Schema: wikiembed_queue; Owner: -
--

SELECT pg_catalog.setval('wikiembed_queue.procrastinate_periodic_defers_id_seq', 1, false);


--
-- Name: procrastinate_workers_id_seq; Type: SEQUENCE SET; Schema: wikiembed_queue; Owner: -
--

SELECT pg_catalog.setval('wikiembed_queue.procrastinate_workers_id_seq', 1, false);


--
-- Name: wiki_chunks a_place_holds_one_chunk; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.wiki_chunks
    ADD CONSTRAINT a_place_holds_one_chunk UNIQUE (page_id, "position");


--
-- Name: wiki_chunks wiki_chunks_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.wiki_chunks
    ADD CONSTRAINT wiki_chunks_pkey PRIMARY KEY (id);


--
-- Name: wiki_pages wiki_pages_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.wiki_pages
    ADD CONSTRAINT wiki_pages_pkey PRIMARY KEY (id);


--
-- Name: wiki_pages wiki_pages_title_key; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.wiki_pages
    ADD CONSTRAINT wiki_pages_title_key UNIQUE (title);


--
-- Name: sources a_column_is_attached_once; Type: CONSTRAINT; Schema: wikiembed; Owner: -
--

ALTER TABLE ONLY wikiembed.sources
    ADD CONSTRAINT a_column_is_attached_once UNIQUE (relation, embedding_column);


--
-- Name: action_log action_log_pkey; Type: CONSTRAINT; Schema: wikiembed; Owner: -
--

ALTER TABLE ONLY wikiembed.action_log
    ADD CONSTRAINT action_log_pkey PRIMARY KEY (id);


--
-- Name: alembic_version alembic_version_pkc; Type: CONSTRAINT; Schema: wikiembed; Owner: -
--

ALTER TABLE ONLY wikiembed.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);


--
-- Name: document_failures document_failures_pkey; Type: CONSTRAINT; Schema: wikiembed; Owner: -
--

ALTER TABLE ONLY wikiembed.document_failures
    ADD CONSTRAINT document_failures_pkey PRIMARY KEY (source, key);


--
-- Name: document_sources document_sources_pkey; Type: CONSTRAINT; Schema: wikiembed; Owner: -
--

ALTER TABLE ONLY wikiembed.document_sources
    ADD CONSTRAINT document_sources_pkey PRIMARY KEY (source);


--
-- Name: failures failures_pkey; Type: CONSTRAINT; Schema: wikiembed; Owner: -
--

ALTER TABLE ONLY wikiembed.failures
    ADD CONSTRAINT failures_pkey PRIMARY KEY (source, key);


--
-- Name: sources generation_is_a_key; Type: CONSTRAINT; Schema: wikiembed; Owner: -
--

ALTER TABLE ONLY wikiembed.sources
    ADD CONSTRAINT generation_is_a_key UNIQUE (name, generation);


--
-- Name: outages outages_pkey; Type: CONSTRAINT; Schema: wikiembed; Owner: -
--

ALTER TABLE ONLY wikiembed.outages
    ADD CONSTRAINT outages_pkey PRIMARY KEY (id);


--
-- Name: schema_digest schema_digest_pkey; Type: CONSTRAINT; Schema: wikiembed; Owner: -
--

ALTER TABLE ONLY wikiembed.schema_digest
    ADD CONSTRAINT schema_digest_pkey PRIMARY KEY (only_row);


--
-- Name: sources sources_pkey; Type: CONSTRAINT; Schema: wikiembed; Owner: -
--

ALTER TABLE ONLY wikiembed.sources
    ADD CONSTRAINT sources_pkey PRIMARY KEY (name);


--
-- Name: truncated_chunks truncated_chunks_pkey; Type: CONSTRAINT; Schema: wikiembed; Owner: -
--

ALTER TABLE ONLY wikiembed.truncated_chunks
    ADD CONSTRAINT truncated_chunks_pkey PRIMARY KEY (source, key);


--
-- Name: truncation_checks truncation_checks_pkey; Type: CONSTRAINT; Schema: wikiembed; Owner: -
--

ALTER TABLE ONLY wikiembed.truncation_checks
    ADD CONSTRAINT truncation_checks_pkey PRIMARY KEY (source, server, model);


--
-- Name: worker_processes worker_processes_pkey; Type: CONSTRAINT; Schema: wikiembed; Owner: -
--

ALTER TABLE ONLY wikiembed.worker_processes
    ADD CONSTRAINT worker_processes_pkey PRIMARY KEY (worker_id);


--
-- Name: ended_failures ended_failures_pkey; Type: CONSTRAINT; Schema: wikiembed_private; Owner: -
--

ALTER TABLE ONLY wikiembed_private.ended_failures
    ADD CONSTRAINT ended_failures_pkey PRIMARY KEY (id);


--
-- Name: procrastinate_events procrastinate_events_pkey; Type: CONSTRAINT; Schema: wikiembed_queue; Owner: -
--

ALTER TABLE ONLY wikiembed_queue.procrastinate_events
    ADD CONSTRAINT procrastinate_events_pkey PRIMARY KEY (id);


--
-- Name: procrastinate_jobs procrastinate_jobs_pkey; Type: CONSTRAINT; Schema: wikiembed_queue; Owner: -
--

ALTER TABLE ONLY wikiembed_queue.procrastinate_jobs
    ADD CONSTRAINT procrastinate_jobs_pkey PRIMARY KEY (id);


--
-- Name: procrastinate_periodic_defers procrastinate_periodic_defers_pkey; Type: CONSTRAINT; Schema: wikiembed_queue; Owner: -
--

ALTER TABLE ONLY wikiembed_queue.procrastinate_periodic_defers
    ADD CONSTRAINT procrastinate_periodic_defers_pkey PRIMARY KEY (id);


--
-- Name: procrastinate_periodic_defers procrastinate_periodic_defers_unique; Type: CONSTRAINT; Schema: wikiembed_queue; Owner: -
--

ALTER TABLE ONLY wikiembed_queue.procrastinate_periodic_defers
    ADD CONSTRAINT procrastinate_periodic_defers_unique UNIQUE (task_name, periodic_id, defer_timestamp);


--
-- Name: procrastinate_workers procrastinate_workers_pkey; Type: CONSTRAINT; Schema: wikiembed_queue; Owner: -
--

ALTER TABLE ONLY wikiembed_queue.procrastinate_workers
    ADD CONSTRAINT procrastinate_workers_pkey PRIMARY KEY (id);


--
-- Name: wiki_chunks_search; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX wiki_chunks_search ON public.wiki_chunks USING hnsw (embedding public.vector_cosine_ops);


--
-- Name: INDEX wiki_chunks_search; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON INDEX public.wiki_chunks_search IS 'Built by an operator.';


--
-- Name: wikiembed_missing_wiki; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX wikiembed_missing_wiki ON public.wiki_chunks USING btree (id) WHERE (embedding IS NULL);


--
-- Name: action_log_by_source; Type: INDEX; Schema: wikiembed; Owner: -
--

CREATE INDEX action_log_by_source ON wikiembed.action_log USING btree (source, at);


--
-- Name: ledger_by_source; Type: INDEX; Schema: wikiembed; Owner: -
--

CREATE INDEX ledger_by_source ON wikiembed.ledger USING btree (source, at);


--
-- Name: outages_by_server; Type: INDEX; Schema: wikiembed; Owner: -
--

CREATE INDEX outages_by_server ON wikiembed.outages USING btree (server, ended_at);


--
-- Name: outages_open; Type: INDEX; Schema: wikiembed; Owner: -
--

CREATE UNIQUE INDEX outages_open ON wikiembed.outages USING btree (server) WHERE (ended_at IS NULL);


--
-- Name: ended_failures_by_time; Type: INDEX; Schema: wikiembed_private; Owner: -
--

CREATE INDEX ended_failures_by_time ON wikiembed_private.ended_failures USING btree (source, ended_at);


--
-- Name: idx_procrastinate_jobs_worker_not_null; Type: INDEX; Schema: wikiembed_queue; Owner: -
--

CREATE INDEX idx_procrastinate_jobs_worker_not_null ON wikiembed_queue.procrastinate_jobs USING btree (worker_id) WHERE ((worker_id IS NOT NULL) AND (status = 'doing'::wikiembed_queue.procrastinate_job_status));


--
-- Name: idx_procrastinate_workers_last_heartbeat; Type: INDEX; Schema: wikiembed_queue; Owner: -
--

CREATE INDEX idx_procrastinate_workers_last_heartbeat ON wikiembed_queue.procrastinate_workers USING btree (last_heartbeat);


--
-- Name: jobs_by_queue; Type: INDEX; Schema: wikiembed_queue; Owner: -
--

CREATE INDEX jobs_by_queue ON wikiembed_queue.procrastinate_jobs USING btree (queue_name, priority DESC, id) WHERE ((status = 'todo'::wikiembed_queue.procrastinate_job_status) AND (scheduled_at IS NULL));


--
-- Name: jobs_by_time; Type: INDEX; Schema: wikiembed_queue; Owner: -
--

CREATE INDEX jobs_by_time ON wikiembed_queue.procrastinate_jobs USING btree (queue_name, scheduled_at) WHERE ((status = 'todo'::wikiembed_queue.procrastinate_job_status) AND (scheduled_at IS NOT NULL));


--
-- Name: procrastinate_events_job_id_fkey_v1; Type: INDEX; Schema: wikiembed_queue; Owner: -
--

CREATE INDEX procrastinate_events_job_id_fkey_v1 ON wikiembed_queue.procrastinate_events USING btree (job_id);


--
-- Name: procrastinate_jobs_lock_idx_v1; Type: INDEX; Schema: wikiembed_queue; Owner: -
--

CREATE UNIQUE INDEX procrastinate_jobs_lock_idx_v1 ON wikiembed_queue.procrastinate_jobs USING btree (lock) WHERE (status = 'doing'::wikiembed_queue.procrastinate_job_status);


--
-- Name: procrastinate_jobs_priority_idx_v1; Type: INDEX; Schema: wikiembed_queue; Owner: -
--

CREATE INDEX procrastinate_jobs_priority_idx_v1 ON wikiembed_queue.procrastinate_jobs USING btree (priority DESC, id) WHERE (status = 'todo'::wikiembed_queue.procrastinate_job_status);


--
-- Name: procrastinate_jobs_queueing_lock_idx_v1; Type: INDEX; Schema: wikiembed_queue; Owner: -
--

CREATE UNIQUE INDEX procrastinate_jobs_queueing_lock_idx_v1 ON wikiembed_queue.procrastinate_jobs USING btree (queueing_lock) WHERE ((status = 'todo'::wikiembed_queue.procrastinate_job_status) AND (queueing_lock IS NOT NULL));


--
-- Name: procrastinate_periodic_defers_job_id_fkey_v1; Type: INDEX; Schema: wikiembed_queue; Owner: -
--

CREATE INDEX procrastinate_periodic_defers_job_id_fkey_v1 ON wikiembed_queue.procrastinate_periodic_defers USING btree (job_id);


--
-- Name: wiki_chunks wikiembed_wiki_delete; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER wikiembed_wiki_delete AFTER DELETE ON public.wiki_chunks REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION wikiembed_private.on_delete_wiki();


--
-- Name: TRIGGER wikiembed_wiki_delete ON wiki_chunks; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TRIGGER wikiembed_wiki_delete ON public.wiki_chunks IS 'Counts and queues chunks of wikiembed source wiki.';


--
-- Name: wiki_chunks wikiembed_wiki_insert; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER wikiembed_wiki_insert AFTER INSERT ON public.wiki_chunks REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION wikiembed_private.on_insert_wiki();


--
-- Name: TRIGGER wikiembed_wiki_insert ON wiki_chunks; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TRIGGER wikiembed_wiki_insert ON public.wiki_chunks IS 'Counts and queues chunks of wikiembed source wiki.';


--
-- Name: wiki_chunks wikiembed_wiki_truncate; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER wikiembed_wiki_truncate BEFORE TRUNCATE ON public.wiki_chunks FOR EACH STATEMENT EXECUTE FUNCTION wikiembed_private.on_truncate_wiki();


--
-- Name: TRIGGER wikiembed_wiki_truncate ON wiki_chunks; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TRIGGER wikiembed_wiki_truncate ON public.wiki_chunks IS 'Counts and queues chunks of wikiembed source wiki.';


--
-- Name: wiki_chunks wikiembed_wiki_update; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER wikiembed_wiki_update AFTER UPDATE ON public.wiki_chunks REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION wikiembed_private.on_update_wiki();


--
-- Name: TRIGGER wikiembed_wiki_update ON wiki_chunks; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TRIGGER wikiembed_wiki_update ON public.wiki_chunks IS 'Counts and queues chunks of wikiembed source wiki.';


--
-- Name: wiki_chunks zzz_wikiembed_wiki; Type: TRIGGER; Schema: public; Owner: -
--

CREATE TRIGGER zzz_wikiembed_wiki BEFORE UPDATE ON public.wiki_chunks FOR EACH ROW WHEN (((old.content COLLATE "C") IS DISTINCT FROM (new.content COLLATE "C"))) EXECUTE FUNCTION wikiembed_private.null_stale_wiki();

ALTER TABLE public.wiki_chunks ENABLE ALWAYS TRIGGER zzz_wikiembed_wiki;


--
-- Name: TRIGGER zzz_wikiembed_wiki ON wiki_chunks; Type: COMMENT; Schema: public; Owner: -
--

COMMENT ON TRIGGER zzz_wikiembed_wiki ON public.wiki_chunks IS 'Nulls the vector of a row whose text changed.';


--
-- Name: failures count_deleted; Type: TRIGGER; Schema: wikiembed; Owner: -
--

CREATE TRIGGER count_deleted AFTER DELETE ON wikiembed.failures REFERENCING OLD TABLE AS old_failures FOR EACH STATEMENT EXECUTE FUNCTION wikiembed_private.count_failures();


--
-- Name: TRIGGER count_deleted ON failures; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON TRIGGER count_deleted ON wikiembed.failures IS 'Counts ended failures in the ledger.';


--
-- Name: failures count_inserted; Type: TRIGGER; Schema: wikiembed; Owner: -
--

CREATE TRIGGER count_inserted AFTER INSERT ON wikiembed.failures REFERENCING NEW TABLE AS new_failures FOR EACH STATEMENT EXECUTE FUNCTION wikiembed_private.count_failures();


--
-- Name: TRIGGER count_inserted ON failures; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON TRIGGER count_inserted ON wikiembed.failures IS 'Counts new failures in the ledger.';


--
-- Name: failures count_updated; Type: TRIGGER; Schema: wikiembed; Owner: -
--

CREATE TRIGGER count_updated AFTER UPDATE ON wikiembed.failures REFERENCING OLD TABLE AS old_failures NEW TABLE AS new_failures FOR EACH STATEMENT EXECUTE FUNCTION wikiembed_private.count_failures();


--
-- Name: TRIGGER count_updated ON failures; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON TRIGGER count_updated ON wikiembed.failures IS 'Counts changed states in the ledger.';


--
-- Name: sources raise_generation; Type: TRIGGER; Schema: wikiembed; Owner: -
--

CREATE TRIGGER raise_generation BEFORE UPDATE ON wikiembed.sources FOR EACH ROW EXECUTE FUNCTION wikiembed_private.raise_generation();


--
-- Name: TRIGGER raise_generation ON sources; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON TRIGGER raise_generation ON wikiembed.sources IS 'Raises the generation when model, prefix or dimensions change.';


--
-- Name: sources wikiembed_follow_batch_size; Type: TRIGGER; Schema: wikiembed; Owner: -
--

CREATE TRIGGER wikiembed_follow_batch_size AFTER UPDATE OF batch_size ON wikiembed.sources FOR EACH ROW WHEN ((old.batch_size <> new.batch_size)) EXECUTE FUNCTION wikiembed_private.follow_batch_size();


--
-- Name: TRIGGER wikiembed_follow_batch_size ON sources; Type: COMMENT; Schema: wikiembed; Owner: -
--

COMMENT ON TRIGGER wikiembed_follow_batch_size ON wikiembed.sources IS 'Regenerates the insert trigger of a source when its batch size changes.';


--
-- Name: procrastinate_jobs procrastinate_jobs_notify_queue_job_aborted_v1; Type: TRIGGER; Schema: wikiembed_queue; Owner: -
--

CREATE TRIGGER procrastinate_jobs_notify_queue_job_aborted_v1 AFTER UPDATE OF abort_requested ON wikiembed_queue.procrastinate_jobs FOR EACH ROW WHEN (((old.abort_requested = false) AND (new.abort_requested = true) AND (new.status = 'doing'::wikiembed_queue.procrastinate_job_status))) EXECUTE FUNCTION wikiembed_queue.procrastinate_notify_queue_abort_job_v1();


--
-- Name: procrastinate_jobs procrastinate_jobs_notify_queue_job_inserted_v1; Type: TRIGGER; Schema: wikiembed_queue; Owner: -
--

CREATE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1 AFTER INSERT ON wikiembed_queue.procrastinate_jobs FOR EACH ROW WHEN ((new.status = 'todo'::wikiembed_queue.procrastinate_job_status)) EXECUTE FUNCTION wikiembed_queue.procrastinate_notify_queue_job_inserted_v1();

ALTER TABLE wikiembed_queue.procrastinate_jobs DISABLE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1;


--
-- Name: procrastinate_jobs procrastinate_trigger_abort_requested_events_v1; Type: TRIGGER; Schema: wikiembed_queue; Owner: -
--

CREATE TRIGGER procrastinate_trigger_abort_requested_events_v1 AFTER UPDATE OF abort_requested ON wikiembed_queue.procrastinate_jobs FOR EACH ROW WHEN ((new.abort_requested AND ((new.task_name)::text <> ALL ((ARRAY['wikiembed.embed'::character varying, 'wikiembed.split'::character varying])::text[])))) EXECUTE FUNCTION wikiembed_queue.procrastinate_trigger_abort_requested_events_procedure_v1();


--
-- Name: procrastinate_jobs procrastinate_trigger_delete_jobs_v1; Type: TRIGGER; Schema: wikiembed_queue; Owner: -
--

CREATE TRIGGER procrastinate_trigger_delete_jobs_v1 BEFORE DELETE ON wikiembed_queue.procrastinate_jobs FOR EACH ROW WHEN (((old.task_name)::text <> ALL ((ARRAY['wikiembed.embed'::character varying, 'wikiembed.split'::character varying])::text[]))) EXECUTE FUNCTION wikiembed_queue.procrastinate_unlink_periodic_defers_v1();


--
-- Name: procrastinate_jobs procrastinate_trigger_scheduled_events_v1; Type: TRIGGER; Schema: wikiembed_queue; Owner: -
--

CREATE TRIGGER procrastinate_trigger_scheduled_events_v1 AFTER UPDATE ON wikiembed_queue.procrastinate_jobs FOR EACH ROW WHEN (((new.scheduled_at IS NOT NULL) AND (new.status = 'todo'::wikiembed_queue.procrastinate_job_status) AND ((new.task_name)::text <> ALL ((ARRAY['wikiembed.embed'::character varying, 'wikiembed.split'::character varying])::text[])))) EXECUTE FUNCTION wikiembed_queue.procrastinate_trigger_function_scheduled_events_v1();


--
-- Name: procrastinate_jobs procrastinate_trigger_status_events_update_v1; Type: TRIGGER; Schema: wikiembed_queue; Owner: -
--

CREATE TRIGGER procrastinate_trigger_status_events_update_v1 AFTER UPDATE OF status ON wikiembed_queue.procrastinate_jobs FOR EACH ROW WHEN (((new.task_name)::text <> ALL ((ARRAY['wikiembed.embed'::character varying, 'wikiembed.split'::character varying])::text[]))) EXECUTE FUNCTION wikiembed_queue.procrastinate_trigger_function_status_events_update_v1();


--
-- Name: procrastinate_jobs wikiembed_notify_workers; Type: TRIGGER; Schema: wikiembed_queue; Owner: -
--

CREATE TRIGGER wikiembed_notify_workers AFTER INSERT ON wikiembed_queue.procrastinate_jobs REFERENCING NEW TABLE AS new_jobs FOR EACH STATEMENT EXECUTE FUNCTION wikiembed_private.notify_throttled();


--
-- Name: TRIGGER wikiembed_notify_workers ON procrastinate_jobs; Type: COMMENT; Schema: wikiembed_queue; Owner: -
--

COMMENT ON TRIGGER wikiembed_notify_workers ON wikiembed_queue.procrastinate_jobs IS 'Notifies workers, at most once per 20 ms and queue.';


--
-- Name: procrastinate_jobs wikiembed_pause_gate; Type: TRIGGER; Schema: wikiembed_queue; Owner: -
--

CREATE TRIGGER wikiembed_pause_gate BEFORE UPDATE OF status ON wikiembed_queue.procrastinate_jobs FOR EACH ROW WHEN (((old.status = 'todo'::wikiembed_queue.procrastinate_job_status) AND (new.status = 'doing'::wikiembed_queue.procrastinate_job_status))) EXECUTE FUNCTION wikiembed_private.enforce_pause();


--
-- Name: TRIGGER wikiembed_pause_gate ON procrastinate_jobs; Type: COMMENT; Schema: wikiembed_queue; Owner: -
--

COMMENT ON TRIGGER wikiembed_pause_gate ON wikiembed_queue.procrastinate_jobs IS 'The pause gate: no worker fetches jobs of a paused source.';


--
-- Name: procrastinate_jobs wikiembed_refuse_abort; Type: TRIGGER; Schema: wikiembed_queue; Owner: -
--

CREATE TRIGGER wikiembed_refuse_abort BEFORE UPDATE ON wikiembed_queue.procrastinate_jobs FOR EACH ROW WHEN (((new.status = 'todo'::wikiembed_queue.procrastinate_job_status) AND new.abort_requested)) EXECUTE FUNCTION wikiembed_private.refuse_abort();


--
-- Name: TRIGGER wikiembed_refuse_abort ON procrastinate_jobs; Type: COMMENT; Schema: wikiembed_queue; Owner: -
--

COMMENT ON TRIGGER wikiembed_refuse_abort ON wikiembed_queue.procrastinate_jobs IS 'A waiting job is cancelled, not aborted.';


--
-- Name: wiki_chunks wiki_chunks_page_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.wiki_chunks
    ADD CONSTRAINT wiki_chunks_page_id_fkey FOREIGN KEY (page_id) REFERENCES public.wiki_pages(id) ON DELETE CASCADE;


--
-- Name: document_failures document_failures_source_fkey; Type: FK CONSTRAINT; Schema: wikiembed; Owner: -
--

ALTER TABLE ONLY wikiembed.document_failures
    ADD CONSTRAINT document_failures_source_fkey FOREIGN KEY (source) REFERENCES wikiembed.document_sources(source) ON UPDATE CASCADE ON DELETE CASCADE;


--
-- Name: document_sources document_sources_source_fkey; Type: FK CONSTRAINT; Schema: wikiembed; Owner: -
--

ALTER TABLE ONLY wikiembed.document_sources
    ADD CONSTRAINT document_sources_source_fkey FOREIGN KEY (source) REFERENCES wikiembed.sources(name) ON UPDATE CASCADE ON DELETE CASCADE;


--
-- Name: failures failures_source_fkey; Type: FK CONSTRAINT; Schema: wikiembed; Owner: -
--

ALTER TABLE ONLY wikiembed.failures
    ADD CONSTRAINT failures_source_fkey FOREIGN KEY (source) REFERENCES wikiembed.sources(name) ON DELETE CASCADE;


--
-- Name: truncated_chunks truncated_chunks_source_fkey; Type: FK CONSTRAINT; Schema: wikiembed; Owner: -
--

ALTER TABLE ONLY wikiembed.truncated_chunks
    ADD CONSTRAINT truncated_chunks_source_fkey FOREIGN KEY (source) REFERENCES wikiembed.sources(name) ON DELETE CASCADE;


--
-- Name: truncation_checks truncation_checks_source_fkey; Type: FK CONSTRAINT; Schema: wikiembed; Owner: -
--

ALTER TABLE ONLY wikiembed.truncation_checks
    ADD CONSTRAINT truncation_checks_source_fkey FOREIGN KEY (source) REFERENCES wikiembed.sources(name) ON DELETE CASCADE;


--
-- Name: worker_processes worker_processes_worker_id_fkey; Type: FK CONSTRAINT; Schema: wikiembed; Owner: -
--

ALTER TABLE ONLY wikiembed.worker_processes
    ADD CONSTRAINT worker_processes_worker_id_fkey FOREIGN KEY (worker_id) REFERENCES wikiembed_queue.procrastinate_workers(id) ON DELETE CASCADE;


--
-- Name: procrastinate_events procrastinate_events_job_id_fkey; Type: FK CONSTRAINT; Schema: wikiembed_queue; Owner: -
--

ALTER TABLE ONLY wikiembed_queue.procrastinate_events
    ADD CONSTRAINT procrastinate_events_job_id_fkey FOREIGN KEY (job_id) REFERENCES wikiembed_queue.procrastinate_jobs(id) ON DELETE CASCADE;


--
-- Name: procrastinate_jobs procrastinate_jobs_worker_id_fkey; Type: FK CONSTRAINT; Schema: wikiembed_queue; Owner: -
--

ALTER TABLE ONLY wikiembed_queue.procrastinate_jobs
    ADD CONSTRAINT procrastinate_jobs_worker_id_fkey FOREIGN KEY (worker_id) REFERENCES wikiembed_queue.procrastinate_workers(id) ON DELETE SET NULL;


--
-- Name: procrastinate_periodic_defers procrastinate_periodic_defers_job_id_fkey; Type: FK CONSTRAINT; Schema: wikiembed_queue; Owner: -
--

ALTER TABLE ONLY wikiembed_queue.procrastinate_periodic_defers
    ADD CONSTRAINT procrastinate_periodic_defers_job_id_fkey FOREIGN KEY (job_id) REFERENCES wikiembed_queue.procrastinate_jobs(id);


--
-- Name: wikiembed_on_ddl; Type: EVENT TRIGGER; Schema: -; Owner: -
--

CREATE EVENT TRIGGER wikiembed_on_ddl ON ddl_command_end
         WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE', 'ALTER SCHEMA', 'ALTER EXTENSION')
   EXECUTE FUNCTION wikiembed_private.on_ddl();


--
-- Name: EVENT TRIGGER wikiembed_on_ddl; Type: COMMENT; Schema: -; Owner: -
--

COMMENT ON EVENT TRIGGER wikiembed_on_ddl IS 'Follows renames and new partitions of attached tables.';


--
-- PostgreSQL database dump complete
--


