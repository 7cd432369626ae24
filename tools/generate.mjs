// @ts-check
import './launcher/node-version.mjs';

const { main } = await import('./generate/main.mjs');
process.exit(await main(process.argv.slice(2), process.cwd()));
