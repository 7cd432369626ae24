// @ts-check
import './launcher/node-version.mjs';

const { main } = await import('./launcher/main.mjs');
process.exit(await main('migrate', process.argv.slice(2), process.env));
