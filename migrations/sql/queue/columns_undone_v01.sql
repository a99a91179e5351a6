-- squawk-ignore-file ban-drop-column
alter table wikiembed_queue.procrastinate_jobs drop column queued_at, drop column started_at;
