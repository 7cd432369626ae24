// @ts-check
/** As much of the Redis protocol as it takes to ask whether a server is up. */
import { connect } from 'node:net';

/**
 * @param {number} port on the loopback interface
 * @param {string} password
 * @param {string[]} command whose answer is one line
 * @returns {Promise<string | undefined>} the answer without its type mark; undefined when there is none, or an error
 */
export function ask(port, password, command) {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 2000 });
    let received = '';
    /** @param {string} [answer] */
    const settle = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.on('error', () => settle());
    socket.on('timeout', () => settle());
    socket.on('close', () => settle());
    socket.on('connect', () => socket.write(encode(['AUTH', password]) + encode(command)));
    socket.on('data', (chunk) => {
      received += chunk.toString();
      const [, answer] = received.split('\r\n');
      if (received.split('\r\n').length > 2) settle(answer?.startsWith('-') ? undefined : answer?.slice(1));
    });
  });
}

/** @param {string[]} words */
function encode(words) {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
}
