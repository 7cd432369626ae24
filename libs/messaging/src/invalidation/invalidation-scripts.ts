import { LUA_NOW, Script } from '../wire/scripts';

/** The type of an entry that says nothing but: all that was committed until now stands before me. */
export const HEARTBEAT = 'heartbeat';

/** Entries older than this are dropped. Nobody reads them: a reader that far behind has long dropped all it kept. */
const KEPT_MS = 60_000;

/** A heartbeat of another replica that is younger than this does for ours. */
const QUIET_MS = 150;

/**
 * Each entry names the one before it, so that a reader sees that one is missing, whether the stream was emptied, went
 * back to what a replica had, or was trimmed.
 */
const APPEND = `${LUA_NOW}local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local last = newest and newest[1] or '0-0'
local function append(kind, data)
  last = redis.call('XADD', KEYS[1], 'MINID', '~', now - ${KEPT_MS}, '*', 'prev', last, 'type', kind, 'data', data)
end
`;

/** KEYS stream · ARGV type, data, … → how many were written */
export const PUBLISH = new Script(`${APPEND}
for i = 1, #ARGV, 2 do append(ARGV[i], ARGV[i + 1]) end
return #ARGV / 2
`);

/**
 * A heartbeat says what was true when its sender looked. One that was held up since then would lie, so it is refused.
 *
 * KEYS stream · ARGV not after, by Redis' clock → 1, or 0 if it came too late
 */
export const PUBLISH_HEARTBEAT = new Script(`${APPEND}
if now > tonumber(ARGV[1]) then return 0 end
local fields = newest and newest[2] or {}
local recent = newest and now - tonumber(string.match(last, '^%d+')) < ${QUIET_MS}
if not (recent and fields[4] == '${HEARTBEAT}') then append('${HEARTBEAT}', '') end
return 1
`);
