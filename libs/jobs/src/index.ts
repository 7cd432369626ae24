export { type Job, jobKind, type JobTask, type Progress } from './job';
export { Jobs } from './jobs';
export { Jobs1795564860000 as jobsMigration } from './jobs.migration';
export { JobsModule } from './jobs.module';
