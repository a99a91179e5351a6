-- A process registers with procrastinate once a slot (embed, upkeep) and again after each loss of
-- Postgres; a row here says which process a registration belongs to. It goes with its registration,
-- which procrastinate deletes at the worker's end or 30 s after its last heartbeat.
create table if not exists wikiembed.worker_processes (
  worker_id bigint primary key
    references wikiembed_queue.procrastinate_workers (id) on delete cascade,
  process_id uuid not null,
  host text not null check (char_length(host) <= 255),
  pid integer not null check (pid > 0),
  version text not null check (char_length(version) <= 100),
  model text check (char_length(model) <= 500),
  started_at timestamptz not null
);
comment on table wikiembed.worker_processes is
  'Which process a registration of procrastinate''s belongs to; written by register_worker, read through view workers.';
comment on column wikiembed.worker_processes.worker_id is 'procrastinate''s number of the registration.';
comment on column wikiembed.worker_processes.process_id is 'The same for all registrations of one process; made by it.';
comment on column wikiembed.worker_processes.host is 'Name of its machine or container.';
comment on column wikiembed.worker_processes.pid is 'Its process number there.';
comment on column wikiembed.worker_processes.version is 'Its version of wikiembed.';
comment on column wikiembed.worker_processes.model is
  'Embedder and model of its settings, such as "ollama nomic-embed-text"; a source that has its own uses that.';
comment on column wikiembed.worker_processes.started_at is 'When it started, by its own clock.';
