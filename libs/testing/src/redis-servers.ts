import type { ClusterServers, SentinelServers } from './redis-ha.mjs';

/** Several Redis servers that replace each other, for one suite that kills and freezes them. */
export type RedisServers = SentinelServers | ClusterServers;

export { startCluster, startSentinel } from './redis-ha.mjs';
export type { ClusterServers } from './redis-ha.mjs';
export type { RedisNode } from './redis-node.mjs';
