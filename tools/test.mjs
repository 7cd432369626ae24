// @ts-check
import './launcher/node-version.mjs';

const { main } = await import('./launcher/test-run.mjs');
process.exitCode = await main(process.argv.slice(2));
