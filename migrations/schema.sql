-- Written by `python -m tests.tools.schema_dump`: the schema after every migration, without
-- the bodies of functions, which stand in migrations/current.
CREATE SCHEMA wikiembed;

COMMENT ON SCHEMA wikiembed IS 'The public interface of wikiembed: tables, views and functions whose names do not change.';

CREATE SCHEMA wikiembed_private;

COMMENT ON SCHEMA wikiembed_private IS 'Internal: generated functions of each source and the functions that generate them; may change at any time.';

CREATE SCHEMA wikiembed_queue;

COMMENT ON SCHEMA wikiembed_queue IS 'The job queue: procrastinate, vendored as released; written by wikiembed functions and workers.';

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

CREATE TYPE wikiembed_queue.procrastinate_job_status AS ENUM (
    'todo',
    'doing',
    'succeeded',
    'failed',
    'cancelled',
    'aborting',
    'aborted'
);

CREATE TYPE wikiembed_queue.procrastinate_job_to_defer_v1 AS (
	queue_name character varying,
	task_name character varying,
	priority integer,
	lock text,
	queueing_lock text,
	args jsonb,
	scheduled_at timestamp with time zone
);

CREATE FUNCTION wikiembed.attach(p_relation regclass, p_key name[], p_text text[], p_embedding name, p_name text, p_provider text DEFAULT NULL::text, p_model text DEFAULT NULL::text, p_dimensions integer DEFAULT NULL::integer, p_document_prefix text DEFAULT NULL::text, p_query_prefix text DEFAULT NULL::text, p_batch_size integer DEFAULT 64, p_index boolean DEFAULT true, p_check_only boolean DEFAULT false, p_enqueue boolean DEFAULT false, p_move boolean DEFAULT false) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET lock_timeout TO '10s'
    AS …;

COMMENT ON FUNCTION wikiembed.attach(p_relation regclass, p_key name[], p_text text[], p_embedding name, p_name text, p_provider text, p_model text, p_dimensions integer, p_document_prefix text, p_query_prefix text, p_batch_size integer, p_index boolean, p_check_only boolean, p_enqueue boolean, p_move boolean) IS 'Registers a vector or halfvec column as a source, writes its triggers and counts its rows, which wait for enqueue unless p_enqueue; or only checks whether it would, and blocks no writer. With p_move an existing source is moved to this table, with its settings, its pause, its costs and budgets, the failures of equal rows and the vectors of equal texts. Raises WE001 to WE010; warns when the table''s owner could run SQL as wikiembed''s owner.';

CREATE FUNCTION wikiembed.attach(p_relation regclass, p_key name[], p_text name, p_embedding name, p_name text, p_provider text DEFAULT NULL::text, p_model text DEFAULT NULL::text, p_dimensions integer DEFAULT NULL::integer, p_document_prefix text DEFAULT NULL::text, p_query_prefix text DEFAULT NULL::text, p_batch_size integer DEFAULT 64, p_index boolean DEFAULT true, p_check_only boolean DEFAULT false, p_enqueue boolean DEFAULT false, p_move boolean DEFAULT false) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET lock_timeout TO '10s'
    AS …;

COMMENT ON FUNCTION wikiembed.attach(p_relation regclass, p_key name[], p_text name, p_embedding name, p_name text, p_provider text, p_model text, p_dimensions integer, p_document_prefix text, p_query_prefix text, p_batch_size integer, p_index boolean, p_check_only boolean, p_enqueue boolean, p_move boolean) IS 'The same for a key of several columns and a text of one.';

CREATE FUNCTION wikiembed.attach(p_relation regclass, p_key name, p_text name, p_embedding name, p_name text, p_provider text DEFAULT NULL::text, p_model text DEFAULT NULL::text, p_dimensions integer DEFAULT NULL::integer, p_document_prefix text DEFAULT NULL::text, p_query_prefix text DEFAULT NULL::text, p_batch_size integer DEFAULT 64, p_index boolean DEFAULT true, p_check_only boolean DEFAULT false, p_enqueue boolean DEFAULT false, p_move boolean DEFAULT false) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET lock_timeout TO '10s'
    AS …;

COMMENT ON FUNCTION wikiembed.attach(p_relation regclass, p_key name, p_text name, p_embedding name, p_name text, p_provider text, p_model text, p_dimensions integer, p_document_prefix text, p_query_prefix text, p_batch_size integer, p_index boolean, p_check_only boolean, p_enqueue boolean, p_move boolean) IS 'The same for a key and a text of one column each.';

CREATE FUNCTION wikiembed.attach_documents(p_relation regclass, p_key name[], p_text text[], p_name text, p_title name DEFAULT NULL::name, p_chunks text DEFAULT NULL::text, p_splitter text DEFAULT 'text'::text, p_max_chars integer DEFAULT 1000, p_overlap_chars integer DEFAULT 0, p_context text DEFAULT 'title_heading'::text, p_dimensions integer DEFAULT NULL::integer, p_embedding_type text DEFAULT 'vector'::text, p_provider text DEFAULT NULL::text, p_model text DEFAULT NULL::text, p_document_prefix text DEFAULT NULL::text, p_query_prefix text DEFAULT NULL::text, p_batch_size integer DEFAULT 64, p_enqueue boolean DEFAULT false, p_max_tokens integer DEFAULT NULL::integer) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET lock_timeout TO '10s'
    AS …;

COMMENT ON FUNCTION wikiembed.attach_documents(p_relation regclass, p_key name[], p_text text[], p_name text, p_title name, p_chunks text, p_splitter text, p_max_chars integer, p_overlap_chars integer, p_context text, p_dimensions integer, p_embedding_type text, p_provider text, p_model text, p_document_prefix text, p_query_prefix text, p_batch_size integer, p_enqueue boolean, p_max_tokens integer) IS 'Keeps a chunk table in step with a table of documents, and the chunks embedded: creates <schema>.<name>_chunks or adopts a table of that shape, attaches it as a source, and has workers split each document that is written from now on. Documents that are there wait for enqueue unless p_enqueue. Raises WE002 to WE010.';

CREATE FUNCTION wikiembed.attach_documents(p_relation regclass, p_key name, p_text name, p_name text, p_title name DEFAULT NULL::name, p_chunks text DEFAULT NULL::text, p_splitter text DEFAULT 'text'::text, p_max_chars integer DEFAULT 1000, p_overlap_chars integer DEFAULT 0, p_context text DEFAULT 'title_heading'::text, p_dimensions integer DEFAULT NULL::integer, p_embedding_type text DEFAULT 'vector'::text, p_provider text DEFAULT NULL::text, p_model text DEFAULT NULL::text, p_document_prefix text DEFAULT NULL::text, p_query_prefix text DEFAULT NULL::text, p_batch_size integer DEFAULT 64, p_enqueue boolean DEFAULT false, p_max_tokens integer DEFAULT NULL::integer) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET lock_timeout TO '10s'
    AS …;

COMMENT ON FUNCTION wikiembed.attach_documents(p_relation regclass, p_key name, p_text name, p_name text, p_title name, p_chunks text, p_splitter text, p_max_chars integer, p_overlap_chars integer, p_context text, p_dimensions integer, p_embedding_type text, p_provider text, p_model text, p_document_prefix text, p_query_prefix text, p_batch_size integer, p_enqueue boolean, p_max_tokens integer) IS 'The same for a key and a text of one column each.';

CREATE FUNCTION wikiembed.block_limit(p_server text, p_model text, p_s double precision) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.block_limit(p_server text, p_model text, p_s double precision) IS 'Lets no worker send a request under a limit for some seconds, at most 120: the server refused one. Called by workers.';

CREATE FUNCTION wikiembed.check_invariants(p_source text DEFAULT NULL::text) RETURNS TABLE(name text, violations bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed.check_invariants(p_source text) IS 'The eight invariants and the number of rows that violate each; the second is verified only where sources.prove_function is set. Reads whole tables. Raises WE001.';

CREATE FUNCTION wikiembed.detach(p_name text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '10s'
    AS …;

COMMENT ON FUNCTION wikiembed.detach(p_name text) IS 'Detaches a source: its triggers, functions, jobs, failures, their history, ledger and usage; the table''s rows stay. Refuses a source that a name was switched to, or whose table Citus manages. Raises WE001, WE004, WE010.';

CREATE FUNCTION wikiembed.document_options(p_source text) RETURNS TABLE(splitter text, max_chars integer, overlap_chars integer, context text, max_tokens integer)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.document_options(p_source text) IS 'How the documents of a source are split; no row when it has none.';

CREATE FUNCTION wikiembed.due_model_checks(p_every interval DEFAULT '23:00:00'::interval) RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.due_model_checks(p_every interval) IS 'The sources that are embedded and not paused, and whose model was not checked for so long, in random order.';

CREATE FUNCTION wikiembed.embedded_chunks(p_source text, p_keys text[]) RETURNS TABLE(key text, content text, embedding public.vector)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed.embedded_chunks(p_source text, p_keys text[]) IS 'The texts and vectors of the chunks with these keys that have a vector. Raises WE001.';

CREATE FUNCTION wikiembed.end_outage(p_server text, p_ended_s double precision DEFAULT 0, p_unseen_s double precision DEFAULT 0) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.end_outage(p_server text, p_ended_s double precision, p_unseen_s double precision) IS 'Records that a server answered, p_ended_s seconds ago: ends its open outage, if there is one that no worker has reported for p_unseen_s, and returns whether there was one; deletes outages older than 30 days.';

CREATE FUNCTION wikiembed.enqueue(p_source text, p_max_chunks bigint DEFAULT NULL::bigint, p_batch_size integer DEFAULT NULL::integer, p_dry_run boolean DEFAULT false) RETURNS TABLE(jobs bigint, chunks bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_nestloop TO 'off'
    SET enable_hashagg TO 'off'
    SET work_mem TO '8MB'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed.enqueue(p_source text, p_max_chunks bigint, p_batch_size integer, p_dry_run boolean) IS 'Queues every missing chunk that waits in no job and in no failure; and every document that waits to be split; returns the numbers of jobs, of both kinds, and of chunks; idempotent. Rows that p_max_chunks leaves are held back from reconcile, until a call leaves none. Raises WE001, WE008, WE010.';

CREATE FUNCTION wikiembed.expire_pauses() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.expire_pauses() IS 'Resumes the sources whose pause has expired, and writes the next window of those with a schedule; returns the number that it resumed.';

CREATE FUNCTION wikiembed.find_failures(p_source text, p_error_class text DEFAULT NULL::text, p_server text DEFAULT NULL::text, p_message text DEFAULT NULL::text, p_document text DEFAULT NULL::text, p_since timestamp with time zone DEFAULT NULL::timestamp with time zone, p_until timestamp with time zone DEFAULT NULL::timestamp with time zone, p_documents boolean DEFAULT false, p_after text DEFAULT ''::text, p_most bigint DEFAULT NULL::bigint) RETURNS SETOF text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed.find_failures(p_source text, p_error_class text, p_server text, p_message text, p_document text, p_since timestamp with time zone, p_until timestamp with time zone, p_documents boolean, p_after text, p_most bigint) IS 'The keys of failed chunks, with p_documents of failed documents, in key order after p_after, p_most at most: of an error class, of a document (its key), recorded from p_since to p_until, with a message that names p_server or contains p_message in any case. For retry_failures and skip. Raises WE001.';

CREATE FUNCTION wikiembed.find_truncation_check(p_source text, p_server text, p_model text) RETURNS TABLE(outcome text, from_chars integer, checked_chars integer, age_s double precision)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.find_truncation_check(p_source text, p_server text, p_model text) IS 'The latest result of a check for silent truncation of this server and model, and its age in seconds; records that the source is embedded there now. No row: not checked yet.';

CREATE FUNCTION wikiembed.fold_ledger() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.fold_ledger() IS 'Folds ledger rows that are older than a minute to one per source, keeps the throughput of each minute, after a day of each hour, folds the records of batches to days and hours and the sums of the queues, and prunes the history of failures; returns the number of ledger rows removed.';

CREATE FUNCTION wikiembed.grant_reader(p_role name) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.grant_reader(p_role name) IS 'Lets a role read the views, the failures and their history, the truncated chunks, the outages, the sources and the action log, and call is_ready; grants no right to write.';

CREATE FUNCTION wikiembed.grant_worker(p_role name) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.grant_worker(p_role name) IS 'Lets a role run workers: call wikiembed''s functions and use procrastinate''s tables; grants no right on chunk tables.';

CREATE FUNCTION wikiembed.grant_writer(p_role name) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.grant_writer(p_role name) IS 'Lets a role insert and update chunks and documents of the attached tables, load wiki pages, and see how many documents wait; grants no right on the queue.';

CREATE FUNCTION wikiembed.is_ready(p_source text DEFAULT NULL::text) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed.is_ready(p_source text) IS 'True when the source (null: each source) has a vector and no row lacks one, except skipped rows. Raises WE001.';

CREATE FUNCTION wikiembed.is_ready(p_source text, p_allow_empty boolean) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed.is_ready(p_source text, p_allow_empty boolean) IS 'The same; with p_allow_empty a source without a vector is ready when no row lacks one. Over all sources the wiki''s is left out while it is unused. Raises WE001.';

CREATE FUNCTION wikiembed.jobs_of_worker(p_worker_id bigint) RETURNS bigint[]
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.jobs_of_worker(p_worker_id bigint) IS 'Ids of a worker''s jobs in state doing.';

CREATE FUNCTION wikiembed.lease_requests(p_server text, p_model text, p_requests integer, p_tokens bigint, p_first_tokens bigint, p_left_slots bigint[] DEFAULT '{}'::bigint[], p_left_requests bigint[] DEFAULT '{}'::bigint[], p_left_tokens bigint[] DEFAULT '{}'::bigint[], p_more_requests bigint DEFAULT 0, p_more_tokens bigint DEFAULT 0, p_seen_requests bigint DEFAULT NULL::bigint, p_seen_tokens bigint DEFAULT NULL::bigint, OUT slot bigint, OUT slot_left_s double precision, OUT requests integer, OUT tokens bigint, OUT slot_s double precision, OUT wait_s double precision, OUT spacing_s double precision, OUT most_tokens bigint) RETURNS SETOF record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.lease_requests(p_server text, p_model text, p_requests integer, p_tokens bigint, p_first_tokens bigint, p_left_slots bigint[], p_left_requests bigint[], p_left_tokens bigint[], p_more_requests bigint, p_more_tokens bigint, p_seen_requests bigint, p_seen_tokens bigint, OUT slot bigint, OUT slot_left_s double precision, OUT requests integer, OUT tokens bigint, OUT slot_s double precision, OUT wait_s double precision, OUT spacing_s double precision, OUT most_tokens bigint) IS 'Leases up to p_requests requests of p_tokens tokens in all, the first of p_first_tokens, to be sent spacing_s apart within slot_left_s; with none, they are to be asked for again after wait_s. Takes back what was left of the leases in p_left_slots, adds what was sent beyond leases, and what the server has counted in its window beyond that. No row: no limit. Called by workers.';

CREATE FUNCTION wikiembed.limited_servers() RETURNS TABLE(server text, model text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.limited_servers() IS 'Servers and models that have a limit; an empty model: all models of the server. Called by each worker every 5 s.';

CREATE FUNCTION wikiembed.load_pages(p_pages jsonb) RETURNS TABLE(added bigint, changed bigint, unchanged bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.load_pages(p_pages jsonb) IS 'Writes pages [{title, content}], of a title that occurs twice the last one; returns the number of pages added, changed and unchanged. Workers split what is written.';

CREATE FUNCTION wikiembed.measure_recall(p_source text, p_query public.vector, p_key text, p_ef_search integer[], p_limit integer DEFAULT 10, p_filter jsonb DEFAULT NULL::jsonb) RETURNS TABLE(ef_search integer, recall double precision, duration_ms double precision, by_index boolean)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    SET "hnsw.ef_search" TO '40'
    SET "hnsw.iterative_scan" TO 'strict_order'
    AS …;

COMMENT ON FUNCTION wikiembed.measure_recall(p_source text, p_query public.vector, p_key text, p_ef_search integer[], p_limit integer, p_filter jsonb) IS 'Asks one question and returns, for each value of hnsw.ef_search, the share of the p_limit nearest chunks that search finds, how long it takes in ms, and whether it uses the index of vectors; ef_search null is the exact answer. p_key, the chunk that the question is of, is left out. No rows where nothing is to be found. Raises WE001, WE013.';

CREATE FUNCTION wikiembed.pause(p_source text DEFAULT NULL::text, p_why text DEFAULT NULL::text, p_until timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.pause(p_source text, p_why text, p_until timestamp with time zone) IS 'Pauses a source, or all of them: no batch begins until resume, or until the time given; batches in flight finish. Returns the number of sources. Raises WE001, WE010.';

CREATE FUNCTION wikiembed.pin_model(p_source text, p_provider text, p_model text, p_dimensions integer, p_document_prefix text DEFAULT ''::text, p_query_prefix text DEFAULT NULL::text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.pin_model(p_source text, p_provider text, p_model text, p_dimensions integer, p_document_prefix text, p_query_prefix text) IS 'Pins the model that the first worker resolved, with its prefix for questions if it has one, or compares: raises WE011 for another provider, model, document prefix or dimension; returns the generation. Raises WE001.';

CREATE FUNCTION wikiembed.queue_by_priority(p_source text, p_most integer DEFAULT 10000, OUT priority integer, OUT jobs bigint, OUT oldest_s numeric) RETURNS SETOF record
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_sort TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed.queue_by_priority(p_source text, p_most integer, OUT priority integer, OUT jobs bigint, OUT oldest_s numeric) IS 'One row per priority of a source''s waiting jobs, the highest first: their number, counted up to p_most, and how long (s) the oldest has waited; priority null: jobs that wait for a time, and how long the first has been due, negative if it is not. Takes as long for millions of jobs as for few. Raises WE001.';

CREATE FUNCTION wikiembed.queue_states(p_most integer DEFAULT 10000) RETURNS TABLE(source text, state text, jobs bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed.queue_states(p_most integer) IS 'Three rows per source: its jobs that can begin (todo), that wait for a time (scheduled) and that a worker has (doing); those that wait are counted up to p_most of each priority, so that it takes as long for millions of jobs as for few.';

CREATE FUNCTION wikiembed.read_chunks(p_source text, p_keys text[], p_attempt integer DEFAULT 0) RETURNS TABLE(key text, content text, version bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.read_chunks(p_source text, p_keys text[], p_attempt integer) IS 'The texts of those keys that still lack a vector, with the version to write with; rows that another transaction has locked are skipped and requeued. Raises WE001.';

CREATE FUNCTION wikiembed.read_documents(p_source text, p_keys text[], p_most_bytes bigint DEFAULT NULL::bigint) RETURNS TABLE(key text, title text, content text, version bigint, chunks jsonb)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.read_documents(p_source text, p_keys text[], p_most_bytes bigint) IS 'Those documents that wait to be split, with the version to write with and their present chunks; what another transaction has locked is left out. p_most_bytes: the first documents alone, in order of key, until their texts reach that size; null: all. Raises WE001.';

CREATE FUNCTION wikiembed.reconcile(p_source text DEFAULT NULL::text, p_recount boolean DEFAULT true) RETURNS TABLE(orphans_enqueued bigint, dead_jobs bigint, ledger_drift bigint, documents_enqueued bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed.reconcile(p_source text, p_recount boolean) IS 'Repairs a source, or all: queues orphaned rows and documents, drops jobs and failures of deleted rows, corrects the ledger (unless p_recount is false), rewrites triggers, detaches sources whose table or column was dropped, and keeps the chunks of those whose table of documents was. Raises WE001, WE008.';

CREATE FUNCTION wikiembed.reconciles_left(p_source text DEFAULT NULL::text) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.reconciles_left(p_source text) IS 'Number of reconciles of a source (null: of any) that a trigger queued and that wait or run: each may queue more jobs.';

CREATE FUNCTION wikiembed.record_batches(p_source text, p_id bigint, p_usage bigint[], p_again boolean DEFAULT false, p_fresh boolean[] DEFAULT '{}'::boolean[], p_buckets smallint[] DEFAULT '{}'::smallint[], p_chunks bigint[] DEFAULT '{}'::bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.record_batches(p_source text, p_id bigint, p_usage bigint[], p_again boolean, p_fresh boolean[], p_buckets smallint[], p_chunks bigint[]) IS 'Records what the requests of batches cost (requests, failed ones, texts, tokens, estimated tokens), and of their written chunks how many waited for a time of each bucket of lag_histogram, after an edit or not. With p_again only if p_id is not recorded yet. Called by workers, once a second and at their end. Raises WE010.';

CREATE FUNCTION wikiembed.record_document_failure(p_source text, p_key text, p_version bigint, p_error_class text, p_message text, p_job_id bigint DEFAULT NULL::bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed.record_document_failure(p_source text, p_key text, p_version bigint, p_error_class text, p_message text, p_job_id bigint) IS 'Records that a document with this version cannot be split; returns false when its text changed meanwhile. Raises WE001.';

CREATE FUNCTION wikiembed.record_failures(p_source text, p_keys text[], p_versions bigint[], p_error_class text, p_message text DEFAULT ''::text, p_http_status integer DEFAULT NULL::integer, p_attempts integer DEFAULT 1, p_job_id bigint DEFAULT NULL::bigint, p_state text DEFAULT 'failed'::text, p_attempt integer DEFAULT 0) RETURNS TABLE(key text, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.record_failures(p_source text, p_keys text[], p_versions bigint[], p_error_class text, p_message text, p_http_status integer, p_attempts integer, p_job_id bigint, p_state text, p_attempt integer) IS 'Records a failure of each row that is still null with that version; returns for each key: recorded, stale, locked (requeued) or gone. Raises WE001, WE010.';

CREATE FUNCTION wikiembed.record_model_check(p_source text, p_model text, p_sample integer, p_median_distance double precision, p_max_distance double precision, p_outcome text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.record_model_check(p_source text, p_model text, p_sample integer, p_median_distance double precision, p_max_distance double precision, p_outcome text) IS 'Records the result of a check of a source''s model, and deletes those of the source from before 90 days. Raises WE001.';

CREATE FUNCTION wikiembed.record_recall(p_source text, p_ef_search integer[], p_recall double precision[], p_sample integer, p_depth integer DEFAULT 10, p_filter jsonb DEFAULT NULL::jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.record_recall(p_source text, p_ef_search integer[], p_recall double precision[], p_sample integer, p_depth integer, p_filter jsonb) IS 'Stores the recall that was measured for values of hnsw.ef_search, in place of the previous measurement of this depth and filter; doctor warns when it is low. Raises WE001.';

CREATE FUNCTION wikiembed.record_truncation_check(p_source text, p_server text, p_model text, p_outcome text, p_from_chars integer, p_checked_chars integer) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.record_truncation_check(p_source text, p_server text, p_model text, p_outcome text, p_from_chars integer, p_checked_chars integer) IS 'Records the result of a check for silent truncation: outcome silent (from p_from_chars on), refused, whole or unanswered, and how many characters were tried; for every source of that server and model. Raises WE001.';

CREATE FUNCTION wikiembed.register_worker(p_worker_id bigint, p_process_id uuid, p_host text, p_pid integer, p_version text, p_model text, p_started_at timestamp with time zone, p_node text DEFAULT NULL::text, p_actor text DEFAULT NULL::text) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.register_worker(p_worker_id bigint, p_process_id uuid, p_host text, p_pid integer, p_version text, p_model text, p_started_at timestamp with time zone, p_node text, p_actor text) IS 'Records the process of a registration of procrastinate''s; false when no such registration exists. Called by each worker at its start and after each reconnect.';

CREATE FUNCTION wikiembed.release_jobs(p_worker_id bigint, p_job_ids bigint[]) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.release_jobs(p_worker_id bigint, p_job_ids bigint[]) IS 'Requeues a worker''s jobs in state doing; returns the number.';

CREATE FUNCTION wikiembed.report_limit(p_server text, p_model text, p_requests integer, p_tokens bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.report_limit(p_server text, p_model text, p_requests integer, p_tokens bigint) IS 'Records the requests and tokens a minute that a server states in its responses; null: it states none. Called by workers when these change.';

CREATE FUNCTION wikiembed.report_outage(p_server text, p_since_s double precision, p_error_class text, p_http_status integer DEFAULT NULL::integer, p_reason text DEFAULT ''::text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.report_outage(p_server text, p_since_s double precision, p_error_class text, p_http_status integer, p_reason text) IS 'Records that a server has been out of reach for p_since_s seconds: opens a row, refreshes the open one, or reopens one of the same class that ended less than 60 s before; returns its id.';

CREATE FUNCTION wikiembed.report_requests(p_worker_id bigint, p_requests jsonb) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.report_requests(p_worker_id bigint, p_requests jsonb) IS 'Records what a worker process has in flight; see workers.requests. Called with a heartbeat, when it has changed.';

CREATE FUNCTION wikiembed.requeue_documents(p_source text, p_keys text[], p_attempt integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed.requeue_documents(p_source text, p_keys text[], p_attempt integer) IS 'Requeues those documents that wait to be split, with a backoff that grows with each attempt to 300 s; returns their number. Raises WE001.';

CREATE FUNCTION wikiembed.rescue_jobs(p_heartbeat_s double precision DEFAULT 30, p_hard_limit_s double precision DEFAULT 1800) RETURNS TABLE(rescued bigint, split bigint, lost bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.rescue_jobs(p_heartbeat_s double precision, p_hard_limit_s double precision) IS 'Requeues the jobs of workers without a heartbeat and jobs that run too long (s); splits a job at its third rescue; returns the number of each.';

CREATE FUNCTION wikiembed.reserve_budget(p_source text, p_id bigint, p_tokens bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.reserve_budget(p_source text, p_id bigint, p_tokens bigint) IS 'Reserves tokens of a source''s budgets for a batch that is about to be sent. Where they do not suffice, with what is used and in flight, returns null while a batch in flight may leave some of what it has reserved; else pauses the source until the period ends and returns false. p_id: the id of the batch''s job times 2^20, plus a random number below that. Called by workers. Raises WE001, WE010.';

CREATE FUNCTION wikiembed.resplit(p_source text, p_splitter text DEFAULT NULL::text, p_max_chars integer DEFAULT NULL::integer, p_overlap_chars integer DEFAULT NULL::integer, p_context text DEFAULT NULL::text, p_max_tokens integer DEFAULT NULL::integer, p_force boolean DEFAULT false) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET lock_timeout TO '10s'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed.resplit(p_source text, p_splitter text, p_max_chars integer, p_overlap_chars integer, p_context text, p_max_tokens integer, p_force boolean) IS 'Queues all documents of a source to be split again, with other options if given (null: the present one; p_max_tokens 0: no bound) and the present version of the splitter; none when neither changes, unless p_force; chunks that stay equal keep row, key and vector, and the others are found by search until their document is split. Returns the number of documents. Raises WE001, WE008, WE010, and gives up after waiting 10 s for a lock.';

CREATE FUNCTION wikiembed.resume(p_source text DEFAULT NULL::text, p_why text DEFAULT NULL::text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.resume(p_source text, p_why text) IS 'Ends the pause of a source, or of all, and notifies the workers; the action log keeps the reason; returns the number of sources that were paused. Raises WE001.';

CREATE FUNCTION wikiembed.retry_failures(p_source text, p_keys text[] DEFAULT NULL::text[], p_error_class text DEFAULT NULL::text) RETURNS TABLE(jobs bigint, chunks bigint, held bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed.retry_failures(p_source text, p_keys text[], p_error_class text) IS 'Requeues failed chunks and documents, all or those of some keys or of one class, and keeps their failures as history; returns the numbers of jobs, of both kinds, of chunks, and of failures that stayed because another transaction has locked them. Raises WE001, WE008, and WE010 for an unknown error class.';

CREATE FUNCTION wikiembed.sample_embedded(p_source text, p_chunks integer) RETURNS TABLE(key text, content text, embedding public.vector, truncated boolean, chars_kept integer)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed.sample_embedded(p_source text, p_chunks integer) IS 'At most p_chunks (1 to 1,000) chunks that have a vector, chosen at random: key, text without the prefix, vector, and whether only its beginning is embedded, of how many characters (null: not known). Reads some pages of the table; none may be found where few rows have a vector. Raises WE001.';

CREATE FUNCTION wikiembed.sample_vectors(p_source text, p_rows integer) RETURNS TABLE(key text, embedding public.vector)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.sample_vectors(p_source text, p_rows integer) IS 'Keys and vectors of random chunks, with the rights of the caller; reads about as many pages as rows. Raises WE001.';

CREATE FUNCTION wikiembed.search(p_source text, p_query public.vector DEFAULT NULL::public.vector, p_text text DEFAULT NULL::text, p_limit integer DEFAULT 10, p_filter jsonb DEFAULT NULL::jsonb, p_vector_weight double precision DEFAULT 1, p_text_weight double precision DEFAULT 1, p_per_document boolean DEFAULT false, p_switched boolean DEFAULT true) RETURNS TABLE(key text, content text, score double precision, distance double precision, vector_rank bigint, text_rank bigint, is_current boolean, document_key text, title text, heading text, "position" integer, starts_at integer, ends_at integer)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "hnsw.iterative_scan" TO 'strict_order'
    AS …;

COMMENT ON FUNCTION wikiembed.search(p_source text, p_query public.vector, p_text text, p_limit integer, p_filter jsonb, p_vector_weight double precision, p_text_weight double precision, p_per_document boolean, p_switched boolean) IS 'The chunks that fit a vector, a text or both best, with the rights of the caller. Where both find something, score is the sum of weight / 61 * share: by vector 1 for the nearest row that was found and 0 for the farthest, by text how much of the question the row has (BM25+ ÷ the weights of all words), 2 for a row of mean length with each word once; else weight / (60 + rank). distance is the cosine distance (0 to 2); is_current is false for a chunk that waits for its vector, which is found by text alone. p_filter names columns of the chunk or its document: {"tenant": 3, "language": ["en", "de"], "year": {"gte": 2000, "lt": 2010}}. p_per_document returns the best chunk of each document. p_source is the name of a source, or one that was switched to a source; p_switched false searches the source of that very name. Raises WE001, WE013.';

CREATE FUNCTION wikiembed.set_budget(p_source text, p_tokens bigint DEFAULT NULL::bigint, p_cost numeric DEFAULT NULL::numeric, p_period text DEFAULT 'day'::text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.set_budget(p_source text, p_tokens bigint, p_cost numeric, p_period text) IS 'Sets how many tokens, or how much money, a source may use per day or month (UTC); without either it removes the budget of that period. Ends a pause by that budget. Raises WE001, WE010.';

CREATE FUNCTION wikiembed.set_ef_search(p_source text, p_ef_search integer) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.set_ef_search(p_source text, p_ef_search integer) IS 'Sets the least hnsw.ef_search with which a source is searched by vector, 1 to 1,000: more finds more of the nearest chunks and takes longer; null ends it. A higher one of the session counts. Raises WE001, WE013.';

CREATE FUNCTION wikiembed.set_limit(p_server text, p_model text DEFAULT NULL::text, p_requests integer DEFAULT NULL::integer, p_tokens bigint DEFAULT NULL::bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.set_limit(p_server text, p_model text, p_requests integer, p_tokens bigint) IS 'Sets how many requests and tokens a minute all workers together send to a server, of one model or of all that have no limit of their own; what is null stays as it is. Without either it removes what was set, or else what the server stated. Workers follow within 5 s. Raises WE010.';

CREATE FUNCTION wikiembed.set_price(p_source text, p_per_million numeric, p_from date DEFAULT NULL::date, p_currency text DEFAULT NULL::text) RETURNS date
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.set_price(p_source text, p_per_million numeric, p_from date, p_currency text) IS 'Sets the price of a million tokens of a source from a day (UTC) on: by default from today, the first one for all days; null removes all its prices. Ends a pause by a budget of money, which the next batch checks again. Returns the day. Raises WE001, WE010.';

CREATE FUNCTION wikiembed.set_quantise(p_source text, p_quantise text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.set_quantise(p_source text, p_quantise text) IS 'Has a source searched by a quantised index of vectors, halfvec or binary, which `wikiembed index --quantise` has built, or again by a plain one: none. While no valid index of that kind is there, searches use a plain one, or compare every row. Forgets the recall that was measured. Raises WE001, WE013.';

CREATE FUNCTION wikiembed.set_schedule(p_source text, p_windows text[] DEFAULT NULL::text[], p_zone text DEFAULT 'UTC'::text, p_weekdays integer[] DEFAULT ARRAY[1, 2, 3, 4, 5, 6, 7]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.set_schedule(p_source text, p_windows text[], p_zone text, p_weekdays integer[]) IS 'Lets the bulk work of a source run in these windows only, such as 22:00-06:00, that begin on these weekdays (1: Monday) in a time zone; null windows: always. Rows that are written meanwhile are embedded at any time. Raises WE001, WE010.';

CREATE FUNCTION wikiembed.set_text_config(p_source text, p_config text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.set_text_config(p_source text, p_config text) IS 'Has a source searched by text with a configuration, for which `wikiembed index --text` has built the index; null ends it. Raises WE001, WE013.';

CREATE FUNCTION wikiembed.settle_budget(p_source text, p_id bigint, p_usage bigint[], p_again boolean DEFAULT false) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.settle_budget(p_source text, p_id bigint, p_usage bigint[], p_again boolean) IS 'Records what a batch used (requests, failed ones, texts, tokens, estimated tokens), and releases what it had reserved; with p_again only if that is reserved still. Called by workers after each batch of a source with a budget. Raises WE010.';

CREATE FUNCTION wikiembed.skip(p_source text, p_keys text[], p_why text DEFAULT NULL::text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET lock_timeout TO '10s'
    AS …;

COMMENT ON FUNCTION wikiembed.skip(p_source text, p_keys text[], p_why text) IS 'Marks missing chunks as skipped, all of these keys or none: they do not count as missing and no worker embeds them; returns the number of chunks, without keys that do not exist or have their vector. Raises 55P03 when another transaction has locked one for more than 10 s, WE001, WE008, WE010.';

CREATE FUNCTION wikiembed.switch(p_name text, p_to text, p_anyway boolean DEFAULT false) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '10s'
    AS …;

COMMENT ON FUNCTION wikiembed.switch(p_name text, p_to text, p_anyway boolean) IS 'Has searches for a name, that of a source or another, use source p_to from the commit on; p_to null forgets the name, so that searches for it use the source of that name, if there is one. Refuses a source that is not ready, or differs from the present one in its table, key, documents or indexes, unless p_anyway; the one that was used before need only be ready. Returns the source that was used before. Raises WE001, WE002, WE010.';

CREATE FUNCTION wikiembed.text_index(p_source text, p_config text) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.text_index(p_source text, p_config text) IS 'Returns what follows `create index … on …` in the index that search by text uses. Raises WE001, WE013.';

CREATE FUNCTION wikiembed.throughput_since(p_since timestamp with time zone, p_every interval DEFAULT '00:01:00'::interval, p_source text DEFAULT NULL::text) RETURNS TABLE(source text, begins_at timestamp with time zone, chunks bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed.throughput_since(p_since timestamp with time zone, p_every interval, p_source text) IS 'Vectors stored since a time, in steps of p_every from it; steps without any are left out. Rows older than a day are of whole hours.';

CREATE FUNCTION wikiembed.vector_index(p_source text, p_quantise text DEFAULT 'none'::text) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.vector_index(p_source text, p_quantise text) IS 'Returns what follows `create index … on …` in the index of vectors that search uses: p_quantise none has the vectors as they are, halfvec and binary less of them. Raises WE001, WE013.';

CREATE FUNCTION wikiembed.vector_indexes(p_source text) RETURNS TABLE(index_schema name, index_name name, is_valid boolean, quantise text, is_used boolean, options text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.vector_indexes(p_source text) IS 'The indexes of vectors on a source''s column: quantise is none, halfvec or binary, null for one that search cannot use; is_used is true for one that searches use now.';

CREATE FUNCTION wikiembed.write_embeddings(p_source text, p_keys text[], p_versions bigint[], p_embeddings public.vector[], p_attempt integer DEFAULT 0) RETURNS TABLE(key text, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.write_embeddings(p_source text, p_keys text[], p_versions bigint[], p_embeddings public.vector[], p_attempt integer) IS 'Stores vectors where the row is still null and its text still has the version; returns for each key: written, stale, locked (requeued) or gone. Raises WE001, WE010, WE012.';

CREATE FUNCTION wikiembed.write_splits(p_source text, p_keys text[], p_versions bigint[], p_old_documents integer[], p_old bigint[], p_documents integer[], p_ids bigint[], p_contexts text[], p_contents text[], p_headings text[], p_starts integer[], p_ends integer[]) RETURNS TABLE(key text, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.write_splits(p_source text, p_keys text[], p_versions bigint[], p_old_documents integer[], p_old bigint[], p_documents integer[], p_ids bigint[], p_contexts text[], p_contents text[], p_headings text[], p_starts integer[], p_ends integer[]) IS 'Replaces the chunks of documents whose text still has the version: p_documents and p_old_documents have the number of each chunk''s document in p_keys, p_old the ids of the present chunks. Chunks with an id keep their row, and their vector where the text is equal; null ids are inserted, other chunks deleted. Returns for each document: written, stale (read it again), locked or gone. What Postgres refuses of one document writes none. Raises WE001, WE010, WE012.';

CREATE FUNCTION wikiembed.write_truncated(p_source text, p_keys text[], p_versions bigint[], p_embeddings public.vector[], p_chars integer[], p_chars_kept integer[], p_attempt integer DEFAULT 0) RETURNS TABLE(key text, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed.write_truncated(p_source text, p_keys text[], p_versions bigint[], p_embeddings public.vector[], p_chars integer[], p_chars_kept integer[], p_attempt integer) IS 'Stores vectors of texts that were cut, as write_embeddings does, and marks those that are written in truncated_chunks; p_chars_kept is null where the server cut. Raises WE001, WE010, WE012.';

CREATE FUNCTION wikiembed_private.actor() RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.actor() IS 'Who acts: the session user, and the person named in the setting wikiembed.actor.';

CREATE FUNCTION wikiembed_private.advised_vector(p_dimensions integer) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.advised_vector(p_dimensions integer) IS 'The recommended type of a new vector column, with its schema.';

CREATE FUNCTION wikiembed_private.all_keys(p_relation regclass) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.all_keys(p_relation regclass) IS 'The keys that a table can be attached by, in words: id or tenant,number; null if it has none.';

CREATE FUNCTION wikiembed_private.array_type(p_type text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION wikiembed_private.array_type(p_type text) IS 'Returns the type in which keys of a type are compared and gathered: varchar as text.';

CREATE FUNCTION wikiembed_private.attach_wiki(p_is_split boolean) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.attach_wiki(p_is_split boolean) IS 'Makes the source of public.wiki_chunks one of documents over public.wiki_pages; p_is_split: each page is split as its text is now.';

CREATE FUNCTION wikiembed_private.backoff(p_attempt integer) RETURNS interval
    LANGUAGE sql IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION wikiembed_private.backoff(p_attempt integer) IS 'Returns how long requeued keys wait after p_attempt earlier attempts: half a second, doubled with each, at most 300 s.';

CREATE FUNCTION wikiembed_private.base_type(p_type oid) RETURNS oid
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.base_type(p_type oid) IS 'The type below a domain, or the type itself.';

CREATE FUNCTION wikiembed_private.is_paused(p_paused_at timestamp with time zone, p_resume_at timestamp with time zone) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE;

COMMENT ON FUNCTION wikiembed_private.is_paused(p_paused_at timestamp with time zone, p_resume_at timestamp with time zone) IS 'True while a source is paused and its pause has not expired.';

CREATE TABLE wikiembed.prices (
    source text NOT NULL,
    from_day date NOT NULL,
    per_million numeric NOT NULL,
    currency text NOT NULL,
    set_by text NOT NULL,
    CONSTRAINT currency_is_short CHECK (((octet_length(currency) <= 12) AND (currency !~ '[[:cntrl:]]'::text))),
    CONSTRAINT price_is_not_negative CHECK (((per_million >= (0)::numeric) AND (per_million < '1000000000'::numeric)))
);

COMMENT ON TABLE wikiembed.prices IS 'Prices of tokens of each source, for view usage; written by set_price.';

COMMENT ON COLUMN wikiembed.prices.source IS 'The source.';

COMMENT ON COLUMN wikiembed.prices.from_day IS 'First day (UTC) of the price; -infinity: all days before the next price.';

COMMENT ON COLUMN wikiembed.prices.per_million IS 'Price of a million tokens.';

COMMENT ON COLUMN wikiembed.prices.currency IS 'Its currency, as it is shown; may be empty.';

COMMENT ON COLUMN wikiembed.prices.set_by IS 'Who set it.';

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
    text_config text,
    query_prefix_pinned boolean DEFAULT false NOT NULL,
    ef_search integer,
    quantise text,
    budgeted boolean DEFAULT false NOT NULL,
    bulk_opens_at timestamp with time zone,
    bulk_closes_at timestamp with time zone,
    CONSTRAINT a_key_has_one_to_four_columns CHECK ((((cardinality(key_columns) >= 1) AND (cardinality(key_columns) <= 4)) AND (cardinality(key_types) = cardinality(key_columns)) AND (cardinality(key_attnums) = cardinality(key_columns)))),
    CONSTRAINT a_pause_names_who CHECK (((paused_at IS NULL) OR (paused_by IS NOT NULL))),
    CONSTRAINT a_text_has_one_to_eight_parts CHECK ((((cardinality(text_columns) >= 1) AND (cardinality(text_columns) <= 8)) AND (jsonb_array_length(text_paths) = cardinality(text_columns)) AND (cardinality(text_attnums) = cardinality(text_columns)))),
    CONSTRAINT batch_size_is_sane CHECK (((batch_size >= 1) AND (batch_size <= 4096))),
    CONSTRAINT dimensions_are_positive CHECK ((dimensions > 0)),
    CONSTRAINT ef_search_is_possible CHECK (((ef_search >= 1) AND (ef_search <= 1000))),
    CONSTRAINT embedding_type_is_known CHECK ((embedding_type = ANY (ARRAY['vector'::text, 'halfvec'::text]))),
    CONSTRAINT key_type_is_known CHECK ((key_type = ANY (ARRAY['smallint'::text, 'integer'::text, 'bigint'::text, 'uuid'::text, 'text'::text, 'character varying'::text, 'composite'::text]))),
    CONSTRAINT name_is_short_and_printable CHECK ((((octet_length(name) >= 1) AND (octet_length(name) <= 32)) AND (name !~ '[[:cntrl:]]'::text) AND (name = btrim(name)))),
    CONSTRAINT quantise_is_known CHECK ((quantise = ANY (ARRAY['halfvec'::text, 'binary'::text])))
);

COMMENT ON TABLE wikiembed.sources IS 'One row per attached vector column; written by attach, detach, pause, resume and the first write.';

COMMENT ON COLUMN wikiembed.sources.name IS 'Short name of the source, 1 to 32 bytes.';

COMMENT ON COLUMN wikiembed.sources.relation IS 'The table, or root of partitions, that holds the chunks.';

COMMENT ON COLUMN wikiembed.sources.key_column IS 'Column that identifies a chunk; of a composite key the first.';

COMMENT ON COLUMN wikiembed.sources.text_column IS 'Column whose text is embedded; of several the first.';

COMMENT ON COLUMN wikiembed.sources.embedding_column IS 'The vector or halfvec column; null: not embedded yet.';

COMMENT ON COLUMN wikiembed.sources.key_type IS 'Type of the key column, or composite.';

COMMENT ON COLUMN wikiembed.sources.embedding_type IS 'vector or halfvec.';

COMMENT ON COLUMN wikiembed.sources.key_attnum IS 'Column number of the key, to detect a rename.';

COMMENT ON COLUMN wikiembed.sources.text_attnum IS 'Column number of the text, to detect a rename.';

COMMENT ON COLUMN wikiembed.sources.embedding_attnum IS 'Column number of the vector, to detect a rename.';

COMMENT ON COLUMN wikiembed.sources.generation IS 'Seed of the text hash; grows with every change of model, prefix or dimensions.';

COMMENT ON COLUMN wikiembed.sources.provider IS 'The dialect of its embedding server, as WIKIEMBED_EMBEDDER; null: from the worker''s settings.';

COMMENT ON COLUMN wikiembed.sources.model IS 'Model; null until the first write pins what the settings resolved to.';

COMMENT ON COLUMN wikiembed.sources.dimensions IS 'Dimensions of the vectors.';

COMMENT ON COLUMN wikiembed.sources.document_prefix IS 'Put before each text that is stored; null: from the settings.';

COMMENT ON COLUMN wikiembed.sources.query_prefix IS 'Put before each text that is searched; null: from the settings.';

COMMENT ON COLUMN wikiembed.sources.pinned_at IS 'When the first write pinned model and prefix from a worker''s settings; null: not pinned, or fixed at attach.';

COMMENT ON COLUMN wikiembed.sources.batch_size IS 'Chunks per job, 1 to 4096.';

COMMENT ON COLUMN wikiembed.sources.queue_name IS 'The source''s queue in wikiembed_queue.';

COMMENT ON COLUMN wikiembed.sources.trigger_version IS 'Digest of the functions that generated its triggers and functions; they are regenerated when it differs.';

COMMENT ON COLUMN wikiembed.sources.written_as IS 'The names that the generated triggers and functions use; differs from the catalogue after a rename.';

COMMENT ON COLUMN wikiembed.sources.prove_function IS 'Optional function (text, vector) → boolean with which check_invariants verifies each stored vector.';

COMMENT ON COLUMN wikiembed.sources.paused_at IS 'When it was paused; null: not paused.';

COMMENT ON COLUMN wikiembed.sources.paused_by IS 'Who paused it.';

COMMENT ON COLUMN wikiembed.sources.pause_reason IS 'Why it was paused.';

COMMENT ON COLUMN wikiembed.sources.resume_at IS 'When the pause expires; null: never.';

COMMENT ON COLUMN wikiembed.sources.attached_at IS 'When it was attached.';

COMMENT ON COLUMN wikiembed.sources.prefix_pinned IS 'Whether the first write took the document prefix from a worker''s settings; a prefix set at attach, or by hand, overrides theirs.';

COMMENT ON COLUMN wikiembed.sources.held_back_at IS 'Since when reconcile does not queue the rows that existed at attach, or those that an enqueue with p_max_chunks left; null: it queues all missing rows.';

COMMENT ON COLUMN wikiembed.sources.attached_as IS 'The table''s qualified name at attach; another table that has it now has replaced this one.';

COMMENT ON COLUMN wikiembed.sources.key_columns IS 'The columns that identify a chunk together, one to four.';

COMMENT ON COLUMN wikiembed.sources.key_types IS 'Type of each column of the key.';

COMMENT ON COLUMN wikiembed.sources.key_attnums IS 'Column number of each column of the key, to detect a rename.';

COMMENT ON COLUMN wikiembed.sources.text_columns IS 'The columns whose text is embedded, joined by a blank line.';

COMMENT ON COLUMN wikiembed.sources.text_paths IS 'For each column of the text the path of a JSON field, as an array; null: the column itself.';

COMMENT ON COLUMN wikiembed.sources.text_attnums IS 'Column number of each column of the text, to detect a rename.';

COMMENT ON COLUMN wikiembed.sources.text_config IS 'Text search configuration of the index for search by text, or trigram; null: there is none. Written by set_text_config.';

COMMENT ON COLUMN wikiembed.sources.query_prefix_pinned IS 'True when query_prefix was pinned from the settings of the first worker, not set by the source itself.';

COMMENT ON COLUMN wikiembed.sources.ef_search IS 'The least hnsw.ef_search of its searches by vector, 1 to 1,000; null: that of the session. Written by set_ef_search.';

COMMENT ON COLUMN wikiembed.sources.quantise IS 'How the index of vectors that searches use is quantised: halfvec or binary; null: not at all. Written by set_quantise.';

COMMENT ON COLUMN wikiembed.sources.budgeted IS 'Whether it has a budget, which workers then reserve tokens of; written by set_budget.';

COMMENT ON COLUMN wikiembed.sources.bulk_opens_at IS 'When the window of its bulk work opened, or the next one opens; null: it has no schedule.';

COMMENT ON COLUMN wikiembed.sources.bulk_closes_at IS 'When that window closes.';

CREATE TABLE wikiembed_private.batch_ledger (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    requests bigint NOT NULL,
    failed bigint NOT NULL,
    texts bigint NOT NULL,
    tokens bigint NOT NULL,
    tokens_estimated bigint NOT NULL,
    fresh boolean[] NOT NULL,
    buckets smallint[] NOT NULL,
    chunks bigint[] NOT NULL,
    source text NOT NULL
);

ALTER TABLE ONLY wikiembed_private.batch_ledger REPLICA IDENTITY FULL;

COMMENT ON TABLE wikiembed_private.batch_ledger IS 'Cost and waiting times of the batches of the last minutes; written by record_batches, read through views usage and lag, folded by fold_batches.';

COMMENT ON COLUMN wikiembed_private.batch_ledger.id IS 'Random number of the record, by which a repeated one finds its row.';

COMMENT ON COLUMN wikiembed_private.batch_ledger.at IS 'When it was recorded: up to a second after the batches.';

COMMENT ON COLUMN wikiembed_private.batch_ledger.requests IS 'Requests to the embedding server.';

COMMENT ON COLUMN wikiembed_private.batch_ledger.failed IS 'Of these, requests without vectors as response.';

COMMENT ON COLUMN wikiembed_private.batch_ledger.texts IS 'Texts of the others.';

COMMENT ON COLUMN wikiembed_private.batch_ledger.tokens IS 'Tokens of those texts.';

COMMENT ON COLUMN wikiembed_private.batch_ledger.tokens_estimated IS 'Of these, tokens that no response counted.';

COMMENT ON COLUMN wikiembed_private.batch_ledger.fresh IS 'For each waiting time of the written chunks, whether it is that of edits.';

COMMENT ON COLUMN wikiembed_private.batch_ledger.buckets IS 'The bucket of each of these times, as in lag_histogram.';

COMMENT ON COLUMN wikiembed_private.batch_ledger.chunks IS 'For each of these, its number of chunks.';

COMMENT ON COLUMN wikiembed_private.batch_ledger.source IS 'The source.';

CREATE TABLE wikiembed_private.usage_days (
    source text NOT NULL,
    day date NOT NULL,
    requests bigint NOT NULL,
    failed bigint NOT NULL,
    texts bigint NOT NULL,
    tokens bigint NOT NULL,
    tokens_estimated bigint NOT NULL
);

COMMENT ON TABLE wikiembed_private.usage_days IS 'What workers used to embed each source, per day; written by fold_batches and settle_budget, read through view usage, deleted with the source.';

COMMENT ON COLUMN wikiembed_private.usage_days.source IS 'The source.';

COMMENT ON COLUMN wikiembed_private.usage_days.day IS 'The day, in UTC.';

COMMENT ON COLUMN wikiembed_private.usage_days.requests IS 'Requests to the embedding server.';

COMMENT ON COLUMN wikiembed_private.usage_days.failed IS 'Of these, requests without vectors as response.';

COMMENT ON COLUMN wikiembed_private.usage_days.texts IS 'Texts of the others.';

COMMENT ON COLUMN wikiembed_private.usage_days.tokens IS 'Tokens of those texts.';

COMMENT ON COLUMN wikiembed_private.usage_days.tokens_estimated IS 'Of these, tokens that no response counted.';

CREATE VIEW wikiembed.usage AS
 SELECT u.source,
    u.day,
    u.requests,
    u.failed,
    u.texts,
    u.tokens,
    u.tokens_estimated,
    p.per_million AS price_per_million,
    round((((u.tokens)::numeric * p.per_million) / (1000000)::numeric), 6) AS cost,
    p.currency
   FROM (( SELECT d.source,
            d.day,
            (sum(d.requests))::bigint AS requests,
            (sum(d.failed))::bigint AS failed,
            (sum(d.texts))::bigint AS texts,
            (sum(d.tokens))::bigint AS tokens,
            (sum(d.tokens_estimated))::bigint AS tokens_estimated
           FROM ( SELECT f.source,
                    f.day,
                    f.requests,
                    f.failed,
                    f.texts,
                    f.tokens,
                    f.tokens_estimated
                   FROM wikiembed_private.usage_days f
                UNION ALL
                 SELECT b.source,
                    ((b.at AT TIME ZONE 'UTC'::text))::date AS timezone,
                    b.requests,
                    b.failed,
                    b.texts,
                    b.tokens,
                    b.tokens_estimated
                   FROM wikiembed_private.batch_ledger b
                  WHERE (EXISTS ( SELECT
                           FROM wikiembed.sources s
                          WHERE (s.name = b.source)))) d
          GROUP BY d.source, d.day) u
     LEFT JOIN LATERAL ( SELECT q.per_million,
            q.currency
           FROM wikiembed.prices q
          WHERE ((q.source = u.source) AND (q.from_day <= u.day))
          ORDER BY q.from_day DESC
         LIMIT 1) p ON (true));

COMMENT ON VIEW wikiembed.usage IS 'What workers used to embed each source, per day (UTC): requests, texts and tokens as the servers count them, and the cost at the source''s price.';

COMMENT ON COLUMN wikiembed.usage.source IS 'The source.';

COMMENT ON COLUMN wikiembed.usage.day IS 'The day, in UTC.';

COMMENT ON COLUMN wikiembed.usage.requests IS 'Requests with texts of the source, those that failed, were repeated or probed included.';

COMMENT ON COLUMN wikiembed.usage.failed IS 'Of these, requests that the server refused, or whose response was lost.';

COMMENT ON COLUMN wikiembed.usage.texts IS 'Texts in requests that were answered, a text that was sent twice counted twice.';

COMMENT ON COLUMN wikiembed.usage.tokens IS 'Tokens of those texts.';

COMMENT ON COLUMN wikiembed.usage.tokens_estimated IS 'Of these, tokens of responses without a count, estimated at 4 bytes of UTF-8 each.';

COMMENT ON COLUMN wikiembed.usage.price_per_million IS 'Price of a million tokens that was in force that day; null: none is set.';

COMMENT ON COLUMN wikiembed.usage.cost IS 'tokens at that price; null: no price is set.';

COMMENT ON COLUMN wikiembed.usage.currency IS 'Currency of price and cost as it was set; may be empty.';

CREATE TABLE wikiembed_private.budget_reservations (
    id bigint NOT NULL,
    source text NOT NULL,
    tokens bigint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT tokens_are_not_negative CHECK ((tokens >= 0))
);

COMMENT ON TABLE wikiembed_private.budget_reservations IS 'Tokens that batches in flight will use, by an estimate; written by reserve_budget, deleted by settle_budget, or after 30 minutes.';

COMMENT ON COLUMN wikiembed_private.budget_reservations.id IS 'The id of the batch''s job times 2^20, plus a random number.';

COMMENT ON COLUMN wikiembed_private.budget_reservations.source IS 'The source.';

COMMENT ON COLUMN wikiembed_private.budget_reservations.tokens IS 'Estimated tokens of the batch.';

COMMENT ON COLUMN wikiembed_private.budget_reservations.at IS 'When it was about to be sent.';

CREATE TABLE wikiembed_private.budgets (
    source text NOT NULL,
    period text NOT NULL,
    tokens bigint,
    cost numeric,
    set_by text NOT NULL,
    set_at timestamp with time zone DEFAULT now() NOT NULL,
    reached_at timestamp with time zone,
    CONSTRAINT budget_is_of_tokens_or_money CHECK ((num_nonnulls(tokens, cost) = 1)),
    CONSTRAINT cost_is_positive CHECK ((cost > (0)::numeric)),
    CONSTRAINT period_is_known CHECK ((period = ANY (ARRAY['day'::text, 'month'::text]))),
    CONSTRAINT tokens_are_positive CHECK ((tokens > 0))
);

COMMENT ON TABLE wikiembed_private.budgets IS 'Tokens or money that a source may use per day or month; written by set_budget and reserve_budget, read through view wikiembed.budgets.';

COMMENT ON COLUMN wikiembed_private.budgets.source IS 'The source.';

COMMENT ON COLUMN wikiembed_private.budgets.period IS 'day or month, in UTC.';

COMMENT ON COLUMN wikiembed_private.budgets.tokens IS 'Tokens per period; null: the budget is of money.';

COMMENT ON COLUMN wikiembed_private.budgets.cost IS 'Money per period; null: the budget is of tokens.';

COMMENT ON COLUMN wikiembed_private.budgets.set_by IS 'Who set it.';

COMMENT ON COLUMN wikiembed_private.budgets.set_at IS 'When it was set.';

COMMENT ON COLUMN wikiembed_private.budgets.reached_at IS 'When it last paused the source: the pause''s own time, by which it is known.';

CREATE VIEW wikiembed.budgets AS
 SELECT b.source,
    b.period,
    p.begins,
    p.ends,
    b.tokens,
    b.cost,
    COALESCE(u.tokens, (0)::bigint) AS tokens_used,
    COALESCE(u.cost, (0)::numeric) AS cost_used,
    (COALESCE(f.tokens, (0)::numeric))::bigint AS tokens_in_flight,
    round(((COALESCE(f.tokens, (0)::numeric) * q.per_million) / (1000000)::numeric), 6) AS cost_in_flight,
    round(
        CASE
            WHEN (b.tokens IS NOT NULL) THEN ((COALESCE(u.tokens, (0)::bigint))::numeric / (b.tokens)::numeric)
            ELSE (COALESCE(u.cost, (0)::numeric) / b.cost)
        END, 4) AS share_used,
    COALESCE(((b.reached_at = s.paused_at) AND wikiembed_private.is_paused(s.paused_at, s.resume_at)), false) AS reached,
    q.per_million AS price_per_million,
    q.currency,
    b.set_by,
    b.set_at
   FROM (((((wikiembed_private.budgets b
     JOIN wikiembed.sources s ON ((s.name = b.source)))
     CROSS JOIN LATERAL ( SELECT (date_trunc(b.period, c.at))::date AS begins,
            ((date_trunc(b.period, c.at) + (('1 '::text || b.period))::interval) AT TIME ZONE 'UTC'::text) AS ends
           FROM ( SELECT (clock_timestamp() AT TIME ZONE 'UTC'::text) AS at) c) p)
     LEFT JOIN LATERAL ( SELECT (sum(g.tokens))::bigint AS tokens,
            round((sum(((g.tokens)::numeric * g.price_per_million)) / (1000000)::numeric), 6) AS cost
           FROM wikiembed.usage g
          WHERE ((g.source = b.source) AND (g.day >= p.begins))) u ON (true))
     LEFT JOIN LATERAL ( SELECT sum(r.tokens) AS tokens
           FROM wikiembed_private.budget_reservations r
          WHERE ((r.source = b.source) AND (r.at > (clock_timestamp() - '00:30:00'::interval)))) f ON (true))
     LEFT JOIN LATERAL ( SELECT c.per_million,
            c.currency
           FROM wikiembed.prices c
          WHERE ((c.source = b.source) AND (c.from_day <= ((now() AT TIME ZONE 'UTC'::text))::date))
          ORDER BY c.from_day DESC
         LIMIT 1) q ON (true));

COMMENT ON VIEW wikiembed.budgets IS 'The budgets of sources, and what is used of them in the present day or month, in UTC.';

COMMENT ON COLUMN wikiembed.budgets.source IS 'The source.';

COMMENT ON COLUMN wikiembed.budgets.period IS 'day or month.';

COMMENT ON COLUMN wikiembed.budgets.begins IS 'First day of the present period.';

COMMENT ON COLUMN wikiembed.budgets.ends IS 'When the present period ends, and a source that reached its budget continues.';

COMMENT ON COLUMN wikiembed.budgets.tokens IS 'Tokens that a period may use; null: the budget is of money.';

COMMENT ON COLUMN wikiembed.budgets.cost IS 'Money that a period may use, at the source''s price; null: the budget is of tokens.';

COMMENT ON COLUMN wikiembed.budgets.tokens_used IS 'Tokens of the present period.';

COMMENT ON COLUMN wikiembed.budgets.cost_used IS 'Their cost; 0 without a price.';

COMMENT ON COLUMN wikiembed.budgets.tokens_in_flight IS 'Tokens that batches in flight have reserved, by an estimate.';

COMMENT ON COLUMN wikiembed.budgets.cost_in_flight IS 'Their cost; null without a price.';

COMMENT ON COLUMN wikiembed.budgets.share_used IS 'Used share of the budget, without batches in flight: 1 is all of it.';

COMMENT ON COLUMN wikiembed.budgets.reached IS 'True while the source is paused because of this budget.';

COMMENT ON COLUMN wikiembed.budgets.price_per_million IS 'Present price of a million tokens; null: none is set.';

COMMENT ON COLUMN wikiembed.budgets.currency IS 'Currency of the price; may be empty.';

COMMENT ON COLUMN wikiembed.budgets.set_by IS 'Who set the budget.';

COMMENT ON COLUMN wikiembed.budgets.set_at IS 'When it was set.';

CREATE FUNCTION wikiembed_private.budget_reason(p_budget wikiembed.budgets) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.budget_reason(p_budget wikiembed.budgets) IS 'Why a source that has reached its budget is paused, as a clause.';

CREATE FUNCTION wikiembed_private.check_chunk_table(p_documents wikiembed.sources, p_chunks regclass, p_constraints boolean, p_keys name[] DEFAULT NULL::name[]) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.check_chunk_table(p_documents wikiembed.sources, p_chunks regclass, p_constraints boolean, p_keys name[]) IS 'Raises WE006 for a table that cannot hold the chunks of these documents: what it lacks, and how to add it. p_keys: its columns that hold the key of the document; null: document_ and the name of each.';

CREATE FUNCTION wikiembed_private.check_document_options(p_splitter text, p_max_chars integer, p_overlap_chars integer, p_context text, p_embedding_type text, p_max_tokens integer) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.check_document_options(p_splitter text, p_max_chars integer, p_overlap_chars integer, p_context text, p_embedding_type text, p_max_tokens integer) IS 'Raises WE010 for options of documents that are not valid.';

CREATE FUNCTION wikiembed_private.check_embedding(p_relation regclass, p_column pg_attribute, p_dimensions integer, OUT embedding_type text, OUT dimensions integer) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.check_embedding(p_relation regclass, p_column pg_attribute, p_dimensions integer, OUT embedding_type text, OUT dimensions integer) IS 'Type and dimensions of the vector column; raises WE007 when it cannot hold vectors.';

CREATE FUNCTION wikiembed_private.check_key(p_relation regclass, p_column pg_attribute, p_alone boolean DEFAULT true) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.check_key(p_relation regclass, p_column pg_attribute, p_alone boolean) IS 'The type of a column of a key; raises WE005 when it cannot be one, or when it is to identify a row alone and does not.';

CREATE FUNCTION wikiembed_private.check_keys(p_source wikiembed.sources, p_keys name[]) RETURNS wikiembed.sources
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.check_keys(p_source wikiembed.sources, p_keys name[]) IS 'The row of a source with its key; raises WE005 or WE006 when the columns do not identify a row.';

CREATE FUNCTION wikiembed_private.check_name(p_name text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.check_name(p_name text) IS 'Raises WE002 for a source name that is too long or not printable.';

CREATE FUNCTION wikiembed_private.check_relation(p_relation regclass) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.check_relation(p_relation regclass) IS 'Raises WE004 for a relation that is not an ordinary or partitioned table, or that Citus manages.';

CREATE FUNCTION wikiembed_private.check_rights(p_relation regclass) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.check_rights(p_relation regclass) IS 'Raises WE004 or WE009 when the owner of wikiembed does not own the whole table, or may not read and write it.';

CREATE FUNCTION wikiembed_private.check_source(p_relation regclass, p_keys name[], p_texts text[], p_embedding name, p_name text, p_provider text, p_model text, p_dimensions integer, p_document_prefix text, p_query_prefix text, p_batch_size integer) RETURNS wikiembed.sources
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.check_source(p_relation regclass, p_keys name[], p_texts text[], p_embedding name, p_name text, p_provider text, p_model text, p_dimensions integer, p_document_prefix text, p_query_prefix text, p_batch_size integer) IS 'The row that attach would write; raises WE004 to WE010 for what it refuses.';

CREATE FUNCTION wikiembed_private.check_text(p_relation regclass, p_column pg_attribute) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.check_text(p_relation regclass, p_column pg_attribute) IS 'Raises WE006 for a text column that is generated or not of a text type.';

CREATE FUNCTION wikiembed_private.check_texts(p_source wikiembed.sources, p_texts text[]) RETURNS wikiembed.sources
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.check_texts(p_source wikiembed.sources, p_texts text[]) IS 'The row of a source with the parts of its text; raises WE006 for what holds no text.';

CREATE FUNCTION wikiembed_private.check_unattached(p_relation regclass, p_embedding name, p_name text, p_replaces boolean) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.check_unattached(p_relation regclass, p_embedding name, p_name text, p_replaces boolean) IS 'Raises WE003 when a source has the name or it was switched to one, unless it is to be replaced, or when another source has the column.';

CREATE FUNCTION wikiembed_private.check_usage(p_usage bigint[]) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.check_usage(p_usage bigint[]) IS 'Raises WE010 if it is not requests, failed ones, texts, tokens and estimated tokens.';

CREATE FUNCTION wikiembed_private.chunk_key(p_name text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.chunk_key(p_name text) IS 'SQL of the key of a chunk''s document as text; the chunk table is named c.';

CREATE FUNCTION wikiembed_private.chunk_key_columns(p_name text) RETURNS name[]
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.chunk_key_columns(p_name text) IS 'Columns of a source''s chunk table that hold the key of the document, in the order of the key.';

CREATE FUNCTION wikiembed_private.chunk_table_fault(p_name text, OUT message text, OUT advice text) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.chunk_table_fault(p_name text, OUT message text, OUT advice text) IS 'What the chunk table of a source of documents lacks now, and what to do; null: nothing, or one of its tables was dropped.';

CREATE FUNCTION wikiembed_private.chunk_table_name(p_documents regclass, p_chunks text) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.chunk_table_name(p_documents regclass, p_chunks text) IS 'The qualified name of a chunk table, by default in the schema of its documents; raises WE010.';

CREATE FUNCTION wikiembed_private.chunks_of_document(p_source text, p_document text) RETURNS text[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.chunks_of_document(p_source text, p_document text) IS 'The keys of the chunks of a document; none where the source has no documents.';

CREATE FUNCTION wikiembed_private.chunks_of_job(p_task text, p_args jsonb) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION wikiembed_private.chunks_of_job(p_task text, p_args jsonb) IS 'The number of chunks that a job embeds; 0 for other tasks and malformed arguments.';

CREATE FUNCTION wikiembed_private.citus_advice(p_relation regclass) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.citus_advice(p_relation regclass) IS 'How a table that Citus manages becomes a plain one.';

CREATE FUNCTION wikiembed_private.citus_kind(p_relation regclass) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.citus_kind(p_relation regclass) IS 'How Citus manages a table: distributed, reference, single shard (a table of a distributed schema) or local; null when it does not, or is not installed.';

CREATE FUNCTION wikiembed_private.citus_table_of(p_source wikiembed.sources) RETURNS regclass
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.citus_table_of(p_source wikiembed.sources) IS 'The table of a source that Citus has managed since it was attached, which workers cannot read; null: none.';

CREATE FUNCTION wikiembed_private.column_condition(p_alias text, p_column pg_attribute, p_value jsonb) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.column_condition(p_alias text, p_column pg_attribute, p_value jsonb) IS 'Returns the SQL condition that a column equals a value, is one of a list, lies within a range, or contains an object. Raises WE013.';

CREATE FUNCTION wikiembed_private.compared(p_expression text, p_type text, p_column pg_attribute, p_strategy integer, p_value jsonb) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.compared(p_expression text, p_type text, p_column pg_attribute, p_strategy integer, p_value jsonb) IS 'Returns the SQL comparison of a column with a value, by the number of a btree strategy. Raises WE013.';

CREATE FUNCTION wikiembed_private.comparison(p_type oid, p_strategy integer) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.comparison(p_type oid, p_strategy integer) IS 'Returns the comparison operator of a type, with its schema; null when the type has no order.';

CREATE FUNCTION wikiembed_private.copy_vectors(p_former wikiembed.sources, p_source wikiembed.sources) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.copy_vectors(p_former wikiembed.sources, p_source wikiembed.sources) IS 'Copies the vectors of a source that is moved to rows of the same key and text; returns the number of rows.';

CREATE FUNCTION wikiembed_private.correct_ledger(p_name text) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.correct_ledger(p_name text) IS 'Corrects the ledger''s sums to the counts of the table; returns the sum of the differences.';

CREATE FUNCTION wikiembed_private.correct_queue(p_queue text) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.correct_queue(p_queue text) IS 'Corrects the sums of a queue''s jobs and chunks to their numbers, after changes that bypassed the triggers.';

CREATE FUNCTION wikiembed_private.cost_tables() RETURNS regclass[]
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.cost_tables() IS 'The tables with rows that move with their source: usage, lag, prices, budgets, schedule.';

CREATE FUNCTION wikiembed_private.costs_of(p_source text) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.costs_of(p_source text) IS 'The rows of a source in cost_tables(), as restore_costs takes them.';

CREATE FUNCTION wikiembed_private.count_deleted_jobs() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.count_deleted_jobs() IS 'Subtracts deleted jobs from the sums of their queues.';

CREATE FUNCTION wikiembed_private.count_document_violations(p_source wikiembed.sources) RETURNS bigint[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.count_document_violations(p_source wikiembed.sources) IS 'The number of documents of one source, and of chunks without one, that violate each invariant of documents.';

CREATE FUNCTION wikiembed_private.count_documents(p_source text, OUT total bigint, OUT split bigint, OUT chunks bigint) RETURNS record
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.count_documents(p_source text, OUT total bigint, OUT split bigint, OUT chunks bigint) IS 'Counts the documents of a source; reads its table of states.';

CREATE FUNCTION wikiembed_private.count_failures() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.count_failures() IS 'Writes the change of failed and skipped counts to the ledger.';

CREATE FUNCTION wikiembed_private.count_jobs(p_queue text, OUT todo bigint, OUT doing bigint, OUT oldest_todo_s numeric, OUT scheduled_later bigint) RETURNS record
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_sort TO 'off'
    SET plan_cache_mode TO 'force_generic_plan'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.count_jobs(p_queue text, OUT todo bigint, OUT doing bigint, OUT oldest_todo_s numeric, OUT scheduled_later bigint) IS 'The number of jobs of a queue, with the age of the oldest that could begin (s); for view queue.';

CREATE FUNCTION wikiembed_private.count_truncated_jobs() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.count_truncated_jobs() IS 'Sets the sums of all queues to 0.';

CREATE FUNCTION wikiembed_private.count_violations(p_source wikiembed.sources) RETURNS bigint[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.count_violations(p_source wikiembed.sources) IS 'The number of rows of one source that violate each invariant except that of the queue, the fifth.';

CREATE FUNCTION wikiembed_private.create_chunk_table(p_documents wikiembed.sources, p_chunks text, p_embedding_type text, p_dimensions integer) RETURNS regclass
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.create_chunk_table(p_documents wikiembed.sources, p_chunks text, p_embedding_type text, p_dimensions integer) IS 'The chunk table of documents: created, or the one of that name if it has the shape. Raises WE006, WE010.';

CREATE FUNCTION wikiembed_private.create_deltas(p_source text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.create_deltas(p_source text) IS 'Creates the table of a source''s ledger rows that are not folded yet, unless it exists.';

CREATE FUNCTION wikiembed_private.create_missing_index(p_name text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.create_missing_index(p_name text) IS 'Creates the partial index on rows without a vector, unless a valid one exists.';

CREATE FUNCTION wikiembed_private.damaged_documents(p_name text) RETURNS SETOF text
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.damaged_documents(p_name text) IS 'Keys of the split documents whose chunks are not their text: altered by hand, lost or doubled. Reads both tables.';

CREATE FUNCTION wikiembed_private.declared_dimensions(p_source wikiembed.sources) RETURNS integer
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.declared_dimensions(p_source wikiembed.sources) IS 'Returns the dimensions that a source''s embedding column declares; -1: none.';

CREATE FUNCTION wikiembed_private.dense_letters() RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp';

COMMENT ON FUNCTION wikiembed_private.dense_letters() IS 'Regular expression of one letter of a script that is written without spaces, and of Hangul.';

CREATE FUNCTION wikiembed_private.dimensions_advice(p_relation regclass, p_column name, p_dimensions integer) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.dimensions_advice(p_relation regclass, p_column name, p_dimensions integer) IS 'A hint how a table gets a vector column of other dimensions: the column itself while it is empty, else another. Raises WE004.';

CREATE FUNCTION wikiembed_private.dimensions_of(p_vector public.vector) RETURNS integer
    LANGUAGE sql IMMUTABLE;

COMMENT ON FUNCTION wikiembed_private.dimensions_of(p_vector public.vector) IS 'The dimensions of a vector, whatever pgvector''s schema.';

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
    max_tokens integer,
    splitter_version integer DEFAULT 1 NOT NULL,
    CONSTRAINT a_title_has_a_number CHECK (((title_column IS NULL) = (title_attnum IS NULL))),
    CONSTRAINT context_is_known CHECK ((context = ANY (ARRAY['none'::text, 'title'::text, 'heading'::text, 'title_heading'::text]))),
    CONSTRAINT max_chars_is_sane CHECK (((max_chars >= 32) AND (max_chars <= 1000000))),
    CONSTRAINT max_tokens_is_sane CHECK (((max_tokens >= 8) AND (max_tokens <= 1000000))),
    CONSTRAINT overlap_is_at_most_a_quarter CHECK (((overlap_chars >= 0) AND (overlap_chars <= (max_chars / 4)))),
    CONSTRAINT splitter_is_known CHECK ((splitter = ANY (ARRAY['text'::text, 'markdown'::text, 'html'::text])))
);

COMMENT ON TABLE wikiembed.document_sources IS 'One row per source whose chunks are split from documents; written by attach_documents.';

COMMENT ON COLUMN wikiembed.document_sources.source IS 'The source of the chunks.';

COMMENT ON COLUMN wikiembed.document_sources.relation IS 'The table of documents.';

COMMENT ON COLUMN wikiembed.document_sources.key_columns IS 'The columns that identify a document together.';

COMMENT ON COLUMN wikiembed.document_sources.key_types IS 'Type of each column of the key.';

COMMENT ON COLUMN wikiembed.document_sources.key_attnums IS 'Column number of each column of the key.';

COMMENT ON COLUMN wikiembed.document_sources.text_columns IS 'The columns whose text is split, joined by a blank line.';

COMMENT ON COLUMN wikiembed.document_sources.text_paths IS 'For each column of the text the path of a JSON field; null: the column itself.';

COMMENT ON COLUMN wikiembed.document_sources.text_attnums IS 'Column number of each column of the text.';

COMMENT ON COLUMN wikiembed.document_sources.title_column IS 'The column of the title; null: none.';

COMMENT ON COLUMN wikiembed.document_sources.title_attnum IS 'Column number of the title.';

COMMENT ON COLUMN wikiembed.document_sources.splitter IS 'text, markdown or html.';

COMMENT ON COLUMN wikiembed.document_sources.max_chars IS 'Most characters of a chunk, without its context.';

COMMENT ON COLUMN wikiembed.document_sources.overlap_chars IS 'Characters that a chunk repeats of the one before.';

COMMENT ON COLUMN wikiembed.document_sources.context IS 'What precedes a chunk when it is embedded: none, title, heading or title_heading.';

COMMENT ON COLUMN wikiembed.document_sources.generation IS 'Seed of the hash of documents; grows with every change of the options.';

COMMENT ON COLUMN wikiembed.document_sources.trigger_version IS 'Digest of the functions that generated its triggers.';

COMMENT ON COLUMN wikiembed.document_sources.written_as IS 'The names that the generated functions use.';

COMMENT ON COLUMN wikiembed.document_sources.max_tokens IS 'Most tokens of a chunk, without its context; null: no bound.';

COMMENT ON COLUMN wikiembed.document_sources.splitter_version IS 'Version of the splitter that its documents are split by, since attach or the last resplit.';

CREATE FUNCTION wikiembed_private.document_columns(p_row wikiembed.sources) RETURNS wikiembed.document_sources
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.document_columns(p_row wikiembed.sources) IS 'A row of document_sources with the table, key and texts that check_keys and check_texts found, and nothing else.';

CREATE FUNCTION wikiembed_private.document_names(p_name text) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.document_names(p_name text) IS 'The names that templates of documents use besides those of a source.';

CREATE FUNCTION wikiembed_private.document_names_current(p_name text) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.document_names_current(p_name text) IS 'True when the triggers of a source''s documents use the present names of tables and columns; null when it has none.';

CREATE FUNCTION wikiembed_private.document_row(p_name text) RETURNS wikiembed.sources
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.document_row(p_name text) IS 'The documents of a source in the shape of a source, for render_template; null when it has none.';

CREATE FUNCTION wikiembed_private.document_tree_current(p_name text) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.document_tree_current(p_name text) IS 'True when the table of a source''s documents and every partition of it, and no other, have their triggers; null when it has none.';

CREATE FUNCTION wikiembed_private.document_trigger_version() RETURNS integer
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.document_trigger_version() IS 'Digest of the functions that generate the triggers of documents, and of whether these look for altered columns.';

CREATE FUNCTION wikiembed_private.document_triggers_current(p_name text) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.document_triggers_current(p_name text) IS 'True when every trigger of a source''s documents exists, is enabled, and has this version and the present names; null when it has none.';

CREATE FUNCTION wikiembed_private.document_triggers_of(p_name text) RETURNS TABLE(relation regclass, trigger name, enabled boolean)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.document_triggers_of(p_name text) IS 'The triggers of a source''s documents, on any table, and whether each is enabled.';

CREATE FUNCTION wikiembed_private.documents_gone(p_name text) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.documents_gone(p_name text) IS 'True when a source''s table of documents, or a column of it that is used, was dropped; null when it has none.';

CREATE FUNCTION wikiembed_private.documents_per_job() RETURNS integer
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.documents_per_job() IS 'Number of documents that are queued in one job at most.';

CREATE FUNCTION wikiembed_private.documents_written_as(p_name text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.documents_written_as(p_name text) IS 'The names that a source''s generated functions of documents depend on.';

CREATE FUNCTION wikiembed_private.drop_deltas(p_source text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.drop_deltas(p_source text) IS 'Drops the table that create_deltas made, unless another transaction has locked it.';

CREATE FUNCTION wikiembed_private.drop_orphan_triggers(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.drop_orphan_triggers(p_source wikiembed.sources) IS 'Drops a source''s triggers from tables that are no longer its partitions.';

CREATE FUNCTION wikiembed_private.drop_orphans() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.drop_orphans() IS 'Drops jobs, ledger rows, records of batches, history of throughput and failures, and tables of deltas of sources that do not exist; returns the number of jobs.';

CREATE FUNCTION wikiembed_private.end_document_failures(p_source text, p_keys text[], p_how text) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.end_document_failures(p_source text, p_keys text[], p_how text) IS 'Ends failures of documents of a source, of all where p_keys is null, and keeps them as history; returns their number.';

CREATE FUNCTION wikiembed_private.end_failures(p_places tid[], p_how text, p_cured text[] DEFAULT NULL::text[]) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.end_failures(p_places tid[], p_how text, p_cured text[]) IS 'Deletes failures that the caller has locked and keeps them as history, those of the keys p_cured as cured; returns their number.';

CREATE FUNCTION wikiembed_private.enforce_pause() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.enforce_pause() IS 'Refuses todo → doing for jobs of a paused source, and for bulk work outside of its windows; records when a job begins; refuses to abort a waiting job; counts jobs that become scheduled or failed.';

CREATE FUNCTION wikiembed_private.enqueue_documents(p_source text, p_most bigint, p_dry_run boolean, OUT jobs bigint, OUT documents bigint) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.enqueue_documents(p_source text, p_most bigint, p_dry_run boolean, OUT jobs bigint, OUT documents bigint) IS 'Queues the documents of a source that wait in no job and in no failure; returns the numbers of jobs and documents.';

CREATE FUNCTION wikiembed_private.error_classes() RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION wikiembed_private.error_classes() IS 'Returns the error classes that wikiembed writes into failures.';

CREATE FUNCTION wikiembed_private.estimated_size(p_relation regclass) RETURNS double precision
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.estimated_size(p_relation regclass) IS 'The number of rows that a table and its partitions had when they were last analysed; 0 if they never were.';

CREATE FUNCTION wikiembed_private.fail_wiki(p_keys text[], p_versions bigint[], p_error_class text, p_message text, p_http_status integer, p_attempts integer, p_job_id bigint, p_state text, p_attempt integer) RETURNS TABLE(key text, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET lock_timeout TO '2s'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.fail_wiki(p_keys text[], p_versions bigint[], p_error_class text, p_message text, p_http_status integer, p_attempts integer, p_job_id bigint, p_state text, p_attempt integer) IS 'Written by write_triggers for source wiki.';

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

COMMENT ON TABLE wikiembed.failures IS 'Chunks that are not embedded, with the reason; written by record_failures, retry_failures, skip and the triggers.';

COMMENT ON COLUMN wikiembed.failures.source IS 'The source.';

COMMENT ON COLUMN wikiembed.failures.key IS 'The chunk''s key, as text.';

COMMENT ON COLUMN wikiembed.failures.state IS 'failed (still missing) or skipped (it does not count as missing).';

COMMENT ON COLUMN wikiembed.failures.error_class IS 'Stable name of the kind of failure, as in docs/reference.';

COMMENT ON COLUMN wikiembed.failures.http_status IS 'Status of the embedding server''s last response, where there was one.';

COMMENT ON COLUMN wikiembed.failures.message IS 'One sentence; never the chunk''s text.';

COMMENT ON COLUMN wikiembed.failures.attempts IS 'Attempts to embed this chunk alone.';

COMMENT ON COLUMN wikiembed.failures.first_at IS 'When it failed first.';

COMMENT ON COLUMN wikiembed.failures.last_at IS 'When it failed last.';

COMMENT ON COLUMN wikiembed.failures.job_id IS 'The job that recorded it.';

CREATE FUNCTION wikiembed_private.failures_moved(p_former wikiembed.sources, p_source wikiembed.sources) RETURNS wikiembed.failures[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.failures_moved(p_former wikiembed.sources, p_source wikiembed.sources) IS 'The failures of a source that is moved whose rows have the same key and text in both tables.';

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

COMMENT ON COLUMN wikiembed_queue.procrastinate_jobs.queued_at IS 'When the job was queued; wikiembed''s own column.';

COMMENT ON COLUMN wikiembed_queue.procrastinate_jobs.started_at IS 'When a worker last began the job; wikiembed''s own column, written by its pause gate.';

CREATE FUNCTION wikiembed_private.fetch_jobs(p_queues character varying[], p_upkeep boolean, p_worker_id bigint, p_most_jobs integer DEFAULT 1, p_most_chunks integer DEFAULT NULL::integer) RETURNS SETOF wikiembed_queue.procrastinate_jobs
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_sort TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.fetch_jobs(p_queues character varying[], p_upkeep boolean, p_worker_id bigint, p_most_jobs integer, p_most_chunks integer) IS 'Fetches up to a number of jobs in order, from the given queues (null: all) without the paused ones and without bulk work outside of its windows, with up to a number of chunks together, but at least one job.';

CREATE FUNCTION wikiembed_private.filter_condition(p_source text, p_filter jsonb) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.filter_condition(p_source text, p_filter jsonb) IS 'Returns the SQL condition of a filter, of a chunk named t, beginning with and. Raises WE013.';

CREATE FUNCTION wikiembed_private.find_column(p_relation regclass, p_name name, p_attnum smallint DEFAULT NULL::smallint) RETURNS pg_attribute
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.find_column(p_relation regclass, p_name name, p_attnum smallint) IS 'The catalogue row of a column, by name, else by number; raises WE006 when there is none.';

CREATE FUNCTION wikiembed_private.find_source(p_source text) RETURNS wikiembed.sources
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.find_source(p_source text) IS 'The row of a source, not locked; raises WE001 when there is none.';

CREATE FUNCTION wikiembed_private.finish_jobs(p_job_ids bigint[]) RETURNS bigint[]
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.finish_jobs(p_job_ids bigint[]) IS 'Deletes those of these jobs that are todo or doing; returns their ids.';

CREATE FUNCTION wikiembed_private.fitting_rows(p_statement text[], p_filter text) RETURNS double precision
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET max_parallel_workers_per_gather TO '0'
    AS …;

COMMENT ON FUNCTION wikiembed_private.fitting_rows(p_statement text[], p_filter text) IS 'How many rows the planner expects to fit a filter, of those that the caller may see; 1 at least. p_statement is a statement of search_by_vector.';

CREATE FUNCTION wikiembed_private.fold_batches() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.fold_batches() IS 'Folds rows of batches that are older than 3 minutes to one per source and day, and their waits to histograms per source and hour; drops histograms older than 90 days; returns the number of rows folded.';

CREATE FUNCTION wikiembed_private.fold_queue() RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.fold_queue() IS 'Folds the rows of queue_ledger to one per queue.';

CREATE FUNCTION wikiembed_private.follow_batch_size() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.follow_batch_size() IS 'Regenerates a source''s insert trigger with its present batch size.';

CREATE FUNCTION wikiembed_private.follow_document_renames(p_name text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.follow_document_renames(p_name text) IS 'Updates the column names of a source''s documents after a rename. Raises WE006 when one was dropped.';

CREATE FUNCTION wikiembed_private.follow_renames(p_name text) RETURNS wikiembed.sources
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.follow_renames(p_name text) IS 'Updates a source''s column names after a rename; returns its row.';

CREATE FUNCTION wikiembed_private.follows_ddl() RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.follows_ddl() IS 'True while an event trigger follows renamed and dropped columns; only a superuser can create it.';

CREATE FUNCTION wikiembed_private.forget_failures(p_source text, p_keys text[], p_how text, p_cured text[] DEFAULT NULL::text[]) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.forget_failures(p_source text, p_keys text[], p_how text, p_cured text[]) IS 'Ends the failures of these keys, locked in key order, and keeps them as history, those of the keys p_cured as cured; returns their number.';

CREATE FUNCTION wikiembed_private.forget_truncated(p_source text, p_keys text[]) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.forget_truncated(p_source text, p_keys text[]) IS 'Deletes the marks of chunks that are no longer truncated, locked in key order; returns the number of them.';

CREATE FUNCTION wikiembed_private.free_column(p_relation regclass, p_name text) RETURNS name
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.free_column(p_relation regclass, p_name text) IS 'An unused name for a new column of a table.';

CREATE FUNCTION wikiembed_private.generate_document_triggers(p_name text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.generate_document_triggers(p_name text) IS 'Generates the functions of a document table''s triggers.';

CREATE FUNCTION wikiembed_private.generate_fail(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.generate_fail(p_source wikiembed.sources) IS 'Generates the function that records a source''s failures.';

CREATE FUNCTION wikiembed_private.generate_idle_document_triggers(p_name text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.generate_idle_document_triggers(p_name text) IS 'Makes the triggers of a source''s documents only queue a reconcile.';

CREATE FUNCTION wikiembed_private.generate_nearest(p_source wikiembed.sources, p_more jsonb, p_title text, p_join text, p_function text, p_parameters text, p_nearest text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.generate_nearest(p_source wikiembed.sources, p_more jsonb, p_title text, p_join text, p_function text, p_parameters text, p_nearest text) IS 'Generates a function that returns the rows of p_nearest, a template of the rows nearest to p_query, as hits; p_parameters are more parameters than p_query, p_limit, p_weight and p_titled.';

CREATE FUNCTION wikiembed_private.generate_null_stale(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.generate_null_stale(p_source wikiembed.sources) IS 'Generates the function of a source''s row trigger.';

CREATE FUNCTION wikiembed_private.generate_on_delete(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.generate_on_delete(p_source wikiembed.sources) IS 'Generates the function of a source''s delete trigger.';

CREATE FUNCTION wikiembed_private.generate_on_insert(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.generate_on_insert(p_source wikiembed.sources) IS 'Generates the function of a source''s insert trigger.';

CREATE FUNCTION wikiembed_private.generate_on_truncate(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.generate_on_truncate(p_source wikiembed.sources) IS 'Generates the function of a source''s truncate trigger.';

CREATE FUNCTION wikiembed_private.generate_on_update(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.generate_on_update(p_source wikiembed.sources) IS 'Generates the function of a source''s update trigger.';

CREATE FUNCTION wikiembed_private.generate_outcomes(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.generate_outcomes(p_source wikiembed.sources) IS 'Generates the function that returns the outcome for each key of a source''s batch.';

CREATE FUNCTION wikiembed_private.generate_read(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.generate_read(p_source wikiembed.sources) IS 'Generates the function that reads a source''s chunks.';

CREATE FUNCTION wikiembed_private.generate_read_document(p_name text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.generate_read_document(p_name text) IS 'Generates the function that reads a source''s documents.';

CREATE FUNCTION wikiembed_private.generate_search(p_source wikiembed.sources, p_more jsonb, p_title text, p_join text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.generate_search(p_source wikiembed.sources, p_more jsonb, p_title text, p_join text) IS 'Generates the functions that search a source by vector alone, without a filter: search_SOURCE, and rerank_SOURCE where it is searched by a quantised index.';

CREATE FUNCTION wikiembed_private.generate_split_documents(p_name text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.generate_split_documents(p_name text) IS 'Generates the function that replaces the chunks of a source''s documents.';

CREATE FUNCTION wikiembed_private.generate_store(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.generate_store(p_source wikiembed.sources) IS 'Generates the function that stores a source''s vectors.';

CREATE FUNCTION wikiembed_private.generated_comment(p_name text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.generated_comment(p_name text) IS 'Comment on the functions that are generated for a source, which identifies them.';

CREATE FUNCTION wikiembed_private.generated_names() RETURNS text[]
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.generated_names() IS 'Prefixes of the names of the functions that are generated for each source, before _ and its name.';

CREATE FUNCTION wikiembed_private.get_source(p_source text) RETURNS wikiembed.sources
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.get_source(p_source text) IS 'The row of a source, locked for key share; raises WE001 when there is none.';

CREATE FUNCTION wikiembed_private.grant_generated(p_source wikiembed.sources, p_role name) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.grant_generated(p_source wikiembed.sources, p_role name) IS 'Lets a worker''s role call the functions that read and store chunks of a source.';

CREATE FUNCTION wikiembed_private.grant_search(p_source wikiembed.sources, p_role name) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.grant_search(p_source wikiembed.sources, p_role name) IS 'Lets a reader''s role call the functions that search a source with the rights of its caller.';

CREATE FUNCTION wikiembed_private.has_live_reservation(p_source text) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.has_live_reservation(p_source text) IS 'Whether a batch of the source is in flight at a worker that is alive: what it has reserved will be settled.';

CREATE FUNCTION wikiembed_private.has_vector_index(p_source wikiembed.sources) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.has_vector_index(p_source wikiembed.sources) IS 'Whether a valid index of vectors is on a source''s column, or on an expression of it.';

CREATE FUNCTION wikiembed_private.has_waiting_document(p_source text) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.has_waiting_document(p_source text) IS 'True while a document of the source waits to be split, or failed.';

CREATE FUNCTION wikiembed_private.indexed_text(p_source wikiembed.sources, p_alias text, p_config text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.indexed_text(p_source wikiembed.sources, p_alias text, p_config text) IS 'Returns the SQL expression of the tsvector of a source''s text, of a row with this alias, or of an index.';

CREATE FUNCTION wikiembed_private.is_bulk_closed(p_opens_at timestamp with time zone, p_closes_at timestamp with time zone) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE;

COMMENT ON FUNCTION wikiembed_private.is_bulk_closed(p_opens_at timestamp with time zone, p_closes_at timestamp with time zone) IS 'True while the bulk work of a source waits for its next window.';

CREATE FUNCTION wikiembed_private.is_gone(p_source wikiembed.sources) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.is_gone(p_source wikiembed.sources) IS 'True when a source''s table, or one of its columns, was dropped.';

CREATE FUNCTION wikiembed_private.is_valid_index(p_index text) RETURNS boolean
    LANGUAGE sql STABLE;

COMMENT ON FUNCTION wikiembed_private.is_valid_index(p_index text) IS 'Whether an index with that name, with its schema, is there and valid.';

CREATE FUNCTION wikiembed_private.is_written(p_function oid) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.is_written(p_function oid) IS 'Whether wikiembed wrote a function, from a file or for a source; false for a user''s in the same schemas.';

CREATE FUNCTION wikiembed_private.key_advice(p_relation regclass, p_column name) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.key_advice(p_relation regclass, p_column name) IS 'A hint how the table gets a key, when the column cannot be one.';

CREATE FUNCTION wikiembed_private.key_expression(p_source wikiembed.sources, p_alias text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.key_expression(p_source wikiembed.sources, p_alias text) IS 'Returns the SQL expression of a source''s key as text, of a row with this alias.';

CREATE FUNCTION wikiembed_private.key_part(p_documents wikiembed.sources, p_key text, p_number bigint) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.key_part(p_documents wikiembed.sources, p_key text, p_number bigint) IS 'Returns the SQL expression of one column of a document''s key, of the key as text.';

CREATE FUNCTION wikiembed_private.keys_of(p_args jsonb) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.keys_of(p_args jsonb) IS 'The keys in a job''s arguments; none where they are malformed.';

CREATE FUNCTION wikiembed_private.keys_of_job(p_job wikiembed_queue.procrastinate_jobs) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.keys_of_job(p_job wikiembed_queue.procrastinate_jobs) IS 'The keys of a job''s chunks or documents; none where its arguments are malformed.';

CREATE FUNCTION wikiembed_private.lacks_columns(p_relation regclass, p_names name[], p_attnums smallint[]) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.lacks_columns(p_relation regclass, p_names name[], p_attnums smallint[]) IS 'True when a table, or one of these columns by name and by number, was dropped; a null name is ignored.';

CREATE FUNCTION wikiembed_private.lag_seconds(p_bucket smallint) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION wikiembed_private.lag_seconds(p_bucket smallint) IS 'Seconds that stand for the times of a bucket: within 5 % of each.';

CREATE TABLE wikiembed_private.limits (
    id bigint NOT NULL,
    server text NOT NULL,
    model text DEFAULT ''::text NOT NULL,
    requests integer,
    tokens bigint,
    set_by text,
    set_at timestamp with time zone,
    stated_requests integer,
    stated_tokens bigint,
    stated_at timestamp with time zone,
    blocked_until timestamp with time zone,
    window_s double precision DEFAULT 60 NOT NULL,
    CONSTRAINT limit_is_of_requests_or_tokens CHECK ((num_nonnulls(requests, tokens, stated_requests, stated_tokens) > 0)),
    CONSTRAINT requests_are_positive CHECK ((requests > 0)),
    CONSTRAINT stated_requests_are_positive CHECK ((stated_requests > 0)),
    CONSTRAINT stated_tokens_are_positive CHECK ((stated_tokens > 0)),
    CONSTRAINT tokens_are_positive CHECK ((tokens > 0)),
    CONSTRAINT window_is_positive CHECK ((window_s > (0)::double precision))
);

COMMENT ON TABLE wikiembed_private.limits IS 'Requests and tokens per minute of servers, over all workers; written by set_limit, report_limit and block_limit, read through view wikiembed.limits.';

COMMENT ON COLUMN wikiembed_private.limits.id IS 'Number of the limit.';

COMMENT ON COLUMN wikiembed_private.limits.server IS 'URL of the server.';

COMMENT ON COLUMN wikiembed_private.limits.model IS 'The model; empty: all models of the server that have no limit of their own.';

COMMENT ON COLUMN wikiembed_private.limits.requests IS 'Requests per minute that an operator set; null: none.';

COMMENT ON COLUMN wikiembed_private.limits.tokens IS 'Tokens per minute that an operator set; null: none.';

COMMENT ON COLUMN wikiembed_private.limits.set_by IS 'Who set them; null: it was not set.';

COMMENT ON COLUMN wikiembed_private.limits.set_at IS 'When they were set.';

COMMENT ON COLUMN wikiembed_private.limits.stated_requests IS 'Requests per minute that the server states; null: none.';

COMMENT ON COLUMN wikiembed_private.limits.stated_tokens IS 'Tokens per minute that the server states; null: none.';

COMMENT ON COLUMN wikiembed_private.limits.stated_at IS 'When it stated other numbers than before.';

COMMENT ON COLUMN wikiembed_private.limits.blocked_until IS 'Until when no request is leased; null, or in the past: they are.';

COMMENT ON COLUMN wikiembed_private.limits.window_s IS 'Length of the window in seconds: 60, and less only in tests.';

CREATE FUNCTION wikiembed_private.limit_of(p_server text, p_model text) RETURNS wikiembed_private.limits
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.limit_of(p_server text, p_model text) IS 'The limit of a model at a server, or that of all its models.';

CREATE FUNCTION wikiembed_private.live_keys(p_queue text, p_task text) RETURNS TABLE(job_id bigint, status text, key text)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT j.id,
     j.status,
     (k.key COLLATE "C") AS key
    FROM ( SELECT a.id,
             (a.status)::text AS status,
             a.task_name,
             a.args
            FROM wikiembed_queue.procrastinate_jobs a
           WHERE (((a.queue_name)::text = live_keys.p_queue) AND (a.status = 'todo'::wikiembed_queue.procrastinate_job_status) AND (a.scheduled_at IS NULL))
         UNION ALL
          SELECT b.id,
             (b.status)::text AS status,
             b.task_name,
             b.args
            FROM wikiembed_queue.procrastinate_jobs b
           WHERE (((b.queue_name)::text = live_keys.p_queue) AND (b.status = 'todo'::wikiembed_queue.procrastinate_job_status) AND (b.scheduled_at IS NOT NULL))
         UNION ALL
          SELECT c.id,
             (c.status)::text AS status,
             c.task_name,
             c.args
            FROM wikiembed_queue.procrastinate_jobs c
           WHERE (((c.queue_name)::text = live_keys.p_queue) AND (c.status = 'doing'::wikiembed_queue.procrastinate_job_status))) j,
     LATERAL jsonb_array_elements_text(
         CASE jsonb_typeof((j.args ->
             CASE live_keys.p_task
                 WHEN 'wikiembed.split'::text THEN 'documents'::text
                 ELSE 'keys'::text
             END))
             WHEN 'array'::text THEN (j.args ->
             CASE live_keys.p_task
                 WHEN 'wikiembed.split'::text THEN 'documents'::text
                 ELSE 'keys'::text
             END)
             ELSE '[]'::jsonb
         END) k(key)
   WHERE ((j.task_name)::text = live_keys.p_task);
END;

COMMENT ON FUNCTION wikiembed_private.live_keys(p_queue text, p_task text) IS 'The keys of chunks, or for wikiembed.split of documents, in jobs of a queue that wait or run.';

CREATE FUNCTION wikiembed_private.lock_source(p_source text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.lock_source(p_source text) IS 'Takes the advisory lock of one source until the transaction ends.';

CREATE FUNCTION wikiembed_private.log_action(p_action text, p_source text, p_why text DEFAULT NULL::text, p_detail jsonb DEFAULT '{}'::jsonb) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.log_action(p_action text, p_source text, p_why text, p_detail jsonb) IS 'Writes one row of the action log in the caller''s name.';

CREATE FUNCTION wikiembed_private.lose_job(p_job wikiembed_queue.procrastinate_jobs) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.lose_job(p_job wikiembed_queue.procrastinate_jobs) IS 'Ends a job of one chunk or document with which three workers died: it is recorded as worker_lost.';

CREATE FUNCTION wikiembed_private.may_begin(p_priority integer, p_paused_at timestamp with time zone, p_resume_at timestamp with time zone, p_opens_at timestamp with time zone, p_closes_at timestamp with time zone) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE;

COMMENT ON FUNCTION wikiembed_private.may_begin(p_priority integer, p_paused_at timestamp with time zone, p_resume_at timestamp with time zone, p_opens_at timestamp with time zone, p_closes_at timestamp with time zone) IS 'True if a job of that priority may begin now, by the pause and the window of its source.';

CREATE FUNCTION wikiembed_private.missing_chunk_columns(p_chunks regclass, p_more name[]) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.missing_chunk_columns(p_chunks regclass, p_more name[]) IS 'The columns that a chunk table lacks, of those that it needs and some more; null: none.';

CREATE FUNCTION wikiembed_private.missing_index(p_source wikiembed.sources) RETURNS regclass
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.missing_index(p_source wikiembed.sources) IS 'The valid partial index on a source''s missing rows; null when there is none.';

CREATE TABLE wikiembed.search_statements (
    source text NOT NULL,
    dimensions integer NOT NULL,
    text_config text,
    documents regclass,
    title_column name,
    vector_statement text[] NOT NULL,
    exact_statement text[] NOT NULL,
    text_statement text[],
    hits_statement text NOT NULL,
    titled_hits_statement text,
    documents_statement text,
    ef_search integer,
    sample_statement text,
    quantised_index text,
    quantised_statement text[],
    oversampling integer DEFAULT 1 NOT NULL,
    relation regclass,
    CONSTRAINT statements_are_complete CHECK ((((text_statement IS NULL) = (text_config IS NULL)) AND ((titled_hits_statement IS NULL) = (title_column IS NULL)) AND ((documents_statement IS NULL) = (documents IS NULL))))
);

COMMENT ON TABLE wikiembed.search_statements IS 'The statements that wikiembed.search runs for a source, with the rights of its caller. The filter stands between the parts of an array. Written by write_search.';

COMMENT ON COLUMN wikiembed.search_statements.source IS 'Name of the source.';

COMMENT ON COLUMN wikiembed.search_statements.dimensions IS 'Dimensions that the column declares; -1: none.';

COMMENT ON COLUMN wikiembed.search_statements.text_config IS 'As in table sources.';

COMMENT ON COLUMN wikiembed.search_statements.documents IS 'The table of its documents; null: it has none.';

COMMENT ON COLUMN wikiembed.search_statements.title_column IS 'The column of their titles; null: they have none.';

COMMENT ON COLUMN wikiembed.search_statements.vector_statement IS 'Finds the rows nearest to the vector $1, at most $2, by the index where there is one.';

COMMENT ON COLUMN wikiembed.search_statements.exact_statement IS 'The same by comparing every row.';

COMMENT ON COLUMN wikiembed.search_statements.text_statement IS 'Finds the rows that match the words $1 best, at most $3; a word of $2 rows or more counts less. Null without text_config.';

COMMENT ON COLUMN wikiembed.search_statements.hits_statement IS 'Returns the hits of the rows $1 and $2, found by vector, and $3 and $4, found by text; $5 and $6 are the weights, $7 the vector, $8 the limit, $9 whether each document is returned once.';

COMMENT ON COLUMN wikiembed.search_statements.titled_hits_statement IS 'The same with the titles of the documents. Null for a source without titles.';

COMMENT ON COLUMN wikiembed.search_statements.documents_statement IS 'Counts the documents of the rows $1 and $2. Null for a source without documents.';

COMMENT ON COLUMN wikiembed.search_statements.ef_search IS 'As in table sources.';

COMMENT ON COLUMN wikiembed.search_statements.sample_statement IS 'Returns keys and vectors of at most $2 random rows, from $1 percent of the table''s pages, chosen by the seed $3. Null before write_search.';

COMMENT ON COLUMN wikiembed.search_statements.quantised_index IS 'The valid index of that kind, with its schema; null: there was none when write_search last looked.';

COMMENT ON COLUMN wikiembed.search_statements.quantised_statement IS 'Finds the rows nearest to the vector $1, at most $2, among $3 candidates of the quantised index. Null without one.';

COMMENT ON COLUMN wikiembed.search_statements.oversampling IS 'Candidates that a search takes at least for each row that it is to find.';

COMMENT ON COLUMN wikiembed.search_statements.relation IS 'The chunk table.';

CREATE FUNCTION wikiembed_private.nearest_rows(p_search wikiembed.search_statements, p_filter text, p_is_filtered boolean, p_query public.vector, p_depth integer, p_ef_search integer, OUT rels oid[], OUT tids tid[]) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.nearest_rows(p_search wikiembed.search_statements, p_filter text, p_is_filtered boolean, p_query public.vector, p_depth integer, p_ef_search integer, OUT rels oid[], OUT tids tid[]) IS 'Table and place of the p_depth rows nearest to a vector that fit a filter, nearest first: by the index with p_ef_search candidates or more, or by comparing all that fit, which of few is faster and exact. p_is_filtered: also true where row-level security hides rows.';

CREATE FUNCTION wikiembed_private.notify_throttled() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.notify_throttled() IS 'Notifies the workers of queues with new jobs, at most once per 20 ms and queue; counts the jobs, and writes the events of those that are not embed jobs.';

CREATE FUNCTION wikiembed_private.notify_workers(p_queue text) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.notify_workers(p_queue text) IS 'Notifies the workers of one queue and those of all queues, in procrastinate''s format.';

CREATE FUNCTION wikiembed_private.null_stale_wiki() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.null_stale_wiki() IS 'Written by write_triggers for source wiki.';

CREATE FUNCTION wikiembed_private.on_ddl() RETURNS event_trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.on_ddl() IS 'Rewrites a source''s triggers after a rename or a change of partitions; queues a reconcile of rows added or removed with a partition.';

CREATE FUNCTION wikiembed_private.on_delete_wiki() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.on_delete_wiki() IS 'Written by write_triggers for source wiki.';

CREATE FUNCTION wikiembed_private.on_document_delete_wiki() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.on_document_delete_wiki() IS 'Written by write_triggers for source wiki.';

CREATE FUNCTION wikiembed_private.on_document_insert_wiki() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.on_document_insert_wiki() IS 'Written by write_triggers for source wiki.';

CREATE FUNCTION wikiembed_private.on_document_truncate_wiki() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.on_document_truncate_wiki() IS 'Written by write_triggers for source wiki.';

CREATE FUNCTION wikiembed_private.on_document_update_wiki() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_nestloop TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.on_document_update_wiki() IS 'Written by write_triggers for source wiki.';

CREATE FUNCTION wikiembed_private.on_insert_wiki() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.on_insert_wiki() IS 'Written by write_triggers for source wiki.';

CREATE FUNCTION wikiembed_private.on_truncate_wiki() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.on_truncate_wiki() IS 'Written by write_triggers for source wiki.';

CREATE FUNCTION wikiembed_private.on_update_wiki() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_seqscan TO 'off'
    SET enable_nestloop TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.on_update_wiki() IS 'Written by write_triggers for source wiki.';

CREATE FUNCTION wikiembed_private.orphan_chunks(p_name text) RETURNS SETOF bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.orphan_chunks(p_name text) IS 'Ids of the chunks whose document does not exist. Reads both tables.';

CREATE FUNCTION wikiembed_private.outcomes_wiki(p_keys text[], p_versions bigint[], p_generation bigint, p_done text[], p_rewritten text[], p_attempt integer, p_word text DEFAULT 'written'::text) RETURNS TABLE(key text, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.outcomes_wiki(p_keys text[], p_versions bigint[], p_generation bigint, p_done text[], p_rewritten text[], p_attempt integer, p_word text) IS 'Written by write_triggers for source wiki.';

CREATE FUNCTION wikiembed_private.oversampling(p_quantise text) RETURNS integer
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.oversampling(p_quantise text) IS 'Returns how many candidates a search takes at least for each row that it is to find.';

CREATE FUNCTION wikiembed_private.owner_warning(p_relation regclass) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.owner_warning(p_relation regclass) IS 'Warning that names the roles which could run SQL as wikiembed''s owner through this table, and gain rights; null when none could.';

CREATE FUNCTION wikiembed_private.pgvector_schema() RETURNS name
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.pgvector_schema() IS 'The schema of pgvector; null when it is not installed.';

CREATE FUNCTION wikiembed_private.providers() RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE;

COMMENT ON FUNCTION wikiembed_private.providers() IS 'Returns the providers that a source may name.';

CREATE FUNCTION wikiembed_private.prune_failure_history() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.prune_failure_history() IS 'Deletes history of failures that ended more than 90 days ago, and all but the latest 50,000 of a source; returns the number of rows.';

CREATE FUNCTION wikiembed_private.qualified(p_relation regclass) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.qualified(p_relation regclass) IS 'The relation''s name with its schema, quoted; null when it was dropped.';

CREATE FUNCTION wikiembed_private.quantised(p_source wikiembed.sources, p_quantise text, p_alias text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.quantised(p_source wikiembed.sources, p_quantise text, p_alias text) IS 'Returns the SQL expression of a quantised vector, halfvec or binary, of a row with this alias, or of an index; null where the column declares no dimensions.';

CREATE FUNCTION wikiembed_private.quantised_distance(p_source wikiembed.sources, p_quantise text, p_query text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.quantised_distance(p_source wikiembed.sources, p_quantise text, p_query text) IS 'Returns the SQL expression of the distance by which a quantised index finds candidates, of a row named t; null where none can be.';

CREATE FUNCTION wikiembed_private.queue_documents(p_source text, p_keys text[], p_priority integer) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.queue_documents(p_source text, p_keys text[], p_priority integer) IS 'Queues documents of a source; returns the number of jobs.';

CREATE FUNCTION wikiembed_private.queue_reconcile(p_source text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.queue_reconcile(p_source text) IS 'Queues a reconcile of one source, unless one waits already.';

CREATE FUNCTION wikiembed_private.raise_generation() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.raise_generation() IS 'Adds one to the generation when model, document prefix or dimensions change; unpins a source whose model is set to null.';

CREATE FUNCTION wikiembed_private.read_document_wiki(p_keys text[], p_most_bytes bigint) RETURNS TABLE(key text, title text, content text, version bigint, chunks jsonb)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET lock_timeout TO '2s'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.read_document_wiki(p_keys text[], p_most_bytes bigint) IS 'Written by write_triggers for source wiki.';

CREATE FUNCTION wikiembed_private.read_wiki(p_keys text[], p_attempt integer) RETURNS TABLE(key text, content text, version bigint, source_version text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET lock_timeout TO '2s'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.read_wiki(p_keys text[], p_attempt integer) IS 'Written by write_triggers for source wiki.';

CREATE FUNCTION wikiembed_private.reader_roles() RETURNS SETOF name
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.reader_roles() IS 'The roles that grant_reader was called with.';

CREATE FUNCTION wikiembed_private.reconcile_documents(p_name text, p_recount boolean, OUT documents_enqueued bigint, OUT dead_jobs bigint) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.reconcile_documents(p_name text, p_recount boolean, OUT documents_enqueued bigint, OUT dead_jobs bigint) IS 'Repairs a source''s documents; returns the numbers of documents that were queued although the source is held back, and of jobs that ended without their work.';

CREATE FUNCTION wikiembed_private.reconcile_source(p_name text, p_recount boolean, OUT orphans_enqueued bigint, OUT dead_jobs bigint, OUT ledger_drift bigint, OUT documents_enqueued bigint) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET lock_timeout TO '10s'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.reconcile_source(p_name text, p_recount boolean, OUT orphans_enqueued bigint, OUT dead_jobs bigint, OUT ledger_drift bigint, OUT documents_enqueued bigint) IS 'Reconciles one source; see wikiembed.reconcile.';

CREATE FUNCTION wikiembed_private.refresh_windows() RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.refresh_windows() IS 'Writes the next window of each source whose window has passed; returns their number. Called with expire_pauses.';

CREATE FUNCTION wikiembed_private.refuse_undeclared(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.refuse_undeclared(p_source wikiembed.sources) IS 'Raises WE013 for a column that declares no dimensions.';

CREATE FUNCTION wikiembed_private.register_documents(p_documents wikiembed.document_sources) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.register_documents(p_documents wikiembed.document_sources) IS 'Records that the chunks of a source are split from documents, each of which waits to be split, and writes the triggers of their table.';

CREATE FUNCTION wikiembed_private.relations_of(p_relation regclass) RETURNS SETOF regclass
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.relations_of(p_relation regclass) IS 'The table itself and, when it is partitioned, every partition below it.';

CREATE FUNCTION wikiembed_private.release_documents(p_name text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.release_documents(p_name text) IS 'Makes a source of documents one of chunks only: drops the triggers, functions, state and jobs of its documents; the chunks stay.';

CREATE FUNCTION wikiembed_private.release_names(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.release_names(p_source wikiembed.sources) IS 'Raises WE010 while a name is switched to a source; forgets the names of one whose table was dropped.';

CREATE FUNCTION wikiembed_private.rename_missing_index(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.rename_missing_index(p_source wikiembed.sources) IS 'Gives the index that was built for a move the name of a source''s index.';

CREATE FUNCTION wikiembed_private.render_call(p_source wikiembed.sources, p_function text, p_arguments text[]) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.render_call(p_source wikiembed.sources, p_function text, p_arguments text[]) IS 'Renders one call in a template: the key or the text of a row, or a comparison of keys.';

CREATE FUNCTION wikiembed_private.render_template(p_source wikiembed.sources, p_template text, p_more jsonb DEFAULT '{}'::jsonb) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.render_template(p_source wikiembed.sources, p_template text, p_more jsonb) IS 'Renders a template of SQL with the names of a source.';

CREATE FUNCTION wikiembed_private.renew_document_triggers(p_name text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.renew_document_triggers(p_name text) IS 'Follows renames and new partitions of a source''s documents, and writes triggers that are missing, disabled or outdated.';

CREATE FUNCTION wikiembed_private.renew_grants() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.renew_grants() IS 'Calls grant_worker and grant_reader again for the roles that they were called with.';

CREATE FUNCTION wikiembed_private.requeue(p_source text, p_keys text[], p_attempt integer, p_delay_s double precision DEFAULT NULL::double precision) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.requeue(p_source text, p_keys text[], p_attempt integer, p_delay_s double precision) IS 'Requeues keys with a delay: p_delay_s, or a backoff that grows with each attempt.';

CREATE FUNCTION wikiembed_private.require_alike(p_from text, p_to wikiembed.sources) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.require_alike(p_from text, p_to wikiembed.sources) IS 'Raises WE010 when searches in a source would differ from those in the present one by more than the model.';

CREATE FUNCTION wikiembed_private.require_column(p_relation regclass, p_name name, p_role text, p_dimensions integer) RETURNS pg_attribute
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.require_column(p_relation regclass, p_name name, p_role text, p_dimensions integer) IS 'The catalogue row of the column that is to be key, text or embedding; raises WE006 with a hint when no such column exists.';

CREATE FUNCTION wikiembed_private.require_document_tables(p_source text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.require_document_tables(p_source text) IS 'Raises WE001 when a table of a source of documents, or a column that is used, was dropped or, in the chunk table, renamed.';

CREATE FUNCTION wikiembed_private.require_documents(p_source text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.require_documents(p_source text) IS 'Raises WE001 for a source that has no documents.';

CREATE FUNCTION wikiembed_private.require_one_step(p_name text, p_to text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.require_one_step(p_name text, p_to text) IS 'Raises WE010 for a switch after which a name would lead to a name that was switched too.';

CREATE FUNCTION wikiembed_private.require_quantise(p_source wikiembed.sources, p_quantise text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.require_quantise(p_source wikiembed.sources, p_quantise text) IS 'Refuses a kind of index with which a source cannot be searched. Raises WE013.';

CREATE FUNCTION wikiembed_private.require_quotable(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.require_quotable(p_source wikiembed.sources) IS 'Refuses names that would end the text of a function. Raises WE004.';

CREATE FUNCTION wikiembed_private.require_read_committed() RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.require_read_committed() IS 'Raises WE008 in a transaction that is not read committed.';

CREATE FUNCTION wikiembed_private.require_search(p_search wikiembed.search_statements, p_source text, p_query public.vector, p_text text, p_limit integer, p_vector_weight double precision, p_text_weight double precision, p_per_document boolean) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.require_search(p_search wikiembed.search_statements, p_source text, p_query public.vector, p_text text, p_limit integer, p_vector_weight double precision, p_text_weight double precision, p_per_document boolean) IS 'Refuses a search that cannot be run. Raises WE001, WE013.';

CREATE FUNCTION wikiembed_private.require_table(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.require_table(p_source wikiembed.sources) IS 'Raises WE001 when a source''s table, or one of its columns, was dropped.';

CREATE FUNCTION wikiembed_private.require_text_config(p_config text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.require_text_config(p_config text) IS 'Refuses a text search configuration that does not exist. Raises WE013.';

CREATE FUNCTION wikiembed_private.rescue_upkeep(p_job wikiembed_queue.procrastinate_jobs) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.rescue_upkeep(p_job wikiembed_queue.procrastinate_jobs) IS 'Requeues an upkeep job, or drops it when its next one waits already.';

CREATE FUNCTION wikiembed_private.respell_keys(p_keys text[]) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.respell_keys(p_keys text[]) IS 'Keys of several columns with the blanks that stored ones have; null if given null.';

CREATE FUNCTION wikiembed_private.resplit_options(p_documents wikiembed.document_sources, p_splitter text, p_max_chars integer, p_overlap_chars integer, p_context text, p_max_tokens integer) RETURNS wikiembed.document_sources
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.resplit_options(p_documents wikiembed.document_sources, p_splitter text, p_max_chars integer, p_overlap_chars integer, p_context text, p_max_tokens integer) IS 'The options of a source, and the version of the splitter, after a resplit; raises WE010.';

CREATE FUNCTION wikiembed_private.restore_costs(p_costs jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.restore_costs(p_costs jsonb) IS 'Inserts the rows that costs_of returned: those of a source that was moved.';

CREATE FUNCTION wikiembed_private.retry_documents(p_source text, p_keys text[], p_error_class text, OUT jobs bigint, OUT documents bigint) RETURNS record
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.retry_documents(p_source text, p_keys text[], p_error_class text, OUT jobs bigint, OUT documents bigint) IS 'Queues documents that failed, all or those of some keys or of one class, and keeps their failures as history; returns the numbers of jobs and documents.';

CREATE FUNCTION wikiembed_private.revoke_generated(p_source wikiembed.sources) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.revoke_generated(p_source wikiembed.sources) IS 'Revokes the generated functions of a source from public.';

CREATE FUNCTION wikiembed_private.runnable_queues(p_queues character varying[], p_upkeep boolean DEFAULT true) RETURNS character varying[]
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.runnable_queues(p_queues character varying[], p_upkeep boolean) IS 'The queues that a worker may fetch from now: those given, or all, without the paused ones.';

CREATE FUNCTION wikiembed_private.sample_waiting(p_source text, p_most integer) RETURNS SETOF text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.sample_waiting(p_source text, p_most integer) IS 'Keys of some documents of a source that wait to be split and have not failed.';

CREATE FUNCTION wikiembed_private.search_by_text(p_source wikiembed.sources, p_more jsonb) RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.search_by_text(p_source wikiembed.sources, p_more jsonb) IS 'The statement that finds the rows which match words best, before and after the filter.';

CREATE FUNCTION wikiembed_private.search_by_vector(p_source wikiembed.sources, p_more jsonb, p_order text) RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.search_by_vector(p_source wikiembed.sources, p_more jsonb, p_order text) IS 'The statement that finds the rows nearest to a vector, before and after the filter.';

CREATE FUNCTION wikiembed_private.search_hits(p_source wikiembed.sources, p_more jsonb, p_title text, p_join text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.search_hits(p_source wikiembed.sources, p_more jsonb, p_title text, p_join text) IS 'The statement that fuses rows found by vector and by text, and returns them as hits.';

CREATE FUNCTION wikiembed_private.search_quantised(p_source wikiembed.sources, p_more jsonb) RETURNS text[]
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.search_quantised(p_source wikiembed.sources, p_more jsonb) IS 'The statement that finds the rows nearest to a vector by a quantised index, before and after the filter; null without one.';

CREATE FUNCTION wikiembed_private.search_wiki(p_query public.vector, p_limit integer, p_weight double precision, p_titled boolean) RETURNS TABLE(key text, content text, score double precision, distance double precision, vector_rank bigint, text_rank bigint, is_current boolean, document_key text, title text, heading text, "position" integer, starts_at integer, ends_at integer)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.search_wiki(p_query public.vector, p_limit integer, p_weight double precision, p_titled boolean) IS 'Written by write_triggers for source wiki.';

CREATE FUNCTION wikiembed_private.searched_source(p_name text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.searched_source(p_name text) IS 'The source that searches for a name use; null when there is none.';

CREATE FUNCTION wikiembed_private.settings_moved(p_former wikiembed.sources, p_source wikiembed.sources) RETURNS wikiembed.sources
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.settings_moved(p_former wikiembed.sources, p_source wikiembed.sources) IS 'The new row of a source that is moved, with the settings, the model and the pause of the former; raises WE007 for other dimensions and WE010 for other settings.';

CREATE FUNCTION wikiembed_private.signature_of(p_function oid) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.signature_of(p_function oid) IS 'Schema, name and parameter types of a function, as in table written_functions.';

CREATE FUNCTION wikiembed_private.skip_nowait(p_source text, p_keys text[], p_why text) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.skip_nowait(p_source text, p_keys text[], p_why text) IS 'Skips these missing chunks without waiting for a row; returns the number. Raises 55P03 when another transaction has locked one, WE001, WE010.';

CREATE FUNCTION wikiembed_private.skip_with_timeout(p_source text, p_keys text[], p_why text, p_limit interval) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.skip_with_timeout(p_source text, p_keys text[], p_why text, p_limit interval) IS 'Skips these missing chunks, or none when another transaction has locked one for longer than the limit; returns the number. Raises 55P03, WE001, WE008, WE010.';

CREATE FUNCTION wikiembed_private.slots_per_window() RETURNS integer
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.slots_per_window() IS 'Slots in the window of a limit.';

CREATE FUNCTION wikiembed_private.source_names(p_source wikiembed.sources) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.source_names(p_source wikiembed.sources) IS 'The names that a source''s generated functions depend on.';

CREATE FUNCTION wikiembed_private.split_documents_wiki(p_keys text[], p_versions bigint[], p_old_documents integer[], p_old bigint[], p_documents integer[], p_ids bigint[], p_contexts text[], p_contents text[], p_headings text[], p_starts integer[], p_ends integer[]) RETURNS TABLE(key text, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET lock_timeout TO '2s'
    SET enable_seqscan TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.split_documents_wiki(p_keys text[], p_versions bigint[], p_old_documents integer[], p_old bigint[], p_documents integer[], p_ids bigint[], p_contexts text[], p_contents text[], p_headings text[], p_starts integer[], p_ends integer[]) IS 'Written by write_triggers for source wiki.';

CREATE FUNCTION wikiembed_private.split_job(p_job wikiembed_queue.procrastinate_jobs) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.split_job(p_job wikiembed_queue.procrastinate_jobs) IS 'Replaces a job by two with half of its keys each; the next rescue splits those at once.';

CREATE FUNCTION wikiembed_private.split_jobs(p_name text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.split_jobs(p_name text) IS 'SQL that queues the documents of a source: those of queued (key, priority), which precedes it, in their order.';

CREATE FUNCTION wikiembed_private.splitter_version() RETURNS integer
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.splitter_version() IS 'Version of the splitter: texts that another one has split may be cut elsewhere by this one.';

CREATE FUNCTION wikiembed_private.store_wiki(p_keys text[], p_versions bigint[], p_embeddings public.vector[], p_attempt integer) RETURNS TABLE(key text, outcome text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET lock_timeout TO '2s'
    SET enable_seqscan TO 'off'
    SET enable_nestloop TO 'off'
    SET enable_mergejoin TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.store_wiki(p_keys text[], p_versions bigint[], p_embeddings public.vector[], p_attempt integer) IS 'Written by write_triggers for source wiki.';

CREATE FUNCTION wikiembed_private.sum_deltas(p_source text, OUT total bigint, OUT embedded bigint) RETURNS record
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.sum_deltas(p_source text, OUT total bigint, OUT embedded bigint) IS 'Sums of a source''s ledger rows that are not folded yet; for view coverage.';

CREATE FUNCTION wikiembed_private.text_advice(p_relation regclass, p_column name) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.text_advice(p_relation regclass, p_column name) IS 'A hint which columns of a table are texts, or how it gets one.';

CREATE FUNCTION wikiembed_private.text_expression(p_source wikiembed.sources, p_alias text) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.text_expression(p_source wikiembed.sources, p_alias text) IS 'Returns the SQL expression of a source''s text, of a row with this alias.';

CREATE FUNCTION wikiembed_private.text_part(p_relation regclass, p_part text, OUT attribute pg_attribute, OUT path text[]) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.text_part(p_relation regclass, p_part text, OUT attribute pg_attribute, OUT path text[]) IS 'The column of a part of a text, and its path where it is a field of JSON; raises WE006.';

CREATE FUNCTION wikiembed_private.text_vector(p_config text, p_text text) RETURNS text
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.text_vector(p_config text, p_text text) IS 'Returns the SQL expression of the tsvector of a text, itself an SQL expression.';

CREATE FUNCTION wikiembed_private.todo_jobs(p_queue text) RETURNS TABLE(id bigint, queue_name text, priority integer, queued_at timestamp with time zone, scheduled_at timestamp with time zone)
    LANGUAGE sql STABLE
    BEGIN ATOMIC
 SELECT j.id,
     j.queue_name,
     j.priority,
     j.queued_at,
     j.scheduled_at
    FROM wikiembed_queue.procrastinate_jobs j
   WHERE ((((j.queue_name)::text >= todo_jobs.p_queue) AND ((j.queue_name)::text <= todo_jobs.p_queue)) AND (j.status = 'todo'::wikiembed_queue.procrastinate_job_status));
END;

COMMENT ON FUNCTION wikiembed_private.todo_jobs(p_queue text) IS 'The jobs of a queue that wait, also those for a later time.';

CREATE FUNCTION wikiembed_private.tree_current(p_source wikiembed.sources) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.tree_current(p_source wikiembed.sources) IS 'True when the table and every partition of it, and no other, have a source''s statement triggers.';

CREATE FUNCTION wikiembed_private.trigger_version() RETURNS integer
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.trigger_version() IS 'Digest of the functions that write_triggers uses: the triggers of a source with another one are rewritten.';

CREATE FUNCTION wikiembed_private.triggers_current(p_source wikiembed.sources) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.triggers_current(p_source wikiembed.sources) IS 'True when every trigger of a source exists, is enabled, and has this version and the present names.';

CREATE FUNCTION wikiembed_private.triggers_of(p_name text) RETURNS TABLE(relation regclass, trigger name)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.triggers_of(p_name text) IS 'The statement triggers of a source, on any table.';

CREATE TABLE wikiembed.truncated_chunks (
    source text NOT NULL,
    key text NOT NULL COLLATE pg_catalog."C",
    chars integer NOT NULL,
    chars_kept integer,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

COMMENT ON TABLE wikiembed.truncated_chunks IS 'Chunks whose vector is that of their beginning only, as WIKIEMBED_TRUNCATE allows; written by write_truncated, cleared by the triggers when text, key or vector change or the row is deleted.';

COMMENT ON COLUMN wikiembed.truncated_chunks.source IS 'The source.';

COMMENT ON COLUMN wikiembed.truncated_chunks.key IS 'The chunk''s key, as text.';

COMMENT ON COLUMN wikiembed.truncated_chunks.chars IS 'Characters of the text.';

COMMENT ON COLUMN wikiembed.truncated_chunks.chars_kept IS 'Characters that were embedded; null where the server cut the text and does not report how many it kept.';

COMMENT ON COLUMN wikiembed.truncated_chunks.at IS 'When its vector was stored.';

CREATE FUNCTION wikiembed_private.truncated_moved(p_former wikiembed.sources, p_source wikiembed.sources) RETURNS wikiembed.truncated_chunks[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET enable_nestloop TO 'off'
    SET jit TO 'off'
    AS …;

COMMENT ON FUNCTION wikiembed_private.truncated_moved(p_former wikiembed.sources, p_source wikiembed.sources) IS 'The marks of a source that is moved whose rows have the same key and text in both tables, and a vector in the new one.';

CREATE FUNCTION wikiembed_private.usable_key_lists(p_relation regclass) RETURNS TABLE(columns name[])
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.usable_key_lists(p_relation regclass) IS 'The lists of two to four columns of a table that identify a row together and can be the key of a source.';

CREATE FUNCTION wikiembed_private.usable_keys(p_relation regclass) RETURNS name[]
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.usable_keys(p_relation regclass) IS 'The columns of a table that identify a row and can be the key of a source.';

CREATE FUNCTION wikiembed_private.used_ef_search(p_ef_search integer, p_depth integer, p_oversampling integer DEFAULT 1) RETURNS integer
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.used_ef_search(p_ef_search integer, p_depth integer, p_oversampling integer) IS 'Returns the hnsw.ef_search with which search finds rows by vector, of a source''s own and the number of rows, times the oversampling of its quantised index.';

CREATE FUNCTION wikiembed_private.vector_scans(p_relation regclass) RETURNS bigint
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.vector_scans(p_relation regclass) IS 'Returns the number of scans of a table''s indexes of vectors by this transaction.';

CREATE FUNCTION wikiembed_private.waiting_queues() RETURNS character varying[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.waiting_queues() IS 'The queues in which a job waits, by name.';

CREATE TABLE wikiembed_private.schedules (
    source text NOT NULL,
    begins time without time zone[] NOT NULL,
    ends time without time zone[] NOT NULL,
    zone text NOT NULL,
    weekdays smallint[] NOT NULL,
    set_by text NOT NULL,
    set_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT weekdays_are_iso CHECK (((weekdays <@ ARRAY[(1)::smallint, (2)::smallint, (3)::smallint, (4)::smallint, (5)::smallint, (6)::smallint, (7)::smallint]) AND (cardinality(weekdays) > 0))),
    CONSTRAINT windows_are_pairs CHECK (((cardinality(begins) = cardinality(ends)) AND ((cardinality(begins) >= 1) AND (cardinality(begins) <= 24))))
);

COMMENT ON TABLE wikiembed_private.schedules IS 'Windows in which the bulk work of sources runs; written by set_schedule, read through view wikiembed.schedules.';

COMMENT ON COLUMN wikiembed_private.schedules.source IS 'The source.';

COMMENT ON COLUMN wikiembed_private.schedules.begins IS 'Time of day at which each window begins.';

COMMENT ON COLUMN wikiembed_private.schedules.ends IS 'Time of day at which each ends.';

COMMENT ON COLUMN wikiembed_private.schedules.zone IS 'Their time zone.';

COMMENT ON COLUMN wikiembed_private.schedules.weekdays IS 'Days on which windows begin, 1 (Monday) to 7 (Sunday).';

COMMENT ON COLUMN wikiembed_private.schedules.set_by IS 'Who set it.';

COMMENT ON COLUMN wikiembed_private.schedules.set_at IS 'When it was set.';

CREATE FUNCTION wikiembed_private.window_at(p_schedule wikiembed_private.schedules, p_at timestamp with time zone, OUT opens_at timestamp with time zone, OUT closes_at timestamp with time zone) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.window_at(p_schedule wikiembed_private.schedules, p_at timestamp with time zone, OUT opens_at timestamp with time zone, OUT closes_at timestamp with time zone) IS 'The window of a schedule that is open at a time, or the next one after it.';

CREATE FUNCTION wikiembed_private.words_of(p_config text, p_text text) RETURNS text[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.words_of(p_config text, p_text text) IS 'The first 64 words of a text, as they are indexed, without stop words.';

CREATE FUNCTION wikiembed_private.worker_roles() RETURNS SETOF name
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.worker_roles() IS 'The roles that grant_worker was called with.';

CREATE FUNCTION wikiembed_private.write_document_triggers(p_name text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.write_document_triggers(p_name text) IS 'Writes the functions and triggers of a source''s document table, on it and on every partition.';

CREATE FUNCTION wikiembed_private.write_search(p_name text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.write_search(p_name text) IS 'Writes the statements with which a source is searched.';

CREATE FUNCTION wikiembed_private.write_statement_triggers(p_source wikiembed.sources, p_relation regclass) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.write_statement_triggers(p_source wikiembed.sources, p_relation regclass) IS 'Creates a source''s four statement triggers on one table.';

CREATE FUNCTION wikiembed_private.write_triggers(p_name text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_private.write_triggers(p_name text) IS 'Writes a source''s functions and triggers, on the table and on every partition.';

CREATE FUNCTION wikiembed_queue.procrastinate_cancel_job_v1(job_id bigint, abort boolean, delete_job boolean) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS …;

CREATE FUNCTION wikiembed_queue.procrastinate_defer_jobs_v1(jobs wikiembed_queue.procrastinate_job_to_defer_v1[]) RETURNS bigint[]
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS …;

CREATE FUNCTION wikiembed_queue.procrastinate_defer_periodic_job_v2(_queue_name character varying, _lock character varying, _queueing_lock character varying, _task_name character varying, _priority integer, _periodic_id character varying, _defer_timestamp bigint, _args jsonb) RETURNS bigint
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS …;

CREATE FUNCTION wikiembed_queue.procrastinate_fetch_job_v2(target_queue_names character varying[], p_worker_id bigint) RETURNS wikiembed_queue.procrastinate_jobs
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS …;

COMMENT ON FUNCTION wikiembed_queue.procrastinate_fetch_job_v2(target_queue_names character varying[], p_worker_id bigint) IS 'Fetches one job, from the given queues (null: all); procrastinate''s interface of wikiembed_private.fetch_jobs.';

CREATE FUNCTION wikiembed_queue.procrastinate_finish_job_v1(job_id bigint, end_status wikiembed_queue.procrastinate_job_status, delete_job boolean) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS …;

CREATE FUNCTION wikiembed_queue.procrastinate_notify_queue_abort_job_v1() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS …;

CREATE FUNCTION wikiembed_queue.procrastinate_notify_queue_job_inserted_v1() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS …;

CREATE FUNCTION wikiembed_queue.procrastinate_prune_stalled_workers_v1(seconds_since_heartbeat double precision) RETURNS TABLE(worker_id bigint)
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS …;

CREATE FUNCTION wikiembed_queue.procrastinate_register_worker_v1() RETURNS TABLE(worker_id bigint)
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS …;

CREATE FUNCTION wikiembed_queue.procrastinate_retry_job_v1(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS …;

CREATE FUNCTION wikiembed_queue.procrastinate_retry_job_v2(job_id bigint, retry_at timestamp with time zone, new_priority integer, new_queue_name character varying, new_lock character varying) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS …;

CREATE FUNCTION wikiembed_queue.procrastinate_trigger_abort_requested_events_procedure_v1() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS …;

CREATE FUNCTION wikiembed_queue.procrastinate_trigger_function_scheduled_events_v1() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS …;

CREATE FUNCTION wikiembed_queue.procrastinate_trigger_function_status_events_insert_v1() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS …;

CREATE FUNCTION wikiembed_queue.procrastinate_trigger_function_status_events_update_v1() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS …;

CREATE FUNCTION wikiembed_queue.procrastinate_unlink_periodic_defers_v1() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS …;

CREATE FUNCTION wikiembed_queue.procrastinate_unregister_worker_v1(worker_id bigint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS …;

CREATE FUNCTION wikiembed_queue.procrastinate_update_heartbeat_v1(worker_id bigint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'wikiembed_queue', 'pg_catalog', 'pg_temp'
    AS …;

CREATE TABLE wikiembed.action_log (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    who text NOT NULL,
    action text NOT NULL,
    source text,
    why text,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT action_is_known CHECK ((action = ANY (ARRAY['attach'::text, 'detach'::text, 'pause'::text, 'resume'::text, 'retry'::text, 'skip'::text, 'reconcile'::text, 'pin'::text, 'resplit'::text, 'switch'::text, 'price'::text, 'budget'::text, 'schedule'::text, 'limit'::text])))
);

COMMENT ON TABLE wikiembed.action_log IS 'Who paused, resumed, retried, skipped, attached, detached, switched, when and why; written by those functions.';

COMMENT ON COLUMN wikiembed.action_log.id IS 'Row number.';

COMMENT ON COLUMN wikiembed.action_log.at IS 'When it was done.';

COMMENT ON COLUMN wikiembed.action_log.who IS 'Session user, and the person whom the command named.';

COMMENT ON COLUMN wikiembed.action_log.action IS 'What was done.';

COMMENT ON COLUMN wikiembed.action_log.source IS 'The source.';

COMMENT ON COLUMN wikiembed.action_log.why IS 'The reason given.';

COMMENT ON COLUMN wikiembed.action_log.detail IS 'Counts and options of the action.';

ALTER TABLE wikiembed.action_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME wikiembed.action_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE wikiembed.alembic_version (
    version_num character varying(32) NOT NULL
);

COMMENT ON TABLE wikiembed.alembic_version IS 'The schema version; written by wikiembed migrate.';

COMMENT ON COLUMN wikiembed.alembic_version.version_num IS 'The last revision of migrations/versions that was run.';

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

COMMENT ON TABLE wikiembed.ledger IS 'Deltas of each source''s counts, whose sums are the coverage; written by triggers and reconcile, after a minute folded to one row per source.';

COMMENT ON COLUMN wikiembed.ledger.id IS 'Row number.';

COMMENT ON COLUMN wikiembed.ledger.source IS 'The source.';

COMMENT ON COLUMN wikiembed.ledger.at IS 'When the statement ran; of a folded row, the last minute in it.';

COMMENT ON COLUMN wikiembed.ledger.total IS 'Change of the number of rows.';

COMMENT ON COLUMN wikiembed.ledger.embedded IS 'Change of the number of rows with a vector.';

COMMENT ON COLUMN wikiembed.ledger.gained IS 'Rows whose vector was null and got set: the throughput; folded rows have it in throughput_history.';

COMMENT ON COLUMN wikiembed.ledger.failed IS 'Change of the number of failures in state failed.';

COMMENT ON COLUMN wikiembed.ledger.skipped IS 'Change of the number of failures in state skipped.';

CREATE TABLE wikiembed_private.queue_ledger (
    jobs bigint NOT NULL,
    queue_name text NOT NULL,
    chunks bigint DEFAULT 0 NOT NULL
);

ALTER TABLE ONLY wikiembed_private.queue_ledger REPLICA IDENTITY FULL;

COMMENT ON TABLE wikiembed_private.queue_ledger IS 'Changes of the number of jobs that can begin at once or run, and of the chunks of all that are not finished, by queue: their sums are the numbers. Written by the triggers of the queue and of the sources; fold_ledger leaves one row per queue.';

COMMENT ON COLUMN wikiembed_private.queue_ledger.jobs IS 'Jobs added; negative: removed.';

COMMENT ON COLUMN wikiembed_private.queue_ledger.queue_name IS 'Their queue.';

COMMENT ON COLUMN wikiembed_private.queue_ledger.chunks IS 'Chunks of jobs added, also of those that wait for a time; negative: removed.';

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
    ((c.total = 0) AND (s.model IS NULL) AND ((s.relation)::oid = (to_regclass('public.wiki_chunks'::text))::oid) AND (NOT wikiembed_private.has_waiting_document(s.name)) AND (EXISTS ( SELECT
           FROM wikiembed.sources other
          WHERE ((other.relation)::oid <> (s.relation)::oid)))) AS unused
   FROM (((((wikiembed.sources s
     CROSS JOIN LATERAL wikiembed_private.sum_deltas(s.name) d(total, embedded))
     CROSS JOIN LATERAL ( SELECT ((COALESCE(sum(l.total), (0)::numeric))::bigint + d.total) AS total,
            ((COALESCE(sum(l.embedded), (0)::numeric))::bigint + d.embedded) AS embedded,
            (COALESCE(sum(l.failed), (0)::numeric))::bigint AS failed,
            (COALESCE(sum(l.skipped), (0)::numeric))::bigint AS skipped,
            COALESCE((sum(l.gained) FILTER (WHERE ((l.gained > 0) AND (l.at > (clock_timestamp() - '00:01:00'::interval)))) / GREATEST((1)::numeric, EXTRACT(epoch FROM (clock_timestamp() - min(l.at) FILTER (WHERE ((l.gained > 0) AND (l.at > (clock_timestamp() - '00:01:00'::interval)))))))), (0)::numeric) AS chunks_per_s
           FROM ONLY wikiembed.ledger l
          WHERE (l.source = s.name)) c)
     CROSS JOIN LATERAL ( SELECT wikiembed_private.is_paused(s.paused_at, s.resume_at) AS paused) h)
     CROSS JOIN LATERAL ( SELECT (COALESCE(sum(l.chunks), (0)::numeric))::bigint AS chunks
           FROM wikiembed_private.queue_ledger l
          WHERE ((s.held_back_at IS NOT NULL) AND (l.queue_name = s.queue_name))) q)
     CROSS JOIN LATERAL ( SELECT
                CASE
                    WHEN (s.held_back_at IS NULL) THEN (0)::bigint
                    ELSE GREATEST((0)::bigint, ((((c.total - c.embedded) - c.skipped) - c.failed) - q.chunks))
                END AS held_back) o);

COMMENT ON VIEW wikiembed.coverage IS 'One row per source: exact counts from the ledger; total = embedded + missing + skipped.';

COMMENT ON COLUMN wikiembed.coverage.source IS 'The source.';

COMMENT ON COLUMN wikiembed.coverage.total IS 'Rows of the table.';

COMMENT ON COLUMN wikiembed.coverage.embedded IS 'Rows with a vector.';

COMMENT ON COLUMN wikiembed.coverage.missing IS 'Rows that still lack a vector, including failed ones.';

COMMENT ON COLUMN wikiembed.coverage.failed IS 'Missing rows that are in failures.';

COMMENT ON COLUMN wikiembed.coverage.skipped IS 'Rows that are skipped: they do not count as missing.';

COMMENT ON COLUMN wikiembed.coverage.coverage_pct IS 'embedded ÷ (total − skipped), in percent, cut to two digits; null when there is nothing to embed.';

COMMENT ON COLUMN wikiembed.coverage.chunks_per_s IS 'Vectors stored per second over the last minute.';

COMMENT ON COLUMN wikiembed.coverage.eta IS 'Time left at that rate for the rows that are not held back; null when the rate is 0.';

COMMENT ON COLUMN wikiembed.coverage.paused IS 'True while the source is paused.';

COMMENT ON COLUMN wikiembed.coverage.pause_reason IS 'Why it is paused.';

COMMENT ON COLUMN wikiembed.coverage.ready IS 'True when some row is embedded, none is missing and no document waits to be split; is_ready() reads the table itself.';

COMMENT ON COLUMN wikiembed.coverage.held_back IS 'Missing rows in no job and no failure that wait for enqueue, where sources.held_back_at is set; fewer while a row is queued twice.';

COMMENT ON COLUMN wikiembed.coverage.unused IS 'True for the built-in source of wiki_chunks that is empty, has no model yet and no page that waits, when other tables are attached: is_ready() and `wikiembed ready` over all sources leave it out.';

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

COMMENT ON TABLE wikiembed.document_failures IS 'Documents that cannot be split; written by workers, deleted when the document changes or is split.';

COMMENT ON COLUMN wikiembed.document_failures.source IS 'The source.';

COMMENT ON COLUMN wikiembed.document_failures.key IS 'Key of the document, as text.';

COMMENT ON COLUMN wikiembed.document_failures.error_class IS 'Why, as in failures.';

COMMENT ON COLUMN wikiembed.document_failures.message IS 'What went wrong, in a sentence; never the text.';

COMMENT ON COLUMN wikiembed.document_failures.attempts IS 'How often it failed.';

COMMENT ON COLUMN wikiembed.document_failures.first_at IS 'When it failed first.';

COMMENT ON COLUMN wikiembed.document_failures.last_at IS 'When it failed last.';

COMMENT ON COLUMN wikiembed.document_failures.job_id IS 'The job in which it failed last.';

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

COMMENT ON VIEW wikiembed.documents IS 'One row per source of documents; reads its table of states, about 0.1 s per million documents.';

COMMENT ON COLUMN wikiembed.documents.source IS 'The source.';

COMMENT ON COLUMN wikiembed.documents.relation IS 'The document table; null when it was dropped.';

COMMENT ON COLUMN wikiembed.documents.total IS 'Documents.';

COMMENT ON COLUMN wikiembed.documents.split IS 'Documents whose chunks are those of their present text.';

COMMENT ON COLUMN wikiembed.documents.waiting IS 'Documents that wait to be split, queued or not.';

COMMENT ON COLUMN wikiembed.documents.failed IS 'Documents that cannot be split, in document_failures.';

COMMENT ON COLUMN wikiembed.documents.chunks IS 'Chunks of the documents that are split.';

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
    document boolean DEFAULT false NOT NULL,
    CONSTRAINT how_is_known CHECK ((how = ANY (ARRAY['retried'::text, 'cured'::text, 'changed'::text, 'deleted'::text, 'skipped'::text])))
);

COMMENT ON TABLE wikiembed_private.ended_failures IS 'Failures that ended, and how; written by end_failures, end_document_failures and skip, read through wikiembed.failure_history, pruned by prune_failure_history.';

COMMENT ON COLUMN wikiembed_private.ended_failures.id IS 'Ascending number.';

COMMENT ON COLUMN wikiembed_private.ended_failures.source IS 'The source.';

COMMENT ON COLUMN wikiembed_private.ended_failures.key IS 'Key of the chunk or the document, as text.';

COMMENT ON COLUMN wikiembed_private.ended_failures.error_class IS 'Stable name of the kind of failure, as in docs/reference.';

COMMENT ON COLUMN wikiembed_private.ended_failures.http_status IS 'Status of the embedding server''s last response, where there was one.';

COMMENT ON COLUMN wikiembed_private.ended_failures.message IS 'One sentence; never the text.';

COMMENT ON COLUMN wikiembed_private.ended_failures.attempts IS 'Attempts to embed this chunk alone, or to split this document.';

COMMENT ON COLUMN wikiembed_private.ended_failures.first_at IS 'When it failed first.';

COMMENT ON COLUMN wikiembed_private.ended_failures.last_at IS 'When it failed last.';

COMMENT ON COLUMN wikiembed_private.ended_failures.ended_at IS 'When the failure ended.';

COMMENT ON COLUMN wikiembed_private.ended_failures.how IS 'retried (requeued by an operator), cured (it got its vector, or was split), changed (its text or its key), deleted (its row), or skipped (by an operator).';

COMMENT ON COLUMN wikiembed_private.ended_failures.document IS 'True for a document that could not be split, false for a chunk.';

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
    how,
    document
   FROM wikiembed_private.ended_failures e;

COMMENT ON VIEW wikiembed.failure_history IS 'Failures that ended: retried, cured, changed, deleted or skipped; kept for 90 days, and the latest 50,000 of a source. Open ones are in wikiembed.failures.';

COMMENT ON COLUMN wikiembed.failure_history.source IS 'The source.';

COMMENT ON COLUMN wikiembed.failure_history.key IS 'Key of the chunk or the document, as text.';

COMMENT ON COLUMN wikiembed.failure_history.error_class IS 'Stable name of the kind of failure, as in docs/reference.';

COMMENT ON COLUMN wikiembed.failure_history.http_status IS 'Status of the embedding server''s last response, where there was one.';

COMMENT ON COLUMN wikiembed.failure_history.message IS 'One sentence; never the text.';

COMMENT ON COLUMN wikiembed.failure_history.attempts IS 'Attempts to embed this chunk alone, or to split this document.';

COMMENT ON COLUMN wikiembed.failure_history.first_at IS 'When it failed first.';

COMMENT ON COLUMN wikiembed.failure_history.last_at IS 'When it failed last.';

COMMENT ON COLUMN wikiembed.failure_history.ended_at IS 'When the failure ended.';

COMMENT ON COLUMN wikiembed.failure_history.how IS 'retried (requeued by an operator), cured (it got its vector, or was split), changed (its text or its key), deleted (its row), or skipped (by an operator).';

COMMENT ON COLUMN wikiembed.failure_history.document IS 'True for a document that could not be split, false for a chunk.';

CREATE TABLE wikiembed_private.lag_hours (
    source text NOT NULL,
    hour timestamp with time zone NOT NULL,
    fresh boolean NOT NULL,
    bucket smallint NOT NULL,
    chunks bigint NOT NULL
);

COMMENT ON TABLE wikiembed_private.lag_hours IS 'Histogram of how long chunks waited for their vectors, per source and hour, for 90 days; written by fold_batches, read through views lag and lag_histogram.';

COMMENT ON COLUMN wikiembed_private.lag_hours.source IS 'The source.';

COMMENT ON COLUMN wikiembed_private.lag_hours.hour IS 'Begin of the hour in which the vectors were stored.';

COMMENT ON COLUMN wikiembed_private.lag_hours.fresh IS 'Whether users'' transactions wrote the rows, or bulk work queued them.';

COMMENT ON COLUMN wikiembed_private.lag_hours.bucket IS 'Number of the bucket, as in lag_histogram.';

COMMENT ON COLUMN wikiembed_private.lag_hours.chunks IS 'Chunks in the bucket.';

CREATE VIEW wikiembed.lag_histogram AS
 SELECT source,
    hour,
    fresh,
    bucket,
    wikiembed_private.lag_seconds(bucket) AS seconds,
    power(((1.05)::double precision / (0.95)::double precision), (bucket)::double precision) AS upto_s,
    (sum(chunks))::bigint AS chunks
   FROM ( SELECT h.source,
            h.hour,
            h.fresh,
            h.bucket,
            h.chunks
           FROM wikiembed_private.lag_hours h
        UNION ALL
         SELECT b.source,
            date_trunc('hour'::text, b.at, 'UTC'::text) AS date_trunc,
            w.fresh,
            w.bucket,
            w.chunks
           FROM wikiembed_private.batch_ledger b,
            LATERAL UNNEST(b.fresh, b.buckets, b.chunks) w(fresh, bucket, chunks)
          WHERE ((w.chunks > 0) AND (EXISTS ( SELECT
                   FROM wikiembed.sources s
                  WHERE (s.name = b.source))))) d
  GROUP BY source, hour, fresh, bucket;

COMMENT ON VIEW wikiembed.lag_histogram IS 'How long chunks waited for their vectors, as a histogram per source and hour, for 90 days; those of several hours or sources are merged by adding chunks of equal buckets.';

COMMENT ON COLUMN wikiembed.lag_histogram.source IS 'The source.';

COMMENT ON COLUMN wikiembed.lag_histogram.hour IS 'Begin of the hour in which the vectors were stored.';

COMMENT ON COLUMN wikiembed.lag_histogram.fresh IS 'True for rows that were just written, false for bulk work; as in view lag.';

COMMENT ON COLUMN wikiembed.lag_histogram.bucket IS 'Number of the bucket, which grows with the time.';

COMMENT ON COLUMN wikiembed.lag_histogram.seconds IS 'Seconds within 5 % of every time in the bucket.';

COMMENT ON COLUMN wikiembed.lag_histogram.upto_s IS 'Longest time of the bucket, in seconds.';

COMMENT ON COLUMN wikiembed.lag_histogram.chunks IS 'Chunks whose vectors were stored after such a time.';

CREATE VIEW wikiembed.lag AS
 SELECT source,
    hour,
    fresh,
    all_chunks AS chunks,
    min(seconds) FILTER (WHERE (upto >= (0.5 * (all_chunks)::numeric))) AS p50_s,
    min(seconds) FILTER (WHERE (upto >= (0.95 * (all_chunks)::numeric))) AS p95_s,
    min(seconds) FILTER (WHERE (upto >= (0.99 * (all_chunks)::numeric))) AS p99_s
   FROM ( SELECT h.source,
            h.hour,
            h.fresh,
            h.seconds,
            sum(h.chunks) OVER (PARTITION BY h.source, h.hour, h.fresh ORDER BY h.bucket) AS upto,
            (sum(h.chunks) OVER (PARTITION BY h.source, h.hour, h.fresh))::bigint AS all_chunks
           FROM wikiembed.lag_histogram h) q
  GROUP BY source, hour, fresh, all_chunks;

COMMENT ON VIEW wikiembed.lag IS 'How long chunks waited for their vectors, per source and hour: from the begin of the transaction that queued them to the commit of the vector. Recorded once a second.';

COMMENT ON COLUMN wikiembed.lag.source IS 'The source.';

COMMENT ON COLUMN wikiembed.lag.hour IS 'Begin of the hour in which the vectors were stored.';

COMMENT ON COLUMN wikiembed.lag.fresh IS 'True: rows that a transaction of a user wrote, and the trigger queued with priority 10. False: bulk work, from its enqueue, retry or reconcile on.';

COMMENT ON COLUMN wikiembed.lag.chunks IS 'Vectors stored in that hour by workers.';

COMMENT ON COLUMN wikiembed.lag.p50_s IS 'Half of them waited for no longer than this, within 5 %, in seconds.';

COMMENT ON COLUMN wikiembed.lag.p95_s IS 'As many as 95 % waited for no longer than this, within 5 %, in seconds.';

COMMENT ON COLUMN wikiembed.lag.p99_s IS 'As many as 99 % waited for no longer than this, within 5 %, in seconds.';

ALTER TABLE wikiembed.ledger ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME wikiembed.ledger_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE wikiembed_private.limit_slots (
    limit_id bigint NOT NULL,
    slot bigint NOT NULL,
    requests bigint DEFAULT 0 NOT NULL,
    tokens bigint DEFAULT 0 NOT NULL,
    requests_due double precision NOT NULL,
    tokens_due double precision NOT NULL,
    is_short boolean DEFAULT false NOT NULL
)
WITH (fillfactor='50');

COMMENT ON TABLE wikiembed_private.limit_slots IS 'What workers leased of a limit in each slot, a 120th of its window; written by lease_requests, deleted two windows later.';

COMMENT ON COLUMN wikiembed_private.limit_slots.limit_id IS 'The limit.';

COMMENT ON COLUMN wikiembed_private.limit_slots.slot IS 'Slots since 1970.';

COMMENT ON COLUMN wikiembed_private.limit_slots.requests IS 'Requests leased in the slot, without those given back.';

COMMENT ON COLUMN wikiembed_private.limit_slots.tokens IS 'Their tokens by an estimate, and corrections by what responses counted.';

COMMENT ON COLUMN wikiembed_private.limit_slots.requests_due IS 'When the next request is due after the last lease of the slot, in seconds since 1970.';

COMMENT ON COLUMN wikiembed_private.limit_slots.tokens_due IS 'When the next token is due, in seconds since 1970.';

COMMENT ON COLUMN wikiembed_private.limit_slots.is_short IS 'Whether a worker got fewer requests than it asked for.';

CREATE VIEW wikiembed.limits AS
 SELECT l.server,
    NULLIF(l.model, ''::text) AS model,
    COALESCE(l.requests, l.stated_requests) AS requests_per_minute,
    COALESCE(l.tokens, l.stated_tokens) AS tokens_per_minute,
        CASE
            WHEN (l.set_by IS NULL) THEN 'stated'::text
            ELSE 'set'::text
        END AS origin,
    (COALESCE(u.requests, (0)::numeric))::bigint AS requests_used,
    (COALESCE(u.tokens, (0)::numeric))::bigint AS tokens_used,
    round(GREATEST((COALESCE(u.requests, (0)::numeric) / (COALESCE(l.requests, l.stated_requests))::numeric), (COALESCE(u.tokens, (0)::numeric) / (COALESCE(l.tokens, l.stated_tokens))::numeric)), 4) AS share_used,
    COALESCE(u.waits, false) AS waits,
        CASE
            WHEN (l.blocked_until > clock_timestamp()) THEN l.blocked_until
            ELSE NULL::timestamp with time zone
        END AS blocked_until,
    l.stated_requests,
    l.stated_tokens,
    l.stated_at,
    l.set_by,
    l.set_at
   FROM ((wikiembed_private.limits l
     CROSS JOIN LATERAL ( SELECT (floor((((EXTRACT(epoch FROM clock_timestamp()))::double precision * (wikiembed_private.slots_per_window())::double precision) / l.window_s)))::bigint AS floor) p(slot))
     CROSS JOIN LATERAL ( SELECT sum(s.requests) AS requests,
            sum(s.tokens) AS tokens,
            bool_or((s.is_short AND (s.slot >= (p.slot - (wikiembed_private.slots_per_window() / 6))))) AS waits
           FROM wikiembed_private.limit_slots s
          WHERE ((s.limit_id = l.id) AND (s.slot > (p.slot - wikiembed_private.slots_per_window())))) u);

COMMENT ON VIEW wikiembed.limits IS 'Requests and tokens a minute that all workers together send to a server, and what they used of them in the last minute.';

COMMENT ON COLUMN wikiembed.limits.server IS 'URL of the server, as in wikiembed.outages.';

COMMENT ON COLUMN wikiembed.limits.model IS 'The model; null: all models of the server together that have no limit of their own.';

COMMENT ON COLUMN wikiembed.limits.requests_per_minute IS 'Requests per minute; null: no limit.';

COMMENT ON COLUMN wikiembed.limits.tokens_per_minute IS 'Tokens per minute; null: no limit.';

COMMENT ON COLUMN wikiembed.limits.origin IS 'set: by an operator, which wins; stated: by the server in its responses.';

COMMENT ON COLUMN wikiembed.limits.requests_used IS 'Requests of the last minute, with those that workers are about to send.';

COMMENT ON COLUMN wikiembed.limits.tokens_used IS 'Their tokens; of requests in flight an estimate.';

COMMENT ON COLUMN wikiembed.limits.share_used IS 'Used share of the limit, of requests or of tokens, whichever is larger: 1 is all of it.';

COMMENT ON COLUMN wikiembed.limits.waits IS 'True when a worker waited for the limit within the last 10 s.';

COMMENT ON COLUMN wikiembed.limits.blocked_until IS 'Until when no worker sends a request, since the server refused one; null: they send.';

COMMENT ON COLUMN wikiembed.limits.stated_requests IS 'Requests per minute by the headers of the server''s responses; null: none stated.';

COMMENT ON COLUMN wikiembed.limits.stated_tokens IS 'Tokens per minute by them; null: none stated.';

COMMENT ON COLUMN wikiembed.limits.stated_at IS 'When the server stated other numbers than before.';

COMMENT ON COLUMN wikiembed.limits.set_by IS 'Who set the limit; null: it was not set.';

COMMENT ON COLUMN wikiembed.limits.set_at IS 'When it was set.';

CREATE TABLE wikiembed.model_checks (
    source text NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    model text NOT NULL,
    sample integer NOT NULL,
    median_distance double precision NOT NULL,
    max_distance double precision NOT NULL,
    outcome text NOT NULL,
    CONSTRAINT distances_are_of_cosine CHECK ((((0)::double precision <= median_distance) AND (median_distance <= max_distance) AND (max_distance <= (2)::double precision))),
    CONSTRAINT outcome_is_known CHECK ((outcome = ANY (ARRAY['same'::text, 'mixed'::text, 'shifted'::text, 'different'::text]))),
    CONSTRAINT sample_is_positive CHECK ((sample > 0))
);

COMMENT ON TABLE wikiembed.model_checks IS 'Results of checks whether a source''s model makes the vectors that are stored: those of each day by a worker, and of wikiembed verify; written by record_model_check, kept for 90 days.';

COMMENT ON COLUMN wikiembed.model_checks.source IS 'The source.';

COMMENT ON COLUMN wikiembed.model_checks.at IS 'When it was checked.';

COMMENT ON COLUMN wikiembed.model_checks.model IS 'The model that was checked, as the source has it.';

COMMENT ON COLUMN wikiembed.model_checks.sample IS 'Chunks that were embedded again and compared.';

COMMENT ON COLUMN wikiembed.model_checks.median_distance IS 'Median of the cosine distances between new and stored vectors.';

COMMENT ON COLUMN wikiembed.model_checks.max_distance IS 'The largest of them.';

COMMENT ON COLUMN wikiembed.model_checks.outcome IS 'same: the same model; mixed: it made a part of the vectors; shifted: other weights or quantisation; different: another model, pooling or prefix.';

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

COMMENT ON TABLE wikiembed.outages IS 'When an embedding server was out of reach and why, one row per outage, for 30 days; written by report_outage and end_outage.';

COMMENT ON COLUMN wikiembed.outages.id IS 'Row number.';

COMMENT ON COLUMN wikiembed.outages.server IS 'The server''s URL, without user, password and query.';

COMMENT ON COLUMN wikiembed.outages.since IS 'When a worker noticed it first.';

COMMENT ON COLUMN wikiembed.outages.last_seen_at IS 'When a worker noticed it last; older than 90 s: no worker sends requests to the server any more.';

COMMENT ON COLUMN wikiembed.outages.ended_at IS 'When a worker got a response again; null while it lasts. No worker sent a request between last_seen_at and then.';

COMMENT ON COLUMN wikiembed.outages.error_class IS 'Error class of the last error: throttled (429), or a class of docs/reference/failures.md.';

COMMENT ON COLUMN wikiembed.outages.http_status IS 'Status of the server''s last response, where there was one.';

COMMENT ON COLUMN wikiembed.outages.reason IS 'The last error, in one sentence of at most 300 characters; never a chunk''s text.';

COMMENT ON COLUMN wikiembed.outages.times IS 'Interruptions in it: ends that lasted less than 60 s do not make a new row.';

ALTER TABLE wikiembed.outages ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME wikiembed.outages_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE VIEW wikiembed.queue AS
 SELECT s.name AS source,
    j.todo,
    j.doing,
    j.oldest_todo_s,
    j.scheduled_later
   FROM (wikiembed.sources s
     CROSS JOIN LATERAL wikiembed_private.count_jobs(s.queue_name) j(todo, doing, oldest_todo_s, scheduled_later));

COMMENT ON VIEW wikiembed.queue IS 'One row per source: its jobs that wait, run, or are scheduled later.';

COMMENT ON COLUMN wikiembed.queue.source IS 'The source.';

COMMENT ON COLUMN wikiembed.queue.todo IS 'Jobs that could begin now.';

COMMENT ON COLUMN wikiembed.queue.doing IS 'Jobs that a worker is processing.';

COMMENT ON COLUMN wikiembed.queue.oldest_todo_s IS 'Seconds since the oldest job that could begin was queued.';

COMMENT ON COLUMN wikiembed.queue.scheduled_later IS 'Jobs that wait for a later time.';

CREATE TABLE wikiembed.recall_checks (
    source text NOT NULL,
    depth integer NOT NULL,
    filter jsonb NOT NULL,
    ef_search integer NOT NULL,
    recall double precision NOT NULL,
    sample integer NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT depth_is_possible CHECK (((depth >= 1) AND (depth <= 999))),
    CONSTRAINT ef_search_is_possible CHECK (((ef_search >= 1) AND (ef_search <= 1000))),
    CONSTRAINT filter_is_an_object CHECK ((jsonb_typeof(filter) = 'object'::text)),
    CONSTRAINT recall_is_a_share CHECK (((recall >= (0)::double precision) AND (recall <= (1)::double precision))),
    CONSTRAINT sample_is_positive CHECK ((sample > 0))
);

COMMENT ON TABLE wikiembed.recall_checks IS 'The last measurement of recall of each source, depth and filter: a row per hnsw.ef_search. Written by record_recall.';

COMMENT ON COLUMN wikiembed.recall_checks.source IS 'Name of the source.';

COMMENT ON COLUMN wikiembed.recall_checks.depth IS 'Nearest chunks that were searched for: 10 for recall@10.';

COMMENT ON COLUMN wikiembed.recall_checks.filter IS 'The filter of the searches, as p_filter of search; {} without one.';

COMMENT ON COLUMN wikiembed.recall_checks.ef_search IS 'The hnsw.ef_search that was measured.';

COMMENT ON COLUMN wikiembed.recall_checks.recall IS 'Share of the nearest chunks that were found, 0 to 1, of held-out questions.';

COMMENT ON COLUMN wikiembed.recall_checks.sample IS 'Questions that were asked.';

COMMENT ON COLUMN wikiembed.recall_checks.at IS 'When it was measured.';

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

COMMENT ON VIEW wikiembed.replaced_tables IS 'Sources whose table''s name at attach is another table''s now, after a swap by rename or after the table was created again.';

COMMENT ON COLUMN wikiembed.replaced_tables.source IS 'The source.';

COMMENT ON COLUMN wikiembed.replaced_tables.name IS 'The name that the table had at attach, and another one has now.';

COMMENT ON COLUMN wikiembed.replaced_tables.attached_to IS 'The name of the table that the source is still attached to; null when it was dropped.';

CREATE VIEW wikiembed.schedules AS
 SELECT c.source,
    c.begins,
    c.ends,
    c.zone,
    c.weekdays,
    (NOT wikiembed_private.is_bulk_closed(s.bulk_opens_at, s.bulk_closes_at)) AS open,
    s.bulk_opens_at AS opens_at,
    s.bulk_closes_at AS closes_at,
    c.set_by,
    c.set_at
   FROM (wikiembed_private.schedules c
     JOIN wikiembed.sources s ON ((s.name = c.source)));

COMMENT ON VIEW wikiembed.schedules IS 'When the bulk work of sources runs: jobs with a priority below 5, which enqueue, backfill and reconcile queue.';

COMMENT ON COLUMN wikiembed.schedules.source IS 'The source.';

COMMENT ON COLUMN wikiembed.schedules.begins IS 'Time of day at which each window begins.';

COMMENT ON COLUMN wikiembed.schedules.ends IS 'Time of day at which each ends; on the next day where it is not after begins.';

COMMENT ON COLUMN wikiembed.schedules.zone IS 'Their time zone.';

COMMENT ON COLUMN wikiembed.schedules.weekdays IS 'Days on which windows begin, 1 (Monday) to 7 (Sunday).';

COMMENT ON COLUMN wikiembed.schedules.open IS 'True while bulk work runs.';

COMMENT ON COLUMN wikiembed.schedules.opens_at IS 'When the present window opened, or the next one opens.';

COMMENT ON COLUMN wikiembed.schedules.closes_at IS 'When it closes.';

COMMENT ON COLUMN wikiembed.schedules.set_by IS 'Who set it.';

COMMENT ON COLUMN wikiembed.schedules.set_at IS 'When it was set.';

CREATE TABLE wikiembed.schema_digest (
    only_row boolean DEFAULT true NOT NULL,
    digest text NOT NULL,
    package_version text NOT NULL,
    migrated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT schema_digest_only_row_check CHECK (only_row)
);

COMMENT ON TABLE wikiembed.schema_digest IS 'The sources of the functions, views and triggers; one row, written by wikiembed migrate.';

COMMENT ON COLUMN wikiembed.schema_digest.only_row IS 'Always true: there is one row.';

COMMENT ON COLUMN wikiembed.schema_digest.digest IS 'SHA-256, its first 16 characters, of the files of migrations/current; workers compare it with their own.';

COMMENT ON COLUMN wikiembed.schema_digest.package_version IS 'Version of the package wikiembed that wrote it.';

COMMENT ON COLUMN wikiembed.schema_digest.migrated_at IS 'When wikiembed migrate wrote it.';

CREATE TABLE wikiembed.search_names (
    name text NOT NULL,
    source text NOT NULL,
    since timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    by text NOT NULL,
    CONSTRAINT name_is_not_its_source CHECK ((name <> source))
);

COMMENT ON TABLE wikiembed.search_names IS 'Names whose searches use a source of another name: a row per name. Written by switch.';

COMMENT ON COLUMN wikiembed.search_names.name IS 'The name that searches give: that of a source, or one of its own.';

COMMENT ON COLUMN wikiembed.search_names.source IS 'The source that they use.';

COMMENT ON COLUMN wikiembed.search_names.since IS 'When it was switched.';

COMMENT ON COLUMN wikiembed.search_names.by IS 'Who switched it.';

CREATE TABLE wikiembed_private.throughput_history (
    source text NOT NULL,
    at timestamp with time zone NOT NULL,
    chunks bigint NOT NULL,
    CONSTRAINT chunks_are_positive CHECK ((chunks > 0))
);

COMMENT ON TABLE wikiembed_private.throughput_history IS 'Vectors stored in each minute, after a day in each hour; written by fold_ledger, read through wikiembed.throughput.';

COMMENT ON COLUMN wikiembed_private.throughput_history.source IS 'The source.';

COMMENT ON COLUMN wikiembed_private.throughput_history.at IS 'Begin of the minute or hour.';

COMMENT ON COLUMN wikiembed_private.throughput_history.chunks IS 'Vectors stored in it.';

CREATE VIEW wikiembed_private.gains AS
 SELECT h.source,
    h.at,
    h.chunks
   FROM wikiembed_private.throughput_history h
UNION ALL
 SELECT l.source,
    l.at,
    l.gained AS chunks
   FROM ONLY wikiembed.ledger l
  WHERE (l.gained > 0);

COMMENT ON VIEW wikiembed_private.gains IS 'Vectors stored, in rows of the ledger and of its history; for throughput.';

COMMENT ON COLUMN wikiembed_private.gains.source IS 'The source.';

COMMENT ON COLUMN wikiembed_private.gains.at IS 'When, or the minute or hour.';

COMMENT ON COLUMN wikiembed_private.gains.chunks IS 'Vectors stored.';

CREATE VIEW wikiembed.throughput AS
 SELECT source,
    date_trunc('minute'::text, at) AS minute,
    (sum(chunks))::bigint AS chunks
   FROM wikiembed_private.gains g
  GROUP BY source, (date_trunc('minute'::text, at));

COMMENT ON VIEW wikiembed.throughput IS 'Chunks embedded per minute, per hour after a day.';

COMMENT ON COLUMN wikiembed.throughput.source IS 'The source.';

COMMENT ON COLUMN wikiembed.throughput.minute IS 'Begin of the minute (of the hour, when older than a day).';

COMMENT ON COLUMN wikiembed.throughput.chunks IS 'Vectors stored in it.';

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

COMMENT ON TABLE wikiembed.truncation_checks IS 'Whether an embedding server cuts long texts silently, one row per source, server and model; written by record_truncation_check.';

COMMENT ON COLUMN wikiembed.truncation_checks.source IS 'The source that is embedded there.';

COMMENT ON COLUMN wikiembed.truncation_checks.server IS 'The server''s URL, without user, password and query.';

COMMENT ON COLUMN wikiembed.truncation_checks.model IS 'The model, as the source has it.';

COMMENT ON COLUMN wikiembed.truncation_checks.outcome IS 'silent (two texts that differ at the end have the same vector), refused (the server refuses long texts), whole (they differ), or unanswered (no answer in time: checked again after a day).';

COMMENT ON COLUMN wikiembed.truncation_checks.from_chars IS 'Characters of English text from which on a text is cut; null unless silent.';

COMMENT ON COLUMN wikiembed.truncation_checks.checked_chars IS 'Characters of the longest text that was tried.';

COMMENT ON COLUMN wikiembed.truncation_checks.checked_at IS 'When it was checked.';

COMMENT ON COLUMN wikiembed.truncation_checks.used_at IS 'When a worker began to embed the source there; of several rows of a source the latest counts.';

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

COMMENT ON VIEW wikiembed.truncation IS 'Per source, how many chunks are embedded by their beginning only, and whether its server cuts long texts silently.';

COMMENT ON COLUMN wikiembed.truncation.source IS 'The source.';

COMMENT ON COLUMN wikiembed.truncation.truncated IS 'Chunks in wikiembed.truncated_chunks; texts that a server cut silently are not included.';

COMMENT ON COLUMN wikiembed.truncation.server IS 'The server that was used last; null before the first check.';

COMMENT ON COLUMN wikiembed.truncation.outcome IS 'Result of the check of that server: silent, refused, whole or unanswered; null before the first check.';

COMMENT ON COLUMN wikiembed.truncation.from_chars IS 'Characters of English text from which on it cuts silently; null unless outcome is silent.';

COMMENT ON COLUMN wikiembed.truncation.checked_chars IS 'Characters of the longest text that was tried.';

COMMENT ON COLUMN wikiembed.truncation.checked_at IS 'When it was checked.';

CREATE TABLE wikiembed.worker_processes (
    worker_id bigint NOT NULL,
    process_id uuid NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    version text NOT NULL,
    model text,
    started_at timestamp with time zone NOT NULL,
    requests jsonb DEFAULT '[]'::jsonb NOT NULL,
    requests_at timestamp with time zone,
    node text,
    actor text,
    CONSTRAINT actor_is_short CHECK ((char_length(actor) <= 255)),
    CONSTRAINT node_is_short CHECK ((char_length(node) <= 255)),
    CONSTRAINT requests_are_a_list CHECK ((jsonb_typeof(requests) = 'array'::text)),
    CONSTRAINT worker_processes_host_check CHECK ((char_length(host) <= 255)),
    CONSTRAINT worker_processes_model_check CHECK ((char_length(model) <= 500)),
    CONSTRAINT worker_processes_pid_check CHECK ((pid > 0)),
    CONSTRAINT worker_processes_version_check CHECK ((char_length(version) <= 100))
);

COMMENT ON TABLE wikiembed.worker_processes IS 'The process of each registration of procrastinate''s; written by register_worker, read through view workers.';

COMMENT ON COLUMN wikiembed.worker_processes.worker_id IS 'procrastinate''s number of the registration.';

COMMENT ON COLUMN wikiembed.worker_processes.process_id IS 'The same for all registrations of one process, which generates it.';

COMMENT ON COLUMN wikiembed.worker_processes.host IS 'Name of its machine or container.';

COMMENT ON COLUMN wikiembed.worker_processes.pid IS 'Its process number there.';

COMMENT ON COLUMN wikiembed.worker_processes.version IS 'Its version of wikiembed.';

COMMENT ON COLUMN wikiembed.worker_processes.model IS 'Embedder and model of its settings, such as "ollama nomic-embed-text"; a source that has its own uses that.';

COMMENT ON COLUMN wikiembed.worker_processes.started_at IS 'When it started, by its own clock.';

COMMENT ON COLUMN wikiembed.worker_processes.requests IS 'What it has in flight to each server; written by report_requests, see workers.requests.';

COMMENT ON COLUMN wikiembed.worker_processes.requests_at IS 'When that was written.';

COMMENT ON COLUMN wikiembed.worker_processes.node IS 'Ray''s id of its node; null when it is no actor of a fleet.';

COMMENT ON COLUMN wikiembed.worker_processes.actor IS 'Ray''s id of the actor; null when it is none.';

CREATE TABLE wikiembed_queue.procrastinate_workers (
    id bigint NOT NULL,
    last_heartbeat timestamp with time zone DEFAULT now() NOT NULL
);

CREATE VIEW wikiembed.workers AS
 WITH registered AS (
         SELECT w.id,
            w.last_heartbeat,
            p.host,
            p.pid,
            p.version,
            p.model,
            p.started_at,
            p.requests,
            p.requests_at,
            p.node,
            p.actor,
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
    max(started_at) AS started_at,
    COALESCE((array_agg(requests ORDER BY requests_at DESC NULLS LAST))[1], '[]'::jsonb) AS requests,
    max(node) AS node,
    max(actor) AS actor
   FROM registered r
  GROUP BY process;

COMMENT ON VIEW wikiembed.workers IS 'One row per worker process and its heartbeat.';

COMMENT ON COLUMN wikiembed.workers.worker_id IS 'procrastinate''s number of its latest registration; a process has several, see worker_ids.';

COMMENT ON COLUMN wikiembed.workers.last_heartbeat IS 'Its latest heartbeat (each 10 s).';

COMMENT ON COLUMN wikiembed.workers.heartbeat_age_s IS 'Seconds since then.';

COMMENT ON COLUMN wikiembed.workers.alive IS 'True when that is less than 30 s ago.';

COMMENT ON COLUMN wikiembed.workers.doing IS 'Jobs that it is processing, of all its registrations.';

COMMENT ON COLUMN wikiembed.workers.worker_ids IS 'procrastinate''s numbers of its registrations: one per slot (embed, upkeep), and those of before a loss of Postgres.';

COMMENT ON COLUMN wikiembed.workers.host IS 'Name of its machine or container; null when the process did not register it.';

COMMENT ON COLUMN wikiembed.workers.pid IS 'Its process number there; null when the process did not register it.';

COMMENT ON COLUMN wikiembed.workers.version IS 'Its version of wikiembed; null when the process did not register it.';

COMMENT ON COLUMN wikiembed.workers.model IS 'Embedder and model of its settings; a source that has its own uses that. Null when the process did not register it.';

COMMENT ON COLUMN wikiembed.workers.started_at IS 'When it started, by its own clock; null when the process did not register it.';

COMMENT ON COLUMN wikiembed.workers.requests IS 'Of each server and model that it has sent to: server, model, in_flight (requests), limit (of them), throttled (answers 429 since it started), out (why the server is left out; null: it is not), waiting (requests that wait for the server''s limit); at its latest heartbeat.';

COMMENT ON COLUMN wikiembed.workers.node IS 'Ray''s id of the node that it runs on, as an actor of `wikiembed fleet`; null for any other worker.';

COMMENT ON COLUMN wikiembed.workers.actor IS 'Ray''s id of the actor that it is; null for any other worker.';

CREATE SEQUENCE wikiembed_private.clock
    START WITH 0
    INCREMENT BY 1
    MINVALUE 0
    NO MAXVALUE
    CACHE 1;

COMMENT ON SEQUENCE wikiembed_private.clock IS 'Milliseconds of the last notification for queues without a clock of their own.';

CREATE SEQUENCE wikiembed_private.clock_embed_wiki
    START WITH 0
    INCREMENT BY 1
    MINVALUE 0
    NO MAXVALUE
    CACHE 1;

COMMENT ON SEQUENCE wikiembed_private.clock_embed_wiki IS 'Milliseconds of the last notification for source wiki.';

CREATE TABLE wikiembed_private.deltas_wiki (
    total bigint DEFAULT 0 NOT NULL,
    embedded bigint DEFAULT 0 NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    id bigint DEFAULT nextval('wikiembed.ledger_id_seq'::regclass) NOT NULL,
    gained bigint DEFAULT 0 NOT NULL,
    failed bigint DEFAULT 0 NOT NULL,
    skipped bigint DEFAULT 0 NOT NULL,
    source text DEFAULT 'wiki'::text NOT NULL
)
INHERITS (wikiembed.ledger);

ALTER TABLE ONLY wikiembed_private.deltas_wiki REPLICA IDENTITY FULL;

COMMENT ON TABLE wikiembed_private.deltas_wiki IS 'Rows of the ledger of source wiki from inserts and deletes, not folded yet; written by its triggers.';

COMMENT ON COLUMN wikiembed_private.deltas_wiki.total IS 'Change of the number of rows.';

COMMENT ON COLUMN wikiembed_private.deltas_wiki.embedded IS 'Change of the number of rows with a vector.';

COMMENT ON COLUMN wikiembed_private.deltas_wiki.at IS 'When the statement ran; of a folded row, the last minute in it.';

COMMENT ON COLUMN wikiembed_private.deltas_wiki.id IS 'Row number.';

COMMENT ON COLUMN wikiembed_private.deltas_wiki.gained IS 'Rows whose vector was null and got set: the throughput; folded rows have it in throughput_history.';

COMMENT ON COLUMN wikiembed_private.deltas_wiki.failed IS 'Change of the number of failures in state failed.';

COMMENT ON COLUMN wikiembed_private.deltas_wiki.skipped IS 'Change of the number of failures in state skipped.';

COMMENT ON COLUMN wikiembed_private.deltas_wiki.source IS 'The source.';

CREATE TABLE wikiembed_private.documents_wiki (
    key text NOT NULL COLLATE pg_catalog."C",
    version bigint,
    chunks integer DEFAULT 0 NOT NULL,
    split_at timestamp with time zone
);

COMMENT ON TABLE wikiembed_private.documents_wiki IS 'State of each document of source wiki: version null waits to be split.';

COMMENT ON COLUMN wikiembed_private.documents_wiki.key IS 'Key of the document, as text.';

COMMENT ON COLUMN wikiembed_private.documents_wiki.version IS 'Hash of the text that its chunks are of; null: it waits.';

COMMENT ON COLUMN wikiembed_private.documents_wiki.chunks IS 'Number of its chunks.';

COMMENT ON COLUMN wikiembed_private.documents_wiki.split_at IS 'When a worker split it last.';

ALTER TABLE wikiembed_private.ended_failures ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME wikiembed_private.ended_failures_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE wikiembed_private.limits ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME wikiembed_private.limits_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE wikiembed_private.written_functions (
    function text NOT NULL COLLATE pg_catalog."C"
);

COMMENT ON TABLE wikiembed_private.written_functions IS 'The functions that the last wikiembed migrate wrote. The next one drops those that it no longer has.';

COMMENT ON COLUMN wikiembed_private.written_functions.function IS 'Schema, name and parameter types, as signature_of() returns them.';

CREATE TABLE wikiembed_queue.procrastinate_events (
    id bigint NOT NULL,
    job_id bigint NOT NULL,
    type wikiembed_queue.procrastinate_job_event_type,
    at timestamp with time zone DEFAULT now()
);

CREATE SEQUENCE wikiembed_queue.procrastinate_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE wikiembed_queue.procrastinate_events_id_seq OWNED BY wikiembed_queue.procrastinate_events.id;

CREATE SEQUENCE wikiembed_queue.procrastinate_jobs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE wikiembed_queue.procrastinate_jobs_id_seq OWNED BY wikiembed_queue.procrastinate_jobs.id;

CREATE TABLE wikiembed_queue.procrastinate_periodic_defers (
    id bigint NOT NULL,
    task_name character varying(128) NOT NULL,
    defer_timestamp bigint,
    job_id bigint,
    periodic_id character varying(128) DEFAULT ''::character varying NOT NULL
);

CREATE SEQUENCE wikiembed_queue.procrastinate_periodic_defers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE wikiembed_queue.procrastinate_periodic_defers_id_seq OWNED BY wikiembed_queue.procrastinate_periodic_defers.id;

ALTER TABLE wikiembed_queue.procrastinate_workers ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME wikiembed_queue.procrastinate_workers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE ONLY wikiembed_queue.procrastinate_events ALTER COLUMN id SET DEFAULT nextval('wikiembed_queue.procrastinate_events_id_seq'::regclass);

ALTER TABLE ONLY wikiembed_queue.procrastinate_jobs ALTER COLUMN id SET DEFAULT nextval('wikiembed_queue.procrastinate_jobs_id_seq'::regclass);

ALTER TABLE ONLY wikiembed_queue.procrastinate_periodic_defers ALTER COLUMN id SET DEFAULT nextval('wikiembed_queue.procrastinate_periodic_defers_id_seq'::regclass);

ALTER TABLE ONLY wikiembed.sources
    ADD CONSTRAINT a_column_is_attached_once UNIQUE (relation, embedding_column);

ALTER TABLE ONLY wikiembed.action_log
    ADD CONSTRAINT action_log_pkey PRIMARY KEY (id);

ALTER TABLE ONLY wikiembed.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);

ALTER TABLE ONLY wikiembed.document_failures
    ADD CONSTRAINT document_failures_pkey PRIMARY KEY (source, key);

ALTER TABLE ONLY wikiembed.document_sources
    ADD CONSTRAINT document_sources_pkey PRIMARY KEY (source);

ALTER TABLE ONLY wikiembed.failures
    ADD CONSTRAINT failures_pkey PRIMARY KEY (source, key);

ALTER TABLE ONLY wikiembed.sources
    ADD CONSTRAINT generation_is_a_key UNIQUE (name, generation);

ALTER TABLE ONLY wikiembed.model_checks
    ADD CONSTRAINT model_checks_pkey PRIMARY KEY (source, at);

ALTER TABLE ONLY wikiembed.outages
    ADD CONSTRAINT outages_pkey PRIMARY KEY (id);

ALTER TABLE ONLY wikiembed.prices
    ADD CONSTRAINT prices_pkey PRIMARY KEY (source, from_day);

ALTER TABLE ONLY wikiembed.recall_checks
    ADD CONSTRAINT recall_checks_pkey PRIMARY KEY (source, depth, filter, ef_search);

ALTER TABLE ONLY wikiembed.schema_digest
    ADD CONSTRAINT schema_digest_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY wikiembed.search_names
    ADD CONSTRAINT search_names_pkey PRIMARY KEY (name);

ALTER TABLE ONLY wikiembed.search_statements
    ADD CONSTRAINT search_statements_pkey PRIMARY KEY (source);

ALTER TABLE ONLY wikiembed.sources
    ADD CONSTRAINT sources_pkey PRIMARY KEY (name);

ALTER TABLE ONLY wikiembed.truncated_chunks
    ADD CONSTRAINT truncated_chunks_pkey PRIMARY KEY (source, key);

ALTER TABLE ONLY wikiembed.truncation_checks
    ADD CONSTRAINT truncation_checks_pkey PRIMARY KEY (source, server, model);

ALTER TABLE ONLY wikiembed.worker_processes
    ADD CONSTRAINT worker_processes_pkey PRIMARY KEY (worker_id);

ALTER TABLE ONLY wikiembed_private.budget_reservations
    ADD CONSTRAINT budget_reservations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY wikiembed_private.budgets
    ADD CONSTRAINT budgets_pkey PRIMARY KEY (source, period);

ALTER TABLE ONLY wikiembed_private.documents_wiki
    ADD CONSTRAINT documents_wiki_pkey PRIMARY KEY (key);

ALTER TABLE ONLY wikiembed_private.ended_failures
    ADD CONSTRAINT ended_failures_pkey PRIMARY KEY (id);

ALTER TABLE ONLY wikiembed_private.lag_hours
    ADD CONSTRAINT lag_hours_pkey PRIMARY KEY (source, hour, fresh, bucket);

ALTER TABLE ONLY wikiembed_private.limits
    ADD CONSTRAINT limit_is_of_one_model UNIQUE (server, model);

ALTER TABLE ONLY wikiembed_private.limit_slots
    ADD CONSTRAINT limit_slots_pkey PRIMARY KEY (limit_id, slot);

ALTER TABLE ONLY wikiembed_private.limits
    ADD CONSTRAINT limits_pkey PRIMARY KEY (id);

ALTER TABLE ONLY wikiembed_private.schedules
    ADD CONSTRAINT schedules_pkey PRIMARY KEY (source);

ALTER TABLE ONLY wikiembed_private.throughput_history
    ADD CONSTRAINT throughput_history_pkey PRIMARY KEY (source, at);

ALTER TABLE ONLY wikiembed_private.usage_days
    ADD CONSTRAINT usage_days_pkey PRIMARY KEY (source, day);

ALTER TABLE ONLY wikiembed_private.written_functions
    ADD CONSTRAINT written_functions_pkey PRIMARY KEY (function);

ALTER TABLE ONLY wikiembed_queue.procrastinate_events
    ADD CONSTRAINT procrastinate_events_pkey PRIMARY KEY (id);

ALTER TABLE ONLY wikiembed_queue.procrastinate_jobs
    ADD CONSTRAINT procrastinate_jobs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY wikiembed_queue.procrastinate_periodic_defers
    ADD CONSTRAINT procrastinate_periodic_defers_pkey PRIMARY KEY (id);

ALTER TABLE ONLY wikiembed_queue.procrastinate_periodic_defers
    ADD CONSTRAINT procrastinate_periodic_defers_unique UNIQUE (task_name, periodic_id, defer_timestamp);

ALTER TABLE ONLY wikiembed_queue.procrastinate_workers
    ADD CONSTRAINT procrastinate_workers_pkey PRIMARY KEY (id);

CREATE INDEX action_log_by_source ON wikiembed.action_log USING btree (source, at);

CREATE INDEX ledger_by_source ON wikiembed.ledger USING btree (source, at);

CREATE INDEX outages_by_server ON wikiembed.outages USING btree (server, ended_at);

CREATE UNIQUE INDEX outages_open ON wikiembed.outages USING btree (server) WHERE (ended_at IS NULL);

CREATE INDEX search_names_by_source ON wikiembed.search_names USING btree (source);

CREATE INDEX budget_reservations_by_source ON wikiembed_private.budget_reservations USING btree (source);

CREATE INDEX documents_wiki_key_idx ON wikiembed_private.documents_wiki USING btree (key) WHERE (version IS NULL);

CREATE INDEX ended_failures_by_time ON wikiembed_private.ended_failures USING btree (source, ended_at);

CREATE INDEX idx_procrastinate_jobs_worker_not_null ON wikiembed_queue.procrastinate_jobs USING btree (worker_id) WHERE ((worker_id IS NOT NULL) AND (status = 'doing'::wikiembed_queue.procrastinate_job_status));

CREATE INDEX idx_procrastinate_workers_last_heartbeat ON wikiembed_queue.procrastinate_workers USING btree (last_heartbeat);

CREATE INDEX jobs_by_queue ON wikiembed_queue.procrastinate_jobs USING btree (queue_name, priority DESC, id) WHERE ((status = 'todo'::wikiembed_queue.procrastinate_job_status) AND (scheduled_at IS NULL));

CREATE INDEX jobs_by_time ON wikiembed_queue.procrastinate_jobs USING btree (queue_name, scheduled_at) WHERE ((status = 'todo'::wikiembed_queue.procrastinate_job_status) AND (scheduled_at IS NOT NULL));

CREATE INDEX procrastinate_events_job_id_fkey_v1 ON wikiembed_queue.procrastinate_events USING btree (job_id);

CREATE UNIQUE INDEX procrastinate_jobs_lock_idx_v1 ON wikiembed_queue.procrastinate_jobs USING btree (lock) WHERE (status = 'doing'::wikiembed_queue.procrastinate_job_status);

CREATE UNIQUE INDEX procrastinate_jobs_queueing_lock_idx_v1 ON wikiembed_queue.procrastinate_jobs USING btree (queueing_lock) WHERE ((status = 'todo'::wikiembed_queue.procrastinate_job_status) AND (queueing_lock IS NOT NULL));

CREATE INDEX procrastinate_periodic_defers_job_id_fkey_v1 ON wikiembed_queue.procrastinate_periodic_defers USING btree (job_id);

CREATE TRIGGER count_deleted AFTER DELETE ON wikiembed.failures REFERENCING OLD TABLE AS old_failures FOR EACH STATEMENT EXECUTE FUNCTION wikiembed_private.count_failures();

COMMENT ON TRIGGER count_deleted ON wikiembed.failures IS 'Counts ended failures in the ledger.';

CREATE TRIGGER count_inserted AFTER INSERT ON wikiembed.failures REFERENCING NEW TABLE AS new_failures FOR EACH STATEMENT EXECUTE FUNCTION wikiembed_private.count_failures();

COMMENT ON TRIGGER count_inserted ON wikiembed.failures IS 'Counts new failures in the ledger.';

CREATE TRIGGER count_updated AFTER UPDATE ON wikiembed.failures REFERENCING OLD TABLE AS old_failures NEW TABLE AS new_failures FOR EACH STATEMENT EXECUTE FUNCTION wikiembed_private.count_failures();

COMMENT ON TRIGGER count_updated ON wikiembed.failures IS 'Counts changed states in the ledger.';

CREATE TRIGGER raise_generation BEFORE UPDATE ON wikiembed.sources FOR EACH ROW EXECUTE FUNCTION wikiembed_private.raise_generation();

COMMENT ON TRIGGER raise_generation ON wikiembed.sources IS 'Raises the generation when model, prefix or dimensions change.';

CREATE TRIGGER wikiembed_follow_batch_size AFTER UPDATE OF batch_size ON wikiembed.sources FOR EACH ROW WHEN ((old.batch_size <> new.batch_size)) EXECUTE FUNCTION wikiembed_private.follow_batch_size();

COMMENT ON TRIGGER wikiembed_follow_batch_size ON wikiembed.sources IS 'Regenerates the insert trigger of a source when its batch size changes.';

CREATE TRIGGER procrastinate_jobs_notify_queue_job_aborted_v1 AFTER UPDATE OF abort_requested ON wikiembed_queue.procrastinate_jobs FOR EACH ROW WHEN (((old.abort_requested = false) AND (new.abort_requested = true) AND (new.status = 'doing'::wikiembed_queue.procrastinate_job_status))) EXECUTE FUNCTION wikiembed_queue.procrastinate_notify_queue_abort_job_v1();

CREATE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1 AFTER INSERT ON wikiembed_queue.procrastinate_jobs FOR EACH ROW WHEN ((new.status = 'todo'::wikiembed_queue.procrastinate_job_status)) EXECUTE FUNCTION wikiembed_queue.procrastinate_notify_queue_job_inserted_v1();

ALTER TABLE wikiembed_queue.procrastinate_jobs DISABLE TRIGGER procrastinate_jobs_notify_queue_job_inserted_v1;

CREATE TRIGGER procrastinate_trigger_abort_requested_events_v1 AFTER UPDATE OF abort_requested ON wikiembed_queue.procrastinate_jobs FOR EACH ROW WHEN ((new.abort_requested AND ((new.task_name)::text <> ALL ((ARRAY['wikiembed.embed'::character varying, 'wikiembed.split'::character varying])::text[])))) EXECUTE FUNCTION wikiembed_queue.procrastinate_trigger_abort_requested_events_procedure_v1();

CREATE TRIGGER procrastinate_trigger_delete_jobs_v1 BEFORE DELETE ON wikiembed_queue.procrastinate_jobs FOR EACH ROW WHEN (((old.task_name)::text <> ALL ((ARRAY['wikiembed.embed'::character varying, 'wikiembed.split'::character varying])::text[]))) EXECUTE FUNCTION wikiembed_queue.procrastinate_unlink_periodic_defers_v1();

CREATE TRIGGER procrastinate_trigger_scheduled_events_v1 AFTER UPDATE ON wikiembed_queue.procrastinate_jobs FOR EACH ROW WHEN (((new.scheduled_at IS NOT NULL) AND (new.status = 'todo'::wikiembed_queue.procrastinate_job_status) AND ((new.task_name)::text <> ALL ((ARRAY['wikiembed.embed'::character varying, 'wikiembed.split'::character varying])::text[])))) EXECUTE FUNCTION wikiembed_queue.procrastinate_trigger_function_scheduled_events_v1();

CREATE TRIGGER procrastinate_trigger_status_events_update_v1 AFTER UPDATE OF status ON wikiembed_queue.procrastinate_jobs FOR EACH ROW WHEN (((new.task_name)::text <> ALL ((ARRAY['wikiembed.embed'::character varying, 'wikiembed.split'::character varying])::text[]))) EXECUTE FUNCTION wikiembed_queue.procrastinate_trigger_function_status_events_update_v1();

CREATE TRIGGER wikiembed_count_deleted AFTER DELETE ON wikiembed_queue.procrastinate_jobs REFERENCING OLD TABLE AS old_jobs FOR EACH STATEMENT EXECUTE FUNCTION wikiembed_private.count_deleted_jobs();

COMMENT ON TRIGGER wikiembed_count_deleted ON wikiembed_queue.procrastinate_jobs IS 'Subtracts deleted jobs from the sums of their queues.';

CREATE TRIGGER wikiembed_count_truncated AFTER TRUNCATE ON wikiembed_queue.procrastinate_jobs FOR EACH STATEMENT EXECUTE FUNCTION wikiembed_private.count_truncated_jobs();

COMMENT ON TRIGGER wikiembed_count_truncated ON wikiembed_queue.procrastinate_jobs IS 'Sets the sums of all queues to 0.';

CREATE TRIGGER wikiembed_notify_workers AFTER INSERT ON wikiembed_queue.procrastinate_jobs REFERENCING NEW TABLE AS new_jobs FOR EACH STATEMENT EXECUTE FUNCTION wikiembed_private.notify_throttled();

COMMENT ON TRIGGER wikiembed_notify_workers ON wikiembed_queue.procrastinate_jobs IS 'Notifies workers, at most once per 20 ms and queue.';

CREATE TRIGGER wikiembed_pause_gate BEFORE UPDATE OF status, scheduled_at, queue_name, abort_requested ON wikiembed_queue.procrastinate_jobs FOR EACH ROW WHEN ((NOT (new.started_at IS DISTINCT FROM old.started_at))) EXECUTE FUNCTION wikiembed_private.enforce_pause();

COMMENT ON TRIGGER wikiembed_pause_gate ON wikiembed_queue.procrastinate_jobs IS 'The pause gate: no worker fetches jobs of a paused source. Counts jobs that become scheduled or failed; a waiting job is cancelled, not aborted.';

ALTER TABLE ONLY wikiembed.document_failures
    ADD CONSTRAINT document_failures_source_fkey FOREIGN KEY (source) REFERENCES wikiembed.document_sources(source) ON UPDATE CASCADE ON DELETE CASCADE;

ALTER TABLE ONLY wikiembed.document_sources
    ADD CONSTRAINT document_sources_source_fkey FOREIGN KEY (source) REFERENCES wikiembed.sources(name) ON UPDATE CASCADE ON DELETE CASCADE;

ALTER TABLE ONLY wikiembed.failures
    ADD CONSTRAINT failures_source_fkey FOREIGN KEY (source) REFERENCES wikiembed.sources(name) ON DELETE CASCADE;

ALTER TABLE ONLY wikiembed.model_checks
    ADD CONSTRAINT model_checks_source_fkey FOREIGN KEY (source) REFERENCES wikiembed.sources(name) ON UPDATE CASCADE ON DELETE CASCADE;

ALTER TABLE ONLY wikiembed.prices
    ADD CONSTRAINT prices_source_fkey FOREIGN KEY (source) REFERENCES wikiembed.sources(name) ON UPDATE CASCADE ON DELETE CASCADE;

ALTER TABLE ONLY wikiembed.recall_checks
    ADD CONSTRAINT recall_checks_source_fkey FOREIGN KEY (source) REFERENCES wikiembed.sources(name) ON UPDATE CASCADE ON DELETE CASCADE;

ALTER TABLE ONLY wikiembed.search_names
    ADD CONSTRAINT search_names_source_fkey FOREIGN KEY (source) REFERENCES wikiembed.sources(name) ON UPDATE CASCADE ON DELETE RESTRICT;

ALTER TABLE ONLY wikiembed.search_statements
    ADD CONSTRAINT search_statements_source_fkey FOREIGN KEY (source) REFERENCES wikiembed.sources(name) ON UPDATE CASCADE ON DELETE CASCADE;

ALTER TABLE ONLY wikiembed.truncated_chunks
    ADD CONSTRAINT truncated_chunks_source_fkey FOREIGN KEY (source) REFERENCES wikiembed.sources(name) ON DELETE CASCADE;

ALTER TABLE ONLY wikiembed.truncation_checks
    ADD CONSTRAINT truncation_checks_source_fkey FOREIGN KEY (source) REFERENCES wikiembed.sources(name) ON DELETE CASCADE;

ALTER TABLE ONLY wikiembed.worker_processes
    ADD CONSTRAINT worker_processes_worker_id_fkey FOREIGN KEY (worker_id) REFERENCES wikiembed_queue.procrastinate_workers(id) ON DELETE CASCADE;

ALTER TABLE ONLY wikiembed_private.budget_reservations
    ADD CONSTRAINT budget_reservations_source_fkey FOREIGN KEY (source) REFERENCES wikiembed.sources(name) ON UPDATE CASCADE ON DELETE CASCADE;

ALTER TABLE ONLY wikiembed_private.budgets
    ADD CONSTRAINT budgets_source_fkey FOREIGN KEY (source) REFERENCES wikiembed.sources(name) ON UPDATE CASCADE ON DELETE CASCADE;

ALTER TABLE ONLY wikiembed_private.lag_hours
    ADD CONSTRAINT lag_hours_source_fkey FOREIGN KEY (source) REFERENCES wikiembed.sources(name) ON UPDATE CASCADE ON DELETE CASCADE;

ALTER TABLE ONLY wikiembed_private.limit_slots
    ADD CONSTRAINT limit_slots_limit_id_fkey FOREIGN KEY (limit_id) REFERENCES wikiembed_private.limits(id) ON DELETE CASCADE;

ALTER TABLE ONLY wikiembed_private.schedules
    ADD CONSTRAINT schedules_source_fkey FOREIGN KEY (source) REFERENCES wikiembed.sources(name) ON UPDATE CASCADE ON DELETE CASCADE;

ALTER TABLE ONLY wikiembed_private.usage_days
    ADD CONSTRAINT usage_days_source_fkey FOREIGN KEY (source) REFERENCES wikiembed.sources(name) ON UPDATE CASCADE ON DELETE CASCADE;

ALTER TABLE ONLY wikiembed_queue.procrastinate_events
    ADD CONSTRAINT procrastinate_events_job_id_fkey FOREIGN KEY (job_id) REFERENCES wikiembed_queue.procrastinate_jobs(id) ON DELETE CASCADE;

ALTER TABLE ONLY wikiembed_queue.procrastinate_jobs
    ADD CONSTRAINT procrastinate_jobs_worker_id_fkey FOREIGN KEY (worker_id) REFERENCES wikiembed_queue.procrastinate_workers(id) ON DELETE SET NULL;

ALTER TABLE ONLY wikiembed_queue.procrastinate_periodic_defers
    ADD CONSTRAINT procrastinate_periodic_defers_job_id_fkey FOREIGN KEY (job_id) REFERENCES wikiembed_queue.procrastinate_jobs(id);

CREATE TABLE public.wiki_chunks (
    id bigint NOT NULL,
    document_id bigint CONSTRAINT wiki_chunks_page_id_not_null NOT NULL,
    "position" integer NOT NULL,
    content text NOT NULL,
    embedding public.vector(4),
    context text,
    heading text DEFAULT ''::text NOT NULL,
    starts_at integer NOT NULL,
    ends_at integer NOT NULL,
    CONSTRAINT a_chunk_ends_after_its_start CHECK (((0 <= starts_at) AND (starts_at <= ends_at))),
    CONSTRAINT a_position_is_from_0 CHECK (("position" >= 0))
);

COMMENT ON TABLE public.wiki_chunks IS 'The chunks of the pages of wikiembed''s wiki, written by workers; embedding null means to do.';

COMMENT ON COLUMN public.wiki_chunks.id IS 'The chunk.';

COMMENT ON COLUMN public.wiki_chunks.document_id IS 'Its page.';

COMMENT ON COLUMN public.wiki_chunks."position" IS 'Its place in the page, from 0.';

COMMENT ON COLUMN public.wiki_chunks.content IS 'Its text: that of the page from starts_at to ends_at.';

COMMENT ON COLUMN public.wiki_chunks.embedding IS 'The vector of context and text; written by workers.';

COMMENT ON COLUMN public.wiki_chunks.context IS 'Title and heading, which precede the text when it is embedded; null: none.';

COMMENT ON COLUMN public.wiki_chunks.heading IS 'The headings above it, joined by " / "; empty before the first.';

COMMENT ON COLUMN public.wiki_chunks.starts_at IS 'Where it begins in the page''s text, in characters from 0.';

COMMENT ON COLUMN public.wiki_chunks.ends_at IS 'Where it ends, in characters, exclusive.';

ALTER TABLE public.wiki_chunks ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.wiki_chunks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.wiki_pages (
    id bigint NOT NULL,
    title text NOT NULL,
    loaded_at timestamp with time zone DEFAULT now() NOT NULL,
    content text NOT NULL
);

COMMENT ON TABLE public.wiki_pages IS 'One row per page of wikiembed''s wiki; written by load_pages, and by anyone who may: workers split what is written.';

COMMENT ON COLUMN public.wiki_pages.id IS 'The page.';

COMMENT ON COLUMN public.wiki_pages.title IS 'Its title, which precedes each of its chunks when it is embedded.';

COMMENT ON COLUMN public.wiki_pages.loaded_at IS 'When load_pages wrote it last.';

COMMENT ON COLUMN public.wiki_pages.content IS 'Its plain text, with headings as == lines ==.';

ALTER TABLE public.wiki_pages ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.wiki_pages_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE ONLY public.wiki_chunks
    ADD CONSTRAINT a_place_holds_one_chunk UNIQUE (document_id, "position") DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY public.wiki_chunks
    ADD CONSTRAINT wiki_chunks_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.wiki_pages
    ADD CONSTRAINT wiki_pages_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.wiki_pages
    ADD CONSTRAINT wiki_pages_title_key UNIQUE (title);

CREATE INDEX wikiembed_missing_wiki ON public.wiki_chunks USING btree (id) WHERE (embedding IS NULL);

CREATE TRIGGER wikiembed_wiki_delete AFTER DELETE ON public.wiki_chunks REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION wikiembed_private.on_delete_wiki();

COMMENT ON TRIGGER wikiembed_wiki_delete ON public.wiki_chunks IS 'Counts and queues chunks of wikiembed source wiki.';

CREATE TRIGGER wikiembed_wiki_document_delete AFTER DELETE ON public.wiki_pages REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION wikiembed_private.on_document_delete_wiki();

COMMENT ON TRIGGER wikiembed_wiki_document_delete ON public.wiki_pages IS 'Queues documents of wikiembed source wiki.';

CREATE TRIGGER wikiembed_wiki_document_insert AFTER INSERT ON public.wiki_pages REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION wikiembed_private.on_document_insert_wiki();

COMMENT ON TRIGGER wikiembed_wiki_document_insert ON public.wiki_pages IS 'Queues documents of wikiembed source wiki.';

CREATE TRIGGER wikiembed_wiki_document_truncate AFTER TRUNCATE ON public.wiki_pages FOR EACH STATEMENT EXECUTE FUNCTION wikiembed_private.on_document_truncate_wiki();

COMMENT ON TRIGGER wikiembed_wiki_document_truncate ON public.wiki_pages IS 'Queues documents of wikiembed source wiki.';

CREATE TRIGGER wikiembed_wiki_document_update AFTER UPDATE ON public.wiki_pages REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION wikiembed_private.on_document_update_wiki();

COMMENT ON TRIGGER wikiembed_wiki_document_update ON public.wiki_pages IS 'Queues documents of wikiembed source wiki.';

CREATE TRIGGER wikiembed_wiki_insert AFTER INSERT ON public.wiki_chunks REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION wikiembed_private.on_insert_wiki();

COMMENT ON TRIGGER wikiembed_wiki_insert ON public.wiki_chunks IS 'Counts and queues chunks of wikiembed source wiki.';

CREATE TRIGGER wikiembed_wiki_truncate BEFORE TRUNCATE ON public.wiki_chunks FOR EACH STATEMENT EXECUTE FUNCTION wikiembed_private.on_truncate_wiki();

COMMENT ON TRIGGER wikiembed_wiki_truncate ON public.wiki_chunks IS 'Counts and queues chunks of wikiembed source wiki.';

CREATE TRIGGER wikiembed_wiki_update AFTER UPDATE ON public.wiki_chunks REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION wikiembed_private.on_update_wiki();

COMMENT ON TRIGGER wikiembed_wiki_update ON public.wiki_chunks IS 'Counts and queues chunks of wikiembed source wiki.';

CREATE TRIGGER zzz_wikiembed_wiki BEFORE UPDATE ON public.wiki_chunks FOR EACH ROW WHEN (((concat_ws('

'::text, old.context, old.content) COLLATE "C") IS DISTINCT FROM (concat_ws('

'::text, new.context, new.content) COLLATE "C"))) EXECUTE FUNCTION wikiembed_private.null_stale_wiki();

ALTER TABLE public.wiki_chunks ENABLE ALWAYS TRIGGER zzz_wikiembed_wiki;

COMMENT ON TRIGGER zzz_wikiembed_wiki ON public.wiki_chunks IS 'Nulls the vector of a row whose text changed.';

ALTER TABLE ONLY public.wiki_chunks
    ADD CONSTRAINT a_chunk_belongs_to_a_page FOREIGN KEY (document_id) REFERENCES public.wiki_pages(id) ON UPDATE CASCADE ON DELETE CASCADE;

