import { LUA_NOW, Script } from '@puerta/messaging';

/**
 * What all of them begin with. A token's record is a text of five words: the Redis in which it was made, when it expires
 * (ms), its state, the digest of what it is bound to, and what was said when it was made, sealed. States are `live`,
 * `revoked`, and `used:<when>:<by whom>:<when again>:<by whom again>`.
 *
 * A record that was made in another life of Redis (another `run_id`) is as good as not there: a restart from older files,
 * or a replica that took over and lagged, would otherwise bring back what was used. Asking INFO costs 6 µs.
 *
 * ARGV[1] is Redis' time as the asker believes it. What is run a second later or earlier than that lay in the socket of a
 * Redis that stood still, or was reckoned by a clock that has been set: it is refused, and the asker looks anew.
 */
const BEGIN = `${LUA_NOW}if math.abs(now - tonumber(ARGV[1])) > 1000 then return { 'skewed', now } end
local info = redis.call('INFO', 'server')
local _, before = string.find(info, 'run_id:', 1, true)
local run = before and string.sub(info, before + 1, before + 16) or '-'

local function read(key)
  local text = redis.call('GET', key)
  if not text then return nil end
  local made, expires, state, binding, sealed = string.match(text, '^(%S+) (%S+) (%S+) (%S+) (%S*)$')
  if made ~= run then return nil end
  return { expires = tonumber(expires), state = state, binding = binding, sealed = sealed }
end

local function keep(key, record, ...)
  local words = { run, string.format('%.0f', record.expires), record.state, record.binding, record.sealed }
  redis.call('SET', key, table.concat(words, ' '), ...)
end

local function usedOf(record)
  local when, by, again, byAgain = string.match(record.state, '^used:(%d+):([^:]+):(%d+):([^:]+)$')
  return when and { when = tonumber(when), by = by, again = tonumber(again), byAgain = byAgain }
end

local function used(when, by, again, byAgain)
  return string.format('used:%.0f:%s:%.0f:%s', when, by, again, byAgain)
end

-- How many wrong guesses are remembered, under whichever key of the ring, and for how long.
local function guesses(from, to)
  local count, wait = 0, 0
  for i = from, to do
    count = count + tonumber(redis.call('GET', KEYS[i]) or '0')
    wait = math.max(wait, redis.call('PTTL', KEYS[i]))
  end
  return count, wait
end
`;

/**
 * Makes a token, and remembers the answer under the key of the call, if it has one.
 *
 * KEYS: the record, under each key of the ring for a code; then, for a code, the maker's counter of guesses as many times, and
 *   the note that the maker made it; then the answer to this call, under each key of the ring, if it has an Idempotency-Key. What is new goes to the first
 *   of each.
 * ARGV: time, record expires, kept until, binding, sealed, how many records, most guesses (0 where there is no counter),
 *   sealed answer, ms it is kept, and the digest of the request under each key
 * → `issued`; `taken`, if there is such a code; `locked` and ms; `answered`, under which key, and the sealed answer;
 *   `differs`, if the call was made before with another request
 */
export const ISSUE = new Script(`${BEGIN}
local records, most = tonumber(ARGV[6]), tonumber(ARGV[7])
local counters = most > 0 and records or 0
local calls = most > 0 and records + counters + 1 or records
for i = 1, #KEYS - calls do
  local text = redis.call('GET', KEYS[calls + i])
  if text then
    local request, answer = string.match(text, '^(%S+) (%S+)$')
    if request ~= ARGV[9 + i] then return { 'differs', now } end
    return { 'answered', now, i, answer }
  end
end
if most > 0 then
  local count, wait = guesses(records + 1, records + counters)
  if count >= most then return { 'locked', now, wait } end
  for i = 1, records do
    if read(KEYS[i]) then return { 'taken', now } end
  end
end
local record = { expires = tonumber(ARGV[2]), state = 'live', binding = ARGV[4], sealed = ARGV[5] }
keep(KEYS[1], record, 'PXAT', ARGV[3])
if most > 0 then redis.call('SET', KEYS[calls], '1', 'PXAT', ARGV[3]) end
if #KEYS > calls then redis.call('SET', KEYS[calls + 1], ARGV[10] .. ' ' .. ARGV[8], 'PX', ARGV[9]) end
return { 'issued', now }
`);

/**
 * Looks at a token that somebody shows and, unless they only peek, uses it up. Who used it up gets the same answer again.
 *
 * Once all guessers together have spent their guesses, only who made a code is told anything about it: what others are told must
 * not depend on whether they are right.
 *
 * KEYS: the record under each key of the ring that it may have been made with; then, for a code, as many times each: the asker's
 *   counter of guesses, that of all together, and the note that the asker made it
 * ARGV: time, `redeem` or `peek`, ms a used one is remembered, how many records, most guesses (0 where there is no counter),
 *   ms they are remembered, most of all together, and for each record the binding that is claimed and who asks
 * → `good`, which record, what is sealed; `used`, when, which record, and when it was first used again, if that is to be recorded;
 *   `other binding`; `expired`; `missing`; `locked` and ms
 */
export const PRESENT = new Script(`${BEGIN}
local records, most, redeems = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[2] == 'redeem'
local together, makers = 2 * records, 3 * records
local function madeByAsker()
  for i = 1, records do
    if read(KEYS[i]) and redis.call('GET', KEYS[makers + i]) then return true end
  end
  return false
end
if most > 0 then
  local count, wait = guesses(records + 1, together)
  if count >= most then return { 'locked', now, wait } end
  count, wait = guesses(together + 1, makers)
  if count >= tonumber(ARGV[7]) and not madeByAsker() then return { 'locked', now, wait } end
end
for i = 1, records do
  local record = read(KEYS[i])
  if record and record.state ~= 'revoked' then
    local binding, who = ARGV[6 + 2 * i], ARGV[7 + 2 * i]
    if record.binding ~= binding then return { 'other binding', now } end
    local use = usedOf(record)
    if use and redeems and use.by == who then return { 'good', now, i, record.sealed } end
    if use then
      if not redeems then return { 'used', now, use.when, i, 0 } end
      if use.byAgain == '-' then
        use.again, use.byAgain = use.again == 0 and now or use.again, who
        record.state = used(use.when, use.by, use.again, who)
        keep(KEYS[i], record, 'KEEPTTL')
      end
      return { 'used', now, use.when, i, use.byAgain == who and use.again or 0 }
    end
    if now >= record.expires then return { 'expired', now } end
    if redeems then
      record.state = used(now, who, 0, '-')
      keep(KEYS[i], record, 'PXAT', string.format('%.0f', record.expires + tonumber(ARGV[3])))
    end
    return { 'good', now, i, record.sealed }
  end
end
if most > 0 then
  for _, at in ipairs({ records + 1, together + 1 }) do
    redis.call('INCR', KEYS[at])
    redis.call('PEXPIRE', KEYS[at], ARGV[6])
  end
end
return { 'missing', now }
`);

/**
 * Takes a token back. What was sealed goes at once; that it was taken back is known until it would have expired.
 *
 * KEYS: the record under each key of the ring · ARGV: time → `revoked`; `used`, when; `missing`
 */
export const REVOKE = new Script(`${BEGIN}
for i = 1, #KEYS do
  local record = read(KEYS[i])
  if record then
    local use = usedOf(record)
    if use then return { 'used', now, use.when } end
    record.state, record.sealed = 'revoked', ''
    keep(KEYS[i], record, 'KEEPTTL')
    return { 'revoked', now }
  end
end
return { 'missing', now }
`);

/**
 * Undoes that a second use was claimed for recording, which failed: the next one is recorded in its place, as of the same
 * time.
 *
 * KEYS: the record · ARGV: time, who used it again
 */
export const UNCLAIM_SECOND_USE = new Script(`${BEGIN}
local record = read(KEYS[1])
local use = record and usedOf(record)
if use and use.byAgain == ARGV[2] then
  record.state = used(use.when, use.by, use.again, '-')
  keep(KEYS[1], record, 'KEEPTTL')
end
return { 'done', now }
`);
