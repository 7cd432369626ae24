export { type Job, type JobHandler, type JobKind, jobKind, type JobState, type JobTask, type Progress } from './job';
export { JobInterrupted } from './job-run';
export { Jobs } from './jobs';
export { Jobs1795564860000 as jobsMigration } from './jobs.migration';
export { JobsModule } from './jobs.module';
