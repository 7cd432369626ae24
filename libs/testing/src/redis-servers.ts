import type { ClusterServers, SentinelServers } from '../../../tools/embedded/redis-ha.mjs';

/** Several Redis servers that replace each other, for one suite that kills and freezes them. */
export type RedisServers = SentinelServers | ClusterServers;

export { startCluster, startSentinel } from '../../../tools/embedded/redis-ha.mjs';
