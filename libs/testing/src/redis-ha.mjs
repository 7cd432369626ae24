// @ts-check
/**
 * Redis with more than one server, on the loopback interface, for tests: a primary with two replicas under three
 * Sentinels, and a Cluster of three primaries with a replica each. All of it goes with this process, however that ends.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../../tools/embedded/process.mjs';
import { RedisNode } from './redis-node.mjs';

/** After so long a primary counts as dead. In earnest one waits longer, or every hiccup is a failover. */
const DOWN_AFTER_MS = 1_000;
/** Until a failover that came to nothing is tried again. */
const FAILOVER_MS = 2_000;

/** Forming and failovers take seconds; on a busy machine more of them. */
const PATIENCE_MS = 30_000;

/** Between two keys of a slot that is moved, so that it is seen half moved. */
const MOVE_MS = 100;

/** Whoever lives answers by then. */
const SOON_MS = 200;

const SLOTS = 16_384;
const PRIMARIES = 3;
/** By which the Sentinels know the primary. */
const PRIMARY = 'puerta';

const HEALTHY = /(?:^| )flags slave .*master-link-status ok /;

/** Sentinels look at the servers and talk to each other every 10 and 2 seconds; tests do not wait for that. */
const HASTE = ['info-period', 500, 'publish-period', 250];

const SETTINGS = [
  'save ""',
  'appendonly no',
  'maxmemory-policy noeviction',
  'repl-diskless-sync-delay 0', // 5 s, lest more replicas come; here all are there
];

/** What both have in common. */
class Servers {
  /**
   * @param {RedisNode[]} nodes those with data
   * @param {RedisNode[]} others
   */
  constructor(nodes, others = []) {
    this.nodes = nodes;
    this.others = others;
  }

  /**
   * @param {string} [key] where keys are on different nodes
   * @returns {Promise<RedisNode>}
   */
  primary(key) {
    throw new Error(`each kind has its own way to know who has ${key}`);
  }

  /**
   * @param {(number | undefined)[]} ports
   * @returns {RedisNode} the one that is named most often: who stood still is behind
   */
  most(ports) {
    const votes = (/** @type {RedisNode} */ { port }) => ports.filter((one) => one === port).length;
    const [first] = [...this.nodes].sort((a, b) => votes(b) - votes(a));
    if (!first || votes(first) === 0) throw new Error('nobody knows');
    return first;
  }

  /**
   * Waits until another node is the primary of the key.
   *
   * @param {RedisNode} before
   * @param {string} [key]
   * @returns {Promise<RedisNode>}
   */
  async successor(before, key) {
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(20)) {
      const now = await this.primary(key).catch(() => undefined);
      if (now && now !== before) return now;
    }
    throw new Error(`nobody took over from ${before.name}`);
  }

  /**
   * A user on all nodes, also after their restarts.
   *
   * @param {string[]} user its name and rules
   */
  async setUser(...user) {
    await Promise.all(
      this.nodes.map(async (node) => {
        await node.ask('ACL', 'SETUSER', ...user);
        await node.ask('CONFIG', 'REWRITE');
      }),
    );
  }

  /**
   * Starts a node that was killed, and waits until it has what the others have: a primary killed before that would not be
   * replaced.
   *
   * @param {RedisNode} node
   * @returns {Promise<void>}
   */
  restart(node) {
    throw new Error(`each kind has its own way to start ${node.name}`);
  }

  /** Wakes and starts whatever does not run. */
  async mend() {
    for (const node of [...this.others, ...this.nodes]) node.resume();
    for (const node of this.nodes) if (!node.runs) await this.restart(node);
    await this.complete();
  }

  /** Waits until all is as it was in the beginning, whoever is the primary. */
  async complete() {}

  /** Those that clients are told to ask. */
  get asked() {
    return this.others.length > 0 ? this.others : this.nodes.slice(0, PRIMARIES);
  }

  async stop() {
    await Promise.all([...this.others, ...this.nodes].map((node) => node.close()));
  }
}

/** A primary and two replicas under three Sentinels. */
export class SentinelServers extends Servers {
  /** @param {{ user?: string, password?: string }} [as] default: the default user */
  url({ user = '', password = this.nodes[0]?.password } = {}) {
    const places = this.asked.map(({ port }) => `127.0.0.1:${port}`).join(',');
    return `redis-sentinel://${user}:${password}@${places}/${PRIMARY}?sentinel_password=${this.others[0]?.password}`;
  }

  /** @override */
  async primary() {
    const answers = await allAnswers(this.others, ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', PRIMARY]);
    return this.most(answers.map((answer) => Number(/** @type {string[]} */ (answer)[1])));
  }

  /**
   * @override
   * @param {RedisNode} node
   */
  async restart(node) {
    // The Sentinels would see to it by themselves, ten seconds later.
    await node.start('--replicaof', '127.0.0.1', String((await this.primary()).port));
    await inSync(node);
  }

  /** Waits until all Sentinels know of two replicas in good health: without them there would be no failover. @override */
  async complete() {
    const known = async (/** @type {RedisNode} */ sentinel) => {
      const replicas = /** @type {string[][]} */ (await sentinel.ask('SENTINEL', 'REPLICAS', PRIMARY));
      const healthy = replicas.map((fields) => fields.join(' ')).filter((text) => HEALTHY.test(text));
      return healthy.length === this.nodes.length - 1;
    };
    await Promise.all(this.others.map((sentinel) => until('Sentinels know the replicas', () => known(sentinel))));
  }

  /** The Sentinels make another the primary; none has died. */
  async failover() {
    await firstAnswer(this.others, ['SENTINEL', 'FAILOVER', PRIMARY]);
  }
}

/** Three primaries, each with a third of the slots and a replica. */
export class ClusterServers extends Servers {
  /** @param {{ user?: string, password?: string }} [as] default: the default user */
  url({ user = '', password = this.nodes[0]?.password } = {}) {
    const places = this.asked.map(({ port }) => `127.0.0.1:${port}`).join(',');
    return `redis-cluster://${user}:${password}@${places}`;
  }

  /**
   * @override
   * @param {string} key
   */
  async primary(key = '') {
    const slot = Number(await firstAnswer(this.nodes, ['CLUSTER', 'KEYSLOT', key]));
    const answers = await allAnswers(this.nodes, ['CLUSTER', 'SLOTS']);
    return this.most(
      answers.map((answer) => {
        const ranges = /** @type {[number, number, [string, number]][]} */ (answer);
        const [, , owner] = ranges.find(([from, to]) => from <= slot && slot <= to) ?? [];
        return owner?.[1];
      }),
    );
  }

  /**
   * @override
   * @param {RedisNode} node
   */
  async restart(node) {
    await node.start();
    await inSync(node);
    await this.complete();
  }

  /** Waits until all nodes know of a living replica for each primary: one killed before would not be replaced. @override */
  async complete() {
    const known = async (/** @type {RedisNode} */ node) => {
      const lines = String(await node.ask('CLUSTER', 'NODES'))
        .split('\n')
        .filter((line) => line.includes('slave'));
      return lines.length === PRIMARIES && !lines.some((line) => line.includes('fail'));
    };
    await Promise.all(this.nodes.map((node) => until('all know the replicas', () => known(node))));
  }

  /**
   * A replica takes over from its primary, in agreement with it.
   *
   * @param {string} key
   */
  async failover(key) {
    const primary = await this.primary(key);
    const id = String(await primary.ask('CLUSTER', 'MYID'));
    const lines = String(await primary.ask('CLUSTER', 'REPLICAS', id));
    const replica = this.nodes.find((node) => lines.includes(`127.0.0.1:${node.port}@`));
    if (!replica) throw new Error(`${primary.name} has no replica`);
    await replica.ask('CLUSTER', 'FAILOVER');
  }

  /**
   * Moves the slot of a key to another node, key by key, while it is used.
   *
   * @param {string} key
   * @param {RedisNode} to a primary
   */
  async moveSlot(key, to) {
    const from = await this.primary(key);
    const [slot, source, target] = /** @type {string[]} */ (
      await Promise.all([from.ask('CLUSTER', 'KEYSLOT', key), from.ask('CLUSTER', 'MYID'), to.ask('CLUSTER', 'MYID')])
    ).map(String);
    const setSlot = (/** @type {RedisNode} */ node, /** @type {string[]} */ ...state) =>
      node.ask('CLUSTER', 'SETSLOT', String(slot), ...state);
    await setSlot(to, 'IMPORTING', String(source));
    await setSlot(from, 'MIGRATING', String(target));
    for (;;) {
      const [next] = /** @type {string[]} */ (await from.ask('CLUSTER', 'GETKEYSINSLOT', String(slot), 1));
      if (next === undefined) break;
      await from.ask('MIGRATE', '127.0.0.1', to.port, next, 0, 1_000, 'AUTH', to.password);
      await sleep(MOVE_MS);
    }
    for (const node of [to, from]) await setSlot(node, 'NODE', String(target));
    // Replicas refuse: they hear of it from their primaries.
    for (const node of this.nodes) await setSlot(node, 'NODE', String(target)).catch(() => {});
  }
}

/** @returns {Promise<SentinelServers>} once all replicas have synced and all Sentinels know each other */
export async function startSentinel() {
  const [password, theirs] = [newPassword(), newPassword()];
  const [ports, sentinelPorts] = [await freePorts(3), await freePorts(3)];
  const [primary] = ports;
  const nodes = ports.map((port) => {
    const follows = port === primary ? [] : [`replicaof 127.0.0.1 ${primary}`];
    const settings = [...SETTINGS, `masterauth ${password}`, ...follows];
    return new RedisNode({ name: `redis-${port}`, port, password, settings });
  });
  const ids = sentinelPorts.map(() => randomBytes(20).toString('hex'));
  const sentinels = sentinelPorts.map((port, i) => {
    const settings = [
      `sentinel myid ${ids[i]}`,
      `sentinel monitor ${PRIMARY} 127.0.0.1 ${primary} 2`,
      `sentinel auth-pass ${PRIMARY} ${password}`,
      `sentinel sentinel-pass ${theirs}`,
      `sentinel down-after-milliseconds ${PRIMARY} ${DOWN_AFTER_MS}`,
      `sentinel failover-timeout ${PRIMARY} ${FAILOVER_MS}`,
      // They would find each other by themselves, some seconds later.
      ...ports.slice(1).map((replica) => `sentinel known-replica ${PRIMARY} 127.0.0.1 ${replica}`),
      ...sentinelPorts.flatMap((other, j) =>
        i === j ? [] : [`sentinel known-sentinel ${PRIMARY} 127.0.0.1 ${other} ${ids[j]}`],
      ),
    ];
    return new RedisNode({ name: `sentinel-${port}`, port, password: theirs, settings });
  });
  const servers = new SentinelServers(nodes, sentinels);
  return orStop(servers, async () => {
    await Promise.all(nodes.map((node) => node.start()));
    await Promise.all(nodes.slice(1).map((node) => inSync(node)));
    await Promise.all(sentinels.map((sentinel) => sentinel.start('--sentinel')));
    await Promise.all(sentinels.map((sentinel) => sentinel.ask('SENTINEL', 'DEBUG', ...HASTE)));
    const agreed = async (/** @type {RedisNode} */ sentinel) =>
      String(await sentinel.ask('SENTINEL', 'CKQUORUM', PRIMARY)).startsWith(`OK ${sentinels.length}`);
    await Promise.all(sentinels.map((sentinel) => until('Sentinels agree', () => agreed(sentinel))));
    await servers.complete();
  });
}

/** @returns {Promise<ClusterServers>} once all replicas have synced and all nodes know each other */
export async function startCluster() {
  const password = newPassword();
  const [ports, busPorts] = [await freePorts(2 * PRIMARIES), await freePorts(2 * PRIMARIES)];
  const nodes = ports.map((port, i) => {
    const settings = [
      ...SETTINGS,
      `masterauth ${password}`,
      'cluster-enabled yes',
      'cluster-config-file nodes.conf',
      `cluster-port ${busPorts[i]}`,
      `cluster-node-timeout ${DOWN_AFTER_MS}`,
      'cluster-require-full-coverage no', // a node that is away is no concern of the others
      'cluster-allow-replica-migration no',
    ];
    return new RedisNode({ name: `cluster-${port}`, port, password, settings });
  });
  const servers = new ClusterServers(nodes);
  return orStop(servers, async () => {
    await Promise.all(nodes.map((node) => node.start()));
    const [first, ...others] = nodes;
    if (!first) return;
    await Promise.all(nodes.map((node, i) => node.ask('CLUSTER', 'SET-CONFIG-EPOCH', i + 1)));
    const bound = (/** @type {number} */ i) => Math.ceil((SLOTS * i) / PRIMARIES);
    const primaries = nodes.slice(0, PRIMARIES);
    await Promise.all(primaries.map((node, i) => node.ask('CLUSTER', 'ADDSLOTSRANGE', bound(i), bound(i + 1) - 1)));
    for (const [i, { port }] of others.entries()) {
      await first.ask('CLUSTER', 'MEET', '127.0.0.1', port, Number(busPorts[i + 1]));
    }
    const known = new RegExp(`cluster_state:ok[^]*cluster_known_nodes:${nodes.length}\r`);
    const formed = (/** @type {RedisNode} */ node) => async () => known.test(String(await node.ask('CLUSTER', 'INFO')));
    await Promise.all(nodes.map((node) => until('the Cluster has formed', formed(node))));
    const ids = await Promise.all(primaries.map((node) => node.ask('CLUSTER', 'MYID')));
    await Promise.all(nodes.slice(PRIMARIES).map((node, i) => node.ask('CLUSTER', 'REPLICATE', String(ids[i]))));
    await Promise.all(nodes.slice(PRIMARIES).map((node) => inSync(node)));
    await servers.complete();
  });
}

/**
 * @template {Servers} S
 * @param {S} servers
 * @param {() => Promise<void>} start
 * @returns {Promise<S>}
 */
async function orStop(servers, start) {
  try {
    await start();
    return servers;
  } catch (error) {
    await servers.stop();
    throw error;
  }
}

/**
 * @param {readonly RedisNode[]} nodes
 * @param {[string, ...string[]]} command
 */
function firstAnswer(nodes, [command, ...args]) {
  return Promise.any(nodes.map((node) => node.ask(command, ...args)));
}

/**
 * @param {readonly RedisNode[]} nodes
 * @param {[string, ...string[]]} command
 * @returns {Promise<unknown[]>} of those that answer soon
 */
async function allAnswers(nodes, [command, ...args]) {
  const soon = (/** @type {RedisNode} */ node) => Promise.race([node.ask(command, ...args), refusal(SOON_MS)]);
  const answers = await Promise.allSettled(nodes.map(soon));
  return answers.flatMap((answer) => (answer.status === 'fulfilled' && answer.value ? [answer.value] : []));
}

/** @param {number} ms */
async function refusal(ms) {
  await sleep(ms);
  throw new Error('no answer');
}

/** @param {RedisNode} node which is to be a replica with all data */
function inSync(node) {
  return until(`${node.name} is in sync`, () => node.inSync());
}

/**
 * @param {string} what
 * @param {() => Promise<boolean>} condition
 */
async function until(what, condition) {
  for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await sleep(25)) {
    if (await condition().catch(() => false)) return;
  }
  throw new Error(`after ${PATIENCE_MS} ms still not so: ${what}`);
}

/** @param {number} count */
async function freePorts(count) {
  /** @type {Set<number>} */
  const ports = new Set();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

function newPassword() {
  return randomBytes(18).toString('base64url');
}
