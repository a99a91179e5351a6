create table if not exists wikiembed_private.written_functions (
  function text collate "C" primary key
);

-- Earlier versions kept no record. These are the names of all functions that they ever had.
insert into wikiembed_private.written_functions (function)
select pg_catalog.format('%s.%I(%s)', p.pronamespace::pg_catalog.regnamespace, p.proname, (
         select pg_catalog.string_agg(t.typname, ',' order by a.number)
           from pg_catalog.unnest(p.proargtypes) with ordinality as a (type, number)
           join pg_catalog.pg_type as t on t.oid = a.type))
  from pg_catalog.pg_proc as p
 where pg_catalog.obj_description(p.oid, 'pg_proc') not like 'Written by write_triggers for source %'
   and (p.pronamespace = pg_catalog.to_regnamespace('wikiembed') and p.proname in (
      'attach', 'attach_documents', 'check_invariants', 'detach', 'document_options', 'end_outage', 'enqueue',
      'expire_pauses', 'find_truncation_check', 'fold_ledger', 'grant_reader', 'grant_worker', 'grant_writer',
      'is_ready', 'jobs_of_worker', 'load_pages', 'pause', 'pin_model', 'read_chunks', 'read_documents',
      'reconcile', 'record_document_failure', 'record_failures', 'record_truncation_check', 'register_worker',
      'release_jobs', 'report_outage', 'requeue_documents', 'rescue_jobs', 'resplit', 'resume',
      'retry_failures', 'search_chunks', 'skip', 'write_embeddings', 'write_split', 'write_splits',
      'write_truncated'
    ) or p.pronamespace = pg_catalog.to_regnamespace('wikiembed_private') and p.proname in (
      'actor', 'advised_vector', 'array_type', 'attach_wiki', 'backoff', 'base_type',
      'check_document_options', 'check_embedding', 'check_key', 'check_keys', 'check_name', 'check_names',
      'check_relation', 'check_rights', 'check_source', 'check_text', 'check_texts', 'check_unattached',
      'chunk_key', 'chunk_key_columns', 'chunk_table_name', 'close_to_public', 'copy_vectors',
      'correct_ledger', 'count_document_violations', 'count_documents', 'count_failures', 'count_jobs',
      'count_violations', 'create_chunk_table', 'create_deltas', 'create_missing_index', 'damaged_documents',
      'dimensions_advice', 'document_names', 'document_names_current', 'document_row',
      'document_tree_current', 'document_triggers_current', 'document_triggers_of', 'documents_gone',
      'documents_written_as', 'drop_deltas', 'drop_orphan_triggers', 'drop_orphans', 'drop_strayed',
      'drop_strayed_triggers', 'end_document_failures', 'end_failures', 'enforce_pause', 'enqueue_documents',
      'error_classes', 'failures_moved', 'fetch_jobs', 'fill', 'find_column', 'finish_jobs',
      'follow_batch_size', 'follow_document_renames', 'follow_documents', 'follow_renames', 'forget_failures',
      'forget_truncated', 'free_column', 'generate_document_triggers', 'generate_fail', 'generate_null_stale',
      'generate_on_delete', 'generate_on_insert', 'generate_on_truncate', 'generate_on_update',
      'generate_outcomes', 'generate_read', 'generate_read_document', 'generate_split_document',
      'generate_split_documents', 'generate_store', 'generated_comment', 'generated_names', 'get_source',
      'grant_again', 'grant_generated', 'has_waiting_document', 'hold_paused', 'is_gone', 'is_held',
      'is_paused', 'key_advice', 'key_expression', 'key_part', 'keys_of', 'keys_of_job', 'lacks_columns',
      'live_keys', 'lock_source', 'log_action', 'lose_job', 'missing_index', 'names_of', 'notify_seldom',
      'notify_throttled', 'notify_workers', 'on_ddl', 'open_to_workers', 'orphan_chunks', 'owner_warning',
      'pgvector_schema', 'providers', 'prune_failure_history', 'qualified', 'queue_documents',
      'queue_reconcile', 'raise_generation', 'reconcile_documents', 'reconcile_source', 'refuse_abort',
      'register_documents', 'relations_of', 'release_documents', 'rename_missing_index', 'render_call',
      'render_template', 'renew_document_triggers', 'renew_grants', 'requeue', 'require_column',
      'require_documents', 'require_quotable', 'require_read_committed', 'require_table', 'rescue_upkeep',
      'resplit_options', 'retry_documents', 'revoke_generated', 'runnable_queues', 'sample_waiting',
      'settings_moved', 'skip_at_once', 'skip_nowait', 'skip_with_timeout', 'skip_within', 'source_names',
      'split_job', 'sum_deltas', 'take_place', 'text_advice', 'text_expression', 'text_part', 'tree_current',
      'trigger_version', 'triggers_current', 'triggers_of', 'truncated_moved', 'usable_key_lists',
      'usable_keys', 'vector_schema', 'waiting_queues', 'wake', 'worker_roles', 'write_document_triggers',
      'write_fail', 'write_null_stale', 'write_on_delete', 'write_on_insert', 'write_on_truncate',
      'write_on_update', 'write_outcomes', 'write_read', 'write_statement_triggers', 'write_triggers',
      'write_write'
    ))
on conflict do nothing;
