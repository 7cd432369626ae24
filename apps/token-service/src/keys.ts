import { loadOrExit } from '@puerta/service';
import { KeyTools } from './keys/key-tools';
import { keysCommand } from './keys/keys-command';
import { keysConfig } from './keys/keys-config';

/** `npm run keys`, and in a container `node app.js keys`. */
async function main(): Promise<void> {
  let tools: KeyTools | undefined;
  try {
    const {
      code,
      out = '',
      err = '',
    } = await keysCommand(process.argv.slice(2), async () => {
      tools = await KeyTools.open(loadOrExit(keysConfig));
      return tools;
    });
    process.stdout.write(out);
    process.stderr.write(err);
    process.exitCode = code;
  } catch (error) {
    process.stderr.write(`the keys cannot be reached: ${(error as Error).message}\n`);
    process.exitCode = 1;
  } finally {
    await tools?.close();
  }
}

void main();
