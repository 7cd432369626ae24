// @ts-check
import './launcher/node-version.mjs';

const { main } = await import('./launcher/main.mjs');
process.exit(await main('start', process.argv.slice(2), process.env));
