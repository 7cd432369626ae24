// Puerta's bus for a service outside it, written from docs/bus.md: ioredis, node:crypto, and nothing of Puerta.
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

const LEASE_MS = 5_000;
const PRESENCE_MS = 1_500;
const GAP_MS = 2_000;
const LATE_MS = 250;
const MOST_ENTRIES = 10_000;
const MOST_DELIVERIES = 3;
const AT_ONCE = 8;

/** An error that crosses the bus by its code. */
export class BusError extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** Seals and opens texts. `secrets` is BUS_SECRET: `id:32 bytes in base64`, with commas between; the first one seals. */
export class Seal {
  #secrets = new Map();
  #salt = randomBytes(16);
  #sealed = 0;

  constructor(secrets) {
    for (const one of secrets.split(','))
      this.#secrets.set(one.slice(0, one.indexOf(':')), Buffer.from(one.slice(one.indexOf(':') + 1), 'base64'));
  }

  seal(text, context) {
    const [[id, secret]] = this.#secrets;
    const nonce = Buffer.alloc(12);
    nonce.writeUIntBE((this.#sealed += 1), 6, 6);
    const head = `2.${id}.${this.#salt.toString('base64url')}`;
    const cipher = createCipheriv('aes-256-gcm', derive(secret, this.#salt), nonce);
    cipher.setAAD(Buffer.from(`${head}\n${context}`));
    const body = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${head}.${body.toString('base64url')}`;
  }

  /** undefined for what was not sealed with our secrets for this context */
  open(sealed = '', context) {
    try {
      const [version, id, salt, body] = sealed.split('.');
      const bytes = Buffer.from(body, 'base64url');
      const key = derive(this.#secrets.get(id), Buffer.from(salt, 'base64url'));
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 });
      decipher.setAAD(Buffer.from(`${version}.${id}.${salt}\n${context}`));
      decipher.setAuthTag(bytes.subarray(-16));
      return decipher.update(bytes.subarray(12, -16), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      return undefined;
    }
  }
}

const derived = new Map();
function derive(secret, salt) {
  const name = `${secret.toString('base64')} ${salt.toString('base64')}`;
  if (!derived.has(name)) derived.set(name, Buffer.from(hkdfSync('sha256', secret, salt, 'puerta-bus-1', 32)));
  return derived.get(name);
}

const NOW = `local time = redis.call('TIME') local now = time[1] * 1000 + math.floor(time[2] / 1000) `;

/** KEYS stream · ARGV most entries, ttl, head, sealed → entry id or nothing when the stream is full */
const SEND = `
if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return false end
return redis.call('XADD', KEYS[1], '*', 'ttl', ARGV[2], 'head', ARGV[3], 'sealed', ARGV[4])`;

/** KEYS stream, replicas · ARGV group, entry id, take it back although somebody is there 0/1 → 1 if nobody has or will run it */
const RETRACT = `${NOW}
local pending = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1)
if not pending.err and #pending > 0 then return 0 end
if ARGV[3] == '0' and redis.call('ZCOUNT', KEYS[2], now - ${PRESENCE_MS}, '+inf') > 0 then return 0 end
return redis.call('XDEL', KEYS[1], ARGV[2])`;

/** KEYS leases, replicas · ARGV replica, takes messages 0/1 → Redis' time, and whether it was not heard just before */
const HEARTBEAT = `${NOW}
local heard = redis.call('ZSCORE', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], now, ARGV[1])
if ARGV[2] == '1' then redis.call('ZADD', KEYS[2], now, ARGV[1]) else redis.call('ZREM', KEYS[2], ARGV[1]) end
for _, key in ipairs(KEYS) do
  for _, ahead in ipairs(redis.call('ZRANGE', key, '(' .. now, '+inf', 'BYSCORE')) do redis.call('ZADD', key, now, ahead) end
end
return { now, (not heard or now - tonumber(heard) > ${GAP_MS}) and 1 or 0 }`;

/** KEYS stream, leases · ARGV group, replica, most, not after → { entry id, fields, deliveries } of messages whose replica is dead */
const RECLAIM = `${NOW}
local claimed = {}
local heard = redis.call('ZSCORE', KEYS[2], ARGV[2])
if now > tonumber(ARGV[4]) or not heard or now - tonumber(heard) > ${GAP_MS} then return claimed end
for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local name = consumer[2]
  local seen = redis.call('ZSCORE', KEYS[2], name)
  if name ~= ARGV[2] and (not seen or now - tonumber(seen) > ${LEASE_MS}) then
    for _, pending in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', tonumber(ARGV[3]) - #claimed, name)) do
      local entries = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, pending[1])
      if entries[1] then claimed[#claimed + 1] = { pending[1], entries[1][2], pending[4] + 1 } end
    end
    if #claimed >= tonumber(ARGV[3]) then return claimed end
  end
end
return claimed`;

/** KEYS stream · ARGV group, entry id, channel or '', answer: answers a message and takes it off its stream */
const ACKNOWLEDGE = `
if ARGV[3] ~= '' then redis.call('PUBLISH', ARGV[3], ARGV[4]) end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
return redis.call('XDEL', KEYS[1], ARGV[2])`;

/** KEYS stream, dead letters · ARGV as above, then caller, lane, deliveries: answers a message that is given up, and keeps it */
const DEAD_LETTER = `
local entry = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])[1]
if not entry then return 0 end
local fields = { 'caller', ARGV[5], 'lane', ARGV[6], 'deliveries', ARGV[7], 'entry', ARGV[2] }
for i = 1, math.min(#entry[2], 200) do fields[#fields + 1] = entry[2][i] end
redis.call('XADD', KEYS[2], 'MAXLEN', 1000, '*', unpack(fields))
${ACKNOWLEDGE}`;

/** Asks other services in the name of this one. */
export class Caller {
  #waiting = new Map();

  constructor({ url, prefix, name, seal }) {
    Object.assign(this, { prefix, name, seal, replica: randomUUID() });
    this.redis = new Redis(url);
    this.ears = new Redis(url);
    this.ears.on('message', (_channel, text) => this.#hear(text));
    this.listening = this.ears.subscribe(`${prefix}:reply:${name}:${this.replica}`);
  }

  /** The answer, or a BusError with the code of why there is none. */
  async call(service, pattern, data, { lane = 'fast', ttl = 10_000, key = '', request = '' } = {}) {
    await this.listening;
    const id = randomUUID();
    const stream = `${this.prefix}:{${service}}:${this.name}:${lane}`;
    const head = [id, pattern, this.replica, key, request, ''].join('\n');
    const sealed = this.seal.seal(JSON.stringify({ data }), ['call', service, this.name, lane, head].join('\n'));
    const heard = new Promise((resolve) => this.#waiting.set(id, { service, resolve }));
    const late = sleep(ttl + LATE_MS, { error: { code: 'outcome_unknown' } }, { ref: false });
    const { ok, error } = await Promise.race([heard, this.#send(id, service, stream, ttl, head, sealed), late]);
    this.#waiting.delete(id);
    if (error) throw new BusError(error.code);
    return ok;
  }

  /** Settles only when the message surely was not taken, nor will be: each second it asks, and when its time is up. */
  async #send(id, service, stream, ttl, head, sealed) {
    const end = performance.now() + ttl;
    const entry = await this.redis.eval(SEND, 1, stream, MOST_ENTRIES, Math.floor(ttl), head, sealed);
    if (!entry) return { error: { code: 'overloaded' } };
    for (let left = ttl; left > 0 && this.#waiting.has(id);) {
      await sleep(Math.min(1_000, left), undefined, { ref: false });
      left = end - performance.now();
      const keys = [stream, `${this.prefix}:{${service}}:replicas`];
      if (await this.redis.eval(RETRACT, 2, ...keys, service, entry, left > 0 ? 0 : 1))
        return { error: { code: 'service_unavailable' } };
    }
    return new Promise(() => undefined);
  }

  #hear(text) {
    const [callee, sealed] = text.split('\n');
    const opened = this.seal.open(sealed, ['reply', callee, this.name, this.replica].join('\n'));
    for (const answer of opened ? JSON.parse(opened) : []) {
      const call = this.#waiting.get(answer.id);
      if (call?.service === callee) call.resolve(answer);
    }
  }

  close() {
    this.redis.disconnect();
    this.ears.disconnect();
  }
}

/**
 * Answers others: one replica of the service `name`. `patterns`: name → { lane, callers, handle(data, message) }; what
 * `handle` throws as a BusError its caller is told, anything else is `internal`.
 */
export class Server {
  replica = randomUUID();
  #held = new Map();
  #offset = 0;
  #taking = true;
  #heardSince = Infinity;
  #lastBeat = -Infinity;

  constructor({ url, prefix, name, seal, patterns }) {
    Object.assign(this, { prefix, name, seal, patterns });
    this.redis = new Redis(url);
    this.leases = `${prefix}:{${name}}:leases`;
    this.replicas = `${prefix}:{${name}}:replicas`;
    this.lanes = [...new Set(Object.values(patterns).map(({ lane }) => lane))];
    this.url = url;
  }

  async start() {
    await this.#beat();
    this.beating = setInterval(() => this.#beat().catch(() => undefined), 500);
    this.loops = this.lanes.map((lane) => this.#serve(lane));
  }

  /** Takes no more, finishes what it has, and leaves. */
  async stop() {
    this.#taking = false;
    await this.#beat();
    await Promise.all(this.loops);
    while (this.#held.size > 0) await sleep(20);
    clearInterval(this.beating);
    await this.redis.zrem(this.leases, this.replica);
    this.redis.disconnect();
  }

  async #beat() {
    const asked = performance.now();
    const [time, unheard] = await this.redis.eval(
      HEARTBEAT,
      2,
      this.leases,
      this.replicas,
      this.replica,
      this.#taking ? 1 : 0,
    );
    const now = performance.now();
    this.#offset = time - (asked + now) / 2;
    if (unheard || now - this.#lastBeat > GAP_MS) this.#heardSince = now;
    this.#lastBeat = now;
  }

  async #serve(lane) {
    const callers = [
      ...new Set(
        Object.values(this.patterns)
          .filter((one) => one.lane === lane)
          .flatMap((one) => one.callers),
      ),
    ];
    const sources = new Map(callers.map((caller) => [`${this.prefix}:{${this.name}}:${caller}:${lane}`, caller]));
    const reader = new Redis(this.url); // its own: it blocks
    let nextSweep = 0;
    while (this.#taking) {
      try {
        const room = AT_ONCE - this.#held.size;
        if (room <= 0) {
          await sleep(10);
        } else if (performance.now() > nextSweep) {
          for (const stream of sources.keys())
            await reader.xgroup('CREATE', stream, this.name, '0', 'MKSTREAM').catch(busyGroup);
          for (const [stream, caller] of sources) await this.#sweep(reader, stream, caller, lane, room);
          nextSweep = performance.now() + 1_000;
        } else {
          const args = ['GROUP', this.name, this.replica, 'COUNT', 1, 'BLOCK', 500, 'STREAMS', ...sources.keys()];
          const batches = (await reader.xreadgroup(...args, ...[...sources].map(() => '>'))) ?? [];
          for (const [stream, entries] of batches) {
            for (const [id, fields] of entries) void this.#run(stream, sources.get(stream), lane, id, fields, 1);
          }
        }
      } catch {
        nextSweep = 0; // Redis was away, or emptied: groups may be missing
        await sleep(500);
      }
    }
    reader.disconnect();
  }

  /** Fetches what was lost on its way here, and what dead replicas left. */
  async #sweep(reader, stream, caller, lane, room) {
    const mine = await reader.xpending(stream, this.name, '-', '+', 2 * AT_ONCE, this.replica);
    for (const [id, , , deliveries] of mine.filter(([id]) => !this.#held.has(id))) {
      const [entry] = await reader.xclaim(stream, this.name, this.replica, 0, id);
      if (entry) void this.#run(stream, caller, lane, id, entry[1], deliveries + 1);
    }
    // Who was not heard for a while himself cannot tell who is dead.
    if (performance.now() - this.#heardSince < LEASE_MS || performance.now() - this.#lastBeat > PRESENCE_MS) return;
    const notAfter = Math.floor(performance.now() + this.#offset + 1_000);
    for (const [id, fields, deliveries] of await reader.eval(
      RECLAIM,
      2,
      stream,
      this.leases,
      this.name,
      this.replica,
      room,
      notAfter,
    )) {
      void this.#run(stream, caller, lane, id, fields, deliveries);
    }
  }

  async #run(stream, caller, lane, entry, list, deliveries) {
    if (this.#held.has(entry)) return;
    this.#held.set(entry, stream);
    const fields = Object.fromEntries(list.flatMap((value, i) => (i % 2 ? [] : [[value, list[i + 1]]])));
    const { head = '', sealed, ttl } = fields;
    const [id, pattern, reply, key, request] = head.split('\n');
    const content = this.seal.open(sealed, ['call', this.name, caller, lane, head].join('\n'));
    const left = Number(entry.split('-')[0]) + Number(ttl) - performance.now() - this.#offset;
    let answer;
    if (content === undefined)
      answer = undefined; // not ours: dropped without a word
    else if (deliveries > MOST_DELIVERIES) answer = { id, error: { code: 'internal' } };
    else if (!(left > 0)) answer = deliveries === 1 ? { id, error: { code: 'service_unavailable' } } : undefined;
    else answer = await this.#answer({ id, pattern, key, request, caller, lane, left }, content);
    const channel = answer && reply ? `${this.prefix}:reply:${caller}:${reply}` : '';
    const context = ['reply', this.name, caller, reply].join('\n');
    const text = channel && `${this.name}\n${this.seal.seal(JSON.stringify([answer]), context)}`;
    const about = [this.name, entry, channel, text];
    const finish = () =>
      content !== undefined && deliveries > MOST_DELIVERIES
        ? this.redis.eval(
            DEAD_LETTER,
            2,
            stream,
            `${this.prefix}:{${this.name}}:dead`,
            ...about,
            caller,
            lane,
            deliveries,
          )
        : this.redis.eval(ACKNOWLEDGE, 1, stream, ...about);
    while (
      !(await finish().then(
        () => true,
        () => false,
      ))
    )
      await sleep(500);
    this.#held.delete(entry);
  }

  async #answer(message, content) {
    const { pattern, caller, lane, id } = message;
    try {
      const spec = Object.hasOwn(this.patterns, pattern) ? this.patterns[pattern] : undefined;
      if (spec?.lane !== lane) throw new BusError('unknown_pattern');
      if (!spec.callers.includes(caller)) throw new BusError('forbidden_caller');
      return { id, ok: await spec.handle(JSON.parse(content).data, message) };
    } catch (error) {
      if (!(error instanceof BusError)) console.error(error);
      return { id, error: { code: error instanceof BusError ? error.code : 'internal' } };
    }
  }
}

function busyGroup(error) {
  if (!error.message.startsWith('BUSYGROUP')) throw error;
}
