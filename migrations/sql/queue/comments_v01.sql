comment on schema wikiembed_queue is
  'The job queue: procrastinate 3.10.0, vendored as released; written by wikiembed functions and workers.';
comment on schema wikiembed is
  'The public interface of wikiembed: tables, views and functions whose names do not change.';
comment on schema wikiembed_private is
  'What wikiembed keeps to itself: written functions of each source and their helpers; no promise is made.';
comment on table wikiembed.alembic_version is 'The schema version; written by wikiembed migrate.';
comment on column wikiembed.alembic_version.version_num is 'The last revision of migrations/versions that was run.';
