-- A queueing lock would abort a second truncate while the first one's job waits, so the
-- statement checks first; two at the same time cost one more reconcile.
create or replace function wikiembed_private.queue_reconcile(p_source text) returns void
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
as $$
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
comment on function wikiembed_private.queue_reconcile(text) is
  'Queues a reconcile of one source, unless one waits already.';

-- before truncate, each table: truncate of a partitioned table calls this for the root and for
-- every partition, truncate of one partition for that one. So each counts its own rows only,
-- and the root, which holds none, adds nothing twice. A reconcile is queued as well.
create or replace function wikiembed_private.generate_on_truncate(p_source wikiembed.sources) returns void
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $$
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
$$;
comment on function wikiembed_private.generate_on_truncate(wikiembed.sources) is
  'Generates the function of a source''s truncate trigger.';
