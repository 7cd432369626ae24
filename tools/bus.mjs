// @ts-check
import './launcher/node-version.mjs';

const { main } = await import('./bus/main.mjs');
process.exitCode = await main(process.argv.slice(2), process.env);
