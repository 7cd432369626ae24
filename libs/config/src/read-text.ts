import { readFileSync, statSync } from 'node:fs';
import { Unfit } from './variable';

/** The environment: `process.env`, or an object of a test. */
export type Environ = Readonly<Record<string, string | undefined>>;

const MAX_FILE_BYTES = 65_536;

/**
 * The text of a variable, without surrounding white space; undefined when it is not set or blank. A secret may instead
 * lie in a file that `NAME_FILE` names, as Kubernetes and Compose mount it.
 * @throws Unfit when the file cannot be read, or when both are set
 */
export function readText(environ: Environ, name: string, secret: boolean): string | undefined {
  const text = clean(environ[name]);
  const file = secret ? clean(environ[`${name}_FILE`]) : undefined;
  if (file === undefined) return text;
  if (text !== undefined) throw new Unfit(`is set, and ${name}_FILE too: set one of them`);
  const content = clean(readSmallFile(name, file));
  if (content === undefined) throw new Unfit(`is not set: the file that ${name}_FILE names is empty`);
  return content;
}

function clean(text: string | undefined): string | undefined {
  const trimmed = text?.trim();
  return trimmed === '' ? undefined : trimmed;
}

/** Neither the path nor the content is repeated: somebody may have put the secret itself where its path belongs. */
function readSmallFile(name: string, file: string): string {
  try {
    if (statSync(file).size > MAX_FILE_BYTES) throw new Unfit(`is in a file of more than ${MAX_FILE_BYTES} bytes`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Unfit) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'error';
    throw new Unfit(`cannot be read from the file that ${name}_FILE names (${code})`);
  }
}
