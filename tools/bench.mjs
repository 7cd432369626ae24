// @ts-check
import './launcher/node-version.mjs';

const { main } = await import('./bench/main.mjs');
process.exitCode = await main(process.argv.slice(2));
