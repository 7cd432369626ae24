// A WebSocket that tells who of a company is connected. The gateway closes it when the token that opened it expires or is
// revoked, so whoever is shown here may still be here.
import { WebSocketServer } from 'ws';

/** What nobody answers to a ping is gone, though its connection may look alive for long. */
const PING_MS = 30_000;

const sockets = new WebSocketServer({ noServer: true, maxPayload: 1_024 });
const companies = new Map();

/** @param {{ company_id: string, email: string, user_id: string }} who whose proof was looked at before */
export function connect(request, socket, head, who) {
  sockets.handleUpgrade(request, socket, head, (connection) => {
    const others = companies.get(who.company_id) ?? new Map();
    companies.set(who.company_id, others.set(connection, who.email));
    let alive = true;
    const ping = setInterval(() => {
      if (!alive) return connection.terminate();
      alive = false;
      return connection.ping();
    }, PING_MS);
    connection.on('pong', () => (alive = true));
    connection.on('error', () => {}); // "close" follows
    connection.on('message', (text) => tell(others, { from: who.email, text: String(text) }));
    connection.on('close', () => {
      clearInterval(ping);
      others.delete(connection);
      if (others.size === 0) companies.delete(who.company_id);
      else tell(others, { connected: present(others) });
    });
    tell(others, { connected: present(others) });
  });
}

/** 1001: they may come again (RFC 6455 7.4.1). */
export function disconnectAll() {
  for (const connection of sockets.clients) connection.close(1001);
}

const present = (connections) => [...new Set(connections.values())].sort();

function tell(connections, what) {
  for (const connection of connections.keys()) connection.send(JSON.stringify(what));
}
