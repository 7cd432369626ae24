// @ts-check
/**
 * Refuses a Node that cannot run the project, in words rather than by a stack trace about `require` of an ES module.
 * Imported first by every entry point; written so that old versions can parse it.
 */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const suits = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
if (!suits) {
  console.error(`Puerta needs Node 20.19 or newer, or 22.12 or newer; this is ${process.version}.`);
  console.error('Get a current one from https://nodejs.org, or with nvm: nvm install 24');
  process.exit(1);
}
if (process.platform === 'win32') {
  console.error('Puerta is developed on Linux and macOS. On Windows, run it in WSL.');
  process.exit(1);
}
