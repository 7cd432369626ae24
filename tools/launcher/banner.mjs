// @ts-check
/** What `npm start` ends with: where to go, and as whom. */
import { join } from 'node:path';
import { toString as drawQr } from 'qrcode';
import { DEMO_FILE } from './demo.mjs';

/**
 * @param {object} options
 * @param {import('./terminal.mjs').Terminal} options.terminal
 * @param {number} options.port
 * @param {number} options.gateways
 * @param {string} options.publicUrl
 * @param {string | undefined} options.networkAddress
 * @param {import('./demo.mjs').Demo | undefined} options.demo
 * @param {{ name: string, url: string }[]} options.demoServices
 * @param {string} options.data
 */
export async function printBanner({ terminal, port, gateways, publicUrl, networkAddress, demo, demoServices, data }) {
  const local = `http://localhost:${port}`;
  const phone = networkAddress ? `http://${networkAddress}:${port}` : 'this machine is in no local network';
  /** @type {[string, string][]} */
  const rows = [['Puerta', local]];
  for (let n = 1; n < gateways; n += 1) rows.push([`gateway ${n + 1}`, `http://localhost:${port + n}`]);
  rows.push(['on your phone', phone]);
  if (publicUrl !== local && publicUrl !== phone) rows.push(['public', publicUrl]);
  rows.push(['API docs', `${local}/docs`], ['data and logs', data]);
  for (const { name, url } of demoServices) rows.push([`demo ${name}`, `${local}/api/v1/${name}, at ${url}`]);
  if (demo) {
    // What is no terminal is often kept, or read by others: a log, a CI job.
    const password = terminal.isTerminal ? demo.password : `in ${join(data, DEMO_FILE)}`;
    rows.push(['administrator', demo.email], ['password', password]);
    rows.push(['demo card', demo.number], ['scan it', demo.scanUrl]);
  }
  const width = Math.max(...rows.map(([label]) => label.length));
  const lines = rows.map(([label, value]) => `  ${terminal.dim(label.padEnd(width))}  ${terminal.bold(value)}`);
  terminal.print(`\n${lines.join('\n')}\n`);
  if (demo) terminal.print(await draw(demo.scanUrl, terminal.hasColour));
  terminal.print(terminal.dim('Ctrl-C stops everything.'));
}

/**
 * @param {string} url
 * @param {boolean} inColour black on white whatever the terminal's colours are; else in its own
 */
async function draw(url, inColour) {
  const drawing = await drawQr(url, { type: 'utf8', errorCorrectionLevel: 'L' });
  return inColour ? drawing.replace(/^.*$/gm, '\u001b[30;107m$&\u001b[0m') : drawing;
}
