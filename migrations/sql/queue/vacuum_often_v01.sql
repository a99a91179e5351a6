-- A job lives for seconds, and each fetch walks over the dead ones at its queue's head: 10,000 cost
-- nothing that could be measured, 250,000 took a fetch from 0.6 to 1.6 ms. By default so many pile
-- up before a vacuum where a million more wait.
alter table wikiembed_queue.procrastinate_jobs
  set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
