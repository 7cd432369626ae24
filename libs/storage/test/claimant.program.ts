import { SingleHost, type SingleHostOptions } from '../src/folder/single-host';

/** A process that uses a folder for as long as it lives; tells its parent whether it may. */
SingleHost.claim(JSON.parse(process.argv[3] ?? '') as SingleHostOptions).then(
  () => {
    process.send?.('claimed');
    setInterval(() => undefined, 60_000);
  },
  (error: Error) => process.send?.(error.message),
);
