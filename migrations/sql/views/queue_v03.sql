-- Whoever reads the view may call what it calls.
create view wikiembed.queue as
select s.name as source, j.todo, j.doing, j.oldest_todo_s, j.scheduled_later
  from wikiembed.sources as s
 cross join lateral wikiembed_private.count_jobs(s.queue_name) as j;
