// @ts-check
import './launcher/node-version.mjs';

const { main } = await import('./routes/main.mjs');
process.exitCode = await main(process.argv.slice(2), process.env);
