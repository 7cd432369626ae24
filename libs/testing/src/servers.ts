/** What the global set-up started, for the global tear-down to stop: both run in Jest's own process. */
export const servers: { stop(): Promise<void> }[] = [];
