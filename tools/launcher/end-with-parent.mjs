// @ts-check
// For `node --import`: the process ends when its standard input does, because the one that started it has died. It does not
// keep it from ending before.
process.stdin.on('error', () => process.exit()).on('end', () => process.exit());
process.stdin.resume();
/** @type {import('node:net').Socket} */ (process.stdin).unref();
