/** Redis' own time in ms, to the microsecond. */
const LUA_NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
`;

/** What one costs, in ms: whole microseconds, so that sums are exact, and rounded up, so that never more than count pass. */
const LUA_INTERVAL = `
local function intervalOf(count, window) return math.ceil(window * 1000 / count) / 1000 end
`;

/**
 * The generic cell rate algorithm (ITU-T I.371, the leaky bucket as a meter) for any number of limits at once. For each
 * limit one number is kept: the theoretical arrival time, by Redis' clock, at which the bucket is empty again. Nothing
 * is charged unless every limit admits the request, so that a refused one costs nobody anything. Of each as many are charged as
 * are wanted and there, so that a replica may let the next requests pass by itself for a while, its `life`; by what
 * comes back in that time the bucket is smaller (see `lifeMs`).
 *
 * KEYS: one for each limit. ARGV: count, milliseconds, life and wanted of each limit.
 * Answers for each limit: granted, fits (1 or 0), remaining, milliseconds until one more is admitted, and until all are.
 */
export const TAKE = `${LUA_NOW}${LUA_INTERVAL}
-- How many are there. Half a microsecond is what is lost where milliseconds since 1970 are added up.
local function free(limit) return math.floor((limit.room - (limit.arrival - now) + 0.0005) / limit.interval) end
local answers, limits, admitted = {}, {}, true
for i, key in ipairs(KEYS) do
  local count, window, life = tonumber(ARGV[4 * i - 3]), tonumber(ARGV[4 * i - 2]), tonumber(ARGV[4 * i - 1])
  local interval = intervalOf(count, window)
  local arrival = math.max(tonumber(redis.call('GET', key) or '0'), now)
  limits[i] = { interval = interval, room = count * interval - life, arrival = arrival }
  if free(limits[i]) < 1 then admitted = false end
end
for i, key in ipairs(KEYS) do
  local limit, granted = limits[i], 0
  local fits = free(limit) >= 1
  if admitted then
    granted = math.min(tonumber(ARGV[4 * i]), free(limit))
    limit.arrival = limit.arrival + granted * limit.interval
    redis.call('SET', key, string.format('%.3f', limit.arrival), 'PX', math.ceil(limit.arrival - now))
  end
  local full = limit.arrival - now
  local retry = math.max(0, math.ceil(full + limit.interval - limit.room - 0.0005))
  answers[i] = { granted, fits and 1 or 0, math.max(0, free(limit)), retry, math.floor(full + 0.5) }
end
return answers
`;

/**
 * Undoes one charge. A limit that is full, or was never charged, stays full.
 *
 * KEYS: the limit. ARGV: its count and milliseconds.
 */
export const GIVE_BACK = `${LUA_NOW}${LUA_INTERVAL}local key, count, window = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local arrival = tonumber(redis.call('GET', key) or '0') - intervalOf(count, window)
if arrival > now then
  redis.call('SET', key, string.format('%.3f', arrival), 'PX', math.ceil(arrival - now))
else
  redis.call('DEL', key)
end
`;
