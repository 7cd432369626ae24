import { LUA_NOW } from '@puerta/messaging';

/**
 * The generic cell rate algorithm (ITU-T I.371, the leaky bucket as a meter) for any number of limits at once. For each
 * limit one number is kept: the theoretical arrival time, by Redis' clock, at which the bucket is empty again. Nothing
 * is charged unless every limit admits the request, so that a refused one costs nobody anything.
 *
 * KEYS: one for each limit. ARGV: count and milliseconds of each limit.
 * Answers for each limit: admitted (1 or 0), remaining, milliseconds until one more is admitted, and until all are.
 */
export const TAKE = `${LUA_NOW}local verdicts, arrivals, admitted = {}, {}, true
for i, key in ipairs(KEYS) do
  local count, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local arrival = math.max(tonumber(redis.call('GET', key) or '0'), now) + window / count
  arrivals[i] = arrival
  if arrival - window > now then admitted = false end
end
for i, key in ipairs(KEYS) do
  local count, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local interval, arrival, fits = window / count, arrivals[i], arrivals[i] - window <= now
  local full = arrival
  if admitted then
    redis.call('SET', key, string.format('%.3f', arrival), 'PX', math.ceil(arrival - now))
  else
    full = arrival - interval
  end
  local remaining = math.max(0, math.floor((window - (full - now)) / interval + 1e-6))
  local retry, reset = math.max(0, math.ceil(arrival - window - now)), math.ceil(math.max(0, full - now))
  verdicts[i] = { fits and 1 or 0, remaining, retry, reset }
end
return verdicts
`;

/**
 * Undoes one charge. A limit that is full, or was never charged, stays full.
 *
 * KEYS: the limit. ARGV: its count and milliseconds.
 */
export const GIVE_BACK = `${LUA_NOW}local key, count, window = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])
local arrival = tonumber(redis.call('GET', key) or '0') - window / count
if arrival > now then
  redis.call('SET', key, string.format('%.3f', arrival), 'PX', math.ceil(arrival - now))
else
  redis.call('DEL', key)
end
`;
