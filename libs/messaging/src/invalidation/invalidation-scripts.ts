import { LUA_NOW, Script } from '../wire/scripts';

/** The type of an entry that says nothing but: all that was committed until a certain time stands before me. */
export const HEARTBEAT = 'heartbeat';

/** Entries older than this are dropped. Nobody reads them: a reader that far behind has long dropped all it kept. */
const KEPT_MS = 60_000;

/** A heartbeat of another replica that is younger than this does for ours. */
const QUIET_MS = 150;

/**
 * Each entry names the one before it, so that a reader sees that one is missing, whether the stream was emptied, went
 * back to what a replica had, or was trimmed.
 */
const APPEND = `
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local last = newest and newest[1] or '0-0'
local function append(kind, data, now)
  last = redis.call('XADD', KEYS[1], 'MINID', '~', now - ${KEPT_MS}, '*', 'prev', last, 'type', kind, 'data', data)
end
`;

/** KEYS stream · ARGV type, data, … → how many were written */
export const PUBLISH = new Script(`${LUA_NOW}${APPEND}
for i = 1, #ARGV, 2 do append(ARGV[i], ARGV[i + 1], now) end
return #ARGV / 2
`);

/**
 * A heartbeat names the time until which everything was published when its sender looked: one that is held up on its way
 * is old, and no lie.
 *
 * KEYS stream · ARGV that time, by Redis' clock → { its entry id, 1 } or, if one was sent just before, { that one's, 0 }
 */
export const PUBLISH_HEARTBEAT = new Script(`${APPEND}
local until_ms = tonumber(ARGV[1])
local fields = newest and newest[2] or {}
if fields[4] == '${HEARTBEAT}' and math.abs(until_ms - tonumber(string.match(last, '^%d+'))) < ${QUIET_MS} then return { last, 0 } end
append('${HEARTBEAT}', ARGV[1], until_ms)
return { last, 1 }
`);
