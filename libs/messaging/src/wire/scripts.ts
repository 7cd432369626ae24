import { createHash } from 'node:crypto';

/** A Lua script: one atomic step in Redis. */
export class Script {
  readonly sha: string;

  constructor(readonly source: string) {
    this.sha = createHash('sha1').update(source).digest('hex');
  }
}

/** What scripts begin with that need the time: Redis' own, in ms, as `now`. */
export const LUA_NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** The consumers of a group; none where there is no such group. */
const LUA_CONSUMERS = `
local function consumers(stream, group)
  local found = redis.pcall('XINFO', 'CONSUMERS', stream, group)
  if found.err then return {} end
  for _, consumer in ipairs(found) do
    for f = 1, #consumer, 2 do consumer[consumer[f]] = consumer[f + 1] end
  end
  return found
end
`;

/**
 * Puts messages on a stream. What was held up on the way past its time to live is refused: a Redis that was frozen runs
 * what lay in its socket buffers when it wakes, long after the callers were told that the outcome is unknown.
 *
 * KEYS stream · ARGV most entries, (expiry by Redis' clock, head, sealed), … → per message its entry id, `full` or `late`
 */
export const SEND = new Script(`${LUA_NOW}
local room = tonumber(ARGV[1]) - redis.call('XLEN', KEYS[1])
local results = {}
for i = 2, #ARGV, 3 do
  local ttl = math.floor(tonumber(ARGV[i]) - now)
  if ttl <= 0 then
    results[#results + 1] = 'late'
  elseif room <= 0 then
    results[#results + 1] = 'full'
  else
    room = room - 1
    results[#results + 1] = redis.call('XADD', KEYS[1], '*', 'ttl', ttl, 'head', ARGV[i + 1], 'sealed', ARGV[i + 2])
  end
end
return results
`);

/**
 * Publishes replies to messages and takes these off their stream. Atomic, so that no entry is left acknowledged but not deleted (that
 * would look like one that was never delivered), nor deleted without its reply.
 *
 * With a consumer, only if that consumer still holds the one message there is. Otherwise ownership does not matter: the handler has
 * run to its end, so the message is done, whoever else may have claimed it meanwhile.
 *
 * KEYS stream · ARGV group, consumer or '', how many entries, entry id, …, (channel, replies), …
 */
export const ACKNOWLEDGE = new Script(`
if ARGV[2] ~= '' then
  local held = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[4], ARGV[4], 1, ARGV[2])
  if held.err or #held == 0 then return 0 end
end
local last = 3 + tonumber(ARGV[3])
for i = last + 1, #ARGV, 2 do redis.call('PUBLISH', ARGV[i], ARGV[i + 1]) end
redis.pcall('XACK', KEYS[1], ARGV[1], unpack(ARGV, 4, last))
return redis.call('XDEL', KEYS[1], unpack(ARGV, 4, last))
`);

/**
 * Says what became of messages, and (unless they are to be kept) takes back those that no replica was given.
 *
 * KEYS stream · ARGV group, keep 0/1, not after (by Redis' clock), entry id, …
 * → per entry `taken`, `gone` (finished, or lost), `waiting` or `removed`; nothing when run too late
 */
export const RETRACT = new Script(`${LUA_NOW}
if now > tonumber(ARGV[3]) then return {} end
local keep = ARGV[2] == '1'
local fates = {}
for i = 4, #ARGV do
  local pending = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], 1)
  local fate
  if not pending.err and #pending > 0 then
    fate = 'taken'
  elseif keep then
    fate = #redis.call('XRANGE', KEYS[1], ARGV[i], ARGV[i]) > 0 and 'waiting' or 'gone'
  else
    fate = redis.call('XDEL', KEYS[1], ARGV[i]) == 1 and 'removed' or 'gone'
  end
  fates[#fates + 1] = fate
end
return fates
`);

/**
 * Finds messages by their own ids among the newest entries: for those whose sending was cut off.
 *
 * KEYS stream · ARGV how many entries to look through, message id, … → entry id or '' per message
 */
export const LOCATE = new Script(`
local place = {}
local found = {}
for i = 2, #ARGV do
  place[ARGV[i]] = i - 1
  found[i - 1] = ''
end
for _, entry in ipairs(redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', ARGV[1])) do
  local fields = entry[2]
  for f = 1, #fields, 2 do
    local at = fields[f] == 'head' and place[string.sub(fields[f + 1], 1, 36)]
    if at then found[at] = entry[1] end
  end
end
return found
`);

/**
 * Renews a replica's lease, and its presence while it takes messages. Forgets replicas unheard of for a minute. Where the
 * clock was set back, heartbeats ahead of it count as made now: the dead would look alive until it has caught up. So no
 * replica's own heartbeat is ever later than one that was made after it, and shows how old that may look.
 *
 * It also tells whether there may be messages to take over: a lease has run out or, on the streams that are named (now and
 * then all of them are), a consumer has none, or more is pending for this replica than it holds.
 *
 * KEYS leases, replicas, stream, … · ARGV replica, takes messages 0/1, gap in ms, lease in ms, group, messages it holds
 * → { Redis' time in ms, whether it had no lease, or was last heard longer ago than the gap, whether to take over 0/1 }
 */
export const HEARTBEAT = new Script(`${LUA_NOW}${LUA_CONSUMERS}
local heard, ahead, old, takeover = false, false, false, false
local alive = {}
local leases = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 1, #leases, 2 do
  local age = now - tonumber(leases[i + 1])
  if leases[i] == ARGV[1] then heard = age end
  if age <= tonumber(ARGV[4]) then alive[leases[i]] = true elseif leases[i] ~= ARGV[1] then takeover = true end
  if age < 0 then ahead = true end
  if age > 60000 then old = true end
end
redis.call('ZADD', KEYS[1], now, ARGV[1])
if ARGV[2] == '1' then
  redis.call('ZADD', KEYS[2], now, ARGV[1])
else
  redis.call('ZREM', KEYS[2], ARGV[1])
end
for i = 1, 2 do
  if old then redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now - 60000) end
  local early = ahead and redis.call('ZRANGE', KEYS[i], '(' .. now, '+inf', 'BYSCORE') or {}
  for _, replica in ipairs(early) do redis.call('ZADD', KEYS[i], now, replica) end
end
local mine = 0
for i = 3, #KEYS do
  for _, consumer in ipairs(consumers(KEYS[i], ARGV[5])) do
    if consumer.name == ARGV[1] then mine = mine + consumer.pending elseif not alive[consumer.name] then takeover = true end
  end
end
if #KEYS > 2 and mine > tonumber(ARGV[6]) then takeover = true end
return { now, (not heard or heard > tonumber(ARGV[3])) and 1 or 0, takeover and 1 or 0 }
`);

/**
 * Claims messages that were lost on their way to this replica: they are pending for it, and it does not hold them. If it
 * may judge, also those of replicas without a lease, and deletes such consumers once nothing is pending for them (deleting
 * one earlier would drop what is). One script, so that two replicas never claim the same message. Idle time plays no part:
 * it says nothing about whether a handler still runs. Who has no lease itself, or was not just heard, judges nobody: Redis
 * was emptied, or its clock set, and the leases of the living are missing or look old too until they are heard again.
 *
 * KEYS stream, leases · ARGV group, replica, lease in ms, most messages, not after (by Redis' clock), just heard in ms,
 *   may judge 0/1, entry id that it holds, … → { entry id, fields, deliveries } per message
 */
export const RECLAIM = new Script(`${LUA_NOW}${LUA_CONSUMERS}
local claimed, held = {}, {}
if now > tonumber(ARGV[5]) then return claimed end
for i = 8, #ARGV do held[ARGV[i]] = true end
local room = tonumber(ARGV[4])
local function claim(consumer, most)
  for _, pending in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', most, consumer)) do
    local entry = room > 0 and not held[pending[1]] and redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, pending[1])[1]
    if entry then
      claimed[#claimed + 1] = { pending[1], entry[2], pending[4] + 1 }
      room = room - 1
    end
  end
end
claim(ARGV[2], #ARGV - 7 + room)
local heard = redis.call('ZSCORE', KEYS[2], ARGV[2])
if ARGV[7] ~= '1' or not heard or now - tonumber(heard) > tonumber(ARGV[6]) then return claimed end
for _, consumer in ipairs(consumers(KEYS[1], ARGV[1])) do
  local seen = redis.call('ZSCORE', KEYS[2], consumer.name)
  if consumer.name ~= ARGV[2] and (not seen or now - tonumber(seen) > tonumber(ARGV[3])) then
    if consumer.pending > 0 and room > 0 then claim(consumer.name, room) end
    if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, consumer.name) == 0 then
      redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], consumer.name)
    end
  end
end
return claimed
`);

/**
 * Ends a replica's lease, and its consumers where nothing is pending. What is pending is another's from now on: a lease
 * that has run out tells them so.
 *
 * KEYS leases, replicas, stream, … · ARGV group, replica
 */
export const LEAVE = new Script(`${LUA_NOW}
redis.call('ZREM', KEYS[1], ARGV[2])
redis.call('ZREM', KEYS[2], ARGV[2])
for i = 3, #KEYS do
  local pending = redis.pcall('XPENDING', KEYS[i], ARGV[1], '-', '+', 1, ARGV[2])
  if not pending.err and #pending == 0 then
    redis.pcall('XGROUP', 'DELCONSUMER', KEYS[i], ARGV[1], ARGV[2])
  elseif not pending.err then
    redis.call('ZADD', KEYS[1], now - 30000, ARGV[2])
  end
end
return 1
`);

/**
 * Publishes the reply to a message that is given up, and moves it to the dead letters as it is, with what is known of it in front. Of
 * more than so many, the oldest go: what nobody looks at must not fill Redis. Atomic, so that two replicas never move the
 * same message. More fields than any message of ours has are cut off.
 *
 * KEYS stream, dead letters · ARGV group, entry id, channel or '', reply, most, caller, lane, deliveries
 */
export const DEAD_LETTER = new Script(`
local entry = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])[1]
if not entry then return 0 end
local head = { 'caller', ARGV[6], 'lane', ARGV[7], 'deliveries', ARGV[8], 'entry', ARGV[2] }
for i = 1, math.min(#entry[2], 200) do head[#head + 1] = entry[2][i] end
redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[5], '*', unpack(head))
if ARGV[3] ~= '' then redis.call('PUBLISH', ARGV[3], ARGV[4]) end
redis.pcall('XACK', KEYS[1], ARGV[1], ARGV[2])
return redis.call('XDEL', KEYS[1], ARGV[2])
`);

/**
 * Puts a dead letter back on its stream: the same message, with a new time to live.
 *
 * KEYS dead letters, stream · ARGV its entry id among them, time to live → 1, or 0 when it is not there any more
 */
export const REQUEUE = new Script(`
local letter = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not letter then return 0 end
local fields = {}
for i = 9, #letter[2] - 1, 2 do
  if letter[2][i] ~= 'ttl' then
    fields[#fields + 1] = letter[2][i]
    fields[#fields + 1] = letter[2][i + 1]
  end
end
redis.call('XADD', KEYS[2], '*', 'ttl', ARGV[2], unpack(fields))
return redis.call('XDEL', KEYS[1], ARGV[1])
`);

/**
 * How it stands with a callee, in one reading.
 *
 * KEYS dead letters, replicas, leases, stream, … · ARGV group, ms a heartbeat counts
 * → Redis' time in ms, dead letters, replicas that take messages, { replica, its last heartbeat, … }, and for each stream
 *   { length, how many of these are in hand, oldest entry's id or '', { consumer, how many it has in hand, … } }
 */
export const INSPECT = new Script(`${LUA_NOW}
local status = {
  now,
  redis.call('XLEN', KEYS[1]),
  redis.call('ZCOUNT', KEYS[2], now - tonumber(ARGV[2]), '+inf'),
  redis.call('ZRANGE', KEYS[3], 0, -1, 'WITHSCORES'),
}
for i = 4, #KEYS do
  local pending = redis.pcall('XPENDING', KEYS[i], ARGV[1])
  local oldest = redis.call('XRANGE', KEYS[i], '-', '+', 'COUNT', 1)[1]
  local holders = {}
  for _, holder in ipairs(not pending.err and pending[4] or {}) do
    holders[#holders + 1] = holder[1]
    holders[#holders + 1] = holder[2]
  end
  status[#status + 1] = { redis.call('XLEN', KEYS[i]), pending.err and 0 or pending[1], oldest and oldest[1] or '', holders }
end
return status
`);
